// Comparison, logic and selection.
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(LessTest, Compares) {
  EXPECT_THAT(Bools(Less(In({1, 2, 3, kNan}), In({2, 2, 2, 2}))),
              ElementsAre(true, false, false, false));
  EXPECT_THAT(Bools(Less(InInts({1, 2}), InInts({2, 2}))),
              ElementsAre(true, false));
}

TEST(LessTest, Broadcasts) {
  EXPECT_THAT(Evaluate(Less(In({2, 1}, {1, 3}), In({2, 3}))),
              TensorEq(Tensor::Of<bool>({2, 2}, {true, true, false, false})));
}

TEST(LessEqualTest, Compares) {
  EXPECT_THAT(Bools(LessEqual(In({1, 2, 3}), In(2))),
              ElementsAre(true, true, false));
}

TEST(GreaterTest, Compares) {
  EXPECT_THAT(Bools(Greater(In({1, 2, 3}), In(2))),
              ElementsAre(false, false, true));
}

TEST(GreaterEqualTest, Compares) {
  EXPECT_THAT(Bools(GreaterEqual(In({1, 2, 3}), In(2))),
              ElementsAre(false, true, true));
}

TEST(EqualTest, Compares) {
  EXPECT_THAT(Bools(Equal(In({1, kNan}), In({1, kNan}))),
              ElementsAre(true, false));
  EXPECT_THAT(Bools(Equal(InBools({true, false}), InBools({true, true}))),
              ElementsAre(true, false));
}

TEST(EqualTest, MayAnswerForOtherShapes) {
  const AttrMap attrs = {{"incompatible_shape_error", false}};
  EXPECT_THAT(Evaluate(Emit("Equal", {In({1, 2}), In({1, 2, 3})}, attrs)),
              TensorEq(Tensor::Scalar(false)));
  EXPECT_THAT(Bools(Emit("Equal", {In({1, 2}), In({1, 3})}, attrs)),
              ElementsAre(true, false));
  EXPECT_THAT(TryEvaluate(Equal(In({1, 2}), In({1, 2, 3}))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("do not broadcast")));
}

TEST(NotEqualTest, Compares) {
  EXPECT_THAT(Bools(NotEqual(In({1, kNan, 3}), In({1, kNan, 4}))),
              ElementsAre(false, true, true));
  EXPECT_THAT(Evaluate(Emit("NotEqual", {In({1, 2}), In({1, 2, 3})},
                            {{"incompatible_shape_error", false}})),
              TensorEq(Tensor::Scalar(true)));
}

TEST(IsNanTest, FindsNan) {
  EXPECT_THAT(Bools(IsNan(In({1, kNan, kInf}))),
              ElementsAre(false, true, false));
}

TEST(IsInfTest, FindsBothInfinities) {
  EXPECT_THAT(Bools(IsInf(In({1, kNan, kInf, -kInf}))),
              ElementsAre(false, false, true, true));
}

TEST(IsFiniteTest, IsNeither) {
  EXPECT_THAT(Bools(IsFinite(In({1, kNan, kInf, -kInf}))),
              ElementsAre(true, false, false, false));
}

TEST(LogicalAndTest, NeedsBoth) {
  EXPECT_THAT(Bools(LogicalAnd(InBools({true, true, false}),
                               InBools({true, false, false}))),
              ElementsAre(true, false, false));
}

TEST(LogicalOrTest, NeedsOne) {
  EXPECT_THAT(Bools(LogicalOr(InBools({true, true, false}),
                              InBools({true, false, false}))),
              ElementsAre(true, true, false));
}

TEST(LogicalNotTest, Inverts) {
  EXPECT_THAT(Bools(LogicalNot(InBools({true, false}))),
              ElementsAre(false, true));
}

// ---- Select -----------------------------------------------------------------

TEST(SelectTest, ChoosesElements) {
  EXPECT_THAT(Floats(Select(InBools({true, false, true}), In({1, 2, 3}),
                            In({10, 20, 30}))),
              ElementsAre(1, 20, 3));
}

TEST(SelectTest, ChoosesAllByAScalar) {
  const Output t = In({1, 2}), e = In({10, 20});
  EXPECT_THAT(Floats(Select(In(Tensor::Scalar(true)), t, e)),
              ElementsAre(1, 2));
  EXPECT_THAT(Floats(Select(In(Tensor::Scalar(false)), t, e)),
              ElementsAre(10, 20));
}

TEST(SelectTest, ChoosesWholeRowsByAVector) {
  EXPECT_THAT(
      Evaluate(Select(InBools({false, true}), InInts({2, 2}, {1, 2, 3, 4}),
                      InInts({2, 2}, {10, 20, 30, 40}))),
      TensorEq(Tensor::Of<int32_t>({2, 2}, {10, 20, 3, 4})));
}

TEST(SelectTest, MovesEveryPlainType) {
  for (const DataType type :
       {DataType::kDouble, DataType::kInt64, DataType::kHalf, DataType::kUint8,
        DataType::kInt8}) {
    const Output chosen = Select(InBools({true, false}), Cast(In({1, 2}), type),
                                 Cast(In({3, 4}), type));
    EXPECT_THAT(Floats(Cast(chosen, DataType::kFloat)), ElementsAre(1, 4));
  }
}

TEST(SelectTest, SaysWhatTheConditionMustBe) {
  EXPECT_THAT(
      TryEvaluate(Select(InBools({true, false, true}), In({2, 2}, {1, 2, 3, 4}),
                         In({2, 2}, {1, 2, 3, 4}))),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          HasSubstr(
              "condition is [3] but must be a scalar, like t, [2, 2], or a "
              "vector with one element per row of t")));
}

TEST(SelectTest, SaysWhileBuildingWhatTheConditionMustBe) {
  const Output t = Shaped(DataType::kFloat, {2, 5});
  Select(Shaped(DataType::kBool, {3}), t, t);
  EXPECT_THAT(TestGraph().status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("condition is [3]")));
}

TEST(SelectTest, RefusesTwoShapes) {
  EXPECT_THAT(
      TryEvaluate(Select(InBools({true}), In({1, 2}), In({1}))),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          HasSubstr("t is [2] and e is [1] but they must have one shape")));
}

TEST(SelectTest, KnowsItsShape) {
  EXPECT_EQ(
      Select(Shaped(DataType::kBool, {4}), Shaped(DataType::kFloat, {-1, 3}),
             Shaped(DataType::kFloat, {-1, -1}))
          .shape(),
      (TensorShape{-1, 3}));
}

TEST(SelectV2Test, BroadcastsAllThree) {
  const Output condition = In(Tensor::Of<bool>({2, 1}, {true, false}));
  EXPECT_THAT(Evaluate(SelectV2(condition, In({1, 2, 3}), In(0))),
              TensorEq(Tensor::Of<float>({2, 3}, {1, 2, 3, 0, 0, 0})));
}

TEST(SelectV2Test, SaysWhichShapesDoNotFit) {
  EXPECT_THAT(
      TryEvaluate(SelectV2(InBools({true, false}), In({1, 2, 3}), In(0))),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("do not broadcast")));
}

}  // namespace
}  // namespace weft
