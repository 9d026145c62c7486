// Ops that take a part of a tensor by position.
#include <cstdint>
#include <limits>
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
using ::testing::IsEmpty;

std::vector<int64_t> Known(Output x) {
  const PartialValue* value = x.node()->output_value(x.index());
  return value != nullptr ? *value : PartialValue();
}

Output Matrix() { return In({2, 3}, {1, 2, 3, 4, 5, 6}); }

void ExpectRefused(Output output, const char* why) {
  EXPECT_THAT(TryEvaluate(output),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why)));
}

// ---- Slice ------------------------------------------------------------------

TEST(SliceTest, TakesABox) {
  EXPECT_THAT(Evaluate(Slice(Matrix(), {0, 1}, {2, 2})),
              TensorEq(Tensor::Of<float>({2, 2}, {2, 3, 5, 6})));
  EXPECT_THAT(Evaluate(Slice(Matrix(), {1, 0}, {1, -1})),
              TensorEq(Tensor::Of<float>({1, 3}, {4, 5, 6})));
  EXPECT_THAT(Evaluate(Slice(Matrix(), {2, 0}, {-1, 3})),
              TensorEq(Tensor::Of<float>({0, 3}, {})));
}

TEST(SliceTest, TakesABoxThatARunPlaces) {
  EXPECT_THAT(Evaluate(Slice(Matrix(), InInts({1, 1}), {1, 2})),
              TensorEq(Tensor::Of<float>({1, 2}, {5, 6})));
  EXPECT_THAT(Evaluate(Slice(Matrix(), InInts({0, 2}), InInts({-1, -1}))),
              TensorEq(Tensor::Of<float>({2, 1}, {3, 6})));
}

TEST(SliceTest, InfersSizesAndElements) {
  const Output x = Shaped(DataType::kFloat, {-1, 8});
  EXPECT_EQ(Slice(x, {0, 2}, {-1, 3}).shape(), TensorShape({-1, 3}));
  EXPECT_EQ(Slice(x, {0, 2}, {-1, -1}).shape(), TensorShape({-1, 6}));
  EXPECT_THAT(Known(Slice(Shape(x), {1}, {1})), ElementsAre(8));
}

TEST(SliceTest, StaysInside) {
  constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  ExpectRefused(Slice(Matrix(), InInts({0, 4}), {1, 1}),
                "begin[1] is 4 but must be in [0, 3]");
  ExpectRefused(Slice(Matrix(), InInts({kMin, 0}), {1, 1}),
                "begin[0] is -2147483648");
  ExpectRefused(
      Slice(Matrix(), {0, 2}, InInts({1, kMax})),
      "size[1] is 2147483647 but axis 1 of [2, 3] has 1 entries from begin on");
  ExpectRefused(Slice(Matrix(), {0, 0}, InInts({-2, 1})), "size[0] is -2");
  ExpectRefused(Slice(Matrix(), {0}, {1}), "begin is [1] but must be [2]");
  Slice(Shaped(DataType::kFloat, {2}), {1}, {2});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("size[0] is 2 but axis 0 of [2] has 1")));
}

// ---- StridedSlice -----------------------------------------------------------

TEST(StridedSliceTest, SlicesLikeNumpy) {
  const Output x = In({10, 11, 12, 13, 14});
  const auto slice = [&x](int64_t begin, int64_t end, int64_t stride) {
    return Floats(StridedSlice(x, {begin}, {end}, {stride}));
  };
  EXPECT_THAT(slice(1, 4, 1), ElementsAre(11, 12, 13));
  EXPECT_THAT(slice(0, 5, 2), ElementsAre(10, 12, 14));
  EXPECT_THAT(slice(-2, 100, 1), ElementsAre(13, 14));
  EXPECT_THAT(slice(4, 0, -2), ElementsAre(14, 12));
  EXPECT_THAT(slice(100, -100, -1), ElementsAre(14, 13, 12, 11, 10));
  EXPECT_THAT(slice(3, 1, 1), IsEmpty());
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_THAT(slice(kMin, kMax, kMax), ElementsAre(10));
  EXPECT_THAT(slice(kMax, kMin, kMin), ElementsAre(14));
}

TEST(StridedSliceTest, MasksChooseWholeNewAndSingleAxes) {
  const Output x = Matrix();
  // x[:, 1:]
  EXPECT_THAT(Evaluate(StridedSlice(x, {9, 1}, {9, 9}, {1, 1},
                                    {.begin_mask = 1, .end_mask = 3})),
              TensorEq(Tensor::Of<float>({2, 2}, {2, 3, 5, 6})));
  // x[..., newaxis, -1]
  EXPECT_THAT(
      Evaluate(StridedSlice(
          x, {0, 0, -1}, {0, 0, 0}, {1, 1, 1},
          {.ellipsis_mask = 1, .new_axis_mask = 2, .shrink_axis_mask = 4})),
      TensorEq(Tensor::Of<float>({2, 1}, {3, 6})));
  // x[1]
  EXPECT_THAT(Evaluate(StridedSlice(x, {1}, {2}, {1}, {.shrink_axis_mask = 1})),
              TensorEq(Tensor::Vector<float>({4, 5, 6})));
  // x[::-1, ::-1]
  EXPECT_THAT(Evaluate(StridedSlice(x, {0, 0}, {0, 0}, {-1, -1},
                                    {.begin_mask = 3, .end_mask = 3})),
              TensorEq(Tensor::Of<float>({2, 3}, {6, 5, 4, 3, 2, 1})));
}

TEST(StridedSliceTest, TakesBoundsThatARunComputes) {
  EXPECT_THAT(Evaluate(StridedSlice(Matrix(), InInts({1}), InInts({2}), {1},
                                    {.shrink_axis_mask = 1})),
              TensorEq(Tensor::Vector<float>({4, 5, 6})));
  EXPECT_THAT(Floats(StridedSlice(In({1, 2, 3}), InInts({1}), InInts({3}),
                                  InInts({1}))),
              ElementsAre(2, 3));
}

TEST(StridedSliceTest, InfersSizesAndElements) {
  const Output x = Shaped(DataType::kFloat, {-1, 5, 7});
  EXPECT_EQ(IndexAxis(x, 1, int64_t{0}).shape(), TensorShape({-1, 7}));
  EXPECT_EQ(SliceAxis(x, 2, 1, 4).shape(), TensorShape({-1, 5, 3}));
  EXPECT_THAT(Known(StridedSlice(Shape(x), {-1}, {0}, {-1}, {.end_mask = 1})),
              ElementsAre(7, 5, kUnknownElement));
  EXPECT_THAT(Known(IndexAxis(Shape(x), 0, int64_t{1})), ElementsAre(5));
}

TEST(StridedSliceTest, ChecksStridesIndicesAndAxes) {
  ExpectRefused(StridedSlice(Matrix(), {0}, {1}, InInts({0})),
                "strides[0] is 0");
  ExpectRefused(
      StridedSlice(Matrix(), InInts({2}), {0}, {1}, {.shrink_axis_mask = 1}),
      "index 2 of axis 0 must be in [-2, 2)");
  ExpectRefused(
      StridedSlice(Matrix(), InInts({-3}), {0}, {1}, {.shrink_axis_mask = 1}),
      "index -3 of axis 0");
  ExpectRefused(
      StridedSlice(Matrix(), {0}, {1}, InInts({-1}), {.shrink_axis_mask = 1}),
      "must be 1 for a single index");
  ExpectRefused(StridedSlice(Matrix(), {0, 0, 0}, {1, 1, 1}, {1, 1, 1}),
                "names 3 axes but the input is [2, 3]");
  ExpectRefused(
      StridedSlice(Matrix(), InInts({0}), InInts({1, 1}), InInts({1})),
      "must have equally many");
  StridedSlice(Shaped(DataType::kFloat, {2}), {0}, {1}, {0});
  EXPECT_THAT(TestGraph().status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("strides[0] is 0")));
}

TEST(StridedSliceTest, HasOneEllipsis) {
  StridedSlice(Matrix(), {0, 0}, {0, 0}, {1, 1}, {.ellipsis_mask = 3});
  EXPECT_THAT(TestGraph().status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("more than one bit")));
}

TEST(StridedSliceGradTest, PutsThePartAmongZeros) {
  const Output dy = In({2, 1}, {1, 2});
  EXPECT_THAT(Evaluate(StridedSliceGrad(InInts({2, 3}), InInts({0, 2}),
                                        InInts({2, 0}), InInts({1, -2}), dy)),
              TensorEq(Tensor::Of<float>({2, 3}, {0, 0, 1, 0, 0, 2})));
  EXPECT_THAT(
      Floats(StridedSliceGrad(InInts({4}), InInts({-1}), InInts({0}),
                              InInts({1}), In(5.0f), {.shrink_axis_mask = 1})),
      ElementsAre(0, 0, 0, 5));
}

TEST(StridedSliceGradTest, ChecksTheShapeOfThePart) {
  ExpectRefused(StridedSliceGrad(InInts({4}), InInts({0}), InInts({2}),
                                 InInts({1}), In({1, 2, 3})),
                "dy is [3] but must be [2]");
  ExpectRefused(StridedSliceGrad(InInts({-4}), InInts({0}), InInts({2}),
                                 InInts({1}), In({1, 2})),
                "sizes must be 0 or more");
}

// ---- One axis ---------------------------------------------------------------

TEST(IndexAxisTest, DropsTheAxis) {
  EXPECT_THAT(Floats(IndexAxis(Matrix(), 0, int64_t{-1})),
              ElementsAre(4, 5, 6));
  EXPECT_THAT(Floats(IndexAxis(Matrix(), 1, int64_t{0})), ElementsAre(1, 4));
  EXPECT_THAT(Floats(IndexAxis(Matrix(), -2, int64_t{1})),
              ElementsAre(4, 5, 6));
  EXPECT_THAT(Floats(IndexAxis(Matrix(), 1, In(Tensor::Scalar<int32_t>(2)))),
              ElementsAre(3, 6));
}

TEST(IndexAxisTest, ChecksAxisAndIndex) {
  ExpectRefused(IndexAxis(Matrix(), 2, int64_t{0}), "names 3 axes");
  ExpectRefused(IndexAxis(Matrix(), 0, int64_t{2}), "index 2 of axis 0");
  ExpectRefused(IndexAxis(Matrix(), 1000, int64_t{0}), "at most 32");
}

TEST(SliceAxisTest, KeepsTheAxis) {
  EXPECT_THAT(Evaluate(SliceAxis(Matrix(), 1, 1, 3)),
              TensorEq(Tensor::Of<float>({2, 2}, {2, 3, 5, 6})));
  EXPECT_THAT(Evaluate(SliceAxis(Matrix(), -1, 0, -1)),
              TensorEq(Tensor::Of<float>({2, 2}, {1, 2, 4, 5})));
  const Output begin = In(Tensor::Scalar<int32_t>(1)),
               end = In(Tensor::Scalar<int32_t>(2));
  EXPECT_THAT(Evaluate(SliceAxis(Matrix(), 0, begin, end)),
              TensorEq(Tensor::Of<float>({1, 3}, {4, 5, 6})));
}

}  // namespace
}  // namespace weft
