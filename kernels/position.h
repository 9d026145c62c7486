// Names of positions in tensors, for messages.
#ifndef WEFT_KERNELS_POSITION_H_
#define WEFT_KERNELS_POSITION_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/tensor_shape.h"

namespace weft {

// "[1, 0]": the index of the i-th element of a tensor of this shape, which is
// not empty. "[]" of a scalar.
inline std::string PositionName(const TensorShape& shape, int64_t i) {
  std::string name;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    name = absl::StrCat(i % shape.dim(axis), name.empty() ? "" : ", ", name);
    i /= shape.dim(axis);
  }
  return absl::StrCat("[", name, "]");
}

}  // namespace weft

#endif  // WEFT_KERNELS_POSITION_H_
