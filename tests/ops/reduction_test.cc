#include "ops/reduction.h"

#include <cstdint>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNan;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// [2, 3, 2]: 1 to 12.
Output Cube() { return In({2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}); }

// ---- Axes: the same for all reductions --------------------------------------

TEST(SumTest, SumsAllIfNoAxesAreGiven) {
  EXPECT_THAT(Evaluate(Sum(Cube())), TensorEq(Tensor::Scalar(78.0f)));
  EXPECT_THAT(Evaluate(Sum(Cube(), {.keep_dims = true})),
              TensorEq(Tensor::Of<float>({1, 1, 1}, {78})));
}

TEST(SumTest, SumsAlongOneAxis) {
  EXPECT_THAT(Evaluate(Sum(Cube(), {.axes = 0})),
              TensorEq(Tensor::Of<float>({3, 2}, {8, 10, 12, 14, 16, 18})));
  EXPECT_THAT(Evaluate(Sum(Cube(), {.axes = 1})),
              TensorEq(Tensor::Of<float>({2, 2}, {9, 12, 27, 30})));
  EXPECT_THAT(Evaluate(Sum(Cube(), {.axes = 2})),
              TensorEq(Tensor::Of<float>({2, 3}, {3, 7, 11, 15, 19, 23})));
}

TEST(SumTest, SumsAlongSeveralAxes) {
  EXPECT_THAT(Evaluate(Sum(Cube(), {.axes = {0, 2}})),
              TensorEq(Tensor::Vector<float>({18, 26, 34})));
  EXPECT_THAT(Evaluate(Sum(Cube(), {.axes = {2, 1}})),
              TensorEq(Tensor::Vector<float>({21, 57})));
}

TEST(SumTest, CountsNegativeAxesFromTheEnd) {
  EXPECT_THAT(Evaluate(Sum(Cube(), {.axes = {-1, -3}})),
              TensorEq(Tensor::Vector<float>({18, 26, 34})));
}

TEST(SumTest, KeepsReducedAxes) {
  EXPECT_THAT(Evaluate(Sum(Cube(), {.axes = 1, .keep_dims = true})),
              TensorEq(Tensor::Of<float>({2, 1, 2}, {9, 12, 27, 30})));
}

TEST(SumTest, IsTheInputWithoutAxes) {
  EXPECT_THAT(Evaluate(Sum(In({1, 2}), {.axes = {}})),
              TensorEq(Tensor::Vector<float>({1, 2})));
}

TEST(SumTest, DropsAxesOfSizeOne) {
  EXPECT_THAT(Evaluate(Sum(In({2, 1}, {1, 2}), {.axes = 1})),
              TensorEq(Tensor::Vector<float>({1, 2})));
}

TEST(SumTest, TakesAxesThatARunComputes) {
  EXPECT_THAT(Floats(Sum(Cube(), {.axes = InInts({0, 2})})),
              ElementsAre(18, 26, 34));
  EXPECT_THAT(Floats(Sum(Cube(), {.axes = In(Tensor::Scalar<int64_t>(-1))})),
              ElementsAre(3, 7, 11, 15, 19, 23));
}

TEST(SumTest, SumsNothingToZero) {
  EXPECT_THAT(Evaluate(Sum(In({0, 2}, {}), {.axes = 0})),
              TensorEq(Tensor::Vector<float>({0, 0})));
  EXPECT_THAT(Evaluate(Sum(In({2, 0}, {}), {.axes = 0})),
              TensorEq(Tensor::Of<float>({0}, {})));
}

TEST(SumTest, StaysExactForLongSums) {
  const int64_t n = 1 << 20;
  EXPECT_THAT(
      Floats(Sum(In(Tensor::Of<float>({n}, std::vector<float>(n, 0.1f))))),
      ElementsAre(::testing::FloatNear(0.1f * n, 0.2f)));
}

TEST(SumTest, AgreesForAllWaysThroughLargeTensors) {
  std::vector<int32_t> values(64 * 48 * 32);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<int32_t>(i % 1000);
  const Output x = In(Tensor::Of<int32_t>({64, 48, 32}, values));
  const int64_t total = Ints(Sum(x))[0];
  for (const std::vector<int>& axes :
       {std::vector<int>{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}}) {
    EXPECT_THAT(Ints(Sum(Sum(x, {.axes = axes}))), ElementsAre(total));
  }
}

TEST(SumTest, SaysWhichAxisIsWrong) {
  EXPECT_THAT(TryEvaluate(Sum(In({1, 2}), {.axes = 1})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("axis is 1 but must be in [-1, 1)")));
  EXPECT_THAT(
      TryEvaluate(
          Sum(In({1, 2}), {.axes = InInts({std::numeric_limits<int>::min()})})),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("axis is -2147483648")));
}

TEST(SumTest, RefusesAnAxisTwice) {
  EXPECT_THAT(TryEvaluate(Sum(In({1, 2}), {.axes = {0, -1}})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("axis 0 is given twice")));
}

TEST(SumTest, SaysWhileBuildingWhichAxisIsWrong) {
  Sum(Shaped(DataType::kFloat, {2, 3}), {.axes = 2});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("axis is 2 but must be in [-2, 2)")));
}

TEST(SumTest, KnowsItsShape) {
  const Output x = Shaped(DataType::kFloat, {-1, 3, 4});
  EXPECT_EQ(Sum(x, {.axes = {0, 2}}).shape(), (TensorShape{3}));
  EXPECT_EQ(Sum(x, {.axes = -2, .keep_dims = true}).shape(),
            (TensorShape{-1, 1, 4}));
  EXPECT_EQ(Sum(x, {.axes = InInts({0}), .keep_dims = true}).shape(),
            (TensorShape{-1, -1, -1}));
  EXPECT_EQ(Sum(x).shape(), TensorShape{});
}

TEST(SumTest, KnowsSumsOfShapes) {
  const Output total = Sum(Shape(Shaped(DataType::kFloat, {3, 4})));
  EXPECT_EQ(Fill(Reshape(total, {1}), In(0)).shape(), (TensorShape{7}));
}

// ---- One by one -------------------------------------------------------------

TEST(MeanTest, Averages) {
  EXPECT_THAT(Floats(Mean(In({2, 2}, {1, 2, 3, 6}), {.axes = 1})),
              ElementsAre(1.5f, 4.5f));
  EXPECT_THAT(Ints(Mean(InInts({1, 2, 2}))), ElementsAre(1));
}

TEST(MeanTest, OfNothingIsNan) {
  EXPECT_THAT(Floats(Mean(In({0, 1}, {}), {.axes = 0})), ElementsAre(IsNan()));
  EXPECT_THAT(Ints(Mean(InInts({0, 1}, {}), {.axes = 0})), ElementsAre(0));
}

TEST(MaxTest, FindsTheLargest) {
  EXPECT_THAT(Floats(Max(In({2, 2}, {1, 5, -3, -4}), {.axes = 1})),
              ElementsAre(5, -3));
  EXPECT_THAT(Ints(Max(InInts({4, 9, 2}))), ElementsAre(9));
}

TEST(MaxTest, LetsNanWin) {
  std::vector<float> values(100, 1);
  values[37] = kNan;
  EXPECT_THAT(Floats(Max(In(Tensor::Of<float>({100}, values)))),
              ElementsAre(IsNan()));
}

TEST(MaxTest, OfNothingIsTheLowest) {
  EXPECT_THAT(Floats(Max(In({0, 1}, {}), {.axes = 0})), ElementsAre(-kInf));
  EXPECT_THAT(Ints(Max(InInts({0, 1}, {}), {.axes = 0})),
              ElementsAre(std::numeric_limits<int32_t>::min()));
}

TEST(MinTest, FindsTheSmallest) {
  EXPECT_THAT(Floats(Min(In({2, 2}, {1, 5, -3, -4}), {.axes = 1})),
              ElementsAre(1, -4));
  EXPECT_THAT(Floats(Min(In({1, kNan}))), ElementsAre(IsNan()));
  EXPECT_THAT(Floats(Min(In({0, 1}, {}), {.axes = 0})), ElementsAre(kInf));
}

TEST(ProdTest, Multiplies) {
  EXPECT_THAT(Floats(Prod(In({2, 2}, {1, 5, -3, -4}), {.axes = 1})),
              ElementsAre(5, 12));
  EXPECT_THAT(Ints(Prod(InInts({2, 3, 4}))), ElementsAre(24));
  EXPECT_THAT(Floats(Prod(In({0, 1}, {}), {.axes = 0})), ElementsAre(1));
}

TEST(ProdTest, KnowsProductsOfShapes) {
  const Output size = Prod(Shape(Shaped(DataType::kFloat, {3, 4})));
  EXPECT_EQ(Fill(Reshape(size, {1}), In(0)).shape(), (TensorShape{12}));
}

TEST(AllTest, NeedsEvery) {
  EXPECT_THAT(Bools(All(In(Tensor::Of<bool>({2, 2}, {true, true, true, false})),
                        {.axes = 1})),
              ElementsAre(true, false));
  EXPECT_THAT(Bools(All(In(Tensor::Of<bool>({0, 1}, {})), {.axes = 0})),
              ElementsAre(true));
}

TEST(AnyTest, NeedsOne) {
  EXPECT_THAT(
      Bools(Any(In(Tensor::Of<bool>({2, 2}, {false, true, false, false})),
                {.axes = 1})),
      ElementsAre(true, false));
  EXPECT_THAT(Bools(Any(In(Tensor::Of<bool>({0, 1}, {})), {.axes = 0})),
              ElementsAre(false));
}

// ---- Scans ------------------------------------------------------------------

TEST(CumsumTest, RunsAlongAnAxis) {
  const Output x = In({2, 3}, {1, 2, 3, 10, 20, 30});
  EXPECT_THAT(Floats(Cumsum(x, 1)), ElementsAre(1, 3, 6, 10, 30, 60));
  EXPECT_THAT(Floats(Cumsum(x, 0)), ElementsAre(1, 2, 3, 11, 22, 33));
  EXPECT_THAT(Floats(Cumsum(x, -2)), ElementsAre(1, 2, 3, 11, 22, 33));
}

TEST(CumsumTest, LeavesOutTheElementItself) {
  EXPECT_THAT(Floats(Cumsum(In({1, 2, 3}), 0, {.exclusive = true})),
              ElementsAre(0, 1, 3));
}

TEST(CumsumTest, RunsFromTheEnd) {
  EXPECT_THAT(Floats(Cumsum(In({1, 2, 3}), 0, {.reverse = true})),
              ElementsAre(6, 5, 3));
  EXPECT_THAT(
      Floats(Cumsum(In({1, 2, 3}), 0, {.exclusive = true, .reverse = true})),
      ElementsAre(5, 3, 0));
}

TEST(CumsumTest, TakesEmptyTensors) {
  EXPECT_THAT(Evaluate(Cumsum(In({0, 2}, {}), 0)),
              TensorEq(Tensor::Of<float>({0, 2}, {})));
}

TEST(CumsumTest, SaysWhichAxisIsWrong) {
  EXPECT_THAT(TryEvaluate(Cumsum(In({1, 2}), 1)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("axis is 1 but must be in [-1, 1)")));
}

TEST(CumprodTest, RunsAlongAnAxis) {
  const auto cumprod = [](Output x, bool exclusive) {
    return Emit("Cumprod", {x, In(Tensor::Scalar<int32_t>(0))},
                {{"exclusive", exclusive}});
  };
  EXPECT_THAT(Floats(cumprod(In({2, 3, 4}), false)), ElementsAre(2, 6, 24));
  EXPECT_THAT(Floats(cumprod(In({2, 3, 4}), true)), ElementsAre(1, 2, 6));
}

}  // namespace
}  // namespace weft
