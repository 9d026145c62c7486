// Ops that join tensors, and that split them.
#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
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

Output Matrix() { return In({2, 3}, {1, 2, 3, 4, 5, 6}); }

// ---- Pack, Unpack -----------------------------------------------------------

std::vector<Tensor> EvaluateAll(const Outputs& outputs) {
  std::vector<Tensor> values;
  for (const Output& output : outputs) values.push_back(Evaluate(output));
  return values;
}

TEST(PackTest, StacksAlongANewAxis) {
  const Output x = In({1, 2});
  const Output y = In({3, 4});
  EXPECT_THAT(Evaluate(Pack({x, y})),
              TensorEq(Tensor::Of<float>({2, 2}, {1, 2, 3, 4})));
  EXPECT_THAT(Evaluate(Pack({x, y}, /*axis=*/-1)),
              TensorEq(Tensor::Of<float>({2, 2}, {1, 3, 2, 4})));
  EXPECT_THAT(Evaluate(Pack({In(5.0f)})), TensorEq(Tensor::Vector<float>({5})));
}

TEST(PackTest, KnowsNumbersWhileBuilding) {
  Graph& g = TestGraph();
  const Output batch = DimOf(Shaped(DataType::kFloat, {-1, 4}), 0);
  const Output shape = Pack({batch, Const(g, 4)});
  EXPECT_THAT(Known(shape), ElementsAre(kUnknownElement, 4));
  EXPECT_EQ(Fill(shape, Const(g, 0.0f)).shape(), TensorShape({-1, 4}));
}

TEST(PackTest, WantsOneShape) {
  EXPECT_THAT(
      TryEvaluate(Pack({In({1, 2}), In({1, 2, 3})})),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("values[1] is [3] but must be [2] like values[0]")));
  EXPECT_THAT(
      TryEvaluate(Pack({In({1, 2})}, 2)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("axis is 2")));
  Pack({Shaped(DataType::kFloat, {2}), Shaped(DataType::kFloat, {3})});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("values[1] is [3] but must be [2]")));
}

TEST(UnpackTest, IsTheEntriesOfAnAxis) {
  const std::vector<Tensor> rows = EvaluateAll(Unpack(Matrix(), 2));
  EXPECT_THAT(rows[0], TensorEq(Tensor::Vector<float>({1, 2, 3})));
  EXPECT_THAT(rows[1], TensorEq(Tensor::Vector<float>({4, 5, 6})));
  const std::vector<Tensor> columns =
      EvaluateAll(Unpack(Matrix(), 3, /*axis=*/1));
  EXPECT_THAT(columns[2], TensorEq(Tensor::Vector<float>({3, 6})));
  EXPECT_EQ(Unpack(Shaped(DataType::kFloat, {4, 7})).size(), 4u);
}

TEST(UnpackTest, ChecksTheNumber) {
  EXPECT_THAT(
      TryEvaluate(Unpack(Matrix(), 3)[0]),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          HasSubstr("value is [2, 3] but axis 0 must have num = 3 entries")));
  Unpack(Shaped(DataType::kFloat, {-1, 2}));
  EXPECT_THAT(TestGraph().status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("num must be given")));
}

// ---- Concat -----------------------------------------------------------------

TEST(ConcatV2Test, JoinsAlongAnAxis) {
  const Output x = In({2, 1}, {1, 2});
  const Output y = In({2, 2}, {3, 4, 5, 6});
  EXPECT_THAT(Evaluate(Concat({x, y}, 1)),
              TensorEq(Tensor::Of<float>({2, 3}, {1, 3, 4, 2, 5, 6})));
  EXPECT_THAT(Evaluate(Concat({y, y}, -2)),
              TensorEq(Tensor::Of<float>({4, 2}, {3, 4, 5, 6, 3, 4, 5, 6})));
  const Output axis = In(Tensor::Scalar<int32_t>(0));
  EXPECT_THAT(Floats(Concat({In({1}), In({}), In({2, 3})}, axis)),
              ElementsAre(1, 2, 3));
}

TEST(ConcatV2Test, OfOneValueIsThat) {
  const Output x = In({1, 2});
  EXPECT_EQ(Concat({x}, 0), x);
}

TEST(ConcatV2Test, InfersSizesAndElements) {
  const Output x = Shaped(DataType::kFloat, {-1, 3});
  const Output y = Shaped(DataType::kFloat, {5, 4});
  EXPECT_EQ(Concat({x, y}, 1).shape(), TensorShape({5, 7}));
  const Output shape = Concat({Shape(x), Const(TestGraph(), {7, 8})}, 0);
  EXPECT_THAT(Known(shape), ElementsAre(kUnknownElement, 3, 7, 8));
}

TEST(ConcatV2Test, WantsEqualSizesElsewhere) {
  EXPECT_THAT(TryEvaluate(Concat({Matrix(), In({2, 2}, {1, 2, 3, 4})}, 0)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("values[1] is [2, 2] but must be like "
                                 "values[0], which is [2, 3], "
                                 "but for axis 0")));
  EXPECT_THAT(TryEvaluate(Concat({In(1.0f), In(2.0f)}, 0)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("rank 1 or more")));
  EXPECT_THAT(
      TryEvaluate(Concat({In({1}), In({2})}, In(Tensor::Scalar<int32_t>(1)))),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("axis is 1")));
}

// ---- Split, SplitV ----------------------------------------------------------

TEST(SplitTest, CutsIntoEqualParts) {
  const std::vector<Tensor> columns = EvaluateAll(Split(Matrix(), 3, 1));
  EXPECT_THAT(columns[0], TensorEq(Tensor::Of<float>({2, 1}, {1, 4})));
  EXPECT_THAT(columns[2], TensorEq(Tensor::Of<float>({2, 1}, {3, 6})));
  EXPECT_THAT(Evaluate(Split(Matrix(), 2, 0)[1]),
              TensorEq(Tensor::Of<float>({1, 3}, {4, 5, 6})));
  const Outputs halves = Split(Shaped(DataType::kFloat, {-1, 8}), 2, -1);
  EXPECT_EQ(halves[1].shape(), TensorShape({-1, 4}));
}

TEST(SplitTest, WantsAMultiple) {
  EXPECT_THAT(
      TryEvaluate(Split(Matrix(), 2, 1)[0]),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("axis 1 must be a multiple of num_split = 2")));
  EXPECT_THAT(
      TryEvaluate(Split(Matrix(), 2, 2)[0]),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("axis is 2")));
  EXPECT_THAT(
      TryEvaluate(Split(In(1.0f), 1, 0)[0]),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("axis is 0")));
  Split(Shaped(DataType::kFloat, {4}), 0, 0);
  EXPECT_THAT(TestGraph().status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("num_split")));
}

TEST(SplitVTest, CutsIntoPartsOfTheseSizes) {
  const std::vector<Tensor> parts = EvaluateAll(SplitV(Matrix(), {1, 2}, 1));
  EXPECT_THAT(parts[0], TensorEq(Tensor::Of<float>({2, 1}, {1, 4})));
  EXPECT_THAT(parts[1], TensorEq(Tensor::Of<float>({2, 2}, {2, 3, 5, 6})));
  const std::vector<Tensor> rest =
      EvaluateAll(SplitV(In({1, 2, 3, 4}), InInts({1, -1, 0}), 3, 0));
  EXPECT_THAT(rest[1], TensorEq(Tensor::Vector<float>({2, 3, 4})));
  EXPECT_THAT(rest[2], TensorEq(Tensor::Vector<float>({})));
  EXPECT_EQ(SplitV(Shaped(DataType::kFloat, {7, 2}), {3, -1}, 0)[1].shape(),
            TensorShape({4, 2}));
}

TEST(SplitVTest, ChecksTheSizes) {
  const auto refused = [](std::initializer_list<int32_t> sizes) {
    return TryEvaluate(SplitV(In({1, 2, 3, 4}), InInts(sizes), 2, 0)[0]);
  };
  EXPECT_THAT(refused({1, 2}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("add up to 3 but the axis has 4")));
  EXPECT_THAT(refused({5, -1}), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("add up to 5")));
  EXPECT_THAT(refused({-1, -1}), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("size_splits[1] is -1")));
  EXPECT_THAT(refused({-5, 9}), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("size_splits[0] is -5")));
  EXPECT_THAT(refused({4}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("size_splits is [1] but must be [2]")));
  SplitV(Shaped(DataType::kFloat, {4}), {1, 2}, 0);
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("add up to 3 but the axis has 4")));
}

}  // namespace
}  // namespace weft
