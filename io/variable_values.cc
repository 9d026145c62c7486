#include "io/variable_values.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status.h"
#include "io/bundle_reader.h"

namespace weft {
namespace {

constexpr size_t kMaxShown = 20;

std::string Join(const std::vector<std::string>& items) {
  std::vector<std::string> shown = items;
  if (shown.size() > kMaxShown) {
    shown.resize(kMaxShown);
    shown.push_back(absl::StrCat(items.size() - kMaxShown, " more"));
  }
  return absl::StrJoin(shown, ", ");
}

// "'w' is float32 [2] but the variable of the graph is float32 [3]", or "".
std::string Difference(const VariableInfo& variable, DataType dtype,
                       const TensorShape& shape) {
  if (dtype == variable.dtype && variable.shape.IsCompatibleWith(shape))
    return "";
  return absl::StrCat("'", variable.name, "' is ", DataTypeName(dtype), " ",
                      shape.ToString(), " but the variable of the graph is ",
                      DataTypeName(variable.dtype), " ",
                      variable.shape.ToString());
}

}  // namespace

absl::StatusOr<VariableValues> ReadVariableValues(const Graph& graph,
                                                  const std::string& prefix) {
  WEFT_ASSIGN_OR_RETURN(const BundleReader bundle, BundleReader::Open(prefix));
  VariableValues result;
  std::vector<std::string> present;
  std::vector<std::string> differences;
  for (const VariableInfo& variable : graph.variables()) {
    const BundleEntry* entry = bundle.Find(variable.name);
    if (entry == nullptr) {
      result.missing.push_back(variable.name);
      continue;
    }
    present.push_back(variable.name);
    std::string difference = Difference(variable, entry->dtype, entry->shape);
    if (!difference.empty()) differences.push_back(std::move(difference));
  }
  if (!differences.empty())
    return InvalidArgument(prefix, ": ", Join(differences));
  for (const std::string& name : present) {
    WEFT_ASSIGN_OR_RETURN(result.values[name], bundle.Read(name));
  }
  return result;
}

absl::Status CheckVariableValues(const Graph& graph, const TensorMap& values,
                                 const std::vector<std::string>& without) {
  std::vector<std::string> missing;
  std::vector<std::string> differences;
  for (const VariableInfo& variable : graph.variables()) {
    const auto value = values.find(variable.name);
    if (value == values.end()) {
      if (std::find(without.begin(), without.end(), variable.name) !=
          without.end())
        continue;
      missing.push_back(absl::StrCat("'", variable.name, "'"));
      continue;
    }
    std::string difference =
        Difference(variable, value->second.dtype(), value->second.shape());
    if (!difference.empty()) differences.push_back(std::move(difference));
  }
  if (!missing.empty())
    return NotFound("there is no value for ", Join(missing));
  return differences.empty() ? absl::OkStatus()
                             : InvalidArgument(Join(differences));
}

}  // namespace weft
