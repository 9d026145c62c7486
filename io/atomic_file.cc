#include "io/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"

namespace weft {
namespace {

constexpr size_t kBufferBytes = 1 << 18;
constexpr absl::string_view kTemporaryMark = ".tmp-";

// Unlike every other name that is in use.
std::string TemporaryName(const std::string& path) {
  static std::atomic<uint64_t> next_number{0};
  return absl::StrCat(path, kTemporaryMark, ::getpid(), "-", next_number++);
}

// Takes decimal digits off the front; false if there is none.
bool ConsumeDigits(absl::string_view* text) {
  size_t n = 0;
  while (n < text->size() && absl::ascii_isdigit((*text)[n])) ++n;
  text->remove_prefix(n);
  return n > 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<AtomicFile>> AtomicFile::Create(
    const std::string& path, FileSystem& fs) {
  if (path.find('\0') != std::string::npos) {
    return InvalidArgument("'", Printable(path),
                           "': a path cannot hold a zero byte");
  }
  struct stat info;
  bool in_place = false;
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) {
      return InvalidArgument(path, ": is a directory, but must be a file");
    }
    in_place = !S_ISREG(info.st_mode);
  }
  std::unique_ptr<AtomicFile> file(new AtomicFile(path, fs));
  WEFT_RETURN_IF_ERROR(file->Open(in_place));
  return file;
}

absl::Status AtomicFile::Open(bool in_place) {
  if (!in_place) {
    std::string name = TemporaryName(path_);
    fd_ = fs_.Open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   0666);
    if (fd_ < 0) return ErrnoError(errno, name, "create");
    temporary_ = std::move(name);
    return absl::OkStatus();
  }
  // Not blocking, for an error rather than a wait if nobody reads the pipe;
  // after that, writes wait as usual.
  fd_ = fs_.Open(path_, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0);
  if (fd_ < 0) return ErrnoError(errno, path_, "open");
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) & ~O_NONBLOCK);
  return absl::OkStatus();
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) fs_.Close(fd_);
  if (!temporary_.empty()) fs_.Remove(temporary_);
}

absl::Status AtomicFile::Append(absl::string_view bytes) {
  WEFT_RETURN_IF_ERROR(status_);
  WEFT_CHECK(fd_ >= 0);
  size_ += bytes.size();
  if (buffer_.size() + bytes.size() < kBufferBytes) {
    buffer_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  WEFT_RETURN_IF_ERROR(Flush());
  return status_ = Write(bytes);
}

absl::Status AtomicFile::Flush() {
  status_.Update(Write(buffer_));
  buffer_.clear();
  return status_;
}

absl::Status AtomicFile::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = fs_.Write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return ErrnoError(errno, path_, "write");
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status AtomicFile::Sync() {
  // What is no file in a file system has nothing to sync, and says so.
  bool is_file = !temporary_.empty();
  if (fs_.Sync(fd_) != 0 &&
      (is_file || (errno != EINVAL && errno != ENOTSUP))) {
    return ErrnoError(errno, path_, "sync");
  }
  return absl::OkStatus();
}

absl::Status AtomicFile::Close() {
  WEFT_RETURN_IF_ERROR(status_);
  if (fd_ < 0) return absl::OkStatus();
  WEFT_RETURN_IF_ERROR(Flush());
  WEFT_RETURN_IF_ERROR(status_ = Sync());
  int fd = fd_;
  fd_ = -1;  // Whatever close says, the descriptor is gone.
  if (fs_.Close(fd) != 0 && errno != EINTR) {
    status_ = ErrnoError(errno, path_, "close");
  }
  return status_;
}

absl::Status AtomicFile::Commit() {
  WEFT_RETURN_IF_ERROR(Close());
  if (temporary_.empty()) return absl::OkStatus();
  if (fs_.Rename(temporary_, path_) != 0) {
    return status_ = ErrnoError(errno, path_, "rename the complete file");
  }
  temporary_.clear();
  return SyncDirectory(DirectoryOf(path_), fs_);
}

bool IsTemporaryName(absl::string_view name) {
  size_t mark = name.rfind(kTemporaryMark);
  if (mark == absl::string_view::npos) return false;
  name.remove_prefix(mark + kTemporaryMark.size());
  if (!ConsumeDigits(&name) || name.empty() || name[0] != '-') return false;
  name.remove_prefix(1);
  return ConsumeDigits(&name) && name.empty();
}

absl::Status WriteFileAtomically(
    const std::string& path,
    absl::FunctionRef<absl::Status(AtomicFile&)> writer, FileSystem& fs) {
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<AtomicFile> file,
                        AtomicFile::Create(path, fs));
  WEFT_RETURN_IF_ERROR(writer(*file));
  return file->Commit();
}

absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view bytes, FileSystem& fs) {
  return WriteFileAtomically(
      path, [&](AtomicFile& file) { return file.Append(bytes); }, fs);
}

}  // namespace weft
