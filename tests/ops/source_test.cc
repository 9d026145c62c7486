#include "ops/source.h"

#include <limits>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "graph/op.h"
#include "gtest/gtest.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "runtime/session.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/testing/value_test.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

WEFT_VALUE_TEST(Identity, IdentityN, StopGradient, PreventGradient);

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(ConstTest, TakesScalarsVectorsAndShapes) {
  Graph& g = TestGraph();
  EXPECT_THAT(Evaluate(Const(g, 1.5f)), TensorEq(Tensor::Scalar(1.5f)));
  EXPECT_THAT(Evaluate(Const(g, int64_t{3})),
              TensorEq(Tensor::Scalar(int64_t{3})));
  EXPECT_THAT(Evaluate(Const(g, true)), TensorEq(Tensor::Scalar(true)));
  EXPECT_THAT(Evaluate(Const(g, {1, 2})),
              TensorEq(Tensor::Vector<int32_t>({1, 2})));
  EXPECT_THAT(Evaluate(Const<float>(g, {1, 2}, {3, 4})),
              TensorEq(Tensor::Of<float>({1, 2}, {3.0f, 4.0f})));
}

TEST(ConstTest, FailsForTheWrongNumberOfValues) {
  Const<float>(TestGraph(), {2, 2}, {1, 2, 3}, "w");
  EXPECT_THAT(
      TestGraph().status(),
      StatusIs(kInvalid, AllOf(HasSubstr("'w': 3 values for shape [2, 2]"),
                               HasSubstr("source_test.cc:"))));
}

TEST(ConstTest, FailsForNoTensor) {
  Const(TestGraph(), Tensor());
  EXPECT_THAT(TestGraph().status(),
              StatusIs(kInvalid, HasSubstr("is no tensor")));
}

TEST(ConstTest, TellsShapesToInference) {
  const Output shape = Const(TestGraph(), {2, 3});
  const PartialValue* value = shape.node()->output_value(0);
  ASSERT_NE(value, nullptr);
  EXPECT_THAT(*value, ElementsAre(2, 3));
  EXPECT_EQ(Const(TestGraph(), {1.0f}).node()->output_value(0), nullptr);
}

TEST(ZerosTest, AreSmallConstantsOrMadeByTheRun) {
  Graph& g = TestGraph();
  EXPECT_EQ(Zeros(g, DataType::kFloat, {2}).node()->op(), "Const");
  const Output large = Ones(g, DataType::kDouble, {100, 100});
  EXPECT_EQ(large.node()->op(), "Fill");
  EXPECT_THAT(Evaluate(Sum(large)), TensorEq(Tensor::Scalar(10000.0)));
  EXPECT_THAT(Evaluate(Ones(g, DataType::kBool, {2})),
              TensorEq(Tensor::Vector<bool>({true, true})));
}

TEST(ZerosTest, NeedAKnownShapeAndANumberType) {
  Zeros(TestGraph(), DataType::kFloat, {-1, 2}, "start");
  EXPECT_THAT(
      TestGraph().status(),
      StatusIs(kInvalid, HasSubstr("'start': a constant of shape [?, 2]")));
}

TEST(PlaceholderTest, MustBeFed) {
  const Output x = Placeholder(TestGraph(), "x", DataType::kFloat, {-1});
  EXPECT_THAT(TryEvaluate(Identity(x)), StatusIs(kInvalid, HasSubstr("x")));
}

TEST(PlaceholderWithDefaultTest, IsItsInputUnlessFed) {
  Graph g;
  const Output x =
      PlaceholderWithDefault(Const(g, {1.0f, 2.0f}), {-1}, "state");
  const Output y = Neg(x);
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Session> session, Session::Create(g));
  ASSERT_OK_AND_ASSIGN(std::vector<Tensor> as_is, session->Run({}, {y}));
  EXPECT_THAT(as_is[0], TensorEq(Tensor::Vector<float>({-1, -2})));
  ASSERT_OK_AND_ASSIGN(
      std::vector<Tensor> fed,
      session->Run({{x, Tensor::Vector<float>({3, 4, 5})}}, {y}));
  EXPECT_THAT(fed[0], TensorEq(Tensor::Vector<float>({-3, -4, -5})));
}

TEST(PlaceholderWithDefaultTest, RefusesADefaultOfAnotherShape) {
  PlaceholderWithDefault(Const(TestGraph(), {1.0f}), {2}, "state");
  EXPECT_THAT(
      TestGraph().status(),
      StatusIs(kInvalid, HasSubstr("input is [1] but attr 'shape' is [2]")));
}

TEST(IdentityTest, GivesItsInput) {
  EXPECT_THAT(Floats(Identity(In({1, 2}))), ElementsAre(1, 2));
  EXPECT_THAT(Floats(StopGradient(In({1, 2}))), ElementsAre(1, 2));
  EXPECT_THAT(Floats(PreventGradient(In({1, 2}))), ElementsAre(1, 2));
  const Outputs both = IdentityN({In({1, 2}), InInts({3})});
  EXPECT_THAT(Floats(both[0]), ElementsAre(1, 2));
  EXPECT_THAT(Ints(both[1]), ElementsAre(3));
}

TEST(StopGradientTest, LetsNoGradientThrough) {
  const Output x = In(3.0f);
  const Output y = x * StopGradient(x);
  EXPECT_THAT(Floats(Gradients({y}, {x})[0]), ElementsAre(3));
}

TEST(PreventGradientTest, FailsTheGraphWithItsMessage) {
  const Output x = In(3.0f);
  const Output y = PreventGradient(x, "table is fixed", "lookup");
  Gradients({y}, {x});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(kInvalid, AllOf(HasSubstr("PreventGradient 'lookup'"),
                                       HasSubstr("table is fixed"))));
}

TEST(GroupTest, RunsAllNodes) {
  Graph g;
  Node* ok = Assert(Const(g, true), {Const(g, 1)});
  Node* bad = Assert(Const(g, false), {Const(g, 2)}, {.name = "bad"});
  Group(g, {ok}, "first");
  Group(g, {ok, bad}, "second");
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Session> session, Session::Create(g));
  EXPECT_OK(session->Run({}, {}, {"first"}));
  EXPECT_THAT(session->Run({}, {}, {"second"}),
              StatusIs(kInvalid, HasSubstr("bad")));
}

TEST(AssertTest, FailsTheRunWithItsData) {
  Graph g;
  const Output x = Placeholder(g, "x", DataType::kFloat);
  const Output message =
      Const(g, Tensor::Scalar<std::string>("x must be small"));
  Node* check =
      Assert(Less(x, Const(g, 1.0f)), {message, x}, {.name = "check"});
  Output y;
  {
    ControlScope scope(g, {check});
    y = Identity(x);
  }
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Session> session, Session::Create(g));
  EXPECT_OK(session->Run({{x, Tensor::Scalar(0.5f)}}, {y}));
  EXPECT_THAT(
      session->Run({{x, Tensor::Scalar(2.5f)}}, {y}),
      StatusIs(kInvalid, AllOf(HasSubstr("check"), HasSubstr("x must be small"),
                               HasSubstr("2.5"))));
}

TEST(AssertTest, ShowsAsManyElementsAsItIsAskedFor) {
  Graph g;
  Node* check =
      Assert(Const(g, false), {Const(g, {1, 2, 3, 4, 5})}, {.summarize = 2});
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Session> session, Session::Create(g));
  const absl::Status status = session->Run({}, {}, {check->name()}).status();
  EXPECT_THAT(status, StatusIs(kInvalid, HasSubstr("1, 2")));
  EXPECT_THAT(std::string(status.message()), ::testing::Not(HasSubstr("2, 3")));
}

TEST(AssertTest, NeedsAScalarCondition) {
  Assert(Const(TestGraph(), {true, false}), {Const(TestGraph(), 1)});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(kInvalid, HasSubstr("condition is [2]")));
}

TEST(CheckNumericsTest, PassesFiniteValuesOn) {
  EXPECT_THAT(Floats(CheckNumerics(In({1, -2}), "loss")), ElementsAre(1, -2));
}

TEST(CheckNumericsTest, NamesTheFirstElementThatIsNone) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(TryEvaluate(CheckNumerics(In({1, nan}), "loss")),
              StatusIs(kInvalid, HasSubstr("loss: element 1 of [2] is NaN")));
}

TEST(CheckNumericsTest, TellsInfinityFromNaN) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(TryEvaluate(CheckNumerics(In({infinity}), "loss")),
              StatusIs(kInvalid, HasSubstr("is infinite")));
}

}  // namespace
}  // namespace weft
