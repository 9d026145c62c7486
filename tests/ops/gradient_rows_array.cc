#include "graph/graph.h"
#include "ops/array.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/source.h"
#include "tests/testing/gradient_check.h"

namespace weft {
namespace {

using Xs = const Outputs&;

Output IntsIn(Xs x, std::vector<int32_t> values) {
  const TensorShape shape = {static_cast<int64_t>(values.size())};
  return Const<int32_t>(x[0].graph(), shape, std::move(values));
}

Output IntsIn(Xs x, const TensorShape& shape, std::vector<int32_t> values) {
  return Const<int32_t>(x[0].graph(), shape, std::move(values));
}

Output IntIn(Xs x, int32_t value) { return Const(x[0].graph(), value); }

const GradientRows kShapeRows({
    {.op = "Reshape",
     .build =
         [](Xs x) {
           return Reshape(x[0], {3, -1});
         }},
    {.op = "Reshape",
     .name = "to the shape of another",
     .inputs = {{2, 3}, {3, 2}},
     .build = [](Xs x) { return Reshape(x[0], Shape(x[1])) * x[1]; }},
    {.op = "ExpandDims", .build = [](Xs x) { return ExpandDims(x[0], 1); }},
    {.op = "Squeeze",
     .inputs = {{2, 1, 3}},
     .build = [](Xs x) { return Squeeze(x[0], {1}); }},
    {.op = "Fill",
     .inputs = {{}},
     .build =
         [](Xs x) {
           return Fill({2, 3}, x[0]);
         }},
});

const GradientRows kJoinRows({
    {.op = "Pack",
     .inputs = {{2, 3}, {2, 3}},
     .build =
         [](Xs x) {
           return Pack({x[0], x[1], x[0]}, 1);
         }},
    {.op = "Unpack", .build = [](Xs x) { return Unpack(x[0], 3, 1); }},
    {.op = "Unpack",
     .name = "one of two",
     .build = [](Xs x) { return Unpack(x[0], 2)[1]; }},
    {.op = "ConcatV2",
     .inputs = {{2, 3}, {2, 1}},
     .build =
         [](Xs x) {
           return Concat({x[0], x[1], x[0]}, -1);
         }},
    {.op = "ConcatV2",
     .name = "along an axis that a run computes",
     .inputs = {{2, 3}, {2, 1}},
     .build =
         [](Xs x) {
           return Concat({x[0], x[1]}, Rank(x[0]) - IntIn(x, 1));
         }},
    {.op = "Split",
     .inputs = {{2, 4}},
     .build = [](Xs x) { return Split(x[0], 2, 1); }},
    {.op = "SplitV",
     .inputs = {{4, 2}},
     .build =
         [](Xs x) {
           return SplitV(x[0], {1, -1}, 0);
         }},
});

const GradientRows kSliceRows({
    {.op = "Slice",
     .build =
         [](Xs x) {
           return Slice(x[0], {0, 1}, {-1, 2});
         }},
    {.op = "Slice",
     .name = "where a run says",
     .build =
         [](Xs x) {
           return Slice(x[0], Shape(x[0]) - IntsIn(x, {1, 2}), {1, 1});
         }},
    {.op = "StridedSlice",
     .inputs = {{4, 5}},
     .build =
         [](Xs x) {
           return StridedSlice(x[0], {3, 0}, {0, 5}, {-2, 2});
         }},
    {.op = "StridedSlice",
     .name = "with masks",
     .inputs = {{4, 5}},
     .build =
         [](Xs x) {
           return StridedSlice(
               x[0], {0, 0, 1}, {0, 0, 0}, {1, 1, 1},
               {.ellipsis_mask = 1, .new_axis_mask = 2, .shrink_axis_mask = 4});
         }},
    {.op = "StridedSliceGrad",
     .inputs = {{2, 2}},
     .build =
         [](Xs x) {
           return StridedSliceGrad(IntsIn(x, {4, 5}), IntsIn(x, {0, 1}),
                                   IntsIn(x, {4, 3}), IntsIn(x, {2, 1}), x[0]);
         }},
});

const GradientRows kOrderRows({
    {.op = "Transpose",
     .inputs = {{2, 3, 4}},
     .build =
         [](Xs x) {
           return Transpose(x[0], {2, 0, 1});
         }},
    {.op = "Transpose",
     .name = "as a run says",
     .inputs = {{2, 3}},
     .build =
         [](Xs x) {
           return Transpose(x[0], Shape(x[0]) - IntsIn(x, {1, 3}));
         }},
    {.op = "Tile",
     .build =
         [](Xs x) {
           return Tile(x[0], {2, 3});
         }},
    {.op = "BroadcastTo",
     .inputs = {{2, 1}},
     .build =
         [](Xs x) {
           return BroadcastTo(x[0], {3, 2, 4});
         }},
    {.op = "ReverseV2", .build = [](Xs x) { return Reverse(x[0], {1}); }},
    {.op = "ReverseSequence",
     .inputs = {{2, 4, 3}},
     .build =
         [](Xs x) {
           return ReverseSequence(x[0], IntsIn(x, {1, 3}), 1);
         }},
    {.op = "Pad",
     .build =
         [](Xs x) {
           return Pad(x[0], {{1, 0}, {0, 2}});
         }},
    {.op = "Pad",
     .name = "as a run says",
     .build =
         [](Xs x) {
           return Pad(x[0], Pack({Shape(x[0]), Shape(x[0])}, 1));
         }},
    {.op = "PadV2",
     .inputs = {{2, 3}, {}},
     .build =
         [](Xs x) {
           return PadV2(x[0], {{1, 0}, {0, 2}}, x[1]);
         }},
    {.op = "MatrixBandPart",
     .inputs = {{2, 3, 3}},
     .build =
         [](Xs x) { return MatrixBandPart(x[0], IntIn(x, 1), IntIn(x, 0)); }},
});

// Those that are not dynamic need ranks that are known while building.
const GradientRows kGatherRows({
    {.op = "Gather",
     .inputs = {{4, 2}},
     .build =
         [](Xs x) {
           return Emit("Gather", {x[0], IntsIn(x, {3, 0, 3})});
         }},
    {.op = "GatherV2",
     .inputs = {{4, 2}},
     .build =
         [](Xs x) {
           return Gather(x[0], IntsIn(x, {2, 2}, {3, 0, 3, 1}));
         }},
    {.op = "GatherV2",
     .name = "along the last axis",
     .inputs = {{2, 3, 4}},
     .build =
         [](Xs x) {
           return Gather(x[0], IntsIn(x, {2, 2}, {3, 0, 3, 1}), -1);
         },
     .dynamic = false},
    {.op = "GatherV2",
     .name = "of one entry",
     .inputs = {{2, 3, 4}},
     .build = [](Xs x) { return Gather(x[0], IntIn(x, 2), 1); },
     .dynamic = false},
    {.op = "GatherNd",
     .inputs = {{3, 2}},
     .build =
         [](Xs x) {
           return GatherNd(x[0], IntsIn(x, {3, 2}, {0, 1, 2, 0, 0, 1}));
         }},
    {.op = "ScatterNd",
     .inputs = {{3, 2}},
     .build =
         [](Xs x) {
           return ScatterNd(IntsIn(x, {3, 1}, {1, 3, 1}), x[0],
                            IntsIn(x, {4, 2}));
         }},
    {.op = "UnsortedSegmentSum",
     .inputs = {{4, 2}},
     .build =
         [](Xs x) {
           return UnsortedSegmentSum(x[0], IntsIn(x, {1, -1, 2, 1}),
                                     IntIn(x, 3));
         },
     .dynamic = false},
    {.op = "DynamicStitch",
     .inputs = {{2, 3}, {3}},
     .build =
         [](Xs x) {
           return DynamicStitch({IntsIn(x, {3, 1}), IntIn(x, 0)}, {x[0], x[1]});
         }},
});

}  // namespace
}  // namespace weft
