#include "runner/console.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "runner/exit_code.h"

namespace weft::runner {
namespace {

constexpr size_t kBufferBytes = 1 << 16;

// 0, or the errno of what went wrong.
int WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

// There is nothing left to do if this fails.
void WriteError(absl::string_view text) { WriteAll(STDERR_FILENO, text); }

}  // namespace

void PrepareStandardStreams() {
  signal(SIGPIPE, SIG_IGN);
  // Gets the lowest number that is free; writing to it fails.
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_RDONLY);
  if (fd > STDERR_FILENO) close(fd);
}

void Console::Print(absl::string_view text) {
  absl::StrAppend(&buffer_, text);
  if (buffer_.size() >= kBufferBytes) Flush().IgnoreError();
}

void Console::Warn(absl::string_view text) const {
  Note(absl::StrCat("warning: ", text));
}

void Console::Note(absl::string_view text) const {
  WriteError(absl::StrCat(name_, ": ", text, "\n"));
}

void Console::Report(const absl::Status& error) const { Note(error.message()); }

absl::Status Console::Flush() {
  if (status_.ok()) {
    if (const int error = WriteAll(STDOUT_FILENO, buffer_); error != 0) {
      status_ = WithExitCode(
          absl::UnavailableError(absl::StrCat(
              "can not write to standard output: ", strerror(error))),
          ExitCode::kOutput);
    }
  }
  buffer_.clear();
  return status_;
}

}  // namespace weft::runner
