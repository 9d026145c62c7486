#include "ops/training.h"

#include <cmath>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/emit.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/testing/value_test.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

WEFT_VALUE_TEST(ResourceApplyGradientDescent, ResourceApplyMomentum,
                ResourceApplyAdam, ResourceApplyRMSProp, ResourceApplyAdagrad,
                ResourceApplyCenteredRMSProp, ResourceApplyAdadelta);

// Two steps with the gradient {1, -2} from the value {1, 1}, in T.
template <typename T>
class TrainingTest : public ::testing::Test {
 protected:
  Variable Make(const char* name, T value) {
    return Variable(g_, {.name = name,
                         .shape = {2},
                         .dtype = DataTypeOf<T>(),
                         .initial_value = Const<T>(g_, {2}, {value, value})});
  }
  Output Number(double value) { return Const(g_, static_cast<T>(value)); }

  void TwoSteps(Node* step) {
    auto session = Session::Create(g_);
    ASSERT_OK(session);
    session_ = *std::move(session);
    ASSERT_OK(session_->Initialize());
    for (int i = 0; i < 2; ++i)
      ASSERT_OK(session_->Run({}, {}, {step->name()}));
  }

  void ExpectValue(const Variable& v, double first, double second) {
    ASSERT_OK_AND_ASSIGN(const Tensor value, session_->GetVariable(v.name()));
    EXPECT_THAT(value, TensorNear(Tensor::Of<T>({2}, {static_cast<T>(first),
                                                      static_cast<T>(second)}),
                                  1e-6));
  }

  Graph g_;
  const Variable var_ = Make("var", 1);
  const Output grad_ = Const<T>(g_, {2}, {1, -2});
  std::unique_ptr<Session> session_;
};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(TrainingTest, Types);

TYPED_TEST(TrainingTest, GradientDescent) {
  this->TwoSteps(
      ResourceApplyGradientDescent(this->var_, this->Number(0.1), this->grad_));
  this->ExpectValue(this->var_, 0.8, 1.4);
}

TYPED_TEST(TrainingTest, Momentum) {
  const Variable accum = this->Make("accum", 0);
  this->TwoSteps(ResourceApplyMomentum(this->var_, accum, this->Number(0.1),
                                       this->grad_, this->Number(0.5)));
  // accum: 1, 1.5 and -2, -3.
  this->ExpectValue(accum, 1.5, -3);
  this->ExpectValue(this->var_, 1 - 0.1 - 0.15, 1 + 0.2 + 0.3);
}

TYPED_TEST(TrainingTest, MomentumWithNesterov) {
  const Variable accum = this->Make("accum", 0);
  this->TwoSteps(ResourceApplyMomentum(this->var_, accum, this->Number(0.1),
                                       this->grad_, this->Number(0.5),
                                       {.use_nesterov = true}));
  this->ExpectValue(this->var_, 1 - 0.1 * (1 + 0.5) - 0.1 * (1 + 0.75),
                    1 + 0.1 * (2 + 1) + 0.1 * (2 + 1.5));
}

// With the powers kept at those of the first step, so that both steps are alike
// in what they are corrected by.
TYPED_TEST(TrainingTest, Adam) {
  const Variable m = this->Make("m", 0);
  const Variable v = this->Make("v", 0);
  const AdamScalars scalars = {.beta1_power = this->Number(0.5),
                               .beta2_power = this->Number(0.75),
                               .lr = this->Number(0.1),
                               .beta1 = this->Number(0.5),
                               .beta2 = this->Number(0.75),
                               .epsilon = this->Number(1)};
  this->TwoSteps(ResourceApplyAdam(this->var_, m, v, scalars, this->grad_));
  // lr_t = 0.1 * sqrt(0.25) / 0.5 = 0.1. m: 0.5, 0.75. v: 0.25, 0.4375.
  const double first =
      0.1 * 0.5 / (std::sqrt(0.25) + 1) + 0.1 * 0.75 / (std::sqrt(0.4375) + 1);
  const double second =
      0.1 * 1.0 / (1.0 + 1) + 0.1 * 1.5 / (std::sqrt(1.75) + 1);
  this->ExpectValue(m, 0.75, -1.5);
  this->ExpectValue(v, 0.4375, 1.75);
  this->ExpectValue(this->var_, 1 - first, 1 + second);
}

TYPED_TEST(TrainingTest, AdamWithNesterov) {
  const Variable m = this->Make("m", 0);
  const Variable v = this->Make("v", 0);
  const AdamScalars scalars = {.beta1_power = this->Number(0.5),
                               .beta2_power = this->Number(0.75),
                               .lr = this->Number(0.1),
                               .beta1 = this->Number(0.5),
                               .beta2 = this->Number(0.75),
                               .epsilon = this->Number(1)};
  this->TwoSteps(ResourceApplyAdam(this->var_, m, v, scalars, this->grad_,
                                   {.use_nesterov = true}));
  // Steps with 0.5 m + 0.5 g: 0.75, 0.875.
  const double first = 0.1 * 0.75 / 1.5 + 0.1 * 0.875 / (std::sqrt(0.4375) + 1);
  const double second = 0.1 * 1.5 / 2 + 0.1 * 1.75 / (std::sqrt(1.75) + 1);
  this->ExpectValue(this->var_, 1 - first, 1 + second);
}

TYPED_TEST(TrainingTest, RMSProp) {
  const Variable ms = this->Make("ms", 1);
  const Variable mom = this->Make("mom", 0);
  this->TwoSteps(ResourceApplyRMSProp(this->var_, ms, mom, this->Number(0.1),
                                      this->Number(0.5), this->Number(0.5),
                                      this->Number(0), this->grad_));
  // ms: 1, 1 and 2.5, 3.25. mom: 0.1, 0.15 and the like.
  const double mom1 = -0.2 / std::sqrt(2.5);
  const double mom2 = 0.5 * mom1 - 0.2 / std::sqrt(3.25);
  this->ExpectValue(ms, 1, 3.25);
  this->ExpectValue(mom, 0.15, mom2);
  this->ExpectValue(this->var_, 1 - 0.25, 1 - mom1 - mom2);
}

TYPED_TEST(TrainingTest, Adagrad) {
  const Variable accum = this->Make("accum", 3);
  this->TwoSteps(
      ResourceApplyAdagrad(this->var_, accum, this->Number(0.1), this->grad_));
  this->ExpectValue(accum, 5, 11);
  this->ExpectValue(this->var_, 1 - 0.1 / 2 - 0.1 / std::sqrt(5),
                    1 + 0.2 / std::sqrt(7) + 0.2 / std::sqrt(11));
}

TYPED_TEST(TrainingTest, AdagradWithoutNewSlots) {
  const Variable accum = this->Make("accum", 4);
  this->TwoSteps(ResourceApplyAdagrad(this->var_, accum, this->Number(0.1),
                                      this->grad_, {.update_slots = false}));
  this->ExpectValue(accum, 4, 4);
  this->ExpectValue(this->var_, 0.9, 1.2);
}

TYPED_TEST(TrainingTest, CenteredRMSProp) {
  const Variable mg = this->Make("mg", 0);
  const Variable ms = this->Make("ms", 1);
  const Variable mom = this->Make("mom", 0);
  this->TwoSteps(EmitNode("ResourceApplyCenteredRMSProp",
                          {this->var_.handle(), mg.handle(), ms.handle(),
                           mom.handle(), this->Number(0.1), this->Number(0.5),
                           this->Number(0.5), this->Number(0), this->grad_}));
  // mg: 0.5, 0.75 and -1, -1.5. ms: 1, 1 and 2.5, 3.25.
  const double a1 = 0.1 / std::sqrt(0.75);
  const double a2 = 0.5 * a1 + 0.1 / std::sqrt(1 - 0.5625);
  const double b1 = -0.2 / std::sqrt(1.5);
  const double b2 = 0.5 * b1 - 0.2 / std::sqrt(3.25 - 2.25);
  this->ExpectValue(mg, 0.75, -1.5);
  this->ExpectValue(mom, a2, b2);
  this->ExpectValue(this->var_, 1 - a1 - a2, 1 - b1 - b2);
}

TYPED_TEST(TrainingTest, Adadelta) {
  const Variable accum = this->Make("accum", 0);
  const Variable accum_update = this->Make("accum_update", 0);
  this->TwoSteps(EmitNode(
      "ResourceApplyAdadelta",
      {this->var_.handle(), accum.handle(), accum_update.handle(),
       this->Number(1), this->Number(0.5), this->Number(1), this->grad_}));
  // accum: 0.5, 0.75 and 2, 3.
  const double a1 = 1 / std::sqrt(1.5), a_update = a1 * a1 / 2;
  const double a2 = std::sqrt(a_update + 1) / std::sqrt(1.75);
  const double b1 = 2 / std::sqrt(3.0), b_update = b1 * b1 / 2;
  const double b2 = 2 * std::sqrt(b_update + 1) / 2;
  this->ExpectValue(accum, 0.75, 3);
  this->ExpectValue(this->var_, 1 - a1 - a2, 1 + b1 + b2);
}

TYPED_TEST(TrainingTest, RefusesAGradientOfAnotherShape) {
  const Output grad = Const<TypeParam>(this->g_, {3}, {1, 2, 3});
  ResourceApplyGradientDescent(this->var_, this->Number(0.1), grad,
                               {.name = "step"});
  EXPECT_THAT(
      this->g_.status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("ResourceApplyGradientDescent 'step'"),
                     HasSubstr("input 2 is [3] but the variable is [2]"),
                     HasSubstr("training_test.cc:"))));
}

TYPED_TEST(TrainingTest, RefusesAVectorAsLearningRate) {
  ResourceApplyGradientDescent(this->var_, this->grad_, this->grad_);
  EXPECT_THAT(this->g_.status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("alpha is [2] but must be []")));
}

}  // namespace
}  // namespace weft
