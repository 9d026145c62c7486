// What leaves loops, and what becomes one program: a graph before and after,
// and what it computes.
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hwy/targets.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/runtime/rewrites_testing.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// ---- FusePointwise ----------------------------------------------------------

TEST_F(RewritesTest, ConnectedElementwiseNodesBecomeOne) {
  Output sum = Add(x, y, "sum");
  Output z = Tanh(Mul(sum, x, "product"), "z");
  EXPECT_EQ(After(FusePointwise, {z}, {x, y}),
            "_Pointwise 'z'(feed 0, feed 1)\n"
            "-> z:0\n");
  EXPECT_EQ(before_,
            "Add 'sum'(feed 0, feed 1)\n"
            "Mul 'product'(sum:0, feed 0)\n"
            "Tanh 'z'(product:0)\n"
            "-> z:0\n");
  EXPECT_EQ(report_[0], "pointwise: 3 nodes became 1 programs");
}

TEST_F(RewritesTest, WhatIsUsedOutsideIsAnOutput) {
  Output sum = Add(x, y, "sum");
  Output z = Tanh(sum, "z");
  EXPECT_EQ(After(FusePointwise, {z, sum}, {x, y}),
            "_Pointwise 'z'(feed 0, feed 1)\n"
            "-> z:1, z:0\n");
}

TEST_F(RewritesTest, ABiasIsAddedInTheProgram) {
  Output bias = Placeholder(g, "bias", DataType::kFloat, {4});
  Output any = Placeholder(g, "any", DataType::kFloat, {-1});
  Output z = Tanh(BiasAdd(x, bias), "z");
  EXPECT_EQ(After(FusePointwise, {z}, {x, bias}),
            "_Pointwise 'z'(feed 0, feed 1)\n"
            "-> z:0\n");
  EXPECT_THAT(before_, HasSubstr("BiasAdd 'BiasAdd'(feed 0, feed 1)\n"));
  ExpectSame({z}, {{x, Random({3, 4})}, {bias, Random({4})}});
  // Of another length it would be repeated.
  Output other = Tanh(BiasAdd(x, any), "other");
  EXPECT_THAT(After(FusePointwise, {other}, {x, any}),
              HasSubstr("BiasAdd 'BiasAdd_1'(feed 0, feed 1)\n"));
  EXPECT_THAT(TryRun(other, {{x, Random({3, 4})}, {any, Random({1})}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("BiasAdd 'BiasAdd_1'")));
}

// ---- AssumeShapes -----------------------------------------------------------

class AssumedShapesTest : public RewritesTest {
 protected:
  // The gradient of tanh(x * s) in x, s being repeated or not.
  Output Build(Output s) { return Gradients({Tanh(x * s)}, {x, s})[0] * 2.0; }
};

void AssumeAndFuse(PlanGraph* graph, PassReport* report) {
  AssumeShapes(graph, report);
  Tidy(graph);
  FusePointwise(graph, report);
}

TEST_F(AssumedShapesTest, GradientsAreNotSummedUp) {
  const std::string text = After(AssumeAndFuse, {Build(y)}, {x, y});
  EXPECT_THAT(before_, HasSubstr("BroadcastGradientArgs"));
  EXPECT_THAT(text, Not(HasSubstr("Sum '")));
  EXPECT_THAT(text, Not(HasSubstr("Reshape '")));
  EXPECT_EQ(report_[0], "shapes: 1 sums over repeated axes taken to be none");
  ExpectSame({Build(y)}, {{x, Random({3, 4})}, {y, Random({3, 4})}});
}

// Then the plan that assumes nothing is run.
TEST_F(AssumedShapesTest, WhatIsRepeatedIsSummedUpAllTheSame) {
  const Outputs both = Gradients({Tanh(x * y)}, {x, y});
  ExpectSame(both, {{x, Random({3, 4})}, {y, Random({1, 4})}});
  ExpectSame(both, {{x, Random({1, 4})}, {y, Random({3, 4})}});
  ExpectSame(both, {{x, Random({1, 4})}, {y, Random({1, 4})}});
  ExpectSame(both, {{x, Random({0, 4})}, {y, Random({1, 4})}});
}

TEST_F(AssumedShapesTest, BothAreRunByOneSession) {
  const Outputs both = Gradients({Tanh(x * y)}, {x, y});
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g));
  for (int64_t rows : {3, 1, 3, 1}) {
    const std::vector<Feed> feeds = {{x, Random({3, 4})},
                                     {y, Random({rows, 4})}};
    ASSERT_OK_AND_ASSIGN(const std::vector<Tensor> got,
                         session->Run(feeds, {both[0], both[1]}));
    EXPECT_EQ(got[1].shape(), (TensorShape{rows, 4}));
    ExpectSame(both, feeds);
  }
}

// A Reshape behind a sum over other axes stays.
TEST_F(AssumedShapesTest, OtherSumsStay) {
  const Output z = Reshape(Sum(x, {.axes = {0}}), Shape(y));
  const std::string text = After(AssumeAndFuse, {z}, {x, y});
  EXPECT_THAT(text, HasSubstr("Sum '"));
  EXPECT_EQ(report_[0], "shapes: 0 sums over repeated axes taken to be none");
}

// ---- FusePointwise, further -------------------------------------------------

TEST_F(RewritesTest, NoWayLeadsOutOfAProgramAndBack) {
  Output a = Exp(Neg(x, "minus"), "a");
  Output total = Sum(a, {.axes = {0, 1}, .name = "total"});
  Output b = Mul(Add(a, y, "b"), total, "c");
  EXPECT_EQ(After(FusePointwise, {b}, {x, y}),
            "Const 'axes'()\n"
            "_Pointwise 'a'(feed 0)\n"
            "Sum 'total'(a:0, axes:0)\n"
            "_Pointwise 'c'(a:0, feed 1, total:0)\n"
            "-> c:0\n");
}

// Two results of one program may not both stand where the old state was.
TEST_F(RewritesTest, OneResultAloneTakesTheMemoryOfAVariable) {
  const Outputs last = While(
      {Const(g, 0), x, y},
      [](const Outputs& v) { return Less(v[0], ScalarLike(v[0], 3)); },
      [](const Outputs& v) -> Outputs {
        const Output c = v[1] * Sigmoid(v[2]) + v[2] * 0.5;
        const Output o = Sigmoid(v[2] + 1.0);
        // Nobody uses the second.
        const Outputs all = IdentityN({c, o, Tanh(c) * o});
        return {v[0] + 1.0, all[0], all[2]};
      });
  ExpectSame({last[2]}, {{x, Random({3, 4})}, {y, Random({3, 4})}});
}

// ---- SplitFirst -------------------------------------------------------------

TEST_F(RewritesTest, WhatIsSplitIsSplitBeforeItIsComputed) {
  const Output half = Placeholder(g, "half", DataType::kFloat, {-1, 2});
  const Outputs parts = Split(Tanh(x * 2.0, "t"), 2, 1);
  const Outputs out = {Mul(parts[0], half, "a"), Neg(parts[1], "b")};
  const std::string text = After(SplitFirst, out, {x, half});
  EXPECT_EQ(report_[0], "splits: 2 elementwise nodes moved behind one");
  EXPECT_THAT(before_, HasSubstr("Split 'Split'(Split/split_dim:0, t:0)\n"));
  EXPECT_THAT(text, HasSubstr("Split 'Split'(Split/split_dim:0, feed 0)\n"));
  EXPECT_THAT(text, HasSubstr("Mul 'Mul'(Split:0, "));
  EXPECT_THAT(text, HasSubstr("Mul 'Mul'(Split:1, "));
  ExpectSame(out, {{x, Random({3, 4})}, {half, Random({3, 2})}});
}

TEST_F(RewritesTest, WhatIsAlsoUsedWholeIsSplitAfterwards) {
  const Output t = Tanh(x, "t");
  const Outputs parts = Split(t, 2, 1);
  After(SplitFirst, {parts[0], t}, {x});
  EXPECT_EQ(report_[0], "splits: 0 elementwise nodes moved behind one");
  // Nor is what combines several tensors, or what changes the type.
  After(SplitFirst, {Split(Add(x, y), 2, 1)[0]}, {x, y});
  EXPECT_EQ(report_[0], "splits: 0 elementwise nodes moved behind one");
  After(SplitFirst, {Split(Cast(x, DataType::kDouble), 2, 1)[0]}, {x});
  EXPECT_EQ(report_[0], "splits: 0 elementwise nodes moved behind one");
}

TEST_F(RewritesTest, SplitsOfSplitsAreTheSame) {
  const Outputs halves = Split(Sigmoid(x), 2, 1);
  const Outputs parts = Split(Tanh(halves[0]), 2, 1);
  const Outputs more = Split(Sigmoid(halves[1]), 2, 1);
  ExpectSame({parts[0] * more[1], parts[1] + more[0]}, {{x, Random({5, 4})}});
}

// ---- FusePointwise, its limits ----------------------------------------------

TEST_F(RewritesTest, OneNodeAloneStays) {
  EXPECT_EQ(After(FusePointwise, {Neg(x, "z")}, {x}),
            "Neg 'z'(feed 0)\n-> z:0\n");
}

TEST_F(RewritesTest, OneSlowNodeAloneIsAProgram) {
  Output z = Tanh(x, "z");
  EXPECT_EQ(After(FusePointwise, {z}, {x}), "_Pointwise 'z'(feed 0)\n-> z:0\n");
  EXPECT_EQ(report_[0], "pointwise: 1 nodes became 1 programs");
  ExpectSame({z}, {{x, Random({3, 4})}});
}

// ---- Code -------------------------------------------------------------------

// What a plan for `fetch` says, with and without a run.
std::string Describe(Output fetch, const std::vector<Feed>& feeds,
                     const PassOptions& passes, bool runs = true) {
  const auto session =
      Session::Create(fetch.graph(), {.num_threads = 1, .passes = passes});
  EXPECT_OK(session.status());
  Signature signature = {.fetches = {fetch.name()}};
  std::vector<Tensor> values, results;
  for (const Feed& feed : feeds) {
    signature.feeds.push_back(feed.name);
    values.push_back(feed.value);
  }
  const auto callable = (*session)->Prepare(signature);
  EXPECT_OK(callable.status());
  if (runs) {
    EXPECT_OK((*callable)->Run(values, &results));
  }
  return (*callable)->DescribePlan();
}

TEST_F(RewritesTest, ThePlanSaysWhetherProgramsAreGenerated) {
  const std::vector<Feed> feeds = {{x, Random({30, 4})}};
  const std::string generated = hwy::SupportedTargets() & HWY_AVX3
                                    ? "generated for AVX-512"
                                : hwy::SupportedTargets() & HWY_AVX2
                                    ? "generated for AVX2"
                                    : "interpreted: the processor has no AVX2";
  Output known = Sigmoid(Neg(x), "known");
  Output unknown = Log(Neg(x), "unknown");
  for (bool runs : {false, true}) {
    EXPECT_THAT(Describe(known, feeds, {}, runs),
                HasSubstr("_Pointwise 'known': " + generated));
    EXPECT_THAT(
        Describe(known, feeds, {.generated_code = false}, runs),
        AllOf(HasSubstr("generated code: switched off for 1 programs"),
              HasSubstr("_Pointwise 'known': interpreted: generated code "
                        "is switched off")));
    EXPECT_THAT(
        Describe(unknown, feeds, {}, runs),
        HasSubstr("_Pointwise 'unknown': interpreted: log is computed by the "
                  "C library"));
  }
}

TEST_F(RewritesTest, TheInterpreterGivesTheSameBits) {
  const Output gates = Concat({x, y}, 1);
  const Outputs parts = Split(gates, 2, 1);
  const Output c = Sigmoid(parts[0]) * Tanh(parts[1]) + 0.25f;
  const Output h = Tanh(c) * Sigmoid(parts[0] + x);
  const std::vector<Feed> feeds = {{x, Random({37, 4})}, {y, Random({37, 4})}};
  SessionOptions options{.num_threads = 1};
  const std::vector<Tensor> generated = weft::Run({c, h}, feeds, options);
  options.passes.generated_code = false;
  const std::vector<Tensor> interpreted = weft::Run({c, h}, feeds, options);
  EXPECT_THAT(generated[0], TensorNear(interpreted[0], 0));
  EXPECT_THAT(generated[1], TensorNear(interpreted[1], 0));
}

TEST_F(RewritesTest, TypesAreNotMixed) {
  Output d = Cast(Neg(x, "minus"), DataType::kDouble, "d");
  Output z = Exp(Neg(d, "e"), "z");
  const std::string text = After(FusePointwise, {z}, {x});
  EXPECT_THAT(text, HasSubstr("Neg 'minus'(feed 0)\n"));
  EXPECT_THAT(text, HasSubstr("_Pointwise 'z'(d:0)\n"));
}

TEST_F(RewritesTest, ControlEdgesKeepNodesAsTheyAre) {
  Output a = Neg(x, "a");
  Output b;
  {
    ControlScope scope(g, {a.node()});
    b = Neg(y, "b");
  }
  const std::string text = After(FusePointwise, {Abs(a), Abs(b)}, {x, y});
  EXPECT_THAT(text, Not(HasSubstr("_Pointwise")));
}

TEST_F(RewritesTest, LongChainsAreCut) {
  Output z = x;
  for (int i = 0; i < 200; ++i) z = Neg(z);
  After(FusePointwise, {z}, {x});
  EXPECT_EQ(report_[0], "pointwise: 200 nodes became 5 programs");
  ExpectSame({z}, {{x, Random({3, 4})}}, 0);
}

TEST_F(RewritesTest, ProgramsPropagateNanAndInfinity) {
  Output z = Placeholder(g, "z", DataType::kFloat, {4});
  const Outputs ys = {Tanh(z) + 0.0, Sigmoid(z) + 0.0, Exp(z) + 0.0,
                      Relu(z) + 0.0, Maximum(z, Neg(z)) + 0.0};
  const Tensor value = Tensor::Vector<float>({kNan, kInfinity, -kInfinity, 0});
  const std::vector<Tensor> out = weft::Run(ys, {{z, value}});
  const std::vector<std::vector<float>> expected = {
      {kNan, 1, -1, 0},
      {kNan, 1, 0, 0.5f},
      {kNan, kInfinity, 0, 1},
      {kNan, kInfinity, 0, 0},
      {kNan, kInfinity, kInfinity, 0}};
  for (size_t k = 0; k < ys.size(); ++k) {
    for (int i = 0; i < 4; ++i) {
      const float got = out[k].data<float>()[i];
      if (std::isnan(expected[k][i])) {
        EXPECT_TRUE(std::isnan(got)) << k << " " << i;
      } else {
        EXPECT_EQ(got, expected[k][i]) << k << " " << i;
      }
    }
  }
}

TEST_F(RewritesTest, ShapesOfOneProgramMayDiffer) {
  Output column = Placeholder(g, "column", DataType::kFloat, {-1, 1});
  Output scalar = Placeholder(g, "scalar", DataType::kFloat, {});
  Output a = Exp(scalar * 2.0);
  Output b = a + Neg(column);
  Output c = Tanh(b * x) - scalar;
  for (int64_t rows : {1, 3, 100}) {
    ExpectSame({a, b, c}, {{column, Random({rows, 1})},
                           {scalar, Random({})},
                           {x, Random({rows, 4})}});
  }
  // Nothing of one shape, something of another.
  ExpectSame(
      {a, b, c},
      {{column, Random({0, 1})}, {scalar, Random({})}, {x, Random({0, 4})}});
}

TEST_F(RewritesTest, ConditionsChooseElementsAndRows) {
  Output rows = Placeholder(g, "rows", DataType::kBool, {-1});
  Output positive = Greater(x, y);
  Output a = Select(rows, x * 2.0, y + 1.0);
  Output b = SelectV2(LogicalOr(positive, LogicalNot(rows)), a, Neg(a));
  Output c = LogicalAnd(positive, Less(a, b));
  const Tensor flags = Tensor::Of<bool>({4}, {true, false, false, true});
  ExpectSame({a, b, c},
             {{rows, flags}, {x, Random({4, 4})}, {y, Random({4, 4})}});
}

TEST_F(RewritesTest, ErrorsNameTheNode) {
  Output z = Tanh(Add(x, y, "sum"), "z");
  EXPECT_THAT(
      TryRun(z, {{x, Random({2, 4})}, {y, Random({3, 4})}}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("Add 'sum'(x:0 [2, 4], y:0 [3, 4]): shapes [2, 4] and "
                         "[3, 4] do not broadcast: 2 and 3 differ")));
}

TEST_F(RewritesTest, CheckNumericsNamesTheNode) {
  Output z = Tanh(Log(Neg(x, "minus"), "log"), "z");
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, {.num_threads = 1}));
  EXPECT_THAT(
      session->Run({{x, Tensor::Of<float>({1, 4}, {1, 1, 1, 1})}}, {z}, {},
                   {.check_numerics = true}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("Log 'log'")));
}

// Programs with random operations on random shapes.
TEST_F(RewritesTest, RandomProgramsGiveTheSame) {
  for (int seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Graph graph;
    random_.seed(seed);
    const int64_t rows = 1 + seed % 7, columns = seed % 3 == 0 ? 100 : 5;
    const std::vector<TensorShape> shapes = {
        {rows, columns}, {rows, 1}, {columns}, {}, {rows, columns}};
    Outputs values;
    std::vector<Feed> feeds;
    for (size_t i = 0; i < shapes.size(); ++i) {
      values.push_back(
          Placeholder(graph, absl::StrCat("in", i), DataType::kFloat,
                      seed % 2 == 0 ? shapes[i] : TensorShape::UnknownRank()));
      feeds.push_back({values.back(), Random(shapes[i])});
    }
    for (int i = 0; i < 30; ++i) {
      const Output a = values[random_() % values.size()];
      const Output b = values[random_() % values.size()];
      switch (random_() % 9) {
        case 0:
          values.push_back(a + b);
          break;
        case 1:
          values.push_back(a - b);
          break;
        case 2:
          values.push_back(a * b);
          break;
        case 3:
          values.push_back(Tanh(a));
          break;
        case 4:
          values.push_back(Sigmoid(a));
          break;
        case 5:
          values.push_back(Maximum(a, b));
          break;
        case 6:
          values.push_back(SelectV2(Greater(a, b), a, b));
          break;
        case 7:
          values.push_back(Relu(a));
          break;
        case 8:
          values.push_back(Sum(a) * b);
          break;
      }
    }
    ASSERT_OK(graph.status());
    ExpectSame(Outputs(values.end() - 6, values.end()), feeds, 1e-4);
    if (HasFailure()) return;
  }
}

// ---- HoistInvariants --------------------------------------------------------

TEST_F(RewritesTest, WhatIsTheSameInEveryStepLeavesTheLoop) {
  Output n = Placeholder(g, "n", DataType::kInt32, {});
  Output scale = Placeholder(g, "scale", DataType::kFloat, {4});
  const Outputs out = While(
      {Const(g, 0, "zero"), x},
      [&](const Outputs& v) { return Less(v[0], n, "less"); },
      [&](const Outputs& v) {
        Graph& body = v[0].graph();
        Output inside = body.Capturing(scale);
        Output twice = body.Add("Mul", {inside, inside}, {}, {.name = "twice"});
        Output more = Exp(v[1], "more");
        return Outputs{Add(v[0], Const(body, 1, "one"), "count"),
                       Mul(more, twice, "product")};
      });
  PlanGraph plan = MakePlanGraph({out[1]}, {x, n, scale});
  FindInvariants(&plan, &report_);
  report_.clear();
  EXPECT_THAT(plan.ToString(), HasSubstr("  Mul 'twice'"));
  HoistInvariants(&plan, &report_);
  Prune(&plan, nullptr);
  ASSERT_OK(OrderNodes(&plan));
  EXPECT_EQ(report_[0], "invariants: 2 nodes left loops");
  EXPECT_EQ(plan.ToString(),
            "Const 'zero'()\n"
            "Mul 'twice'(feed 2, feed 2)\n"
            "Const 'one'()\n"
            "StatelessWhile 'while'(zero:0, feed 0)\n"
            "-> while:1\n"
            "cond of while:\n"
            "  Less 'less'(while variable 0, feed 1)\n"
            "  -> less:0\n"
            "body of while:\n"
            "  Exp 'more'(while variable 1)\n"
            "  Add 'count'(while variable 0, one:0)\n"
            "  Mul 'product'(more:0, twice:0)\n"
            "  -> count:0, product:0\n");
}

}  // namespace
}  // namespace weft
