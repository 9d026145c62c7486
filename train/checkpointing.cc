#include "train/checkpointing.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/status.h"
#include "graph/graph.h"

namespace weft {

std::map<std::string, Tensor> SessionState(const Session& session) {
  std::map<std::string, Tensor> state = session.GetVariables();
  for (const auto& [name, counter] : session.RandomCounters()) {
    state[absl::StrCat(kRandomCounterPrefix, name)] =
        Tensor::Scalar<int64_t>(static_cast<int64_t>(counter));
  }
  return state;
}

absl::Status RestoreSessionState(const std::map<std::string, Tensor>& state,
                                 Session* session,
                                 std::map<std::string, Tensor>* unused) {
  std::map<std::string, Tensor> left = state;
  std::map<std::string, Tensor> values;
  std::vector<std::string> missing;
  std::vector<std::string> different;
  for (const VariableInfo& variable : session->graph().variables()) {
    const auto it = left.find(variable.name);
    if (it == left.end()) {
      if (variable.restore) missing.push_back(variable.name);
      continue;
    }
    if (variable.restore) {
      const Tensor& value = it->second;
      if (value.dtype() != variable.dtype || value.shape() != variable.shape) {
        different.push_back(absl::StrCat(
            variable.name, " is ", DataTypeName(value.dtype()), " ",
            value.shape().ToString(), " but must be ",
            DataTypeName(variable.dtype), " ", variable.shape.ToString()));
      }
      values[variable.name] = value;
    }
    left.erase(it);
  }
  if (!different.empty()) {
    return InvalidArgument("the checkpoint does not fit: ",
                           absl::StrJoin(different, "; "));
  }
  if (!missing.empty()) {
    return NotFound("the checkpoint has no ", absl::StrJoin(missing, ", "));
  }
  std::map<std::string, uint64_t> counters;
  for (auto it = left.begin(); it != left.end();) {
    absl::string_view name = it->first;
    const bool is_counter = absl::ConsumePrefix(&name, kRandomCounterPrefix) &&
                            it->second.dtype() == DataType::kInt64 &&
                            it->second.num_elements() == 1;
    if (is_counter) {
      counters[std::string(name)] =
          static_cast<uint64_t>(it->second.scalar<int64_t>());
      it = left.erase(it);
    } else {
      ++it;
    }
  }
  WEFT_RETURN_IF_ERROR(session->SetVariables(values));
  WEFT_RETURN_IF_ERROR(session->SetRandomCounters(counters));
  if (unused != nullptr) *unused = std::move(left);
  return absl::OkStatus();
}

}  // namespace weft
