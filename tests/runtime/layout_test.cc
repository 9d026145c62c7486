// Where values are placed, and what is left to be run.
#include "runtime/layout.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "runtime/memory_planner.h"
#include "tests/runtime/plan_testing.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(MemoryPlannerTest, FillsTheSmallestGapThatIsLargeEnough) {
  MemoryPlanner planner;
  const size_t a = planner.Allocate(1000);
  const size_t b = planner.Allocate(64);
  const size_t c = planner.Allocate(100);
  const size_t d = planner.Allocate(64);
  EXPECT_EQ(a, 0u);
  EXPECT_EQ(b, 1024u);
  EXPECT_EQ(c, 1088u);
  EXPECT_EQ(d, 1216u);
  planner.Free(a, 1000);
  planner.Free(c, 100);
  EXPECT_EQ(planner.Allocate(128), c);
  EXPECT_EQ(planner.Allocate(129), a);
  EXPECT_EQ(planner.size(), 1280u);
}

TEST(MemoryPlannerTest, GapsThatMeetBecomeOne) {
  MemoryPlanner planner;
  const size_t a = planner.Allocate(64);
  const size_t b = planner.Allocate(64);
  const size_t c = planner.Allocate(64);
  planner.Free(a, 64);
  planner.Free(c, 64);
  planner.Free(b, 64);
  EXPECT_EQ(planner.Allocate(192), 0u);
  planner.Free(0, 192);
  EXPECT_EQ(planner.Allocate(256), 0u);  // The gap at the end grows.
  EXPECT_EQ(planner.size(), 256u);
  EXPECT_EQ(planner.Allocate(0), 0u);
}

class LayoutTest : public ::testing::Test {
 protected:
  Graph g;
  Output x = Placeholder(g, "x", DataType::kFloat, {-1, -1});
  Output n = Placeholder(g, "n", DataType::kInt32, {});
};

TEST_F(LayoutTest, AChainWorksInPlace) {
  Output y = x;
  for (int i = 0; i < 10; ++i) y = Exp(y);
  const PlanAndLayout p = MakeLayout({y}, {x}, {{5, 7}});
  EXPECT_EQ(p.layout->arena_bytes, 192u);  // 140 in whole cache lines.
  EXPECT_EQ(p.Count(InstrKind::kKernel), 10);
  EXPECT_EQ(p.Count(InstrKind::kCopy), 0);
  EXPECT_EQ(p.layout->fetches[0].kind, FetchPlan::kPlaced);
}

TEST_F(LayoutTest, AValueThatIsUsedLaterIsNotWrittenOver) {
  Output y = Exp(x);
  Output z = Neg(y);
  const PlanAndLayout p = MakeLayout({Sum(z) + Sum(y)}, {x}, {{5, 7}});
  size_t blocks = 0;
  for (const ArenaUse& use : p.layout->arena_uses) blocks += use.bytes == 140;
  EXPECT_EQ(blocks, 2u);
  EXPECT_GE(p.layout->arena_bytes, 2 * 192u);
}

TEST_F(LayoutTest, ShapeArithmeticIsDoneBeforehand) {
  Output shape = Shape(x);
  Output swapped = Pack({IndexAxis(shape, 0, 1), IndexAxis(shape, 0, 0) * 2});
  Output y = Neg(Reshape(Concat({x, x}, 0), swapped));
  const PlanAndLayout p = MakeLayout({y}, {x}, {{5, 7}});
  EXPECT_THAT(p.Ops(), ElementsAre("ConcatV2", "Neg"));
  EXPECT_THAT(p.layout->notes, IsEmpty());
}

TEST_F(LayoutTest, ViewsCostNothing) {
  Output y = Reshape(ExpandDims(Squeeze(ExpandDims(x, 0), {0}), 2), {-1});
  const PlanAndLayout p = MakeLayout({y}, {x}, {{5, 7}});
  EXPECT_THAT(p.Ops(), IsEmpty());
  EXPECT_EQ(p.layout->fetches[0].kind, FetchPlan::kCopied);
}

TEST_F(LayoutTest, WhatDependsOnValuesIsLeftToTheRun) {
  Output y = Neg(Fill(ExpandDims(n, 0), 1.0f * Sum(x)));
  const PlanAndLayout p = MakeLayout({y}, {x, n}, {{2, 2}, {}});
  EXPECT_EQ(p.Count(InstrKind::kDeferred), 2);
  EXPECT_THAT(p.layout->notes,
              ElementsAre(HasSubstr("Fill"), HasSubstr("Neg")));
  EXPECT_EQ(p.layout->fetches[0].kind, FetchPlan::kSlot);
}

TEST_F(LayoutTest, LoopsThatComputeTheNextStateCopyNothing) {
  Output w = Placeholder(g, "w", DataType::kFloat, {4, 16});
  Output state = Fill({2, 4}, Sum(x));
  Outputs out = While(
      {Const(g, 0), state * 1.0f, state * 2.0f},
      [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        // A recurrent cell: c and h.
        Outputs gates = Split(MatMul(v[2], w), 4, 1);
        Output c =
            Sigmoid(gates[0]) * v[1] + Sigmoid(gates[1]) * Tanh(gates[2]);
        Output h = Sigmoid(gates[3]) * Tanh(c);
        return Outputs{v[0] + 1, c, h};
      });
  const PlanAndLayout p =
      MakeLayout({out[1], out[2]}, {x, n, w}, {{2, 2}, {}, {4, 16}});
  // Before the loop: the counter, whose initial value is a constant, and the
  // states, which stand in the tensors of the fetches.
  EXPECT_EQ(p.Count(InstrKind::kCopy), 3);
  const PlanAndLayout inner =
      MakeLayout({Neg(out[1]), Neg(out[2])}, {x, n, w}, {{2, 2}, {}, {4, 16}});
  EXPECT_EQ(inner.Count(InstrKind::kCopy), 1);
}

TEST_F(LayoutTest, NestedLoopsHandTheStateThrough) {
  Output start = Exp(Fill({8}, Sum(x)));
  auto repeat = [&](Output initial, const std::function<Output(Output)>& step) {
    return While(
        {Const(g, 0), initial}, [&](const Outputs& v) { return Less(v[0], n); },
        [&](const Outputs& v) {
          return Outputs{v[0] + 1, step(v[1])};
        })[1];
  };
  Output y = repeat(start, [&](Output a) {
    Graph& body = a.graph();
    return While(
        {Const(body, 0), a}, [&](const Outputs& v) { return Less(v[0], n); },
        [&](const Outputs& v) {
          return Outputs{v[0] + 1, Exp(v[1])};
        })[1];
  });
  const PlanAndLayout p = MakeLayout({Sum(y)}, {x, n}, {{2, 2}, {}});
  EXPECT_EQ(p.Count(InstrKind::kCopy), 2);  // The two counters.
}

TEST_F(LayoutTest, ASwapCopiesThroughSpareMemory) {
  Outputs out = While(
      {n, Exp(x), Log(x)}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        return Outputs{v[0] + 1, v[2], v[1]};
      });
  const PlanAndLayout p = MakeLayout({out[1] + out[2]}, {x, n}, {{2, 2}, {}});
  // Three for the swap, one for the counter.
  EXPECT_EQ(p.Count(InstrKind::kCopy), 4);
}

TEST_F(LayoutTest, InvariantsAreNeverCopied) {
  Outputs out = While(
      {n, x, x}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        return Outputs{v[0] + 1, v[1] * v[2], v[2]};
      });
  const PlanAndLayout p =
      MakeLayout({Neg(out[1])}, {x, n}, {{2, 2}, {}}, {.enabled = true});
  EXPECT_EQ(p.Count(InstrKind::kCopy), 2);  // The initial values of the others.
}

TEST_F(LayoutTest, BranchesWriteWhereTheOutputIs) {
  Output y = Cond(
      Less(n, Const(g, 0)), {x},
      [](const Outputs& v) { return Outputs{Exp(v[0])}; },
      [](const Outputs& v) { return Outputs{Neg(Log(v[0]))}; })[0];
  const PlanAndLayout p = MakeLayout({Abs(y)}, {x, n}, {{2, 2}, {}});
  EXPECT_EQ(p.Count(InstrKind::kCopy), 0);
  EXPECT_EQ(p.layout->arena_bytes, 2 * 64u);  // The output, and the condition.
}

TEST_F(LayoutTest, ListsOfKnownSizeAreStackedWithoutAsking) {
  Output time = IndexAxis(Shape(x), 0, 0);
  Output list = TensorListReserve(TensorShape{3}, time, DataType::kFloat);
  Outputs out = While(
      {Const(g, 0), list}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        Output item = Fill({3}, Cast(v[0], DataType::kFloat));
        return Outputs{v[0] + 1, TensorListSetItem(v[1], v[0], item)};
      });
  Output stacked = TensorListStack(out[1], DataType::kFloat, {3});
  const PlanAndLayout p = MakeLayout({Neg(stacked)}, {x, n}, {{4, 1}, {}});
  EXPECT_THAT(p.layout->notes, IsEmpty());
}

TEST_F(LayoutTest, DeeplyNestedLoopsAreLaidOutInLinearTime) {
  // Each level would need several passes, for lists that grow.
  std::function<Outputs(Outputs, int)> nest = [&](Outputs vars, int depth) {
    if (depth == 0) return vars;
    return While(
        vars, [&](const Outputs& v) { return Less(v[0], n); },
        [&](const Outputs& v) {
          Output list = TensorListPushBack(v[1], Const(v[0].graph(), {1.0f}));
          return nest({v[0] + 1, list}, depth - 1);
        });
  };
  Output list =
      EmptyTensorList(g, TensorShape::UnknownRank(), DataType::kFloat);
  Outputs out = nest({n, list}, 20);
  MakeLayout({out[0], TensorListLength(out[1])}, {n}, {{}});
}

}  // namespace
}  // namespace weft
