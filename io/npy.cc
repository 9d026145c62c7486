#include "io/npy.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "io/atomic_file.h"
#include "io/file.h"
#include "io/npy_header.h"

namespace weft {
namespace {

// Copies bytes [offset, offset + size) of a file to `to`.
using ReadFn =
    absl::FunctionRef<absl::Status(uint64_t offset, void* to, size_t size)>;

absl::string_view BytesOf(const Tensor& tensor) {
  return {static_cast<const char*>(tensor.raw_data()), tensor.num_bytes()};
}

// Reverses the bytes of each element.
void SwapBytes(Tensor* tensor) {
  const size_t size = DataTypeSize(tensor->dtype());
  char* element = static_cast<char*>(tensor->mutable_raw_data());
  for (int64_t i = 0; i < tensor->num_elements(); ++i, element += size) {
    std::reverse(element, element + size);
  }
}

// Copies elements whose first dimension varies fastest to where the last does.
template <size_t kSize>
void ToRowMajor(const char* from, const TensorShape& shape, char* to) {
  const int rank = shape.rank();
  std::vector<int64_t> strides(rank, 1);
  for (int d = 1; d < rank; ++d) strides[d] = strides[d - 1] * shape.dim(d - 1);
  std::vector<int64_t> index(rank, 0);
  int64_t source = 0;
  const int64_t elements = shape.num_elements();
  for (int64_t i = 0; i < elements; ++i) {
    std::memcpy(to + i * kSize, from + source * kSize, kSize);
    for (int d = rank - 1; d >= 0; --d) {
      source += strides[d];
      if (++index[d] < shape.dim(d)) break;
      source -= strides[d] * shape.dim(d);
      index[d] = 0;
    }
  }
}

void ToRowMajor(const Tensor& from, Tensor* to) {
  const char* source = BytesOf(from).data();
  char* target = static_cast<char*>(to->mutable_raw_data());
  switch (DataTypeSize(from.dtype())) {
    case 1:
      return ToRowMajor<1>(source, from.shape(), target);
    case 2:
      return ToRowMajor<2>(source, from.shape(), target);
    case 4:
      return ToRowMajor<4>(source, from.shape(), target);
    default:
      return ToRowMajor<8>(source, from.shape(), target);
  }
}

absl::Status CheckBools(const Tensor& tensor) {
  absl::string_view bytes = BytesOf(tensor);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (static_cast<unsigned char>(bytes[i]) > 1) {
      return InvalidArgument(
          "bool ", i, " is ",
          static_cast<int>(static_cast<unsigned char>(bytes[i])),
          " but must be 0 or 1");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> ReadElements(
    const NpyHeader& header, ReadFn read,
    const std::shared_ptr<Allocator>& allocator) {
  WEFT_ASSIGN_OR_RETURN(
      Tensor tensor,
      Tensor::CreateUninitialized(header.dtype, header.shape, allocator));
  WEFT_RETURN_IF_ERROR(
      read(header.size, tensor.mutable_raw_data(), tensor.num_bytes()));
  if (header.dtype == DataType::kBool) WEFT_RETURN_IF_ERROR(CheckBools(tensor));
  if (header.big_endian) SwapBytes(&tensor);
  if (!header.fortran_order || header.shape.rank() < 2) return tensor;
  WEFT_ASSIGN_OR_RETURN(
      Tensor row_major,
      Tensor::CreateUninitialized(header.dtype, header.shape, allocator));
  ToRowMajor(tensor, &row_major);
  return row_major;
}

// Reads a file of `file_size` bytes.
absl::StatusOr<Tensor> Load(uint64_t file_size, ReadFn read,
                            const std::shared_ptr<Allocator>& allocator) {
  std::string start(std::min<uint64_t>(file_size, kMaxNpyHeaderBytes), '\0');
  WEFT_RETURN_IF_ERROR(read(0, start.data(), start.size()));
  WEFT_ASSIGN_OR_RETURN(NpyHeader header, ParseNpyHeader(start));
  if (file_size - header.size != header.num_bytes) {
    return InvalidArgument(DataTypeName(header.dtype), " ",
                           header.shape.ToString(), " needs ", header.num_bytes,
                           " bytes but ", file_size - header.size,
                           " follow the header of ", header.size);
  }
  return ReadElements(header, read, allocator);
}

}  // namespace

absl::StatusOr<Tensor> ReadNpy(const std::string& path,
                               const std::shared_ptr<Allocator>& allocator) {
  WEFT_ASSIGN_OR_RETURN(InputFile file, InputFile::Open(path));
  absl::Status read_error;  // Names the file already.
  auto read = [&](uint64_t offset, void* to, size_t size) {
    return read_error = file.Read(offset, to, size);
  };
  absl::StatusOr<Tensor> tensor = Load(file.size(), read, allocator);
  if (tensor.ok()) return tensor;
  return read_error.ok() ? Annotate(tensor.status(), path) : read_error;
}

absl::StatusOr<Tensor> DecodeNpy(absl::string_view bytes,
                                 const std::shared_ptr<Allocator>& allocator) {
  auto read = [&](uint64_t offset, void* to, size_t size) {
    // No more is ever asked for than there is; of nothing there is no address.
    if (size > 0) std::memcpy(to, bytes.data() + offset, size);
    return absl::OkStatus();
  };
  return Load(bytes.size(), read, allocator);
}

absl::Status WriteNpy(const std::string& path, const Tensor& tensor,
                      FileSystem& fs) {
  absl::StatusOr<std::string> header =
      MakeNpyHeader(tensor.dtype(), tensor.shape());
  if (!header.ok()) return Annotate(header.status(), path);
  auto write = [&](AtomicFile& file) {
    absl::Status status = file.Append(*header);
    status.Update(file.Append(BytesOf(tensor)));
    return status;
  };
  return WriteFileAtomically(path, write, fs);
}

absl::StatusOr<std::string> EncodeNpy(const Tensor& tensor) {
  WEFT_ASSIGN_OR_RETURN(std::string bytes,
                        MakeNpyHeader(tensor.dtype(), tensor.shape()));
  absl::StrAppend(&bytes, BytesOf(tensor));
  return bytes;
}

}  // namespace weft
