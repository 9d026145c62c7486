// One writer at a time.
#ifndef WEFT_IO_DIRECTORY_LOCK_H_
#define WEFT_IO_DIRECTORY_LOCK_H_

#include <string>

#include "absl/status/statusor.h"

namespace weft {

// The right to change the checkpoints in a directory. It ends with the object,
// and with the process, however that ends; what remains is the empty name
// DIRECTORY/checkpoint.lock.
class DirectoryLock {
 public:
  // Aborted, with the number of the process that has it, if somebody else does,
  // be it in this process.
  static absl::StatusOr<DirectoryLock> Acquire(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;

  const std::string& directory() const { return directory_; }

 private:
  DirectoryLock(int fd, std::string directory)
      : fd_(fd), directory_(std::move(directory)) {}

  int fd_ = -1;
  std::string directory_;
};

}  // namespace weft

#endif  // WEFT_IO_DIRECTORY_LOCK_H_
