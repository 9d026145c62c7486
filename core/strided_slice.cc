#include "core/strided_slice.h"

#include <algorithm>

#include "core/status.h"

namespace weft {
namespace {

using Axis = StridedSliceDims::Axis;

bool Bit(int64_t mask, int i) { return i < 63 && ((mask >> i) & 1) != 0; }

// The entries that consume no axis each, and where the ellipsis stands: behind
// all entries if none is written.
struct Layout {
  int ellipsis = 0;
  int num_named = 0;  // Entries that name one axis.
};

absl::StatusOr<Layout> FindEllipsis(const StridedSliceSpec& spec) {
  const int n = static_cast<int>(spec.begin.size());
  if (spec.end.size() != spec.begin.size() ||
      spec.strides.size() != spec.begin.size()) {
    return InvalidArgument("begin, end and strides have ", n, ", ",
                           spec.end.size(), " and ", spec.strides.size(),
                           " entries but must have equally many");
  }
  if (n > TensorShape::kMaxRank) {
    return InvalidArgument("begin has ", n, " entries but must have at most ",
                           TensorShape::kMaxRank);
  }
  Layout layout{.ellipsis = n};
  for (int i = 0; i < n; ++i) {
    if (Bit(spec.ellipsis_mask, i)) {
      if (layout.ellipsis != n)
        return InvalidArgument("ellipsis_mask has more than one bit");
      layout.ellipsis = i;
    } else if (!Bit(spec.new_axis_mask, i)) {
      if (spec.strides[i] == 0) return InvalidArgument("strides[", i, "] is 0");
      ++layout.num_named;
    }
  }
  return layout;
}

// Entry i as an index of `axis`, which goes.
absl::StatusOr<Axis> ResolveIndex(const StridedSliceSpec& spec, int i, int axis,
                                  int64_t dim) {
  if (spec.strides[i].value_or(1) < 0) {
    return InvalidArgument("strides[", i, "] is ", *spec.strides[i],
                           " but must be 1 for a single index");
  }
  Axis result{.begin = 0, .stride = 1, .size = 1};
  result.placed = spec.begin[i].has_value() && spec.strides[i].has_value() &&
                  dim != TensorShape::kUnknownDim;
  if (!result.placed) return result;
  const int64_t index = *spec.begin[i];
  result.begin = index < 0 ? index + dim : index;
  if (result.begin < 0 || result.begin >= dim) {
    return InvalidArgument("index ", index, " of axis ", axis, " must be in [",
                           -dim, ", ", dim, ")");
  }
  return result;
}

// A bound as a position in [low, high]; counted from the end if negative.
int64_t Position(int64_t bound, int64_t dim, int64_t low, int64_t high) {
  if (bound < 0) bound += dim;
  return std::clamp(bound, low, high);
}

// Entry i as a range.
Axis ResolveRange(const StridedSliceSpec& spec, int i, int64_t dim) {
  const bool from_start = Bit(spec.begin_mask, i);
  const bool to_end = Bit(spec.end_mask, i);
  if (dim == TensorShape::kUnknownDim || !spec.strides[i].has_value() ||
      (!from_start && !spec.begin[i].has_value()) ||
      (!to_end && !spec.end[i].has_value())) {
    return Axis{.placed = false};
  }
  const int64_t stride = *spec.strides[i];
  const int64_t low = stride > 0 ? 0 : -1;
  const int64_t high = stride > 0 ? dim : dim - 1;
  const int64_t begin = from_start ? (stride > 0 ? low : high)
                                   : Position(*spec.begin[i], dim, low, high);
  const int64_t end = to_end ? (stride > 0 ? high : low)
                             : Position(*spec.end[i], dim, low, high);
  const int64_t length = end - begin;
  Axis result{.begin = begin, .stride = stride, .size = 0};
  if (length != 0 && (length < 0) == (stride < 0)) {
    result.size = length / stride + (length % stride != 0 ? 1 : 0);
  }
  return result;
}

}  // namespace

absl::StatusOr<StridedSliceDims> ResolveStridedSlice(
    const TensorShape& input, const StridedSliceSpec& spec) {
  WEFT_ASSIGN_OR_RETURN(const Layout layout, FindEllipsis(spec));
  StridedSliceDims result;
  const int n = static_cast<int>(spec.begin.size());
  if (!input.has_rank()) {
    result.shape = TensorShape::UnknownRank();
    return result;
  }
  const int num_rest = input.rank() - layout.num_named;
  if (num_rest < 0) {
    return InvalidArgument("the slice names ", layout.num_named,
                           " axes but the input is ", input.ToString());
  }
  absl::InlinedVector<int64_t, 8> dims;
  int axis = 0;
  for (int i = 0; i <= n; ++i) {
    if (i == layout.ellipsis) {
      for (int k = 0; k < num_rest; ++k, ++axis) {
        result.axes.push_back(
            {.begin = 0, .stride = 1, .size = input.dim(axis)});
        dims.push_back(input.dim(axis));
      }
      continue;
    }
    if (i == n) break;
    if (Bit(spec.new_axis_mask, i)) {
      dims.push_back(1);
    } else if (Bit(spec.shrink_axis_mask, i)) {
      WEFT_ASSIGN_OR_RETURN(const Axis index,
                            ResolveIndex(spec, i, axis, input.dim(axis)));
      result.axes.push_back(index);
      ++axis;
    } else {
      result.axes.push_back(ResolveRange(spec, i, input.dim(axis)));
      dims.push_back(result.axes.back().size);
      ++axis;
    }
  }
  WEFT_ASSIGN_OR_RETURN(result.shape, TensorShape::Create(dims));
  return result;
}

}  // namespace weft
