// Moving elements of any type between strided places.
#ifndef WEFT_KERNELS_ARRAY_COPY_H_
#define WEFT_KERNELS_ARRAY_COPY_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "core/data_type.h"
#include "core/kernel.h"
#include "core/tensor_shape.h"
#include "core/thread_pool.h"

namespace weft {

// One axis of a box of elements: how many, and how far apart they stand where
// they come from and where they go to. A step may be 0 or negative.
struct CopyAxis {
  int64_t size = 1;
  int64_t from_step = 0;
  int64_t to_step = 0;
};
using CopyAxes = absl::InlinedVector<CopyAxis, 8>;  // Outermost first.

// Bytes from one element to the next in memory, for every type.
size_t ElementStride(DataType dtype);
// The place `elements` elements behind `data`.
const void* At(const void* data, DataType dtype, int64_t elements);
void* At(void* data, DataType dtype, int64_t elements);

// Copies `n` elements that stand one after another.
void CopyElements(DataType dtype, const void* from, void* to, int64_t n);
// Makes `n` elements zeros, or empty strings and lists.
void ClearElements(DataType dtype, void* to, int64_t n);
// Copies a box of elements. The two places must not overlap.
void CopyBox(ThreadPool& pool, DataType dtype, const void* from, void* to,
             CopyAxes axes);

// How many elements apart neighbours along each axis of a dense tensor stand.
absl::InlinedVector<int64_t, 8> Steps(const TensorShape& shape);
// Do elements that are so far apart along each axis stand one behind the other?
bool IsDense(absl::Span<const int64_t> sizes,
             absl::Span<const int64_t> strides);

}  // namespace weft

#endif  // WEFT_KERNELS_ARRAY_COPY_H_
