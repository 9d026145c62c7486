// Products in loops: a graph before and after, and what it computes.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/list_concat.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "tests/runtime/loop_rewrites_testing.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// ---- RewriteLoops -----------------------------------------------------------

TEST_F(LoopRewritesTest, ProductsOfStepsAreMadeAtOnce) {
  const Outputs out = Cell(n);
  const std::string text = After(RewriteProducts, {out[1]}, {seq, h0, w, b, n});
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
            "at once; 1 additions in products; 0 narrowed to the columns in "
            "use; 1 rows of lists without a copy");
}

// Files do not tell the shapes of a body's arguments.
TEST_F(LoopRewritesTest, OnePartOfAProductMayBeOfUnknownWidth) {
  h0 = Placeholder(g, "state", DataType::kFloat, TensorShape::UnknownRank());
  const Outputs out = Cell(n);
  After(RewriteProducts, {out[1]}, {seq, h0, w, b, n});
  EXPECT_THAT(report_[0], HasSubstr("loops: 2 products with packed operands, 1 "
                                    "of them of many steps at once"));
  std::vector<Feed> feeds = Feeds(3, 2);
  ExpectSame({out[1]}, feeds);
  // It has to fit when it is known.
  feeds[1] = {h0, Random({2, 5})};
  EXPECT_THAT(TryRun(out[1], feeds),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a is [2, 5] but must be [m, k = 4]")));
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
  const std::string text = After(RewriteProducts, {out[1]}, {seq, h0, n});
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
TEST_F(LoopRewritesTest, ColumnsThatNobodyUsesAreNotComputed) {
  for (bool even : {false, true}) {
    const Outputs out = While(
        {Const(g, 0), h0}, [&](const Outputs& v) { return Less(v[0], n); },
        [&](const Outputs& v) {
          const Output product = MatMul(v[1], w8);
          const Output part =
              even ? Split(product, 2, 1)[1] : SplitV(product, {3, 4, 1}, 1)[1];
          return Outputs{v[0] + 1, Tanh(part)};
        });
    After(RewriteProducts, {out[1]}, {h0, w8, n});
    EXPECT_THAT(report_[0], HasSubstr("1 narrowed to the columns in use"));
    ExpectSame({out[1]}, {{h0, Random({3, 4})},
                          {w8, Random({4, 8})},
                          {n, Tensor::Scalar<int32_t>(4)}});
  }
}

TEST_F(LoopRewritesTest, ColumnsInUseAreComputed) {
  const Outputs out = While(
      {Const(g, 0), h0}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        const Outputs parts = Split(MatMul(v[1], w8), 2, 1);
        return Outputs{v[0] + 1, Tanh(parts[0]) * parts[1]};
      });
  After(RewriteProducts, {out[1]}, {h0, w8, n});
  EXPECT_THAT(report_[0], HasSubstr("0 narrowed to the columns in use"));
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
