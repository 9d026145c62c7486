#include "tests/runner/weft_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "gtest/gtest.h"

namespace weft {
namespace {

constexpr char kWeft[] = "runner/weft";  // In the directory that tests run in.

std::string TakeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  unlink(path.c_str());
  return text;
}

void Redirect(int fd, const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  dup2(file, fd);
  close(file);
}

void RedirectStdout(Stdout to, const std::string& path) {
  int pipe_ends[2];
  switch (to) {
    case Stdout::kFile:
      Redirect(STDOUT_FILENO, path);
      break;
    case Stdout::kClosed:
      close(STDIN_FILENO);
      close(STDOUT_FILENO);
      break;
    case Stdout::kFull:
      Redirect(STDOUT_FILENO, "/dev/full");
      break;
    case Stdout::kClosedPipe:
      if (pipe(pipe_ends) != 0) _exit(127);
      dup2(pipe_ends[1], STDOUT_FILENO);
      close(pipe_ends[0]);
      close(pipe_ends[1]);
      break;
  }
}

// Does the process have a handler for the signal?
bool Handles(pid_t process, int signal) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("SigCgt:", 0) != 0) continue;
    const uint64_t mask = std::strtoull(line.c_str() + 7, nullptr, 16);
    return (mask >> (signal - 1) & 1) != 0;
  }
  return false;
}

int WaitFor(pid_t process, int signal) {
  int status = 0;
  while (signal != 0 && !Handles(process, signal)) {
    if (waitpid(process, &status, WNOHANG) == process) return status;
    usleep(1000);
  }
  if (signal != 0) kill(process, signal);
  waitpid(process, &status, 0);
  return status;
}

}  // namespace

ProcessResult Weft(const std::vector<std::string>& args,
                   const ProcessOptions& options) {
  const std::string base =
      ::testing::TempDir() + "/weft_process" + std::to_string(getpid());
  const std::string out = base + ".out";
  const std::string err = base + ".err";
  std::vector<char*> argv = {const_cast<char*>(kWeft)};
  for (const std::string& arg : args)
    argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  const pid_t process = fork();
  if (process == 0) {
    Redirect(STDERR_FILENO, err);
    RedirectStdout(options.stdout_to, out);
    execv(kWeft, argv.data());
    _exit(127);
  }
  const int status = WaitFor(process, options.signal);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, TakeFile(out),
          TakeFile(err)};
}

}  // namespace weft
