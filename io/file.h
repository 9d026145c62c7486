// Reading files.
#ifndef WEFT_IO_FILE_H_
#define WEFT_IO_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weft {

// A regular file, open for reading. Pipes, devices and directories are refused
// at once, so that no name given from outside can make a reader wait.
// Thread-safe.
class InputFile {
 public:
  // NotFound, PermissionDenied, or InvalidArgument for what is not a regular
  // file; the message has the path and the system's words.
  static absl::StatusOr<InputFile> Open(const std::string& path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;

  const std::string& path() const { return path_; }
  // Bytes, when it was opened.
  uint64_t size() const { return size_; }

  // Copies bytes [offset, offset + size) to `to`. DataLoss if the file ends
  // before.
  absl::Status Read(uint64_t offset, void* to, size_t size) const;

 private:
  InputFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  int fd_ = -1;
  std::string path_;
  uint64_t size_ = 0;
};

// Messages of protobuf end here too.
inline constexpr uint64_t kMaxFileBytes = (uint64_t{1} << 31) - 1;

// All bytes of a regular file. As InputFile::Open, and ResourceExhausted if
// there are more than `max_bytes`.
absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     uint64_t max_bytes = kMaxFileBytes);

// The names in a directory, sorted.
absl::StatusOr<std::vector<std::string>> ListDirectory(
    const std::string& directory);

}  // namespace weft

#endif  // WEFT_IO_FILE_H_
