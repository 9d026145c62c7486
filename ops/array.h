// Array ops: shapes, and moving elements without computing with them.
//
//   Output rows = Reshape(x, {-1, 28});             // Numbers,
//   Output like_y = Reshape(x, Shape(y));           // or what a run computes.
//   Output by_time = Transpose(x, {1, 0, 2});
//   Outputs gates = Split(z, 4, /*axis=*/1);
//
// Axes may be negative and then count from the end.
#ifndef WEFT_OPS_ARRAY_H_
#define WEFT_OPS_ARRAY_H_

#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/data_type.h"
#include "graph/output.h"

namespace weft {

// A shape, or a list of axes, as an argument: numbers, which become a constant
// (int32 if they fit), or an int32 or int64 vector of the graph.
class IntsArg {
 public:
  IntsArg(std::initializer_list<int64_t> values) : values_(values) {}
  IntsArg(std::vector<int64_t> values) : values_(std::move(values)) {}
  IntsArg(absl::Span<const int64_t> values)
      : values_(values.begin(), values.end()) {}
  IntsArg(Output values) : output_(values), is_output_(true) {}
  IntsArg(Operand values) : IntsArg(values.output) {}

  // As an input of an op on `x`; a constant gets this name and type.
  Operand AsInput(Operand x, absl::string_view name,
                  DataType type = DataType::kInvalid) const;
  // The type that several arguments of one op have: of those that are Outputs,
  // else int32 if that is enough.
  static DataType CommonType(std::initializer_list<IntsArg> arguments);

 private:
  std::vector<int64_t> values_;
  Output output_;
  bool is_output_ = false;
};

// What to put before and behind the entries of each axis: numbers, or an int32
// or int64 matrix [rank, 2] of the graph.
class Paddings {
 public:
  using Pair = std::pair<int64_t, int64_t>;
  Paddings(std::initializer_list<Pair> values) : values_(values) {}
  Paddings(std::vector<Pair> values) : values_(std::move(values)) {}
  Paddings(Output values) : output_(values), is_output_(true) {}
  Paddings(Operand values) : Paddings(values.output) {}

  Operand AsInput(Operand x, absl::string_view name) const;

 private:
  std::vector<Pair> values_;
  Output output_;
  bool is_output_ = false;
};

// ---- Shapes as values -------------------------------------------------------

// The shape of `x`: a vector of `out_type`, int32 or int64.
Output Shape(Operand x, DataType out_type = DataType::kInt32,
             absl::string_view name = {});
// The shapes of all of `xs`.
Outputs ShapeN(const Operands& xs, DataType out_type = DataType::kInt32);
// The size of one axis of `x`: an int32 scalar.
Output DimOf(Operand x, int axis);
// The number of elements of `x`: a scalar of `out_type`.
Output Size(Operand x, DataType out_type = DataType::kInt32,
            absl::string_view name = {});
// The number of axes of `x`: an int32 scalar.
Output Rank(Operand x, absl::string_view name = {});
// The shape to which shapes `s0` and `s1` broadcast.
Output BroadcastArgs(Operand s0, Operand s1);
// The axes over which a gradient of the broadcast shape is summed to become one
// of shape `s0`, and of shape `s1`.
std::pair<Output, Output> BroadcastGradientArgs(Operand s0, Operand s1);
// Where each of `shapes` begins when tensors of these shapes are concatenated
// along `axis`: one vector per shape.
Outputs ConcatOffset(int axis, const Operands& shapes);

// ---- The same elements under another shape ----------------------------------

// `x` under another shape of as many elements. One entry may be -1: it follows
// from the others.
Output Reshape(Operand x, const IntsArg& shape, absl::string_view name = {});
// `x` with an axis of size 1 inserted before `axis`; -1 appends it.
Output ExpandDims(Operand x, int axis, absl::string_view name = {});
Output ExpandDims(Operand x, Operand axis, absl::string_view name = {});
// `x` without these axes, which must be of size 1; without all such if none is
// given.
Output Squeeze(Operand x, const std::vector<int64_t>& axes = {},
               absl::string_view name = {});

// ---- New tensors ------------------------------------------------------------

// A tensor of shape `dims` whose elements are the scalar `value`.
Output Fill(const IntsArg& dims, Operand value, absl::string_view name = {});
// start, start + delta, ... as far as they are below `limit` (above it for a
// negative delta): a vector. Scalars of one type.
Output Range(Operand start, Operand limit, Operand delta,
             absl::string_view name = {});
// For indices [...] a tensor with a new axis of `depth` entries: on_value where
// the entry is the index, off_value elsewhere. The new axis is the last for -1.
Output OneHot(Operand indices, Operand depth, Operand on_value,
              Operand off_value, int axis = -1, absl::string_view name = {});
// The same with 1 and 0 of `dtype`.
Output OneHot(Operand indices, int64_t depth, DataType dtype = DataType::kFloat,
              int axis = -1, absl::string_view name = {});

// ---- Joining and splitting --------------------------------------------------

// Tensors of one shape stacked along a new axis.
Output Pack(const Operands& values, int axis = 0, absl::string_view name = {});
// The `num` entries of `value` along an axis, without that axis. num = -1: as
// many as the shape says; a mistake if it does not say.
Outputs Unpack(Operand value, int num = -1, int axis = 0,
               absl::string_view name = {});
// Tensors joined along an axis; they agree in all others.
Output Concat(const Operands& values, int axis, absl::string_view name = {});
Output Concat(const Operands& values, Operand axis,
              absl::string_view name = {});
// `num_split` equal parts along an axis.
Outputs Split(Operand value, int num_split, int axis,
              absl::string_view name = {});
// Parts of these sizes along an axis; one may be -1: what is left.
Outputs SplitV(Operand value, const std::vector<int64_t>& sizes, int axis,
               absl::string_view name = {});
Outputs SplitV(Operand value, Operand sizes, int num_split, int axis,
               absl::string_view name = {});

// ---- Slicing ----------------------------------------------------------------

// The part of `x` that begins at `begin` [rank] and has `size` [rank]; a size
// of -1 reaches to the end.
Output Slice(Operand x, const IntsArg& begin, const IntsArg& size,
             absl::string_view name = {});

// Bit i concerns entry i of begin, end and strides.
struct StridedSliceMasks {
  int64_t begin_mask = 0;        // From the start.
  int64_t end_mask = 0;          // To the end.
  int64_t ellipsis_mask = 0;     // All axes that other entries leave over.
  int64_t new_axis_mask = 0;     // A new axis of size 1.
  int64_t shrink_axis_mask = 0;  // One index, begin; the axis goes.
};

// x[begin_0:end_0:strides_0, ...] as numpy has it, negative indices and strides
// included.
Output StridedSlice(Operand x, const IntsArg& begin, const IntsArg& end,
                    const IntsArg& strides, const StridedSliceMasks& masks = {},
                    absl::string_view name = {});
// Zeros of `shape` with `dy` in the place that StridedSlice takes.
Output StridedSliceGrad(Operand shape, Operand begin, Operand end,
                        Operand strides, Operand dy,
                        const StridedSliceMasks& masks = {},
                        absl::string_view name = {});
// Entry `index` of an axis, without that axis: x[..., index, ...]. A number may
// count from the end; an Output, an int32 or int64 scalar, must not.
Output IndexAxis(Operand x, int axis, int64_t index,
                 absl::string_view name = {});
Output IndexAxis(Operand x, int axis, Operand index,
                 absl::string_view name = {});
// Entries [begin, end) of an axis: x[..., begin:end, ...].
Output SliceAxis(Operand x, int axis, int64_t begin, int64_t end,
                 absl::string_view name = {});
Output SliceAxis(Operand x, int axis, Operand begin, Operand end,
                 absl::string_view name = {});

// ---- Order and repetition ---------------------------------------------------

// Axis i of the result is axis perm[i] of `x`.
Output Transpose(Operand x, const IntsArg& perm, absl::string_view name = {});
// y[x[i]] = i for a permutation `x` of 0 .. n-1.
Output InvertPermutation(Operand x, absl::string_view name = {});
// `x` repeated multiples[i] times along axis i.
Output Tile(Operand x, const IntsArg& multiples, absl::string_view name = {});
// `x` broadcast to a shape, as numpy does.
Output BroadcastTo(Operand x, const IntsArg& shape,
                   absl::string_view name = {});
// `x` with these axes reversed.
Output Reverse(Operand x, const IntsArg& axes, absl::string_view name = {});
// `x` where, for each entry b of `batch_axis`, the first seq_lengths[b] entries
// of `seq_axis` are reversed; the rest stays.
Output ReverseSequence(Operand x, Operand seq_lengths, int seq_axis,
                       int batch_axis = 0, absl::string_view name = {});
// `x` with paddings[i][0] entries before and paddings[i][1] behind those of
// axis i: zeros, or the scalar `value`.
Output Pad(Operand x, const Paddings& paddings, absl::string_view name = {});
Output PadV2(Operand x, const Paddings& paddings, Operand value,
             absl::string_view name = {});
// The band of the last two axes, [m, n]: entry (i, j) is kept if
// i - j <= num_lower and j - i <= num_upper, where negative means all; the rest
// is 0.
Output MatrixBandPart(Operand x, Operand num_lower, Operand num_upper,
                      absl::string_view name = {});

// ---- By index ---------------------------------------------------------------

// The entries of `params` at `indices` along an axis: params.shape[:axis] +
// indices.shape + params.shape[axis + 1:]. OutOfRange for indices below 0 or
// beyond the axis. `batch_dims` leading axes belong together.
Output Gather(Operand params, Operand indices, int axis = 0, int batch_dims = 0,
              absl::string_view name = {});
// The parts of `params` that the index tuples in the last axis of `indices`
// name: indices.shape[:-1] + params.shape[tuple length:].
Output GatherNd(Operand params, Operand indices, absl::string_view name = {});
// Zeros of `shape` to which `updates` are added at the index tuples in the last
// axis of `indices`.
Output ScatterNd(Operand indices, Operand updates, Operand shape,
                 absl::string_view name = {});
// [num_segments] + the part of data's shape behind that of segment_ids: entry i
// is the sum of the data whose id is i. Negative ids are left out.
Output UnsortedSegmentSum(Operand data, Operand segment_ids,
                          Operand num_segments, absl::string_view name = {});
// Rows put together: data[i][j] becomes row indices[i][j]. What is written
// later wins; rows that nobody writes are not defined (here: zeros).
Output DynamicStitch(const Operands& indices, const Operands& data,
                     absl::string_view name = {});
// The indices of the elements that are not 0: int64 [k, rank], in row-major
// order.
Output Where(Operand x, absl::string_view name = {});
// The distinct elements of the vector `x` in the order in which they first
// occur, and for each element of `x` its index among those.
struct UniqueOutputs {
  Output y;
  Output idx;  // int32
};
UniqueOutputs Unique(Operand x, absl::string_view name = {});

}  // namespace weft

#endif  // WEFT_OPS_ARRAY_H_
