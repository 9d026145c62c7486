// Which loops are distributed: how they must be counted, and what stays
// together.
#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/gradients.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "tests/runtime/distribute_loops_testing.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// ---- How loops are counted --------------------------------------------------

TEST_F(DistributeLoopsTest, ConditionsMayBeOfSeveralCounters) {
  for (bool from_one : {false, true}) {
    const Outputs out = While(
        {Const(g, from_one ? 1 : 0), Const(g, int64_t{20}), h0, h1},
        [&](const Outputs& v) {
          return LogicalAnd(Less(v[0], n),
                            LogicalAnd(Greater(v[1], Const(g, int64_t{3})),
                                       Greater(time, v[0])));
        },
        [&](const Outputs& v) {
          Output x_t = Gather(seq, v[0]);
          const Output first = Cell(x_t, v[2], w);
          return Outputs{v[0] + 1, v[1] - int64_t{2}, first,
                         Cell(first, v[3], u)};
        });
    EXPECT_EQ(ReportOf(out), Distributed(1, 2, 1));
    for (int steps : {0, 1, 2, 5, 12}) {
      std::vector<Feed> feeds = Feeds(steps, 2);
      ExpectSame(out, feeds, 1e-12);
      // Fewer than there are rows for.
      feeds.back() = {n, Tensor::Scalar<int32_t>(2)};
      ExpectSame(out, feeds, 1e-12);
    }
  }
}

// There are no more steps than rows, however far the loop goes; and the way
// back goes as far.
TEST_F(DistributeLoopsTest, LimitsMayBeBounds) {
  time = Minimum(n, time);
  const Outputs out = Stack();
  Outputs results = Gradients({Sum(Square(out[2]))}, {h0, u});
  results.push_back(out[0]);
  EXPECT_THAT(ReportOf(results), HasSubstr("distributed: 2 loops became 4, "));
  for (int limit : {-1, 0, 1, 3, 5, 7}) {
    std::vector<Feed> feeds = Feeds(5, 2);
    feeds.back() = {n, Tensor::Scalar<int32_t>(limit)};
    // An empty list of unknown elements can not be stacked.
    if (limit > 0) ExpectSame(results, feeds, 1e-12);
    ExpectSame({out[0], out[1]}, feeds, 1e-12);
  }
}

// Counters that only something outside uses.
TEST_F(DistributeLoopsTest, CountersAreLoopVariables) {
  const Outputs out = While(
      {Const(g, 0), Const(g, 3), h0, h1},
      [&](const Outputs& v) { return Less(v[0], time); },
      [&](const Outputs& v) {
        const Output first = Cell(Gather(seq, v[0]), v[2], w);
        return Outputs{v[0] + 1, v[1] + 2, first, Cell(first, v[3], u)};
      });
  EXPECT_EQ(ReportOf(out), Distributed(1, 2, 1));
  ExpectSame(out, Feeds(4, 2), 1e-12);
}

TEST_F(DistributeLoopsTest, LeavesLoopsThatAreNotCounted) {
  auto loop = [&](Operand start, const CondFn& cond, Operand step) {
    return While({start, h0, h1}, cond, [&](const Outputs& v) {
      const Output first = Cell(Gather(seq, v[0]), v[1], w);
      return Outputs{v[0] + step, first, Cell(first, v[2], u)};
    });
  };
  const CondFn by_time = [&](const Outputs& v) { return Less(v[0], time); };
  const Outputs cases[] = {
      // By what is fed, or up to a value that is computed.
      loop(
          Const(g, 0), [&](const Outputs& v) { return Less(v[0], n); },
          Const(g, 1)),
      loop(
          Const(g, 0),
          [&](const Outputs& v) {
            return LogicalAnd(Less(v[0], time),
                              Less(Sum(v[1]), Const(g, 100.0)));
          },
          Const(g, 1)),
      loop(n, by_time, Const(g, 1)),
      // In other steps, or the other way.
      loop(Const(g, 0), by_time, Const(g, 2)),
      loop(
          Const(g, 0), [&](const Outputs& v) { return LessEqual(v[0], time); },
          Const(g, 1)),
      loop(
          time, [&](const Outputs& v) { return Less(v[0], Const(g, 0)); },
          Const(g, -1)),
  };
  for (const Outputs& out : cases)
    EXPECT_EQ(ReportOf({out[2]}), kNotDistributed);
  ExpectSame({cases[3][2]}, Feeds(6, 2), 1e-12);
}

// ---- What is not distributed ------------------------------------------------

TEST_F(DistributeLoopsTest, LeavesWhatHasOneRecurrence) {
  const StepFn steps[] = {
      // One product; one of two without a recurrence; levels that need each
      // other.
      [&](const Step& s) {
        return Outputs{Cell(s.x, s.h[0], w), Tanh(s.h[0] + s.h[1])};
      },
      [&](const Step& s) {
        const Output first = Cell(s.x, s.h[0], w);
        return Outputs{first, Tanh(MatMul(Concat({first, first}, 1), u))};
      },
      [&](const Step& s) {
        const Output first = Cell(s.x, s.h[1], w);
        return Outputs{first, Cell(first, s.h[0], u)};
      }};
  for (const StepFn& step : steps) {
    const Outputs out = Loop({h0, h1}, step);
    EXPECT_EQ(ReportOf(out), kNotDistributed);
    ExpectSame(out, Feeds(4, 2), 1e-12);
  }
}

TEST_F(DistributeLoopsTest, LevelsThatNeedEachOtherStayTogether) {
  const Outputs out = Loop({h0, h1, h0}, [&](const Step& s) {
    const Output first = Cell(s.x, s.h[2], w);
    return Outputs{first, Cell(first, s.h[1], u), Cell(first, s.h[0], u)};
  });
  EXPECT_EQ(ReportOf(out), Distributed(1, 2, 1));
  ExpectSame(out, Feeds(4, 2), 1e-12);
}

// What the first level reads of it can cross, but not a list as it is in each
// step.
TEST_F(DistributeLoopsTest, ListsDoNotCross) {
  for (bool by_second : {false, true}) {
    const Outputs out = While(
        {Const(g, 0), h0, h1,
         TensorListReserve(TensorShape{-1, kUnits}, time, DataType::kDouble)},
        [&](const Outputs& v) { return Less(v[0], time); },
        [&](const Outputs& v) {
          const Output first = Cell(Gather(seq, v[0]), v[1], w);
          const Output list = TensorListSetItem(v[3], v[0], first);
          Output index = v[0] / 2;
          if (by_second) index = index + Cast(Sum(v[2]) * 0.0, index.dtype());
          const Output seen =
              TensorListGetItem(list, index, DataType::kDouble, {-1, kUnits});
          return Outputs{v[0] + 1, first, Cell(seen, v[2], u), list};
        });
    EXPECT_EQ(ReportOf({out[1], out[2]}),
              by_second ? kNotDistributed : Distributed(1, 2, 1));
    ExpectSame({out[1], out[2]}, Feeds(5, 2), 1e-12);
  }
}

TEST_F(DistributeLoopsTest, LeavesWhatDoesMoreThanCompute) {
  Variable count(g, {.name = "count",
                     .dtype = DataType::kDouble,
                     .initial_value = Const(g, 0.0)});
  const StepFn steps[] = {[&](const Step& s) {
                            const Output first = Cell(s.x, s.h[0], w);
                            Assert(Less(s.i, Const(g, 3)), {s.i});
                            return Outputs{first, Cell(first, s.h[1], u)};
                          },
                          [&](const Step& s) {
                            const Output first = Cond(
                                Less(s.i, Const(g, 3)),
                                [&] { return Outputs{Cell(s.x, s.h[0], w)}; },
                                [&] { return Outputs{s.h[0]}; })[0];
                            return Outputs{first, Cell(first, s.h[1], u)};
                          },
                          [&](const Step& s) {
                            const Output first = Cell(s.x, s.h[0], w);
                            AssignAdd(count, Const(g, 1.0));
                            return Outputs{first, Cell(first, s.h[1], u)};
                          }};
  for (const StepFn& step : steps) {
    const Outputs out = Loop({h0, h1}, step);
    PlanGraph plan = MakePlanGraph({out[1]}, AllFeeds());
    PassReport report;
    DistributeLoops(&plan, &report);
    EXPECT_EQ(report[0], kNotDistributed);
  }
}

// Then there is nothing to gain. Of one row there is, if it is known to be one.
TEST_F(DistributeLoopsTest, LeavesMatricesThatStayInTheCache) {
  w = Const(g, RandomDoubles({3 + 64, 64}));
  u = Const(g, RandomDoubles({2 * 64, 64}));
  b = Const(g, RandomDoubles({64}));
  for (int64_t batch : {-1, 1, 5}) {
    h0 = Placeholder(g, absl::StrCat("a", batch), DataType::kDouble,
                     {batch, 64});
    h1 = Placeholder(g, absl::StrCat("b", batch), DataType::kDouble,
                     {batch, 64});
    const Outputs out = While(
        {Const(g, 0), h0, h1},
        [&](const Outputs& v) { return Less(v[0], time); },
        [&](const Outputs& v) {
          Output x_t =
              Reshape(Gather(seq, v[0]), {static_cast<int32_t>(batch), 3});
          const Output first = Cell(x_t, v[1], w);
          return Outputs{v[0] + 1, first, Cell(first, v[2], u)};
        });
    After(Distribute, {out[1], out[2]}, {seq, h0, h1});
    EXPECT_EQ(report_[0], batch == 1 ? Distributed(1, 2, 1) : kNotDistributed);
    const int64_t rows = batch < 0 ? 3 : batch;
    ExpectSame({out[1], out[2]},
               {{seq, RandomDoubles({6, rows, 3})},
                {h0, RandomDoubles({rows, 64})},
                {h1, RandomDoubles({rows, 64})}},
               1e-12);
  }
}

}  // namespace
}  // namespace weft
