// Windows that move over the axes of an image: convolutions and pools.
#ifndef WEFT_CORE_WINDOW_H_
#define WEFT_CORE_WINDOW_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "core/attr.h"
#include "core/tensor_shape.h"

namespace weft {

// Where the axes of an image stand: NHWC or NCHW.
struct ImageAxes {
  explicit ImageAxes(bool channels_first)
      : channels(channels_first ? 1 : 3),
        space{channels_first ? 2 : 1, channels_first ? 3 : 2} {}
  static constexpr int batch = 0;
  int channels;
  std::array<int, 2> space;  // Height and width.
};

// How the attrs of a node place its window; arrays are by height and width.
//
// SAME pads so that there are ceil(input / stride) places, the odd element
// behind; VALID does not pad; EXPLICIT pads as the node says.
struct WindowAttrs {
  // From strides and, where the op has them, ksize, dilations, padding,
  // explicit_paddings and data_format, lists with one entry per axis of the
  // image. InvalidArgument names the attr that is wrong. A window moves over
  // height and width alone.
  static absl::StatusOr<WindowAttrs> Read(const AttrMap& attrs);

  ImageAxes axes() const { return ImageAxes(channels_first); }

  bool channels_first = false;
  std::string padding;
  std::array<int64_t, 2> size = {1, 1};  // Of ops with a ksize.
  std::array<int64_t, 2> stride = {1, 1};
  std::array<int64_t, 2> dilation = {1, 1};
  std::array<int64_t, 2> before = {0, 0};  // EXPLICIT alone.
  std::array<int64_t, 2> after = {0, 0};
};

// A window on one axis.
struct WindowPlaces {
  int64_t count = -1;  // -1 if the input's size is not known.
  int64_t before = 0;  // Elements of padding.
  int64_t after = 0;
};

// The places of a window of `size` elements on space axis i of `input`
// elements; -1: not known. InvalidArgument if there are less than none.
absl::StatusOr<WindowPlaces> PlaceWindow(const WindowAttrs& attrs, int i,
                                         int64_t input, int64_t size);

}  // namespace weft

#endif  // WEFT_CORE_WINDOW_H_
