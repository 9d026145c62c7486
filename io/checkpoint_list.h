// Which checkpoints a directory holds, and in which order they were made.
#ifndef WEFT_IO_CHECKPOINT_LIST_H_
#define WEFT_IO_CHECKPOINT_LIST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weft {

// A checkpoint's name, taken apart: "BASENAME-STEP".
struct CheckpointName {
  std::string basename;
  int64_t step = -1;  // -1 if there is none, and all of the name is basename.
};
CheckpointName ParseCheckpointName(absl::string_view name);

struct CheckpointList {
  // As paths within the directory, oldest first. What the file `checkpoint`
  // lists, then what was saved after it was written: a save that ended early.
  std::vector<std::string> names;
  // Others that stand in the directory, oldest first. Nobody counts on them.
  std::vector<std::string> unlisted;
  // Why the file `checkpoint` could not be used, if it is there. Then, and if
  // it is not there, `names` are all that stand in the directory, by their
  // steps.
  absl::Status problem;
};

// PermissionDenied if the file `checkpoint` leads out of the directory; else
// fails only if the directory cannot be read.
absl::StatusOr<CheckpointList> ListCheckpoints(const std::string& directory);

}  // namespace weft

#endif  // WEFT_IO_CHECKPOINT_LIST_H_
