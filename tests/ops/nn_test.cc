#include "ops/nn.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/math.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::IsNan;
using ::testing::Pointwise;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// ---- Activations ------------------------------------------------------------

TEST(SigmoidTest, IsHalfAtZeroAndSaturates) {
  EXPECT_THAT(Floats(Sigmoid(In({0, 100, -100, kInf, -kInf, kNan}))),
              ElementsAre(0.5f, 1, FloatNear(0, 1e-30f), 1, 0, IsNan()));
  EXPECT_THAT(Floats(Sigmoid(In(0))), ElementsAre(0.5f));
}

TEST(SigmoidTest, AgreesWithTheFormula) {
  std::vector<float> x, expected;
  for (float v = -20; v < 20; v += 0.17f) {
    x.push_back(v);
    expected.push_back(
        static_cast<float>(1 / (1 + std::exp(-static_cast<double>(v)))));
  }
  EXPECT_THAT(Floats(Sigmoid(In(Tensor::Vector<float>(x)))),
              Pointwise(FloatEq(), expected));
}

TEST(TanhTest, SaturatesAtOne) {
  EXPECT_THAT(Floats(Tanh(In({0, 100, -100, kInf, kNan}))),
              ElementsAre(0, 1, -1, 1, IsNan()));
}

TEST(TanhTest, AgreesWithTheLibrary) {
  std::vector<float> x, expected;
  for (float v = -10; v < 10; v += 0.13f) {
    x.push_back(v);
    expected.push_back(static_cast<float>(std::tanh(static_cast<double>(v))));
  }
  x.push_back(1e-20f);
  expected.push_back(1e-20f);
  EXPECT_THAT(Floats(Tanh(In(Tensor::Vector<float>(x)))),
              Pointwise(FloatEq(), expected));
}

TEST(ReluTest, CutsBelowZero) {
  EXPECT_THAT(Floats(Relu(In({-2, 0, 3, kNan}))),
              ElementsAre(0, 0, 3, IsNan()));
}

TEST(Relu6Test, CutsAboveSix) {
  EXPECT_THAT(Floats(Relu6(In({-2, 3, 7, kNan}))),
              ElementsAre(0, 3, 6, IsNan()));
}

TEST(LeakyReluTest, KeepsPositiveAndScalesNegative) {
  EXPECT_THAT(Floats(LeakyRelu(In({-2, 0, 3}), {.alpha = 0.5f})),
              ElementsAre(-1, 0, 3));
  EXPECT_THAT(Floats(LeakyRelu(In({-10}))), ElementsAre(-2));
}

TEST(EluTest, IsExponentialBelowZero) {
  EXPECT_THAT(Floats(Elu(In({-1, 0, 3, -100}))),
              ElementsAre(FloatEq(-0.63212056f), 0, 3, -1));
}

TEST(SeluTest, IsScaledElu) {
  EXPECT_THAT(Floats(Selu(In({1, -1, 0}))),
              ElementsAre(FloatEq(1.050701f), FloatEq(-1.1113307f), 0));
}

TEST(SoftplusTest, IsLinearFarAbove) {
  EXPECT_THAT(
      Floats(Softplus(In({0, 200, -200, -20}))),
      ElementsAre(FloatEq(0.69314718f), 200, 0, FloatEq(2.0611537e-9f)));
}

TEST(SoftsignTest, ApproachesOne) {
  EXPECT_THAT(Floats(Softsign(In({1, -3, 0}))), ElementsAre(0.5f, -0.75f, 0));
}

TEST(HardSigmoidTest, IsPiecewiseLinear) {
  EXPECT_THAT(Floats(HardSigmoid(In({0, 1, 10, -10}))),
              ElementsAre(0.5f, FloatEq(0.7f), 1, 0));
}

TEST(TanhGradTest, IsOneMinusTheSquare) {
  EXPECT_THAT(Floats(TanhGrad(In({0.5f}), In({4}))), ElementsAre(3));
}

TEST(SigmoidGradTest, IsTheProduct) {
  EXPECT_THAT(Floats(SigmoidGrad(In({0.5f}), In({4}))), ElementsAre(1));
}

TEST(ReluGradTest, PassesWhereTheInputIsPositive) {
  EXPECT_THAT(Floats(ReluGrad(In({1, 2, 3}), In({-1, 0, 1}))),
              ElementsAre(0, 0, 3));
}

TEST(Relu6GradTest, PassesBetween) {
  EXPECT_THAT(Floats(Relu6Grad(In({1, 2, 3}), In({-1, 3, 6}))),
              ElementsAre(0, 2, 0));
}

TEST(LeakyReluGradTest, ScalesWhereTheInputIsNegative) {
  EXPECT_THAT(Floats(LeakyReluGrad(In({1, 2}), In({-1, 1}), {.alpha = 0.5f})),
              ElementsAre(0.5f, 2));
}

TEST(EluGradTest, ComesFromTheResult) {
  EXPECT_THAT(Floats(EluGrad(In({2, 2}), In({-0.5f, 1}))), ElementsAre(1, 2));
}

TEST(SeluGradTest, ComesFromTheResult) {
  EXPECT_THAT(Floats(SeluGrad(In({1, 1}), In({1, -1.7580993408473766f}))),
              ElementsAre(FloatEq(1.050701f), FloatNear(0, 1e-6f)));
}

TEST(SoftplusGradTest, IsTheSigmoid) {
  EXPECT_THAT(Floats(SoftplusGrad(In({2}), In({0}))), ElementsAre(1));
}

TEST(SoftsignGradTest, FallsWithTheSquare) {
  EXPECT_THAT(Floats(SoftsignGrad(In({8}), In({-1}))), ElementsAre(2));
  EXPECT_THAT(TryEvaluate(SoftsignGrad(In({8}), In(1))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must have one shape")));
}

// ---- Along the last axis ----------------------------------------------------

TEST(SoftmaxTest, SumsToOne) {
  const float e = std::exp(1.0f);
  EXPECT_THAT(
      Floats(Softmax(In({2, 2}, {0, 0, 1, 0}))),
      ElementsAre(0.5f, 0.5f, FloatEq(e / (e + 1)), FloatEq(1 / (e + 1))));
}

TEST(SoftmaxTest, TakesLargeLogits) {
  EXPECT_THAT(Floats(Softmax(In({1000, 1000, -1000, -kInf}))),
              ElementsAre(0.5f, 0.5f, 0, 0));
}

TEST(SoftmaxTest, TakesEmptyTensors) {
  EXPECT_THAT(Evaluate(Softmax(In({2, 0}, {}))),
              TensorEq(Tensor::Of<float>({2, 0}, {})));
}

TEST(SoftmaxTest, RefusesScalars) {
  EXPECT_THAT(TryEvaluate(Softmax(In(1))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("logits is a scalar")));
}

TEST(LogSoftmaxTest, IsTheLogarithm) {
  EXPECT_THAT(
      Floats(LogSoftmax(In({2, 2}, {1000, 1000, 0, -1000}))),
      ElementsAre(FloatEq(-0.69314718f), FloatEq(-0.69314718f), 0, -1000));
}

TEST(BiasAddTest, AddsAlongTheLastAxis) {
  EXPECT_THAT(Floats(BiasAdd(In({2, 2}, {1, 2, 3, 4}), In({10, 20}))),
              ElementsAre(11, 22, 13, 24));
}

TEST(BiasAddTest, AddsAlongAxisOne) {
  EXPECT_THAT(Floats(BiasAdd(In({1, 2, 2}, {1, 2, 3, 4}), In({10, 20}),
                             {.data_format = "NCHW"})),
              ElementsAre(11, 12, 23, 24));
}

TEST(BiasAddTest, SaysHowLongTheBiasMustBe) {
  EXPECT_THAT(TryEvaluate(BiasAdd(In({1, 2}, {1, 2}), In({1, 2, 3}))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("bias is [3] but must be [units = 2]")));
}

TEST(BiasAddTest, SaysWhileBuildingHowLongTheBiasMustBe) {
  BiasAdd(Shaped(DataType::kFloat, {-1, 2}), Shaped(DataType::kFloat, {3}));
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("bias is [3] but must be [units = 2]")));
}

TEST(BiasAddTest, RefusesOtherFormats) {
  BiasAdd(In({1, 2}, {1, 2}), In({1, 2}), {.data_format = "HWCN"});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("HWCN")));
}

TEST(BiasAddGradTest, SumsAllOtherAxes) {
  const Output dy = In({2, 2, 2}, {1, 2, 3, 4, 10, 20, 30, 40});
  EXPECT_THAT(Floats(BiasAddGrad(dy)), ElementsAre(44, 66));
  EXPECT_THAT(Floats(BiasAddGrad(dy, {.data_format = "NCHW"})),
              ElementsAre(33, 77));
}

// ---- Losses -----------------------------------------------------------------

TEST(L2LossTest, IsHalfTheSumOfSquares) {
  EXPECT_THAT(Evaluate(L2Loss(In({3, 4}))), TensorEq(Tensor::Scalar(12.5f)));
  EXPECT_THAT(Evaluate(L2Loss(
                  In(Tensor::Of<float>({1000}, std::vector<float>(1000, 2))))),
              TensorEq(Tensor::Scalar(2000.0f)));
}

TEST(SparseSoftmaxCrossEntropyWithLogitsTest, IsTheSurprise) {
  const CrossEntropy entropy = SparseSoftmaxCrossEntropyWithLogits(
      In({2, 2}, {0, 0, 1000, 0}), InInts({1, 1}));
  EXPECT_THAT(Floats(entropy.loss), ElementsAre(FloatEq(0.69314718f), 1000));
  EXPECT_THAT(Floats(entropy.backprop), ElementsAre(0.5f, -0.5f, 1, -1));
}

TEST(SparseSoftmaxCrossEntropyWithLogitsTest, SaysWhichLabelIsWrong) {
  for (const int32_t label : {5, -1}) {
    EXPECT_THAT(
        TryEvaluate(SparseSoftmaxCrossEntropyWithLogits(
                        In({2, 2}, {0, 0, 0, 0}), InInts({0, label}))
                        .loss),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr(absl::StrCat("labels[1] is ", label,
                                        " but must be in [0, classes = 2)"))));
  }
}

TEST(SparseSoftmaxCrossEntropyWithLogitsTest, SaysWhichShapeIsWrong) {
  EXPECT_THAT(TryEvaluate(SparseSoftmaxCrossEntropyWithLogits(
                              In({2, 2}, {0, 0, 0, 0}), InInts({0}))
                              .loss),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("labels is [1] but must be [batch = 2]")));
}

TEST(SoftmaxCrossEntropyWithLogitsTest, WeighsAllClasses) {
  const CrossEntropy entropy = SoftmaxCrossEntropyWithLogits(
      In({2, 2}, {0, 0, 1000, 0}), In({2, 2}, {0.5f, 0.5f, 0, 1}));
  EXPECT_THAT(Floats(entropy.loss), ElementsAre(FloatEq(0.69314718f), 1000));
  EXPECT_THAT(Floats(entropy.backprop), ElementsAre(0, 0, 1, -1));
}

TEST(SoftmaxCrossEntropyWithLogitsTest, BroadcastsLabels) {
  EXPECT_THAT(Floats(SoftmaxCrossEntropyWithLogits(In({2, 2}, {0, 0, 5, 5}),
                                                   In({1, 2}, {1, 0}))
                         .loss),
              Each(FloatEq(0.69314718f)));
}

TEST(SoftmaxCrossEntropyWithLogitsTest, RefusesVectors) {
  EXPECT_THAT(
      TryEvaluate(SoftmaxCrossEntropyWithLogits(In({0, 0}), In({1, 0})).loss),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("are [2] but must be [batch, classes]")));
}

// ---- The largest ------------------------------------------------------------

TEST(ArgMaxTest, FindsTheFirstLargest) {
  const Output x = In({2, 3}, {1, 5, 5, 7, 0, 2});
  EXPECT_THAT(Evaluate(ArgMax(x, 1)),
              TensorEq(Tensor::Vector<int64_t>({1, 0})));
  EXPECT_THAT(Evaluate(ArgMax(x, -2, {.output_type = DataType::kInt32})),
              TensorEq(Tensor::Vector<int32_t>({1, 0, 0})));
}

TEST(ArgMaxTest, SaysWhatIsWrong) {
  EXPECT_THAT(TryEvaluate(ArgMax(In({1, 2}), 1)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("dimension is 1 but must be in [-1, 1)")));
  EXPECT_THAT(TryEvaluate(ArgMax(In({2, 0}, {}), 1)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must not be empty along axis 1")));
}

TEST(ArgMaxTest, KnowsItsShape) {
  EXPECT_EQ(ArgMax(Shaped(DataType::kFloat, {-1, 3, 4}), 1).shape(),
            (TensorShape{-1, 4}));
}

TEST(ArgMinTest, FindsTheFirstSmallest) {
  EXPECT_THAT(Ints(ArgMin(In({3, 1, 1}), 0)), ElementsAre(1));
}

TEST(TopKV2Test, SortsTheLargest) {
  const TopK top = TopKV2(In({2, 4}, {3, 1, 4, 1, 5, 9, 5, 2}), 3);
  EXPECT_THAT(Evaluate(top.values),
              TensorEq(Tensor::Of<float>({2, 3}, {4, 3, 1, 9, 5, 5})));
  EXPECT_THAT(Evaluate(top.indices),
              TensorEq(Tensor::Of<int32_t>({2, 3}, {2, 0, 1, 1, 0, 2})));
}

TEST(TopKV2Test, PutsNanFirst) {
  EXPECT_THAT(Ints(TopKV2(In({1, kNan, 3, kNan}), 3).indices),
              ElementsAre(1, 3, 2));
}

TEST(TopKV2Test, TakesNoneOrAll) {
  EXPECT_THAT(Evaluate(TopKV2(In({1, 2}), 0).values),
              TensorEq(Tensor::Of<float>({0}, {})));
  EXPECT_THAT(Floats(TopKV2(In({1, 2}), 2).values), ElementsAre(2, 1));
}

TEST(TopKV2Test, SaysWhatKMustBe) {
  EXPECT_THAT(
      TryEvaluate(TopKV2(In({1, 2}), 3).values),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr(
                   "k is 3 but must be in [0, 2], the size of the last axis")));
}

TEST(TopKV2Test, SaysWhileBuildingWhatKMustBe) {
  TopKV2(Shaped(DataType::kFloat, {-1, 2}), -1);
  EXPECT_THAT(TestGraph().status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("k is -1")));
}

}  // namespace
}  // namespace weft
