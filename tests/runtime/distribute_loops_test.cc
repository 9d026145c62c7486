// DistributeLoops: a graph before and after, and what it computes.
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/gradients.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/random.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "tests/runtime/rewrites_testing.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Enough for the matrices of two levels not to stay in the cache.
constexpr int64_t kUnits = 256;

constexpr char kNotDistributed[] =
    "distributed: 0 loops became 0, 0 values of each step cross";

std::string Distributed(int loops, int became, int crossing) {
  return absl::StrCat("distributed: ", loops, " loops became ", became, ", ",
                      crossing, " values of each step cross");
}

// What is known of loops, and what follows from it.
void Distribute(PlanGraph* graph, PassReport* report) {
  CountLoops(graph, report);
  Prune(graph, nullptr);
  ASSERT_OK(OrderNodes(graph));
  report->clear();
  DistributeLoops(graph, report);
}

class DistributeLoopsTest : public RewritesTest {
 protected:
  struct Step {
    Output x;   // [batch, 3]
    Output i;   // Its number.
    Outputs h;  // The states, [batch, kUnits].
  };
  // The next states.
  using StepFn = std::function<Outputs(const Step& step)>;

  Output Cell(Output x, Output h, Output weights) {
    return Tanh(BiasAdd(MatMul(Concat({x, h}, 1), weights), b));
  }

  // Final states, then what the last state was in each step.
  Outputs Loop(const Outputs& initial, const StepFn& step,
               bool backwards = false) {
    Output list = TensorListFromTensor(seq);
    const Output from = backwards ? time : Output(Const(g, 0));
    Outputs variables = {from, TensorListReserve(TensorShape{-1, kUnits}, time,
                                                 DataType::kDouble)};
    for (const Output& h : initial) variables.push_back(h);
    const Outputs out = While(
        variables,
        [&](const Outputs& v) {
          return backwards ? Greater(v[0], Const(g, 0))
                           : Less(v[0], time, "less");
        },
        [&](const Outputs& v) {
          const Output i = backwards ? v[0] - 1 : v[0];
          Output x_t =
              TensorListGetItem(list, i, DataType::kDouble, TensorShape{-1, 3});
          Outputs next = step({x_t, i, Outputs(v.begin() + 2, v.end())});
          next.insert(next.begin(), {backwards ? i : v[0] + 1,
                                     TensorListSetItem(v[1], i, next.back())});
          return next;
        });
    Outputs results(out.begin() + 2, out.end());
    results.push_back(TensorListStack(out[1], DataType::kDouble));
    return results;
  }

  Outputs Stack(bool backwards = false) {
    return Loop(
        {h0, h1},
        [&](const Step& s) {
          const Output first = Cell(s.x, s.h[0], w);
          return Outputs{first, Cell(first, s.h[1], u)};
        },
        backwards);
  }

  Tensor RandomDoubles(const TensorShape& shape) {
    std::uniform_real_distribution<double> uniform(-0.1, 0.1);
    std::vector<double> values(shape.num_elements());
    for (double& v : values) v = uniform(random_);
    return Tensor::Of<double>(shape, values);
  }

  Outputs AllFeeds() { return {seq, h0, h1, w, u, b, n}; }
  std::vector<Feed> Feeds(int64_t steps, int64_t batch) {
    return {{seq, RandomDoubles({steps, batch, 3})},
            {h0, RandomDoubles({batch, kUnits})},
            {h1, RandomDoubles({batch, kUnits})},
            {w, RandomDoubles({3 + kUnits, kUnits})},
            {u, RandomDoubles({2 * kUnits, kUnits})},
            {b, RandomDoubles({kUnits})},
            {n, Tensor::Scalar<int32_t>(static_cast<int32_t>(steps))}};
  }

  std::string ReportOf(const Outputs& outputs) {
    After(Distribute, outputs, AllFeeds());
    return report_[0];
  }

  void ExpectSameForSizes(const Outputs& outputs) {
    for (int64_t steps : {1, 2, 7}) {
      for (int64_t batch : {1, 3})
        ExpectSame(outputs, Feeds(steps, batch), 1e-12);
    }
    ExpectSame(outputs, Feeds(0, 3), 1e-12);
    ExpectSame(outputs, Feeds(3, 0), 1e-12);
  }

  Output seq = Placeholder(g, "seq", DataType::kDouble, {-1, -1, 3});
  Output h0 = Placeholder(g, "h0", DataType::kDouble, {-1, kUnits});
  Output h1 = Placeholder(g, "h1", DataType::kDouble, {-1, kUnits});
  Output w = Placeholder(g, "w", DataType::kDouble, {3 + kUnits, kUnits});
  Output u = Placeholder(g, "u", DataType::kDouble, {2 * kUnits, kUnits});
  Output b = Placeholder(g, "b", DataType::kDouble, {kUnits});
  Output n = Placeholder(g, "n", DataType::kInt32, {});
  Output time = DimOf(seq, 0);
};

// ---- Before and after -------------------------------------------------------

TEST_F(DistributeLoopsTest, EachLevelOfAStackIsALoopOfItsOwn) {
  const Outputs out = Stack();
  const std::string text = After(Distribute, {out[2]}, AllFeeds());
  EXPECT_EQ(report_[0], Distributed(1, 2, 1));
  const size_t first = text.find("body of while:\n");
  ASSERT_NE(first, std::string::npos) << text;
  const size_t second = text.find("body of while:\n", first + 1);
  ASSERT_NE(second, std::string::npos) << text;
  EXPECT_EQ(text.find("body of while:\n", second + 1), std::string::npos);
  const std::string lower = text.substr(first, second - first);
  const std::string upper = text.substr(second);
  EXPECT_THAT(lower, HasSubstr("MatMul 'MatMul'("));
  EXPECT_THAT(lower, HasSubstr("  _SetRow 'Tanh'(Tanh:0, Tanh:1, while "
                               "variable 0, Tanh:0)\n"));
  EXPECT_THAT(lower, Not(HasSubstr("MatMul_1")));
  EXPECT_THAT(upper, HasSubstr("  _Row 'Tanh'(Tanh:0, while variable 0)\n"));
  EXPECT_THAT(upper, HasSubstr("MatMul 'MatMul_1'("));
  EXPECT_THAT(upper, HasSubstr("TensorListSetItem"));
  EXPECT_THAT(upper, Not(HasSubstr("MatMul 'MatMul'(")));
  ExpectSameForSizes(out);
}

// The products with inputs of both levels are computed for many steps at once.
TEST_F(DistributeLoopsTest, EachLevelReadsRows) {
  for (bool backwards : {false, true}) {
    PlanGraph plan = MakePlanGraph({Stack(backwards)[2]}, AllFeeds());
    PassReport report;
    ASSERT_OK(RunRewrites({}, &plan, &report));
    EXPECT_THAT(report,
                ::testing::Contains(HasSubstr(
                    "loops: 4 products with packed operands, 2 of them of many "
                    "steps at once")));
  }
}

TEST_F(DistributeLoopsTest, StepsMayGoBackwards) {
  const Outputs out = Stack(/*backwards=*/true);
  EXPECT_EQ(ReportOf(out), Distributed(1, 2, 1));
  ExpectSameForSizes(out);
}

TEST_F(DistributeLoopsTest, ThereMayBeManyLevels) {
  const Outputs out = Loop({h0, h1, h0, h1}, [&](const Step& s) {
    Outputs next = {Cell(s.x, s.h[0], w)};
    for (int k = 1; k < 4; ++k) next.push_back(Cell(next.back(), s.h[k], u));
    return next;
  });
  EXPECT_EQ(ReportOf(out), Distributed(1, 4, 3));
  ExpectSameForSizes(out);
}

TEST_F(DistributeLoopsTest, GradientsAreDistributed) {
  const Outputs out = Stack();
  const Output loss = Sum(Square(out[2])) + Sum(out[0]);
  Outputs results = Gradients({loss}, {seq, h0, h1, w, u, b});
  results.push_back(loss);
  EXPECT_THAT(ReportOf(results), HasSubstr("distributed: 2 loops became 4, "));
  for (int64_t steps : {1, 2, 7}) ExpectSame(results, Feeds(steps, 3), 1e-12);
}

// ---- What crosses -----------------------------------------------------------

// A product with an input alone is not computed step by step.
TEST_F(DistributeLoopsTest, ProductsOfWhatCrossesAreMadeAtOnce) {
  Output of_input =
      Placeholder(g, "of_input", DataType::kDouble, {kUnits, kUnits});
  const Outputs out = Loop({h0, h1}, [&](const Step& s) {
    const Output first = Cell(s.x, s.h[0], w);
    const Output second =
        Tanh(BiasAdd(MatMul(first, of_input), b) + MatMul(s.h[1], of_input));
    return Outputs{first, second};
  });
  Outputs feeds = AllFeeds();
  feeds.push_back(of_input);
  PlanGraph plan = MakePlanGraph({out[2]}, feeds);
  PassReport report;
  ASSERT_OK(RunRewrites({}, &plan, &report));
  EXPECT_THAT(report, ::testing::Contains(Distributed(1, 2, 1)));
  EXPECT_THAT(report, ::testing::Contains(HasSubstr(
                          "loops: 4 products with packed operands, 2 of them "
                          "of many steps at once")));
  std::vector<Feed> fed = Feeds(5, 2);
  fed.push_back({of_input, RandomDoubles({kUnits, kUnits})});
  ExpectSame(out, fed, 1e-12);
}

// What is cheap and the same for both is computed by both.
TEST_F(DistributeLoopsTest, MasksAreInEachLoop) {
  Output lengths = Placeholder(g, "lengths", DataType::kInt32, {-1});
  const Outputs out = Loop({h0, h1}, [&](const Step& s) {
    const Output counts = Less(s.i, lengths, "counts");
    const Output first = Select(counts, Cell(s.x, s.h[0], w), s.h[0]);
    const Output masked = Select(counts, first, ZerosLike(first));
    return Outputs{first, Select(counts, Cell(masked, s.h[1], u), s.h[1])};
  });
  Outputs feeds = AllFeeds();
  feeds.push_back(lengths);
  const std::string text = After(Distribute, out, feeds);
  EXPECT_EQ(report_[0], Distributed(1, 2, 1));
  const size_t first = text.find("Less 'counts'");
  EXPECT_NE(text.find("Less 'counts'", first + 1), std::string::npos);
  std::vector<Feed> fed = Feeds(5, 3);
  fed.push_back({lengths, Tensor::Of<int32_t>({3}, {5, 0, 2})});
  ExpectSame(out, fed, 1e-12);
}

// Other shapes than those of the states: of all but the batch known, in full,
// or not at all.
TEST_F(DistributeLoopsTest, ShapesMayFollowFromStates) {
  Output v = Const(g, RandomDoubles({3 * kUnits, kUnits}));
  const Outputs wide = Loop({h0, h1}, [&](const Step& s) {
    const Output first = Cell(s.x, s.h[0], w);
    return Outputs{first, Cell(Concat({first, first}, 1), s.h[1], v)};
  });
  EXPECT_EQ(ReportOf(wide), Distributed(1, 2, 1));
  ExpectSameForSizes(wide);

  const Outputs scalar = Loop({h0, h1}, [&](const Step& s) {
    const Output first = Cell(s.x, s.h[0], w);
    return Outputs{first, Tanh(Cell(s.h[1], s.h[1], u) * Sum(first))};
  });
  EXPECT_EQ(ReportOf(scalar), Distributed(1, 2, 1));
  ExpectSameForSizes(scalar);

  h0 = Placeholder(g, "any", DataType::kDouble, TensorShape::UnknownRank());
  const Outputs unknown = Stack();
  EXPECT_EQ(ReportOf(unknown), Distributed(1, 2, 1));
  ExpectSameForSizes(unknown);
}

// Twice as many rows as the state that they are taken to be like.
TEST_F(DistributeLoopsTest, LoopsOfOtherShapesRunAsTheyStand) {
  Output h2 = Placeholder(g, "h2", DataType::kDouble, {-1, kUnits});
  const Outputs out = Loop({h0, h2}, [&](const Step& s) {
    const Output first = Cell(s.x, s.h[0], w);
    return Outputs{first, Cell(Concat({first, first}, 0), s.h[1], u)};
  });
  Outputs feeds = AllFeeds();
  feeds.push_back(h2);
  After(Distribute, out, feeds);
  EXPECT_EQ(report_[0], Distributed(1, 2, 1));
  for (int64_t batch : {0, 1, 3}) {
    std::vector<Feed> fed = Feeds(4, batch);
    fed.push_back({h2, RandomDoubles({2 * batch, kUnits})});
    ExpectSame(out, fed, 1e-12);
  }
}

// ---- Random numbers ---------------------------------------------------------

TEST_F(DistributeLoopsTest, RandomNumbersStayThose) {
  for (bool stateless : {false, true}) {
    auto noise = [&](Output like, Output i, int64_t seed) {
      if (!stateless) {
        return RandomUniform(Shape(like),
                             {.dtype = DataType::kDouble, .seed = seed});
      }
      return StatelessRandomUniform(Shape(like), Pack({Const(g, 5), i + 2}),
                                    DataType::kDouble);
    };
    const Outputs out = Loop({h0, h1}, [&](const Step& s) {
      const Output first = Cell(s.x * noise(s.x, s.i, 1), s.h[0], w);
      const Output kept = first * noise(first, s.i, 2);
      return Outputs{first, Cell(kept, s.h[1] * noise(s.h[1], s.i, 3), u)};
    });
    EXPECT_EQ(ReportOf(out), Distributed(1, 2, 1));
    ExpectSame(out, Feeds(6, 2), 1e-12);
  }
}

// One draw for both levels.
TEST_F(DistributeLoopsTest, WhatBothLevelsDrawCrosses) {
  const Outputs out = Loop({h0, h1}, [&](const Step& s) {
    const Output noise =
        RandomUniform(Shape(s.h[0]), {.dtype = DataType::kDouble, .seed = 3});
    const Output first = Cell(s.x, s.h[0] * noise, w);
    return Outputs{first, Cell(first, s.h[1] * noise, u)};
  });
  const std::string text = After(Distribute, out, AllFeeds());
  EXPECT_EQ(report_[0], Distributed(1, 2, 2));
  const size_t first = text.find("  RandomUniform '");
  EXPECT_EQ(text.find("  RandomUniform '", first + 1), std::string::npos);
  ExpectSame(out, Feeds(6, 2), 1e-12);
}

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

// ---- Errors -----------------------------------------------------------------

TEST_F(DistributeLoopsTest, ErrorsAreThoseOfTheLoop) {
  Output beside = Placeholder(g, "beside", DataType::kDouble, {-1, -1, kUnits});
  Output list = TensorListFromTensor(beside);
  // Read by the second level alone, which has too few rows.
  const Outputs out = Loop({h0, h1}, [&](const Step& s) {
    const Output first = Cell(s.x, s.h[0], w);
    const Output more = TensorListGetItem(list, s.i, DataType::kDouble,
                                          TensorShape{-1, kUnits});
    return Outputs{first, Cell(first + more, s.h[1], u)};
  });
  std::vector<Feed> feeds = Feeds(5, 2);
  feeds.push_back({beside, RandomDoubles({5, 2, kUnits})});
  ExpectSame(out, feeds, 1e-12);
  feeds.back() = {beside, RandomDoubles({3, 2, kUnits})};
  EXPECT_THAT(TryRun(out, feeds),
              StatusIs(absl::StatusCode::kOutOfRange,
                       HasSubstr("index 3 must be in [0, 3) [iteration 3 of "
                                 "StatelessWhile 'while']")));
  // As a whole it does not fit.
  feeds.back() = {beside, RandomDoubles({5, 3, kUnits})};
  EXPECT_THAT(TryRun(out, feeds),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("[iteration 0 of StatelessWhile 'while']")));
  EXPECT_THAT(
      TryRun(out, Feeds(5, 2)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("beside")));
  feeds.back() = {beside, RandomDoubles({5, 2, kUnits})};
  EXPECT_THAT(TryRun(out, feeds, {.max_loop_iterations = 4}),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("the loop has run its limit of 4 "
                                 "iterations")));
}

}  // namespace
}  // namespace weft
