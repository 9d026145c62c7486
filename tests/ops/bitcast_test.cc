#include "ops/bitcast.h"

#include <cstdint>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/source.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// IEEE 754: 1 is 0x3f800000, -2 is 0xc0000000.
TEST(BitcastTest, ShowsTheBitsOfFloats) {
  EXPECT_THAT(Ints(Bitcast(In({1, -2, 0}), DataType::kInt32)),
              ElementsAre(0x3f800000, -0x40000000, 0));
  EXPECT_THAT(Floats(Bitcast(InInts({0x3f800000}), DataType::kFloat)),
              ElementsAre(1));
}

TEST(BitcastTest, AddsAndTakesAnAxis) {
  const Tensor bytes = Evaluate(Bitcast(In({2, 1}, {1, -2}), DataType::kUint8));
  EXPECT_THAT(bytes, TensorEq(Tensor::Of<uint8_t>(
                         {2, 1, 4}, {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0})));
  EXPECT_THAT(Evaluate(Bitcast(In(bytes), DataType::kFloat)),
              TensorEq(Tensor::Of<float>({2, 1}, {1, -2})));
}

TEST(BitcastTest, RefusesAnAxisThatDoesNotFit) {
  EXPECT_THAT(TryEvaluate(Bitcast(InInts({1, 2, 3}), DataType::kInt64)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("input is [3] but its last axis must be 2")));
  EXPECT_THAT(
      TryEvaluate(Bitcast(Shaped(DataType::kInt32, {}), DataType::kInt64)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("input is [] but its last axis must be 2, which make "
                         "one int64")));
}

}  // namespace
}  // namespace weft
