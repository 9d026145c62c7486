// Ops on narrow types, which are computed in wider ones.
#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/conv.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/random.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Output Halfs(std::initializer_list<float> values) {
  return Cast(In(values), DataType::kHalf);
}

// The values of a half or bfloat16 result.
std::vector<float> Widened(Output y) {
  EXPECT_TRUE(y.dtype() == DataType::kHalf || y.dtype() == DataType::kBfloat16);
  return Floats(Cast(y, DataType::kFloat));
}

TEST(NarrowTypesTest, HalfArithmeticRoundsOnce) {
  // 2048 + 1 lies between two halfs, 2048 and 2050: the even one.
  EXPECT_THAT(Widened(Halfs({1, 2048}) + Halfs({2, 1})), ElementsAre(3, 2048));
  EXPECT_THAT(Widened(Abs(Halfs({-1.5f, 2}))), ElementsAre(1.5f, 2));
  EXPECT_THAT(Widened(Relu(Halfs({-1, 2}))), ElementsAre(0, 2));
}

TEST(NarrowTypesTest, HalfSumsDoNotRoundInBetween) {
  EXPECT_THAT(Widened(Sum(Halfs({2048, 1, 1}))), ElementsAre(2050));
}

TEST(NarrowTypesTest, BfloatProducts) {
  const Output a = Cast(In({1, 2}, {1, 2}), DataType::kBfloat16);
  const Output b = Cast(In({2, 1}, {3, 4}), DataType::kBfloat16);
  EXPECT_THAT(Widened(MatMul(a, b)), ElementsAre(11));
}

TEST(NarrowTypesTest, HalfConvolutions) {
  const Output x = Cast(In({1, 1, 3, 1}, {1, 2, 3}), DataType::kHalf);
  const Output w = Cast(In({1, 2, 1, 1}, {1, 10}), DataType::kHalf);
  EXPECT_THAT(Widened(Conv2D(x, w, {.padding = "VALID"})), ElementsAre(21, 32));
}

TEST(NarrowTypesTest, ComparisonsGiveBools) {
  EXPECT_THAT(Bools(Less(Halfs({1, 2}), Halfs({2, 1}))),
              ElementsAre(true, false));
}

TEST(NarrowTypesTest, ShapesMayComeFromValues) {
  EXPECT_THAT(Ints(ArgMax(Halfs({1, 3, 2}), 0)), ElementsAre(1));
  EXPECT_THAT(Widened(TopKV2(Halfs({1, 3, 2}), 2).values), ElementsAre(3, 2));
}

TEST(NarrowTypesTest, SmallIntegersWrapAround) {
  const Output x = In(Tensor::Vector<int8_t>({100, -100}));
  const Tensor sum = Evaluate(x + x);
  ASSERT_EQ(sum.dtype(), DataType::kInt8);
  EXPECT_THAT(sum.data<int8_t>(), ElementsAre(-56, 56));
  const Output y = In(Tensor::Vector<uint32_t>({4294967295u, 5}));
  const Tensor more = Evaluate(y + y);
  ASSERT_EQ(more.dtype(), DataType::kUint32);
  EXPECT_THAT(more.data<uint32_t>(), ElementsAre(4294967294u, 10));
}

TEST(NarrowTypesTest, UnsignedNumbersCompareAsSuch) {
  EXPECT_THAT(Bools(Less(In(Tensor::Vector<uint8_t>({200})),
                         In(Tensor::Vector<uint8_t>({100})))),
              ElementsAre(false));
}

TEST(NarrowTypesTest, CastsBetweenAllNumbers) {
  const Tensor y = Evaluate(Cast(In({3.7f, 200}), DataType::kUint32));
  ASSERT_EQ(y.dtype(), DataType::kUint32);
  EXPECT_THAT(y.data<uint32_t>(), ElementsAre(3, 200));
  EXPECT_THAT(
      Floats(Cast(In(Tensor::Vector<uint16_t>({65535})), DataType::kFloat)),
      ElementsAre(65535));
  EXPECT_THAT(Ints(Cast(In(Tensor::Vector<int16_t>({-5})), DataType::kInt64)),
              ElementsAre(-5));
}

TEST(NarrowTypesTest, DivisionByZeroIsAnError) {
  const Output x = In(Tensor::Vector<int8_t>({1}));
  const Output zero = In(Tensor::Vector<int8_t>({0}));
  EXPECT_THAT(
      TryEvaluate(FloorDiv(x, zero)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("integer division by zero")));
}

}  // namespace
}  // namespace weft
