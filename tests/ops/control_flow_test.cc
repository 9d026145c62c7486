#include "ops/control_flow.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "graph/op.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

CondFn Below(double limit) {
  return
      [limit](const Outputs& v) { return Less(v[0], ScalarLike(v[0], limit)); };
}

// ---- While ------------------------------------------------------------------

TEST(WhileTest, Counts) {
  const Output last =
      While({Const(TestGraph(), 0)}, Below(10),
            [](const Outputs& v) { return Outputs{v[0] + 1.0}; })[0];
  EXPECT_THAT(Ints(last), ElementsAre(10));
}

TEST(WhileTest, ComputesFibonacciNumbers) {
  Graph& g = TestGraph();
  const Outputs last = While({Const(g, 0), Const(g, 0), Const(g, 1)}, Below(10),
                             [](const Outputs& v) -> Outputs {
                               return {v[0] + 1.0, v[2], v[1] + v[2]};
                             });
  EXPECT_THAT(Ints(last[1]), ElementsAre(55));
}

TEST(WhileTest, MayDoNothing) {
  const Outputs last = While(
      {In({5, 6}), In(3.0f)},
      [](const Outputs& v) { return Less(v[1], ScalarLike(v[1], 0)); },
      [](const Outputs& v) -> Outputs {
        return {v[0] * 2.0, v[1]};
      });
  EXPECT_THAT(Floats(last[0]), ElementsAre(5, 6));
}

TEST(WhileTest, UsesOuterValuesInBothFunctions) {
  const Output limit = InInts({3});
  const Output factor = In({2});
  const Outputs last = While(
      {Const(TestGraph(), {0}), In({1, 1})},
      [&](const Outputs& v) { return Less(Sum(v[0]), Sum(limit)); },
      [&](const Outputs& v) -> Outputs {
        return {v[0] + 1.0, v[1] * factor};
      });
  EXPECT_THAT(Floats(last[1]), ElementsAre(8, 8));
}

TEST(WhileTest, MakesVariablesOfWhatItCaptures) {
  Graph& g = TestGraph();
  const Output a = In(1.0f), b = In(2.0f), c = In(100.0f);
  // The condition captures in another order than the body.
  const Output last = While(
      {Const(g, 0.0f)}, [&](const Outputs& v) { return Less(v[0] + b + a, c); },
      [&](const Outputs& v) -> Outputs { return {v[0] + a + c}; })[0];
  const Node& loop = *last.node();
  ASSERT_EQ(loop.num_inputs(), 4);
  EXPECT_EQ(loop.num_outputs(), 4);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(loop.body(0).args().size(), 4u);
    ASSERT_EQ(loop.body(1).args().size(), 4u);
    if (i == 0) continue;
    EXPECT_EQ(loop.body(1).results()[i], loop.body(1).args()[i]);
  }
  EXPECT_EQ(loop.input(1), a);
  EXPECT_EQ(loop.input(2), c);
  EXPECT_EQ(loop.input(3), b);
  EXPECT_THAT(loop.attrs().Get<std::vector<DataType>>("T"),
              Each(DataType::kFloat));
  EXPECT_EQ(loop.attrs().Get<FunctionName>("body").name, "while_body");
  EXPECT_THAT(Floats(last), ElementsAre(101));
}

TEST(WhileTest, Nests) {
  Graph& g = TestGraph();
  // 3 * 4 additions of the captured value.
  const Output one = In(1.0f);
  const Outputs last = While({Const(g, 0), Const(g, 0.0f)}, Below(3),
                             [&](const Outputs& outer) -> Outputs {
                               const Outputs inner = While(
                                   {Const(outer[0].graph(), 0), outer[1]},
                                   Below(4), [&](const Outputs& v) -> Outputs {
                                     return {v[0] + 1.0, v[1] + one};
                                   });
                               return {outer[0] + 1.0, inner[1]};
                             });
  EXPECT_THAT(Floats(last[1]), ElementsAre(12));
}

TEST(WhileTest, StopsAfterMaxIterations) {
  const Outputs last = While(
      {In(0.0f)},
      [](const Outputs& v) { return Less(v[0], ScalarLike(v[0], 100)); },
      [](const Outputs& v) -> Outputs { return {v[0] + 1.0}; },
      {.max_iterations = 7});
  EXPECT_EQ(last.size(), 1u);
  EXPECT_THAT(Floats(last[0]), ElementsAre(7));
}

TEST(WhileTest, StopsBeforeMaxIterationsIfTheConditionSays) {
  const Outputs last =
      While({In(0.0f)}, Below(3),
            [](const Outputs& v) -> Outputs { return {v[0] + 1.0}; },
            {.max_iterations = 7});
  EXPECT_THAT(Floats(last[0]), ElementsAre(3));
}

TEST(WhileTest, HasStateIfItsBodyHas) {
  auto loop = [](bool check) {
    return While({Const(TestGraph(), 0)}, Below(2),
                 [&](const Outputs& v) {
                   if (check) Assert(Less(v[0], ScalarLike(v[0], 9)), {v[0]});
                   return Outputs{v[0] + 1.0};
                 })[0]
        .node()
        ->op();
  };
  EXPECT_EQ(loop(false), "StatelessWhile");
  EXPECT_EQ(loop(true), "While");
}

TEST(WhileTest, ForgetsDimsThatTheBodyDoesNotKeep) {
  const Output x = Shaped(DataType::kFloat, {-1, 3});
  const Outputs last = While(
      {Const(TestGraph(), 0), Zeros(TestGraph(), DataType::kFloat, {2, 3})},
      Below(2), [&](const Outputs& v) -> Outputs {
        return {v[0] + 1.0,
                MatMul(x, MatMul(v[1], v[1], {.transpose_a = true}))};
      });
  EXPECT_OK(TestGraph().status());
  EXPECT_EQ(last[1].shape(), TensorShape({-1, 3}));
  EXPECT_EQ(last[1].node()->body(1).args()[1].shape(), TensorShape({-1, 3}));
  EXPECT_EQ(last[1].node()->body(0).args()[1].shape(), TensorShape({-1, 3}));
}

TEST(WhileTest, LetsDimsChangeThatAreDeclared) {
  const Outputs last =
      While({Const(TestGraph(), 0), In(TensorShape{1}, {7})}, Below(3),
            [](const Outputs& v) -> Outputs {
              return {v[0] + 1.0, Concat({v[1], v[1]}, 0)};
            },
            {.shape_invariants = {TensorShape{}, TensorShape{-1}}});
  EXPECT_EQ(last[1].shape(), TensorShape({-1}));
  EXPECT_EQ(Floats(last[1]).size(), 8u);
}

TEST(WhileTest, RefusesADimThatChanges) {
  While({Const(TestGraph(), 0), Shaped(DataType::kFloat, {1, 2})}, Below(3),
        [](const Outputs& v) -> Outputs {
          return {v[0] + 1.0, Concat({v[1], v[1]}, 0)};
        },
        {.name = "grow"});
  EXPECT_THAT(
      TestGraph().status(),
      StatusIs(kInvalid,
               AllOf(HasSubstr("While 'grow': variable 1 is [1, 2] at first "
                               "but [2, 2] after a step"),
                     HasSubstr("shape_invariants"),
                     HasSubstr("control_flow_test.cc:"))));
}

TEST(WhileTest, RefusesATypeThatChanges) {
  NameScope scope(TestGraph(), "rnn");
  While({Const(TestGraph(), 0)}, Below(3), [](const Outputs& v) -> Outputs {
    return {Cast(v[0], DataType::kFloat)};
  });
  EXPECT_THAT(
      TestGraph().status(),
      StatusIs(kInvalid,
               HasSubstr("While 'rnn/while': variable 0 is int32 at first "
                         "but float32 after a step")));
}

TEST(WhileTest, RefusesAConditionThatIsNoScalarBool) {
  While(
      {Const(TestGraph(), 0)}, [](const Outputs& v) { return v[0]; },
      [](const Outputs& v) -> Outputs { return v; });
  EXPECT_THAT(
      TestGraph().status(),
      StatusIs(kInvalid,
               AllOf(HasSubstr("StatelessWhile 'while'"),
                     HasSubstr("the condition is int32 [] but must be a "
                               "scalar bool"))));
}

TEST(WhileTest, RefusesAVectorAsCondition) {
  While(
      {Shaped(DataType::kFloat, {2})},
      [](const Outputs& v) { return Less(v[0], v[0]); },
      [](const Outputs& v) -> Outputs { return v; });
  EXPECT_THAT(TestGraph().status(),
              StatusIs(kInvalid, HasSubstr("the condition is bool [2]")));
}

TEST(WhileTest, RefusesAnotherNumberOfResults) {
  While({Const(TestGraph(), 0)}, Below(3), [](const Outputs& v) -> Outputs {
    return {v[0], v[0]};
  });
  EXPECT_THAT(TestGraph().status(),
              StatusIs(kInvalid,
                       HasSubstr("the body returns 2 values for 1 variables")));
}

TEST(WhileTest, RefusesAnInvariantThatDoesNotFit) {
  While({Shaped(DataType::kFloat, {2})}, Below(3),
        [](const Outputs& v) -> Outputs { return v; },
        {.shape_invariants = {TensorShape{3}}});
  EXPECT_THAT(
      TestGraph().status(),
      StatusIs(kInvalid,
               HasSubstr("variable 0 is [2] at first but its shape invariant "
                         "is [3]")));
}

TEST(WhileTest, RefusesAValueOfAnotherLoop) {
  Output inner;
  While({Const(TestGraph(), 0)}, Below(3), [&](const Outputs& v) -> Outputs {
    inner = v[0] + 1.0;
    return {inner};
  });
  Neg(inner);
  EXPECT_OK(TestGraph().status());  // Still within that body.
  Add(inner, Const(TestGraph(), 1));
  While({Const(TestGraph(), 0)}, Below(3),
        [&](const Outputs&) -> Outputs { return {inner}; });
  EXPECT_THAT(TestGraph().status(), StatusIs(kInvalid));
}

TEST(WhileTest, RefusesToNestTooDeeply) {
  std::function<Outputs(const Outputs&)> nest = [&](const Outputs& v) {
    return While({v[0]}, Below(3), nest);
  };
  nest({Const(TestGraph(), 0)});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(kInvalid, HasSubstr("nested more than 64 deep")));
}

TEST(WhileTest, GivesAsManyOutputsAfterAMistake) {
  TestGraph().Fail(absl::InvalidArgumentError("before"));
  const Outputs last =
      While({Const(TestGraph(), 0), Const(TestGraph(), 1)}, Below(3),
            [](const Outputs& v) -> Outputs { return v; });
  ASSERT_EQ(last.size(), 2u);
  EXPECT_TRUE(TestGraph().IsErrorNode(last[1].node()));
}

// ---- Cond -------------------------------------------------------------------

Outputs AbsoluteAndSign(Output x) {
  return Cond(
      Less(x, ScalarLike(x, 0)), {x},
      [](const Outputs& in) -> Outputs {
        return {-in[0], Const(in[0].graph(), -1)};
      },
      [](const Outputs& in) -> Outputs {
        return {in[0], Const(in[0].graph(), 1)};
      },
      {.name = "sign"});
}

TEST(CondTest, TakesTheThenBranch) {
  const Outputs y = AbsoluteAndSign(In(-3.0f));
  EXPECT_THAT(Floats(y[0]), ElementsAre(3));
  EXPECT_THAT(Ints(y[1]), ElementsAre(-1));
}

TEST(CondTest, TakesTheElseBranch) {
  const Outputs y = AbsoluteAndSign(In(4.0f));
  EXPECT_THAT(Floats(y[0]), ElementsAre(4));
  EXPECT_THAT(Ints(y[1]), ElementsAre(1));
}

TEST(CondTest, ComputesOneBranchAlone) {
  const Output x = InInts({6});
  auto divide = [](const Outputs& in) -> Outputs {
    return {Div(in[0], in[0] - in[0])};  // Fails if it is computed.
  };
  auto keep = [](const Outputs& in) -> Outputs { return in; };
  const Output never = Const(TestGraph(), false);
  EXPECT_THAT(Ints(Cond(never, {x}, divide, keep)[0]), ElementsAre(6));
}

TEST(CondTest, ChoosesAmongOuterValues) {
  const Output a = In({1, 2}), b = In({3});
  const Output y = Cond(
      Const(TestGraph(), true), [&] { return Outputs{a}; },
      [&] { return Outputs{b}; })[0];
  EXPECT_THAT(Floats(y), ElementsAre(1, 2));
}

TEST(CondTest, CapturesInBothBranches) {
  const Output x = In(10.0f), a = In(1.0f), b = In(2.0f);
  const Output y = Cond(
      Less(x, a), {x},
      [&](const Outputs& in) -> Outputs { return {in[0] * a + b}; },
      [&](const Outputs& in) -> Outputs { return {in[0] * b + a}; })[0];
  EXPECT_EQ(y.node()->op(), "StatelessIf");
  EXPECT_EQ(y.node()->num_inputs(), 4);
  EXPECT_EQ(y.node()->body(0).args().size(), 3u);
  EXPECT_EQ(y.node()->body(1).args().size(), 3u);
  EXPECT_THAT(Floats(y), ElementsAre(21));
}

TEST(CondTest, ForgetsDimsThatDiffer) {
  const Output x = Shaped(DataType::kFloat, {2, 3});
  const Output y = Cond(
      Const(TestGraph(), true), {x},
      [](const Outputs& in) -> Outputs { return in; },
      [](const Outputs& in) -> Outputs {
        return {Concat({in[0], in[0]}, 0)};
      })[0];
  EXPECT_EQ(y.shape(), TensorShape({-1, 3}));
}

TEST(CondTest, RefusesAPredicateThatIsNoScalarBool) {
  const Output x = Shaped(DataType::kFloat, {2});
  auto keep = [](const Outputs& in) -> Outputs { return in; };
  Cond(Less(x, x), {x}, keep, keep, {.name = "choose"});
  EXPECT_THAT(
      TestGraph().status(),
      StatusIs(kInvalid,
               AllOf(HasSubstr("Cond 'choose': pred is bool [2] but must be "
                               "a scalar bool"),
                     HasSubstr("control_flow_test.cc:"))));
}

TEST(CondTest, RefusesBranchesOfOtherTypes) {
  const Output x = In(1.0f);
  Cond(
      Const(TestGraph(), true), {x},
      [](const Outputs& in) -> Outputs { return in; },
      [](const Outputs& in) -> Outputs {
        return {Cast(in[0], DataType::kInt32)};
      });
  EXPECT_THAT(TestGraph().status(),
              StatusIs(kInvalid,
                       HasSubstr("result 0 is float32 of then_fn and int32 of "
                                 "else_fn")));
}

TEST(CondTest, RefusesBranchesOfOtherNumbers) {
  const Output x = In(1.0f);
  const Outputs y = Cond(
      Const(TestGraph(), true), {x},
      [](const Outputs& in) -> Outputs { return in; },
      [](const Outputs& in) -> Outputs {
        return {in[0], in[0]};
      });
  EXPECT_THAT(
      TestGraph().status(),
      StatusIs(kInvalid, HasSubstr("then_fn returns 1 values and else_fn 2")));
  EXPECT_EQ(y.size(), 2u);
}

// ---- Call -------------------------------------------------------------------

TEST(CallTest, ComputesItsFunction) {
  const Output x = In({1, 2}), two = In({2});
  const Outputs y = Call({x}, [&](const Outputs& in) -> Outputs {
    return {in[0] * two, in[0] + two};
  });
  EXPECT_EQ(y[0].node()->op(), "PartitionedCall");
  EXPECT_THAT(Floats(y[0]), ElementsAre(2, 4));
  EXPECT_THAT(Floats(y[1]), ElementsAre(3, 4));
}

TEST(CallTest, HasStateIfItsFunctionHas) {
  const Outputs y = Call({In(1.0f)}, [](const Outputs& in) -> Outputs {
    Assert(Less(in[0], ScalarLike(in[0], 9)), {in[0]});
    return in;
  });
  EXPECT_EQ(y[0].node()->op(), "StatefulPartitionedCall");
}

// ---- Lists in loops ---------------------------------------------------------

TEST(WhileTest, CollectsAList) {
  Graph& g = TestGraph();
  const Output list =
      TensorListReserve(TensorShape{2}, Const(g, 3), DataType::kFloat);
  const Outputs last = While(
      {Const(g, 0), list, In({1, 2})}, Below(3),
      [](const Outputs& v) -> Outputs {
        return {v[0] + 1.0, TensorListSetItem(v[1], v[0], v[2]), v[2] * 2.0};
      });
  EXPECT_THAT(Floats(TensorListStack(last[1], DataType::kFloat, {2})),
              ElementsAre(1, 2, 2, 4, 4, 8));
}

}  // namespace
}  // namespace weft
