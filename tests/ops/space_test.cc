#include "ops/space.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/testing/value_test.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

WEFT_VALUE_TEST(MirrorPadGrad);

void ExpectMistake(Output y, const std::string& message) {
  EXPECT_THAT(TryEvaluate(y),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
}

// What building says, with shapes and numbers that are known.
void ExpectBuildMistake(const std::string& message) {
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
}

// ---- Blocks -----------------------------------------------------------------

TEST(SpaceToBatchNDTest, TakesBlocksApart) {
  // The example of TensorFlow's documentation.
  EXPECT_THAT(Evaluate(SpaceToBatchND(In({1, 2, 2, 1}, {1, 2, 3, 4}), {2, 2},
                                      {{0, 0}, {0, 0}})),
              TensorEq(Tensor::Of<float>({4, 1, 1, 1}, {1, 2, 3, 4})));
}

TEST(SpaceToBatchNDTest, PadsWithZeros) {
  EXPECT_THAT(Evaluate(SpaceToBatchND(In({1, 3}, {1, 2, 3}), {2}, {{2, 1}})),
              TensorEq(Tensor::Of<float>({2, 3}, {0, 1, 3, 0, 2, 0})));
}

TEST(SpaceToBatchNDTest, MovesWholeEntries) {
  EXPECT_THAT(Evaluate(SpaceToBatchND(In({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}),
                                      {2}, {{0, 0}})),
              TensorEq(Tensor::Of<float>({4, 1, 2}, {1, 2, 5, 6, 3, 4, 7, 8})));
}

TEST(BatchToSpaceNDTest, PutsBlocksTogether) {
  EXPECT_THAT(Evaluate(BatchToSpaceND(In({4, 1, 1, 1}, {1, 2, 3, 4}), {2, 2},
                                      {{0, 0}, {0, 0}})),
              TensorEq(Tensor::Of<float>({1, 2, 2, 1}, {1, 2, 3, 4})));
}

TEST(BatchToSpaceNDTest, Crops) {
  EXPECT_THAT(
      Evaluate(BatchToSpaceND(In({2, 3}, {0, 1, 3, 0, 2, 0}), {2}, {{2, 1}})),
      TensorEq(Tensor::Of<float>({1, 3}, {1, 2, 3})));
}

TEST(BatchToSpaceNDTest, UndoesSpaceToBatch) {
  std::vector<float> numbers(2 * 5 * 7 * 3);
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<float>(i);
  const Output x = In(Tensor::Of<float>({2, 5, 7, 3}, numbers));
  const Output batches = SpaceToBatchND(x, {3, 2}, {{2, 2}, {0, 3}});
  EXPECT_THAT(Floats(BatchToSpaceND(batches, {3, 2}, {{2, 2}, {0, 3}})),
              ElementsAreArray(numbers));
}

TEST(SpaceToBatchNDTest, RefusesWhatCannotBeShared) {
  const Output pads = In(Tensor::Of<int32_t>({1, 2}, {0, 0}));
  ExpectMistake(SpaceToBatchND(In({1, 3}, {1, 2, 3}), InInts({2}), pads),
                "the padded size of axis 1 is 3 but must be a multiple of "
                "block_shape[0] = 2");
  ExpectMistake(SpaceToBatchND(In({1, 3}, {1, 2, 3}), InInts({0}), pads),
                "block_shape[0] is 0 but must be 1 or more");
  ExpectMistake(SpaceToBatchND(In({1, 2}), InInts({1}), pads),
                "input is [2] but must have rank 2 or more");
  ExpectMistake(SpaceToBatchND(In({1, 3}, {1, 2, 3}), InInts({1}),
                               In(Tensor::Of<int32_t>({1, 2}, {-1, 0}))),
                "paddings[0][0] is -1 but must be 0 or more");
  ExpectMistake(SpaceToBatchND(In({1, 3}, {1, 2, 3}), InInts({1}),
                               In(Tensor::Of<int32_t>({2, 1}, {1, 0}))),
                "paddings is [2, 1] but must be [1, 2]");
}

TEST(SpaceToBatchNDTest, RefusesKnownMistakesWhileBuilding) {
  SpaceToBatchND(Shaped(DataType::kFloat, {1, 3}), {2}, {{0, 0}});
  ExpectBuildMistake("the padded size is 3 but must be a multiple of 2");
}

TEST(BatchToSpaceNDTest, RefusesWhatCannotBeShared) {
  ExpectMistake(BatchToSpaceND(In({3, 1}, {1, 2, 3}), InInts({2}),
                               In(Tensor::Of<int32_t>({1, 2}, {0, 0}))),
                "batch is 3 but must be a multiple of the product of "
                "block_shape, 2");
  ExpectMistake(BatchToSpaceND(In({2, 1}, {1, 2}), InInts({2}),
                               In(Tensor::Of<int32_t>({1, 2}, {1, 2}))),
                "crops[0] is [1, 2] but there are only 2 elements");
}

// ---- Mirrors ----------------------------------------------------------------

TEST(MirrorPadTest, ReflectsWithoutTheBorder) {
  EXPECT_THAT(Floats(MirrorPad(In({1, 2, 3}), {{2, 1}})),
              ElementsAre(3, 2, 1, 2, 3, 2));
}

TEST(MirrorPadTest, RepeatsTheBorderIfSymmetric) {
  EXPECT_THAT(Floats(MirrorPad(In({1, 2, 3}), {{2, 1}}, {.mode = "SYMMETRIC"})),
              ElementsAre(2, 1, 1, 2, 3, 3));
}

TEST(MirrorPadTest, MirrorsAllAxes) {
  // The example of TensorFlow's documentation.
  EXPECT_THAT(Evaluate(MirrorPad(In({2, 3}, {1, 2, 3, 4, 5, 6}),
                                 {{1, 1}, {2, 2}}, {.mode = "SYMMETRIC"})),
              TensorEq(Tensor::Of<float>(
                  {4, 7}, {2, 1, 1, 2, 3, 3, 2, 2, 1, 1, 2, 3, 3, 2,
                           5, 4, 4, 5, 6, 6, 5, 5, 4, 4, 5, 6, 6, 5})));
}

TEST(MirrorPadGradTest, SumsWhatCameFromOneElement) {
  EXPECT_THAT(
      Floats(MirrorPadGrad(In({1, 10, 100, 1000, 10000, 100000}), {{2, 1}})),
      ElementsAre(100, 101010, 10001));
}

TEST(MirrorPadTest, RefusesMoreThanThereIs) {
  ExpectMistake(
      MirrorPad(In({1, 2, 3}), In(Tensor::Of<int32_t>({1, 2}, {3, 0}))),
      "paddings[0][0] is 3 but must be in [0, 2] for an axis of 3");
  ExpectMistake(
      MirrorPad(In({1, 2, 3}), In(Tensor::Of<int32_t>({1, 2}, {0, -1}))),
      "paddings[0][1] is -1 but must be in [0, 2]");
  ExpectMistake(MirrorPad(In({1, 2, 3}), In(Tensor::Of<int32_t>({2}, {0, 0}))),
                "paddings is [2] but must be [1, 2]");
}

TEST(MirrorPadTest, RefusesKnownMistakesWhileBuilding) {
  MirrorPad(Shaped(DataType::kFloat, {3}), {{3, 0}});
  ExpectBuildMistake(
      "paddings[0] is [3, 0] but must be in [0, 2] for an axis of 3");
}

TEST(MirrorPadGradTest, RefusesMoreThanThereIs) {
  ExpectMistake(
      MirrorPadGrad(In({1, 2, 3}), In(Tensor::Of<int32_t>({1, 2}, {4, 0}))),
      "paddings[0][0] is 4 but input is [3]");
}

// ---- LinSpace ---------------------------------------------------------------

TEST(LinSpaceTest, GoesFromStartToStop) {
  const Output three = In(Tensor::Scalar<int32_t>(3));
  EXPECT_THAT(Floats(LinSpace(In(10), In(12), three)), ElementsAre(10, 11, 12));
  EXPECT_THAT(Floats(LinSpace(In(1), In(-1), three)), ElementsAre(1, 0, -1));
  EXPECT_THAT(Floats(LinSpace(In(7), In(9), In(Tensor::Scalar<int64_t>(1)))),
              ElementsAre(7));
}

TEST(LinSpaceTest, RefusesNoValues) {
  ExpectMistake(LinSpace(In(1), In(2), In(Tensor::Scalar<int32_t>(0))),
                "num is 0 but must be 1 or more");
  ExpectMistake(LinSpace(In({1, 2}), In(2), In(Tensor::Scalar<int32_t>(2))),
                "start is [2] but must be a scalar");
}

}  // namespace
}  // namespace weft
