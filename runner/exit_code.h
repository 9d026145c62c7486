// What the exit code of the weft command says, and how errors carry it.
#ifndef WEFT_RUNNER_EXIT_CODE_H_
#define WEFT_RUNNER_EXIT_CODE_H_

#include "absl/status/status.h"

namespace weft::runner {

enum class ExitCode {
  kOk = 0,
  kInternal = 1,  // Out of memory, or a mistake in weft.
  kUsage = 2,     // The command line.
  kModel = 3,   // The model or checkpoint: missing, damaged, or not understood.
  kFeed = 4,    // A feed or fetch does not fit the model.
  kRun = 5,     // The run failed, took too long or was stopped.
  kOutput = 6,  // Results could not be written.
};

// `error` with its class; one that has a class keeps it.
absl::Status WithExitCode(absl::Status error, ExitCode code);

// kOk for OK, kInternal for an error without a class.
ExitCode ExitCodeOf(const absl::Status& status);

// One line per code, for the help.
const char* DescribeExitCodes();

}  // namespace weft::runner

#endif  // WEFT_RUNNER_EXIT_CODE_H_
