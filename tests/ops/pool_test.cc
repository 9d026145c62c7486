#include "ops/pool.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/emit.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/testing/value_test.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNan;
using ::testing::SizeIs;

WEFT_VALUE_TEST(MaxPoolGradGrad, AvgPoolGrad);

// Rows 1 2 3, 4 9 6, 7 8 5.
Output Image() { return In({1, 3, 3, 1}, {1, 2, 3, 4, 9, 6, 7, 8, 5}); }

const PoolOptions kSame = {.padding = "SAME"};
const PoolOptions kByOne = {.strides = {1, 1}};

TEST(MaxPoolTest, TakesTheLargestOfEachWindow) {
  EXPECT_THAT(Floats(MaxPool(Image(), kByOne)), ElementsAre(9, 9, 9, 9));
  EXPECT_THAT(Floats(MaxPool(Image())), ElementsAre(9));
}

TEST(MaxPoolTest, SameKeepsWhatIsAtTheBorder) {
  EXPECT_THAT(Floats(MaxPool(Image(), kSame)), ElementsAre(9, 6, 8, 5));
}

TEST(MaxPoolTest, OfNegativeNumbersIsNotZero) {
  EXPECT_THAT(Floats(MaxPool(In({1, 1, 1, 1}, {-3}), kSame)), ElementsAre(-3));
}

TEST(MaxPoolTest, KeepsChannelsApart) {
  EXPECT_THAT(Floats(MaxPool(In({1, 1, 2, 2}, {1, 20, 10, 2}),
                             {.ksize = {1, 2}, .strides = {1, 2}})),
              ElementsAre(10, 20));
  EXPECT_THAT(Floats(MaxPool(
                  In({1, 2, 1, 2}, {1, 10, 20, 2}),
                  {.ksize = {1, 2}, .strides = {1, 2}, .data_format = "NCHW"})),
              ElementsAre(10, 20));
}

TEST(MaxPoolTest, NanStays) {
  EXPECT_THAT(Floats(MaxPool(In({1, 1, 3, 1}, {1, std::nanf(""), 2}),
                             {.ksize = {1, 3}, .strides = {1, 1}})),
              ElementsAre(IsNan()));
}

TEST(MaxPoolTest, OfIntegers) {
  EXPECT_THAT(Ints(MaxPool(InInts({1, 2, 2, 1}, {1, 5, -3, 2}))),
              ElementsAre(5));
}

TEST(MaxPoolTest, OfNoImagesIsEmpty) {
  EXPECT_THAT(Floats(MaxPool(In({0, 2, 2, 1}, {}))), SizeIs(0));
}

TEST(MaxPoolGradTest, GoesToTheFirstOfTheLargest) {
  const Output x = In({1, 1, 4, 1}, {3, 3, 1, 2});
  const PoolOptions options = {.ksize = {1, 2}, .strides = {1, 1}};
  const Output y = MaxPool(x, options);
  EXPECT_THAT(
      Floats(MaxPoolGrad(x, y, In({1, 1, 3, 1}, {1, 10, 100}), options)),
      ElementsAre(1, 10, 0, 100));
  EXPECT_THAT(
      Floats(MaxPoolGradGrad(x, y, In({1, 1, 4, 1}, {5, 6, 7, 8}), options)),
      ElementsAre(5, 6, 8));
}

TEST(AvgPoolTest, IsTheMeanOfEachWindow) {
  EXPECT_THAT(Floats(AvgPool(Image(), kByOne)), ElementsAre(4, 5, 7, 7));
}

TEST(AvgPoolTest, PaddingDoesNotCount) {
  EXPECT_THAT(Floats(AvgPool(Image(), kSame)), ElementsAre(4, 4.5f, 7.5f, 5));
}

TEST(AvgPoolGradTest, SharesAmongTheWindow) {
  EXPECT_THAT(Floats(AvgPoolGrad({1, 3, 3, 1},
                                 In({1, 2, 2, 1}, {4, 2, 20, 100}), kSame)),
              ElementsAre(1, 1, 1, 1, 1, 1, 10, 10, 100));
}

// ---- Mistakes ---------------------------------------------------------------

void ExpectMistake(Output y, const std::string& message) {
  EXPECT_THAT(TryEvaluate(y),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
}

TEST(MaxPoolTest, RefusesOtherRanks) {
  ExpectMistake(MaxPool(In({1, 2})), "input is [2] but must have rank 4");
}

TEST(MaxPoolTest, RefusesAWindowThatDoesNotFit) {
  ExpectMistake(MaxPool(Image(), {.ksize = {9, 1}}),
                "height: the window reaches over 9 elements but the input has "
                "3");
}

TEST(MaxPoolTest, RefusesWindowsOverChannels) {
  Emit("MaxPool", {Image()},
       {{"ksize", std::vector<int64_t>{1, 1, 1, 2}},
        {"strides", std::vector<int64_t>{1, 1, 1, 2}},
        {"padding", "VALID"}});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must be 1 for batch and channels")));
}

TEST(MaxPoolGradTest, RefusesOtherShapes) {
  ExpectMistake(
      MaxPoolGrad(Image(), In({1, 1, 1, 1}, {9}), In({1, 2, 1, 1}, {1, 2})),
      "grad is [1, 2, 1, 1] but must be [1, 1, 1, 1]");
  ExpectMistake(
      MaxPoolGrad(Image(), In({1, 1, 2, 1}, {9, 9}), In({1, 1, 1, 1}, {1})),
      "orig_output is [1, 1, 2, 1] but must be [1, 1, 1, 1]");
}

TEST(AvgPoolGradTest, RefusesOtherShapes) {
  ExpectMistake(AvgPoolGrad(InInts({1, 9, 9, 1}), In({1, 1, 1, 1}, {9})),
                "grad is [1, 1, 1, 1] but must be [1, 4, 4, 1]");
  ExpectMistake(AvgPoolGrad(InInts({1, 9}), In({1, 1, 1, 1}, {9})),
                "orig_input_shape is [2] but must be [4]");
  ExpectMistake(AvgPoolGrad(InInts({1, -9, 9, 1}), In({1, 1, 1, 1}, {9})),
                "sizes must be 0 or more");
}

}  // namespace
}  // namespace weft
