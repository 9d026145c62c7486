// What schemas of ops with a window over images share.
#ifndef WEFT_OPS_WINDOW_ATTRS_H_
#define WEFT_OPS_WINDOW_ATTRS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/attr.h"
#include "core/window.h"
#include "graph/infer.h"

namespace weft {

inline std::vector<AttrValue> ImageFormats() { return {"NHWC", "NCHW"}; }

// `space`, for height and width, as an attr has it: with 1 for the others.
inline std::vector<int64_t> PerImageAxis(const std::vector<int64_t>& space,
                                         const std::string& data_format) {
  std::vector<int64_t> list = {1, 1};
  list.insert(list.begin() + (data_format == "NCHW" ? 2 : 1), space.begin(),
              space.end());
  return list;
}

// The attrs of the node; nothing, and a mistake, if they are wrong.
inline std::optional<WindowAttrs> ReadWindow(InferContext& c) {
  absl::StatusOr<WindowAttrs> attrs = WindowAttrs::Read(c.node().attrs());
  if (attrs.ok()) return *std::move(attrs);
  c.Fail(attrs.status().message());
  return std::nullopt;
}

// The shape of the places of a window of `size`, by height and width, over
// `input`, and of `channels`. Nothing, and a mistake, if there are none.
inline std::optional<TensorShape> InferPlaces(
    InferContext& c, const WindowAttrs& attrs, const TensorShape& input,
    const std::array<int64_t, 2>& size, int64_t channels) {
  std::vector<int64_t> dims(4, TensorShape::kUnknownDim);
  const ImageAxes axes = attrs.axes();
  dims[axes.batch] = input.dim(axes.batch);
  dims[axes.channels] = channels;
  for (int i = 0; i < 2; ++i) {
    const absl::StatusOr<WindowPlaces> places =
        PlaceWindow(attrs, i, input.dim(axes.space[i]), size[i]);
    if (!places.ok()) {
      c.Fail(i == 0 ? "height: " : "width: ", places.status().message());
      return std::nullopt;
    }
    dims[axes.space[i]] = places->count;
  }
  absl::StatusOr<TensorShape> result = TensorShape::Create(dims);
  if (result.ok()) return *std::move(result);
  c.Fail(result.status().message());
  return std::nullopt;
}

}  // namespace weft

#endif  // WEFT_OPS_WINDOW_ATTRS_H_
