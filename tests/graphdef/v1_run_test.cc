// What old control flow and TensorArrays compute once they are structured:
// small graphs whose results can be checked in the head.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/session.h"
#include "tests/graph/v1_testing.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using namespace v1;  // NOLINT: the nodes are the words of these tests.

class V1RunTest : public ::testing::TestWithParam<bool> {
 protected:
  void Load(const std::string& text) {
    absl::StatusOr<std::unique_ptr<Graph>> graph = Import(text);
    ASSERT_THAT(graph, IsOk());
    SessionOptions options;
    options.passes.enabled = GetParam();
    absl::StatusOr<std::unique_ptr<Session>> session =
        Session::Create(*std::move(graph), options);
    ASSERT_THAT(session, IsOk());
    session_ = *std::move(session);
  }
  absl::StatusOr<Tensor> Fetch(const std::string& name,
                               const std::vector<Feed>& feeds) {
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values,
                          session_->Run(feeds, {name}));
    return values[0];
  }
  // An int32 scalar.
  int Number(const std::string& name, const std::vector<Feed>& feeds) {
    const absl::StatusOr<Tensor> value = Fetch(name, feeds);
    EXPECT_THAT(value, IsOk());
    return value.ok() ? value->data<int32_t>()[0] : -1;
  }
  static Feed Of(const std::string& name, int value) {
    return {name, Tensor::Scalar<int32_t>(value)};
  }
  static Feed Is(const std::string& name, bool value) {
    return {name, Tensor::Scalar(value)};
  }

  std::unique_ptr<Session> session_;
};

INSTANTIATE_TEST_SUITE_P(Passes, V1RunTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "all" : "none";
                         });

std::string Base() { return Int("zero", 0) + Int("one", 1) + Input("n"); }

TEST_P(V1RunTest, ALoopCounts) {
  Load(Base() + CountingLoop("while", "zero", "n"));
  EXPECT_EQ(Number("while/Exit_i", {Of("n", 5)}), 5);
  EXPECT_EQ(Number("while/Exit_i", {Of("n", -3)}), 0);
}

TEST_P(V1RunTest, NestedLoopsWithValuesFromOutside) {
  Load(Base() + Input("y") + CountingLoop("a", "zero", "n") +
       Variable("a", "x", "zero") + EnterConstant("a/n", "n", "a/frame") +
       EnterConstant("a/y", "y", "a/frame") + Int("a/zero", 0, "^a/i") +
       CountingLoop("a/b", "a/zero", "a/n") + Variable("a/b", "x", "a/x") +
       EnterConstant("a/b/y", "a/y", "a/b/frame") +
       Add("a/b/x_next", "a/b/x a/b/y") +
       Op("a/x_next", "Identity", "a/b/Exit_x"));
  EXPECT_EQ(Number("a/Exit_x", {Of("n", 3), Of("y", 2)}), 18);
  EXPECT_EQ(Number("a/Exit_x", {Of("n", 0), Of("y", 2)}), 0);
}

TEST_P(V1RunTest, AConditionMayComputeForTheBody) {
  // while ((s = i + i) < n) { x += s; ++i; }
  Load(Base() + Variable("w", "i", "zero") + Variable("w", "x", "zero") +
       EnterConstant("w/n", "n", "w/frame") +
       Add("w/s", "w/Merge_i w/Merge_i") + Less("w/less", "w/s w/n") +
       LoopCond("w/LoopCond", "w/less") +
       EnterConstant("w/one", "one", "w/frame") + Add("w/i_next", "w/i w/one") +
       Add("w/x_next", "w/x w/s"));
  EXPECT_EQ(Number("w/Exit_x", {Of("n", 7)}), 0 + 2 + 4 + 6);
  EXPECT_EQ(Number("w/Exit_i", {Of("n", 7)}), 4);
}

TEST_P(V1RunTest, WhatFollowsTheLastIteration) {
  std::string text = Base() + CountingLoop("while", "zero", "n");
  const std::string exit = Op("while/Exit_i", "Exit", "while/Switch_i");
  text.replace(text.find(exit), exit.size(),
               Add("while/last", "while/Switch_i while/limit") +
                   Op("while/Exit_i", "Exit", "while/last"));
  Load(text);
  EXPECT_EQ(Number("while/Exit_i", {Of("n", 4)}), 8);
}

// p ? (q ? x + x : x) : 7
TEST_P(V1RunTest, NestedConditionals) {
  Load(Input("p", "DT_BOOL") + Input("q", "DT_BOOL") + Input("x") +
       Pivots("a", "p") + Switch("a/x", "x a/pred_id") +
       Switch("a/q", "q a/pred_id", "DT_BOOL") + Pivots("a/b", "a/q:1") +
       Switch("a/b/x", "a/x:1 a/b/pred_id") +
       Add("a/b/add", "a/b/x:1 a/b/x:1") + Merge("a/b/Merge", "a/b/x a/b/add") +
       Int("a/seven", 7, "^a/switch_f") +
       Merge("a/Merge", "a/seven a/b/Merge"));
  auto run = [&](const char* name, bool p, bool q) {
    return Number(name, {Is("p", p), Is("q", q), Of("x", 5)});
  };
  EXPECT_EQ(run("a/Merge", true, true), 10);
  EXPECT_EQ(run("a/Merge", true, false), 5);
  EXPECT_EQ(run("a/Merge", false, true), 7);
  EXPECT_EQ(run("a/Merge:1", true, false), 1);
  EXPECT_EQ(run("a/Merge:1", false, false), 0);
}

TEST_P(V1RunTest, AConditionalInALoop) {
  // for (i = 0; i < n; ++i) x = i < x ? x + 1 : x + 10;
  Load(Base() + Int("two", 2) + CountingLoop("w", "zero", "n") +
       Variable("w", "x", "two") + Less("w/p", "w/i w/x") +
       Pivots("w/c", "w/p") + Switch("w/c/x", "w/x w/c/pred_id") +
       Int("w/c/one", 1, "^w/c/switch_t") + Add("w/c/a", "w/c/x:1 w/c/one") +
       Int("w/c/ten", 10, "^w/c/switch_f") + Add("w/c/b", "w/c/x w/c/ten") +
       Merge("w/c/Merge", "w/c/b w/c/a") +
       Op("w/x_next", "Identity", "w/c/Merge"));
  EXPECT_EQ(Number("w/Exit_x", {Of("n", 3)}), 5);
  EXPECT_EQ(Number("w/Exit_x", {Of("n", 0)}), 2);
}

TEST_P(V1RunTest, ALoopInAConditional) {
  Load(Input("p", "DT_BOOL") + Input("n") + Pivots("c", "p") +
       Switch("c/n", "n c/pred_id") + Int("c/zero", 0, "^c/switch_t") +
       CountingLoop("c/while", "c/zero", "c/n:1") +
       Int("c/nine", 9, "^c/switch_f") +
       Merge("c/Merge", "c/nine c/while/Exit_i"));
  EXPECT_EQ(Number("c/Merge", {Is("p", true), Of("n", 4)}), 4);
  EXPECT_EQ(Number("c/Merge", {Is("p", false), Of("n", 4)}), 9);
}

// ---- TensorArrays -----------------------------------------------------------

std::string Array(absl::string_view name, absl::string_view size,
                  absl::string_view attrs = "") {
  return NodeText(name, "TensorArrayV3", size,
                  absl::StrCat(TypeAttr("dtype", "DT_FLOAT"), attrs));
}
std::string Access(absl::string_view name, absl::string_view op,
                   absl::string_view inputs) {
  const bool writes = op == "Write" || op == "Scatter" || op == "Split";
  return NodeText(name, absl::StrCat("TensorArray", op, "V3"), inputs,
                  TypeAttr(writes ? "T" : "dtype", "DT_FLOAT"));
}
std::string Size(absl::string_view name, absl::string_view inputs) {
  return NodeText(name, "TensorArraySizeV3", inputs);
}
std::string Range(absl::string_view name, absl::string_view limit) {
  return NodeText(name, "Range", absl::StrCat("zero ", limit, " one"),
                  TypeAttr("Tidx", "DT_INT32"));
}
std::string Value(absl::string_view name, absl::string_view type = "DT_FLOAT") {
  return NodeText(
      name, "Placeholder", "",
      TypeAttr("dtype", type) + "shape = shape { unknown_rank: true }");
}
Feed Floats(const std::string& name, const TensorShape& shape,
            std::vector<float> values) {
  return {name, Tensor::Of<float>(shape, values)};
}
Feed Ints(const std::string& name, std::vector<int32_t> values) {
  return {name, Tensor::Vector<int32_t>(values)};
}

// ys[i] = xs[i] + xs[i], where xs are the rows of x, of which there are n.
std::string MapLoop() {
  return Base() + Value("x") + Array("xs", "n") + Array("ys", "n") +
         Range("range", "n") + Access("unstack", "Scatter", "xs range x xs:1") +
         CountingLoop("while", "zero", "n") +
         EnterConstant("while/xs", "xs", "while/frame", "DT_RESOURCE") +
         EnterConstant("while/xs_flow", "unstack", "while/frame", "DT_FLOAT") +
         EnterConstant("while/ys", "ys", "while/frame", "DT_RESOURCE") +
         Access("while/read", "Read", "while/xs while/i while/xs_flow") +
         Op("while/double", "AddV2", "while/read while/read", "DT_FLOAT") +
         Enter("while/Enter_flow", "ys:1", "while/frame", "DT_FLOAT") +
         Merge("while/Merge_flow", "while/Enter_flow while/Next_flow",
               "DT_FLOAT") +
         Switch("while/Switch_flow", "while/Merge_flow while/LoopCond",
                "DT_FLOAT") +
         Op("while/flow", "Identity", "while/Switch_flow:1", "DT_FLOAT") +
         Access("while/write", "Write",
                "while/ys while/i while/double while/flow") +
         Op("while/Next_flow", "NextIteration", "while/write", "DT_FLOAT") +
         Op("while/Exit_flow", "Exit", "while/Switch_flow", "DT_FLOAT") +
         Size("size", "ys while/Exit_flow") + Range("all", "size") +
         Access("stack", "Gather", "ys all while/Exit_flow");
}

TEST_P(V1RunTest, ALoopOverArrays) {
  Load(MapLoop());
  const absl::StatusOr<Tensor> doubled =
      Fetch("stack", {Of("n", 3), Floats("x", {3, 2}, {1, 2, 3, 4, 5, 6})});
  ASSERT_THAT(doubled, IsOk());
  EXPECT_THAT(*doubled,
              TensorEq(Tensor::Of<float>({3, 2}, {2, 4, 6, 8, 10, 12})));
  EXPECT_EQ(
      Number("size", {Of("n", 3), Floats("x", {3, 2}, {1, 2, 3, 4, 5, 6})}), 3);
}

TEST_P(V1RunTest, RowsAreWrittenWhereTheIndicesSay) {
  Load(Base() + Value("x") + Value("at", "DT_INT32") +
       Value("which", "DT_INT32") + Array("a", "n") +
       Access("s", "Scatter", "a at x a:1") +
       Access("g", "Gather", "a which s"));
  const absl::StatusOr<Tensor> rows =
      Fetch("g", {Of("n", 4), Ints("at", {3, 0, 1}),
                  Floats("x", {3, 1}, {30, 0, 10}), Ints("which", {0, 1, 3})});
  ASSERT_THAT(rows, IsOk());
  EXPECT_THAT(*rows, TensorEq(Tensor::Of<float>({3, 1}, {0, 10, 30})));
  EXPECT_THAT(
      Fetch("g", {Of("n", 3), Ints("at", {3, 0, 1}),
                  Floats("x", {3, 1}, {30, 0, 10}), Ints("which", {0})}),
      StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("3")));
}

TEST_P(V1RunTest, PiecesOfGivenLengths) {
  Load(Base() + Value("x") + Value("lengths", "DT_INT64") + Array("a", "n") +
       Access("s", "Split", "a x lengths a:1") +
       Access("r", "Read", "a one s"));
  const absl::StatusOr<Tensor> piece =
      Fetch("r", {Of("n", 2),
                  Floats("x", {5, 1}, {0, 1, 2, 3, 4}),
                  {"lengths", Tensor::Vector<int64_t>({2, 3})}});
  ASSERT_THAT(piece, IsOk());
  EXPECT_THAT(*piece, TensorEq(Tensor::Of<float>({3, 1}, {2, 3, 4})));
}

TEST_P(V1RunTest, AnArrayGrowsOnlyIfItMay) {
  for (bool grows : {true, false}) {
    Load(Base() + Value("x") + Int("zero_size", 0) +
         Array("a", "zero_size", grows ? "dynamic_size = b: true" : "") +
         Access("w", "Write", "a n x a:1") + Size("size", "a w"));
    const std::vector<Feed> feeds = {Of("n", 2), Floats("x", {1}, {5})};
    if (grows) {
      EXPECT_EQ(Number("size", feeds), 3);
    } else {
      EXPECT_THAT(Fetch("size", feeds),
                  StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("2")));
    }
  }
}

TEST_P(V1RunTest, WhatWasNeverWrittenIsZerosIfItsShapeIsKnown) {
  Load(Base() + Value("x") +
       Array("a", "n", "element_shape = shape { dim { size: 2 } }") +
       Access("w", "Write", "a zero x a:1") + Access("r", "Read", "a one w"));
  const absl::StatusOr<Tensor> zeros =
      Fetch("r", {Of("n", 2), Floats("x", {2}, {5, 6})});
  ASSERT_THAT(zeros, IsOk());
  EXPECT_THAT(*zeros, TensorEq(Tensor::Of<float>({2}, {0, 0})));
}

}  // namespace
}  // namespace weft
