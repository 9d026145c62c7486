// weft inspect, of checkpoints.
#ifndef WEFT_RUNNER_INSPECT_CHECKPOINT_H_
#define WEFT_RUNNER_INSPECT_CHECKPOINT_H_

#include <string>

#include "absl/status/status.h"
#include "runner/command_line.h"
#include "runner/console.h"

namespace weft::runner {

// Is there a checkpoint at `path`: PREFIX, PREFIX.index, or a directory of
// checkpoints that is not a SavedModel?
bool IsCheckpoint(const std::string& path);

// Prints the tensors of the checkpoint `flags.model`, all of which are read.
absl::Status InspectCheckpoint(const InspectFlags& flags, Console& console);

}  // namespace weft::runner

#endif  // WEFT_RUNNER_INSPECT_CHECKPOINT_H_
