#include "io/checkpoint_list.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/status.h"
#include "io/checkpoint_state.h"
#include "io/file.h"

namespace weft {
namespace {

// Seconds and nanoseconds at which an index was made.
using Time = std::pair<int64_t, int64_t>;

std::optional<Time> TimeOf(const std::string& directory,
                           const std::string& name) {
  struct stat info;
  const std::string path = absl::StrCat(directory, "/", name, ".index");
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
    return std::nullopt;
  return Time(info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

// The checkpoints whose index stands in the directory, by step, then time.
absl::StatusOr<std::vector<std::string>> ScanDirectory(
    const std::string& directory) {
  WEFT_ASSIGN_OR_RETURN(std::vector<std::string> files,
                        ListDirectory(directory));
  std::vector<std::tuple<int64_t, Time, std::string>> found;
  for (absl::string_view file : files) {
    if (!absl::ConsumeSuffix(&file, ".index") || file.empty()) continue;
    std::string name(file);
    if (std::optional<Time> time = TimeOf(directory, name)) {
      found.emplace_back(ParseCheckpointName(name).step, *time, name);
    }
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (auto& [step, time, name] : found) names.push_back(std::move(name));
  return names;
}

// Was `name`, which is not listed, saved after `newest`, which is? Both the
// step and the time must say so: steps may begin anew, and copies of files have
// any time.
bool IsAfter(const std::string& directory, const std::string& name,
             const std::string& newest) {
  CheckpointName a = ParseCheckpointName(newest), b = ParseCheckpointName(name);
  return a.basename == b.basename && a.step < b.step &&
         TimeOf(directory, newest) <= TimeOf(directory, name);
}

}  // namespace

CheckpointName ParseCheckpointName(absl::string_view name) {
  CheckpointName parsed{std::string(name)};
  size_t dash = name.rfind('-');
  if (dash == absl::string_view::npos) return parsed;
  absl::string_view digits = name.substr(dash + 1);
  int64_t step;
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos ||
      !absl::SimpleAtoi(digits, &step)) {
    return parsed;
  }
  return {std::string(name.substr(0, dash)), step};
}

absl::StatusOr<CheckpointList> ListCheckpoints(const std::string& directory) {
  CheckpointList list;
  WEFT_ASSIGN_OR_RETURN(std::vector<std::string> found,
                        ScanDirectory(directory));
  absl::StatusOr<std::vector<std::string>> listed =
      ReadCheckpointState(directory);
  if (!listed.ok()) {
    if (absl::IsPermissionDenied(listed.status())) return listed.status();
    if (!absl::IsNotFound(listed.status())) list.problem = listed.status();
    list.names = std::move(found);
    return list;
  }
  list.names = *std::move(listed);
  const std::string newest = list.names.back();
  std::vector<std::string> sorted = list.names;
  std::sort(sorted.begin(), sorted.end());
  for (std::string& name : found) {
    if (std::binary_search(sorted.begin(), sorted.end(), name)) continue;
    bool is_newer = IsAfter(directory, name, newest);
    (is_newer ? list.names : list.unlisted).push_back(std::move(name));
  }
  return list;
}

}  // namespace weft
