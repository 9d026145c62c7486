#include "train/optimizers.h"

#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/constraints.h"
#include "layers/regularizers.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "train/clipping.h"
#include "train/losses.h"
#include "train/schedules.h"

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

// What `update` makes of w in `steps` steps, given the gradient 2 w.
double ByHand(double w, int steps,
              const std::function<double(int step, double g)>& update) {
  for (int t = 0; t < steps; ++t) w -= update(t, 2 * w);
  return w;
}

// Both elements of the weight, each by hand from a fresh `update`.
template <typename MakeUpdate>
Tensor BothByHand(int steps, const MakeUpdate& make_update) {
  return Tensor::Vector<float>(
      {static_cast<float>(ByHand(1, steps, make_update())),
       static_cast<float>(ByHand(-2, steps, make_update()))});
}

TEST_F(OptimizersTest, AdamAddsEpsilonToTheCorrectedRootOnRequest) {
  Weight({1, -2});
  Adam adam({.learning_rate = 0.1, .epsilon = 0.5, .corrected_epsilon = true});
  const Tensor expected = BothByHand(4, [] {
    return [m = 0.0, v = 0.0](int t, double g) mutable {
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      const double mean = m / (1 - std::pow(0.9, t + 1));
      const double square = v / (1 - std::pow(0.999, t + 1));
      return 0.1 * mean / (std::sqrt(square) + 0.5);
    };
  });
  EXPECT_THAT(Train(adam, 4), TensorNear(expected, 1e-5));
}

TEST_F(OptimizersTest, MomentumGathersVelocity) {
  Weight({1, -2});
  Momentum momentum({.learning_rate = 0.1, .momentum = 0.5});
  const Tensor expected = BothByHand(3, [] {
    return [v = 0.0](int, double g) mutable {
      v = 0.5 * v + g;
      return 0.1 * v;
    };
  });
  EXPECT_THAT(Train(momentum, 3), TensorNear(expected, 1e-6));
}

TEST_F(OptimizersTest, NesterovLooksOneStepAhead) {
  Weight({1, -2});
  Momentum momentum(
      {.learning_rate = 0.1, .momentum = 0.5, .use_nesterov = true});
  const Tensor expected = BothByHand(3, [] {
    return [v = 0.0](int, double g) mutable {
      v = 0.5 * v + g;
      return 0.1 * (g + 0.5 * v);
    };
  });
  EXPECT_THAT(Train(momentum, 3), TensorNear(expected, 1e-6));
}

// Keras' SGD: v = momentum * v - rate * g; w += v, and its `decay`.
TEST_F(OptimizersTest, ARateInTheVelocityKeepsWhatWasGathered) {
  Weight({1, -2});
  Momentum momentum({.learning_rate = InverseTimeDecay(
                         {.initial_rate = 0.2, .decay_rate = 1}),
                     .momentum = 0.5,
                     .use_nesterov = true,
                     .rate_in_velocity = true});
  const Tensor expected = BothByHand(4, [] {
    return [v = 0.0](int t, double g) mutable {
      const double rate = 0.2 / (1 + t);
      v = 0.5 * v - rate * g;
      return -(0.5 * v - rate * g);
    };
  });
  EXPECT_THAT(Train(momentum, 4), TensorNear(expected, 1e-6));
}

TEST_F(OptimizersTest, RMSPropDividesByTheRootOfTheMeanSquare) {
  Weight({1, -2});
  RMSProp rmsprop({.learning_rate = 0.1, .rho = 0.75, .epsilon = 0.01});
  const Tensor expected = BothByHand(3, [] {
    return [s = 0.0](int, double g) mutable {
      s = 0.75 * s + 0.25 * g * g;
      return 0.1 * g / std::sqrt(s + 0.01);
    };
  });
  EXPECT_THAT(Train(rmsprop, 3), TensorNear(expected, 1e-6));
}

TEST_F(OptimizersTest, AdagradDividesByTheRootOfTheSumOfSquares) {
  Weight({1, -2});
  Adagrad adagrad(
      {.learning_rate = 0.1, .initial_accumulator = 0.25, .epsilon = 0.5});
  const Tensor expected = BothByHand(3, [] {
    return [s = 0.25](int, double g) mutable {
      s += g * g;
      return 0.1 * g / std::sqrt(s + 0.5);
    };
  });
  EXPECT_THAT(Train(adagrad, 3), TensorNear(expected, 1e-6));
}

TEST_F(OptimizersTest, KerasNamesMakeOptimizers) {
  Weight({1, -2});
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Optimizer> sgd,
                       MakeOptimizer("sgd"));
  // w -= 0.01 * 2 w.
  EXPECT_THAT(Train(*sgd, 1),
              TensorNear(Tensor::Vector<float>({0.98f, -1.96f}), 1e-6));
  for (const char* name : {"rmsprop", "adagrad", "adam"}) {
    EXPECT_OK(MakeOptimizer(name));
  }
  EXPECT_THAT(
      MakeOptimizer("adamm"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("no optimizer 'adamm' but sgd, rmsprop, adagrad")));
}

struct WrongOption {
  std::unique_ptr<Optimizer> optimizer;
  const char* message;
};

TEST(OptimizerOptionsTest, AreRefusedOutOfRange) {
  std::vector<WrongOption> wrong;
  wrong.push_back({std::make_unique<GradientDescent>(
                       GradientDescentOptions{.learning_rate = -1}),
                   "GradientDescent 'GradientDescent': learning_rate is -1 but "
                   "must be finite and at least 0"});
  wrong.push_back(
      {std::make_unique<Momentum>(MomentumOptions{.momentum = 1.5}),
       "Momentum 'Momentum': momentum is 1.5 but must be in [0, 1]"});
  wrong.push_back({std::make_unique<Adam>(AdamOptions{.beta1 = 1}),
                   "Adam 'Adam': beta1 is 1 but must be in [0, 1)"});
  wrong.push_back({std::make_unique<Adam>(AdamOptions{.beta2 = -0.1}),
                   "Adam 'Adam': beta2 is -0.1 but must be in [0, 1)"});
  wrong.push_back({std::make_unique<Adam>(AdamOptions{.epsilon = -1}),
                   "Adam 'Adam': epsilon is -1 but must be finite and at"});
  wrong.push_back({std::make_unique<RMSProp>(RMSPropOptions{.rho = 1}),
                   "RMSProp 'RMSProp': rho is 1 but must be in [0, 1)"});
  wrong.push_back({std::make_unique<RMSProp>(RMSPropOptions{.momentum = -1}),
                   "RMSProp 'RMSProp': momentum is -1 but must be in [0, 1]"});
  wrong.push_back({std::make_unique<RMSProp>(RMSPropOptions{.epsilon = NAN}),
                   "RMSProp 'RMSProp': epsilon is nan but must be finite"});
  wrong.push_back(
      {std::make_unique<Adagrad>(AdagradOptions{.initial_accumulator = -1}),
       "Adagrad 'Adagrad': initial_accumulator is -1 but must be finite"});
  for (const WrongOption& w : wrong) {
    Graph g;
    Variable v(g,
               {.name = "w", .shape = {1}, .initial_value = Const(g, {1.0f})});
    Minimize(Sum(Square(v.read())), *w.optimizer);
    EXPECT_THAT(g.status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr(w.message)));
  }
}

TEST_F(OptimizersTest, ConstraintsHoldAfterEachStep) {
  Variable w = Weight({1, -2});
  AddConstraint(constraints::NonNeg(), w);
  GradientDescent sgd({.learning_rate = 0.25});
  // -1 after the step, and then 0.
  EXPECT_THAT(Train(sgd, 1),
              TensorNear(Tensor::Vector<float>({0.5f, 0}), 1e-6));
}

TEST_F(OptimizersTest, PenaltiesAreAddedToTheLoss) {
  Variable w = Weight({1, -2});
  AddRegularizationLoss(regularizers::L2(0.5), w.read());
  AddRegularizationLoss(regularizers::L1(0.25), w.read());
  Output loss = WithRegularization(Const(g_, 10.0f));
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g_));
  ASSERT_OK(session->Initialize());
  ASSERT_OK_AND_ASSIGN(auto values, session->Run({}, {loss}));
  EXPECT_THAT(values[0],
              TensorNear(Tensor::Scalar(10 + 0.5f * 5 + 0.25f * 3), 1e-6));
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
