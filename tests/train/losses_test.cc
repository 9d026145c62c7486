#include "train/losses.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/source.h"
#include "tests/testing/run.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "train/metrics.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

class LossesTest : public ::testing::Test {
 protected:
  float Value(Output loss) { return weft::Run(loss).scalar<float>(); }

  Output Floats(const TensorShape& shape, std::vector<float> values) {
    return Const<float>(g_, shape, std::move(values));
  }

  Output Mask(const TensorShape& shape, std::initializer_list<bool> values) {
    return Const(g_, Tensor::Of<bool>(shape, values));
  }

  Graph g_;
};

TEST_F(LossesTest, AreMeansOverAllElements) {
  Output y = Floats({2, 2}, {1, 2, 3, 4});
  Output t = Floats({2, 2}, {1, 0, 6, 4});
  EXPECT_NEAR(Value(MeanSquaredError(y, t)), (0 + 4 + 9 + 0) / 4.0, 1e-6);
  EXPECT_NEAR(Value(MeanAbsoluteError(y, t)), (0 + 2 + 3 + 0) / 4.0, 1e-6);
}

TEST_F(LossesTest, BinaryCrossEntropyClipsAsKerasDoes) {
  Output p = Floats({4}, {0.25, 0.75, 1, 0});
  Output t = Floats({4}, {0, 1, 1, 1});
  const double certain = -std::log(1 - 1e-7);
  const double wrong = -std::log(1e-7);
  EXPECT_NEAR(Value(BinaryCrossEntropy(p, t)),
              (-2 * std::log(0.75) + certain + wrong) / 4, 1e-5);
}

TEST_F(LossesTest, SigmoidCrossEntropyStaysExactForLargeLogits) {
  Output x = Floats({4}, {0, 2, -100, 100});
  Output t = Floats({4}, {0.5, 1, 0, 0});
  const double expected =
      (std::log(2) + std::log1p(std::exp(-2.0)) + 0 + 100) / 4;
  EXPECT_NEAR(Value(SigmoidCrossEntropy(x, t)), expected, 1e-5);
}

TEST_F(LossesTest, CategoricalCrossEntropyDividesByTheSum) {
  Output p = Floats({2, 2}, {1, 3, 0.5, 0.5});
  Output t = Floats({2, 2}, {0, 1, 1, 0});
  const double expected = -(std::log(0.75) + std::log(0.5)) / 2;
  EXPECT_NEAR(Value(CategoricalCrossEntropy(p, t)), expected, 1e-6);
  Output labels = Const<int32_t>(g_, {1, 0});
  EXPECT_NEAR(Value(SparseCategoricalCrossEntropy(p, labels)), expected, 1e-6);
}

TEST_F(LossesTest, CrossEntropiesOfLogitsAreThoseOfTheirSoftmax) {
  Output x = Floats({1, 2, 3}, {1, 2, 3, -1, 0, 4});
  Output t = Floats({1, 2, 3}, {0, 0, 1, 0.5, 0.5, 0});
  const float of_logits = Value(SoftmaxCrossEntropy(x, t));
  EXPECT_NEAR(Value(CategoricalCrossEntropy(Softmax(x), t)), of_logits, 1e-5);
}

// Keras: losses times mask, divided by the mean of the mask, then averaged.
TEST_F(LossesTest, AMaskLeavesStepsOut) {
  Output y = Floats({1, 3, 2}, {1, 2, 3, 4, 5, 6});
  Output t = Floats({1, 3, 2}, {0, 0, 0, 0, 0, 0});
  Output mask = Mask({1, 3}, {true, false, true});
  EXPECT_NEAR(Value(MeanSquaredError(y, t, {.weights = mask})),
              ((1 + 4) / 2.0 + (25 + 36) / 2.0) / 2, 1e-5);
  EXPECT_NEAR(Value(MeanAbsoluteError(y, t, {.weights = mask})),
              (1.5 + 5.5) / 2, 1e-6);
  Output p = Floats({1, 3, 2}, {.5, .5, .1, .9, .25, .75});
  Output labels = Const<int32_t>(g_, {1, 3}, {0, 0, 1});
  EXPECT_NEAR(
      Value(SparseCategoricalCrossEntropy(p, labels, {.weights = mask})),
      -(std::log(0.5) + std::log(0.75)) / 2, 1e-6);
  Output nothing = Mask({1, 3}, {false, false, false});
  EXPECT_EQ(Value(MeanSquaredError(y, t, {.weights = nothing})), 0);
}

TEST_F(LossesTest, WhatAMaskLeavesOutHasNoGradient) {
  Output y = Floats({2, 2}, {1, 2, 3, 4});
  Output t = Floats({2, 2}, {0, 0, 0, 0});
  Output weights = Floats({2}, {0, 0.5});
  Output loss = MeanSquaredError(y, t, {.weights = weights});
  EXPECT_THAT(weft::Run(Gradients({loss}, {y})[0]),
              TensorNear(Tensor::Of<float>({2, 2}, {0, 0, 3, 4}), 1e-6));
}

TEST_F(LossesTest, KerasNamesFindLosses) {
  Output y = Floats({2}, {0.25, 0.5});
  Output t = Floats({2}, {0, 1});
  for (const auto& [name, expected] :
       std::vector<std::pair<const char*, float>>{
           {"mean_squared_error", (0.0625f + 0.25f) / 2},
           {"mse", (0.0625f + 0.25f) / 2},
           {"mean_absolute_error", 0.375f},
           {"mae", 0.375f},
           {"binary_crossentropy", -(std::log(0.75f) + std::log(0.5f)) / 2}}) {
    ASSERT_OK_AND_ASSIGN(const LossFn loss, FindLoss(name));
    EXPECT_NEAR(Value(loss(y, t, {})), expected, 1e-6) << name;
  }
  EXPECT_OK(FindLoss("categorical_crossentropy"));
  EXPECT_OK(FindLoss("sparse_categorical_crossentropy"));
  EXPECT_THAT(FindLoss("hinge"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no loss 'hinge' but mean_squared_error")));
}

TEST_F(LossesTest, ShapesThatWouldBroadcastAreRefused) {
  MeanSquaredError(Floats({2, 1}, {1, 2}), Floats({2}, {1, 2}));
  EXPECT_THAT(
      g_.status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("'loss': predictions are [2, 1] and targets [2]")));
}

TEST_F(LossesTest, WeightsOfAnotherShapeAreRefused) {
  Output y = Floats({2, 3}, {1, 2, 3, 4, 5, 6});
  MeanSquaredError(y, y, {.weights = Floats({3}, {1, 2, 3})});
  EXPECT_THAT(g_.status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'loss': weights are [3] but must be of the "
                                 "shape [2, 3], or of its first axes")));
}

TEST_F(LossesTest, ALabelThatIsNoClassFailsTheRun) {
  Output p = Floats({1, 2}, {0.5, 0.5});
  Output labels = Const<int32_t>(g_, {2});
  EXPECT_THAT(TryRun(SparseCategoricalCrossEntropy(p, labels)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("SparseSoftmaxCrossEntropyWithLogits")));
}

TEST_F(LossesTest, AccuraciesCountWhatIsRight) {
  Output scores = Floats({2, 2, 3}, {1, 2, 3, 5, 1, 2, 0, 1, 0, 0, 2, 1});
  Output labels = Const<int32_t>(g_, {2, 2}, {2, 1, 1, 2});
  EXPECT_EQ(Value(SparseCategoricalAccuracy(scores, labels)), 0.5);
  EXPECT_EQ(Value(SparseTopKCategoricalAccuracy(scores, labels, 2)), 0.75);
  Output targets = Floats({2, 2, 3}, {0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1});
  EXPECT_EQ(Value(CategoricalAccuracy(scores, targets)), 0.5);
  Output mask = Mask({2, 2}, {true, false, true, false});
  EXPECT_EQ(Value(SparseCategoricalAccuracy(scores, labels, {.weights = mask})),
            1);
  Output p = Floats({4}, {0.1, 0.6, 0.4, 0.9});
  Output t = Floats({4}, {0, 1, 1, 1});
  EXPECT_EQ(Value(BinaryAccuracy(p, t)), 0.75);
}

TEST_F(LossesTest, AccuraciesNeedClasses) {
  SparseCategoricalAccuracy(Const(g_, 1.0f), Const(g_, int32_t{0}));
  EXPECT_THAT(
      g_.status(),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          HasSubstr("'metric': scores are [] but must be [..., classes]")));
}

TEST(RunningMeanTest, WeighsBatchesByTheirSize) {
  RunningMean mean;
  EXPECT_EQ(mean.mean(), 0);
  mean.Add(1, 3);
  mean.Add(5, 1);
  EXPECT_EQ(mean.mean(), 2);
  EXPECT_EQ(mean.count(), 4);
}

}  // namespace
}  // namespace weft
