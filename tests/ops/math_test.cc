// Elementwise arithmetic.
#include "ops/math.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/emit.h"
#include "ops/source.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsNan;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr int32_t kMin32 = std::numeric_limits<int32_t>::min();
constexpr int32_t kMax32 = std::numeric_limits<int32_t>::max();

// ---- Broadcasting: the same for all functions of two numbers ----------------

TEST(AddTest, AddsElementByElement) {
  EXPECT_THAT(Floats(Add(In({1, 2, 3}), In({10, 20, 30}))),
              ElementsAre(11, 22, 33));
}

TEST(AddTest, RepeatsScalarsOnEitherSide) {
  EXPECT_THAT(Floats(Add(In({1, 2}), In(10))), ElementsAre(11, 12));
  EXPECT_THAT(Floats(Sub(In(10), In({1, 2}))), ElementsAre(9, 8));
  EXPECT_THAT(Floats(Add(In(1), In(2))), ElementsAre(3));
}

TEST(AddTest, RepeatsRowsAndColumns) {
  const Output x = In({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(Floats(x + In({10, 20, 30})),
              ElementsAre(11, 22, 33, 14, 25, 36));
  EXPECT_THAT(Floats(x + In({2, 1}, {10, 20})),
              ElementsAre(11, 12, 13, 24, 25, 26));
}

TEST(AddTest, RepeatsBothSides) {
  EXPECT_THAT(Evaluate(Sub(In({2, 1}, {10, 20}), In({1, 3}, {1, 2, 3}))),
              TensorEq(Tensor::Of<float>({2, 3}, {9, 8, 7, 19, 18, 17})));
  // Axes that are repeated on the left, on the right, and on neither side.
  EXPECT_THAT(Evaluate(Sub(In({1, 2, 1, 2}, {1, 2, 3, 4}),
                           In({2, 1, 2, 1}, {10, 20, 30, 40}))),
              TensorEq(Tensor::Of<float>(
                  {2, 2, 2, 2}, {-9, -8, -19, -18, -7, -6, -17, -16, -29, -28,
                                 -39, -38, -27, -26, -37, -36})));
}

TEST(AddTest, HasEmptyResults) {
  EXPECT_THAT(Evaluate(In({0, 3}, {}) + In({1, 2, 3})),
              TensorEq(Tensor::Of<float>({0, 3}, {})));
  EXPECT_THAT(Evaluate(In({2, 1}, {1, 2}) + In({1, 0}, {})),
              TensorEq(Tensor::Of<float>({2, 0}, {})));
}

TEST(AddTest, TakesThe32AxesThatAShapeMayHave) {
  TensorShape ones;
  for (int i = 0; i < TensorShape::kMaxRank; ++i)
    ones.AddDim(i % 8 == 0 ? 2 : 1);
  const Tensor x =
      Evaluate(In(Tensor::Of<float>(ones, std::vector<float>(16, 1))) + In(2));
  EXPECT_EQ(x.shape(), ones);
  EXPECT_EQ(x.data<float>()[15], 3);
}

TEST(AddTest, IsTheSameForLargeTensors) {
  const int64_t n = 100'000;
  std::vector<float> values(n);
  for (int64_t i = 0; i < n; ++i) values[i] = static_cast<float>(i);
  const Tensor sum =
      Evaluate(In(Tensor::Of<float>({10, n / 10}, values)) +
               In(Tensor::Of<float>({10, 1}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})));
  EXPECT_EQ(sum.data<float>()[n / 10 * 3 + 5], n / 10 * 3 + 5 + 3);
  EXPECT_EQ(sum.data<float>()[n - 1], n - 1 + 9);
}

TEST(AddTest, SaysWhichShapesDoNotFit) {
  EXPECT_THAT(
      TryEvaluate(In({1, 2, 3}) + In({1, 2})),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          HasSubstr("shapes [3] and [2] do not broadcast: 3 and 2 differ")));
}

TEST(AddTest, SaysWhileBuildingWhichShapesDoNotFit) {
  Shaped(DataType::kFloat, {3}) + Shaped(DataType::kFloat, {2});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("shapes [3] and [2] do not broadcast")));
}

TEST(AddTest, RefusesTwoTypes) {
  In({1}) + InInts({1});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("int32")));
}

TEST(AddTest, WrapsAround) {
  EXPECT_THAT(Ints(Add(InInts({kMax32}), InInts({1}))), ElementsAre(kMin32));
}

TEST(AddTest, NamesItsNode) {
  EXPECT_EQ(Add(In(1), In(2), "total").node()->name(), "total");
  EXPECT_EQ(Add(In(1), In(2)).node()->name(), "Add");
}

TEST(AddV2Test, Adds) {
  EXPECT_THAT(Floats(Emit("AddV2", {In({1, 2}), In({10, 20})})),
              ElementsAre(11, 22));
}

// ---- Functions of two numbers -----------------------------------------------

TEST(SubTest, Subtracts) {
  EXPECT_THAT(Floats(Sub(In({1, 2}), In({10, 30}))), ElementsAre(-9, -28));
}

TEST(MulTest, Multiplies) {
  EXPECT_THAT(Floats(Mul(In({2, 3}), In({10, -10}))), ElementsAre(20, -30));
  EXPECT_THAT(Ints(Mul(InInts({2, 1 << 20}), InInts({-10, 1 << 20}))),
              ElementsAre(-20, 0));
}

TEST(RealDivTest, Divides) {
  EXPECT_THAT(Floats(RealDiv(In({1, -1, 0}), In({2, 0, 0}))),
              ElementsAre(0.5f, -kInf, IsNan()));
}

TEST(DivTest, CutsIntegersTowardsZero) {
  EXPECT_THAT(Ints(Div(InInts({7, -7, 7, -7}), InInts({2, 2, -2, -2}))),
              ElementsAre(3, -3, -3, 3));
  EXPECT_THAT(Floats(Div(In({7}), In({2}))), ElementsAre(3.5f));
}

TEST(TruncateDivTest, CutsTowardsZero) {
  EXPECT_THAT(Ints(TruncateDiv(InInts({7, -7}), InInts({2, 2}))),
              ElementsAre(3, -3));
}

TEST(FloorDivTest, RoundsDown) {
  EXPECT_THAT(
      Ints(FloorDiv(InInts({7, -7, 7, -7, -6}), InInts({2, 2, -2, -2, 2}))),
      ElementsAre(3, -4, -4, 3, -3));
  EXPECT_THAT(Floats(FloorDiv(In({7, -7}), In({2, 2}))), ElementsAre(3, -4));
}

TEST(FloorModTest, HasTheSignOfTheDivisor) {
  EXPECT_THAT(
      Ints(FloorMod(InInts({7, -7, 7, -7, 6}), InInts({3, 3, -3, -3, 3}))),
      ElementsAre(1, 2, -2, -1, 0));
  EXPECT_THAT(Floats(FloorMod(In({7, -7, 7}), In({3, 3, -3}))),
              ElementsAre(1, 2, -2));
}

TEST(ModTest, HasTheSignOfTheDividend) {
  EXPECT_THAT(Ints(Mod(InInts({7, -7, 7}), InInts({3, 3, -3}))),
              ElementsAre(1, -1, 1));
  EXPECT_THAT(Floats(Mod(In({7, -7}), In({3, 3}))), ElementsAre(1, -1));
}

TEST(IntegerDivisionTest, ByZeroIsAnErrorThatSaysWhere) {
  for (const auto& divide : {Div, TruncateDiv, FloorDiv, FloorMod, Mod}) {
    EXPECT_THAT(
        TryEvaluate(divide(InInts({2, 2}, {1, 2, 3, 4}),
                           InInts({2, 2}, {1, 1, 0, 1}), "")),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr("integer division by zero at [1, 0]: 3 / 0")));
  }
}

TEST(IntegerDivisionTest, OverflowIsAnError) {
  for (const auto& divide : {Div, TruncateDiv, FloorDiv}) {
    EXPECT_THAT(
        TryEvaluate(
            divide(In(Tensor::Scalar(kMin32)), In(Tensor::Scalar(-1)), "")),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr("integer overflow at []: -2147483648 / -1")));
  }
}

TEST(IntegerDivisionTest, RemaindersOfMinusOneAreZero) {
  for (const auto& remainder : {FloorMod, Mod}) {
    EXPECT_THAT(Ints(remainder(InInts({kMin32, 5}), InInts({-1, -1}), "")),
                ElementsAre(0, 0));
  }
}

TEST(MaximumTest, TakesTheLarger) {
  EXPECT_THAT(Floats(Maximum(In({1, 5, -kInf}), In({2, 4, 3}))),
              ElementsAre(2, 5, 3));
  EXPECT_THAT(Ints(Maximum(InInts({1, 5}), InInts({2, 4}))), ElementsAre(2, 5));
}

TEST(MaximumTest, LetsNanWin) {
  EXPECT_THAT(Floats(Maximum(In({kNan, 1}), In({1, kNan}))),
              ElementsAre(IsNan(), IsNan()));
}

TEST(MinimumTest, TakesTheSmallerAndLetsNanWin) {
  EXPECT_THAT(Floats(Minimum(In({1, kNan, 1}), In({2, 1, kNan}))),
              ElementsAre(1, IsNan(), IsNan()));
}

TEST(SquaredDifferenceTest, Squares) {
  EXPECT_THAT(Floats(SquaredDifference(In({1, 5}), In({4, 3}))),
              ElementsAre(9, 4));
}

TEST(DivNoNanTest, IsZeroWhereTheDivisorIs) {
  EXPECT_THAT(Floats(DivNoNan(In({1, 0, 1}), In({0, 0, 2}))),
              ElementsAre(0, 0, 0.5f));
}

TEST(PowTest, RaisesNumbers) {
  EXPECT_THAT(Floats(Pow(In({2, 4, 5}), In({3, 0.5f, 0}))),
              ElementsAre(8, 2, 1));
  EXPECT_THAT(Ints(Pow(InInts({2, -3, 5}), InInts({10, 3, 0}))),
              ElementsAre(1024, -27, 1));
}

TEST(PowTest, RefusesNegativeIntegerExponents) {
  EXPECT_THAT(TryEvaluate(Pow(InInts({2, 2}), InInts({1, -1}))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("negative integer exponent at [1]: 2 ^ -1")));
}

TEST(AddNTest, AddsAll) {
  EXPECT_THAT(Floats(AddN({In({1, 2}), In({10, 20}), In({100, 200})})),
              ElementsAre(111, 222));
  EXPECT_THAT(Floats(AddN({In({1, 2})})), ElementsAre(1, 2));
}

TEST(AddNTest, AddsOneInputToItself) {
  const Output x = In({1, 2});
  EXPECT_THAT(Floats(AddN({x, x, x})), ElementsAre(3, 6));
}

TEST(AddNTest, RefusesToBroadcast) {
  EXPECT_THAT(TryEvaluate(AddN({In({1, 2}), In({1})})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("inputs[1] is [1] but must be [2]")));
}

TEST(AddNTest, RefusesToBroadcastWhileBuilding) {
  AddN({Shaped(DataType::kFloat, {2}), Shaped(DataType::kFloat, {1})});
  EXPECT_THAT(TestGraph().status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("[1] but must be [2]")));
}

TEST(OperatorsTest, TakeNumbersOnEitherSide) {
  const Output x = In({1, 2});
  EXPECT_THAT(Floats((x + 1.0) * 2.0 - 0.5), ElementsAre(3.5f, 5.5f));
  EXPECT_THAT(Floats(1 - 2 * x), ElementsAre(-1, -3));
  EXPECT_THAT(Floats(1.0 / x), ElementsAre(1, 0.5f));
  EXPECT_THAT(Floats(-x / 4), ElementsAre(-0.25f, -0.5f));
}

TEST(OperatorsTest, KeepIntegers) {
  EXPECT_THAT(Ints((InInts({1, 7}) + 1) / 2), ElementsAre(1, 4));
}

TEST(OperatorsTest, ReportTheLineOfTheCaller) {
  Shaped(DataType::kFloat, {3}) * Shaped(DataType::kFloat, {2});
  EXPECT_THAT(TestGraph().status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("math_test.cc:")));
}

// ---- Functions of one number ------------------------------------------------

TEST(NegTest, Negates) {
  EXPECT_THAT(Floats(Neg(In({1, -2}))), ElementsAre(-1, 2));
  EXPECT_THAT(Ints(Neg(InInts({1, kMin32}))), ElementsAre(-1, kMin32));
}

TEST(AbsTest, LosesTheSign) {
  EXPECT_THAT(Floats(Abs(In({1, -2, -kInf}))), ElementsAre(1, 2, kInf));
  EXPECT_THAT(Ints(Abs(InInts({-3, 4}))), ElementsAre(3, 4));
}

TEST(SignTest, IsMinusOneZeroOrOne) {
  EXPECT_THAT(Floats(Sign(In({-5, 0, 0.1f, kNan}))),
              ElementsAre(-1, 0, 1, IsNan()));
  EXPECT_THAT(Ints(Sign(InInts({-5, 0, 7}))), ElementsAre(-1, 0, 1));
}

TEST(SquareTest, Squares) {
  EXPECT_THAT(Floats(Square(In({3, -4}))), ElementsAre(9, 16));
}

TEST(SqrtTest, IsNanBelowZero) {
  EXPECT_THAT(Floats(Sqrt(In({4, 0, -1}))), ElementsAre(2, 0, IsNan()));
}

TEST(RsqrtTest, IsOneOverTheRoot) {
  EXPECT_THAT(Floats(Rsqrt(In({4, 0.25f, 0}))), ElementsAre(0.5f, 2, kInf));
}

TEST(ReciprocalTest, IsOneOver) {
  EXPECT_THAT(Floats(Reciprocal(In({4, -0.5f}))), ElementsAre(0.25f, -2));
}

TEST(InvTest, IsReciprocal) {
  EXPECT_THAT(Floats(Inv(In({4}))), ElementsAre(0.25f));
}

TEST(ExpTest, HasTheRightLimits) {
  EXPECT_THAT(Floats(Exp(In({0, 1, 89, -110, -kInf, kNan}))),
              ElementsAre(1, FloatEq(2.71828183f), kInf, 0, 0, IsNan()));
  EXPECT_THAT(Doubles(Exp(In(Tensor::Scalar(1.0)))),
              ElementsAre(std::exp(1.0)));
}

TEST(ExpTest, AgreesWithTheLibraryOnWholeVectors) {
  std::vector<float> x, expected;
  for (float v = -103; v < 89; v += 0.37f) {
    x.push_back(v);
    expected.push_back(static_cast<float>(std::exp(static_cast<double>(v))));
  }
  const int64_t n = static_cast<int64_t>(x.size());
  EXPECT_THAT(Floats(Exp(In(Tensor::Of<float>({n}, x)))),
              ::testing::Pointwise(FloatEq(), expected));
}

TEST(Expm1Test, IsExactNearZero) {
  EXPECT_THAT(Floats(Expm1(In({0, 1e-10f}))), ElementsAre(0, FloatEq(1e-10f)));
}

TEST(LogTest, HasTheRightLimits) {
  EXPECT_THAT(Floats(Log(In({1, 2.71828183f, 0, -1}))),
              ElementsAre(0, FloatEq(1), -kInf, IsNan()));
}

TEST(Log1pTest, IsExactNearZero) {
  EXPECT_THAT(Floats(Log1p(In({0, 1e-10f}))), ElementsAre(0, FloatEq(1e-10f)));
}

TEST(SinTest, OfHalfPiIsOne) {
  EXPECT_THAT(Floats(Sin(In({0, 1.57079633f}))), ElementsAre(0, FloatEq(1)));
}

TEST(CosTest, OfPiIsMinusOne) {
  EXPECT_THAT(Floats(Cos(In({0, 3.14159265f}))), ElementsAre(1, FloatEq(-1)));
}

TEST(FloorTest, RoundsDown) {
  EXPECT_THAT(Floats(Floor(In({1.7f, -1.2f}))), ElementsAre(1, -2));
}

TEST(CeilTest, RoundsUp) {
  EXPECT_THAT(Floats(Ceil(In({1.2f, -1.7f}))), ElementsAre(2, -1));
}

TEST(RoundTest, RoundsHalvesToEven) {
  EXPECT_THAT(Floats(Round(In({0.5f, 1.5f, 2.5f, -0.5f, -1.6f}))),
              ElementsAre(0, 2, 2, 0, -2));
  EXPECT_THAT(Ints(Round(InInts({3}))), ElementsAre(3));
}

TEST(ErfTest, IsOdd) {
  EXPECT_THAT(Floats(Erf(In({0, 1, -1}))),
              ElementsAre(0, FloatEq(0.84270079f), FloatEq(-0.84270079f)));
}

TEST(ZerosLikeTest, KeepsShapeAndType) {
  EXPECT_THAT(Evaluate(ZerosLike(In({2, 2}, {1, 2, kNan, 4}))),
              TensorEq(Tensor::Of<float>({2, 2}, {0, 0, 0, 0})));
  EXPECT_THAT(Bools(ZerosLike(InBools({true, false}))),
              ElementsAre(false, false));
}

TEST(OnesLikeTest, KeepsShapeAndType) {
  EXPECT_THAT(Evaluate(OnesLike(InInts({2, 1}, {5, 6}))),
              TensorEq(Tensor::Of<int32_t>({2, 1}, {1, 1})));
  EXPECT_THAT(Floats(Cast(OnesLike(Cast(In({3, 4}), DataType::kHalf)),
                          DataType::kFloat)),
              ElementsAre(1, 1));
}

TEST(ClipByValueTest, StaysWithinScalarBounds) {
  EXPECT_THAT(Floats(ClipByValue(In({-2, 0.5f, 3, kNan}), -1, 1)),
              ElementsAre(-1, 0.5f, 1, IsNan()));
}

TEST(ClipByValueTest, TakesBoundsForEachElement) {
  EXPECT_THAT(Ints(ClipByValue(InInts({0, 5, 9}), InInts({1, 1, 1}),
                               InInts({4, 6, 8}))),
              ElementsAre(1, 5, 8));
}

TEST(ClipByValueTest, RefusesOtherBounds) {
  EXPECT_THAT(
      TryEvaluate(ClipByValue(In({1, 2, 3}), In({0, 0}), In({4}))),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          HasSubstr(
              "clip_value_min is [2] but must be a scalar or like t, [3]")));
}

TEST(SqrtGradTest, IsHalfOverTheRoot) {
  EXPECT_THAT(Floats(SqrtGrad(In({2}), In({8}))), ElementsAre(2));
}

TEST(RsqrtGradTest, IsMinusHalfTheCube) {
  EXPECT_THAT(Floats(RsqrtGrad(In({2}), In({3}))), ElementsAre(-12));
}

TEST(ReciprocalGradTest, IsMinusTheSquare) {
  EXPECT_THAT(Floats(ReciprocalGrad(In({2}), In({3}))), ElementsAre(-12));
  EXPECT_THAT(TryEvaluate(ReciprocalGrad(In({2}), In({3, 4}))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("[1] and [2] but must have one shape")));
}

TEST(InvGradTest, IsReciprocalGrad) {
  EXPECT_THAT(Floats(InvGrad(In({2}), In({3}))), ElementsAre(-12));
}

// ---- Cast -------------------------------------------------------------------

TEST(CastTest, CutsFloatsTowardsZero) {
  EXPECT_THAT(Ints(Cast(In({1.9f, -1.9f}), DataType::kInt32)),
              ElementsAre(1, -1));
}

TEST(CastTest, SaturatesWhatIntegersDoNotHold) {
  EXPECT_THAT(Ints(Cast(In({1e30f, -1e30f, kInf, -kInf, kNan, 2147483648.0f}),
                        DataType::kInt32)),
              ElementsAre(kMax32, kMin32, kMax32, kMin32, 0, kMax32));
  EXPECT_THAT(Ints(Cast(In({1e30f, -1e30f}), DataType::kInt64)),
              ElementsAre(std::numeric_limits<int64_t>::max(),
                          std::numeric_limits<int64_t>::min()));
  EXPECT_THAT(
      Ints(Cast(Cast(In({300, -5, 7}), DataType::kUint8), DataType::kInt32)),
      ElementsAre(255, 0, 7));
}

TEST(CastTest, KeepsLowBitsOfIntegers) {
  EXPECT_THAT(Ints(Cast(In(Tensor::Vector<int64_t>({(int64_t{1} << 40) + 3})),
                        DataType::kInt32)),
              ElementsAre(3));
}

TEST(CastTest, MakesBoolsOfNumbersAndBack) {
  EXPECT_THAT(Bools(Cast(In({0, 0.1f, -2, kNan}), DataType::kBool)),
              ElementsAre(false, true, true, true));
  EXPECT_THAT(Floats(Cast(InBools({false, true}), DataType::kFloat)),
              ElementsAre(0, 1));
}

TEST(CastTest, GoesThroughSmallFloats) {
  for (const DataType small : {DataType::kHalf, DataType::kBfloat16}) {
    EXPECT_THAT(Floats(Cast(Cast(In({1.5f, -2}), small), DataType::kFloat)),
                ElementsAre(1.5f, -2));
    EXPECT_THAT(Ints(Cast(Cast(InInts({3}), small), DataType::kInt32)),
                ElementsAre(3));
  }
}

TEST(CastTest, ToTheSameTypeAddsNoNode) {
  const Output x = In({1});
  EXPECT_EQ(Cast(x, DataType::kFloat), x);
}

// ---- What is known while building -------------------------------------------

TEST(ShapeArithmeticTest, IsDoneWhileBuilding) {
  const Output x = Shaped(DataType::kFloat, {6, 5});
  const Output rows = DimOf(x, 0);
  const Output shape =
      Pack({FloorDiv(rows, ScalarLike(rows, 2)), Mul(DimOf(x, 1), rows) - 1});
  EXPECT_EQ(Fill(shape, In(0)).shape(), (TensorShape{3, 29}));
}

TEST(ShapeArithmeticTest, KeepsUnknownsApart) {
  const Output x = Shaped(DataType::kFloat, {-1, 5});
  const Output shape = Cast(Shape(x), DataType::kInt64) * 2;
  EXPECT_EQ(Fill(shape, In(0)).shape(), (TensorShape{-1, 10}));
}

TEST(ShapeArithmeticTest, LeavesErrorsToTheRun) {
  const Output zero = DimOf(Shaped(DataType::kFloat, {0}), 0);
  const Output quotient = FloorDiv(ScalarLike(zero, 1), zero);
  EXPECT_OK(TestGraph().status());
  EXPECT_EQ(Fill(Pack({quotient}), In(0)).shape(), (TensorShape{-1}));
}

}  // namespace
}  // namespace weft
