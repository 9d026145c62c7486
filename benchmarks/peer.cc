#include "benchmarks/peer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/status.h"

namespace weft {
namespace {

constexpr size_t kLongestLine = 4096;

absl::Status SystemError(absl::string_view what) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<PeerOptions> ParsePeer(absl::string_view text) {
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos || colon == 0 ||
      colon + 1 == text.size()) {
    return InvalidArgument("peer '", text, "' must be NAME:COMMAND");
  }
  return PeerOptions{.name = std::string(text.substr(0, colon)),
                     .command = std::string(text.substr(colon + 1))};
}

absl::StatusOr<std::unique_ptr<Peer>> Peer::Start(PeerOptions options) {
  // A socket for its input: unlike a pipe that nobody reads from, it raises no
  // signal here.
  int in[2], out[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0)
    return SystemError("socketpair");
  if (pipe2(out, O_CLOEXEC) != 0) {
    close(in[0]);
    close(in[1]);
    return SystemError("pipe");
  }
  const pid_t process = fork();
  if (process == 0) {
    // A group of its own, so that End reaches what the shell has started.
    setpgid(0, 0);
    dup2(in[1], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    execl("/bin/sh", "sh", "-c", options.command.c_str(), nullptr);
    _exit(127);
  }
  const absl::Status status =
      process < 0 ? SystemError("fork") : absl::OkStatus();
  close(in[1]);
  close(out[1]);
  if (!status.ok()) {
    close(in[0]);
    close(out[0]);
    return status;
  }
  setpgid(process, process);
  return std::unique_ptr<Peer>(
      new Peer(std::move(options), process, in[0], out[0]));
}

Peer::~Peer() { End(); }

void Peer::End() {
  if (process_ < 0) return;
  close(in_);
  close(out_);
  kill(-process_, SIGKILL);
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) continue;
  process_ = -1;
}

absl::Status Peer::Fail(absl::Status status) {
  End();
  failed_ = Annotate(status, absl::StrCat("peer ", options_.name));
  return failed_;
}

absl::StatusOr<std::string> Peer::ReadLine() {
  const absl::Time deadline = absl::Now() + options_.timeout;
  while (true) {
    const size_t end = received_.find('\n');
    if (end != std::string::npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 1);
      return line;
    }
    if (received_.size() > kLongestLine) {
      return InvalidArgument("has written more than ", kLongestLine,
                             " bytes without the end of a line");
    }
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(absl::StrCat(
          "has not answered within ", absl::FormatDuration(options_.timeout)));
    }
    pollfd waiting = {.fd = out_, .events = POLLIN, .revents = 0};
    const int ready = poll(&waiting, 1, absl::ToInt64Milliseconds(left) + 1);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    if (ready < 0) return SystemError("poll");
    char buffer[512];
    const ssize_t n = read(out_, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError("read");
    if (n == 0) return absl::UnavailableError("has ended");
    received_.append(buffer, n);
  }
}

absl::StatusOr<std::string> Peer::Ask(const std::string& line) {
  if (!failed_.ok()) return failed_;
  const std::string text = line + "\n";
  size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t n =
        send(in_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
      return Fail(absl::UnavailableError("has ended"));
    if (n < 0) return Fail(SystemError("send"));
    sent += n;
  }
  absl::StatusOr<std::string> answer = ReadLine();
  if (!answer.ok()) return Fail(answer.status());
  return answer;
}

absl::StatusOr<bool> Peer::Prepare(const std::string& request) {
  WEFT_ASSIGN_OR_RETURN(const std::string answer, Ask(request));
  if (answer == "ready") return true;
  if (answer == "unsupported") return false;
  return Fail(InvalidArgument("has answered '", Printable(answer),
                              "' but must answer 'ready' or 'unsupported'"));
}

absl::StatusOr<double> Peer::Turn() {
  WEFT_ASSIGN_OR_RETURN(const std::string answer, Ask("turn"));
  double milliseconds;
  if (!absl::SimpleAtod(answer, &milliseconds) || !(milliseconds > 0) ||
      !std::isfinite(milliseconds)) {
    return Fail(InvalidArgument("has answered '", Printable(answer),
                                "' but must answer a number of milliseconds"));
  }
  return milliseconds;
}

}  // namespace weft
