#include "core/window.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "absl/strings/str_join.h"
#include "core/status.h"

namespace weft {
namespace {

constexpr int kRank = 4;
constexpr int64_t kLargest = std::numeric_limits<int32_t>::max();

std::string Spelled(const std::vector<int64_t>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ", "), "]");
}

// The entries for height and width of an attr with one for each axis.
absl::Status ReadSpace(const AttrMap& attrs, absl::string_view name,
                       const ImageAxes& axes, std::array<int64_t, 2>* values) {
  const AttrValue* attr = attrs.Find(name);
  if (attr == nullptr) return absl::OkStatus();
  const auto& list = *attr->get_if<std::vector<int64_t>>();
  if (list.size() != kRank) {
    return InvalidArgument("attr '", name, "' is ", Spelled(list),
                           " but must have 4 entries, one per axis");
  }
  if (list[axes.batch] != 1 || list[axes.channels] != 1) {
    return InvalidArgument("attr '", name, "' is ", Spelled(list),
                           " but must be 1 for batch and channels");
  }
  for (int i = 0; i < 2; ++i) {
    const int64_t value = list[axes.space[i]];
    if (value < 1 || value > kLargest) {
      return InvalidArgument("attr '", name, "' is ", Spelled(list),
                             " but entries must be in [1, ", kLargest, "]");
    }
    (*values)[i] = value;
  }
  return absl::OkStatus();
}

absl::Status ReadExplicit(const AttrMap& attrs, WindowAttrs* result) {
  const AttrValue* attr = attrs.Find("explicit_paddings");
  static const std::vector<int64_t>& none = *new std::vector<int64_t>();
  const auto& list =
      attr == nullptr ? none : *attr->get_if<std::vector<int64_t>>();
  if (result->padding != "EXPLICIT") {
    if (list.empty()) return absl::OkStatus();
    return InvalidArgument("attr 'explicit_paddings' is ", Spelled(list),
                           " but must be empty unless attr 'padding' is "
                           "\"EXPLICIT\"");
  }
  if (list.size() != 2 * kRank) {
    return InvalidArgument("attr 'explicit_paddings' is ", Spelled(list),
                           " but must have 8 entries, two per axis");
  }
  const ImageAxes axes = result->axes();
  for (size_t i = 0; i < list.size(); ++i) {
    const bool in_space = static_cast<int>(i / 2) == axes.space[0] ||
                          static_cast<int>(i / 2) == axes.space[1];
    if (list[i] < 0 || list[i] > (in_space ? kLargest : 0)) {
      return InvalidArgument("attr 'explicit_paddings' is ", Spelled(list),
                             " but entries must be in [0, ", kLargest,
                             "], and 0 for batch and channels");
    }
  }
  for (int i = 0; i < 2; ++i) {
    result->before[i] = list[2 * axes.space[i]];
    result->after[i] = list[2 * axes.space[i] + 1];
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<WindowAttrs> WindowAttrs::Read(const AttrMap& attrs) {
  WindowAttrs result;
  result.channels_first = attrs.Get<std::string>("data_format") == "NCHW";
  result.padding = attrs.Get<std::string>("padding");
  const ImageAxes axes = result.axes();
  WEFT_RETURN_IF_ERROR(ReadSpace(attrs, "strides", axes, &result.stride));
  WEFT_RETURN_IF_ERROR(ReadSpace(attrs, "ksize", axes, &result.size));
  WEFT_RETURN_IF_ERROR(ReadSpace(attrs, "dilations", axes, &result.dilation));
  WEFT_RETURN_IF_ERROR(ReadExplicit(attrs, &result));
  return result;
}

absl::StatusOr<WindowPlaces> PlaceWindow(const WindowAttrs& attrs, int i,
                                         int64_t input, int64_t size) {
  WindowPlaces places;
  if (input < 0 || size < 0) {
    // SAME looks at the window for its padding alone.
    if (input >= 0 && attrs.padding == "SAME")
      places.count = (input - 1) / attrs.stride[i] + (input > 0 ? 1 : 0);
    return places;
  }
  // Wide enough for any sizes: the factors are below 2^63 and 2^31.
  using Wide = __int128;
  const Wide stride = attrs.stride[i];
  const Wide reach = (Wide{size} - 1) * attrs.dilation[i] + 1;
  Wide before = 0, after = 0, count = 0;
  if (attrs.padding == "SAME") {
    count = (Wide{input} + stride - 1) / stride;
    const Wide missing =
        std::max<Wide>((count - 1) * stride + reach - input, 0);
    before = missing / 2;
    after = missing - before;
  } else {
    before = attrs.before[i];
    after = attrs.after[i];
    const Wide room = Wide{input} + before + after - reach;
    if (room + stride < 0) {
      return InvalidArgument("the window reaches over ",
                             static_cast<int64_t>(reach),
                             " elements but the input has ", input,
                             " on this axis, with padding ", attrs.padding);
    }
    count = room < 0 ? 0 : room / stride + 1;
  }
  if (size == 0) {
    return InvalidArgument("the window has no elements on axis ", i,
                           " of height and width");
  }
  if (after > kLargest || before > kLargest) {
    return InvalidArgument("the window reaches over more than ", kLargest,
                           " elements");
  }
  places.count = static_cast<int64_t>(count);
  places.before = static_cast<int64_t>(before);
  places.after = static_cast<int64_t>(after);
  return places;
}

}  // namespace weft
