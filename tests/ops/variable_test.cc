#include "ops/variable.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "graph/op.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/emit.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/testing/value_test.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

WEFT_VALUE_TEST(ReadVariableOp, AssignVariableOp, AssignAddVariableOp,
                AssignSubVariableOp, VarIsInitializedOp, ResourceGather,
                ResourceScatterAdd, ResourceScatterSub, ResourceScatterUpdate);

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class VariableTest : public ::testing::Test {
 protected:
  Variable Make(const std::string& name, std::initializer_list<float> values) {
    const Tensor initial = Tensor::Vector(values);
    return Variable(g_, {.name = name,
                         .shape = initial.shape(),
                         .initial_value = Const(g_, initial)});
  }

  void Start() {
    absl::StatusOr<std::unique_ptr<Session>> session = Session::Create(g_);
    ASSERT_OK(session);
    session_ = *std::move(session);
    ASSERT_OK(session_->Initialize());
  }

  Tensor Value(Output output) {
    auto values = session_->Run({}, {output});
    EXPECT_OK(values);
    return values.ok() ? (*values)[0] : Tensor();
  }
  absl::Status Do(Node* node) {
    return session_->Run({}, {}, {node->name()}).status();
  }
  Tensor Value(const Variable& v) {
    auto value = session_->GetVariable(v.name());
    EXPECT_OK(value);
    return value.ok() ? *value : Tensor();
  }

  Graph g_;
  std::unique_ptr<Session> session_;
};

TEST_F(VariableTest, StartsWithItsInitialValue) {
  const Variable v = Make("v", {1, 2});
  Start();
  EXPECT_THAT(Value(v.read()), TensorEq(Tensor::Vector<float>({1, 2})));
  EXPECT_THAT(Value(v), TensorEq(Tensor::Vector<float>({1, 2})));
}

TEST_F(VariableTest, IsNamedByItsScope) {
  NameScope scope(g_, "encoder");
  const Variable v = Make("w", {1});
  EXPECT_EQ(v.name(), "encoder/w");
  EXPECT_EQ(v.handle().node()->name(), "encoder/w");
  EXPECT_EQ(v.handle().node()->attrs().Get<std::string>("shared_name"),
            "encoder/w");
  EXPECT_EQ(v.read().node()->name(), "encoder/w/Read/ReadVariableOp");
  EXPECT_EQ(v.initializer()->name(), "encoder/w/Assign");
  ASSERT_NE(g_.FindVariable("encoder/w"), nullptr);
  EXPECT_EQ(g_.FindVariable("encoder/w")->shape, TensorShape({1}));
}

TEST_F(VariableTest, TakesAFunctionForItsInitialValue) {
  const Variable v(g_,
                   {.name = "v", .shape = {2}, .initial_value = [](Graph& g) {
                      return Ones(g, DataType::kFloat, {2}, "ones");
                    }});
  EXPECT_NE(g_.FindNode("v/Initializer/ones"), nullptr);
  Start();
  EXPECT_THAT(Value(v), TensorEq(Tensor::Vector<float>({1, 1})));
}

TEST_F(VariableTest, RefusesASecondOfTheSameName) {
  Make("v", {1});
  Make("v", {2});
  EXPECT_THAT(
      g_.status(),
      StatusIs(kInvalid, AllOf(HasSubstr("variable 'v': the name is taken"),
                               HasSubstr("variable_test.cc:"))));
}

TEST_F(VariableTest, RefusesAnInitialValueOfAnotherShapeOrType) {
  Variable(g_, {.name = "v", .shape = {2}, .initial_value = Const(g_, {1, 2})});
  EXPECT_THAT(
      g_.status(),
      StatusIs(kInvalid, HasSubstr("variable 'v' is float32 [2] but its "
                                   "initial value is int32 [2]")));
}

TEST_F(VariableTest, RefusesAShapeThatIsNotFullyDefined) {
  Variable(g_, {.name = "v", .shape = {-1, 2}});
  EXPECT_THAT(g_.status(),
              StatusIs(kInvalid, HasSubstr("[?, 2] is not fully defined")));
}

TEST_F(VariableTest, IsNotMadeWithinALoop) {
  const Output start = Const(g_, 0.0f);
  While(
      {start}, [](const Outputs& v) { return Less(v[0], ScalarLike(v[0], 1)); },
      [](const Outputs& v) -> Outputs {
        const Variable w(v[0].graph(), {.name = "w"});
        return {v[0] + w.read()};
      });
  EXPECT_THAT(
      g_.status(),
      StatusIs(kInvalid, HasSubstr("variable 'w' is made within the body")));
}

TEST_F(VariableTest, IsFoundByItsName) {
  const Variable made = Make("v", {1});
  const Variable found = GetVariable(g_, "v");
  EXPECT_EQ(found.handle(), made.handle());
  EXPECT_EQ(found.read(), made.read());
  EXPECT_EQ(found.dtype(), DataType::kFloat);
  GetVariable(g_, "w");
  EXPECT_THAT(g_.status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("variable 'w'")));
}

TEST_F(VariableTest, IsReadOncePerBody) {
  const Variable v = Make("v", {1});
  const Output last = While(
      {Const(g_, {0.0f})},
      [&](const Outputs& x) {
        return Less(IndexAxis(x[0], 0, 0), Const(x[0].graph(), 3.0f));
      },
      [&](const Outputs& x) -> Outputs {
        Graph& body = x[0].graph();
        EXPECT_EQ(v.read(body), v.read(body));
        EXPECT_EQ(&v.read(body).graph(), &body);
        return {x[0] + v.read(body)};
      })[0];
  EXPECT_EQ(last.node()->op(), "While");  // TensorFlow's reads have state.
  Start();
  EXPECT_THAT(Value(last), TensorEq(Tensor::Vector<float>({3})));
}

TEST_F(VariableTest, IsAssignedAndChanged) {
  const Variable v = Make("v", {1, 2});
  Node* assign = Assign(v, Const(g_, {5.0f, 6.0f}));
  Node* add = AssignAdd(v, Const(g_, {1.0f, 1.0f}));
  Node* sub = AssignSub(v, v.read() * 0.5);
  Start();
  ASSERT_OK(Do(assign));
  EXPECT_THAT(Value(v), TensorEq(Tensor::Vector<float>({5, 6})));
  ASSERT_OK(Do(add));
  EXPECT_THAT(Value(v), TensorEq(Tensor::Vector<float>({6, 7})));
  ASSERT_OK(Do(sub));
  EXPECT_THAT(Value(v), TensorEq(Tensor::Vector<float>({3, 3.5f})));
}

TEST_F(VariableTest, RefusesAValueOfAnotherShape) {
  Assign(Make("v", {1, 2}), Const(g_, {1.0f}), "bad");
  EXPECT_THAT(
      g_.status(),
      StatusIs(kInvalid,
               AllOf(HasSubstr("AssignVariableOp 'bad'"),
                     HasSubstr("value is [1] but the variable is [2]"))));
}

TEST_F(VariableTest, CountsInIntegers) {
  const Variable steps(g_, {.name = "steps",
                            .dtype = DataType::kInt64,
                            .initial_value = Const(g_, int64_t{0})});
  Node* next = AssignAdd(steps, Const(g_, int64_t{1}));
  Start();
  ASSERT_OK(Do(next));
  ASSERT_OK(Do(next));
  EXPECT_THAT(Value(steps), TensorEq(Tensor::Scalar(int64_t{2})));
}

TEST_F(VariableTest, TellsWhetherItHasAValue) {
  const Variable v = Make("v", {1});
  const Output has_value = VarIsInitialized(v);
  auto session = Session::Create(g_);
  ASSERT_OK(session);
  session_ = *std::move(session);
  EXPECT_THAT(Value(has_value), TensorEq(Tensor::Scalar(false)));
  ASSERT_OK(session_->Initialize());
  EXPECT_THAT(Value(has_value), TensorEq(Tensor::Scalar(true)));
}

// ---- Rows -------------------------------------------------------------------

TEST_F(VariableTest, GivesRows) {
  const Variable table(
      g_, {.name = "table",
           .shape = {3, 2},
           .initial_value = Const<float>(g_, {3, 2}, {1, 2, 3, 4, 5, 6})});
  const Output rows = ResourceGather(table, Const(g_, {2, 0, 2}));
  EXPECT_EQ(rows.shape(), TensorShape({3, 2}));
  Start();
  EXPECT_THAT(Value(rows),
              TensorEq(Tensor::Of<float>({3, 2}, {5, 6, 1, 2, 5, 6})));
}

TEST_F(VariableTest, RefusesRowsThatItDoesNotHave) {
  const Output rows = ResourceGather(Make("v", {1, 2}), Const(g_, {0, 2}));
  Start();
  EXPECT_THAT(
      session_->Run({}, {rows}),
      StatusIs(absl::StatusCode::kOutOfRange,
               HasSubstr("indices[1] is 2 but the variable has 2 rows")));
}

TEST_F(VariableTest, AddsRowsInTheirOrder) {
  const Variable v = Make("v", {1, 2, 3});
  Node* add = ResourceScatterAdd(v, Const(g_, {0, 2, 0}),
                                 Const(g_, {10.0f, 20.0f, 30.0f}));
  Start();
  ASSERT_OK(Do(add));
  EXPECT_THAT(Value(v), TensorEq(Tensor::Vector<float>({41, 2, 23})));
}

TEST_F(VariableTest, SubtractsAndSetsRowsInTheirOrder) {
  for (const char* op : {"ResourceScatterSub", "ResourceScatterUpdate"}) {
    const Variable v = Make(op, {1, 2, 3});
    EmitNode(
        op,
        {v.handle(), Const(g_, {0, 2, 0}), Const(g_, {10.0f, 20.0f, 30.0f})},
        {}, "change");
  }
  Start();
  ASSERT_OK(session_->Run({}, {}, {"change", "change_1"}));
  ASSERT_OK_AND_ASSIGN(const Tensor less,
                       session_->GetVariable("ResourceScatterSub"));
  EXPECT_THAT(less, TensorEq(Tensor::Vector<float>({-39, 2, -17})));
  ASSERT_OK_AND_ASSIGN(const Tensor set,
                       session_->GetVariable("ResourceScatterUpdate"));
  EXPECT_THAT(set, TensorEq(Tensor::Vector<float>({30, 2, 20})));
}

TEST_F(VariableTest, StaysAsItWasWhenARowIsMissing) {
  const Variable v = Make("v", {1, 2});
  Node* add =
      ResourceScatterAdd(v, Const(g_, {0, 7}), Const(g_, {10.0f, 20.0f}));
  Start();
  EXPECT_THAT(Do(add), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(Value(v), TensorEq(Tensor::Vector<float>({1, 2})));
}

// ---- Gradients --------------------------------------------------------------

TEST_F(VariableTest, CollectsTheGradientsOfAllReads) {
  const Variable v = Make("v", {2});
  const Output y = v.read() * ReadVariable(v.handle(), DataType::kFloat);
  const Output by_read = Gradients({y}, {v.read()})[0];
  const Output by_handle = Gradients({y}, {v.handle()})[0];
  const Output by_variable = Gradients({y}, std::vector<Variable>{v})[0];
  Start();
  for (Output dv : {by_read, by_handle, by_variable}) {
    EXPECT_THAT(Value(dv), TensorEq(Tensor::Vector<float>({4})));
  }
}

TEST_F(VariableTest, GivesRowsTheirGradient) {
  const Variable v = Make("v", {1, 2, 3});
  const Output rows = ResourceGather(v, Const(g_, {2, 0, 2}));
  const Output dv =
      Gradients({rows * Const(g_, {1.0f, 10.0f, 100.0f})}, {v.handle()})[0];
  Start();
  EXPECT_THAT(Value(dv), TensorEq(Tensor::Vector<float>({10, 0, 101})));
}

}  // namespace
}  // namespace weft
