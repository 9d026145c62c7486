#include "io/file_system.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "core/status.h"

namespace weft {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::StatusCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::StatusCode::kResourceExhausted;
    case EISDIR:
    case EINVAL:
    case ELOOP:
    case ENAMETOOLONG:
      return absl::StatusCode::kInvalidArgument;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

}  // namespace

FileSystem& FileSystem::Default() {
  static FileSystem file_system;
  return file_system;
}

int FileSystem::Open(const std::string& path, int flags, mode_t mode) {
  return ::open(path.c_str(), flags, mode);
}

ssize_t FileSystem::Write(int fd, const void* data, size_t size) {
  // Past RLIMIT_FSIZE the kernel also sends this thread SIGXFSZ, which ends the
  // process. It is held back and taken, so that no handler of the program's is
  // touched.
  sigset_t xfsz, before;
  sigemptyset(&xfsz);
  sigaddset(&xfsz, SIGXFSZ);
  pthread_sigmask(SIG_BLOCK, &xfsz, &before);
  ssize_t written = ::write(fd, data, size);
  int error = errno;
  if (written < 0 && error == EFBIG) {
    const timespec now = {};
    sigtimedwait(&xfsz, nullptr, &now);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

int FileSystem::Sync(int fd) { return ::fsync(fd); }

int FileSystem::Close(int fd) { return ::close(fd); }

int FileSystem::Rename(const std::string& from, const std::string& to) {
  return ::rename(from.c_str(), to.c_str());
}

int FileSystem::Remove(const std::string& path) {
  return ::unlink(path.c_str());
}

absl::Status ErrnoError(int error, absl::string_view path,
                        absl::string_view action) {
  return absl::Status(CodeOf(error),
                      absl::StrCat(path, ": cannot ", action, ": ",
                                   std::generic_category().message(error)));
}

absl::Status SyncDirectory(const std::string& directory, FileSystem& fs) {
  int fd = fs.Open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) return ErrnoError(errno, directory, "open the directory");
  // EINVAL: this file system has nothing to sync in a directory.
  int error = fs.Sync(fd) == 0 || errno == EINVAL ? 0 : errno;
  fs.Close(fd);
  if (error != 0) return ErrnoError(error, directory, "sync the directory");
  return absl::OkStatus();
}

absl::Status RemoveFile(const std::string& path, FileSystem& fs) {
  if (fs.Remove(path) != 0 && errno != ENOENT) {
    return ErrnoError(errno, path, "remove");
  }
  return absl::OkStatus();
}

std::string DirectoryOf(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace weft
