// Lists that loops fill, counters, and what is joined and split on the way: a
// graph before and after, and what it computes.
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
#include "tests/runtime/loop_rewrites_testing.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// ---- StoreRows --------------------------------------------------------------

TEST_F(LoopRewritesTest, ListsThatLoopsFillAreTensors) {
  const Output all = TensorListStack(Cell(n, false, 5)[2], DataType::kFloat,
                                     TensorShape{5, 4});
  const std::string text = After(StoreAllRows, {all}, {seq, h0, w, b, n});
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

TEST_F(LoopRewritesTest, RowsArePutWhereTheirTransposeWantsThem) {
  const Output all = TensorListStack(Cell(n, false, 5)[2], DataType::kFloat,
                                     TensorShape{5, 4});
  const Output by_batch = Transpose(all, {1, 0, 2});
  const std::string text = After(StoreAllRows, {by_batch}, {seq, h0, w, b, n});
  EXPECT_THAT(before_, HasSubstr("Transpose 'Transpose'("));
  EXPECT_THAT(text, Not(HasSubstr("Transpose 'Transpose'(")));
  EXPECT_THAT(text, HasSubstr("_StoredRows 'TensorListStack'("
                              "TensorListReserve:0, TensorListReserve:1, "
                              "while:0)\n-> TensorListStack:0\n"));
  for (int64_t time : {1, 2, 7}) ExpectSame({by_batch}, Feeds(time, 5));
  // Who wants both gets both.
  ExpectSame({by_batch, all}, Feeds(3, 5));
  ExpectSame({by_batch, Transpose(all, {2, 0, 1})}, Feeds(3, 5));
}

TEST_F(LoopRewritesTest, RowsOfUnknownShapeAreLikeTheFirst) {
  const Output all = TensorListStack(Cell(count)[2], DataType::kFloat);
  After(StoreRowsOfKnownShape, {all}, {seq, h0, w, b, counted});
  EXPECT_EQ(report_[0], "lists: 0 that loops fill are tensors");
  After(StoreAllRows, {all}, {seq, h0, w, b, counted});
  EXPECT_EQ(report_[0], "lists: 1 that loops fill are tensors");
  for (int64_t time : {1, 2, 7}) ExpectSame({all}, Feeds(time, 5));
  ExpectSame({all}, Feeds(3, 0));
}

// The plan without rows is run then.
TEST_F(LoopRewritesTest, RowsMayTurnOutToDiffer) {
  const Outputs out = While(
      {Const(g, 0),
       TensorListReserve(TensorShape{-1}, count, DataType::kInt32)},
      [&](const Outputs& v) { return Less(v[0], count); },
      [&](const Outputs& v) {
        const Output row =
            Range(Const(v[0].graph(), 0), v[0] + 1, Const(v[0].graph(), 1));
        return Outputs{v[0] + 1, TensorListSetItem(v[1], v[0], row)};
      });
  const Output joined = TensorListConcat(out[1], DataType::kInt32).tensor;
  After(StoreAllRows, {joined}, {counted});
  EXPECT_EQ(report_[0], "lists: 1 that loops fill are tensors");
  EXPECT_THAT(weft::Run(joined, {{counted, Random({3})}}),
              TensorEq(Tensor::Vector<int32_t>({0, 0, 1, 0, 1, 2})));
}

TEST_F(LoopRewritesTest, ElementsHaveToFitTheListAllTheSame) {
  const Outputs out = While(
      {Const(g, 0), TensorListReserve(TensorShape{-1, 3}, n, DataType::kFloat)},
      [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        return Outputs{v[0] + 1, TensorListSetItem(v[1], v[0], x)};
      });
  const Output all =
      TensorListStack(out[1], DataType::kFloat, TensorShape::UnknownRank());
  EXPECT_THAT(
      TryRun(all, {{n, Tensor::Scalar<int32_t>(2)}, {x, Random({2, 4})}}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("the element is [2, 4] but the list's are [?, 3]")));
}

// The memory of rows is that of one type.
TEST_F(LoopRewritesTest, ElementsAreOfTheTypeOfTheList) {
  auto fill = [&](DataType type) {
    return While(
        {Const(g, 0), TensorListReserve(TensorShape{-1, 4}, n, type), h0},
        [&](const Outputs& v) { return Less(v[0], n); },
        [&](const Outputs& v) {
          const Output h = Tanh(v[2]);
          return Outputs{v[0] + 1, TensorListSetItem(v[1], v[0], h), h};
        })[1];
  };
  const Output floats = fill(DataType::kFloat);
  const Outputs reads = {
      TensorListStack(floats, DataType::kDouble),
      TensorListGetItem(floats, Const(g, 0), DataType::kDouble),
      TensorListConcat(floats, DataType::kDouble).tensor};
  const std::vector<Feed> feeds = {{h0, Random({2, 4})},
                                   {n, Tensor::Scalar<int32_t>(2)}};
  for (const Output& read : reads) {
    EXPECT_THAT(TryRun(read, feeds),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("the list holds float32 but element_dtype "
                                   "is float64")));
  }
  EXPECT_THAT(
      TryRun(TensorListStack(fill(DataType::kDouble), DataType::kDouble),
             feeds),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("the element is float32 but the list's are "
                         "float64")));
}

// What something waits for runs all the same, and needs the list.
TEST_F(LoopRewritesTest, ListsThatAreWaitedForStayLists) {
  for (bool swapped : {false, true}) {
    const Outputs out = While(
        {Const(g, 0), h0, EmptyTensorList(g, {2, 4}, DataType::kFloat)},
        [&](const Outputs& v) { return Less(v[0], n); },
        [&](const Outputs& v) {
          const Output h = Tanh(v[1]);
          return Outputs{v[0] + 1, h, TensorListPushBack(v[2], h)};
        });
    Output all = TensorListStack(out[2], DataType::kFloat,
                                 TensorShape::UnknownRank(), 3);
    if (swapped) all = Transpose(all, {1, 0, 2});
    Output behind;
    {
      ControlScope scope(g, {all.node()});
      behind = Identity(out[1]);
    }
    const std::vector<Feed> feeds = {{h0, Random({2, 4})},
                                     {n, Tensor::Scalar<int32_t>(3)}};
    ExpectSame({behind}, feeds);
    ExpectSame({behind, all}, feeds);
    ASSERT_OK_AND_ASSIGN(const auto session, Session::Create(g));
    EXPECT_OK(session->Run(feeds, {out[1]}, {all.node()->name()}).status());
  }
}

// ---- CountLoops, and lists to which loops add -------------------------------

TEST_F(LoopRewritesTest, WhatIsAddedToAListIsARow) {
  const Outputs out = While(
      {Const(g, 0), h0, EmptyTensorList(g, {-1, 4}, DataType::kFloat)},
      [&](const Outputs& v) { return Less(v[0], count, "less"); },
      [&](const Outputs& v) {
        const Output h = Tanh(v[1] + 1.0, "h");
        return Outputs{v[0] + 1, h, TensorListPushBack(v[2], h)};
      });
  const Output all = TensorListStack(out[2], DataType::kFloat);
  const Output third =
      TensorListGetItem(out[2], Const(g, 2), DataType::kFloat, {-1, 4});
  const Output joined = TensorListConcat(out[2], DataType::kFloat).tensor;
  const Output length = TensorListLength(out[2]);
  const std::string text =
      After(StoreAllRows, {all, third, joined, length}, {h0, counted});
  EXPECT_THAT(before_, HasSubstr("TensorListPushBack"));
  for (const char* gone :
       {"TensorListPushBack '", "EmptyTensorList '", "TensorListStack '",
        "TensorListGetItem '", "TensorListConcatV2 '", "TensorListLength '"}) {
    EXPECT_THAT(text, Not(HasSubstr(gone)));
  }
  EXPECT_THAT(text, HasSubstr("  _SetRow 'TensorListPushBack'("));
  EXPECT_THAT(text, HasSubstr("_Row 'TensorListGetItem'("));
  EXPECT_THAT(text, HasSubstr("_Joined 'TensorListConcatV2'("));
  EXPECT_EQ(report_[0], "lists: 1 that loops fill are tensors");
  const std::vector<Feed> feeds = {{h0, Random({2, 4})},
                                   {counted, Random({5})}};
  ExpectSame({all, third, joined, length}, feeds);
  EXPECT_THAT(TryRun(third, {{h0, Random({2, 4})}, {counted, Random({2})}}),
              StatusIs(absl::StatusCode::kOutOfRange,
                       HasSubstr("index 2 must be in [0, 2)")));
}

// There is memory for as many elements as there may be, but only those are read
// that are there.
TEST_F(LoopRewritesTest, HowManyAreAddedMayOnlyBeBounded) {
  for (bool knows_shape : {false, true}) {
    Output h = knows_shape ? Placeholder(g, "h", DataType::kFloat, {2, 4}) : h0;
    const Outputs out = While(
        {Const(g, 0), h, EmptyTensorList(g, h.shape(), DataType::kFloat)},
        [&](const Outputs& v) {
          return LogicalAnd(Less(v[0], n), Less(v[0], count));
        },
        [&](const Outputs& v) {
          const Output next = Tanh(v[1] + 1.0);
          return Outputs{v[0] + 1, next, TensorListPushBack(v[2], next)};
        });
    const Output all = TensorListStack(out[2], DataType::kFloat);
    const Output third =
        TensorListGetItem(out[2], Const(g, 2), DataType::kFloat, {-1, 4});
    const Output joined = TensorListConcat(out[2], DataType::kFloat).tensor;
    const Output length = TensorListLength(out[2]);
    const Outputs reads = {all, joined, length, third};
    const std::string text = After(StoreAllRows, reads, {h, n, counted});
    EXPECT_EQ(report_[0], "lists: 1 that loops fill are tensors");
    EXPECT_EQ(text.find("_FirstRows 'TensorListStack'(") != text.npos,
              !knows_shape)
        << text;
    auto feeds = [&](int32_t limit, int64_t most) {
      return std::vector<Feed>{{h, Random({2, 4})},
                               {n, Tensor::Scalar<int32_t>(limit)},
                               {counted, Random({most})}};
    };
    ExpectSame(reads, feeds(3, 5));
    ExpectSame(reads, feeds(5, 3));
    ExpectSame({length}, feeds(0, 5));
    EXPECT_THAT(TryRun(third, feeds(2, 5)),
                StatusIs(absl::StatusCode::kOutOfRange,
                         HasSubstr("index 2 must be in [0, 2)")));
    // The plan without rows is not needed for any of that.
    ASSERT_OK_AND_ASSIGN(const auto session, Session::Create(g));
    ASSERT_OK_AND_ASSIGN(
        const auto callable,
        session->Prepare(
            {{h.name(), n.name(), counted.name()}, {joined.name()}, {}}));
    std::vector<Tensor> values;
    ASSERT_OK(callable->Run(
        {Random({2, 4}), Tensor::Scalar<int32_t>(3), Random({5})}, &values));
    EXPECT_THAT(callable->DescribePlan(),
                HasSubstr("lists: 1 that loops fill are tensors"));
  }
}

// A list whose elements have to have a known shape when it is laid out, but may
// be any number, stays one.
TEST_F(LoopRewritesTest, ListsOfAnyNumberStayLists) {
  const Outputs reserved = Cell(n);
  const Outputs pushed = While(
      {Const(g, 0), h0, EmptyTensorList(g, {-1, 4}, DataType::kFloat)},
      [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        const Output h = Tanh(v[1]);
        return Outputs{v[0] + 1, h, TensorListPushBack(v[2], h)};
      });
  const Outputs all = {TensorListStack(reserved[2], DataType::kFloat),
                       TensorListStack(pushed[2], DataType::kFloat)};
  After(StoreAllRows, all, {seq, h0, w, b, n});
  EXPECT_EQ(report_[0], "lists: 0 that loops fill are tensors");
  ExpectSame(all, Feeds(3, 2));
}

// How many elements there will be is not known.
TEST_F(LoopRewritesTest, ListsOfOtherLoopsStayLists) {
  const Outputs out = While(
      {Const(g, 0), h0, EmptyTensorList(g, {-1, 4}, DataType::kFloat)},
      [&](const Outputs& v) {
        return Less(Sum(v[1], {.axes = {0, 1}}), Const(g, 3.0f));
      },
      [&](const Outputs& v) {
        const Output h = v[1] + 1.0;
        return Outputs{v[0] + 1, h, TensorListPushBack(v[2], h)};
      });
  const Output all = TensorListStack(out[2], DataType::kFloat);
  After(StoreAllRows, {all}, {h0});
  EXPECT_EQ(report_[0], "lists: 0 that loops fill are tensors");
  ExpectSame({all}, {{h0, Random({1, 4})}});
}

TEST_F(LoopRewritesTest, CountersAreKnownBeforeTheirLoops) {
  const Output m = Placeholder(g, "m", DataType::kInt32, {});
  const Outputs out = While(
      {Const(g, 0), Const(g, 3), Const(g, 7)},
      [&](const Outputs& v) {
        return LogicalAnd(Less(v[0], n), Greater(m, v[1]));
      },
      [&](const Outputs& v) {
        return Outputs{v[0] + 1, v[1] + 1, v[2] - 1};
      },
      {.name = "counting"});
  const std::string text = After(CountLoops, out, {n, m});
  EXPECT_THAT(before_, HasSubstr("cond of counting:"));
  EXPECT_THAT(text, Not(HasSubstr("cond of counting:")));
  EXPECT_EQ(report_[0], "counters: 3 known before their loops");
  for (int32_t a : {-2, 0, 1, 4, 9}) {
    for (int32_t b : {-2, 2, 3, 4, 9}) {
      ExpectSame(out, {{n, Tensor::Scalar<int32_t>(a)},
                       {m, Tensor::Scalar<int32_t>(b)}});
    }
  }
}

TEST_F(LoopRewritesTest, OneComparisonTellsWhetherALoopGoesOn) {
  const Output m = Placeholder(g, "m", DataType::kInt32, {});
  const auto loop = [&](int first, int second) {
    return While(
        {Const(g, first), Const(g, second), x},
        [&](const Outputs& v) {
          return LogicalAnd(Less(v[0], n), Greater(m, v[1]));
        },
        [&](const Outputs& v) {
          return Outputs{v[0] + 1, v[1] + 1, v[2] * 2.0};
        },
        {.name = "counting"})[2];
  };
  const Output out = loop(0, 0);
  const std::string text = After(CountLoops, {out}, {x, n, m});
  EXPECT_THAT(before_, HasSubstr("LogicalAnd"));
  EXPECT_THAT(text, Not(HasSubstr("LogicalAnd")));
  EXPECT_THAT(text, HasSubstr("Less 'counting'(counting variable 0, "));
  EXPECT_EQ(report_[1], "conditions: 1 of several counters are one");
  for (int32_t a : {INT32_MIN, -2, 0, 3, 9}) {
    for (int32_t b : {INT32_MIN, -2, 0, 1, 9}) {
      ExpectSame({out}, {{x, Random({2, 4})},
                         {n, Tensor::Scalar<int32_t>(a)},
                         {m, Tensor::Scalar<int32_t>(b)}});
    }
  }
  // Not all begin at zero.
  After(CountLoops, {loop(3, 0)}, {x, n, m});
  EXPECT_EQ(report_[1], "conditions: 0 of several counters are one");
}

TEST_F(LoopRewritesTest, OtherVariablesAreNoCounters) {
  const Outputs out = While(
      {Const(g, 0), Const(g, 1), Const(g, 9)},
      [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        return Outputs{v[0] + 2, v[1] * 2, v[0] - 1};
      });
  After(CountLoops, out, {n});
  EXPECT_EQ(report_[0], "counters: 0 known before their loops");
  ExpectSame(out, {{n, Tensor::Scalar<int32_t>(5)}});
  // The bound moves, or the counter moves away from it.
  const Outputs moving = While(
      {Const(g, 0), n}, [&](const Outputs& v) { return Less(v[0], v[1]); },
      [&](const Outputs& v) {
        return Outputs{v[0] + 1, v[1] - 1};
      });
  After(CountLoops, moving, {n});
  EXPECT_EQ(report_[0], "counters: 0 known before their loops");
  ExpectSame(moving, {{n, Tensor::Scalar<int32_t>(5)}});
}

// What is joined is put together in its row, and taken from there.
TEST_F(LoopRewritesTest, PartsOfARowArePutSideBySide) {
  const Output two = Placeholder(g, "two", DataType::kFloat, {4, 7});
  const Outputs out = While(
      {Const(g, 0), h0,
       TensorListReserve(TensorShape{-1, 7}, count, DataType::kFloat)},
      [&](const Outputs& v) { return Less(v[0], count); },
      [&](const Outputs& v) {
        const Output h = Tanh(v[1]);
        const Output row =
            Concat({h, Slice(v[1], {0, 0}, {-1, 3})}, 1, "joined");
        return Outputs{v[0] + 1, MatMul(row, two, {.transpose_b = true}),
                       TensorListSetItem(v[2], v[0], row)};
      });
  const Output all = TensorListStack(out[2], DataType::kFloat);
  const std::string text =
      After(StoreAllRows, {all, out[1]}, {h0, two, counted});
  EXPECT_THAT(before_, HasSubstr("ConcatV2 'joined'("));
  EXPECT_THAT(text, Not(HasSubstr("ConcatV2 'joined'(")));
  EXPECT_THAT(text, HasSubstr("MatMul 'MatMul'(TensorListSetItem:0"));
  ExpectSame(
      {all, out[1]},
      {{h0, Random({3, 4})}, {two, Random({4, 7})}, {counted, Random({4})}});
}

// Where a row is put may depend on it.
TEST_F(LoopRewritesTest, PartsOfARowMayTellItsIndex) {
  const Outputs out = While(
      {Const(g, 0), h0,
       TensorListReserve(TensorShape{-1, 8}, count, DataType::kFloat)},
      [&](const Outputs& v) { return Less(v[0], count); },
      [&](const Outputs& v) {
        const Output h = Tanh(v[1]);
        const Output row = Concat({h, v[1]}, 1);
        const Output last = Cast(Max(Abs(row)) * 0.0, DataType::kInt32) + count;
        return Outputs{v[0] + 1, h,
                       TensorListSetItem(v[2], last - 1 - v[0], row)};
      });
  const Output all = TensorListStack(out[2], DataType::kFloat);
  After(StoreAllRows, {all}, {h0, counted});
  EXPECT_EQ(report_[0], "lists: 1 that loops fill are tensors");
  ExpectSame({all}, {{h0, Random({2, 4})}, {counted, Random({3})}});
}

// The state is a row that the next step overwrites while it reads the state.
TEST_F(LoopRewritesTest, ARowMayBeSetAgainAndAgain) {
  Output wide = Placeholder(g, "wide", DataType::kFloat, {-1, 8});
  const Outputs out = While(
      {Const(g, 0), wide, wide,
       TensorListReserve(TensorShape{-1, 8}, count, DataType::kFloat)},
      [&](const Outputs& v) { return Less(v[0], count); },
      [&](const Outputs& v) {
        const Outputs parts = Split(v[1], 2, 1);
        const Output row = Concat({Tanh(parts[0] + 1.0), Sigmoid(parts[1])}, 1);
        const Output sum = v[2] + (row - v[1]) * (row + v[1]);
        const Output first = Const(v[0].graph(), 0);
        return Outputs{v[0] + 1, row, sum, TensorListSetItem(v[3], first, row)};
      });
  const Output all = TensorListStack(out[3], DataType::kFloat);
  After(StoreAllRows, {all}, {wide, counted});
  EXPECT_EQ(report_[0], "lists: 1 that loops fill are tensors");
  ExpectSame({all, out[1], out[2]},
             {{wide, Random({2, 8})}, {counted, Random({5})}});
}

// ---- JoinLast, SplitFirst ---------------------------------------------------

void JoinAndStore(PlanGraph* graph, PassReport* report) {
  JoinLast(graph, report);
  Tidy(graph);
  StoreAllRows(graph, report);
}

TEST_F(LoopRewritesTest, JoinedPartsAreComputedApart) {
  const Outputs out = While(
      {Const(g, 0), h0,
       TensorListReserve(TensorShape{-1, 8}, count, DataType::kFloat)},
      [&](const Outputs& v) { return Less(v[0], count); },
      [&](const Outputs& v) {
        const Output whole = Exp(Concat({v[1], v[1]}, 1)) * 0.5;
        const Output dz = SigmoidGrad(
            whole, Concat({Tanh(v[1]), v[1] * 2.0}, 1, "joined"), "dz");
        return Outputs{v[0] + 1, Tanh(v[1]), TensorListSetItem(v[2], v[0], dz)};
      });
  const Output all = TensorListStack(out[2], DataType::kFloat);
  const std::string text = After(JoinAndStore, {all}, {h0, counted});
  EXPECT_THAT(before_, HasSubstr("SigmoidGrad 'dz'(Mul:0, joined:0)"));
  EXPECT_THAT(report_[0], HasSubstr(" elementwise nodes moved before one"));
  EXPECT_THAT(report_[0], Not(HasSubstr("joins: 0")));
  EXPECT_THAT(text, Not(HasSubstr("ConcatV2 'joined'(")));
  for (int64_t batch : {0, 1, 3}) {
    ExpectSame({all}, {{h0, Random({batch, 4})}, {counted, Random({4})}});
  }
}

TEST_F(LoopRewritesTest, OtherJoinsStay) {
  // Used twice; of different sizes; along the batch.
  const Output a = Concat({x, y}, 1);
  const Output b = Concat({x, Slice(y, {0, 0}, {-1, 2})}, 1);
  const Output c = Concat({x, y}, 0);
  const Outputs out = {Tanh(a) + a, Tanh(b), Tanh(c)};
  After(JoinLast, out, {x, y});
  EXPECT_EQ(report_[0], "joins: 0 elementwise nodes moved before one");
  ExpectSame(out, {{x, Random({3, 4})}, {y, Random({3, 4})}});
}

TEST_F(LoopRewritesTest, JoinedPartsMayBeRepeated) {
  const Output one = Placeholder(g, "one", DataType::kFloat, {1, 2});
  const Output known = Placeholder(g, "known", DataType::kFloat, {5, 4});
  const Output joined = Concat({one, Tanh(one)}, 1);
  const Outputs out = {joined * known, joined * y, Tanh(joined) - known};
  After(JoinLast, {out[1]}, {one, y});
  EXPECT_EQ(report_[0], "joins: 1 elementwise nodes moved before one");
  const std::vector<Feed> feeds = {
      {one, Random({1, 2})}, {known, Random({5, 4})}, {y, Random({3, 4})}};
  for (const Output& result : out) ExpectSame({result}, feeds);
}

// Gates that are saved for the gradient, too, are split before, and their parts
// are saved.
TEST_F(LoopRewritesTest, WhatIsSplitAndStoredIsSplitFirst) {
  const Outputs out = While(
      {Const(g, 0), h0,
       TensorListReserve(TensorShape{-1, 8}, count, DataType::kFloat)},
      [&](const Outputs& v) { return Less(v[0], count); },
      [&](const Outputs& v) {
        const Output gates = Sigmoid(MatMul(v[1], w8), "gates");
        const Outputs parts = Split(gates, 2, 1);
        return Outputs{v[0] + 1, parts[0] * v[1] + parts[1],
                       TensorListSetItem(v[2], v[0], gates)};
      });
  const Output all = TensorListStack(out[2], DataType::kFloat);
  After(
      [](PlanGraph* graph, PassReport* report) {
        StoreAllRows(graph, report);
        Tidy(graph);
        SplitFirst(graph, report);
      },
      {all, out[1]}, {h0, w8, counted});
  EXPECT_EQ(report_[1], "splits: 1 elementwise nodes moved behind one");
  for (int64_t batch : {0, 1, 3}) {
    ExpectSame({all, out[1]}, {{h0, Random({batch, 4})},
                               {w8, Random({4, 8})},
                               {counted, Random({4})}});
  }
}

TEST_F(LoopRewritesTest, PartsMayBeSplitInTurn) {
  const Output z = Placeholder(g, "z", DataType::kFloat, {-1, 1 << 7});
  Outputs halves, parts = {Sigmoid(z)};
  for (int depth = 0; depth < 7; ++depth) {
    parts = Split(parts[0], 2, 1);
    halves.push_back(Tanh(parts[1]));
  }
  After(SplitFirst, halves, {z});
  EXPECT_EQ(report_[0], "splits: 7 elementwise nodes moved behind one");
  ExpectSame(halves, {{z, Random({3, 1 << 7})}});
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
  EXPECT_THAT(
      weft::Run(Transpose(all, {1, 0}),
                {{n, five}, {steps, Tensor::Scalar<int32_t>(2)}}),
      TensorEq(Tensor::Of<float>({2, 5}, {1, 0, 2, 0, 0, 1, 0, 2, 0, 0})));
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

}  // namespace
}  // namespace weft
