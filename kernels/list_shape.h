// What kernels of list ops need to know of elements before and while they run.
#ifndef WEFT_KERNELS_LIST_SHAPE_H_
#define WEFT_KERNELS_LIST_SHAPE_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/kernel.h"
#include "core/tensor.h"
#include "core/tensor_list.h"
#include "core/tensor_shape.h"

namespace weft {

// An element shape as list ops are given it: a vector of dims, -1 where not
// known, or the scalar -1.
absl::StatusOr<TensorShape> ReadElementShape(const Tensor& value);

// The shape of all elements of the list input 0, from what is known of the list
// and from input `element_shape`: fully defined, or partly if that is all.
// InvalidArgument if the two do not agree. Lists in lists are scalars.
absl::StatusOr<TensorShape> CommonElementShape(const LayoutContext& c,
                                               int element_shape,
                                               DataType element_dtype);

// Is this a list that was never created, as elements of lists of lists are that
// were never set? It stands for zeros, as many as anybody asks for.
inline bool IsZeros(const TensorList& list) {
  return list.element_dtype() == DataType::kInvalid;
}

// Lays out `output` as one element of the list input 0: the one that `index`
// chooses, where that matters. Defers if its shape is not known yet.
absl::Status LayOutItem(LayoutContext& c, int element_shape, int output,
                        absl::FunctionRef<int64_t(const TensorList&)> index);

// Copies element `index` to where its layout has placed it; zeros if it was
// never set. `index` may be anything.
absl::Status CopyItem(const TensorList& list, int64_t index,
                      const TensorRef& to);
// The same into a part of `to`, from `offset` elements on; `shape` is the
// element's.
absl::Status CopyItem(const TensorList& list, int64_t index,
                      const TensorRef& to, int64_t offset,
                      const TensorShape& shape);

}  // namespace weft

#endif  // WEFT_KERNELS_LIST_SHAPE_H_
