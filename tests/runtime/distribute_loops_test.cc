// DistributeLoops: a graph before and after, and what it computes.
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
#include "ops/random.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/runtime/distribute_loops_testing.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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
