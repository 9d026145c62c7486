#include "io/checkpoint.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "io/atomic_file.h"
#include "io/bundle_reader.h"
#include "io/bundle_writer.h"
#include "io/checkpoint_list.h"
#include "io/checkpoint_state.h"
#include "io/file.h"

namespace weft {
namespace {

// To find a checkpoint while another process saves new and removes old ones.
constexpr int kMaxAttempts = 10;

absl::Status CheckArguments(const std::string& directory,
                            const std::string& basename, int64_t step,
                            const SaveOptions& options) {
  if (directory.empty()) return InvalidArgument("directory must not be empty");
  bool is_plain = std::none_of(
      basename.begin(), basename.end(),
      [](unsigned char c) { return c == '/' || absl::ascii_iscntrl(c); });
  if (basename.empty() || basename[0] == '.' || !is_plain) {
    return InvalidArgument(
        "basename '", Printable(basename),
        "' must be a file name without '/', not beginning with '.'");
  }
  if (step < 0)
    return InvalidArgument("step is ", step, " but must be 0 or more");
  if (options.keep < 0) {
    return InvalidArgument("keep is ", options.keep, " but must be 0 or more");
  }
  return absl::OkStatus();
}

absl::Status MakeDirectory(const std::string& directory, FileSystem& fs) {
  std::error_code error;
  const bool is_new = std::filesystem::create_directories(directory, error);
  if (error) return ErrnoError(error.value(), directory, "make the directory");
  return is_new ? SyncDirectory(DirectoryOf(directory), fs) : absl::OkStatus();
}

// The lock that SaveCheckpoint needs: `options.lock`, or one of its own.
absl::Status TakeLock(const std::string& directory, const SaveOptions& options,
                      std::optional<DirectoryLock>* own) {
  if (options.lock == nullptr) {
    WEFT_ASSIGN_OR_RETURN(*own, DirectoryLock::Acquire(directory));
  } else if (options.lock->directory() != directory) {
    return InvalidArgument("the lock is that of ", options.lock->directory(),
                           " but must be that of ", directory);
  }
  return absl::OkStatus();
}

// Removes what saves that were cut short have left behind. For the holder of
// the lock: all temporary files are dead.
absl::Status RemoveTemporaries(const std::string& directory,
                               const std::string& basename, FileSystem& fs) {
  WEFT_ASSIGN_OR_RETURN(std::vector<std::string> files,
                        ListDirectory(directory));
  for (const std::string& file : files) {
    if (!IsTemporaryName(file)) continue;
    if (absl::StartsWith(file, absl::StrCat(basename, "-")) ||
        absl::StartsWith(file, "checkpoint.tmp-")) {
      WEFT_RETURN_IF_ERROR(RemoveFile(absl::StrCat(directory, "/", file), fs));
    }
  }
  return absl::OkStatus();
}

// Takes the oldest names of `basename` out of `*names`, until `keep` are left.
std::vector<std::string> TakeOldest(const std::string& basename, int keep,
                                    std::vector<std::string>* names) {
  std::vector<std::string> oldest;
  if (keep == 0) return oldest;
  auto is_one = [&](const std::string& name) {
    CheckpointName parsed = ParseCheckpointName(name);
    return parsed.basename == basename && parsed.step >= 0;
  };
  int64_t excess = std::count_if(names->begin(), names->end(), is_one) - keep;
  std::vector<std::string> rest;
  for (std::string& name : *names) {
    bool is_excess = excess > 0 && is_one(name);
    if (is_excess) --excess;
    (is_excess ? oldest : rest).push_back(std::move(name));
  }
  *names = std::move(rest);
  return oldest;
}

// Removes the files of a checkpoint: the index first, without which it does not
// exist.
absl::Status RemoveCheckpoint(const std::string& directory,
                              const std::string& name, FileSystem& fs) {
  const std::string prefix = absl::StrCat(directory, "/", name);
  WEFT_RETURN_IF_ERROR(RemoveFile(BundleIndexPath(prefix), fs));
  WEFT_ASSIGN_OR_RETURN(std::vector<std::string> files,
                        ListDirectory(directory));
  for (const std::string& file : files) {
    if (absl::StartsWith(file, absl::StrCat(name, ".data-")) ||
        file == absl::StrCat(name, ".meta")) {
      WEFT_RETURN_IF_ERROR(RemoveFile(absl::StrCat(directory, "/", file), fs));
    }
  }
  return absl::OkStatus();
}

// Makes `name`, which is saved, the newest of `names`, and keeps as many as
// asked for.
absl::Status ListAsNewest(const std::string& directory, const std::string& name,
                          std::vector<std::string> names, int keep,
                          FileSystem& fs) {
  std::erase_if(names, [&](const std::string& other) {
    struct stat info;
    const std::string path =
        BundleIndexPath(absl::StrCat(directory, "/", other));
    return other == name || ::lstat(path.c_str(), &info) != 0;
  });
  names.push_back(name);
  std::vector<std::string> oldest =
      TakeOldest(ParseCheckpointName(name).basename, keep, &names);
  WEFT_RETURN_IF_ERROR(WriteCheckpointState(directory, names, fs));
  for (const std::string& old : oldest) {
    WEFT_RETURN_IF_ERROR(RemoveCheckpoint(directory, old, fs));
  }
  return absl::OkStatus();
}

// Is it in the nature of this error that an older checkpoint may be better?
bool IsDamage(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsNotFound(status) ||
         absl::IsInvalidArgument(status);
}

absl::Status VerifyCheckpoint(const std::string& directory,
                              const std::string& name) {
  WEFT_RETURN_IF_ERROR(CheckContained(directory, name));
  WEFT_ASSIGN_OR_RETURN(BundleReader bundle,
                        BundleReader::Open(absl::StrCat(directory, "/", name)));
  return bundle.Verify();
}

absl::Status NoneIsWhole(const std::string& directory,
                         const std::vector<absl::Status>& skipped) {
  if (skipped.empty()) return NotFound(directory, ": holds no checkpoint");
  std::string text =
      absl::StrCat(directory, ": holds no checkpoint that is whole");
  for (const absl::Status& status : skipped) {
    absl::StrAppend(&text, "\n  ", status.message());
  }
  return DataLoss(text);
}

absl::StatusOr<LatestCheckpointResult> FindLatest(const std::string& directory,
                                                  const CheckpointList& list) {
  std::vector<std::string> candidates = list.unlisted;
  candidates.insert(candidates.end(), list.names.begin(), list.names.end());
  LatestCheckpointResult result;
  if (!list.problem.ok()) result.skipped.push_back(list.problem);
  for (auto name = candidates.rbegin(); name != candidates.rend(); ++name) {
    absl::Status status = VerifyCheckpoint(directory, *name);
    if (status.ok()) {
      result.prefix = absl::StrCat(directory, "/", *name);
      result.step = ParseCheckpointName(*name).step;
      return result;
    }
    if (!IsDamage(status)) return status;
    result.skipped.push_back(std::move(status));
  }
  return NoneIsWhole(directory, result.skipped);
}

}  // namespace

absl::StatusOr<std::string> SaveCheckpoint(const std::string& directory,
                                           const std::string& basename,
                                           int64_t step,
                                           const TensorMap& tensors,
                                           const SaveOptions& options) {
  FileSystem& fs =
      options.file_system ? *options.file_system : FileSystem::Default();
  WEFT_RETURN_IF_ERROR(CheckArguments(directory, basename, step, options));
  WEFT_RETURN_IF_ERROR(MakeDirectory(directory, fs));
  std::optional<DirectoryLock> own_lock;
  WEFT_RETURN_IF_ERROR(TakeLock(directory, options, &own_lock));
  WEFT_ASSIGN_OR_RETURN(CheckpointList list, ListCheckpoints(directory));
  WEFT_RETURN_IF_ERROR(RemoveTemporaries(directory, basename, fs));

  const std::string name = absl::StrCat(basename, "-", step);
  const std::string prefix = absl::StrCat(directory, "/", name);
  WEFT_RETURN_IF_ERROR(WriteBundle(prefix, tensors, fs));
  absl::Status status =
      ListAsNewest(directory, name, std::move(list.names), options.keep, fs);
  if (!status.ok())
    return Annotate(status, absl::StrCat(prefix, " is saved, but"));
  return prefix;
}

absl::StatusOr<LatestCheckpointResult> LatestCheckpoint(
    const std::string& directory) {
  WEFT_ASSIGN_OR_RETURN(CheckpointList list, ListCheckpoints(directory));
  for (int attempt = 0;; ++attempt) {
    absl::StatusOr<LatestCheckpointResult> latest = FindLatest(directory, list);
    if (latest.ok() && latest->skipped.empty()) return latest;
    // What was there may be gone because a writer has made a newer one.
    WEFT_ASSIGN_OR_RETURN(CheckpointList now, ListCheckpoints(directory));
    if (now.names == list.names || attempt == kMaxAttempts) return latest;
    list = std::move(now);
  }
}

absl::StatusOr<TensorMap> RestoreCheckpoint(
    const std::string& prefix, const std::shared_ptr<Allocator>& allocator) {
  WEFT_ASSIGN_OR_RETURN(BundleReader bundle, BundleReader::Open(prefix));
  return bundle.ReadAll(allocator);
}

}  // namespace weft
