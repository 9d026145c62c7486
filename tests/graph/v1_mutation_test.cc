// Old control flow with mistakes in it, made at random: whatever it says,
// reading it must end, with a graph or with an error that blames the file.
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/graph/v1_testing.h"

namespace weft {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;
using namespace v1;  // NOLINT: the nodes are the words of these tests.

// Loops in loops, a conditional in each, and an array that is written.
std::string Everything() {
  return Int("zero", 0) + Int("one", 1) + Input("n") + Input("p", "DT_BOOL") +
         Input("x") + CountingLoop("a", "zero", "n") +
         Variable("a", "x", "zero") + EnterConstant("a/n", "n", "a/frame") +
         Int("a/zero", 0, "^a/i") +
         EnterConstant("a/p", "p", "a/frame", "DT_BOOL") +
         Pivots("a/c", "a/p") + Switch("a/c/n", "a/n a/c/pred_id") +
         Int("a/c/two", 2, "^a/c/switch_t") +
         Add("a/c/sum", "a/c/n:1 a/c/two") +
         Merge("a/c/Merge", "a/c/n a/c/sum") +
         CountingLoop("a/b", "a/zero", "a/c/Merge") +
         Variable("a/b", "x", "a/x") +
         EnterConstant("a/b/step", "a/zero", "a/b/frame") +
         Add("a/b/x_next", "a/b/x a/b/step") +
         Op("a/x_next", "Identity", "a/b/Exit_x ^a/c/Merge") +
         Pivots("c", "p") + Switch("c/n", "n c/pred_id") +
         Int("c/zero", 0, "^c/switch_t") +
         CountingLoop("c/while", "c/zero", "c/n:1") +
         Merge("c/Merge", "c/n c/while/Exit_i") +
         NodeText("ta", "TensorArrayV3", "n", TypeAttr("dtype", "DT_INT32")) +
         NodeText("ta/w", "TensorArrayWriteV3", "ta zero c/Merge ta:1", T()) +
         NodeText("ta/r", "TensorArrayReadV3", "ta zero ta/w",
                  TypeAttr("dtype", "DT_INT32")) +
         // Gradients: a stack, and an array to which writes add.
         NodeText("s", "StackV2", "one", TypeAttr("elem_type", "DT_INT32")) +
         EnterConstant("a/s", "s", "a/frame", "DT_RESOURCE") +
         EnterConstant("a/b/s", "a/s", "a/b/frame", "DT_RESOURCE") +
         NodeText("a/b/push", "StackPushV2", "a/b/s a/b/x ^a/b/i_next", T()) +
         CountingLoop("d", "zero", "n") +
         EnterConstant("d/s", "s", "d/frame", "DT_RESOURCE") +
         NodeText("d/pop", "StackPopV2", "d/s ^d/i_next",
                  TypeAttr("elem_type", "DT_INT32")) +
         EnterConstant("d/ta", "ta", "d/frame", "DT_RESOURCE") +
         EnterConstant("d/flow", "ta/w", "d/frame", "DT_FLOAT") +
         NodeText("d/g", "TensorArrayGradV3", "d/ta d/flow",
                  "source = s: 'gradients'") +
         NodeText("d/gw", "TensorArrayWriteV3", "d/g d/i d/pop d/flow", T()) +
         NodeText("nothing", "Const", "",
                  TypeAttr("dtype", "DT_FLOAT") +
                      "value = tensor { dtype: DT_FLOAT tensor_shape {} "
                      "float_val: 0 }") +
         Variable("d", "sum", "nothing", "DT_FLOAT") +
         Op("d/sum_next", "AddV2", "d/sum d/gw", "DT_FLOAT") +
         NodeText("g", "TensorArrayGradV3", "ta d/Exit_sum",
                  "source = s: 'gradients'") +
         NodeText("gr", "TensorArrayReadV3", "g zero d/Exit_sum",
                  TypeAttr("dtype", "DT_INT32")) +
         Add("y", "ta/r a/Exit_x");
}

class Mutator {
 public:
  Mutator(proto::GraphDef graph, int seed)
      : graph_(std::move(graph)), random_(seed) {}

  proto::GraphDef Run() {
    const int count = 1 + Pick(3);
    for (int i = 0; i < count; ++i) Mutate();
    return graph_;
  }

 private:
  int Pick(int below) { return static_cast<int>(random_() % below); }
  proto::NodeDef* Node() {
    return graph_.mutable_node(Pick(graph_.node_size()));
  }
  std::string Source() {
    const std::string& name = Node()->name();
    switch (Pick(4)) {
      case 0:
        return absl::StrCat("^", name);
      case 1:
        return absl::StrCat(name, ":1");
      default:
        return name;
    }
  }
  void Rewire(proto::NodeDef* node) {
    if (node->input_size() == 0) return;
    const int k = Pick(node->input_size());
    const std::string source = Source();
    // A data input behind a control input would be all that is found.
    const bool is_control = absl::StartsWith(node->input(k), "^");
    if (is_control == absl::StartsWith(source, "^")) node->set_input(k, source);
  }

  void Mutate() {
    static constexpr const char* kOps[] = {
        "Enter",        "Exit",           "Merge",
        "Switch",       "NextIteration",  "LoopCond",
        "Identity",     "ControlTrigger", "TensorArrayReadV3",
        "TensorArrayV3"};
    static constexpr proto::DataType kTypes[] = {
        proto::DT_INT32, proto::DT_BOOL, proto::DT_FLOAT, proto::DT_VARIANT};
    proto::NodeDef* node = Node();
    switch (Pick(9)) {
      case 0:
      case 1:
      case 2:
        Rewire(node);
        break;
      case 3:
        if (node->input_size() > 0) node->mutable_input()->RemoveLast();
        break;
      case 4:
        node->add_input(absl::StrCat("^", Node()->name()));
        break;
      case 5:
        node->set_op(kOps[Pick(10)]);
        break;
      case 6:
        (*node->mutable_attr())["T"].set_type(kTypes[Pick(4)]);
        break;
      case 7:
        (*node->mutable_attr())["is_constant"].set_b(Pick(2) == 0);
        break;
      default:
        (*node->mutable_attr())["frame_name"].set_s(Pick(2) == 0 ? "a/frame"
                                                                 : "f");
    }
  }

  proto::GraphDef graph_;
  std::mt19937 random_;
};

TEST(V1MutationTest, WhatIsMutatedIsAGraph) {
  EXPECT_TRUE(Import(Everything()).ok()) << Import(Everything()).status();
}

TEST(V1MutationTest, AnyMistakeIsReported) {
  const proto::GraphDef original = GraphDefOf(Everything());
  int good = 0;
  constexpr int kRuns = 3000;
  for (int seed = 0; seed < kRuns; ++seed) {
    const proto::GraphDef graph = Mutator(original, seed).Run();
    const absl::StatusOr<std::unique_ptr<Graph>> result = ImportGraphDef(graph);
    if (result.ok()) {
      ++good;
      for (const proto::NodeDef& node : graph.node()) {
        (void)(*result)->FindOutput(node.name());
      }
      continue;
    }
    ASSERT_THAT(result.status().code(),
                AnyOf(Eq(absl::StatusCode::kInvalidArgument),
                      Eq(absl::StatusCode::kUnimplemented)))
        << "seed " << seed << ": " << result.status();
  }
  // Both happen.
  EXPECT_GT(good, kRuns / 50);
  EXPECT_LT(good, kRuns);
}

}  // namespace
}  // namespace weft
