// TensorArrays of old graphs, which become lists. The list ops are not among
// the ops that these tests know: the nodes are kept as they are.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/graph/v1_testing.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using namespace v1;  // NOLINT: the nodes are the words of these tests.

std::string Array(absl::string_view name, absl::string_view size,
                  absl::string_view attrs = "") {
  return NodeText(name, "TensorArrayV3", size,
                  absl::StrCat(TypeAttr("dtype", "DT_FLOAT"), attrs));
}
std::string Write(absl::string_view name, absl::string_view inputs) {
  return NodeText(name, "TensorArrayWriteV3", inputs, T("DT_FLOAT"));
}
std::string Read(absl::string_view name, absl::string_view inputs) {
  return NodeText(name, "TensorArrayReadV3", inputs,
                  TypeAttr("dtype", "DT_FLOAT"));
}
std::string Gather(absl::string_view name, absl::string_view inputs) {
  return NodeText(name, "TensorArrayGatherV3", inputs,
                  TypeAttr("dtype", "DT_FLOAT"));
}
std::string Scatter(absl::string_view name, absl::string_view inputs) {
  return NodeText(name, "TensorArrayScatterV3", inputs, T("DT_FLOAT"));
}
std::string Size(absl::string_view name, absl::string_view inputs) {
  return NodeText(name, "TensorArraySizeV3", inputs);
}
std::string Range(absl::string_view name, absl::string_view limit) {
  return NodeText(name, "Range", absl::StrCat("zero ", limit, " one"),
                  TypeAttr("Tidx", "DT_INT32"));
}
// Constants and inputs that the tests use.
std::string Base() {
  return Int("zero", 0) + Int("one", 1) + Int("three", 3) + Input("n") +
         Input("x", "DT_FLOAT");
}

class V1TensorArrayTest : public ::testing::Test {
 protected:
  void Load(const std::string& text) {
    absl::StatusOr<std::unique_ptr<Graph>> graph = Import(text);
    ASSERT_THAT(graph, IsOk());
    graph_ = *std::move(graph);
  }
  // "TensorListSetItem(list:0, i:0, x:0)".
  static std::string Shown(const Graph& graph, absl::string_view name) {
    const Node* node = graph.FindNode(name);
    if (node == nullptr) return absl::StrCat("no ", name);
    std::vector<std::string> inputs;
    for (const Output& input : node->inputs()) inputs.push_back(input.name());
    return absl::StrCat(node->op(), "(", absl::StrJoin(inputs, ", "), ")");
  }
  std::string Shown(absl::string_view name) { return Shown(*graph_, name); }

  std::unique_ptr<Graph> graph_;
};

TEST_F(V1TensorArrayTest, AnArrayIsAListThatTheFlowCarries) {
  Load(Base() + Array("a", "n") + Write("w", "a zero x a:1") +
       Write("w_1", "a one x w") + Read("r", "a zero w_1") +
       Size("s", "a w_1") + Gather("g", "a zero w_1"));
  EXPECT_EQ(Shown("a"), "TensorListReserve(a/element_shape:0, n:0)");
  EXPECT_EQ(Shown("w"), "TensorListSetItem(a:0, zero:0, x:0)");
  EXPECT_EQ(Shown("w_1"), "TensorListSetItem(w:0, one:0, x:0)");
  EXPECT_EQ(Shown("r"), "TensorListGetItem(w_1:0, zero:0, r/element_shape:0)");
  EXPECT_EQ(Shown("s"), "TensorListLength(w_1:0)");
  EXPECT_EQ(Shown("g"), "TensorListGather(w_1:0, zero:0, g/element_shape:0)");
}

TEST_F(V1TensorArrayTest, WhatIsKnownOfTheElementsIsKept) {
  Load(Base() +
       Array("a", "n",
             "element_shape = shape { dim { size: -1 } dim { size: 3 } }; "
             "dynamic_size = b: true") +
       Write("w", "a zero x a:1"));
  const Tensor& shape =
      graph_->FindNode("a/element_shape")->attrs().Get<Tensor>("value");
  EXPECT_EQ(shape.data<int32_t>()[0], -1);
  EXPECT_EQ(shape.data<int32_t>()[1], 3);
  EXPECT_TRUE(graph_->FindNode("w")->attrs().Get<bool>(
      "resize_if_index_out_of_bounds"));
}

// ys[i] = xs[i] for all i, where xs are the rows of x.
std::string MapLoop() {
  return Base() + Array("xs", "n") + Array("ys", "n") + Range("range", "n") +
         Scatter("unstack", "xs range x xs:1") +
         CountingLoop("while", "zero", "n") +
         EnterConstant("while/xs", "xs", "while/frame", "DT_RESOURCE") +
         EnterConstant("while/xs_flow", "unstack", "while/frame", "DT_FLOAT") +
         EnterConstant("while/ys", "ys", "while/frame", "DT_RESOURCE") +
         Read("while/read", "while/xs while/i while/xs_flow") +
         Enter("while/Enter_flow", "ys:1", "while/frame", "DT_FLOAT") +
         Merge("while/Merge_flow", "while/Enter_flow while/Next_flow",
               "DT_FLOAT") +
         Switch("while/Switch_flow", "while/Merge_flow while/LoopCond",
                "DT_FLOAT") +
         Op("while/flow", "Identity", "while/Switch_flow:1", "DT_FLOAT") +
         Write("while/write", "while/ys while/i while/read while/flow") +
         Op("while/Next_flow", "NextIteration", "while/write", "DT_FLOAT") +
         Op("while/Exit_flow", "Exit", "while/Switch_flow", "DT_FLOAT") +
         Size("size", "ys while/Exit_flow") + Range("all", "size") +
         Gather("stack", "ys all while/Exit_flow");
}

TEST_F(V1TensorArrayTest, AListIsALoopVariable) {
  Load(MapLoop());
  EXPECT_EQ(Shown("unstack"),
            "TensorListFromTensor(x:0, unstack/element_shape:0)");
  EXPECT_EQ(Shown("stack"), "TensorListStack(while:1, stack/element_shape:0)");
  // The counter, the list that is written; the limit and the list that is read.
  EXPECT_EQ(Shown("while"), "While(zero:0, ys:0, n:0, unstack:0)");
  const Node* loop = graph_->FindNode("while");
  EXPECT_EQ(loop->output_dtype(1), DataType::kVariant);
  EXPECT_EQ(loop->output_dtype(3), DataType::kVariant);
  EXPECT_THAT(
      Shown(loop->body(1), "while/write"),
      HasSubstr("TensorListSetItem(while/flow:0, while/i:0, while/read:0)"));
  const Node* shape = loop->body(1).FindNode("while/read/element_shape");
  ASSERT_NE(shape, nullptr);
  EXPECT_TRUE(shape->control_inputs().empty());
}

TEST_F(V1TensorArrayTest, RowsGoToOtherPlacesInALoop) {
  Load(Base() + Array("a", "n") + Input("indices") +
       Scatter("s", "a indices x a:1"));
  EXPECT_EQ(Shown("s"), "Identity(s/while:2)");
  EXPECT_EQ(Shown("s/while"),
            "StatelessWhile(s/i:0, s/size:0, a:0, indices:0, x:0)");
}

TEST_F(V1TensorArrayTest, AnArrayOfAnotherSizeIsFilledInALoop) {
  Load(Base() + Array("a", "n") + Range("range", "three") +
       Scatter("s", "a range x a:1"));
  EXPECT_EQ(Shown("s"), "Identity(s/while:2)");
  Load(Base() + Array("a", "three") + Range("range", "three") +
       Scatter("s", "a range x a:1"));
  EXPECT_EQ(Shown("s"), "TensorListFromTensor(x:0, s/element_shape:0)");
  Load(Base() + Array("a", "zero", "dynamic_size = b: true") +
       Range("range", "three") + Scatter("s", "a range x a:1"));
  EXPECT_EQ(Shown("s"), "TensorListFromTensor(x:0, s/element_shape:0)");
}

TEST_F(V1TensorArrayTest, PiecesAndTheirJoin) {
  Load(Base() + Array("a", "n") + Input("lengths", "DT_INT64") +
       NodeText("s", "TensorArraySplitV3", "a x lengths a:1", T("DT_FLOAT")) +
       NodeText("c", "TensorArrayConcatV3", "a s",
                TypeAttr("dtype", "DT_FLOAT")) +
       NodeText("close", "TensorArrayCloseV3", "a"));
  EXPECT_EQ(Shown("s"), "Identity(s/while:2)");
  EXPECT_EQ(Shown("c"),
            "TensorListConcatV2(s:0, c/element_shape:0, c/leading_dims:0)");
  EXPECT_EQ(Shown("close"), "NoOp()");
}

std::string Grad(absl::string_view name, absl::string_view inputs) {
  return NodeText(name, "TensorArrayGradV3", inputs, "source = s: 'gradients'");
}

// The attrs of what is a flow where nothing flows.
std::string NoFlow() {
  return TypeAttr("dtype", "DT_FLOAT") +
         "value = tensor { dtype: DT_FLOAT tensor_shape {} float_val: 0 }";
}

// The gradient of two reads: writes, whose flows are added up and then read.
TEST_F(V1TensorArrayTest, FlowsOfGradientsAreListsThatAreAddedUp) {
  Load(Base() + Array("a", "n") + Write("w", "a zero x a:1") +
       Grad("g", "a w") + Op("f", "Identity", "w ^g", "DT_FLOAT") +
       Write("gw", "g zero x f") + Write("gv", "g one x f") +
       NodeText("sum", "AddN", "gw gv", T("DT_FLOAT") + "N = i: 2") +
       Grad("g_1", "a sum") + Op("f_1", "Identity", "sum ^g_1", "DT_FLOAT") +
       Read("r", "g_1 zero f_1"));
  // What the handle stands for is the complete array.
  EXPECT_EQ(Shown("g"), "Identity(w:0)");
  EXPECT_EQ(Shown("gw"), "Identity(gw/item:0)");
  EXPECT_EQ(Shown("gw/item"), "TensorListSetItem(gw/zeros:0, zero:0, x:0)");
  EXPECT_EQ(Shown("gw/zeros/size"), "TensorListLength(g:0)");
  EXPECT_EQ(Shown("sum"), "AddN(gw:0, gv:0)");
  EXPECT_EQ(Shown("r"), "TensorListGetItem(f_1:0, zero:0, r/element_shape:0)");
  EXPECT_EQ(Shown("r/element_shape"), "TensorListElementShape(g_1:0)");
}

TEST_F(V1TensorArrayTest, AGradientThatIsWrittenTwiceIsASum) {
  Load(Base() + Array("a", "n") + Write("w", "a zero x a:1") +
       Grad("g", "a w") + Write("gw", "g zero x w") +
       Write("gv", "g zero x gw"));
  EXPECT_EQ(Shown("gv/item"), "TensorListSetItem(gw:0, zero:0, gv/sum:0)");
  EXPECT_EQ(Shown("gv/sum"), "AddV2(gv/before:0, x:0)");
}

TEST_F(V1TensorArrayTest, AGradientThatWasNeverWrittenIsZeros) {
  Load(Base() + Array("a", "n") + Write("w", "a zero x a:1") +
       NodeText("nothing", "Const", "", NoFlow()) + Grad("g", "a nothing") +
       Read("r", "g zero nothing"));
  EXPECT_EQ(Shown("r"), "ZerosLike(r/like:0)");
  EXPECT_EQ(Shown("r/like"),
            "TensorListGetItem(g:0, zero:0, r/element_shape:0)");
}

TEST_F(V1TensorArrayTest, GradientsThatDoNotFitAreRefused) {
  const std::string start = Base() + Array("a", "n") + Array("b", "n") +
                            Write("w", "a zero x a:1") + Grad("g", "a w") +
                            Grad("h", "b b:1") + Write("gw", "g zero x w");
  EXPECT_THAT(
      Import(start + Write("hw", "h zero x b:1") +
             NodeText("sum", "AddN", "gw hw", T("DT_FLOAT") + "N = i: 2")),
      StatusIs(absl::StatusCode::kUnimplemented,
               HasSubstr("gives the flows of two TensorArrays, the gradients "
                         "of 'b' and those of 'a'")));
  EXPECT_THAT(Import(start + Op("sum", "AddV2", "gw x", "DT_FLOAT")),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("AddV2 'sum': its input 'x' is no flow of the "
                                 "gradients of TensorArray 'a', but others "
                                 "are")));
  EXPECT_THAT(Import(start + Op("y", "Less", "gw x", "DT_FLOAT")),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("Less 'y': uses a flow of TensorArray 'a' for "
                                 "anything but the array")));
  EXPECT_THAT(
      Import(start + NodeText("c", "TensorArrayConcatV3", "h b:1",
                              TypeAttr("dtype", "DT_FLOAT"))),
      StatusIs(absl::StatusCode::kUnimplemented,
               HasSubstr("TensorArrayConcatV3 'c': joins the gradients of "
                         "TensorArray 'b', to which none was written")));
  EXPECT_THAT(
      Import(Base() + CountingLoop("f", "zero", "n") + Int("f/two", 2, "^f/i") +
             Array("f/a", "f/two") + Int("f/zero", 0, "^f/i") +
             EnterConstant("f/x", "x", "f/frame", "DT_FLOAT") +
             Write("f/w", "f/a f/zero f/x f/a:1") + Grad("f/g", "f/a f/w") +
             Write("f/gw", "f/g f/zero f/x f/w") +
             NodeText("nothing", "Const", "", NoFlow()) +
             Variable("f", "d", "nothing", "DT_FLOAT") +
             Op("f/d_next", "AddV2", "f/d f/gw", "DT_FLOAT")),
      StatusIs(absl::StatusCode::kUnimplemented,
               HasSubstr("Enter 'f/Enter_d': needs the size of TensorArray "
                         "'f/a' in no frame, where that is not known")));
  EXPECT_THAT(Import(start + NodeText("r", "TensorArrayReadV3", "g zero gw",
                                      TypeAttr("dtype", "DT_INT32"))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("TensorArrayReadV3 'r': is for elements that "
                                 "are int32, but those of 'a' are float32")));
  EXPECT_THAT(Import(start + NodeText("k", "TensorArrayGradV3", "a",
                                      "source = s: 'gradients'")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("TensorArrayGradV3 'k': has 1 inputs but must "
                                 "have 2")));
}

TEST_F(V1TensorArrayTest, WhatDoesNotFitIsRefused) {
  EXPECT_THAT(
      Import(Base() + Array("a", "n") +
             NodeText("r", "TensorArrayReadV3", "a zero a:1",
                      TypeAttr("dtype", "DT_INT32"))),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr(
                   "TensorArrayReadV3 'r': is for elements that are int32, but "
                   "those of 'a' are float32")));
  EXPECT_THAT(
      Import(Base() + Array("a", "n") + Read("r", "a zero x")),
      StatusIs(
          absl::StatusCode::kUnimplemented,
          HasSubstr("TensorArrayReadV3 'r': its flow 'x' does not come from a "
                    "TensorArray")));
  EXPECT_THAT(
      Import(Base() + Array("a", "n") + Op("y", "AddV2", "x a:1", "DT_FLOAT")),
      StatusIs(
          absl::StatusCode::kUnimplemented,
          HasSubstr(
              "AddV2 'y': uses a flow of TensorArray 'a' for anything but the "
              "array")));
  EXPECT_THAT(
      Import(Base() + Array("a", "n") + Read("r", "a zero")),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          HasSubstr("TensorArrayReadV3 'r': has 2 inputs but must have 3")));
  EXPECT_THAT(
      Import(Base() + Input("p", "DT_BOOL") + Array("a", "n") +
             Switch("s", "a:1 p", "DT_FLOAT") + Switch("t", "x p", "DT_FLOAT") +
             Merge("m", "s t:1", "DT_FLOAT")),
      StatusIs(
          absl::StatusCode::kUnimplemented,
          HasSubstr(
              "Merge 'm': some of its inputs are flows of TensorArrays and "
              "others are not")));
  EXPECT_THAT(
      Import(Base() + Input("p", "DT_BOOL") + Array("a", "n") +
             Array("b", "n") + Switch("s", "a p", "DT_RESOURCE") +
             Switch("t", "b p", "DT_RESOURCE") +
             Merge("m", "s t:1", "DT_RESOURCE")),
      StatusIs(absl::StatusCode::kUnimplemented,
               HasSubstr("Merge 'm': gives the handles of two TensorArrays, "
                         "'a' and 'b'")));
}

}  // namespace
}  // namespace weft
