// Old control flow, structured when a graph is read. What loops and
// conditionals then compute is tested with a session in tests/graphdef.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/graph/v1_testing.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using namespace v1;  // NOLINT: the nodes are the words of these tests.

class V1ControlFlowTest : public ::testing::Test {
 protected:
  void Read(const std::string& text) {
    absl::StatusOr<std::unique_ptr<Graph>> graph = Import(text);
    ASSERT_THAT(graph, IsOk());
    graph_ = *std::move(graph);
  }
  // "while:0" for a name that may have disappeared.
  std::string Now(absl::string_view name) {
    const absl::StatusOr<Output> output = graph_->FindOutput(name);
    return output.ok() ? output->name()
                       : std::string(output.status().message());
  }
  static std::vector<std::string> Names(const Graph& graph) {
    std::vector<std::string> names;
    for (const std::unique_ptr<Node>& node : graph.nodes()) {
      if (node->op() != "_Arg") names.push_back(node->name());
    }
    return names;
  }
  const Node& Find(absl::string_view name) {
    const Node* node = graph_->FindNode(name);
    EXPECT_NE(node, nullptr) << name;
    return node != nullptr ? *node : *graph_->nodes()[0];
  }

  std::unique_ptr<Graph> graph_;
};

TEST_F(V1ControlFlowTest, ALoopBecomesAWhile) {
  Read(Int("zero", 0) + Input("n") + CountingLoop("rnn/while", "zero", "n"));
  const Node& loop = Find("rnn/while");
  EXPECT_EQ(loop.op(), "StatelessWhile");
  EXPECT_THAT(loop.inputs(), ElementsAre(Output(graph_->FindNode("zero"), 0),
                                         Output(graph_->FindNode("n"), 0)));
  EXPECT_THAT(Names(*graph_), UnorderedElementsAre("zero", "n", "rnn/while"));
  EXPECT_THAT(Names(loop.body(0)), ElementsAre("rnn/while/Less"));
  EXPECT_THAT(
      Names(loop.body(1)),
      UnorderedElementsAre("rnn/while/i", "rnn/while/one", "rnn/while/i_next"));
}

TEST_F(V1ControlFlowTest, NamesThatDisappearCanBeFetchedOrAreExplained) {
  Read(Int("zero", 0) + Input("n") + CountingLoop("rnn/while", "zero", "n"));
  EXPECT_EQ(Now("rnn/while/Exit_i"), "rnn/while:0");
  EXPECT_EQ(Now("rnn/while/Exit_i:0"), "rnn/while:0");
  EXPECT_THAT(Now("rnn/while/i_next"),
              HasSubstr("'rnn/while/i_next' is part of loop 'rnn/while'"));
  EXPECT_THAT(Now("rnn/while/Merge_i:1"),
              HasSubstr("part of loop 'rnn/while'"));
  EXPECT_THAT(Now("rnn/while/Exit_j"), HasSubstr("did you mean"));
}

TEST_F(V1ControlFlowTest, AConstantOfABodyWaitsForNothing) {
  Read(Int("zero", 0) + Input("n") + CountingLoop("while", "zero", "n"));
  const Node* one = Find("while").body(1).FindNode("while/one");
  ASSERT_NE(one, nullptr);
  EXPECT_THAT(one->control_inputs(), IsEmpty());
}

TEST_F(V1ControlFlowTest, NodesMayStandInAnyOrderAndInvariantsMayComeLate) {
  const std::string loop = CountingLoop("while", "zero", "n");
  Read(Variable("while", "x", "y") + Add("while/x_next", "while/x while/y") +
       loop + EnterConstant("while/y", "y", "while/frame") + Input("n") +
       Input("y") + Int("zero", 0));
  EXPECT_EQ(Find("while").num_inputs(), 4);
  EXPECT_EQ(Now("while/Exit_x"), "while:0");
  EXPECT_EQ(Now("while/Exit_i"), "while:1");
}

TEST_F(V1ControlFlowTest, AVariableThatDoesNotChangeStaysOne) {
  Read(Int("zero", 0) + Input("n") + CountingLoop("while", "zero", "n") +
       Variable("while", "x", "n") + Op("while/x_next", "Identity", "while/x"));
  EXPECT_EQ(Now("while/Exit_x"), "while:1");
}

TEST_F(V1ControlFlowTest, OneExitIsEnough) {
  std::string text =
      Int("zero", 0) + Input("n") + CountingLoop("while", "zero", "n") +
      Variable("while", "x", "n") + Add("while/x_next", "while/x while/i");
  const std::string exit = Op("while/Exit_i", "Exit", "while/Switch_i");
  text.erase(text.find(exit), exit.size());
  Read(text);
  EXPECT_EQ(Now("while/Exit_x"), "while:1");
  EXPECT_THAT(Now("while/Exit_i"), HasSubstr("there is no 'while/Exit_i'"));
}

TEST_F(V1ControlFlowTest,
       AVariableThatLostItsNextIterationGoesIfNothingNeedsIt) {
  const std::string lost =
      Enter("while/Enter_x", "n", "while/frame") +
      Merge("while/Merge_x", "while/Enter_x") +
      Switch("while/Switch_x", "while/Merge_x while/LoopCond");
  Read(Int("zero", 0) + Input("n") + CountingLoop("while", "zero", "n") + lost);
  EXPECT_EQ(Find("while").num_inputs(), 2);
  EXPECT_THAT(
      Import(Int("zero", 0) + Input("n") + CountingLoop("while", "zero", "n") +
             lost + Op("while/Exit_x", "Exit", "while/Switch_x")),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          HasSubstr("Merge 'while/Merge_x': has 1 input but must have 2: no "
                    "NextIteration leads to it (in frame 'while/frame')")));
}

// for (i = 0; i < n; ++i) for (j = 0; j < n; ++j) x += y;
std::string NestedLoops() {
  return Int("zero", 0) + Input("n") + Input("y") +
         CountingLoop("a", "zero", "n") + Variable("a", "x", "zero") +
         EnterConstant("a/n", "n", "a/frame") +
         EnterConstant("a/y", "y", "a/frame") + Int("a/zero", 0, "^a/i") +
         CountingLoop("a/b", "a/zero", "a/n") + Variable("a/b", "x", "a/x") +
         EnterConstant("a/b/y", "a/y", "a/b/frame") +
         Add("a/b/x_next", "a/b/x a/b/y") +
         Op("a/x_next", "Identity", "a/b/Exit_x");
}

TEST_F(V1ControlFlowTest, LoopsMayBeNested) {
  Read(NestedLoops());
  const Node* inner = Find("a").body(1).FindNode("a/b");
  ASSERT_NE(inner, nullptr);
  // i, x; n, y behind them.
  EXPECT_EQ(inner->num_inputs(), 4);
  EXPECT_EQ(Find("a").num_inputs(), 4);
  EXPECT_EQ(Now("a/Exit_x"), "a:1");
  EXPECT_THAT(Now("a/b/Exit_x"), HasSubstr("is part of loop 'a/b'"));
  EXPECT_THAT(Now("a/b/x_next"), HasSubstr("is part of loop 'a/b'"));
}

TEST_F(V1ControlFlowTest,
       LoopsThatWereImportedTwiceMayShareTheNameOfTheirFrame) {
  std::string twice =
      Int("zero", 0) + Input("n") + CountingLoop("while", "zero", "n");
  std::string other = CountingLoop("copy", "zero", "n");
  for (size_t at; (at = other.find("copy/frame")) != std::string::npos;) {
    other.replace(at, 10, "while/frame");
  }
  Read(twice + other);
  EXPECT_EQ(Now("while/Exit_i"), "while:0");
  EXPECT_EQ(Now("copy/Exit_i"), "copy:0");
}

TEST_F(V1ControlFlowTest, ALoopWithEffectsIsStateful) {
  Read(Int("zero", 0) + Input("n") + CountingLoop("while", "zero", "n") +
       NodeText("while/print", "Unheard", "while/i", T()) +
       Variable("while", "x", "zero") +
       Op("while/x_next", "Identity", "while/x ^while/print"));
  EXPECT_EQ(Find("while").op(), "While");
  EXPECT_NE(Find("while").body(1).FindNode("while/print"), nullptr);
}

TEST_F(V1ControlFlowTest, ReferencesAreLikeValues) {
  std::string text =
      Int("zero", 0) + Input("n") + CountingLoop("while", "zero", "n");
  for (const char* op : {"Enter", "Merge", "Switch", "NextIteration", "Exit"}) {
    const std::string from = absl::StrCat("op: '", op, "'");
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;) {
      text.replace(at, from.size(), absl::StrCat("op: 'Ref", op, "'"));
    }
  }
  Read(text);
  EXPECT_EQ(Now("while/Exit_i"), "while:0");
}

TEST_F(V1ControlFlowTest, WhatIsComputedAfterTheLastIterationGoesOutside) {
  std::string text =
      Int("zero", 0) + Input("n") + CountingLoop("while", "zero", "n");
  const std::string exit = Op("while/Exit_i", "Exit", "while/Switch_i");
  text.replace(text.find(exit), exit.size(),
               Add("while/last", "while/Switch_i while/limit") +
                   Op("while/Exit_i", "Exit", "while/last"));
  Read(text);
  EXPECT_EQ(Now("while/Exit_i"), "while/last:0");
  EXPECT_EQ(Find("while/last").input(0).name(), "while:0");
  EXPECT_EQ(Find("while/last").input(1).name(), "n:0");
}

TEST_F(V1ControlFlowTest, NestingIsBounded) {
  for (int depth : {60, 70}) {
    std::string text = Int("zero", 0) + Input("n");
    std::string outer = "n";
    for (int i = 0; i < depth; ++i) {
      const std::string scope = absl::StrCat("w", i);
      text += EnterConstant(scope, outer, absl::StrCat("frame", i));
      outer = scope;
    }
    text += Op("y", "Identity", outer);
    EXPECT_EQ(Import(text).ok(), depth < 64) << depth;
  }
}

// ---- Conditionals -----------------------------------------------------------

// p ? x + x : 7
std::string Conditional() {
  return Input("p", "DT_BOOL") + Input("x") + Pivots("cond", "p") +
         Switch("cond/add/Switch", "x cond/pred_id") +
         Add("cond/add", "cond/add/Switch:1 cond/add/Switch:1") +
         Int("cond/seven", 7, "^cond/switch_f") +
         Merge("cond/Merge", "cond/seven cond/add");
}

TEST_F(V1ControlFlowTest, AConditionalBecomesAnIf) {
  Read(Conditional());
  const Node& node = Find("cond");
  EXPECT_EQ(node.op(), "StatelessIf");
  EXPECT_THAT(node.inputs(), ElementsAre(Output(graph_->FindNode("p"), 0),
                                         Output(graph_->FindNode("x"), 0)));
  EXPECT_THAT(Names(node.body(0)), Contains("cond/add"));
  EXPECT_THAT(Names(node.body(1)), Contains("cond/seven"));
  EXPECT_EQ(Now("cond/Merge"), "cond:0");
  EXPECT_EQ(Now("cond/Merge:1"), "cond:1");
  EXPECT_THAT(Now("cond/add"), HasSubstr("is part of conditional 'cond'"));
  EXPECT_THAT(Now("cond/Switch:1"), HasSubstr("is part of a conditional"));
}

TEST_F(V1ControlFlowTest, ResultsOfOneConditionalBecomeOneIf) {
  Read(Conditional() + Add("cond/more", "cond/add/Switch:1 cond/add") +
       Merge("cond/Merge_1", "cond/add/Switch cond/more"));
  EXPECT_EQ(Now("cond/Merge"), "cond:0");
  EXPECT_EQ(Now("cond/Merge_1"), "cond:1");
  EXPECT_EQ(Now("cond/Merge_1:1"), "cond:3");
}

TEST_F(V1ControlFlowTest,
       AConditionalThatNeedsAnotherOfTheSamePredicateIsAnother) {
  Read(Conditional() + Switch("cond_1/Switch", "cond/Merge p") +
       Add("cond_1/add", "cond_1/Switch:1 cond_1/Switch:1") +
       Merge("cond_1/Merge", "cond_1/Switch cond_1/add"));
  EXPECT_EQ(Now("cond/Merge"), "cond:0");
  EXPECT_EQ(Now("cond_1/Merge"), "cond_1:0");
  EXPECT_EQ(Find("cond_1").input(1).name(), "cond:0");
}

// p ? (q ? x + x : x) : 7
std::string NestedConditional() {
  return Input("p", "DT_BOOL") + Input("q", "DT_BOOL") + Input("x") +
         Pivots("a", "p") + Switch("a/x", "x a/pred_id") +
         Switch("a/q", "q a/pred_id", "DT_BOOL") + Pivots("a/b", "a/q:1") +
         Switch("a/b/x", "a/x:1 a/b/pred_id") +
         Add("a/b/add", "a/b/x:1 a/b/x:1") +
         Merge("a/b/Merge", "a/b/x a/b/add") +
         Int("a/seven", 7, "^a/switch_f") +
         Merge("a/Merge", "a/seven a/b/Merge");
}

TEST_F(V1ControlFlowTest, ConditionalsMayBeNested) {
  Read(NestedConditional());
  EXPECT_EQ(Now("a/Merge"), "a:0");
  EXPECT_THAT(Names(Find("a").body(0)), Contains("a/b"));
  EXPECT_THAT(Now("a/b/Merge"), HasSubstr("is part of conditional 'a"));
}

TEST_F(V1ControlFlowTest, ABranchMayUseWhatNoSwitchGivesIt) {
  Read(Conditional() + Input("y") + Add("cond/direct", "cond/add y") +
       Merge("cond/Merge_1", "cond/seven cond/direct"));
  EXPECT_EQ(Find("cond").num_inputs(), 3);
}

TEST_F(V1ControlFlowTest, AMergeOfABranchThatIsNeverTakenGivesTheOther) {
  Read(Conditional() + Switch("never", "cond/add/Switch:1 p") +
       Merge("m", "never x") + Add("y", "m x"));
  EXPECT_EQ(Find("m").op(), "Identity");
  EXPECT_EQ(Find("m").input(0).name(), "x:0");
  EXPECT_EQ(Now("m:1"), "m/value_index:0");
}

TEST_F(V1ControlFlowTest, WhatNoMergeClosesIsLeftOut) {
  Read(Input("p", "DT_BOOL") + Input("x") + Switch("s", "x p") +
       Add("y", "s:1 x"));
  EXPECT_THAT(Names(*graph_), UnorderedElementsAre("p", "x"));
  EXPECT_THAT(Now("y"), HasSubstr("is part of a conditional"));
}

TEST_F(V1ControlFlowTest, AConditionalInALoop) {
  Read(Int("zero", 0) + Input("n") + CountingLoop("while", "zero", "n") +
       Variable("while", "x", "zero") + Less("while/p", "while/i while/x") +
       Pivots("while/cond", "while/p") +
       Switch("while/cond/x", "while/x while/cond/pred_id") +
       Int("while/cond/two", 2, "^while/cond/switch_t") +
       Merge("while/cond/Merge", "while/cond/x while/cond/two") +
       Op("while/x_next", "Identity", "while/cond/Merge"));
  const Node* node = Find("while").body(1).FindNode("while/cond");
  ASSERT_NE(node, nullptr);
  EXPECT_EQ(node->op(), "StatelessIf");
}

TEST_F(V1ControlFlowTest, ALoopInAConditional) {
  Read(Input("p", "DT_BOOL") + Input("n") + Pivots("cond", "p") +
       Switch("cond/n", "n cond/pred_id") +
       Int("cond/zero", 0, "^cond/switch_t") +
       CountingLoop("cond/while", "cond/zero", "cond/n:1") +
       Merge("cond/Merge", "cond/n cond/while/Exit_i"));
  EXPECT_NE(Find("cond").body(0).FindNode("cond/while"), nullptr);
  EXPECT_THAT(Now("cond/while/Exit_i"),
              HasSubstr("is part of loop 'cond/while'"));
}

TEST_F(V1ControlFlowTest, AnEffectRunsInOneBranchOnly) {
  const std::string text =
      Conditional() +
      NodeText("cond/log", "Unheard", "cond/add/Switch:1", T()) +
      Op("cond/logged", "Identity", "cond/add ^cond/log");
  Read(text + Merge("cond/Merge_1", "cond/seven cond/logged"));
  EXPECT_EQ(Find("cond").op(), "If");
  EXPECT_NE(Find("cond").body(0).FindNode("cond/log"), nullptr);
  EXPECT_EQ(Find("cond").body(1).FindNode("cond/log"), nullptr);
}

TEST_F(V1ControlFlowTest, AControlTriggerIsANoOp) {
  Read(Input("x") + NodeText("t", "ControlTrigger", "^x") +
       Op("y", "Identity", "x ^t"));
  EXPECT_EQ(Find("t").op(), "NoOp");
}

TEST_F(V1ControlFlowTest, LongChainsTakeNoStack) {
  std::string text = Int("zero", 0) + Input("n") +
                     CountingLoop("while", "zero", "n") +
                     Variable("while", "x", "zero");
  std::string last = "while/x";
  constexpr int kLength = 20000;
  for (int i = 0; i < kLength; ++i) {
    const std::string name =
        i + 1 == kLength ? "while/x_next" : absl::StrCat("while/c", i);
    text += Add(name, absl::StrCat(last, " while/i"));
    last = name;
  }
  Read(text);
  EXPECT_GE(Find("while").body(1).num_nodes(), kLength);
}

TEST_F(V1ControlFlowTest, WhatIsCopiedCountsAsNodes) {
  std::string text = Conditional();
  std::string last = "cond/add";
  for (int i = 0; i < 10; ++i) {
    text += Add(absl::StrCat("cond/add_", i), last + " cond/add");
    last = absl::StrCat("cond/add_", i);
  }
  for (int i = 0; i < 12; ++i) {
    const std::string n = absl::StrCat(i);
    // Each depends on the one before, and all on the same branch.
    text += Switch("s" + n, (i == 0 ? "x" : absl::StrCat("m", i - 1)) + " p") +
            Add("a" + n, absl::StrCat("s", n, ":1 ", last)) +
            Merge("m" + n, absl::StrCat("s", n, " a", n));
  }
  ImportOptions options;
  options.graph.max_nodes = 100;
  EXPECT_THAT(Import(text, options),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("what several of them use is there in each")));
  EXPECT_THAT(Import(text), IsOk());
}

}  // namespace
}  // namespace weft
