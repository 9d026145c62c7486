#include "kernels/conv_shape.h"

#include "core/status.h"

namespace weft {

absl::StatusOr<ConvShape> ConvShape::Create(const WindowAttrs& attrs,
                                            bool depthwise,
                                            const TensorShape& input,
                                            const TensorShape& filter) {
  if (input.rank() != 4 || filter.rank() != 4) {
    return InvalidArgument("input is ", input.ToString(), " and filter is ",
                           filter.ToString(), " but they must have rank 4");
  }
  const ImageAxes axes = attrs.axes();
  const int64_t channels = input.dim(axes.channels);
  const int64_t filter_depth = filter.dim(2);
  ConvShape s;
  s.attrs = attrs;
  s.batch = input.dim(axes.batch);
  if (depthwise) {
    s.groups = channels;
    s.depth = 1;
    s.units = filter.dim(3);
  } else {
    s.groups = filter_depth > 0 ? channels / filter_depth : 1;
    s.depth = filter_depth;
    s.units = s.groups > 0 ? filter.dim(3) / s.groups : 0;
  }
  const bool fits = depthwise ? filter_depth == channels
                              : s.groups * s.depth == channels &&
                                    s.groups * s.units == filter.dim(3);
  if (!fits) {
    return InvalidArgument("filter is ", filter.ToString(),
                           " but must be [height, width, depth = ", channels,
                           depthwise ? ", multiplier]" : ", units]");
  }
  for (int i = 0; i < 2; ++i) {
    s.in[i] = input.dim(axes.space[i]);
    s.size[i] = filter.dim(i);
    absl::StatusOr<WindowPlaces> places =
        PlaceWindow(attrs, i, s.in[i], s.size[i]);
    if (!places.ok())
      return Annotate(places.status(), i == 0 ? "height" : "width");
    s.out[i] = places->count;
    s.before[i] = places->before;
    s.after[i] = places->after;
  }
  return s;
}

absl::StatusOr<TensorShape> ConvShape::Result() const {
  const ImageAxes axes = attrs.axes();
  std::array<int64_t, 4> dims;
  dims[axes.batch] = batch;
  dims[axes.channels] = out_channels();
  for (int i = 0; i < 2; ++i) dims[axes.space[i]] = out[i];
  return TensorShape::Create(dims);
}

bool ConvShape::IsEmpty() const {
  return batch == 0 || groups == 0 || depth == 0 || units == 0 || in[0] == 0 ||
         in[1] == 0 || out[0] == 0 || out[1] == 0;
}

}  // namespace weft
