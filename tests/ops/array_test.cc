// Shapes as values.
#include "ops/array.h"

#include <cstdint>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/emit.h"
#include "ops/source.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What building knows of the elements of `x`; empty if nothing.
std::vector<int64_t> Known(Output x) {
  const PartialValue* value = x.node()->output_value(x.index());
  return value != nullptr ? *value : PartialValue();
}

std::vector<Tensor> EvaluateAll(const Outputs& outputs) {
  std::vector<Tensor> values;
  for (const Output& output : outputs) values.push_back(Evaluate(output));
  return values;
}

TEST(ShapeTest, IsTheSizesOfAllAxes) {
  EXPECT_THAT(Evaluate(Shape(In({2, 3}, {1, 2, 3, 4, 5, 6}))),
              TensorEq(Tensor::Vector<int32_t>({2, 3})));
  EXPECT_THAT(Evaluate(Shape(In(5.0f), DataType::kInt64)),
              TensorEq(Tensor::Vector<int64_t>({})));
}

TEST(ShapeTest, IsKnownInPartWhileBuilding) {
  const Output x = Shaped(DataType::kFloat, {-1, 3});
  EXPECT_THAT(Known(Shape(x)), ElementsAre(kUnknownElement, 3));
  EXPECT_EQ(Shape(x).shape(), TensorShape({2}));
  EXPECT_EQ(Shape(Shaped(DataType::kFloat, TensorShape::UnknownRank())).shape(),
            TensorShape({-1}));
}

TEST(ShapeTest, GivesNoOtherTypeThanInt32AndInt64) {
  Shape(In(1.0f), DataType::kFloat);
  EXPECT_THAT(TestGraph().status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("out_type")));
}

TEST(ShapeNTest, IsTheShapesOfAllInputs) {
  const std::vector<Tensor> shapes =
      EvaluateAll(ShapeN({In({1, 2, 3}), In({1, 2}, {1, 2})}));
  EXPECT_THAT(shapes[0], TensorEq(Tensor::Vector<int32_t>({3})));
  EXPECT_THAT(shapes[1], TensorEq(Tensor::Vector<int32_t>({1, 2})));
}

TEST(SizeTest, IsTheNumberOfElements) {
  EXPECT_THAT(Evaluate(Size(In({2, 3}, {1, 2, 3, 4, 5, 6}))),
              TensorEq(Tensor::Scalar<int32_t>(6)));
  EXPECT_THAT(Evaluate(Size(In(1.0f), DataType::kInt64)),
              TensorEq(Tensor::Scalar<int64_t>(1)));
  EXPECT_THAT(Known(Size(Shaped(DataType::kFloat, {2, 5}))), ElementsAre(10));
}

TEST(RankTest, IsTheNumberOfAxes) {
  EXPECT_THAT(Evaluate(Rank(In({2, 1}, {1, 2}))),
              TensorEq(Tensor::Scalar<int32_t>(2)));
  EXPECT_THAT(Known(Rank(Shaped(DataType::kFloat, {-1, -1, 4}))),
              ElementsAre(3));
}

TEST(DimOfTest, IsOneSize) {
  const Output x = In({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(Ints(DimOf(x, 0)), ElementsAre(2));
  EXPECT_THAT(Ints(DimOf(x, -1)), ElementsAre(3));
  EXPECT_THAT(Known(DimOf(Shaped(DataType::kFloat, {-1, 4}), 1)),
              ElementsAre(4));
}

// ---- Broadcasting -----------------------------------------------------------

TEST(BroadcastArgsTest, IsTheCommonShape) {
  EXPECT_THAT(Ints(BroadcastArgs(InInts({5, 1, 3}), InInts({4, 1}))),
              ElementsAre(5, 4, 3));
  EXPECT_THAT(Ints(BroadcastArgs(InInts({}), InInts({2}))), ElementsAre(2));
}

TEST(BroadcastArgsTest, NamesSizesThatDiffer) {
  EXPECT_THAT(
      TryEvaluate(BroadcastArgs(InInts({2, 3}), InInts({4}))),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          HasSubstr("[2, 3] and [1, 4] do not broadcast: 3 and 4 differ")));
}

TEST(BroadcastArgsTest, WantsVectors) {
  EXPECT_THAT(TryEvaluate(BroadcastArgs(InInts({2}), InInts({1, 1}, {2}))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("s1 is [1, 1] but must have rank 1")));
}

TEST(BroadcastGradientArgsTest, IsTheRepeatedAxes) {
  const auto [r0, r1] =
      BroadcastGradientArgs(InInts({5, 1, 3}), InInts({4, 3}));
  const std::vector<Tensor> axes = EvaluateAll(Outputs{r0, r1});
  EXPECT_THAT(axes[0], TensorEq(Tensor::Vector<int32_t>({1})));
  EXPECT_THAT(axes[1], TensorEq(Tensor::Vector<int32_t>({0})));
}

TEST(BroadcastGradientArgsTest, IsEmptyForEqualShapes) {
  const auto [r0, r1] = BroadcastGradientArgs(InInts({2, 1}), InInts({2, 1}));
  EXPECT_THAT(Ints(r0), IsEmpty());
  EXPECT_THAT(Ints(r1), IsEmpty());
}

TEST(BroadcastGradientArgsTest, NamesSizesThatDiffer) {
  EXPECT_THAT(
      TryEvaluate(BroadcastGradientArgs(InInts({2}), InInts({3})).first),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("2 and 3 differ")));
}

// ---- ConcatOffset -----------------------------------------------------------

TEST(ConcatOffsetTest, IsWhereEachPartBegins) {
  const std::vector<Tensor> offsets = EvaluateAll(
      ConcatOffset(1, {InInts({2, 3}), InInts({2, 5}), InInts({2, 1})}));
  EXPECT_THAT(offsets[0], TensorEq(Tensor::Vector<int32_t>({0, 0})));
  EXPECT_THAT(offsets[1], TensorEq(Tensor::Vector<int32_t>({0, 3})));
  EXPECT_THAT(offsets[2], TensorEq(Tensor::Vector<int32_t>({0, 8})));
}

TEST(ConcatOffsetTest, ChecksAxisAndRanks) {
  EXPECT_THAT(TryEvaluate(ConcatOffset(2, {InInts({2, 3}), InInts({2, 5})})[0]),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("axis is 2 but must be in [-2, 2)")));
  EXPECT_THAT(
      TryEvaluate(ConcatOffset(0, {InInts({2, 3}), InInts({2})})[0]),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("must be [2]")));
}

// ---- Reshape, ExpandDims, Squeeze -------------------------------------------

TEST(ReshapeTest, KeepsTheOrderOfElements) {
  const Output x = In({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(Evaluate(Reshape(x, {3, 2})),
              TensorEq(Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6})));
  EXPECT_THAT(Evaluate(Reshape(x, {-1})),
              TensorEq(Tensor::Vector<float>({1, 2, 3, 4, 5, 6})));
  EXPECT_THAT(Evaluate(Reshape(x, InInts({6, 1}))),
              TensorEq(Tensor::Of<float>({6, 1}, {1, 2, 3, 4, 5, 6})));
  EXPECT_THAT(Evaluate(Reshape(In({7}), {})), TensorEq(Tensor::Scalar(7.0f)));
}

TEST(ReshapeTest, TakesEmptyTensors) {
  EXPECT_THAT(Evaluate(Reshape(In({0, 3}, {}), {0})),
              TensorEq(Tensor::Vector<float>({})));
  EXPECT_THAT(Evaluate(Reshape(In({0, 3}, {}), {-1, 3})),
              TensorEq(Tensor::Of<float>({0, 3}, {})));
}

TEST(ReshapeTest, InfersWhatFollows) {
  const Output x = Shaped(DataType::kFloat, {4, 6});
  EXPECT_EQ(Reshape(x, {-1, 8}).shape(), TensorShape({3, 8}));
  const Output y = Shaped(DataType::kFloat, {-1, 6});
  EXPECT_EQ(Reshape(y, {-1, 2, 3}).shape(), TensorShape({-1, 2, 3}));
  EXPECT_EQ(Reshape(y, Shape(y)).shape(), TensorShape({-1, 6}));
}

TEST(ReshapeTest, RefusesAnotherNumberOfElements) {
  Reshape(Shaped(DataType::kFloat, {2, 3}), {4, -1});
  EXPECT_THAT(
      TestGraph().status(),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          HasSubstr(
              "tensor is [2, 3] with 6 elements, which do not make [4, ?]")));
}

TEST(ReshapeTest, ChecksShapesThatARunComputes) {
  const Output x = In({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto expect_refused = [&x](Output shape, const char* why) {
    EXPECT_THAT(TryEvaluate(Reshape(x, shape)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why)));
  };
  expect_refused(InInts({4}), "6 elements, which do not make [4]");
  expect_refused(InInts({-1, -1}), "more than one -1");
  expect_refused(InInts({-2, -3}), "sizes must be 0 or more");
  expect_refused(InInts({0, -1}), "do not make [0, -1]");
  expect_refused(InInts({1, 1}, {6}), "shape is [1, 1] but must have rank 1");
  constexpr int64_t kHuge = int64_t{1} << 62;
  expect_refused(In(Tensor::Vector<int64_t>({kHuge, kHuge})), "overflows");
}

TEST(ExpandDimsTest, InsertsAnAxis) {
  const Output x = In({1, 2});
  EXPECT_THAT(Evaluate(ExpandDims(x, 0)),
              TensorEq(Tensor::Of<float>({1, 2}, {1, 2})));
  EXPECT_THAT(Evaluate(ExpandDims(x, -1)),
              TensorEq(Tensor::Of<float>({2, 1}, {1, 2})));
  EXPECT_THAT(Evaluate(ExpandDims(x, In(Tensor::Scalar<int32_t>(1)))),
              TensorEq(Tensor::Of<float>({2, 1}, {1, 2})));
  EXPECT_EQ(ExpandDims(Shaped(DataType::kFloat, {-1, 5}), 1).shape(),
            TensorShape({-1, 1, 5}));
}

TEST(ExpandDimsTest, ChecksTheAxis) {
  EXPECT_THAT(TryEvaluate(ExpandDims(In({1, 2}), 3)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("axis is 3 but must be in [-2, 2)")));
  const Output lowest = In(Tensor::Scalar(std::numeric_limits<int32_t>::min()));
  EXPECT_THAT(TryEvaluate(ExpandDims(In({1, 2}), lowest)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("axis is -2147483648")));
}

TEST(SqueezeTest, DropsAxesOfSizeOne) {
  const Output x = In({1, 2, 1}, {5, 6});
  EXPECT_THAT(Evaluate(Squeeze(x)), TensorEq(Tensor::Vector<float>({5, 6})));
  EXPECT_THAT(Evaluate(Squeeze(x, {-1})),
              TensorEq(Tensor::Of<float>({1, 2}, {5, 6})));
  EXPECT_EQ(Squeeze(Shaped(DataType::kFloat, {1, -1}), {0}).shape(),
            TensorShape({-1}));
  EXPECT_FALSE(Squeeze(Shaped(DataType::kFloat, {1, -1})).shape().has_rank());
}

TEST(SqueezeTest, RefusesAxesOfAnotherSize) {
  EXPECT_THAT(TryEvaluate(Squeeze(In({1, 2}, {5, 6}), {1})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("axis 1 of input [1, 2] must have size 1")));
  EXPECT_THAT(TryEvaluate(Squeeze(In({1, 2}), {1})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must be in [-1, 1)")));
}

// ---- Fill, Range, OneHot ----------------------------------------------------

TEST(FillTest, RepeatsTheValue) {
  EXPECT_THAT(Evaluate(Fill({2, 2}, In(3.0f))),
              TensorEq(Tensor::Of<float>({2, 2}, {3, 3, 3, 3})));
  EXPECT_THAT(Evaluate(Fill(InInts({0, 5}), In(3.0f))),
              TensorEq(Tensor::Of<float>({0, 5}, {})));
  EXPECT_THAT(
      Evaluate(Fill({2}, Const(TestGraph(), Tensor::Scalar<std::string>("a")))),
      TensorEq(Tensor::Vector<std::string>({"a", "a"})));
}

TEST(FillTest, RefusesSizesThatAreNone) {
  EXPECT_THAT(TryEvaluate(Fill(InInts({2, -1}), In(3.0f))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("shape [2, -1]: sizes must be 0 or more")));
  EXPECT_THAT(TryEvaluate(Fill(InInts({2}), In({1, 2}))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("value is [2] but must be a scalar")));
  Fill({-1}, Shaped(DataType::kFloat, {}));
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("size -1 must be 0 or more")));
}

TEST(FillTest, RefusesMoreThanThereIs) {
  constexpr int64_t kHuge = int64_t{1} << 62;
  EXPECT_THAT(
      TryEvaluate(Fill(In(Tensor::Vector<int64_t>({kHuge, 4})), In(1.0f))),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("overflows")));
  EXPECT_FALSE(
      TryEvaluate(Fill(In(Tensor::Vector<int64_t>({kHuge})), In(1.0f))).ok());
}

TEST(RangeTest, CountsUpAndDown) {
  const auto range = [](int32_t start, int32_t limit, int32_t delta) {
    return Ints(Range(In(Tensor::Scalar(start)), In(Tensor::Scalar(limit)),
                      In(Tensor::Scalar(delta))));
  };
  EXPECT_THAT(range(2, 7, 2), ElementsAre(2, 4, 6));
  EXPECT_THAT(range(3, 0, -1), ElementsAre(3, 2, 1));
  EXPECT_THAT(range(3, 3, 1), IsEmpty());
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  EXPECT_THAT(range(kMax - 1, kMax, 5), ElementsAre(kMax - 1));
  EXPECT_THAT(Floats(Range(In(0.0f), In(1.0f), In(0.25f))),
              ElementsAre(0, 0.25, 0.5, 0.75));
}

TEST(RangeTest, IsKnownWhileBuilding) {
  Graph& g = TestGraph();
  EXPECT_THAT(Known(Range(Const(g, 1), Const(g, 4), Const(g, 1))),
              ElementsAre(1, 2, 3));
}

TEST(RangeTest, RefusesToRunAway) {
  const auto refused = [](int64_t start, int64_t limit, int64_t delta) {
    return TryEvaluate(Range(In(Tensor::Scalar(start)),
                             In(Tensor::Scalar(limit)),
                             In(Tensor::Scalar(delta))));
  };
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  EXPECT_THAT(refused(0, 5, 0), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("delta is 0")));
  EXPECT_THAT(refused(5, 0, 1),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("limit is 0 but must be at least start = 5")));
  EXPECT_THAT(
      refused(kMin, kMax, 1),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("too long")));
  EXPECT_FALSE(refused(0, kMax, 1).ok());
}

TEST(OneHotTest, PutsOnWhereTheIndexIs) {
  EXPECT_THAT(Evaluate(OneHot(InInts({1, 0, 3, -1}), 3)),
              TensorEq(Tensor::Of<float>(
                  {4, 3}, {0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})));
  EXPECT_THAT(
      Evaluate(OneHot(InInts({1, 0, 1}), 2, DataType::kInt32, /*axis=*/0)),
      TensorEq(Tensor::Of<int32_t>({2, 3}, {0, 1, 0, 1, 0, 1})));
  const Output depth = In(Tensor::Scalar<int32_t>(2));
  EXPECT_THAT(Evaluate(OneHot(In(Tensor::Scalar<int64_t>(1)), depth, In(5.0f),
                              In(-1.0f))),
              TensorEq(Tensor::Vector<float>({-1, 5})));
}

TEST(OneHotTest, ChecksDepthAndAxis) {
  const Output depth = In(Tensor::Scalar<int32_t>(-2));
  EXPECT_THAT(TryEvaluate(OneHot(InInts({1}), depth, In(1.0f), In(0.0f))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("sizes must be 0 or more")));
  EXPECT_THAT(
      TryEvaluate(OneHot(InInts({1}), 3, DataType::kFloat, /*axis=*/2)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("axis is 2")));
  OneHot(InInts({1}), -1);
  EXPECT_THAT(TestGraph().status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("depth is -1")));
}

}  // namespace
}  // namespace weft
