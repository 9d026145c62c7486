#include "ops/list.h"

#include <cstdint>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/math.h"
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

WEFT_VALUE_TEST(EmptyTensorList, TensorListReserve, TensorListFromTensor,
                TensorListStack);
WEFT_VALUE_TEST(TensorListGetItem, TensorListSetItem, TensorListPushBack,
                TensorListPopBack);
WEFT_VALUE_TEST(TensorListLength, TensorListElementShape, TensorListGather,
                TensorListResize);

constexpr DataType kFloat = DataType::kFloat;

Output Int(int32_t value) { return In(Tensor::Scalar(value)); }

// A list of the numbers 1, 2, 3.
Output OneTwoThree() { return TensorListFromTensor(In({1, 2, 3})); }

Output Reserved(int32_t size,
                const TensorShape& shape = TensorShape::UnknownRank()) {
  return TensorListReserve(shape, Int(size), kFloat);
}

void ExpectRefused(Output output, const char* why,
                   absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  EXPECT_THAT(TryEvaluate(output), StatusIs(code, HasSubstr(why)));
}

void ExpectOutOfRange(Output output, const char* why) {
  ExpectRefused(output, why, absl::StatusCode::kOutOfRange);
}

// ---- Elements ---------------------------------------------------------------

TEST(TensorListTest, HoldsTheRowsOfATensor) {
  const Output list = TensorListFromTensor(In({2, 2}, {1, 2, 3, 4}));
  EXPECT_THAT(Floats(TensorListGetItem(list, Int(1), kFloat)),
              ElementsAre(3, 4));
  EXPECT_THAT(Evaluate(TensorListStack(list, kFloat)),
              TensorEq(Tensor::Of<float>({2, 2}, {1, 2, 3, 4})));
}

TEST(TensorListTest, IsAValue) {
  const Output list = OneTwoThree();
  const Output changed = TensorListSetItem(list, Int(0), In(9.0f));
  EXPECT_THAT(Floats(TensorListStack(changed, kFloat)), ElementsAre(9, 2, 3));
  EXPECT_THAT(Floats(TensorListStack(list, kFloat)), ElementsAre(1, 2, 3));
  const Output both =
      TensorListStack(list, kFloat) + TensorListStack(changed, kFloat);
  EXPECT_THAT(Floats(both), ElementsAre(10, 4, 6));
}

TEST(TensorListTest, IsPushedToAndPoppedFrom) {
  const Output empty =
      EmptyTensorList(TestGraph(), TensorShape::UnknownRank(), kFloat);
  const Output two =
      TensorListPushBack(TensorListPushBack(empty, In({1, 2})), In({3, 4}));
  EXPECT_THAT(Ints(TensorListLength(two)), ElementsAre(2));
  const auto [one, last] = TensorListPopBack(two, kFloat);
  EXPECT_THAT(Floats(last), ElementsAre(3, 4));
  EXPECT_THAT(Evaluate(TensorListStack(one, kFloat)),
              TensorEq(Tensor::Of<float>({1, 2}, {1, 2})));
}

TEST(TensorListTest, ElementsNotSetAreZerosOfAKnownShape) {
  EXPECT_THAT(Floats(TensorListGetItem(Reserved(2, {3}), Int(1), kFloat)),
              ElementsAre(0, 0, 0));
  const Output list = TensorListSetItem(Reserved(3), Int(1), In({5, 6}));
  EXPECT_THAT(Floats(TensorListStack(list, kFloat)),
              ElementsAre(0, 0, 5, 6, 0, 0));
  EXPECT_THAT(Floats(TensorListGetItem(list, Int(0), kFloat)),
              ElementsAre(0, 0));
}

TEST(TensorListTest, ElementsMayDiffer) {
  const Output list =
      TensorListSetItem(TensorListSetItem(Reserved(2), Int(0), In({1, 2})),
                        Int(1), In({3, 4, 5}));
  EXPECT_THAT(Floats(TensorListGetItem(list, Int(0), kFloat)),
              ElementsAre(1, 2));
  EXPECT_THAT(Floats(TensorListGetItem(list, Int(1), kFloat)),
              ElementsAre(3, 4, 5));
  ExpectRefused(TensorListStack(list, kFloat), "can not be stacked");
}

TEST(TensorListTest, IsCutAndExtended) {
  const Output list = OneTwoThree();
  EXPECT_THAT(Floats(TensorListStack(TensorListResize(list, Int(2)), kFloat)),
              ElementsAre(1, 2));
  EXPECT_THAT(Floats(TensorListStack(TensorListResize(list, Int(4)), kFloat)),
              ElementsAre(1, 2, 3, 0));
  EXPECT_THAT(Ints(TensorListLength(TensorListResize(list, Int(0)))),
              ElementsAre(0));
  ExpectRefused(TensorListLength(TensorListResize(list, Int(-1))),
                "-1 but must be 0 or more");
}

TEST(TensorListTest, GathersChosenElements) {
  EXPECT_THAT(
      Floats(TensorListGather(OneTwoThree(), InInts({2, 0, 2}), kFloat)),
      ElementsAre(3, 1, 3));
  EXPECT_THAT(Floats(TensorListGather(OneTwoThree(), InInts({}), kFloat)),
              IsEmpty());
  ExpectOutOfRange(TensorListGather(OneTwoThree(), InInts({3}), kFloat),
                   "index 3 must be in [0, 3)");
}

TEST(TensorListTest, KnowsTheShapeOfItsElements) {
  EXPECT_THAT(
      Ints(TensorListElementShape(TensorListFromTensor(In({1, 2}, {1, 2})))),
      ElementsAre(2));
  EXPECT_THAT(Evaluate(TensorListElementShape(Reserved(2))),
              TensorEq(Tensor::Scalar<int32_t>(-1)));
  EXPECT_THAT(
      Evaluate(TensorListElementShape(Reserved(2, {-1, 5}), DataType::kInt64)),
      TensorEq(Tensor::Vector<int64_t>({-1, 5})));
}

TEST(TensorListTest, HoldsLists) {
  const Output outer =
      TensorListReserve(TensorShape{}, Int(2), DataType::kVariant);
  const Output list = TensorListSetItem(outer, Int(1), OneTwoThree());
  const Output inner =
      TensorListGetItem(list, Int(1), DataType::kVariant, TensorShape{});
  EXPECT_THAT(Floats(TensorListStack(inner, kFloat)), ElementsAre(1, 2, 3));
  const Output zeros =
      TensorListGetItem(list, Int(0), DataType::kVariant, TensorShape{});
  EXPECT_THAT(Floats(TensorListGetItem(zeros, Int(0), kFloat, TensorShape{})),
              ElementsAre(0));
}

// ---- Sums -------------------------------------------------------------------

TEST(TensorListTest, SumsCountWhatIsNotSetAsZeros) {
  const Output a =
      TensorListSetItem(Reserved(3, TensorShape{}), Int(0), In(5.0f));
  const Output b = TensorListSetItem(a, Int(1), In(7.0f));
  const Output sum = AccumulateLists({a, b, b});
  EXPECT_THAT(Floats(TensorListStack(sum, kFloat)), ElementsAre(15, 14, 0));
  EXPECT_EQ(AccumulateLists({a}), a);
  ExpectRefused(
      TensorListStack(AccumulateLists({a, Reserved(2, TensorShape{})}), kFloat),
      "can not be added");
}

TEST(TensorListTest, SumsReachListsInLists) {
  const Output outer =
      TensorListReserve(TensorShape{}, Int(2), DataType::kVariant);
  const Output a = TensorListSetItem(outer, Int(1), OneTwoThree());
  const Output sum = AccumulateLists({a, a, outer});
  const Output inner =
      TensorListGetItem(sum, Int(1), DataType::kVariant, TensorShape{});
  EXPECT_THAT(Floats(TensorListStack(inner, kFloat)), ElementsAre(2, 4, 6));
}

TEST(TensorListTest, ZerosLikeHasTheSameSize) {
  const Output zeros = ZerosLike(OneTwoThree());
  EXPECT_THAT(Floats(TensorListStack(zeros, kFloat)), ElementsAre(0, 0, 0));
}

// ---- In loops ---------------------------------------------------------------

// The squares of 0, 1, ... n - 1, collected by a loop.
Output Squares(Output n, Output list) {
  const Outputs last = While(
      {Const(TestGraph(), 0), list},
      [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) -> Outputs {
        const Output square = Cast(v[0] * v[0], kFloat);
        return {v[0] + 1.0, TensorListSetItem(v[1], v[0], square)};
      });
  return last[1];
}

TEST(TensorListTest, IsFilledByALoop) {
  const Output n = Int(5);
  const Output list = TensorListReserve(TensorShape::UnknownRank(), n, kFloat);
  EXPECT_THAT(Floats(TensorListStack(Squares(n, list), kFloat)),
              ElementsAre(0, 1, 4, 9, 16));
}

TEST(TensorListTest, IsPushedToByALoop) {
  const Output empty = EmptyTensorList(TestGraph(), TensorShape{}, kFloat);
  const Output n = Int(3);
  const Outputs last = While(
      {Const(TestGraph(), 0), empty},
      [&](const Outputs& v) { return Less(v[0], n); },
      [](const Outputs& v) -> Outputs {
        return {v[0] + 1.0, TensorListPushBack(v[1], Cast(v[0], kFloat))};
      });
  EXPECT_THAT(Floats(TensorListStack(last[1], kFloat)), ElementsAre(0, 1, 2));
}

TEST(TensorListTest, TwoLoopVariablesMayBeginAsOneList) {
  const Output empty = EmptyTensorList(TestGraph(), TensorShape{}, kFloat);
  const Output n = Int(3);
  const Outputs last = While(
      {Const(TestGraph(), 0), empty, empty},
      [&](const Outputs& v) { return Less(v[0], n); },
      [](const Outputs& v) -> Outputs {
        const Output step = Cast(v[0], kFloat);
        const Output ones = TensorListPushBack(v[1], step);
        return {v[0] + 1.0, ones, TensorListPushBack(v[2], step * 10.0)};
      });
  const Output ones = TensorListStack(last[1], kFloat);
  EXPECT_THAT(Floats(ones), ElementsAre(0, 1, 2));
  EXPECT_THAT(Floats(ones + TensorListStack(last[2], kFloat)),
              ElementsAre(0, 11, 22));
}

TEST(TensorListTest, ALoopWithoutStepsLeavesItEmpty) {
  const Output n = Int(0);
  const Output list = TensorListReserve(TensorShape{}, n, kFloat);
  EXPECT_THAT(Floats(TensorListStack(Squares(n, list), kFloat)), IsEmpty());
}

// ---- Errors -----------------------------------------------------------------

TEST(TensorListTest, NamesIndicesOutOfRange) {
  constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  const Output list = OneTwoThree();
  for (const int32_t index : {-1, 3, kMin, kMax}) {
    const std::string text =
        absl::StrCat("index ", index, " must be in [0, 3)");
    ExpectOutOfRange(TensorListGetItem(list, Int(index), kFloat), text.c_str());
    ExpectOutOfRange(
        TensorListLength(TensorListSetItem(list, Int(index), In(1.0f))),
        absl::StrCat("element ", index, " of a list of 3").c_str());
  }
}

TEST(TensorListTest, RefusesElementsThatDoNotFit) {
  ExpectRefused(
      TensorListStack(TensorListSetItem(Reserved(2, {3}), Int(0), In({1, 2})),
                      kFloat),
      "the element is [2] but the list's are [3]");
  ExpectRefused(
      TensorListStack(TensorListSetItem(Reserved(2), Int(0), InInts({1})),
                      DataType::kInt32),
      "the element is int32 but the list's are float32");
  ExpectRefused(TensorListGetItem(OneTwoThree(), Int(0), DataType::kInt32),
                "the list holds float32 but element_dtype is int32");
  ExpectRefused(TensorListStack(OneTwoThree(), kFloat, TensorShape{2}),
                "element_shape is [2] but the list's elements are []");
  ExpectRefused(TensorListStack(OneTwoThree(), kFloat, {}, /*num_elements=*/4),
                "the list has 3 elements but must have num_elements = 4");
}

TEST(TensorListTest, RefusesWhatIsNotThere) {
  const Output empty = EmptyTensorList(TestGraph(), {2}, kFloat);
  ExpectRefused(TensorListPopBack(empty, kFloat).item, "the list is empty");
  ExpectRefused(TensorListGetItem(Reserved(2), Int(0), kFloat),
                "was never set");
  ExpectRefused(TensorListStack(Reserved(2), kFloat), "can not be stacked");
  ExpectRefused(TensorListLength(Reserved(-1)),
                "num_elements is -1 but must be 0 or more");
  ExpectRefused(TensorListLength(TensorListFromTensor(In(1.0f))),
                "rank 1 or more");
}

TEST(TensorListTest, ChecksShapesWhileBuilding) {
  TensorListStack(Shaped(DataType::kVariant, {}), kFloat, TensorShape{}, -2);
  EXPECT_THAT(TestGraph().status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("num_elements is -2")));
}

}  // namespace
}  // namespace weft
