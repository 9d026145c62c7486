#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "train/curve.h"
#include "train/progress.h"
#include "train/stream_batcher.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(StreamBatcherTest, RowsGoOnWhereTheyEnded) {
  ASSERT_OK_AND_ASSIGN(
      StreamBatcher batcher,
      StreamBatcher::Create({0, 1, 2, 3, 4, 5, 6, 7, 8}, 2, 2));
  EXPECT_EQ(batcher.batches_per_epoch(), 2);
  StreamBatch first = batcher.Next();
  EXPECT_TRUE(first.starts);
  EXPECT_THAT(first.inputs,
              TensorEq(Tensor::Of<int32_t>({2, 2}, {0, 1, 4, 5})));
  EXPECT_THAT(first.targets,
              TensorEq(Tensor::Of<int32_t>({2, 2}, {1, 2, 5, 6})));
  StreamBatch second = batcher.Next();
  EXPECT_FALSE(second.starts);
  EXPECT_THAT(second.inputs,
              TensorEq(Tensor::Of<int32_t>({2, 2}, {2, 3, 6, 7})));
  EXPECT_TRUE(batcher.Next().starts);
}

TEST(StreamBatcherTest, APositionLeadsBackToTheSameBatch) {
  ASSERT_OK_AND_ASSIGN(
      StreamBatcher batcher,
      StreamBatcher::Create({0, 1, 2, 3, 4, 5, 6, 7, 8}, 2, 2));
  batcher.Next();
  const int64_t position = batcher.position();
  const Tensor expected = batcher.Next().inputs;
  batcher.Next();
  batcher.set_position(position);
  EXPECT_THAT(batcher.Next().inputs, TensorEq(expected));
}

TEST(StreamBatcherTest, RefusesTooFewIds) {
  EXPECT_THAT(StreamBatcher::Create({1, 2, 3, 4}, 2, 2),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("4 ids are too few")));
  EXPECT_THAT(StreamBatcher::Create({}, 1, 1),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      StreamBatcher::Create({1, 2}, 0, 1),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least 1")));
}

TEST(ProgressTest, TellsShareRateAndTimeLeft) {
  // 50 steps in 5 s after 400 of an earlier run; 550 more take 55 s.
  EXPECT_EQ(ProgressText(450, 400, 1000, 1.25, 5),
            "step 450/1000 (45%)  loss 1.2500  10.0 steps/s  0:55 left");
}

TEST(CurveTest, DrawsEveryCurveAndEscapesLabels) {
  const std::string svg =
      DrawCurves({{.label = "a < b", .points = {{0, 1}, {1, 2}}},
                  {.label = "c", .points = {{0, NAN}}}},
                 {.title = "loss"});
  EXPECT_THAT(svg, HasSubstr("a &lt; b"));
  EXPECT_THAT(svg, HasSubstr("<polyline points=\"70.0,385.0 700.0,40.0 \""));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(CurveTest, SmoothingTakesMeansOfWindows) {
  const Curve curve =
      Smoothed({.label = "x", .points = {{0, 1}, {1, 3}, {2, 8}}}, 2);
  ASSERT_EQ(curve.points.size(), 2u);
  EXPECT_EQ(curve.points[0], std::make_pair(0.5, 2.0));
  EXPECT_EQ(curve.points[1], std::make_pair(2.0, 8.0));
}

}  // namespace
}  // namespace weft
