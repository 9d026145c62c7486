// The passes that put made nodes in the place of others: a graph before and
// after, and what it computes.
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
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
#include "ops/variable.h"
#include "runtime/passes/passes.h"
#include "runtime/plan_graph.h"
#include "tests/runtime/plan_testing.h"
#include "tests/testing/run.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

class RewritesTest : public ::testing::Test {
 protected:
  template <typename Pass>
  std::string After(Pass pass, const Outputs& fetches, const Outputs& feeds) {
    PlanGraph plan = MakePlanGraph(fetches, feeds);
    FindInvariants(&plan, &report_);
    Prune(&plan, nullptr);
    EXPECT_OK(OrderNodes(&plan));
    HoistInvariants(&plan, &report_);
    EXPECT_OK(OrderNodes(&plan));
    before_ = plan.ToString();
    report_.clear();
    pass(&plan, &report_);
    Prune(&plan, nullptr);
    EXPECT_OK(OrderNodes(&plan));
    return plan.ToString();
  }

  // With the passes the outputs are what they are without.
  void ExpectSame(const Outputs& outputs, const std::vector<Feed>& feeds,
                  double tolerance = 1e-5) {
    SessionOptions options{.num_threads = 1};
    const std::vector<Tensor> with = weft::Run(outputs, feeds, options);
    options.passes.enabled = false;
    const std::vector<Tensor> without = weft::Run(outputs, feeds, options);
    for (size_t i = 0; i < with.size(); ++i)
      EXPECT_THAT(with[i], TensorNear(without[i], tolerance)) << i;
  }

  Tensor Random(const TensorShape& shape) {
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> values(shape.num_elements());
    for (float& v : values) v = uniform(random_);
    return Tensor::Of<float>(shape, values);
  }

  Graph g;
  Output x = Placeholder(g, "x", DataType::kFloat, {-1, 4});
  Output y = Placeholder(g, "y", DataType::kFloat, {-1, 4});
  std::mt19937 random_{1};
  std::string before_;
  PassReport report_;
};

// ---- FusePointwise
// ------------------------------------------------------------

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

TEST_F(RewritesTest, OneNodeAloneStays) {
  EXPECT_EQ(After(FusePointwise, {Tanh(x, "z")}, {x}),
            "Tanh 'z'(feed 0)\n-> z:0\n");
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
  const std::string text = After(FusePointwise, {Exp(a), Exp(b)}, {x, y});
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

// ---- HoistInvariants
// --------------------------------------------------------

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

// ---- RewriteLoops
// ---------------------------------------------------------------

class LoopRewritesTest : public RewritesTest {
 protected:
  // A simple cell over the list of the rows of `seq`, [time, batch, 3].
  Outputs Cell(Output limit, bool backwards = false, int64_t batch = -1) {
    Output list = TensorListFromTensor(seq);
    Output last = limit - 1;
    return While(
        {Const(g, 0, "zero"), h0,
         TensorListReserve(TensorShape{batch, 4}, limit, DataType::kFloat)},
        [&](const Outputs& v) { return Less(v[0], limit, "less"); },
        [&](const Outputs& v) {
          Output i = backwards ? last - v[0] : v[0];
          Output row =
              TensorListGetItem(list, i, DataType::kFloat, TensorShape{-1, 3});
          Output sum = BiasAdd(MatMul(Concat({row, v[1]}, 1), w), b);
          const Outputs gates = Split(sum, 2, 1);
          Output h = Tanh(gates[0]) * Sigmoid(gates[1]);
          return Outputs{v[0] + 1, h, TensorListSetItem(v[2], i, h)};
        });
  }

  std::vector<Feed> Feeds(int64_t time, int64_t batch) {
    return {{seq, Random({time, batch, 3})},
            {h0, Random({batch, 4})},
            {w, Random({7, 8})},
            {b, Random({8})},
            {n, Tensor::Scalar<int32_t>(static_cast<int32_t>(time))}};
  }

  Output seq = Placeholder(g, "seq", DataType::kFloat, {-1, -1, 3});
  Output h0 = Placeholder(g, "h0", DataType::kFloat, {-1, 4});
  Output w = Placeholder(g, "w", DataType::kFloat, {7, 8});
  Output b = Placeholder(g, "b", DataType::kFloat, {8});
  Output n = Placeholder(g, "n", DataType::kInt32, {});
};

TEST_F(LoopRewritesTest, ProductsOfStepsAreMadeAtOnce) {
  const Outputs out = Cell(n);
  const std::string text = After(RewriteLoops, {out[1]}, {seq, h0, w, b, n});
  EXPECT_THAT(before_, HasSubstr("ConcatV2"));
  EXPECT_THAT(before_, HasSubstr("TensorListGetItem"));
  for (const char* gone : {"ConcatV2", "TensorListGetItem",
                           "TensorListFromTensor", "MatMul 'M", "BiasAdd '"}) {
    EXPECT_THAT(text, Not(HasSubstr(gone)));
  }
  EXPECT_THAT(text, HasSubstr("_PackMatrix 'MatMul'(feed 2)\n"));
  EXPECT_THAT(text, HasSubstr("_RowBuffer 'MatMul'(feed 0)\n"));
  EXPECT_THAT(text, HasSubstr("  _ProjectRow 'MatMul'(MatMul:0, "
                              "feed 0, MatMul:0, feed 3, "
                              "while variable 0)\n"));
  EXPECT_THAT(text, HasSubstr("  _Product 'MatMul'(while variable 1, "
                              "MatMul:0, MatMul:0)\n"));
  EXPECT_EQ(report_[0],
            "loops: 2 products with packed operands, 1 of them of many steps "
            "at once; 1 additions in products; 1 rows of lists without a copy");
}

TEST_F(LoopRewritesTest, RowsOfListsNeedNoCopy) {
  Output list = TensorListFromTensor(seq);
  const Outputs out = While(
      {Const(g, 0), h0}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        Output row = TensorListGetItem(list, v[0], DataType::kFloat, {-1, 3});
        return Outputs{v[0] + 1,
                       v[1] + Sum(row, {.axes = {1}, .keep_dims = true})};
      });
  const std::string text = After(RewriteLoops, {out[1]}, {seq, h0, n});
  EXPECT_THAT(text, HasSubstr("_Row 'TensorListGetItem'(feed 0, while "
                              "variable 0)\n"));
  ExpectSame({out[1]}, Feeds(5, 2));
}

TEST_F(LoopRewritesTest, GivesWhatTheLoopGives) {
  for (bool backwards : {false, true}) {
    const Outputs out = Cell(n, backwards);
    const Output all = TensorListStack(out[2], DataType::kFloat);
    for (int64_t time : {1, 2, 7, 300}) {
      for (int64_t batch : {1, 2, 5}) {
        ExpectSame({out[1], all}, Feeds(time, batch));
      }
    }
    ExpectSame({out[1]}, Feeds(0, 3));
    ExpectSame({out[1]}, Feeds(4, 0));
  }
}

// More rows than a block holds: see kernels/product.cc.
TEST_F(LoopRewritesTest, BlocksFollowEachOtherInBothDirections) {
  for (bool backwards : {false, true}) {
    const Output all = TensorListStack(Cell(n, backwards)[2], DataType::kFloat);
    ExpectSame({all}, Feeds(9000, 3), 1e-4);
  }
}

TEST_F(LoopRewritesTest, TransposesAroundTheLoopAreViews) {
  Output by_batch = Placeholder(g, "by_batch", DataType::kFloat, {-1, -1, 3});
  seq = Transpose(by_batch, {1, 0, 2});
  const Output all = TensorListStack(Cell(n)[2], DataType::kFloat);
  for (int64_t batch : {1, 2, 5}) {
    std::vector<Feed> feeds = Feeds(6, batch);
    feeds[0] = {by_batch, Random({batch, 6, 3})};
    ExpectSame({all}, feeds);
  }
}

TEST_F(LoopRewritesTest, AnIndexOutOfRangeIsAnError) {
  const Outputs out = Cell(n);
  std::vector<Feed> feeds = Feeds(3, 2);
  feeds[4] = {n, Tensor::Scalar<int32_t>(5)};
  EXPECT_THAT(TryRun(out[1], feeds),
              StatusIs(absl::StatusCode::kOutOfRange,
                       HasSubstr("index 3 must be in [0, 3)")));
}

// ---- StoreRows
// --------------------------------------------------------------

TEST_F(LoopRewritesTest, ListsThatLoopsFillAreTensors) {
  const Output all = TensorListStack(Cell(n, false, 5)[2], DataType::kFloat,
                                     TensorShape{5, 4});
  const std::string text = After(StoreRows, {all}, {seq, h0, w, b, n});
  EXPECT_THAT(before_, HasSubstr("TensorListSetItem"));
  EXPECT_THAT(before_, HasSubstr("TensorListStack"));
  for (const char* gone : {"TensorListSetItem '", "TensorListStack '",
                           "TensorListReserve '", "while variable 2"}) {
    EXPECT_THAT(text, Not(HasSubstr(gone)));
  }
  EXPECT_THAT(text, HasSubstr("_RowStore 'TensorListReserve'("));
  EXPECT_THAT(text,
              HasSubstr("  _SetRow 'TensorListSetItem'(TensorListReserve:0, "
                        "TensorListReserve:1, while variable 0, Mul:0)\n"));
  EXPECT_THAT(text, HasSubstr("_StoredRows 'TensorListStack'("
                              "TensorListReserve:0, TensorListReserve:1, "
                              "while:0)\n-> TensorListStack:0\n"));
  EXPECT_EQ(report_[0], "lists: 1 that loops fill are tensors");
}

TEST_F(LoopRewritesTest, ListsOfUnknownShapeStayLists) {
  const Output all = TensorListStack(Cell(n)[2], DataType::kFloat);
  After(StoreRows, {all}, {seq, h0, w, b, n});
  EXPECT_EQ(report_[0], "lists: 0 that loops fill are tensors");
}

TEST_F(LoopRewritesTest, RowsThatNoStepSetsAreZeros) {
  Output steps = Placeholder(g, "steps", DataType::kInt32, {});
  const Outputs out = While(
      {Const(g, 0), TensorListReserve(TensorShape{2}, n, DataType::kFloat)},
      [&](const Outputs& v) { return Less(v[0], steps); },
      [&](const Outputs& v) {
        Output row =
            Fill(Const(v[0].graph(), {2}), Cast(v[0] + 1, DataType::kFloat));
        return Outputs{v[0] + 1, TensorListSetItem(v[1], v[0] * 2, row)};
      });
  Output all = TensorListStack(out[1], DataType::kFloat);
  Output third = TensorListGetItem(out[1], Const(g, 2), DataType::kFloat, {2});
  const Tensor five = Tensor::Scalar<int32_t>(5);
  const std::vector<Tensor> values =
      weft::Run({all, third}, {{n, five}, {steps, Tensor::Scalar<int32_t>(2)}});
  EXPECT_THAT(values[0], TensorEq(Tensor::Of<float>(
                             {5, 2}, {1, 1, 0, 0, 2, 2, 0, 0, 0, 0})));
  EXPECT_THAT(values[1], TensorEq(Tensor::Vector<float>({2, 2})));
  // No step at all.
  EXPECT_THAT(
      weft::Run(all, {{n, five}, {steps, Tensor::Scalar<int32_t>(0)}}),
      TensorEq(Tensor::Of<float>({5, 2}, std::vector<float>(10, 0.0f))));
  EXPECT_THAT(TryRun(all, {{n, five}, {steps, Tensor::Scalar<int32_t>(4)}}),
              StatusIs(absl::StatusCode::kOutOfRange,
                       HasSubstr("index 6 must be in [0, 5)")));
  EXPECT_THAT(TryRun(all, {{n, Tensor::Scalar<int32_t>(-1)},
                           {steps, Tensor::Scalar<int32_t>(0)}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("num_elements is -1 but must be 0 or more")));
}

TEST_F(LoopRewritesTest, AListRunsAgainWithEveryOuterStep) {
  Output one = Const(g, 1);
  const Outputs out = While(
      {Const(g, 0), h0}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        Output list =
            TensorListReserve(TensorShape{2, 4}, v[0] + 1, DataType::kFloat);
        const Outputs inner = While(
            {Const(v[0].graph(), 0), v[1], list},
            [&](const Outputs& u) { return Less(u[0], v[0] + one); },
            [&](const Outputs& u) {
              Output h = Tanh(u[1] + 1.0);
              return Outputs{u[0] + 1, h, TensorListSetItem(u[2], u[0], h)};
            });
        return Outputs{
            v[0] + 1,
            Sum(TensorListStack(inner[2], DataType::kFloat), {.axes = {0}})};
      });
  ExpectSame({out[1]}, Feeds(4, 2));
}

TEST_F(LoopRewritesTest, WeightsThatChangeArePackedAgain) {
  Graph graph;
  Output input = Placeholder(graph, "input", DataType::kFloat, {1, 2});
  Variable weight(graph, {.name = "weight",
                          .shape = {2, 2},
                          .initial_value = Const(
                              graph, Tensor::Of<float>({2, 2}, {1, 0, 0, 1}))});
  const Outputs out = While(
      {Const(graph, 0), input},
      [&](const Outputs& v) { return Less(v[0], Const(v[0].graph(), 3)); },
      [&](const Outputs& v) {
        return Outputs{v[0] + 1, MatMul(v[1], weight.read())};
      });
  ASSERT_OK(graph.status());
  ASSERT_OK_AND_ASSIGN(auto session,
                       Session::Create(graph, {.num_threads = 1}));
  ASSERT_OK(session->Initialize());
  const Tensor value = Tensor::Of<float>({1, 2}, {1, 2});
  for (float factor : {1.0f, 2.0f, 3.0f}) {
    ASSERT_OK(session->SetVariable(
        "weight", Tensor::Of<float>({2, 2}, {factor, 0, 0, factor})));
    for (int run = 0; run < 2; ++run) {
      ASSERT_OK_AND_ASSIGN(auto result,
                           session->Run({{input, value}}, {out[1]}));
      const float cube = factor * factor * factor;
      EXPECT_THAT(result[0],
                  TensorEq(Tensor::Of<float>({1, 2}, {cube, 2 * cube})));
    }
  }
}

TEST_F(LoopRewritesTest, WeightsThatDependOnAFeedAreNotKept) {
  Graph graph;
  Output input = Placeholder(graph, "input", DataType::kFloat, {1, 2});
  Output chosen = Placeholder(graph, "chosen", DataType::kInt32, {2});
  Variable table(
      graph, {.name = "table",
              .shape = {3, 2},
              .initial_value =
                  Const(graph, Tensor::Of<float>({3, 2}, {1, 0, 0, 1, 5, 5}))});
  Output weight = ResourceGather(table, chosen);
  const Outputs out = While(
      {Const(graph, 0), input},
      [&](const Outputs& v) { return Less(v[0], Const(v[0].graph(), 1)); },
      [&](const Outputs& v) {
        return Outputs{v[0] + 1, MatMul(v[1], weight)};
      });
  ASSERT_OK(graph.status());
  ASSERT_OK_AND_ASSIGN(auto session,
                       Session::Create(graph, {.num_threads = 1}));
  ASSERT_OK(session->Initialize());
  const Tensor value = Tensor::Of<float>({1, 2}, {1, 2});
  const auto run = [&](int32_t a, int32_t b) {
    auto result = session->Run(
        {{input, value}, {chosen, Tensor::Vector<int32_t>({a, b})}}, {out[1]});
    EXPECT_OK(result.status());
    return result.ok() ? (*result)[0] : Tensor();
  };
  EXPECT_THAT(run(0, 1), TensorEq(Tensor::Of<float>({1, 2}, {1, 2})));
  EXPECT_THAT(run(1, 0), TensorEq(Tensor::Of<float>({1, 2}, {2, 1})));
  EXPECT_THAT(run(2, 2), TensorEq(Tensor::Of<float>({1, 2}, {15, 15})));
}

// The loop comes behind the assignment, and reads what that has left.
TEST_F(LoopRewritesTest, AReadBehindAWriteStaysThere) {
  Graph graph;
  Output input = Placeholder(graph, "input", DataType::kFloat, {1, 2});
  Output fresh = Placeholder(graph, "fresh", DataType::kFloat, {2, 2});
  Variable weight(graph, {.name = "weight",
                          .shape = {2, 2},
                          .initial_value = Const(
                              graph, Tensor::Of<float>({2, 2}, {1, 0, 0, 1}))});
  Node* assign = Assign(weight, fresh);
  Outputs out;
  {
    ControlScope behind(graph, {assign});
    out = While(
        {Const(graph, 0), input},
        [&](const Outputs& v) { return Less(v[0], Const(v[0].graph(), 2)); },
        [&](const Outputs& v) {
          return Outputs{v[0] + 1, MatMul(v[1], weight.read(v[0].graph()))};
        });
  }
  ASSERT_OK(graph.status());
  for (bool passes : {true, false}) {
    ASSERT_OK_AND_ASSIGN(
        auto session,
        Session::Create(graph, {.num_threads = 1, .passes = {passes}}));
    ASSERT_OK(session->Initialize());
    for (float factor : {2.0f, 3.0f}) {
      ASSERT_OK_AND_ASSIGN(
          auto result,
          session->Run(
              {{input, Tensor::Of<float>({1, 2}, {1, 2})},
               {fresh, Tensor::Of<float>({2, 2}, {factor, 0, 0, factor})}},
              {out[1]}));
      EXPECT_THAT(result[0],
                  TensorEq(Tensor::Of<float>(
                      {1, 2}, {factor * factor, 2 * factor * factor})))
          << passes;
    }
  }
}

}  // namespace
}  // namespace weft
