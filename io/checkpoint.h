// Checkpoints: the values of variables, saved while training.
//
// A directory holds the last few of them, BASENAME-STEP.index and
// BASENAME-STEP.data-00000-of-00001 each, and the file `checkpoint` that lists
// them; TensorFlow reads and writes the same.
#ifndef WEFT_IO_CHECKPOINT_H_
#define WEFT_IO_CHECKPOINT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/allocator.h"
#include "io/bundle_format.h"
#include "io/directory_lock.h"
#include "io/file_system.h"

namespace weft {

struct SaveOptions {
  int keep = 5;  // Newest checkpoints of this name; 0: all.
  const DirectoryLock* lock =
      nullptr;                        // The directory's, if the caller has it.
  FileSystem* file_system = nullptr;  // Null: the system's.
};

// Saves `tensors` as DIRECTORY/BASENAME-STEP, makes it the newest, and removes
// the oldest that are too many. Returns DIRECTORY/BASENAME-STEP. Makes the
// directory if it is not there.
//
// Whenever it fails, or the process or the machine stops, the checkpoints
// before are intact, and the new one is there as a whole or not at all. (One of
// the same step is replaced, see WriteBundle.) Aborted if another writer is at
// work in the directory.
absl::StatusOr<std::string> SaveCheckpoint(const std::string& directory,
                                           const std::string& basename,
                                           int64_t step,
                                           const TensorMap& tensors,
                                           const SaveOptions& options = {});

struct LatestCheckpointResult {
  std::string prefix;  // DIRECTORY/BASENAME-STEP
  int64_t step = -1;   // -1 if the name has none.
  // What is wrong with those that are newer, newest first.
  std::vector<absl::Status> skipped;
};

// The newest checkpoint in `directory` that is whole: every tensor of it was
// read and has its checksum. Where the file `checkpoint` is lost or damaged,
// the steps in the files' names tell which is the newest.
//
// NotFound if there is none, DataLoss if all are damaged, PermissionDenied if
// the file `checkpoint` leads out of the directory. Another error, such as that
// of a newer format, is not passed over for the sake of an older checkpoint.
absl::StatusOr<LatestCheckpointResult> LatestCheckpoint(
    const std::string& directory);

// All tensors of a checkpoint, e.g. LatestCheckpoint(..)->prefix. Errors as
// BundleReader.
absl::StatusOr<TensorMap> RestoreCheckpoint(
    const std::string& prefix,
    const std::shared_ptr<Allocator>& allocator = Allocator::Default());

}  // namespace weft

#endif  // WEFT_IO_CHECKPOINT_H_
