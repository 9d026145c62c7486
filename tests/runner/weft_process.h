// The weft command, as a process.
#ifndef WEFT_TESTS_RUNNER_WEFT_PROCESS_H_
#define WEFT_TESTS_RUNNER_WEFT_PROCESS_H_

#include <string>
#include <vector>

namespace weft {

struct ProcessResult {
  int exit_code = -1;  // -1: ended by a signal.
  std::string out;
  std::string err;
};

// Where stdout goes. kClosed: stdin is closed, too.
enum class Stdout { kFile, kClosed, kFull, kClosedPipe };

struct ProcessOptions {
  Stdout stdout_to = Stdout::kFile;
  // Sent once the process handles it; 0: none.
  int signal = 0;
};

// Runs `weft ARGS...` to its end.
ProcessResult Weft(const std::vector<std::string>& args,
                   const ProcessOptions& options = {});

}  // namespace weft

#endif  // WEFT_TESTS_RUNNER_WEFT_PROCESS_H_
