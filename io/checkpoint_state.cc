#include "io/checkpoint_state.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/status.h"
#include "io/atomic_file.h"
#include "io/file.h"
#include "proto/checkpoint.pb.h"

namespace weft {
namespace {

constexpr uint64_t kMaxStateBytes = 1 << 24;

std::string StatePath(const std::string& directory) {
  return absl::StrCat(directory, "/checkpoint");
}

template <typename... Args>
absl::Status PermissionDenied(const Args&... args) {
  return absl::PermissionDeniedError(absl::StrCat(args...));
}

// Keeps the first error instead of printing it.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (!text_.empty()) return;
    text_ = absl::StrCat("line ", line + 1, ", column ", column + 1, ": ",
                         Printable(message));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

absl::StatusOr<proto::CheckpointState> ParseState(const std::string& text) {
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.SetRecursionLimit(100);
  parser.RecordErrorsTo(&error);
  proto::CheckpointState state;
  if (!parser.ParseFromString(text, &state)) {
    return InvalidArgument("not a list of checkpoints: ", error.text());
  }
  return state;
}

// `path` as seen from `directory`; as it is, unless it is an absolute path
// into the directory.
std::string RelativeTo(const std::string& directory, const std::string& path) {
  if (path.empty() || path[0] != '/') return path;
  std::error_code error;
  std::filesystem::path root = std::filesystem::canonical(directory, error);
  if (error) return path;
  const std::string start = absl::StrCat(root.string(), "/");
  return absl::StartsWith(path, start) ? path.substr(start.size()) : path;
}

// `path`, which the state file has, as a path within `directory`.
absl::StatusOr<std::string> PathWithin(const std::string& directory,
                                       const std::string& path) {
  if (std::any_of(path.begin(), path.end(),
                  [](unsigned char c) { return absl::ascii_iscntrl(c); })) {
    return PermissionDenied("'", Printable(path),
                            "' holds a control character");
  }
  std::string relative = RelativeTo(directory, path);
  if (absl::StartsWith(relative, "/")) {
    return PermissionDenied("'", Printable(path),
                            "' is outside of the directory");
  }
  for (absl::string_view part : absl::StrSplit(relative, '/')) {
    if (part.empty() || part == "." || part == "..") {
      return PermissionDenied("'", Printable(path),
                              "' must be a plain path within the ",
                              "directory, without '", part, "' in it");
    }
  }
  return relative;
}

// Refuses what is not itself at this place. Absent files are fine.
absl::Status CheckNotLinked(const std::string& path, bool is_directory) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? absl::OkStatus()
                           : ErrnoError(errno, path, "examine");
  }
  if (S_ISLNK(info.st_mode)) {
    return PermissionDenied(path,
                            ": is a symbolic link, which may lead anywhere");
  }
  if (is_directory) return absl::OkStatus();
  if (!S_ISREG(info.st_mode)) {
    return PermissionDenied(path, ": is not a regular file");
  }
  if (info.st_nlink > 1) {
    return PermissionDenied(path, ": has ", info.st_nlink,
                            " hard links, of which some may be elsewhere");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadCheckpointState(
    const std::string& directory) {
  const std::string path = StatePath(directory);
  WEFT_RETURN_IF_ERROR(CheckNotLinked(path, /*is_directory=*/false));
  WEFT_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxStateBytes));
  absl::StatusOr<proto::CheckpointState> state = ParseState(text);
  if (!state.ok()) return Annotate(state.status(), path);
  if (state->model_checkpoint_path().empty()) {
    return InvalidArgument(path, ": names no checkpoint");
  }
  state->add_all_model_checkpoint_paths(state->model_checkpoint_path());
  std::vector<std::string> names;
  for (const std::string& listed : state->all_model_checkpoint_paths()) {
    absl::StatusOr<std::string> name = PathWithin(directory, listed);
    if (!name.ok()) return Annotate(name.status(), path);
    names.push_back(*std::move(name));
  }
  // The newest, now last, stands among the others as well.
  auto others_end = names.end() - 1;
  names.erase(std::remove(names.begin(), others_end, names.back()), others_end);
  return names;
}

absl::Status WriteCheckpointState(const std::string& directory,
                                  const std::vector<std::string>& names,
                                  FileSystem& fs) {
  WEFT_CHECK(!names.empty());
  proto::CheckpointState state;
  state.set_model_checkpoint_path(names.back());
  for (const std::string& name : names)
    state.add_all_model_checkpoint_paths(name);
  std::string text;
  WEFT_CHECK(google::protobuf::TextFormat::PrintToString(state, &text));
  return WriteFileAtomically(StatePath(directory), text, fs);
}

absl::Status CheckContained(const std::string& directory,
                            const std::string& name) {
  std::string parent = directory;
  std::vector<std::string> parts = absl::StrSplit(name, '/');
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    absl::StrAppend(&parent, "/", parts[i]);
    WEFT_RETURN_IF_ERROR(CheckNotLinked(parent, /*is_directory=*/true));
  }
  absl::StatusOr<std::vector<std::string>> files = ListDirectory(parent);
  WEFT_RETURN_IF_ERROR(files.status());
  for (const std::string& file : *files) {
    if (file == absl::StrCat(parts.back(), ".index") ||
        absl::StartsWith(file, absl::StrCat(parts.back(), ".data-"))) {
      WEFT_RETURN_IF_ERROR(CheckNotLinked(absl::StrCat(parent, "/", file),
                                          /*is_directory=*/false));
    }
  }
  return absl::OkStatus();
}

}  // namespace weft
