#include "runner/inspect_checkpoint.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "core/tensor.h"
#include "io/bundle_reader.h"
#include "io/checkpoint.h"
#include "io/saved_model.h"
#include "nlohmann/json.hpp"
#include "runner/exit_code.h"
#include "runner/model.h"
#include "runner/tensor_text.h"

namespace weft::runner {
namespace {

using Json = nlohmann::ordered_json;

std::string AsText(const std::string& prefix, const BundleEntries& entries) {
  std::string lines;
  uint64_t bytes = 0;
  int64_t elements = 0;
  size_t width = 0;
  for (const auto& [name, entry] : entries)
    width = std::max(width, std::min<size_t>(name.size(), 48));
  for (const auto& [name, entry] : entries) {
    bytes += entry.size;
    elements += entry.shape.num_elements();
    absl::StrAppend(&lines, "  ", Printable(name),
                    std::string(width - std::min(width, name.size()), ' '),
                    "  ", DescribeType(entry.dtype, entry.shape), "  ",
                    entry.size, " bytes\n");
  }
  return absl::StrCat(prefix, ": ", entries.size(), " tensors, ", elements,
                      " elements, ", bytes,
                      " bytes; all have their checksums\n", lines);
}

std::string AsJson(const std::string& prefix, const BundleEntries& entries) {
  Json tensors = Json::array();
  for (const auto& [name, entry] : entries) {
    tensors.push_back(
        {{"name", name},
         {"dtype", std::string(DataTypeName(entry.dtype))},
         {"shape", std::vector<int64_t>(entry.shape.dims().begin(),
                                        entry.shape.dims().end())},
         {"bytes", entry.size}});
  }
  const Json json = {{"checkpoint", prefix}, {"tensors", tensors}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

bool IsCheckpoint(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    if (!FindSavedModelFile(path).empty()) return false;
    for (const auto& file : std::filesystem::directory_iterator(path, error)) {
      const std::string name = file.path().filename().string();
      if (name == "checkpoint" || absl::EndsWith(name, ".index")) return true;
    }
    return false;
  }
  if (std::filesystem::exists(path, error))
    return absl::EndsWith(path, ".index");
  return std::filesystem::exists(path + ".index", error);
}

absl::Status InspectCheckpoint(const InspectFlags& flags, Console& console) {
  WEFT_ASSIGN_OR_RETURN(const std::string prefix,
                        FindCheckpoint(flags.model, console));
  const absl::StatusOr<BundleReader> bundle = BundleReader::Open(prefix);
  if (!bundle.ok()) return WithExitCode(bundle.status(), ExitCode::kModel);
  WEFT_RETURN_IF_ERROR(WithExitCode(bundle->Verify(), ExitCode::kModel));
  console.Print(flags.json ? AsJson(prefix, bundle->entries())
                           : AsText(prefix, bundle->entries()));
  return absl::OkStatus();
}

}  // namespace weft::runner
