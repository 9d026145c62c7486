// The verbs of the weft command. Each returns an error with its exit code, and
// has printed its results to `console` when it returns OK.
#ifndef WEFT_RUNNER_VERBS_H_
#define WEFT_RUNNER_VERBS_H_

#include "absl/status/status.h"
#include "runner/command_line.h"
#include "runner/console.h"

namespace weft::runner {

absl::Status Run(const RunFlags& flags, Console& console);
absl::Status Inspect(const InspectFlags& flags, Console& console);
absl::Status Bench(const BenchFlags& flags, Console& console);
absl::Status Freeze(const FreezeFlags& flags, Console& console);
absl::Status Convert(const ConvertFlags& flags, Console& console);

}  // namespace weft::runner

#endif  // WEFT_RUNNER_VERBS_H_
