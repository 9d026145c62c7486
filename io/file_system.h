// The system calls that change files, and what their errors mean.
#ifndef WEFT_IO_FILE_SYSTEM_H_
#define WEFT_IO_FILE_SYSTEM_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weft {

// What writing asks of the system. Each function is the system call of its
// name: -1 and errno say that it failed. Thread-safe.
//
// Tests derive a class from it, in which the n-th call fails.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  static FileSystem& Default();

  virtual int Open(const std::string& path, int flags, mode_t mode);
  // Past the limit on file sizes it fails with EFBIG; no signal is sent.
  virtual ssize_t Write(int fd, const void* data, size_t size);
  virtual int Sync(int fd);
  virtual int Close(int fd);
  virtual int Rename(const std::string& from, const std::string& to);
  virtual int Remove(const std::string& path);
};

// The status of a system call that failed with `error` (an errno):
// "PATH: cannot open: No such file or directory". NotFound, PermissionDenied,
// ResourceExhausted (disk, quota, file size, open files), InvalidArgument,
// AlreadyExists, or Unavailable for all else.
absl::Status ErrnoError(int error, absl::string_view path,
                        absl::string_view action);

// Makes the names in `directory` durable.
absl::Status SyncDirectory(const std::string& directory,
                           FileSystem& fs = FileSystem::Default());

// Removes a file; OK if there is none.
absl::Status RemoveFile(const std::string& path,
                        FileSystem& fs = FileSystem::Default());

// The directory in which `path` stands: "a/b" for "a/b/c", "." for "c".
std::string DirectoryOf(const std::string& path);

}  // namespace weft

#endif  // WEFT_IO_FILE_SYSTEM_H_
