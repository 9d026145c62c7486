// The file `checkpoint`: which checkpoints a directory holds.
#ifndef WEFT_IO_CHECKPOINT_STATE_H_
#define WEFT_IO_CHECKPOINT_STATE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/file_system.h"

namespace weft {

// The checkpoints that DIRECTORY/checkpoint lists, as paths within the
// directory, oldest first; the last is the one that the file calls the newest.
//
// The file may come from anywhere, so that it is data and no more:
// PermissionDenied if it leads out of its directory (by "..", another absolute
// path, or a control character). NotFound if there is no such file,
// InvalidArgument if it is not one.
absl::StatusOr<std::vector<std::string>> ReadCheckpointState(
    const std::string& directory);

// Writes the file; `names` as above.
absl::Status WriteCheckpointState(const std::string& directory,
                                  const std::vector<std::string>& names,
                                  FileSystem& fs = FileSystem::Default());

// PermissionDenied if a part of `name`, a checkpoint within `directory`, or one
// of its files is a link (symbolic, or one of several names of a file) or no
// regular file: such may be outside of the directory.
absl::Status CheckContained(const std::string& directory,
                            const std::string& name);

}  // namespace weft

#endif  // WEFT_IO_CHECKPOINT_STATE_H_
