// Kernels may write their result over an input that is not used any more. Here
// all inputs are such: results of Neg.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "tests/testing/evaluate.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

TEST(InPlaceTest, OverEitherInput) {
  EXPECT_THAT(Floats(Sub(Neg(In({1, 2})), In({10, 20}))),
              ElementsAre(-11, -22));
  EXPECT_THAT(Floats(Sub(In({1, 2}), Neg(In({10, 20})))), ElementsAre(11, 22));
  EXPECT_THAT(Floats(Sub(Neg(In({1, 2})), Neg(In({10, 20})))),
              ElementsAre(9, 18));
}

TEST(InPlaceTest, BesideOneThatIsRepeated) {
  EXPECT_THAT(Floats(Sub(Neg(In({2, 2}, {1, 2, 3, 4})), Neg(In({10, 20})))),
              ElementsAre(9, 18, 7, 16));
  EXPECT_THAT(Floats(Sub(Neg(In({10, 20})), Neg(In({2, 2}, {1, 2, 3, 4})))),
              ElementsAre(-9, -18, -7, -16));
}

TEST(InPlaceTest, OverAnInputThatCountsTwice) {
  const Output x = Neg(In({1, 2}));
  EXPECT_THAT(Floats(x * x), ElementsAre(1, 4));
  EXPECT_THAT(Floats(AddN({x, x, Neg(In({5, 5}))})), ElementsAre(-7, -9));
}

TEST(InPlaceTest, OverOneThatIsStillNeeded) {
  const Output x = Neg(In({1, 2}));
  const Output y = Neg(x);
  EXPECT_THAT(Floats(x * y), ElementsAre(-1, -4));
}

TEST(InPlaceTest, OfSelections) {
  EXPECT_THAT(
      Floats(Select(InBools({true, false}), Neg(In({1, 2})), Neg(In({3, 4})))),
      ElementsAre(-1, -4));
  EXPECT_THAT(
      Floats(SelectV2(InBools({true, false}), Neg(In(1)), Neg(In({3, 4})))),
      ElementsAre(-1, -4));
  EXPECT_THAT(
      Floats(Select(InBools({true, false}), Neg(In({2, 2}, {1, 2, 3, 4})),
                    Neg(In({2, 2}, {5, 6, 7, 8})))),
      ElementsAre(-1, -2, -7, -8));
  EXPECT_THAT(Floats(ClipByValue(Neg(In({1, 9})), -5, 5)), ElementsAre(-1, -5));
}

TEST(InPlaceTest, OfScans) {
  EXPECT_THAT(Floats(Cumsum(Neg(In({1, 2, 3})), 0)), ElementsAre(-1, -3, -6));
  EXPECT_THAT(Floats(Cumsum(Neg(In({1, 2, 3})), 0, {.exclusive = true})),
              ElementsAre(0, -1, -3));
}

TEST(InPlaceTest, OfRows) {
  EXPECT_THAT(Floats(Softmax(Neg(In({0, 0})))), ElementsAre(0.5f, 0.5f));
  EXPECT_THAT(Floats(BiasAdd(Neg(In({1, 2}, {1, 2})), Neg(In({3, 4})))),
              ElementsAre(-4, -6));
  EXPECT_THAT(Floats(SparseSoftmaxCrossEntropyWithLogits(
                         Neg(In({1, 2}, {0, 0})), InInts({1}))
                         .backprop),
              ElementsAre(0.5f, -0.5f));
}

TEST(InPlaceTest, AcrossTypesOfOneSize) {
  EXPECT_THAT(Ints(Cast(Neg(In({1, 2})), DataType::kInt32)),
              ElementsAre(-1, -2));
  EXPECT_THAT(Floats(Cast(Neg(InInts({1, 2})), DataType::kFloat)),
              ElementsAre(-1, -2));
}

}  // namespace
}  // namespace weft
