// Writing files: whole, or not at all.
#ifndef WEFT_IO_ATOMIC_FILE_H_
#define WEFT_IO_ATOMIC_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/file_system.h"

namespace weft {

// A file that appears under its name when it is complete and on the disk; until
// then, and after any error, what stood there before is untouched.
//
//   WEFT_ASSIGN_OR_RETURN(auto file, AtomicFile::Create(path));
//   WEFT_RETURN_IF_ERROR(file->Append(bytes));
//   WEFT_RETURN_IF_ERROR(file->Commit());
//
// The bytes go to PATH.tmp-PROCESS-NUMBER first, which goes away with the
// object unless it was committed. A symbolic link at `path` is replaced, not
// followed; a pipe or a device is written to as it is. One thread at a time.
class AtomicFile {
 public:
  // InvalidArgument if `path` is a directory; else as ErrnoError.
  static absl::StatusOr<std::unique_ptr<AtomicFile>> Create(
      const std::string& path, FileSystem& fs = FileSystem::Default());
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // ResourceExhausted if the disk is full. The first error is given again by
  // all later calls.
  absl::Status Append(absl::string_view bytes);
  // Bytes appended so far.
  uint64_t size() const { return size_; }

  // Brings the bytes to the disk, still under the temporary name.
  absl::Status Close();
  // Close, then the name. An error of its last step, the sync of the
  // directory, comes when the complete file has its name already.
  absl::Status Commit();

 private:
  AtomicFile(std::string path, FileSystem& fs)
      : path_(std::move(path)), fs_(fs) {}
  absl::Status Open(bool in_place);
  absl::Status Flush();
  absl::Status Write(absl::string_view bytes);
  absl::Status Sync();

  const std::string path_;
  FileSystem& fs_;
  std::string temporary_;  // Empty: none, or no longer.
  int fd_ = -1;
  uint64_t size_ = 0;
  std::string buffer_;
  absl::Status status_;
};

// Is `name` that of a temporary file of an AtomicFile?
bool IsTemporaryName(absl::string_view name);

// Writes a file by one function, or from one string.
absl::Status WriteFileAtomically(
    const std::string& path,
    absl::FunctionRef<absl::Status(AtomicFile&)> writer,
    FileSystem& fs = FileSystem::Default());
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view bytes,
                                 FileSystem& fs = FileSystem::Default());

}  // namespace weft

#endif  // WEFT_IO_ATOMIC_FILE_H_
