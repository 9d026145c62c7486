#include "io/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "io/file_system.h"

namespace weft {
namespace {

// Who has the lock, as its file tells; for a message.
std::string ReadHolder(int fd) {
  char text[64];
  ssize_t size = ::pread(fd, text, sizeof(text), 0);
  if (size <= 0) return "another writer";
  return absl::StrCat("process ", Printable({text, static_cast<size_t>(size)}));
}

void WriteHolder(int fd) {
  std::string pid = absl::StrCat(::getpid());
  // Only for messages: without it the lock is as good.
  if (::ftruncate(fd, 0) != 0) return;
  [[maybe_unused]] ssize_t written = ::pwrite(fd, pid.data(), pid.size(), 0);
}

}  // namespace

absl::StatusOr<DirectoryLock> DirectoryLock::Acquire(
    const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/checkpoint.lock");
  int fd = ::open(path.c_str(),
                  O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (fd < 0) return ErrnoError(errno, path, "open");
  DirectoryLock lock(fd, directory);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoError(errno, path, "lock");
    return absl::AbortedError(
        absl::StrCat(directory, ": ", ReadHolder(fd),
                     " writes checkpoints here (it has the lock ", path,
                     "); a directory has one writer at a time"));
  }
  WriteHolder(fd);
  return lock;
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      directory_(std::move(other.directory_)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(directory_, other.directory_);
  return *this;
}

}  // namespace weft
