#include "train/optimizers.h"

#include <cmath>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "train/clipping.h"
#include "train/losses.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// loss = sum(w^2), so the gradient is 2 w.
class OptimizersTest : public ::testing::Test {
 protected:
  Variable Weight(std::initializer_list<float> values) {
    return Variable(g_, {.name = "w",
                         .shape = {static_cast<int64_t>(values.size())},
                         .initial_value = Const(g_, values)});
  }

  // The weight after `steps` steps.
  Tensor Train(Optimizer& optimizer, int steps,
               const MinimizeOptions& options = {}) {
    Variable w = GetVariable(g_, "w");
    Output loss = Sum(Square(w.read()));
    const TrainStep step = Minimize(loss, optimizer, options);
    absl::StatusOr<std::unique_ptr<Session>> session = Session::Create(g_);
    EXPECT_OK(session);
    if (!session.ok()) return Tensor();
    EXPECT_OK((*session)->Initialize());
    for (int i = 0; i < steps; ++i) {
      EXPECT_OK((*session)->Run({}, {}, {step.node->name()}));
    }
    absl::StatusOr<Tensor> value = (*session)->GetVariable("w");
    EXPECT_OK(value);
    return value.ok() ? *value : Tensor();
  }

  Graph g_;
};

TEST_F(OptimizersTest, GradientDescentGoesDownTheGradient) {
  Weight({1, -2});
  GradientDescent sgd({.learning_rate = 0.25});
  // w -= 0.25 * 2 w halves it.
  EXPECT_THAT(Train(sgd, 2),
              TensorNear(Tensor::Vector<float>({0.25f, -0.5f}), 1e-6));
}

// The equations of Kingma and Ba (2014), with the bias-corrected means.
double AdamByHand(double w, int steps, double lr) {
  double m = 0, v = 0;
  for (int t = 1; t <= steps; ++t) {
    const double g = 2 * w;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const double mean = m / (1 - std::pow(0.9, t));
    const double square = v / (1 - std::pow(0.999, t));
    w -= lr * mean / (std::sqrt(square) + 1e-8);
  }
  return w;
}

TEST_F(OptimizersTest, AdamFollowsThePaper) {
  Weight({1, -2});
  Adam adam({.learning_rate = 0.1});
  const Tensor expected =
      Tensor::Vector<float>({static_cast<float>(AdamByHand(1, 5, 0.1)),
                             static_cast<float>(AdamByHand(-2, 5, 0.1))});
  EXPECT_THAT(Train(adam, 5), TensorNear(expected, 1e-5));
}

TEST_F(OptimizersTest, AdamNamesItsSlotsAsTensorFlowDoes) {
  Weight({1});
  Adam adam;
  Train(adam, 1);
  for (const char* name :
       {"w/Adam", "w/Adam_1", "beta1_power", "beta2_power"}) {
    const VariableInfo* slot = g_.FindVariable(name);
    ASSERT_NE(slot, nullptr) << name;
    EXPECT_FALSE(slot->trainable);
  }
}

TEST_F(OptimizersTest, MinimizeClipsByTheGlobalNorm) {
  Weight({3, 4});
  GradientDescent sgd({.learning_rate = 1});
  // The gradient (6, 8) has norm 10 and becomes (0.6, 0.8).
  EXPECT_THAT(Train(sgd, 1, {.clip_norm = 1}),
              TensorNear(Tensor::Vector<float>({2.4f, 3.2f}), 1e-6));
}

TEST_F(OptimizersTest, LeavesWhatIsNotTrainableAlone) {
  Weight({1});
  Variable fixed(g_, {.name = "fixed",
                      .shape = {1},
                      .initial_value = Const(g_, {5.0f}),
                      .trainable = false});
  EXPECT_THAT(TrainableVariables(g_), ::testing::SizeIs(1));
}

TEST_F(OptimizersTest, RefusesALossThatIsNoScalar) {
  Variable w = Weight({1, 2});
  GradientDescent sgd;
  Minimize(Square(w.read()), sgd);
  EXPECT_THAT(g_.status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                    AllOf(HasSubstr("the loss is [2]"),
                                          HasSubstr("optimizers_test.cc"))));
}

TEST_F(OptimizersTest, RefusesALossThatDependsOnNoVariable) {
  Weight({1});
  GradientDescent sgd;
  Minimize(Const(g_, 1.0f), sgd);
  EXPECT_THAT(g_.status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("depends on none of the 1 variables")));
}

TEST_F(OptimizersTest, ClippingLeavesSmallGradientsAndShowsInfiniteOnes) {
  Output small = Const(g_, {0.3f, 0.4f});
  Output huge = Const(g_, {INFINITY, 1.0f});
  const ClippedGradients kept = ClipByGlobalNorm({small}, 1);
  const ClippedGradients broken = ClipByGlobalNorm({huge}, 1);
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g_));
  ASSERT_OK_AND_ASSIGN(
      auto values,
      session->Run({}, {kept.gradients[0], kept.norm, broken.gradients[0]}));
  EXPECT_THAT(values[0], TensorNear(Tensor::Vector<float>({0.3f, 0.4f}), 1e-7));
  EXPECT_THAT(values[1], TensorNear(Tensor::Scalar(0.5f), 1e-6));
  EXPECT_TRUE(std::isnan(values[2].data<float>()[1]));
}

TEST_F(OptimizersTest, CrossEntropyOfEvenOddsIsTheLogOfTheirNumber) {
  Output logits = Const<float>(g_, {1, 2, 4}, std::vector<float>(8, 3.0f));
  Output labels = Const<int32_t>(g_, {1, 2}, {0, 3});
  Output loss = SparseSoftmaxCrossEntropy(logits, labels);
  Output weights = Const<float>(g_, {1, 2}, {0, 0});
  Output nothing =
      SparseSoftmaxCrossEntropy(logits, labels, {.weights = weights});
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g_));
  ASSERT_OK_AND_ASSIGN(auto values, session->Run({}, {loss, nothing}));
  EXPECT_THAT(values[0], TensorNear(Tensor::Scalar(std::log(4.0f)), 1e-6));
  EXPECT_THAT(values[1], TensorEq(Tensor::Scalar(0.0f)));
}

}  // namespace
}  // namespace weft
