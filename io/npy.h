// Tensors as .npy files, numpy's format for one array.
#ifndef WEFT_IO_NPY_H_
#define WEFT_IO_NPY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/allocator.h"
#include "core/tensor.h"
#include "io/file_system.h"

namespace weft {

// The array in the file, row-major and in this machine's byte order, however it
// is stored. InvalidArgument, with the path, if the file is not an array of
// bools or numbers with exactly the bytes that its header promises; these are
// checked before memory is taken. Python objects are never read.
absl::StatusOr<Tensor> ReadNpy(
    const std::string& path,
    const std::shared_ptr<Allocator>& allocator = Allocator::Default());

// The same from a file's bytes.
absl::StatusOr<Tensor> DecodeNpy(
    absl::string_view bytes,
    const std::shared_ptr<Allocator>& allocator = Allocator::Default());

// Writes `tensor`, atomically. Unimplemented for strings, bfloat16 and
// variants, which numpy does not have.
absl::Status WriteNpy(const std::string& path, const Tensor& tensor,
                      FileSystem& fs = FileSystem::Default());

// The bytes that WriteNpy writes.
absl::StatusOr<std::string> EncodeNpy(const Tensor& tensor);

}  // namespace weft

#endif  // WEFT_IO_NPY_H_
