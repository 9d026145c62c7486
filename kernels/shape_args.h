// Shapes, sizes and axes that come as tensors: reading and checking them.
#ifndef WEFT_KERNELS_SHAPE_ARGS_H_
#define WEFT_KERNELS_SHAPE_ARGS_H_

#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "core/kernel.h"
#include "core/status.h"
#include "core/tensor.h"
#include "core/tensor_shape.h"

namespace weft {

using IntVector = absl::InlinedVector<int64_t, 8>;

// Element i of integers of `dtype`: int32, int64 or uint8.
inline int64_t IntAt(const void* data, DataType dtype, int64_t i) {
  if (dtype == DataType::kInt64) return static_cast<const int64_t*>(data)[i];
  if (dtype == DataType::kUint8) return static_cast<const uint8_t*>(data)[i];
  return static_cast<const int32_t*>(data)[i];
}

// All elements of a small integer tensor.
inline IntVector ReadInts(const void* data, DataType dtype, int64_t size) {
  IntVector values(size);
  for (int64_t i = 0; i < size; ++i) values[i] = IntAt(data, dtype, i);
  return values;
}
inline IntVector ReadInts(const Tensor& t) {
  return ReadInts(t.raw_data(), t.dtype(), t.num_elements());
}
inline IntVector ReadInts(const TensorRef& r) {
  return ReadInts(r.data, r.dtype, r.size);
}
inline int64_t ReadInt(const Tensor& t) {
  return IntAt(t.raw_data(), t.dtype(), 0);
}
inline int64_t ReadInt(const TensorRef& r) { return IntAt(r.data, r.dtype, 0); }

// InvalidArgument unless input i, called `name`, has this rank.
inline absl::Status ExpectRank(const LayoutContext& c, int i, int rank,
                               absl::string_view name) {
  if (c.input_shape(i).rank() == rank) return absl::OkStatus();
  return InvalidArgument(
      name, " is ", c.input_shape(i).ToString(), " but must ",
      rank == 0 ? "be a scalar" : absl::StrCat("have rank ", rank));
}

inline absl::Status ExpectRankAtLeast(const LayoutContext& c, int i, int rank,
                                      absl::string_view name) {
  if (c.input_shape(i).rank() >= rank) return absl::OkStatus();
  return InvalidArgument(name, " is ", c.input_shape(i).ToString(),
                         " but must have rank ", rank, " or more");
}

// InvalidArgument unless input i is a vector of `size` elements.
inline absl::Status ExpectVector(const LayoutContext& c, int i, int64_t size,
                                 absl::string_view name) {
  const TensorShape& shape = c.input_shape(i);
  if (shape.rank() == 1 && shape.dim(0) == size) return absl::OkStatus();
  return InvalidArgument(name, " is ", shape.ToString(), " but must be [", size,
                         "]");
}

// `axis` as an index from the front. InvalidArgument if it is none of `rank`
// axes.
inline absl::StatusOr<int> NormalizeAxis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return InvalidArgument("axis is ", axis, " but must be in [", -rank, ", ",
                           rank, ")");
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

// The shape with these sizes. InvalidArgument if one is negative or the number
// of elements overflows.
inline absl::StatusOr<TensorShape> ShapeOfSizes(
    absl::Span<const int64_t> sizes) {
  for (int64_t size : sizes) {
    if (size < 0) {
      return InvalidArgument("shape [", absl::StrJoin(sizes, ", "),
                             "]: sizes must be 0 or more");
    }
  }
  return TensorShape::Create(sizes);
}

// The product of dims [begin, end).
inline int64_t Product(absl::Span<const int64_t> dims) {
  int64_t product = 1;
  for (int64_t dim : dims) product *= dim;
  return product;
}

}  // namespace weft

#endif  // WEFT_KERNELS_SHAPE_ARGS_H_
