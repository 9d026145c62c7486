// Programs that add up rows: a graph before and after, and what it computes.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/runtime/rewrites_testing.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

void Fuse(PlanGraph* graph, PassReport* report) {
  FusePointwise(graph, report);
  Tidy(graph);
  report->clear();
  SumRows(graph, report);
}

class SumRowsTest : public RewritesTest {
 protected:
  // How many sums become part of a program.
  std::string Sums(const Outputs& outputs, const Outputs& feeds) {
    After(Fuse, outputs, feeds);
    return report_[0];
  }

  Output Rows(int64_t columns, DataType type = DataType::kFloat) {
    return Placeholder(g, "rows", type, {-1, columns});
  }
};

TEST_F(SumRowsTest, ProgramsAddUpWhatTheyCompute) {
  const Output rows = Rows(40);
  const Output square = Square(rows - 1.0, "square");
  const Output mean = Mean(square, {.axes = {-1}, .keep_dims = true});
  const std::string text = After(Fuse, {mean}, {rows});
  EXPECT_EQ(report_[0], "sums: 1 of rows are part of a program");
  EXPECT_THAT(before_, HasSubstr("Mean 'Mean'("));
  EXPECT_THAT(text, Not(HasSubstr("Mean 'Mean'(")));
  EXPECT_THAT(text, HasSubstr("_Pointwise 'square'(feed 0, "));
  EXPECT_THAT(text, HasSubstr("-> square:0\n"));
  for (int64_t batch : {0, 1, 2, 33})
    ExpectAllSame({mean}, {{rows, Random({batch, 40})}});
}

TEST_F(SumRowsTest, WhatIsUsedElsewhereIsStoredToo) {
  const Output rows = Rows(40);
  const Output h = Tanh(rows * 2.0, "h");
  const Outputs out = {Sum(h, {.axes = {1}}),
                       Mean(h, {.axes = {-1}, .keep_dims = true}), h};
  EXPECT_EQ(Sums(out, {rows}), "sums: 2 of rows are part of a program");
  for (int64_t batch : {0, 1, 5})
    ExpectAllSame(out, {{rows, Random({batch, 40})}});
}

TEST_F(SumRowsTest, RowsOfAnyLength) {
  for (int64_t columns : {16, 17, 31, 32, 100, 600, 2048}) {
    const Output rows = Rows(columns);
    const Output h = Tanh(rows * 2.0);
    const Outputs out = {Sum(h, {.axes = {1}}), Mean(Square(h), {.axes = {1}})};
    EXPECT_EQ(Sums(out, {rows}), "sums: 2 of rows are part of a program");
    ExpectAllSame(out, {{rows, Random({3, columns})}});
  }
  // In the order of the kernel these are added up differently.
  for (int64_t columns : {-1, 1, 15, 2049}) {
    const Output rows = Rows(columns);
    const Output sum = Sum(Tanh(rows * 2.0), {.axes = {1}});
    EXPECT_EQ(Sums({sum}, {rows}), "sums: 0 of rows are part of a program");
    ExpectAllSame({sum}, {{rows, Random({3, columns < 0 ? 20 : columns})}});
  }
}

// They are the bits of the kernel, too.
TEST_F(SumRowsTest, BitsAreThoseOfTheKernel) {
  for (int64_t columns : {16, 37, 512, 2000}) {
    const Output rows = Rows(columns);
    const Outputs out = {Sum(rows * 0.3, {.axes = {1}}),
                         Mean(rows * 0.3, {.axes = {1}})};
    ExpectAllSame(out, {{rows, Random({7, columns})}}, 0);
  }
}

TEST_F(SumRowsTest, OtherSumsAreLeftAlone) {
  const Output rows = Rows(40);
  const Output h = Tanh(rows * 2.0);
  const Outputs out = {Sum(h, {.axes = {0}}), Sum(h, {.axes = {0, 1}}),
                       Max(h, {.axes = {1}}), Mean(rows, {.axes = {1}})};
  EXPECT_EQ(Sums(out, {rows}), "sums: 0 of rows are part of a program");
  ExpectAllSame(out, {{rows, Random({3, 40})}});
}

TEST_F(SumRowsTest, MoreThanAProgramHasRegistersFor) {
  const Output rows = Rows(40);
  const Output h = Tanh(rows * 2.0);
  const Outputs out = {Sum(h, {.axes = {1}}), Mean(h, {.axes = {1}}),
                       Sum(h, {.axes = {1}, .keep_dims = true}), Tanh(h + 1.0)};
  EXPECT_EQ(Sums(out, {rows}), "sums: 2 of rows are part of a program");
  ExpectAllSame(out, {{rows, Random({3, 40})}});
}

TEST_F(SumRowsTest, RowsOfTensorsOfMoreAxes) {
  const Output cube = Placeholder(g, "cube", DataType::kFloat, {-1, 3, 20});
  const Output scale = Placeholder(g, "scale", DataType::kFloat, {3, 1});
  const Output h = Tanh(cube * scale);
  const Outputs out = {Mean(h, {.axes = {2}}),
                       Sum(h, {.axes = {-1}, .keep_dims = true})};
  EXPECT_EQ(Sums(out, {cube, scale}), "sums: 2 of rows are part of a program");
  ExpectAllSame(out, {{cube, Random({4, 3, 20})}, {scale, Random({3, 1})}});
  // Rows that stand apart.
  const Output turned = Placeholder(g, "turned", DataType::kFloat, {3, 4, 20});
  const Output other = Tanh(Transpose(turned, {1, 0, 2}) * scale);
  ExpectAllSame({Mean(other, {.axes = {2}})},
                {{turned, Random({3, 4, 20})}, {scale, Random({3, 1})}});
}

TEST_F(SumRowsTest, Doubles) {
  const Output rows = Rows(20, DataType::kDouble);
  const Output h = Square(rows * 2.0) - 1.0;
  std::vector<double> values(60);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 0.37 * i - 5;
  ExpectAllSame({Sum(h, {.axes = {1}}), Mean(h, {.axes = {1}})},
                {{rows, Tensor::Of<double>({3, 20}, values)}}, 1e-12);
}

// x - mean is computed where it is used, rather than kept.
TEST_F(SumRowsTest, CheapResultsAreComputedAgain) {
  const Output rows = Rows(40);
  const Output centered =
      Sub(rows, Mean(rows, {.axes = {-1}, .keep_dims = true}), "centered");
  const Output variance =
      Mean(Square(centered, "square"), {.axes = {-1}, .keep_dims = true});
  const Output normal = Mul(centered, Rsqrt(variance + 1e-3), "normal");
  const std::string text = After(Fuse, {normal}, {rows});
  EXPECT_THAT(text, HasSubstr("_Pointwise 'square'(feed 0, Mean:0)\n"));
  EXPECT_THAT(text, HasSubstr("_Pointwise 'normal'(square:0, Const:0, "
                              "feed 0, Mean:0)\n"));
  EXPECT_THAT(text, Not(HasSubstr("centered")));
  for (int64_t batch : {0, 1, 9})
    ExpectAllSame({normal}, {{rows, Random({batch, 40})}});
  // What somebody else wants is there anyway.
  const std::string kept = After(Fuse, {normal, centered}, {rows});
  EXPECT_THAT(kept, HasSubstr("-> normal:0, square:"));
  ExpectAllSame({normal, centered}, {{rows, Random({9, 40})}});
}

TEST_F(SumRowsTest, LayerNormalizationInALoop) {
  const Output state = Placeholder(g, "state", DataType::kFloat, {-1, 24});
  const Outputs out = While(
      {Const(g, 0), state},
      [&](const Outputs& v) { return Less(v[0], Const(g, 5)); },
      [&](const Outputs& v) {
        const Output x = Tanh(v[1] * 1.5) + 0.1;
        const Output centered = x - Mean(x, {.axes = {-1}, .keep_dims = true});
        const Output variance =
            Mean(Square(centered), {.axes = {-1}, .keep_dims = true});
        return Outputs{v[0] + 1, centered * Rsqrt(variance + 1e-3)};
      });
  for (int64_t batch : {1, 2, 40})
    ExpectAllSame({out[1]}, {{state, Random({batch, 24})}});
}

}  // namespace
}  // namespace weft
