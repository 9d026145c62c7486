// Rows that are there already: a graph before and after, and what it computes.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/gradients.h"
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

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// As many as make a product of their own.
constexpr int64_t kColumns = 96;

std::string Shared(int memories, int joined) {
  return absl::StrCat("shared rows: ", memories, " memories are others, ",
                      joined, " of joined rows not needed");
}

void Share(PlanGraph* graph, PassReport* report) {
  StoreAllRows(graph, report);
  Tidy(graph);
  RewriteProducts(graph, report);
  Tidy(graph);
  report->clear();
  ShareRows(graph, report);
}

class ShareRowsTest : public RewritesTest {
 protected:
  struct Step {
    Output i;
    Output x;     // Row i of `seq`.
    Output h;     // The state.
    Output next;  // The next.
  };
  using StepFn = std::function<Outputs(const Step& step)>;

  // One list for each result of `step`, which is what is put into its place i.
  Outputs Lists(const std::vector<TensorShape>& shapes, const StepFn& step) {
    const Output list = TensorListFromTensor(seq);
    Outputs variables = {Const(g, 0), h0};
    for (const TensorShape& shape : shapes)
      variables.push_back(TensorListReserve(shape, number, type));
    const Outputs out = While(
        variables, [&](const Outputs& v) { return Less(v[0], limit, "less"); },
        [&](const Outputs& v) {
          const Output i = place(v[0]);
          const Output x_t =
              TensorListGetItem(list, i, type, TensorShape{batch, kColumns});
          const Output next = Tanh(v[1] * 0.5 + x_t, "next");
          const Outputs items = step({i, x_t, v[1], next});
          Outputs results = {v[0] + 1, next};
          for (size_t k = 0; k < items.size(); ++k)
            results.push_back(TensorListSetItem(v[k + 2], i, items[k]));
          return results;
        });
    return Outputs(out.begin() + 2, out.end());
  }

  // join(rows)^T join(others).
  Output Product(Output rows, Output others, int64_t columns) {
    const Output a =
        TensorListConcat(rows, type, TensorShape{batch, columns}).tensor;
    const Output b =
        TensorListConcat(others, type, TensorShape{batch, kColumns}).tensor;
    return MatMul(a, b, {.transpose_a = true});
  }

  // Of rows that are joined like this.
  Output ProductOfJoined(const std::function<Output(const Step&)>& join,
                         int64_t columns = 2 * kColumns) {
    const Outputs lists =
        Lists({{batch, columns}, {batch, kColumns}}, [&](const Step& s) {
          return Outputs{join(s), s.next};
        });
    return Product(lists[0], lists[1], columns);
  }

  Output ProductOfInputsAndStates() {
    return ProductOfJoined([](const Step& s) {
      return Concat({s.x, s.h}, 1, "joined");
    });
  }

  Outputs AllFeeds() { return {seq_feed, h0_feed, limit}; }
  std::vector<Feed> Feeds(int64_t time, int64_t rows) {
    return {{seq_feed, Random({time, rows, kColumns})},
            {h0_feed, Random({rows, kColumns})},
            {limit, Tensor::Scalar<int32_t>(static_cast<int32_t>(time))}};
  }

  // With something in this row that no sum must meet.
  static Tensor Spoilt(const Tensor& rows, int64_t row) {
    const int64_t size = rows.num_elements() / rows.shape().dim(0);
    std::vector<float> values(rows.data<float>().begin(),
                              rows.data<float>().end());
    std::fill_n(values.begin() + row * size, size,
                std::numeric_limits<float>::quiet_NaN());
    return Tensor::Of<float>(rows.shape(), values);
  }

  std::string ReportOf(const Outputs& outputs) {
    After(Share, outputs, AllFeeds());
    return report_[0];
  }

  void ExpectSameForSizes(const Outputs& outputs) {
    for (int64_t time : {1, 2, 7}) {
      for (int64_t rows : {1, 3}) ExpectSame(outputs, Feeds(time, rows), 1e-4);
    }
    ExpectSame(outputs, Feeds(3, 0), 1e-4);
  }

  int64_t batch = -1;
  DataType type = DataType::kFloat;
  std::function<Output(Output)> place = [](Output i) { return i; };
  Output seq_feed = Placeholder(g, "seq", type, {-1, -1, kColumns});
  Output h0_feed = Placeholder(g, "h0", type, {-1, kColumns});
  Output seq = seq_feed;
  Output h0 = h0_feed;
  Output limit = Placeholder(g, "limit", DataType::kInt32, {});
  Output number = DimOf(seq_feed, 0);
};

// ---- Products of joined rows ------------------------------------------------

TEST_F(ShareRowsTest, PartsThatAreRowsAlreadyAreMultipliedAsTheyAre) {
  const Output product = ProductOfInputsAndStates();
  const std::string text = After(Share, {product}, AllFeeds());
  EXPECT_EQ(report_[0], Shared(0, 1));
  EXPECT_THAT(before_, HasSubstr("  ConcatV2 'joined'("));
  EXPECT_THAT(before_, HasSubstr("\nMatMul 'MatMul'("));
  for (const char* gone : {"joined", "MatMul 'MatMul'(", "_Joined '"})
    EXPECT_THAT(text, Not(HasSubstr(gone)));
  // Only the state has to be stored.
  EXPECT_THAT(text, HasSubstr("  _SetRow 'TensorListSetItem'("
                              "TensorListSetItem:0, TensorListSetItem:1, "
                              "while variable 0, while variable 1)\n"));
  EXPECT_THAT(text, HasSubstr("\n_JoinedProduct 'MatMul'(TensorListSetItem:1, "
                              "while:0, TensorListConcatV2_1:0, feed 0, "
                              "TensorListSetItem:0)\n"));
  ExpectSameForSizes({product});
}

TEST_F(ShareRowsTest, PartsMayBeOfDoubles) {
  type = DataType::kDouble;
  seq = Cast(seq_feed, type);
  h0 = Cast(h0_feed, type);
  const Output product = ProductOfInputsAndStates();
  EXPECT_EQ(ReportOf({product}), Shared(0, 1));
  ExpectSameForSizes({product});
}

TEST_F(ShareRowsTest, AllPartsMayBeThere) {
  const Output other = Placeholder(g, "other", type, {-1, -1, kColumns});
  const Output list = TensorListFromTensor(other);
  const Output product = ProductOfJoined([&](const Step& s) {
    return Concat(
        {s.x, TensorListGetItem(list, s.i, type, TensorShape{-1, kColumns})},
        1);
  });
  Outputs feeds = AllFeeds();
  feeds.push_back(other);
  After(Share, {product}, feeds);
  EXPECT_EQ(report_[0], Shared(0, 1));
  for (int64_t time : {1, 5}) {
    std::vector<Feed> fed = Feeds(time, 2);
    // More than are read.
    fed.push_back({other, Random({time + 2, 2, kColumns})});
    ExpectSame({product}, fed, 1e-4);
  }
}

// In a memory of their own, or more than once.
TEST_F(ShareRowsTest, PartsMayBeInOtherMemory) {
  const Outputs lists = Lists(
      {{-1, 3 * kColumns}, {-1, kColumns}, {-1, kColumns}}, [](const Step& s) {
        return Outputs{Concat({s.h, s.x, s.h}, 1), s.next, s.h};
      });
  const Outputs out = {Product(lists[0], lists[1], 3 * kColumns),
                       TensorListStack(lists[2], type)};
  EXPECT_EQ(ReportOf(out), Shared(0, 1));
  ExpectSameForSizes(out);

  const Output twice = ProductOfJoined(
      [](const Step& s) {
        return Concat({s.h, s.x, s.h}, 1);
      },
      3 * kColumns);
  const std::string text = After(Share, {twice}, AllFeeds());
  EXPECT_EQ(report_[0], Shared(0, 1));
  EXPECT_THAT(text,
              HasSubstr("TensorListSetItem:0, feed 0, TensorListSetItem:0)\n"));
  ExpectSameForSizes({twice});
}

// Rows that are not set are zeros, whatever stands in the parts.
TEST_F(ShareRowsTest, OnlyRowsThatAreSetCount) {
  batch = 2;
  const Output product = ProductOfInputsAndStates();
  EXPECT_EQ(ReportOf({product}), Shared(0, 1));
  for (int steps : {0, 1, 3, 5}) {
    std::vector<Feed> feeds = Feeds(5, 2);
    for (int64_t row = steps; row < 5; ++row)
      feeds[0].value = Spoilt(feeds[0].value, row);
    feeds[2] = {limit, Tensor::Scalar<int32_t>(steps)};
    ExpectSame({product}, feeds, 1e-4);
  }
}

// Every second row.
TEST_F(ShareRowsTest, ThereMayBeGapsBetweenRows) {
  batch = 2;
  place = [](Output i) { return i * 2; };
  const Output product = ProductOfInputsAndStates();
  EXPECT_EQ(ReportOf({product}), Shared(0, 1));
  std::vector<Feed> feeds = Feeds(6, 2);
  for (int64_t row : {1, 3, 5}) feeds[0].value = Spoilt(feeds[0].value, row);
  feeds[2] = {limit, Tensor::Scalar<int32_t>(3)};
  ExpectSame({product}, feeds, 1e-4);
}

TEST_F(ShareRowsTest, GradientsOfWeightsAreMadeOfParts) {
  const Output w =
      Placeholder(g, "w", DataType::kFloat, {2 * kColumns, kColumns});
  const Output list = TensorListFromTensor(seq);
  const Output time = DimOf(seq, 0);
  const Outputs out = While(
      {Const(g, 0), h0}, [&](const Outputs& v) { return Less(v[0], time); },
      [&](const Outputs& v) {
        const Output x_t =
            TensorListGetItem(list, v[0], type, TensorShape{-1, kColumns});
        return Outputs{v[0] + 1, Tanh(MatMul(Concat({x_t, v[1]}, 1), w))};
      });
  const Outputs gradients = Gradients({Sum(Square(out[1]))}, {w, h0});
  PlanGraph plan = MakePlanGraph(gradients, {seq, h0, w});
  PassReport report;
  ASSERT_OK(RunRewrites({}, &plan, &report));
  EXPECT_THAT(report, Contains(Shared(0, 1)));
  for (int64_t steps : {1, 4}) {
    std::vector<Feed> feeds = Feeds(steps, 3);
    feeds.erase(feeds.begin() + 2, feeds.end());
    feeds.push_back({w, Random({2 * kColumns, kColumns})});
    ExpectSame(gradients, feeds, 1e-2);
  }
}

// ---- What stays joined ------------------------------------------------------

TEST_F(ShareRowsTest, PartsThatAreNowhereStayJoined) {
  const Output product = ProductOfJoined([](const Step& s) {
    return Concat({s.h, s.h * 2.0}, 1);
  });
  EXPECT_EQ(ReportOf({product}), Shared(0, 0));
  ExpectSame({product}, Feeds(3, 2), 1e-4);
}

// Of few columns: a product of them would be slow.
TEST_F(ShareRowsTest, NarrowPartsStayJoined) {
  const Output product = ProductOfJoined(
      [](const Step& s) {
        return Concat({s.x, Slice(s.h, {0, 0}, {-1, 32})}, 1);
      },
      kColumns + 32);
  EXPECT_EQ(ReportOf({product}), Shared(0, 0));
  ExpectSame({product}, Feeds(3, 2), 1e-4);
}

TEST_F(ShareRowsTest, RowsOfOtherStepsStayJoined) {
  const Output list = TensorListFromTensor(seq);
  const Output product = ProductOfJoined([&](const Step& s) {
    const Output before =
        TensorListGetItem(list, limit - s.i - 1, type, {-1, kColumns});
    return Concat({before, s.h}, 1);
  });
  EXPECT_EQ(ReportOf({product}), Shared(0, 0));
  ExpectSame({product}, Feeds(4, 2), 1e-4);
}

TEST_F(ShareRowsTest, RowsThatSomethingElseWantsStayJoined) {
  const Outputs lists =
      Lists({{-1, 2 * kColumns}, {-1, kColumns}}, [](const Step& s) {
        return Outputs{Concat({s.x, s.h}, 1), s.next};
      });
  const Outputs out = {Product(lists[0], lists[1], 2 * kColumns),
                       TensorListStack(lists[0], type)};
  EXPECT_EQ(ReportOf(out), Shared(0, 0));
  ExpectSame(out, Feeds(3, 2), 1e-4);
}

// ---- The same rows ----------------------------------------------------------

TEST_F(ShareRowsTest, OneMemoryHoldsTheSameRows) {
  const Outputs lists = Lists(
      {{-1, kColumns}, {-1, kColumns}, {-1, 2 * kColumns}, {-1, 2 * kColumns}},
      [](const Step& s) {
        const Output both = Concat({s.next, s.h}, 1);
        return Outputs{s.next, s.next, both, both};
      });
  Outputs out;
  for (const Output& list : lists) out.push_back(TensorListStack(list, type));
  EXPECT_EQ(ReportOf(out), Shared(2, 0));
  ExpectSameForSizes(out);
}

// Rows of other places, and memory for more of them.
TEST_F(ShareRowsTest, OtherMemoryStays) {
  const Output other = Placeholder(g, "other", DataType::kInt32, {-1});
  const Outputs out = While(
      {Const(g, 0), h0, TensorListReserve({-1, kColumns}, number, type),
       TensorListReserve({-1, kColumns}, DimOf(other, 0), type),
       TensorListReserve({-1, kColumns}, number, type)},
      [&](const Outputs& v) { return Less(v[0], limit); },
      [&](const Outputs& v) {
        const Output h = Tanh(v[1] * 2.0);
        return Outputs{v[0] + 1, h, TensorListSetItem(v[2], v[0], h),
                       TensorListSetItem(v[3], v[0], h),
                       TensorListSetItem(v[4], limit - v[0] - 1, h)};
      });
  Outputs stacks;
  for (int k : {2, 3, 4}) stacks.push_back(TensorListStack(out[k], type));
  Outputs feeds = AllFeeds();
  feeds.push_back(other);
  After(Share, stacks, feeds);
  EXPECT_EQ(report_[0], Shared(0, 0));
  std::vector<Feed> fed = Feeds(4, 2);
  fed.push_back({other, Tensor::Vector<int32_t>({0, 0, 0, 0})});
  ExpectSame(stacks, fed);
}

// ---- Errors -----------------------------------------------------------------

TEST_F(ShareRowsTest, TensorsNeedAsManyRowsAsThereAreSteps) {
  const Output other = Placeholder(g, "other", type, {-1, -1, kColumns});
  const Output list = TensorListFromTensor(other);
  const Output product = ProductOfJoined([&](const Step& s) {
    return Concat(
        {TensorListGetItem(list, s.i, type, TensorShape{-1, kColumns}), s.h},
        1);
  });
  std::vector<Feed> feeds = Feeds(5, 2);
  feeds.push_back({other, Random({3, 2, kColumns})});
  EXPECT_THAT(TryRun(product, feeds),
              StatusIs(absl::StatusCode::kOutOfRange,
                       HasSubstr("index 3 must be in [0, 3)")));
  // As many of each batch.
  feeds.back() = {other, Random({5, 4, kColumns})};
  EXPECT_THAT(TryRun(product, feeds),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("4, 96")));
}

}  // namespace
}  // namespace weft
