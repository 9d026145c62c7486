#include "ops/list_concat.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/emit.h"
#include "ops/list.h"
#include "ops/source.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/testing/value_test.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

WEFT_VALUE_TEST(TensorListConcatV2);

constexpr DataType kFloat = DataType::kFloat;

Output Longs(const std::vector<int64_t>& values) {
  return In(Tensor::Vector<int64_t>(values));
}

Output Pieces(Output tensor, const std::vector<int64_t>& lengths) {
  return TensorListSplit(tensor, InInts({-1}), Longs(lengths));
}

void ExpectMistake(Output y, const std::string& message) {
  EXPECT_THAT(TryEvaluate(y),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
}

TEST(TensorListSplitTest, CutsByLengths) {
  const Output list = Pieces(In({1, 2, 3}), {2, 0, 1});
  const auto item = [&](int32_t i) {
    return Floats(
        TensorListGetItem(list, In(Tensor::Scalar<int32_t>(i)), kFloat));
  };
  EXPECT_THAT(item(0), ElementsAre(1, 2));
  EXPECT_THAT(item(1), IsEmpty());
  EXPECT_THAT(item(2), ElementsAre(3));
}

TEST(TensorListSplitTest, RefusesOtherLengths) {
  ExpectMistake(TensorListLength(Pieces(In({1, 2}), {3})),
                "lengths[0] is 3 but 2 of 2 rows are left");
  ExpectMistake(TensorListLength(Pieces(In({1, 2}), {-1, 3})),
                "lengths[0] is -1");
  ExpectMistake(TensorListLength(Pieces(In({1, 2}), {1})),
                "lengths add up to 1 but tensor has 2 rows");
}

TEST(TensorListConcatTest, JoinsElementsOfDifferentLengths) {
  const auto [tensor, lengths] =
      TensorListConcat(Pieces(In({1, 2, 3}), {2, 0, 1}), kFloat);
  EXPECT_THAT(Floats(tensor), ElementsAre(1, 2, 3));
  EXPECT_THAT(Ints(lengths), ElementsAre(2, 0, 1));
}

TEST(TensorListConcatTest, JoinsRowsOfATensor) {
  const auto [tensor, lengths] = TensorListConcat(
      TensorListFromTensor(In({2, 2, 1}, {1, 2, 3, 4})), kFloat);
  EXPECT_THAT(Evaluate(tensor),
              TensorEq(Tensor::Of<float>({4, 1}, {1, 2, 3, 4})));
  EXPECT_THAT(Ints(lengths), ElementsAre(2, 2));
}

TEST(TensorListConcatTest, TakesZerosForWhatIsNotSet) {
  const Output two = In(Tensor::Scalar<int32_t>(2));
  const Output list =
      TensorListSetItem(TensorListReserve({3}, two, kFloat),
                        In(Tensor::Scalar<int32_t>(1)), In({1, 2, 3}));
  EXPECT_THAT(Floats(TensorListConcat(list, kFloat).tensor),
              ElementsAre(0, 0, 0, 1, 2, 3));
}

TEST(TensorListConcatTest, RefusesScalarsAndOtherShapes) {
  ExpectMistake(
      TensorListConcat(TensorListFromTensor(In({1, 2})), kFloat).tensor,
      "element 0 is [] but must have a known shape of rank 1 or more");
  const Output empty = TensorListReserve(
      TensorShape::UnknownRank(), In(Tensor::Scalar<int32_t>(0)), kFloat);
  ExpectMistake(TensorListConcat(empty, kFloat).tensor,
                "a list without elements can not be joined");
}

}  // namespace
}  // namespace weft
