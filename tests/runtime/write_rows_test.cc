// Programs that write rows: a graph before and after, and what it computes.
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
#include "ops/source.h"
#include "tests/runtime/loop_rewrites_testing.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

void Fuse(PlanGraph* graph, PassReport* report) {
  StoreAllRows(graph, report);
  Tidy(graph);
  FusePointwise(graph, report);
  Tidy(graph);
  report->clear();
  WriteRows(graph, report);
}

class WriteRowsTest : public LoopRewritesTest {
 protected:
  // So many steps: body(step, state) gives the next state and what is kept of
  // the step. All that is kept, and the last state.
  template <typename Body>
  Outputs Keep(int steps, Output state, const TensorShape& kept, Body body) {
    const Output limit = Const(g, steps);
    const Outputs out = While(
        {Const(g, 0), state, TensorListReserve(kept, limit, type_)},
        [&](const Outputs& v) { return Less(v[0], limit); },
        [&](const Outputs& v) {
          const auto [next, item] = body(v[0], v[1]);
          return Outputs{v[0] + 1, next, TensorListSetItem(v[2], v[0], item)};
        });
    return {TensorListStack(out[2], type_), out[1]};
  }

  DataType type_ = DataType::kFloat;
};

TEST_F(WriteRowsTest, ResultsThatAreRowsAreWrittenThere) {
  const Outputs out = Keep(3, h0, {-1, 4}, [&](Output, Output h) {
    const Output next = Tanh(h * 2.0 + 0.1, "next");
    return std::make_pair(h + 1.0, next);
  });
  const std::string text = After(Fuse, out, {h0});
  EXPECT_EQ(report_[0], "rows: 1 results of programs are written there");
  // The result goes nowhere else.
  EXPECT_THAT(
      text, HasSubstr("_Pointwise 'next'(while variable 1, Const:0, Const_1:0, "
                      "TensorListReserve:0, while variable 0)\n"
                      "  _SetRow 'TensorListSetItem'(TensorListReserve:0, "
                      "TensorListReserve:1, while variable 0, next:0)\n"
                      "  -> Add_2:0, Add_1:0\n"));
  for (int64_t batch : {0, 1, 5})
    ExpectAllSame(out, {{h0, Random({batch, 4})}});
}

TEST_F(WriteRowsTest, WhatIsUsedElsewhereIsWrittenTwice) {
  const Outputs out = Keep(3, h0, {-1, 4}, [&](Output, Output h) {
    const Output next = Tanh(h * 2.0 + 0.1, "next");
    return std::make_pair(next, next);
  });
  const std::string text = After(Fuse, out, {h0});
  EXPECT_EQ(report_[0], "rows: 1 results of programs are written there");
  EXPECT_THAT(text,
              HasSubstr("_SetRow 'TensorListSetItem'(TensorListReserve:0, "
                        "TensorListReserve:1, while variable 0, next:1)\n"
                        "  -> Add_1:0, next:0\n"));
  for (int64_t batch : {0, 1, 5, 40})
    ExpectAllSame(out, {{h0, Random({batch, 4})}});
}

TEST_F(WriteRowsTest, RowsAlongTheSecondAxisStandApart) {
  for (int64_t units : {1, 3, 16, 70}) {
    const Output state = Placeholder(g, "s", DataType::kFloat, {6, units});
    const Outputs out = Keep(4, state, {6, units}, [&](Output, Output h) {
      const Output next = Tanh(h * 2.0 + 0.1);
      return std::make_pair(next, next);
    });
    ExpectAllSame({Transpose(out[0], {1, 0, 2}), out[1]},
                  {{state, Random({6, units})}});
  }
}

TEST_F(WriteRowsTest, PartsOfARowAreWrittenSideBySide) {
  const Output state = Placeholder(g, "s", DataType::kFloat, {-1, 20});
  const Output other = Placeholder(g, "o", DataType::kFloat, {-1, 3});
  const Outputs out = Keep(3, state, {-1, 43}, [&](Output, Output h) {
    const Output a = Sigmoid(h + 1.0, "a");
    const Output c = Tanh(MatMul(a, Const(g, Random({20, 20}))), "c");
    return std::make_pair(c, Concat({a, other, c}, 1));
  });
  After(Fuse, out, {state, other});
  EXPECT_EQ(report_[0], "rows: 2 results of programs are written there");
  for (int64_t batch : {0, 1, 2, 33}) {
    ExpectAllSame(out,
                  {{state, Random({batch, 20})}, {other, Random({batch, 3})}});
  }
}

TEST_F(WriteRowsTest, ElementsThatAreNotAMatrix) {
  const Output scalar = Placeholder(g, "scalar", DataType::kFloat, {});
  const Output cube = Placeholder(g, "cube", DataType::kFloat, {2, 3, 5});
  const auto step = [](Output, Output h) {
    const Output next = Tanh(h * 2.0 + 0.1);
    return std::make_pair(next, next);
  };
  const Outputs scalars = Keep(3, scalar, {}, step);
  const Outputs cubes = Keep(3, cube, {2, 3, 5}, step);
  ExpectAllSame({scalars[0], cubes[0], Transpose(cubes[0], {1, 0, 2, 3})},
                {{scalar, Random({})}, {cube, Random({2, 3, 5})}});
}

TEST_F(WriteRowsTest, Doubles) {
  type_ = DataType::kDouble;
  const Output state = Placeholder(g, "s", DataType::kDouble, {-1, 5});
  const Outputs out = Keep(3, state, {-1, 5}, [&](Output, Output h) {
    const Output next = Tanh(h * 2.0 + 0.1);
    return std::make_pair(next, next);
  });
  ExpectSame(out,
             {{state, Tensor::Of<double>({2, 5}, {0.1, 0.2, 0.3, 0.4, 0.5, -0.1,
                                                  -0.2, -0.3, -0.4, -0.5})}},
             1e-14);
}

// How many rows there are is not known before running.
TEST_F(WriteRowsTest, ProgramsNeedNotKnowTheRows) {
  const Outputs cell = Cell(n, false, 5);
  const Output all = TensorListStack(cell[2], DataType::kFloat);
  After(Fuse, {all, cell[1]}, {seq, h0, w, b, n});
  EXPECT_EQ(report_[0], "rows: 1 results of programs are written there");
  for (int64_t time : {0, 1, 4}) ExpectAllSame({cell[1]}, Feeds(time, 5));
  for (int64_t time : {1, 4}) ExpectAllSame({all, cell[1]}, Feeds(time, 5));
}

TEST_F(WriteRowsTest, ARowHasToBeThere) {
  const Output limit = Const(g, 3);
  const Outputs out = While(
      {Const(g, 0), h0,
       TensorListReserve(TensorShape{2, 4}, Const(g, 2), DataType::kFloat)},
      [&](const Outputs& v) { return Less(v[0], limit); },
      [&](const Outputs& v) {
        const Output h = Tanh(v[1] * 2.0);
        return Outputs{v[0] + 1, h, TensorListSetItem(v[2], v[0], h)};
      });
  const Output all = TensorListStack(out[2], DataType::kFloat);
  After(Fuse, {all}, {h0});
  EXPECT_EQ(report_[0], "rows: 1 results of programs are written there");
  EXPECT_THAT(TryRun(all, {{h0, Random({2, 4})}}),
              StatusIs(absl::StatusCode::kOutOfRange,
                       HasSubstr("_SetRow 'TensorListSetItem': index 2 must be "
                                 "in [0, 2)")));
}

TEST_F(WriteRowsTest, ElementsHaveToFitTheirRow) {
  const Outputs out = Keep(2, x, {2, 3}, [&](Output, Output h) {
    const Output next = Tanh(h * 2.0);
    return std::make_pair(next, next);
  });
  EXPECT_THAT(TryRun(out[0], {{x, Random({2, 4})}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the element is [2, 4] but the list's are "
                                 "[2, 3]")));
}

// The index has to be there before the program.
TEST_F(WriteRowsTest, WhereARowGoesMayFollowFromIt) {
  const Output vector = Placeholder(g, "v", DataType::kFloat, {1});
  const Output limit = Const(g, 2);
  const Outputs out = While(
      {Const(g, 0), vector,
       TensorListReserve(TensorShape{1}, limit, DataType::kFloat)},
      [&](const Outputs& v) { return Less(v[0], limit); },
      [&](const Outputs& v) {
        const Output h = Abs(Neg(v[1] - 1.0));
        const Output at = Squeeze(Cast(h, DataType::kInt32));
        return Outputs{v[0] + 1, h, TensorListSetItem(v[2], at, h)};
      });
  const Output all = TensorListStack(out[2], DataType::kFloat);
  After(Fuse, {all}, {vector});
  EXPECT_EQ(report_[0], "rows: 0 results of programs are written there");
  ExpectAllSame({all}, {{vector, Tensor::Vector<float>({0.0f})}});
}

// What is not made by a program is copied, also where its elements stand apart.
TEST_F(WriteRowsTest, PartsOfOtherTensorsAreCopied) {
  const Output tensor = Placeholder(g, "t", DataType::kFloat, {7, 3, 8});
  const Output by_time = TensorListFromTensor(Transpose(tensor, {1, 0, 2}));
  const Outputs out = Keep(3, h0, {7, 12}, [&](Output i, Output h) {
    const Output row =
        TensorListGetItem(by_time, i, DataType::kFloat, TensorShape{7, 8});
    return std::make_pair(h + 1.0, Concat({row, Split(row, 2, 1)[1]}, 1));
  });
  ExpectAllSame({out[0], Transpose(out[0], {1, 0, 2})},
                {{tensor, Random({7, 3, 8})}, {h0, Random({7, 4})}});
}

}  // namespace
}  // namespace weft
