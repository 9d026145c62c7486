// StridedSlice: what x[begin:end:stride, ...] takes of x.
#ifndef WEFT_CORE_STRIDED_SLICE_H_
#define WEFT_CORE_STRIDED_SLICE_H_

#include <cstdint>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "core/tensor_shape.h"

namespace weft {

// The slice as it is written. Bit i of a mask concerns entry i.
struct StridedSliceSpec {
  // One entry per axis that is named; nullopt where it is not known yet.
  using Values = absl::InlinedVector<std::optional<int64_t>, 8>;

  Values begin;
  Values end;
  Values strides;
  int64_t begin_mask = 0;
  int64_t end_mask = 0;
  int64_t ellipsis_mask = 0;
  int64_t new_axis_mask = 0;
  int64_t shrink_axis_mask = 0;
};

// The slice of one shape.
struct StridedSliceDims {
  // Entries begin, begin + stride, ...: `size` of them, -1 if that is not
  // known.
  struct Axis {
    int64_t begin = 0;
    int64_t stride = 1;
    int64_t size = -1;
    bool placed = true;  // Are begin and stride known?
  };
  absl::InlinedVector<Axis, 8>
      axes;           // Of the input; none if its rank is unknown.
  TensorShape shape;  // Of the result.
};

// InvalidArgument if `spec` does not fit `input`: a stride of 0, more entries
// than axes, an index out of range, lists of different lengths, two ellipses.
absl::StatusOr<StridedSliceDims> ResolveStridedSlice(
    const TensorShape& input, const StridedSliceSpec& spec);

}  // namespace weft

#endif  // WEFT_CORE_STRIDED_SLICE_H_
