// RollUp: a graph before and after, and what it computes.
#include <algorithm>
#include <cstdint>
#include <random>
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
#include "ops/random.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "tests/runtime/rewrites_testing.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class RollUpTest : public RewritesTest {
 protected:
  // The state behind each of these steps of a simple cell.
  Outputs Unroll(const Outputs& xs, Output h, Output weights, Output bias) {
    Outputs hs;
    for (const Output& x_t : xs) {
      h = Tanh(BiasAdd(MatMul(Concat({x_t, h}, 1), weights), bias));
      hs.push_back(h);
    }
    return hs;
  }
  Outputs Unroll(const Outputs& xs) { return Unroll(xs, h0, w, b); }

  // What the pass says of these outputs.
  std::string ReportOf(const Outputs& outputs) {
    After(RollUp, outputs, {seq, h0, w, u, b});
    return report_[0];
  }

  std::vector<Feed> Feeds(int64_t batch) {
    return {{seq, Random({batch, 6, 3})},
            {h0, Random({batch, 4})},
            {w, Random({7, 4})},
            {u, Random({8, 4})},
            {b, Random({4})}};
  }

  void ExpectSameForBatches(const Outputs& outputs) {
    for (int64_t batch : {1, 2, 5}) ExpectSame(outputs, Feeds(batch));
  }

  Output seq = Placeholder(g, "seq", DataType::kFloat, {-1, 6, 3});
  Output h0 = Placeholder(g, "h0", DataType::kFloat, {-1, 4});
  Output w = Placeholder(g, "w", DataType::kFloat, {7, 4});
  Output u = Placeholder(g, "u", DataType::kFloat, {8, 4});
  Output b = Placeholder(g, "b", DataType::kFloat, {4});
};

// ---- Before and after -------------------------------------------------------

TEST_F(RollUpTest, StepsBecomeALoop) {
  const Output all = Pack(Unroll(Unpack(seq, 6, 1)), 1);
  const std::string text = After(RollUp, {all}, {seq, h0, w, b});
  EXPECT_THAT(before_, HasSubstr("Tanh 'Tanh_5'"));
  EXPECT_THAT(before_, HasSubstr("Pack 'Pack'"));
  EXPECT_THAT(text, Not(HasSubstr("Tanh_1")));
  EXPECT_THAT(text, Not(HasSubstr("Pack 'Pack'")));
  EXPECT_THAT(text, HasSubstr("_Parts 'ConcatV2'(feed 0)\n"));
  EXPECT_THAT(text, HasSubstr("_Steps 'MatMul'(MatMul:0, feed 1)\n"));
  EXPECT_THAT(text, HasSubstr("_Joined 'Pack'(Tanh:0)\n-> Pack:0\n"));
  const size_t body = text.find("body of MatMul:\n");
  ASSERT_NE(body, std::string::npos) << text;
  EXPECT_THAT(
      text.substr(body),
      HasSubstr("  _Row 'ConcatV2'(ConcatV2:0, MatMul variable 0)\n"
                "  ConcatV2 'ConcatV2'(ConcatV2:0, MatMul variable 1, "));
  EXPECT_THAT(text.substr(body), HasSubstr("  MatMul 'MatMul'(ConcatV2:0, feed "
                                           "2)\n  BiasAdd 'BiasAdd'(MatMul:0, "
                                           "feed 3)\n  Tanh 'Tanh'("));
  EXPECT_THAT(text.substr(body),
              HasSubstr("  _SetRow 'Tanh'(Tanh:0, Tanh:1, MatMul variable 0, "
                        "Tanh:0)\n"));
  EXPECT_THAT(report_, ElementsAre("rolled up: 1 chain of 6 steps"));
  ExpectSameForBatches({all});
}

// The first layer as a whole, then the second: it reads the rows of the first.
TEST_F(RollUpTest, EachLayerIsALoopOfItsOwn) {
  const Outputs first = Unroll(Unpack(seq, 6, 1));
  const Outputs second = Unroll(first, h0, u, b);
  EXPECT_EQ(ReportOf({second.back()}), "rolled up: 2 chains of 6 steps");
  ExpectSameForBatches({second.back()});
  ExpectSameForBatches({Pack(second, 0), Concat(first, 1), first.back()});
  // What is put together and taken apart again is not copied.
  const Outputs again = Unroll(Unpack(Pack(first, 1), 6, 1), h0, u, b);
  const std::string text = After(RollUp, {again.back()}, {seq, h0, w, u, b});
  EXPECT_EQ(report_[0], "rolled up: 2 chains of 6 steps");
  EXPECT_THAT(text, Not(HasSubstr("_Joined")));
  ExpectSameForBatches({again.back()});
}

// ---- Where steps have their inputs from -------------------------------------

TEST_F(RollUpTest, InputsMayBePartsOfTensors) {
  Outputs split, squeezed, sliced, reversed;
  const Output rows = Reshape(Transpose(seq, {1, 0, 2}), {-1, 3});
  for (const Output& part : Split(rows, 6, 0)) split.push_back(part);
  for (const Output& part : Split(seq, 6, 1))
    squeezed.push_back(Squeeze(part, {1}));
  for (int t = 0; t < 6; ++t) {
    sliced.push_back(IndexAxis(seq, 1, t));
    reversed.push_back(IndexAxis(seq, 1, 5 - t));
  }
  for (const Outputs& xs : {split, squeezed, sliced, reversed}) {
    const Outputs hs = Unroll(xs);
    EXPECT_EQ(ReportOf({hs.back()}), "rolled up: 1 chain of 6 steps");
    ExpectSameForBatches({hs.back(), Pack(hs, 1)});
    // Products of all steps at once, in either direction.
    PlanGraph plan = MakePlanGraph({hs.back()}, {seq, h0, w, b});
    PassReport report;
    ASSERT_OK(RunRewrites({}, &plan, &report));
    EXPECT_THAT(plan.ToString(), HasSubstr("_ProjectRow"));
  }
}

TEST_F(RollUpTest, InputsMayBeFeedsOrConstants) {
  Outputs xs;
  std::vector<Feed> feeds = Feeds(2);
  Outputs all_feeds = {h0, w, b};
  for (int t = 0; t < 5; ++t) {
    Output part =
        Placeholder(g, absl::StrCat("part", t), DataType::kFloat, {-1, 3});
    feeds.push_back({part, Random({2, 3})});
    all_feeds.push_back(part);
    xs.push_back(part * Const(g, 0.5f + static_cast<float>(t)));
  }
  const Outputs hs = Unroll(xs);
  After(RollUp, {hs.back()}, all_feeds);
  EXPECT_EQ(report_[0], "rolled up: 1 chain of 5 steps");
  ExpectSame({hs.back(), hs[2]}, feeds);
}

TEST_F(RollUpTest, FirstStepsMayBeDifferent) {
  const Outputs xs = Unpack(seq, 6, 1);
  // The first has no state.
  const Output half = Slice(w, {0, 0}, {3, 4});
  const Output first = Tanh(BiasAdd(MatMul(xs[0], half), b));
  Outputs hs = Unroll(Outputs(xs.begin() + 1, xs.end()), first, w, b);
  hs.insert(hs.begin(), first);
  EXPECT_EQ(ReportOf({hs.back()}), "rolled up: 1 chain of 5 steps");
  ExpectSameForBatches({Pack(hs, 1), hs.back()});
}

TEST_F(RollUpTest, ValuesMayGoBothWays) {
  const Outputs xs = Unpack(seq, 6, 1);
  const Outputs forwards = Unroll(xs);
  Outputs backwards = Unroll(Outputs(xs.rbegin(), xs.rend()), h0, w, b);
  std::reverse(backwards.begin(), backwards.end());
  Outputs both;
  for (size_t t = 0; t < xs.size(); ++t)
    both.push_back(Concat({forwards[t], backwards[t]}, 1));
  const Output all = Pack(both, 1);
  EXPECT_EQ(ReportOf({all}), "rolled up: 2 chains of 6 steps");
  ExpectSameForBatches({all, Pack(backwards, 0), Pack(forwards, 0)});
  // Over both, in a second layer.
  Output v = Const(g, Random({12, 4}));
  const Outputs second = Unroll(both, h0, v, b);
  EXPECT_EQ(ReportOf({second.back()}), "rolled up: 3 chains of 6 steps");
  ExpectSameForBatches({second.back(), second[0]});
}

TEST_F(RollUpTest, SumsOverStepsAndGradients) {
  const Outputs hs = Unroll(Unpack(seq, 6, 1));
  Output loss = Sum(hs[0] * hs[0]);
  for (size_t t = 1; t < hs.size(); ++t)
    loss = loss + Sum(hs[t] * Const(g, static_cast<float>(t)));
  Outputs results = Gradients({loss}, {seq, h0, w, b});
  results.push_back(loss);
  EXPECT_EQ(ReportOf(results),
            "rolled up: 1 chain of 6 steps, 1 chain of 4 steps");
  ExpectSameForBatches(results);
}

// ---- What is used outside ---------------------------------------------------

TEST_F(RollUpTest, AnyStepMayBeUsed) {
  const Outputs xs = Unpack(seq, 6, 1);
  const Outputs hs = Unroll(xs);
  ExpectSameForBatches({hs[0], hs[3], hs[5], Pack({hs[3], hs[1]}, 0)});
  ExpectSameForBatches({Concat(hs, 0), Concat(hs, 1), Pack(hs, -1)});
  ExpectSameForBatches({Pack(Outputs(hs.rbegin(), hs.rend()), 1)});
  ExpectSameForBatches({Pack(Outputs(hs.rbegin(), hs.rend()), 1), Pack(hs, 1)});
  ExpectSameForBatches({hs[2] + hs[3], xs[1]});
}

TEST_F(RollUpTest, AnyValueMayBeFed) {
  const Outputs hs = Unroll(Unpack(seq, 6, 1));
  std::vector<Feed> feeds = Feeds(2);
  feeds.push_back({hs[1], Random({2, 4})});
  ExpectSame({hs[5], hs[0], hs[2]}, feeds);
  After(RollUp, {hs[5]}, {seq, h0, w, b, hs[1]});
  EXPECT_EQ(report_[0], "rolled up: 1 chain of 4 steps");
}

// A decoder starts with what an encoder leaves, and looks at all of it.
TEST_F(RollUpTest, OneChainMayStartWhereAnotherEnds) {
  const Outputs encoded = Unroll(Unpack(seq, 6, 1));
  const Output memory = Pack(encoded, 1);
  Outputs decoded;
  Output h = encoded.back();
  for (int t = 0; t < 5; ++t) {
    const Output score = Softmax(Sum(memory * ExpandDims(h, 1), {.axes = {2}}));
    const Output seen = Sum(memory * ExpandDims(score, 2), {.axes = {1}});
    h = Tanh(MatMul(Concat({seen, h}, 1), u));
    decoded.push_back(h);
  }
  EXPECT_EQ(ReportOf({h}), "rolled up: 1 chain of 6 steps, 1 chain of 5 steps");
  ExpectSameForBatches({h, Pack(decoded, 1)});
}

// ---- What is not rolled up --------------------------------------------------

TEST_F(RollUpTest, LeavesWhatHasNoStepsInCommon) {
  const Outputs xs = Unpack(seq, 6, 1);
  // Too few.
  EXPECT_EQ(ReportOf({Unroll({xs[0], xs[1], xs[2]}).back()}),
            "rolled up: 0 chains");
  // Weights of their own.
  Output h = h0;
  for (int layer = 0; layer < 6; ++layer)
    h = Tanh(MatMul(h, Const(g, Random({4, 4}))));
  EXPECT_EQ(ReportOf({h}), "rolled up: 0 chains");
  // Nothing but elementwise work.
  h = h0;
  for (int t = 0; t < 6; ++t) h = Tanh(h * 0.5 + b);
  EXPECT_EQ(ReportOf({h}), "rolled up: 0 chains");
  // No step needs another.
  Outputs ys;
  for (const Output& x_t : xs) ys.push_back(MatMul(Concat({x_t, h0}, 1), w));
  EXPECT_EQ(ReportOf({Pack(ys, 0)}), "rolled up: 0 chains");
}

TEST_F(RollUpTest, SaysWhyNot) {
  // Each step uses what the one two steps before has made.
  Outputs hs = {h0, h0};
  for (int t = 0; t < 6; ++t)
    hs.push_back(Tanh(MatMul(Concat({hs[t], hs[t + 1]}, 1), u)));
  EXPECT_EQ(ReportOf({hs.back()}), "rolled up: 0 chains");
  ASSERT_GE(report_.size(), 2u);
  EXPECT_THAT(report_[1], HasSubstr("steps do not only use what the one before "
                                    "has made"));
  ExpectSameForBatches({hs.back()});
}

TEST_F(RollUpTest, LeavesWhatHasEffectsOrOrder) {
  const Outputs xs = Unpack(seq, 6, 1);
  Outputs outputs;
  Output h = h0;
  for (const Output& x_t : xs) {
    h = Tanh(MatMul(Concat({x_t, h + RandomUniform(Shape(h))}, 1), w));
  }
  outputs.push_back(h);
  h = h0;
  Output before = h0;
  for (const Output& x_t : xs) {
    ControlScope behind(g, {before.node()});
    h = Tanh(MatMul(Concat({x_t, h}, 1), w));
    before = h;
  }
  outputs.push_back(h);
  for (const Output& output : outputs)
    EXPECT_EQ(ReportOf({output}), "rolled up: 0 chains");
}

// ---- Shapes -----------------------------------------------------------------

// Whether steps are alike may depend on what is fed.
TEST_F(RollUpTest, StepsWhoseShapesDifferRunAsTheyStand) {
  Output start = Placeholder(g, "start", DataType::kFloat, {-1, -1});
  Output square = Placeholder(g, "square", DataType::kFloat, {4, 4});
  Outputs hs;
  Output h = start;
  for (int t = 0; t < 5; ++t) {
    h = MatMul(Concat({h, h}, 0), square);
    hs.push_back(h);
  }
  After(RollUp, {h, hs[1]}, {start, square});
  EXPECT_EQ(report_[0], "rolled up: 1 chain of 4 steps");
  for (int64_t rows : {1, 2, 0}) {
    ExpectSame({h, hs[1]},
               {{start, Random({rows, 4})}, {square, Random({4, 4})}});
  }
  // The first step makes one row many.
  Output k = start;
  Outputs ks;
  for (const Output& x_t : Unpack(seq, 6, 1)) {
    k = Tanh(MatMul(k, square) + MatMul(x_t, Slice(w, {0, 0}, {3, 4})));
    ks.push_back(k);
  }
  for (int64_t rows : {1, 5}) {
    std::vector<Feed> feeds = Feeds(5);
    feeds.push_back({start, Random({rows, 4})});
    feeds.push_back({square, Random({4, 4})});
    ExpectSame({ks[5], Pack(ks, 0)}, feeds);
  }
}

TEST_F(RollUpTest, OneSessionTakesShapesOfEitherKind) {
  Output start = Placeholder(g, "start", DataType::kFloat, {-1, -1});
  Output x_all = Placeholder(g, "x_all", DataType::kFloat, {-1, 5, 4});
  Output square = Placeholder(g, "square", DataType::kFloat, {4, 4});
  Output h = start;
  for (const Output& x_t : Unpack(x_all, 5, 1))
    h = Tanh(MatMul(h, square) + x_t);
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, {.num_threads = 1}));
  ASSERT_OK_AND_ASSIGN(
      auto plain, Session::Create(g, {.num_threads = 1, .passes = {false}}));
  for (int64_t rows : {3, 1, 3, 1}) {
    const std::vector<Feed> feeds = {{start, Random({rows, 4})},
                                     {x_all, Random({3, 5, 4})},
                                     {square, Random({4, 4})}};
    ASSERT_OK_AND_ASSIGN(auto value, session->Run(feeds, {h}));
    ASSERT_OK_AND_ASSIGN(auto expected, plain->Run(feeds, {h}));
    EXPECT_THAT(value[0], TensorNear(expected[0], 1e-5)) << rows;
  }
  EXPECT_EQ(session->stats().plans, 2);
}

// ---- Errors and limits ------------------------------------------------------

TEST_F(RollUpTest, ErrorsNameTheNodesOfTheGraph) {
  Output any = Placeholder(g, "any", DataType::kFloat, {-1, -1});
  const Outputs xs = Unpack(seq, 6, 1);
  std::vector<Feed> feeds = Feeds(2);
  const Output h = Unroll(xs, h0, any, b).back();
  feeds.push_back({any, Random({6, 4})});
  EXPECT_THAT(TryRun(h, feeds), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("MatMul 'MatMul'")));
  // While running: the step is named after the first.
  Output ids = Placeholder(g, "ids", DataType::kInt32, {-1, 6});
  Output table = Placeholder(g, "table", DataType::kFloat, {5, 3});
  Outputs embedded;
  for (const Output& id : Unpack(ids, 6, 1))
    embedded.push_back(Gather(table, id, 0, 0, "lookup"));
  const Output last = Unroll(embedded).back();
  feeds.push_back({table, Random({5, 3})});
  feeds.push_back(
      {ids, Tensor::Of<int32_t>({2, 6}, {0, 1, 2, 3, 4, 0, 0, 1, 2, 9, 4, 0})});
  EXPECT_THAT(TryRun(last, feeds),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("lookup")));
  EXPECT_THAT(TryRun(last, feeds), StatusIs(absl::StatusCode::kOutOfRange,
                                            HasSubstr("iteration 3")));
}

TEST_F(RollUpTest, IsNoLoopOfTheUser) {
  const Output h = Unroll(Unpack(seq, 6, 1)).back();
  SessionOptions options{.num_threads = 1};
  options.max_loop_iterations = 2;
  EXPECT_OK(TryRun(h, Feeds(2), options));
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, {.num_threads = 1}));
  EXPECT_OK(session->Run(Feeds(2), {h}, {}, {.check_numerics = true}));
  EXPECT_THAT(
      session->Run(Feeds(2), {h}, {}, {.timeout = absl::ZeroDuration()}),
      StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("")));
}

TEST_F(RollUpTest, LongChainsMakeSmallPlans) {
  constexpr int kSteps = 5000;
  Output x_all = Placeholder(g, "x_all", DataType::kFloat, {-1, kSteps, 3});
  const Outputs hs = Unroll(Unpack(x_all, kSteps, 1));
  PlanGraph plan = MakePlanGraph({hs.back(), Pack(hs, 1)}, {x_all, h0, w, b});
  EXPECT_GT(plan.nodes.size(), 4 * static_cast<size_t>(kSteps));
  PassReport report;
  ASSERT_OK(RunRewrites({}, &plan, &report));
  EXPECT_LT(plan.nodes.size(), 100u);
}

// ---- Any cell ---------------------------------------------------------------

// Cells of random instructions over inputs, states and weights.
class RandomCells : public ::testing::TestWithParam<int> {
 protected:
  int Pick(int n) { return static_cast<int>(random_() % n); }

  Output Any(const Outputs& values) {
    return values[Pick(static_cast<int>(values.size()))];
  }

  // One instruction of the cell: its kind, and operands by number.
  struct Instruction {
    int kind, a, b;
  };

  Output Apply(const Instruction& i, const Outputs& v, int t) {
    const auto at = [&](int n) { return v[n % v.size()]; };
    switch (i.kind) {
      case 0:
        return at(i.a) + at(i.b);
      case 1:
        return at(i.a) * at(i.b);
      case 2:
        return Tanh(at(i.a));
      case 3:
        return Sigmoid(at(i.a)) - at(i.b);
      case 4:
        return Tanh(MatMul(at(i.a), w_));
      case 5:
        return Tanh(MatMul(Concat({at(i.a), at(i.b)}, 1), u_));
      case 6:
        return at(i.a) * Const(g_, 0.1f * static_cast<float>(t % 7));
      default:
        return Split(MatMul(at(i.a), v_), 2, 1)[i.b % 2];
    }
  }

  Tensor Random(const TensorShape& shape) {
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> values(shape.num_elements());
    for (float& value : values) value = uniform(random_);
    return Tensor::Of<float>(shape, values);
  }

  std::mt19937 random_{static_cast<unsigned>(GetParam())};
  Graph g_;
  Output w_ = Placeholder(g_, "w", DataType::kFloat, {3, 3});
  Output u_ = Placeholder(g_, "u", DataType::kFloat, {6, 3});
  Output v_ = Placeholder(g_, "v", DataType::kFloat, {3, 6});
};

TEST_P(RandomCells, GiveTheSameRolledUp) {
  const int steps = 4 + Pick(6);
  const bool known_batch = Pick(2) == 0;
  const int64_t batch = known_batch ? 2 : -1;
  Output x = Placeholder(g_, "x", DataType::kFloat, {batch, steps, 3});
  const int num_states = 1 + Pick(3);
  Outputs state;
  std::vector<Feed> feeds = {{w_, Random({3, 3})},
                             {u_, Random({6, 3})},
                             {v_, Random({3, 6})},
                             {x, Random({2, steps, 3})}};
  for (int k = 0; k < num_states; ++k) {
    state.push_back(Placeholder(g_, absl::StrCat("state", k), DataType::kFloat,
                                {batch, 3}));
    feeds.push_back({state.back(), Random({2, 3})});
  }
  const Outputs initial = state;
  const int layers = 1 + Pick(2);
  Outputs xs = Unpack(x, steps, 1);
  Outputs made;
  for (int layer = 0; layer < layers; ++layer) {
    std::vector<Instruction> cell(3 + Pick(8));
    for (Instruction& i : cell) i = {Pick(8), Pick(100), Pick(100)};
    std::vector<int> next(num_states);
    for (int& n : next) n = Pick(100);
    const bool backwards = Pick(3) == 0;
    const bool looks_both_ways = Pick(3) == 0;
    Outputs ys(steps);
    state = initial;
    for (int i = 0; i < steps; ++i) {
      const int t = backwards ? steps - 1 - i : i;
      Outputs values = {xs[t]};
      if (looks_both_ways) values.push_back(xs[steps - 1 - t]);
      values.insert(values.end(), state.begin(), state.end());
      const size_t own = values.size();
      for (const Instruction& instruction : cell)
        values.push_back(Apply(instruction, values, t));
      for (int k = 0; k < num_states; ++k)
        state[k] = values[own + next[k] % (values.size() - own)];
      made.insert(made.end(), values.begin() + own, values.end());
      ys[t] = values.back();
    }
    xs = ys;
  }
  Outputs results = {state[0]};
  if (Pick(2) == 0) results.push_back(Pack(xs, Pick(3)));
  if (Pick(3) == 0) results.push_back(Concat(xs, Pick(2)));
  for (int i = Pick(3); i > 0; --i) results.push_back(Any(made));
  if (Pick(2) == 0) {
    const Outputs gradients = Gradients(results, {w_, u_, x, initial[0]},
                                        {.zeros_if_unconnected = true});
    results.insert(results.end(), gradients.begin(), gradients.end());
  }
  ASSERT_OK(g_.status());
  SessionOptions options{.num_threads = 1};
  const std::vector<Tensor> with = weft::Run(results, feeds, options);
  options.passes.enabled = false;
  const std::vector<Tensor> without = weft::Run(results, feeds, options);
  for (size_t i = 0; i < with.size(); ++i)
    EXPECT_THAT(with[i], TensorNear(without[i], 1e-4)) << i;
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomCells, ::testing::Range(0, 400));

}  // namespace
}  // namespace weft
