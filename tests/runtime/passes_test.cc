// Each pass: a graph before and after.
#include "runtime/passes/passes.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/math.h"
#include "ops/source.h"
#include "runtime/plan_graph.h"
#include "tests/runtime/plan_testing.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class PassesTest : public ::testing::Test {
 protected:
  // The plan graph after `pass`; `report_` gets what it says.
  template <typename Pass>
  PlanGraph After(Pass pass, const Outputs& fetches,
                  const Outputs& feeds = {}) {
    PlanGraph plan = MakePlanGraph(fetches, feeds);
    before_ = plan.ToString();
    report_.clear();
    pass(&plan, &report_);
    std::vector<bool> nodes(plan.nodes.size(), true);
    EXPECT_OK(OrderNodes(&plan));
    return plan;
  }
  // The same, and pruned behind it.
  template <typename Pass>
  std::string Pruned(Pass pass, const Outputs& fetches,
                     const Outputs& feeds = {}) {
    PlanGraph plan = After(pass, fetches, feeds);
    Prune(&plan, nullptr);
    EXPECT_OK(OrderNodes(&plan));
    return plan.ToString();
  }

  Graph g;
  Output x = Placeholder(g, "x", DataType::kFloat, {});
  Output n = Placeholder(g, "n", DataType::kInt32, {});
  std::string before_;
  PassReport report_;
};

TEST_F(PassesTest, ImportTakesWhatTheFetchesNeed) {
  Output y = Neg(x, "y");
  Abs(y, "unused");
  Output z = Exp(y, "z");
  EXPECT_EQ(MakePlanGraph({z}, {x}).ToString(),
            "Neg 'y'(feed 0)\n"
            "Exp 'z'(y:0)\n"
            "-> z:0\n");
  // A feed cuts the graph off.
  EXPECT_EQ(MakePlanGraph({z}, {y}).ToString(),
            "Exp 'z'(feed 0)\n"
            "-> z:0\n");
}

TEST_F(PassesTest, ImportInlinesCalls) {
  Output y =
      Call({x}, [&](const Outputs& v) { return Outputs{Neg(v[0], "inner")}; },
           {.name = "call"})[0];
  Output z = Exp(y, "z");
  PlanGraph plan = MakePlanGraph({z}, {x});
  Prune(&plan, nullptr);
  ASSERT_OK(OrderNodes(&plan));
  EXPECT_EQ(plan.ToString(),
            "Neg 'call/inner'(feed 0)\n"
            "Exp 'z'(call/inner:0)\n"
            "-> z:0\n");
}

TEST_F(PassesTest, PruneDropsLoopVariablesThatNothingDependsOn) {
  Output one = Const(g, 1, "one");
  Output y = Exp(x, "only_for_unused");
  Outputs out = While(
      {Const(g, 0, "zero"), x, y, x},
      [&](const Outputs& v) { return Less(v[0], n, "less"); },
      [&](const Outputs& v) {
        return Outputs{Add(v[0], one, "count"), Mul(v[1], v[3], "used"),
                       Neg(v[2], "unused"), Abs(v[3], "needed_by_used")};
      });
  PlanGraph plan = After(Prune, {out[1]}, {x, n});
  EXPECT_THAT(before_, HasSubstr("unused"));
  const std::string text = plan.ToString();
  EXPECT_THAT(text, Not(HasSubstr("'unused'")));
  EXPECT_THAT(text, Not(HasSubstr("only_for_unused")));
  EXPECT_THAT(text, HasSubstr("While 'while'(zero:0, feed 0, feed 0)\n"));
  EXPECT_THAT(text, HasSubstr("-> count:0, used:0, needed_by_used:0\n"));
  // While adds one variable for each value that the bodies use beside theirs.
  EXPECT_THAT(report_, ElementsAre("prune: 2 nodes and 3 loop variables"));
}

TEST_F(PassesTest, PruneKeepsAValueThatAnotherVariableTakes) {
  Outputs out = While(
      {n, x, x}, [&](const Outputs& v) { return Less(v[0], n, "less"); },
      [&](const Outputs& v) {
        Output y = Neg(v[1], "y");
        return Outputs{v[0], y, y};
      });
  const std::string text = After(Prune, {out[1]}, {x, n}).ToString();
  EXPECT_THAT(text, HasSubstr("-> while variable 0, y:0\n"));
}

TEST_F(PassesTest, PruneDropsOutputsOfBranches) {
  Outputs out = Cond(
      Greater(x, Const(g, 0.0f), "greater"), {x},
      [](const Outputs& v) {
        return Outputs{Neg(v[0], "a"), Exp(v[0], "b")};
      },
      [](const Outputs& v) {
        return Outputs{Abs(v[0], "c"), Log(v[0], "d")};
      });
  const std::string text = After(Prune, {out[1]}, {x}).ToString();
  EXPECT_THAT(text, HasSubstr("then of cond:\n  Exp 'b'(feed 0)\n  -> b:0\n"));
  EXPECT_THAT(text, HasSubstr("else of cond:\n  Log 'd'(feed 0)\n  -> d:0\n"));
}

TEST_F(PassesTest, PruneGoesThroughNestedLoops) {
  Outputs out = While(
      {n, x, x}, [&](const Outputs& v) { return Less(v[0], n, "less"); },
      [&](const Outputs& v) {
        Outputs inner = While(
            {v[0], v[1], v[2]},
            [&](const Outputs& w) { return Less(w[0], n, "inner_less"); },
            [&](const Outputs& w) {
              return Outputs{w[0], Neg(w[1], "kept"), Neg(w[2], "dropped")};
            });
        return Outputs{v[0], inner[1], inner[2]};
      });
  const std::string text = After(Prune, {out[1]}, {x, n}).ToString();
  EXPECT_THAT(text, HasSubstr("kept"));
  EXPECT_THAT(text, Not(HasSubstr("dropped")));
}

TEST_F(PassesTest, InvariantVariablesBecomeTheirInitialValues) {
  Outputs out = While(
      {n, x, x}, [&](const Outputs& v) { return Less(v[0], n, "less"); },
      [&](const Outputs& v) {
        return Outputs{Add(v[0], v[0], "count"), Mul(v[1], v[2], "product"),
                       Identity(v[2], "same")};
      });
  const std::string text = Pruned(FindInvariants, {out[1] + out[2]}, {x, n});
  EXPECT_THAT(text, HasSubstr("Mul 'product'(while variable 1, feed 0)\n"));
  EXPECT_THAT(text, HasSubstr("Add 'Add'(while:1, feed 0)\n"));
  EXPECT_THAT(text, HasSubstr("-> count:0, product:0\n"));
  // n, which the condition uses, is the second.
  EXPECT_THAT(report_,
              ElementsAre("invariants: 2 loop variables never change"));
}

TEST_F(PassesTest, AVariableThatIsSetToWhatItBeganWithIsInvariant) {
  Output y = Exp(x, "y");
  Outputs out = While(
      {n, y}, [&](const Outputs& v) { return Less(v[0], n, "less"); },
      [&](const Outputs& v) {
        return Outputs{Add(v[0], v[0], "count"), v[0].graph().Capturing(y)};
      });
  EXPECT_THAT(Pruned(FindInvariants, {out[0], out[1]}, {x, n}),
              HasSubstr("-> while:0, y:0\n"));
  // The others are what the bodies use: n and y.
  EXPECT_THAT(report_,
              ElementsAre("invariants: 3 loop variables never change"));
}

TEST_F(PassesTest, InvariantsShowThroughNestedLoops) {
  Outputs out = While(
      {n, x}, [&](const Outputs& v) { return Less(v[0], n, "less"); },
      [&](const Outputs& v) {
        Outputs inner = While(
            {v[0], v[1]},
            [&](const Outputs& w) { return Less(w[0], n, "inner_less"); },
            [&](const Outputs& w) {
              return Outputs{Add(w[0], w[0], "count"), w[1]};
            });
        return inner;
      });
  const std::string text = Pruned(FindInvariants, {out[0], out[1]}, {x, n});
  EXPECT_THAT(text, HasSubstr("-> while:0, feed 0\n"));
  // Of each loop x and n.
  EXPECT_THAT(report_,
              ElementsAre("invariants: 4 loop variables never change"));
}

// ---- MergeVariables ---------------------------------------------------------

void ShareAndMerge(PlanGraph* plan, PassReport* report) {
  PassReport shared;
  ShareCommonSubexpressions(plan, &shared);
  MergeVariables(plan, report);
  ShareCommonSubexpressions(plan, &shared);
}

TEST_F(PassesTest, EqualLoopVariablesBecomeOne) {
  Output m = Placeholder(g, "m", DataType::kInt32, {});
  Outputs out = While(
      {Const(g, 0), x, Const(g, 0)},
      [&](const Outputs& v) {
        return LogicalAnd(Less(v[0], n, "less_n"), Less(v[2], m, "less_m"));
      },
      [&](const Outputs& v) {
        return Outputs{Add(v[0], Const(v[0].graph(), 1), "one"),
                       v[1] * Cast(v[2], DataType::kFloat),
                       Add(v[2], Const(v[0].graph(), 1), "other")};
      });
  const std::string text =
      Pruned(ShareAndMerge, {out[1], out[2], out[0]}, {x, n, m});
  EXPECT_THAT(before_, HasSubstr("Less 'less_m'(while variable 2, "));
  EXPECT_THAT(text, HasSubstr("Less 'less_m'(while variable 0, "));
  EXPECT_THAT(text, HasSubstr("Add 'one'(while variable 0, "));
  for (const char* gone : {"'other'", "while variable 2"})
    EXPECT_THAT(text, Not(HasSubstr(gone)));
  EXPECT_THAT(text, HasSubstr("-> while:1, while:0, while:0\n"));
  EXPECT_THAT(report_, ElementsAre("equal loop variables: 1 merged"));
}

TEST_F(PassesTest, VariablesThatDifferAtFirstOrLaterStayTwo) {
  Outputs out = While(
      {Const(g, 0), Const(g, 1), Const(g, 0), Const(g, 0)},
      [&](const Outputs& v) { return Less(v[0], n, "less"); },
      [&](const Outputs& v) {
        Graph& body = v[0].graph();
        return Outputs{v[0] + Const(body, 1), v[1] + Const(body, 1),
                       v[2] + Const(body, 2), v[3] + v[1]};
      });
  const std::string text =
      Pruned(ShareAndMerge, {out[0], out[1], out[2], out[3]}, {n});
  EXPECT_THAT(text, HasSubstr("-> while:0, while:1, while:2, while:3\n"));
  EXPECT_THAT(report_, ElementsAre("equal loop variables: 0 merged"));
}

TEST_F(PassesTest, ConstantsAreFolded) {
  Output two = Add(Const(g, 1.0f), Const(g, 1.0f), "two");
  Output y = Mul(x, Identity(Neg(two, "minus_two")), "y");
  EXPECT_EQ(Pruned(FoldConstants, {y}, {x}),
            "Neg 'minus_two'()\n"
            "Identity 'Identity'(minus_two:0)\n"
            "Mul 'y'(feed 0, Identity:0)\n"
            "-> y:0\n");
  EXPECT_THAT(report_, ElementsAre("constants: 2 nodes computed beforehand"));
}

TEST_F(PassesTest, LargeResultsAreNotFolded) {
  Output small = Fill({100}, Const(g, 1.0f));
  Output large = Fill({1000, 1000}, Const(g, 1.0f));
  After(FoldConstants, {small, large});
  EXPECT_THAT(report_, ElementsAre("constants: 1 nodes computed beforehand"));
}

TEST_F(PassesTest, WhatCanNotBeComputedIsLeftToTheRun) {
  Output bad = FloorDiv(Const(g, 1), Const(g, 0));
  After(FoldConstants, {bad});
  EXPECT_THAT(report_, ElementsAre("constants: 0 nodes computed beforehand"));
}

TEST_F(PassesTest, CommonSubexpressionsAreShared) {
  Output a = Add(x, x, "a");
  Output b = Add(x, x, "b");
  Output c = Neg(a, "c");
  Output d = Neg(Identity(b), "d");
  EXPECT_EQ(Pruned(ShareCommonSubexpressions, {c, d}, {x}),
            "Add 'a'(feed 0, feed 0)\n"
            "Neg 'c'(a:0)\n"
            "-> c:0, c:0\n");
  EXPECT_THAT(report_, ElementsAre("common subexpressions: 2 nodes shared"));
}

TEST_F(PassesTest, OrderOfInputsAndAttrsTellExpressionsApart) {
  Output y = Placeholder(g, "y", DataType::kFloat, {});
  After(ShareCommonSubexpressions,
        {Mul(x, y), Mul(y, x), Sub(x, y), Sub(y, x), Cast(x, DataType::kInt32),
         Cast(x, DataType::kInt64)},
        {x, y});
  EXPECT_THAT(report_, ElementsAre("common subexpressions: 1 nodes shared"));
}

TEST_F(PassesTest, BodiesShareWithWhatIsAroundThem) {
  Output outer = Exp(x, "outer");
  Outputs out = While(
      {n, x}, [&](const Outputs& v) { return Less(v[0], n, "less"); },
      [&](const Outputs& v) {
        // Captured through an argument, so that it stays within the body.
        Output inside = v[0].graph().Add("Exp", {v[0].graph().Capturing(x)}, {},
                                         {.name = "inside"});
        return Outputs{Add(v[0], v[0], "count"), Mul(v[1], inside, "product")};
      });
  const std::string text =
      Pruned(ShareCommonSubexpressions, {outer, out[1]}, {x, n});
  EXPECT_THAT(text, HasSubstr("Mul 'product'(while variable 1, outer:0)"));
  EXPECT_THAT(text, Not(HasSubstr("inside")));
}

TEST_F(PassesTest, BranchesDoNotShareWithEachOther) {
  Outputs out = Cond(
      Greater(x, Const(g, 0.0f), "greater"), {x},
      [](const Outputs& v) { return Outputs{Exp(v[0], "a")}; },
      [](const Outputs& v) { return Outputs{Neg(Exp(v[0], "b"), "minus")}; });
  After(ShareCommonSubexpressions, out, {x});
  EXPECT_THAT(report_, ElementsAre("common subexpressions: 0 nodes shared"));
}

TEST_F(PassesTest, StatefulNodesAreNeverShared) {
  Output a = g.Add("RandomUniform", {Const(g, {2})},
                   {{"dtype", DataType::kFloat}, {"seed", 1}});
  Output b = g.Add("RandomUniform", {Const(g, {2})},
                   {{"dtype", DataType::kFloat}, {"seed", 1}});
  After(ShareCommonSubexpressions, {a, b});
  EXPECT_THAT(
      report_,
      ElementsAre("common subexpressions: 1 nodes shared"));  // The constants.
}

TEST_F(PassesTest, ControlEdgesSurvive) {
  Output positive = Greater(x, Const(g, 0.0f));
  Node* check = Assert(positive, {x});
  Output y;
  {
    ControlScope scope(g, {check});
    y = Neg(x, "y");
  }
  PassReport report;
  PlanGraph plan = MakePlanGraph({y}, {x});
  ASSERT_OK(RunPasses({}, &plan, &report));
  EXPECT_THAT(plan.ToString(), HasSubstr("Neg 'y'(feed 0) ^Assert\n"));
}

TEST_F(PassesTest, ACycleIsNamed) {
  Node* a = Neg(x, "a").node();
  Node* b = Neg(a->output(0), "b").node();
  g.AddControlInput(a, b);
  absl::StatusOr<PlanGraph> plan = ImportGraph(g, {{x}, {b->output(0)}, {}});
  ASSERT_OK(plan);
  EXPECT_THAT(OrderNodes(&*plan), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("a -> b -> a")));
}

}  // namespace
}  // namespace weft
