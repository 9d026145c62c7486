// Ops that read and write by index.
#include <cstdint>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/emit.h"
#include "ops/gradients.h"
#include "ops/source.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<int64_t> Known(Output x) {
  const PartialValue* value = x.node()->output_value(x.index());
  return value != nullptr ? *value : PartialValue();
}

Output Matrix() { return In({3, 2}, {1, 2, 3, 4, 5, 6}); }

void ExpectRefused(Output output, const char* why,
                   absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  EXPECT_THAT(TryEvaluate(output), StatusIs(code, HasSubstr(why)));
}

void ExpectOutOfRange(Output output, const char* why) {
  ExpectRefused(output, why, absl::StatusCode::kOutOfRange);
}

// ---- Gather -----------------------------------------------------------------

TEST(GatherV2Test, TakesEntriesOfAnAxis) {
  EXPECT_THAT(Evaluate(Gather(Matrix(), InInts({2, 0, 2}))),
              TensorEq(Tensor::Of<float>({3, 2}, {5, 6, 1, 2, 5, 6})));
  EXPECT_THAT(Evaluate(Gather(Matrix(), InInts({1, 1}, {1}), 1)),
              TensorEq(Tensor::Of<float>({3, 1, 1}, {2, 4, 6})));
  EXPECT_THAT(Floats(Gather(Matrix(), In(Tensor::Scalar<int64_t>(1)), -2)),
              ElementsAre(3, 4));
  EXPECT_THAT(Evaluate(Gather(Matrix(), InInts({}))),
              TensorEq(Tensor::Of<float>({0, 2}, {})));
}

TEST(GatherV2Test, KeepsBatchesTogether) {
  EXPECT_THAT(Evaluate(Gather(Matrix(), InInts({3, 1}, {1, 0, 1}), 1,
                              /*batch_dims=*/1)),
              TensorEq(Tensor::Of<float>({3, 1}, {2, 3, 6})));
  ExpectRefused(Gather(Matrix(), InInts({2, 1}, {1, 0}), 1, /*batch_dims=*/1),
                "their first batch_dims = 1 axes must be the same");
  ExpectRefused(
      Gather(Matrix(), InInts({3, 1}, {1, 0, 1}), 0, /*batch_dims=*/1),
      "lie before axis 0");
}

TEST(GatherV2Test, InfersSizesAndElements) {
  const Output x = Shaped(DataType::kFloat, {10, 4});
  EXPECT_EQ(Gather(x, Shaped(DataType::kInt32, {-1, 5})).shape(),
            TensorShape({-1, 5, 4}));
  EXPECT_THAT(Known(Gather(Shape(x), Const(TestGraph(), {1, 0}))),
              ElementsAre(4, 10));
}

TEST(GatherV2Test, NamesTheIndexThatIsOutOfRange) {
  ExpectOutOfRange(Gather(Matrix(), InInts({0, 3})),
                   "indices[1] is 3 but must be in [0, 3)");
  ExpectOutOfRange(Gather(Matrix(), InInts({1, 2}, {0, -1})),
                   "indices[0, 1] is -1");
  const Output lowest =
      In(Tensor::Vector<int64_t>({std::numeric_limits<int64_t>::min()}));
  ExpectOutOfRange(Gather(Matrix(), lowest),
                   "indices[0] is -9223372036854775808");
  ExpectRefused(Gather(In(1.0f), InInts({0})),
                "params is [] but must have rank 1 or more");
  ExpectRefused(Gather(Matrix(), InInts({0}), 2), "axis is 2");
}

TEST(GatherV2Test, HasNoGradientWithBatches) {
  const Output x = Shaped(DataType::kFloat, {3, 2});
  Gradients({Gather(x, Shaped(DataType::kInt32, {3, 1}), 1, /*batch_dims=*/1)},
            {x});
  EXPECT_THAT(TestGraph().status(), StatusIs(absl::StatusCode::kUnimplemented,
                                             HasSubstr("batch_dims = 0")));
}

TEST(GatherTest, TakesRows) {
  EXPECT_THAT(Evaluate(Emit("Gather", {Matrix(), InInts({1})})),
              TensorEq(Tensor::Of<float>({1, 2}, {3, 4})));
  ExpectOutOfRange(Emit("Gather", {Matrix(), InInts({7})}), "indices[0] is 7");
}

TEST(GatherNdTest, TakesPartsByTuples) {
  EXPECT_THAT(Floats(GatherNd(Matrix(), InInts({2, 2}, {0, 1, 2, 0}))),
              ElementsAre(2, 5));
  EXPECT_THAT(Evaluate(GatherNd(Matrix(), InInts({1, 1}, {2}))),
              TensorEq(Tensor::Of<float>({1, 2}, {5, 6})));
  EXPECT_THAT(Floats(GatherNd(Matrix(), InInts({0}))), ElementsAre(1, 2));
  EXPECT_THAT(Evaluate(GatherNd(Matrix(), InInts({}))),
              TensorEq(Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6})));
}

TEST(GatherNdTest, ChecksTheTuples) {
  ExpectOutOfRange(GatherNd(Matrix(), InInts({1, 2}, {0, 2})),
                   "indices[0, 1] is 2 but must be in [0, 2)");
  ExpectRefused(GatherNd(Matrix(), InInts({1, 3}, {0, 0, 0})),
                "its last axis must be at most 2");
}

TEST(ScatterNdTest, AddsAtTuples) {
  EXPECT_THAT(
      Floats(ScatterNd(InInts({3, 1}, {1, 3, 1}), In({5, 6, 7}), InInts({4}))),
      ElementsAre(0, 12, 0, 6));
  EXPECT_THAT(Evaluate(ScatterNd(InInts({1, 1}, {1}), In({1, 2}, {8, 9}),
                                 InInts({2, 2}))),
              TensorEq(Tensor::Of<float>({2, 2}, {0, 0, 8, 9})));
}

TEST(ScatterNdTest, ChecksIndicesAndShapes) {
  ExpectOutOfRange(ScatterNd(InInts({1, 1}, {-1}), In({5}), InInts({4})),
                   "indices[0, 0] is -1");
  ExpectRefused(ScatterNd(InInts({1, 1}, {0}), In({5, 6}), InInts({4})),
                "updates is [2] but must be [1]");
  ExpectRefused(ScatterNd(InInts({1, 1}, {0}), In({5}), InInts({-4})),
                "sizes must be 0 or more");
}

// ---- UnsortedSegmentSum, DynamicStitch --------------------------------------

TEST(UnsortedSegmentSumTest, AddsRowsById) {
  const Output three = In(Tensor::Scalar<int32_t>(3));
  EXPECT_THAT(Evaluate(UnsortedSegmentSum(Matrix(), InInts({2, 0, 2}), three)),
              TensorEq(Tensor::Of<float>({3, 2}, {3, 4, 0, 0, 6, 8})));
  EXPECT_THAT(Floats(UnsortedSegmentSum(
                  Matrix(), InInts({3, 2}, {0, 1, 0, -1, 2, 2}), three)),
              ElementsAre(4, 2, 11));
  EXPECT_EQ(
      UnsortedSegmentSum(Shaped(DataType::kFloat, {-1, 4}),
                         Shaped(DataType::kInt32, {-1}), Const(TestGraph(), 7))
          .shape(),
      TensorShape({7, 4}));
}

TEST(UnsortedSegmentSumTest, ChecksIdsAndShapes) {
  const Output two = In(Tensor::Scalar<int32_t>(2));
  ExpectOutOfRange(UnsortedSegmentSum(Matrix(), InInts({0, 2, 1}), two),
                   "segment_ids[1] is 2 but must be below num_segments = 2");
  ExpectRefused(
      UnsortedSegmentSum(Matrix(), InInts({0, 1}), two),
      "segment_ids is [2] but data, [3, 2], must begin with its shape");
  ExpectRefused(UnsortedSegmentSum(Matrix(), InInts({0, 1, 1}),
                                   In(Tensor::Scalar<int32_t>(-1))),
                "sizes must be 0 or more");
}

TEST(DynamicStitchTest, LaterRowsWin) {
  EXPECT_THAT(
      Evaluate(DynamicStitch({InInts({0, 2}), In(Tensor::Scalar<int32_t>(2))},
                             {In({2, 2}, {1, 2, 3, 4}), In({5, 6})})),
      TensorEq(Tensor::Of<float>({3, 2}, {1, 2, 0, 0, 5, 6})));
  Graph& g = TestGraph();
  const Output shape = Shape(Shaped(DataType::kFloat, {4, -1}));
  const Output stitched =
      DynamicStitch({Const(g, {0, 1}), Const(g, {1})}, {shape, Const(g, {9})});
  EXPECT_THAT(Known(stitched), ElementsAre(4, 9));
}

TEST(DynamicStitchTest, ChecksIndicesAndShapes) {
  ExpectOutOfRange(DynamicStitch({InInts({0, -1})}, {In({1, 2})}),
                   "indices[0][1] is -1 but must be in [0, 1)");
  ExpectRefused(
      DynamicStitch({InInts({0, 1})}, {In({1, 2, 3})}),
      "data[0] is [3] but must begin with the shape [2] of indices[0]");
}

// ---- Where, Unique ----------------------------------------------------------

TEST(WhereTest, IsTheIndicesOfWhatIsNotZero) {
  EXPECT_THAT(Evaluate(Where(InBools({true, false, true}))),
              TensorEq(Tensor::Of<int64_t>({2, 1}, {0, 2})));
  EXPECT_THAT(Evaluate(Where(In({2, 2}, {0, 1.5, -0.0f, -3}))),
              TensorEq(Tensor::Of<int64_t>({2, 2}, {0, 1, 1, 1})));
  EXPECT_THAT(Evaluate(Where(InInts({0, 0}))),
              TensorEq(Tensor::Of<int64_t>({0, 1}, {})));
  Where(Shaped(DataType::kString, {2}));
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("T")));
}

TEST(UniqueTest, KeepsTheFirstOfEach) {
  const UniqueOutputs unique = Unique(In({4, 1, 4, -0.0f, 0, 1}));
  EXPECT_THAT(Floats(unique.y), ElementsAre(4, 1, 0));
  EXPECT_THAT(Ints(unique.idx), ElementsAre(0, 1, 0, 2, 2, 1));
  EXPECT_THAT(
      Evaluate(Unique(In(Tensor::Vector<std::string>({"b", "a", "b"}))).y),
      TensorEq(Tensor::Vector<std::string>({"b", "a"})));
  ExpectRefused(Unique(Matrix()).y, "x is [3, 2] but must have rank 1");
}

}  // namespace
}  // namespace weft
