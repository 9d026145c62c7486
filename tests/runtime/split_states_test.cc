// States that are joined from others: a graph before and after, and what it
// computes.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/runtime/distribute_loops_testing.h"

namespace weft {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

std::string SplitReport(int states) {
  return absl::StrCat("states: ", states, " of loops split into their parts");
}

class SplitStatesTest : public RewritesTest {
 protected:
  using StepFn = std::function<Output(Output state)>;

  // The state after `n` steps.
  Output Loop(Output initial, const StepFn& step) {
    return While(
        {Const(g, 0), initial},
        [&](const Outputs& v) { return Less(v[0], n, "less"); },
        [&](const Outputs& v) {
          return Outputs{v[0] + 1, step(v[1])};
        })[1];
  }

  std::string ReportOf(Output out) {
    After(SplitStates, {out}, {state, n});
    return report_[0];
  }

  void ExpectSameForSteps(const Outputs& out) {
    for (int steps : {0, 1, 3}) {
      for (int64_t rows : {0, 1, 3}) {
        ExpectSame(out, {{state, Random({rows, 6})},
                         {n, Tensor::Scalar<int32_t>(steps)}});
      }
    }
  }

  Output state = Placeholder(g, "state", DataType::kFloat, {-1, 6});
  Output n = Placeholder(g, "n", DataType::kInt32, {});
};

TEST_F(SplitStatesTest, PartsAreStates) {
  const Output out = Loop(state, [](Output s) {
    const Outputs parts = SplitV(s, {2, 4}, 1);
    return Concat({Tanh(parts[0], "first"), Sigmoid(parts[1], "second")}, 1,
                  "joined");
  });
  const std::string text = After(SplitStates, {out}, {state, n});
  EXPECT_EQ(report_[0], SplitReport(1));
  EXPECT_THAT(before_, HasSubstr("  SplitV 'SplitV'(while variable 1, "));
  EXPECT_THAT(before_, HasSubstr("  ConcatV2 'joined'("));
  // Split before and joined behind, if at all.
  EXPECT_THAT(text, HasSubstr("\nSplitV 'while'(feed 0, "));
  EXPECT_THAT(text, HasSubstr("\nConcatV2 'while'(while:1, while:2, "));
  EXPECT_THAT(text, HasSubstr("  Tanh 'first'(while variable 1)\n"));
  EXPECT_THAT(text, HasSubstr("  Sigmoid 'second'(while variable 2)\n"));
  EXPECT_THAT(text, Not(HasSubstr("'joined'")));
  ExpectSameForSteps({out});
}

TEST_F(SplitStatesTest, PartsMayBeTakenInAnyWay) {
  const StepFn steps[] = {
      // Even parts, which change places.
      [](Output s) {
        const Outputs parts = Split(s, 2, 1);
        return Concat({parts[1] * 0.5, parts[0]}, 1);
      },
      // Slices, one of which nobody takes, and one that two take.
      [](Output s) {
        const Output first = Slice(s, {0, 0}, {-1, 2});
        return Concat({first + 1.0, first * 2.0, Slice(s, {0, 4}, {-1, -1})},
                      -1);
      },
      // More than once.
      [](Output s) {
        const Output a = SplitV(s, {1, 5}, 1)[0];
        const Output b = SplitV(s, {1, 5}, -1)[1];
        return Concat({Tanh(a), b + a}, 1);
      }};
  for (const StepFn& step : steps) {
    const Output out = Loop(state, step);
    EXPECT_EQ(ReportOf(out), SplitReport(1));
    ExpectSameForSteps({out});
  }
}

TEST_F(SplitStatesTest, PartsMayBeOfParts) {
  const Output out = Loop(state, [](Output s) {
    const Outputs levels = SplitV(s, {2, 4}, 1);
    const Outputs c_h = Split(levels[1], 2, 1);
    return Concat(
        {Tanh(levels[0]), Concat({c_h[0] + 1.0, Tanh(c_h[1] * c_h[0])}, 1)}, 1);
  });
  EXPECT_EQ(ReportOf(out), SplitReport(2));
  ExpectSameForSteps({out});
}

TEST_F(SplitStatesTest, WhatIsUsedAsAWholeStays) {
  const StepFn steps[] = {// Or in other parts than it is made of.
                          [](Output s) {
                            const Outputs parts = Split(s, 2, 1);
                            return Concat({parts[0] + Sum(s), parts[1]}, 1);
                          },
                          [](Output s) {
                            const Outputs parts = SplitV(s, {2, 4}, 1);
                            return Concat({parts[1], parts[0]}, 1);
                          },
                          [](Output s) {
                            const Outputs parts = Split(s, 2, 1);
                            return Concat({parts[0], parts[1]}, 1) * 0.5;
                          }};
  for (const StepFn& step : steps) {
    const Output out = Loop(state, step);
    EXPECT_EQ(ReportOf(out), SplitReport(0));
    ExpectSameForSteps({out});
  }
}

// ---- Levels of a stack ------------------------------------------------------

class JoinedStackTest : public DistributeLoopsTest {
 protected:
  // Both states in one tensor.
  Output JoinedStack() {
    return While(
        {Const(g, 0), Concat({h0, h1}, 1)},
        [&](const Outputs& v) { return Less(v[0], time); },
        [&](const Outputs& v) {
          const Outputs h = Split(v[1], 2, 1);
          const Output first = Cell(Gather(seq, v[0]), h[0], w);
          return Outputs{v[0] + 1, Concat({first, Cell(first, h[1], u)}, 1)};
        })[1];
  }
};

TEST_F(JoinedStackTest, LevelsWithOneStateAreLoopsOfTheirOwn) {
  const Outputs out = {JoinedStack()};
  PlanGraph plan = MakePlanGraph(out, AllFeeds());
  PassReport report;
  ASSERT_OK(RunPasses({}, &plan, &report));
  ASSERT_OK(RunRewrites({}, &plan, &report));
  EXPECT_THAT(report, Contains(SplitReport(1)));
  EXPECT_THAT(report, Contains(Distributed(1, 2, 1)));
  for (int64_t steps : {0, 1, 5}) ExpectSame(out, Feeds(steps, 2), 1e-12);
}

TEST_F(JoinedStackTest, SoAreTheirGradients) {
  const Output joined = JoinedStack();
  const Outputs out = Gradients({Sum(Square(joined))}, {w, u, b, h0, h1, seq});
  PlanGraph plan = MakePlanGraph(out, AllFeeds());
  PassReport report;
  ASSERT_OK(RunPasses({}, &plan, &report));
  ASSERT_OK(RunRewrites({}, &plan, &report));
  EXPECT_THAT(report, Contains(SplitReport(2)));
  EXPECT_THAT(report, Contains(HasSubstr("distributed: 2 loops became 4, ")));
  for (int64_t steps : {1, 5}) ExpectSame(out, Feeds(steps, 2), 1e-12);
}

}  // namespace
}  // namespace weft
