#include "train/schedules.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/testing/run.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

// The rates after these numbers of steps.
std::vector<double> RatesAt(const LearningRate& rate,
                            std::vector<int64_t> steps) {
  Graph g;
  Outputs rates;
  for (int64_t step : steps) {
    Output at = Const(g, step);
    rates.push_back(rate.At(at).Like(Const(g, 0.0)));
  }
  std::vector<double> values;
  for (const Tensor& value : Run(rates)) {
    values.push_back(value.scalar<double>());
  }
  return values;
}

TEST(SchedulesTest, ExponentialDecayHalvesEveryTenSteps) {
  const LearningRate rate = ExponentialDecay(
      {.initial_rate = 0.8, .decay_steps = 10, .decay_rate = 0.5});
  EXPECT_THAT(
      RatesAt(rate, {0, 5, 10, 20}),
      Pointwise(DoubleNear(1e-12), {0.8, 0.8 * std::sqrt(0.5), 0.4, 0.2}));
}

TEST(SchedulesTest, AStaircaseStaysUntilTheNextStair) {
  const LearningRate rate = ExponentialDecay({.initial_rate = 0.8,
                                              .decay_steps = 10,
                                              .decay_rate = 0.5,
                                              .staircase = true});
  EXPECT_THAT(RatesAt(rate, {0, 9, 10, 19}),
              Pointwise(DoubleNear(1e-12), {0.8, 0.8, 0.4, 0.4}));
}

TEST(SchedulesTest, InverseTimeDecayIsKerasDecay) {
  const LearningRate rate =
      InverseTimeDecay({.initial_rate = 0.1, .decay_rate = 0.25});
  EXPECT_THAT(RatesAt(rate, {0, 4, 12}),
              Pointwise(DoubleNear(1e-12), {0.1, 0.05, 0.025}));
}

TEST(SchedulesTest, PolynomialDecayEndsAtItsEnd) {
  const LearningRate rate = PolynomialDecay(
      {.initial_rate = 1, .decay_steps = 4, .end_rate = 0.2, .power = 2});
  EXPECT_THAT(RatesAt(rate, {0, 2, 4, 100}),
              Pointwise(DoubleNear(1e-12), {1.0, 0.4, 0.2, 0.2}));
}

TEST(SchedulesTest, CosineDecayIsHalfWayInTheMiddle) {
  const LearningRate rate =
      CosineDecay({.initial_rate = 2, .decay_steps = 6, .end_fraction = 0.5});
  // A third of the way: the cosine of 60 degrees is 1/2.
  EXPECT_THAT(RatesAt(rate, {0, 2, 3, 6, 7}),
              Pointwise(DoubleNear(1e-12), {2.0, 1.75, 1.5, 1.0, 1.0}));
}

TEST(SchedulesTest, PiecewiseConstantChangesAtItsBoundaries) {
  const LearningRate rate =
      PiecewiseConstant({.boundaries = {3, 5}, .rates = {0.3, 0.2, 0.1}});
  EXPECT_THAT(RatesAt(rate, {0, 2, 3, 4, 5, 9}),
              Pointwise(DoubleNear(0), {0.3, 0.3, 0.2, 0.2, 0.1, 0.1}));
}

TEST(SchedulesTest, WarmUpRisesToWhatFollows) {
  const LearningRate constant = WarmUp(4, 0.8);
  EXPECT_THAT(RatesAt(constant, {0, 1, 3, 4}),
              Pointwise(DoubleNear(1e-12), {0.2, 0.4, 0.8, 0.8}));
  const LearningRate decayed =
      WarmUp(2, InverseTimeDecay({.initial_rate = 1, .decay_rate = 1}));
  EXPECT_THAT(RatesAt(decayed, {0, 1, 3}),
              Pointwise(DoubleNear(1e-12), {0.5, 0.5, 0.25}));
}

TEST(SchedulesTest, TheOptimizerCountsItsSteps) {
  Graph g;
  Variable w(g, {.name = "w", .shape = {}, .initial_value = Const(g, 1.0f)});
  GradientDescent sgd({.learning_rate = PiecewiseConstant(
                           {.boundaries = {2}, .rates = {1, 0}})});
  const TrainStep step = Minimize(w.read(), sgd);
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g));
  ASSERT_OK(session->Initialize());
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(session->Run({}, {}, {step.node->name()}));
  }
  // Two steps down the gradient 1, then none.
  ASSERT_OK_AND_ASSIGN(const Tensor value, session->GetVariable("w"));
  EXPECT_EQ(value.scalar<float>(), -1);
  ASSERT_OK_AND_ASSIGN(const Tensor steps,
                       session->GetVariable("GradientDescent/iterations"));
  EXPECT_EQ(steps.scalar<int64_t>(), 5);
  EXPECT_FALSE(g.FindVariable("GradientDescent/iterations")->trainable);
}

TEST(SchedulesTest, WrongNumbersFailTheGraph) {
  const struct {
    LearningRate rate;
    const char* message;
  } kWrong[] = {
      {ExponentialDecay({.decay_steps = 0}),
       "ExponentialDecay: decay_steps is 0 but must be at least 1"},
      {ExponentialDecay({.decay_rate = -1}),
       "ExponentialDecay: decay_rate is -1 but must be finite and at least 0"},
      {InverseTimeDecay({.initial_rate = NAN}),
       "InverseTimeDecay: initial_rate is nan but must be finite"},
      {PolynomialDecay({.power = 0}),
       "PolynomialDecay: power is 0 but must be above 0"},
      {CosineDecay({.end_fraction = -0.5}),
       "CosineDecay: end_fraction is -0.5 but must be finite"},
      {PiecewiseConstant({.boundaries = {1}, .rates = {1}}),
       "PiecewiseConstant: the number of rates is 1 but must be one more than"},
      {PiecewiseConstant({.boundaries = {2, 2}, .rates = {1, 2, 3}}),
       "PiecewiseConstant: a boundary is 2 but must be above the one before"},
      {WarmUp(0, 0.1), "WarmUp: steps is 0 but must be at least 1"},
  };
  for (const auto& wrong : kWrong) {
    Graph g;
    wrong.rate.At(Const(g, int64_t{1}));
    EXPECT_THAT(g.status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr(wrong.message)));
  }
}

}  // namespace
}  // namespace weft
