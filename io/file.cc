#include "io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <new>
#include <system_error>
#include <utility>

#include "core/status.h"
#include "io/file_system.h"

namespace weft {
namespace {

// Linux reads at most 2 GiB at once.
constexpr size_t kMaxReadBytes = size_t{1} << 30;

}  // namespace

absl::StatusOr<InputFile> InputFile::Open(const std::string& path) {
  if (path.find('\0') != std::string::npos) {
    return InvalidArgument("'", Printable(path),
                           "': a path cannot hold a zero byte");
  }
  // Not blocking: to open a pipe would wait for its writer.
  int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return ErrnoError(errno, path, "open");
  InputFile file(fd, path);
  struct stat info;
  if (::fstat(fd, &info) != 0) return ErrnoError(errno, path, "examine");
  if (S_ISDIR(info.st_mode)) {
    return InvalidArgument(path, ": is a directory, but must be a file");
  }
  if (!S_ISREG(info.st_mode)) {
    return InvalidArgument(
        path, ": is a pipe or a device, but must be a regular file");
  }
  file.size_ = static_cast<uint64_t>(info.st_size);
  return file;
}

InputFile::~InputFile() {
  if (fd_ >= 0) ::close(fd_);
}

InputFile::InputFile(InputFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      size_(other.size_) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(size_, other.size_);
  return *this;
}

absl::Status InputFile::Read(uint64_t offset, void* to, size_t size) const {
  char* next = static_cast<char*>(to);
  uint64_t done = 0;
  while (done < size) {
    size_t want = std::min<uint64_t>(size - done, kMaxReadBytes);
    ssize_t got =
        ::pread(fd_, next + done, want, static_cast<off_t>(offset + done));
    if (got < 0) {
      if (errno == EINTR) continue;
      return ErrnoError(errno, path_, "read");
    }
    if (got == 0) {
      return DataLoss(path_, ": ends at byte ", offset + done,
                      " but must have ", offset + size);
    }
    done += static_cast<uint64_t>(got);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     uint64_t max_bytes) {
  WEFT_ASSIGN_OR_RETURN(InputFile file, InputFile::Open(path));
  if (file.size() > max_bytes) {
    return ResourceExhausted(path, ": has ", file.size(),
                             " bytes but must have at most ", max_bytes);
  }
  std::string bytes;
  try {
    bytes.resize(file.size());
  } catch (const std::bad_alloc&) {
    return ResourceExhausted(path, ": no memory for its ", file.size(),
                             " bytes");
  }
  WEFT_RETURN_IF_ERROR(file.Read(0, bytes.data(), bytes.size()));
  return bytes;
}

absl::StatusOr<std::vector<std::string>> ListDirectory(
    const std::string& directory) {
  std::error_code error;
  std::filesystem::directory_iterator it(directory, error);
  std::vector<std::string> names;
  while (!error && it != std::filesystem::directory_iterator()) {
    names.push_back(it->path().filename().string());
    it.increment(error);
  }
  if (error) return ErrnoError(error.value(), directory, "list the directory");
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace weft
