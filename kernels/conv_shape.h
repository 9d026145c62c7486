// The sizes of a convolution.
#ifndef WEFT_KERNELS_CONV_SHAPE_H_
#define WEFT_KERNELS_CONV_SHAPE_H_

#include <array>
#include <cstdint>

#include "absl/status/statusor.h"
#include "core/tensor_shape.h"
#include "core/window.h"

namespace weft {

// Images [batch, in..., groups * depth] and filters [size..., depth, groups *
// units] give images [batch, out..., groups * units]. Of a depthwise
// convolution each channel is a group of depth 1: its filter [size...,
// channels, multiplier] has the same elements.
struct ConvShape {
  // InvalidArgument unless the two go together.
  static absl::StatusOr<ConvShape> Create(const WindowAttrs& attrs,
                                          bool depthwise,
                                          const TensorShape& input,
                                          const TensorShape& filter);

  // The shape of the result.
  absl::StatusOr<TensorShape> Result() const;
  int64_t in_channels() const { return groups * depth; }
  int64_t out_channels() const { return groups * units; }
  // Has a size of 0, so that there are no products.
  bool IsEmpty() const;

  WindowAttrs attrs;
  int64_t batch = 0;
  int64_t groups = 1;
  int64_t depth = 0;  // Of one group.
  int64_t units = 0;  // Of one group.
  std::array<int64_t, 2> in = {0, 0};
  std::array<int64_t, 2> out = {0, 0};
  std::array<int64_t, 2> size = {0, 0};
  std::array<int64_t, 2> before = {0, 0};
  std::array<int64_t, 2> after = {0, 0};
};

// Which of the three tensors is computed from the other two.
enum class ConvDirection { kForward, kInput, kFilter };

}  // namespace weft

#endif  // WEFT_KERNELS_CONV_SHAPE_H_
