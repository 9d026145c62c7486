#include "runner/exit_code.h"

#include <optional>
#include <string>

#include "absl/strings/cord.h"

namespace weft::runner {
namespace {

constexpr char kPayload[] = "weft/exit_code";

}  // namespace

absl::Status WithExitCode(absl::Status error, ExitCode code) {
  if (error.ok() || error.GetPayload(kPayload).has_value()) return error;
  const char digit = static_cast<char>('0' + static_cast<int>(code));
  error.SetPayload(kPayload, absl::Cord(absl::string_view(&digit, 1)));
  return error;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return ExitCode::kOk;
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return ExitCode::kInternal;
  return static_cast<ExitCode>(std::string(*payload)[0] - '0');
}

const char* DescribeExitCodes() {
  return "Exit codes:\n"
         "  0  done\n"
         "  1  out of memory, or a mistake in weft itself\n"
         "  2  the command line is wrong\n"
         "  3  the model or checkpoint is missing, damaged, or not understood\n"
         "  4  a feed or fetch does not fit the model\n"
         "  5  the run failed, took longer than --timeout, or was stopped by a "
         "signal\n"
         "  6  results could not be written\n";
}

}  // namespace weft::runner
