// Where the command writes: results to stdout, all else to stderr.
#ifndef WEFT_RUNNER_CONSOLE_H_
#define WEFT_RUNNER_CONSOLE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weft::runner {

// Makes file descriptors 0 to 2 exist, so that no file that is opened later
// gets one of them, and turns a closed pipe into an error of writing.
void PrepareStandardStreams();

// Writes through the file descriptors themselves: what is not written is known.
class Console {
 public:
  // `name` begins the lines on stderr: "weft run".
  explicit Console(std::string name) : name_(std::move(name)) {}

  // To stdout; `text` ends with a newline.
  void Print(absl::string_view text);
  // "weft run: warning: TEXT", "weft run: TEXT".
  void Warn(absl::string_view text) const;
  void Note(absl::string_view text) const;
  // "weft run: " and the error's message.
  void Report(const absl::Status& error) const;

  // The first error of writing to stdout.
  absl::Status Flush();

 private:
  const std::string name_;
  std::string buffer_;
  absl::Status status_;
};

}  // namespace weft::runner

#endif  // WEFT_RUNNER_CONSOLE_H_
