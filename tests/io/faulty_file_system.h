// A FileSystem in which the n-th call fails.
#ifndef WEFT_TESTS_IO_FAULTY_FILE_SYSTEM_H_
#define WEFT_TESTS_IO_FAULTY_FILE_SYSTEM_H_

#include <cerrno>
#include <functional>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "io/file_system.h"

namespace weft {

enum class Call { kOpen, kWrite, kSync, kClose, kRename, kRemove };

class FaultyFileSystem : public FileSystem {
 public:
  // Makes the n-th such call (1: the next) fail once with `error`.
  void Fail(Call call, int n, int error) {
    fail_[call] = n;
    error_[call] = error;
  }
  // Called before each call with what it is, e.g. "rename w.index".
  std::function<void(const std::string&)> before;
  // All calls so far; temporary names without their numbers.
  const std::vector<std::string>& log() const { return log_; }

  int Open(const std::string& path, int flags, mode_t mode) override {
    if (!Begin(Call::kOpen, "open " + path)) return -1;
    int fd = FileSystem::Open(path, flags, mode);
    paths_[fd] = path;
    return fd;
  }
  ssize_t Write(int fd, const void* data, size_t size) override {
    if (!Begin(Call::kWrite, "write " + paths_[fd])) return -1;
    return FileSystem::Write(fd, data, size);
  }
  int Sync(int fd) override {
    if (!Begin(Call::kSync, "sync " + paths_[fd])) return -1;
    return FileSystem::Sync(fd);
  }
  int Close(int fd) override {
    bool fails = !Begin(Call::kClose, "close " + paths_[fd]);
    int result = FileSystem::Close(fd);  // Even a failing one closes.
    if (fails) errno = error_[Call::kClose];
    return fails ? -1 : result;
  }
  int Rename(const std::string& from, const std::string& to) override {
    if (!Begin(Call::kRename, "rename " + to)) return -1;
    return FileSystem::Rename(from, to);
  }
  int Remove(const std::string& path) override {
    if (!Begin(Call::kRemove, "remove " + path)) return -1;
    return FileSystem::Remove(path);
  }

 private:
  bool Begin(Call call, const std::string& what) {
    static const std::regex kNumbers("\\.tmp-[0-9]+-[0-9]+");
    static const std::regex kDirectory("/.*/");
    std::string line = std::regex_replace(what, kNumbers, ".tmp");
    log_.push_back(std::regex_replace(line, kDirectory, ""));
    if (before) before(log_.back());
    if (fail_[call] == 0 || --fail_[call] > 0) return true;
    errno = error_[call];
    return false;
  }

  std::map<Call, int> fail_;
  std::map<Call, int> error_;
  std::map<int, std::string> paths_;
  std::vector<std::string> log_;
};

}  // namespace weft

#endif  // WEFT_TESTS_IO_FAULTY_FILE_SYSTEM_H_
