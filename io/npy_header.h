// The header of a .npy file.
#ifndef WEFT_IO_NPY_HEADER_H_
#define WEFT_IO_NPY_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/data_type.h"
#include "core/tensor_shape.h"

namespace weft {

struct NpyHeader {
  DataType dtype = DataType::kInvalid;
  TensorShape shape;
  bool fortran_order = false;  // The first dimension varies fastest.
  bool big_endian = false;
  size_t size = 0;         // Bytes of the header; the elements follow.
  uint64_t num_bytes = 0;  // Of the elements.
};

// No header that is read has more bytes.
inline constexpr size_t kMaxNpyHeaderBytes = 1 << 16;

// The header of the file that begins with `bytes`: all of it, or
// kMaxNpyHeaderBytes. Versions 1.0, 2.0 and 3.0. Nothing in it is ever
// evaluated. InvalidArgument, with the place, for all that is not a header of
// an array of bools, whole or floating-point numbers; Python objects, text and
// records are refused by name.
absl::StatusOr<NpyHeader> ParseNpyHeader(absl::string_view bytes);

// The header (version 1.0) of an array in row-major order. Unimplemented for
// dtypes that the format does not have: strings, bfloat16, variants.
absl::StatusOr<std::string> MakeNpyHeader(DataType dtype,
                                          const TensorShape& shape);

}  // namespace weft

#endif  // WEFT_IO_NPY_HEADER_H_
