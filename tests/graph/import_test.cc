// What importing makes of a file that is in order. What it refuses is in
// bad_graph_test.cc.
#include "graph/import.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "graph/op.h"
#include "graph/unknown_op.h"
#include "gtest/gtest.h"
#include "tests/graph/graph_testing.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

std::string X(absl::string_view shape = "unknown_rank: true") {
  return NodeText(
      "x", "Placeholder", "",
      absl::StrCat("dtype = type: DT_FLOAT; shape = shape { ", shape, " }"));
}

// The graph in `text`, or an empty one after a failure.
std::unique_ptr<Graph> MustImport(absl::string_view text) {
  absl::StatusOr<std::unique_ptr<Graph>> graph = Import(text);
  EXPECT_OK(graph);
  return graph.ok() ? *std::move(graph) : std::make_unique<Graph>();
}

TEST(ImportTest, NodesMayComeInAnyOrder) {
  const auto graph = MustImport(
      NodeText("z", "AddV2", "y x", "T = type: DT_FLOAT") +
      NodeText("y", "Identity", "x:0 ^x", "T = type: DT_FLOAT") + X());
  ASSERT_EQ(graph->num_nodes(), 3);
  EXPECT_EQ(graph->nodes()[0]->name(), "x");
  EXPECT_EQ(graph->nodes()[2]->name(), "z");
  EXPECT_EQ(graph->FindNode("y")->control_inputs().front(),
            graph->FindNode("x"));
}

TEST(ImportTest, FillsInDefaultsAndInfersShapes) {
  const auto graph = MustImport(
      X("dim { size: 2 } dim { size: 3 }") +
      NodeText(
          "w", "Const", "",
          "dtype = type: DT_FLOAT; value = tensor { dtype: DT_FLOAT "
          "tensor_shape { dim { size: 3 } dim { size: 5 } } float_val: 1 }") +
      NodeText("y", "MatMul", "x w", "T = type: DT_FLOAT"));
  const Node* y = graph->FindNode("y");
  ASSERT_NE(y, nullptr);
  EXPECT_FALSE(y->attrs().Get<bool>("transpose_a"));
  EXPECT_EQ(y->output_shape(0), (TensorShape{2, 5}));
}

TEST(ImportTest, KeepsDevicesAndFreeAttrs) {
  const auto graph = MustImport(
      "node { name: 'x' op: 'NoOp' device: '/gpu:0' "
      "attr { key: '_class' value { list { s: 'loc:@x' } } } }");
  EXPECT_EQ(graph->FindNode("x")->device(), "/gpu:0");
  EXPECT_EQ(graph->FindNode("x")
                ->attrs()
                .Get<std::vector<std::string>>("_class")
                .front(),
            "loc:@x");
}

TEST(ImportTest, ScalarPlaceholdersOfOldFilesAreOfUnknownShape) {
  EXPECT_EQ(MustImport(X("") + "versions { producer: 21 }")
                ->nodes()[0]
                ->output_shape(0),
            TensorShape::UnknownRank());
  EXPECT_EQ(MustImport(X(""))->nodes()[0]->output_shape(0),
            TensorShape::UnknownRank());
  EXPECT_EQ(MustImport(X("") + "versions { producer: 22 }")
                ->nodes()[0]
                ->output_shape(0),
            TensorShape{});
}

TEST(ImportTest, TakesFilesOfFarNewerWriters) {
  EXPECT_OK(Import(X() + "versions { producer: 100000 min_consumer: 12 }"));
}

TEST(ImportTest, ReportsNoLineOfTheUsersProgram) {
  const auto graph =
      MustImport(X() + NodeText("y", "Identity", "x", "T = type: DT_FLOAT"));
  EXPECT_FALSE(graph->FindNode("y")->location().known());
}

TEST(ImportTest, RegistersVariables) {
  const auto graph =
      MustImport(NodeText("enc/w", "VarHandleOp", "",
                          "dtype = type: DT_FLOAT; shape = shape { dim { size: "
                          "2 } }; shared_name = s: 'w'") +
                 NodeText("b", "VarHandleOp", "",
                          "dtype = type: DT_DOUBLE; shape = shape { }") +
                 NodeText("again", "VarHandleOp", "",
                          "dtype = type: DT_FLOAT; shape = shape { dim { size: "
                          "2 } }; shared_name = s: 'w'") +
                 X() +
                 NodeText("w/Assign", "AssignVariableOp", "enc/w x",
                          "dtype = type: DT_FLOAT") +
                 NodeText("save/Assign", "AssignVariableOp", "enc/w x",
                          "dtype = type: DT_FLOAT"));
  ASSERT_EQ(graph->variables().size(), 2u);
  const VariableInfo* w = graph->FindVariable("w");
  ASSERT_NE(w, nullptr);
  EXPECT_EQ(w->handle.node()->name(), "enc/w");
  EXPECT_EQ(w->dtype, DataType::kFloat);
  EXPECT_EQ(w->shape, (TensorShape{2}));
  EXPECT_EQ(w->initializer, graph->FindNode("w/Assign"));
  ASSERT_NE(graph->FindVariable("b"), nullptr);
  EXPECT_EQ(graph->FindVariable("b")->initializer, nullptr);
}

// ---- Ops that weft does not know --------------------------------------------

TEST(ImportTest, KeepsNodesOfUnknownOps) {
  const auto graph =
      MustImport(X() + NodeText("f", "Fft", "x", "kind = s: 'real'; n = i: 3") +
                 NodeText("y", "Identity", "f:1", "T = type: DT_DOUBLE") +
                 NodeText("z", "IdentityN", "x f",
                          "T = list { type: [DT_FLOAT, DT_INT32] }"));
  const Node* f = graph->FindNode("f");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->schema(), nullptr);
  EXPECT_EQ(f->op(), "Fft");
  EXPECT_EQ(f->attrs().Get<int64_t>("n"), 3);
  // What its users expect.
  ASSERT_EQ(f->num_outputs(), 2);
  EXPECT_EQ(f->output_dtype(0), DataType::kInt32);
  EXPECT_EQ(f->output_dtype(1), DataType::kDouble);
}

TEST(ImportTest, KeepsNodesOfTypesThatItDoesNotHave) {
  const auto graph = MustImport(
      NodeText(
          "c", "Const", "",
          "dtype = type: DT_COMPLEX64; value = tensor { dtype: DT_COMPLEX64 "
          "tensor_shape { } scomplex_val: [1, 2] }") +
      NodeText("y", "Identity", "c", "T = type: DT_COMPLEX64"));
  EXPECT_EQ(graph->FindNode("c")->schema(), nullptr);
  EXPECT_EQ(graph->FindNode("y")->schema(), nullptr);
}

TEST(ImportTest, KeepsNodesOfTypesThatAnOpDoesNotHave) {
  const auto graph =
      MustImport(NodeText("x", "Placeholder", "", "dtype = type: DT_HALF") +
                 NodeText("y", "AddV2", "x x", "T = type: DT_HALF") +
                 NodeText("z", "Identity", "y", "T = type: DT_HALF"));
  const Node* y = graph->FindNode("y");
  ASSERT_NE(y, nullptr);
  EXPECT_EQ(y->schema(), nullptr);
  EXPECT_EQ(y->output_dtype(0), DataType::kHalf);
  EXPECT_EQ(y->attrs().Get<std::string>(kUnsupportedAttr),
            "attr 'T' is float16, but weft has the op for float32, float64, "
            "int32, int64");
}

TEST(ImportTest, UnknownOpsHaveALimitedNumberOfOutputs) {
  EXPECT_THAT(
      Import(X() + NodeText("f", "Fft", "x") +
             NodeText("y", "Identity", "f:2000000000", "T = type: DT_FLOAT")),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("Fft 'f': output 2000000000 is used")));
}

// ---- Functions --------------------------------------------------------------

std::string Function(absl::string_view signature, absl::string_view nodes,
                     absl::string_view ret) {
  return absl::StrCat("function { signature { ", signature, " } ", nodes, " ",
                      ret, " } ");
}
std::string InBody(std::string node) { return node.replace(0, 4, "node_def"); }

const char kTwice[] =
    "name: 'twice' input_arg { name: 'x' type_attr: 'T' } output_arg { name: "
    "'y' type_attr: 'T' } "
    "attr { name: 'T' type: 'type' default_value { type: DT_FLOAT } }";

std::string Twice() {
  return Function(
      kTwice, InBody(NodeText("sum", "AddV2", "x x", "T = placeholder: 'T'")),
      "ret { key: 'y' value: 'sum:z:0' }");
}

TEST(ImportTest, AFunctionsNameIsAnOp) {
  const auto graph =
      MustImport(X("dim { size: 4 }") + NodeText("y", "twice", "x") +
                 "library { " + Twice() + "}");
  const Node* y = graph->FindNode("y");
  ASSERT_NE(y, nullptr);
  EXPECT_EQ(y->op(), "PartitionedCall");
  EXPECT_EQ(y->attrs().Get<FunctionName>("f").name, "twice");
  ASSERT_EQ(y->num_bodies(), 1);
  EXPECT_EQ(y->body(0).parent(), graph.get());
  EXPECT_EQ(y->body(0).results()[0].name(), "sum:0");
  EXPECT_EQ(y->output_shape(0), (TensorShape{4}));
}

TEST(ImportTest, EachCallHasItsOwnBody) {
  const auto graph =
      MustImport(X("dim { size: 4 }") +
                 NodeText("d", "Placeholder", "", "dtype = type: DT_DOUBLE") +
                 NodeText("a", "twice", "x") +
                 NodeText("b", "twice", "d", "T = type: DT_DOUBLE") +
                 "library { " + Twice() + "}");
  const Node* a = graph->FindNode("a");
  const Node* b = graph->FindNode("b");
  EXPECT_NE(&a->body(0), &b->body(0));
  EXPECT_EQ(a->body(0).results()[0].dtype(), DataType::kFloat);
  EXPECT_EQ(b->body(0).results()[0].dtype(), DataType::kDouble);
  EXPECT_EQ(b->output_dtype(0), DataType::kDouble);
}

TEST(ImportTest, AttrsGoThroughFunctionsThatCallFunctions) {
  const std::string outer = Function(
      "name: 'outer' input_arg { name: 'x' type_attr: 'U' } output_arg { name: "
      "'y' type_attr: 'U' "
      "} attr { name: 'U' type: 'type' }",
      InBody(NodeText(
          "call", "PartitionedCall", "x",
          "Tin = list { type: DT_DOUBLE }; Tout = list { type: DT_DOUBLE }; f "
          "= func "
          "{ name: 'twice' attr { key: 'T' value { placeholder: 'U' } } }")),
      "ret { key: 'y' value: 'call:output:0' }");
  const auto graph =
      MustImport(NodeText("d", "Placeholder", "", "dtype = type: DT_DOUBLE") +
                 NodeText("y", "outer", "d", "U = type: DT_DOUBLE") +
                 "library { " + Twice() + outer + "}");
  const Node* call = graph->FindNode("y")->body(0).FindNode("call");
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(call->body(0).results()[0].dtype(), DataType::kDouble);
  EXPECT_EQ(call->body(0).depth(), 2);
}

TEST(ImportTest, AFunctionsResultsHaveTheNamesThatItGivesThem) {
  const std::string pair = Function(
      "name: 'pair' input_arg { name: 'x' type: DT_FLOAT } output_arg { name: "
      "'a' type: DT_FLOAT } "
      "output_arg { name: 'b' type: DT_FLOAT }",
      InBody(NodeText("sum", "AddV2", "x x", "T = type: DT_FLOAT")),
      "ret { key: 'a' value: 'x' } ret { key: 'b' value: 'sum:z:0' }");
  const std::string outer = Function(
      "name: 'outer' input_arg { name: 'x' type: DT_FLOAT } output_arg { name: "
      "'y' type: DT_FLOAT }",
      InBody(NodeText("call", "pair", "x")) +
          InBody(NodeText("z", "Identity", "call:b:0", "T = type: DT_FLOAT")),
      "ret { key: 'y' value: 'z:output:0' }");
  const auto graph = MustImport(X() + NodeText("y", "outer", "x") +
                                "library { " + pair + outer + "}");
  EXPECT_EQ(graph->FindNode("y")->body(0).FindNode("z")->input(0).name(),
            "call:1");
}

TEST(ImportTest, ListsOfArgumentsAndResults) {
  const std::string swap = Function(
      "name: 'pass' input_arg { name: 'xs' type_attr: 'T' number_attr: 'N' } "
      "output_arg { name: 'ys' type_attr: 'T' number_attr: 'N' } "
      "attr { name: 'T' type: 'type' } attr { name: 'N' type: 'int' }",
      InBody(NodeText("id", "IdentityN", "xs:1 xs",
                      "T = list { type: [DT_FLOAT, DT_FLOAT] }")),
      "ret { key: 'ys' value: 'id:output' }");
  const auto graph = MustImport(
      X() + NodeText("y", "pass", "x x", "T = type: DT_FLOAT; N = i: 2") +
      "library { " + swap + "}");
  const Graph& body = graph->FindNode("y")->body(0);
  ASSERT_EQ(body.args().size(), 2u);
  EXPECT_EQ(body.FindNode("id")->input(0), body.args()[1]);
  EXPECT_EQ(body.results()[1].name(), "id:1");
}

TEST(ImportTest, ConstantsOfAFunctionShareMemory) {
  const std::string f =
      Function("name: 'f' output_arg { name: 'y' type: DT_FLOAT }",
               InBody(NodeText(
                   "c", "Const", "",
                   "dtype = type: DT_FLOAT; value = tensor { dtype: DT_FLOAT "
                   "tensor_shape { dim { size: 1000 } } float_val: 1 }")),
               "ret { key: 'y' value: 'c:output:0' }");
  ImportOptions options;
  options.max_tensor_bytes = 4000;
  const absl::StatusOr<std::unique_ptr<Graph>> graph =
      Import(NodeText("a", "f") + NodeText("b", "f") + "library { " + f + "}",
             options);
  ASSERT_OK(graph);
  auto constant = [&](const char* call) {
    return (*graph)->FindNode(call)->body(0).FindNode("c")->attrs().Get<Tensor>(
        "value");
  };
  EXPECT_TRUE(constant("a").SharesMemoryWith(constant("b")));
}

TEST(ImportTest, FunctionsThatAreNotCalledDoNoHarm) {
  const std::string bad =
      Function("name: 'bad'", InBody(NodeText("x", "Identity", "nothing")), "");
  EXPECT_OK(Import(X() + "library { " + bad + "}"));
}

TEST(ImportTest, AControlInputMayBeAnArgument) {
  const std::string f = Function(
      "name: 'f' input_arg { name: 'x' type: DT_FLOAT } output_arg { name: 'y' "
      "type: "
      "DT_FLOAT } is_stateful: true",
      InBody(NodeText("n", "NoOp", "^x")),
      "ret { key: 'y' value: 'x' } control_ret { key: 'n' value: 'n' }");
  const auto graph =
      MustImport(X() + NodeText("y", "f", "x") + "library { " + f + "}");
  EXPECT_EQ(graph->FindNode("y")->op(), "StatefulPartitionedCall");
  EXPECT_TRUE(
      graph->FindNode("y")->body(0).FindNode("n")->control_inputs().empty());
}

TEST(ImportTest, UnknownOpsInFunctionsKeepTheNamesOfTheirOutputs) {
  const std::string f = Function(
      "name: 'f' input_arg { name: 'x' type: DT_FLOAT } output_arg { name: 'y' "
      "type: DT_FLOAT }",
      InBody(NodeText("s", "Fft", "x")) +
          InBody(NodeText("id", "Identity", "s:imag:0", "T = type: DT_DOUBLE")),
      "ret { key: 'y' value: 's:real:1' }");
  const auto graph =
      MustImport(X() + NodeText("y", "f", "x") + "library { " + f + "}");
  const Graph& body = graph->FindNode("y")->body(0);
  const Node* s = body.FindNode("s");
  ASSERT_EQ(s->num_outputs(), 2);
  EXPECT_EQ(s->output_dtype(body.FindNode("id")->input(0).index()),
            DataType::kDouble);
  EXPECT_EQ(s->output_dtype(body.results()[0].index()), DataType::kFloat);
}

// ---- Loops ------------------------------------------------------------------

// while (x < x) x = concat(x, x) along axis 0.
std::string GrowingLoop(absl::string_view output_shapes) {
  const char* io =
      "input_arg { name: 'x' type: DT_FLOAT } output_arg { name: 'y' type: ";
  return absl::StrCat(
      X("dim { size: 1 } dim { size: 5 }"),
      NodeText("loop", "StatelessWhile", "x",
               absl::StrCat(
                   "T = list { type: DT_FLOAT }; cond = func { name: 'cond' }; "
                   "body = func { name: 'body' }",
                   output_shapes)),
      "library { ",
      Function(absl::StrCat("name: 'cond' ", io, "DT_BOOL }"),
               InBody(NodeText("less", "Less", "x x", "T = type: DT_FLOAT")),
               "ret { key: 'y' value: 'less:z:0' }"),
      Function(absl::StrCat("name: 'body' ", io, "DT_FLOAT }"),
               InBody(NodeText(
                   "axis", "Const", "",
                   "dtype = type: DT_INT32; value = tensor { dtype: DT_INT32 "
                   "tensor_shape { } int_val: 0 }")) +
                   InBody(NodeText("c", "ConcatV2", "x x axis:output:0",
                                   "N = i: 2; T = type: DT_FLOAT")),
               "ret { key: 'y' value: 'c:output:0' }"),
      "}");
}

TEST(ImportTest, ALoopsShapesHoldInEveryIteration) {
  const auto graph = MustImport(GrowingLoop(""));
  const Node* loop = graph->FindNode("loop");
  ASSERT_EQ(loop->num_bodies(), 2);
  EXPECT_EQ(loop->body(0).args()[0].shape(), (TensorShape{-1, 5}));
  EXPECT_EQ(loop->body(1).args()[0].shape(), (TensorShape{-1, 5}));
  EXPECT_EQ(loop->output_shape(0), (TensorShape{-1, 5}));
}

TEST(ImportTest, ALoopMaySayWhichShapesItsVariablesHave) {
  const auto graph =
      MustImport(GrowingLoop("; output_shapes = list { shape { dim { size: -1 "
                             "} dim { size: -1 } } }"));
  EXPECT_EQ(graph->FindNode("loop")->output_shape(0), (TensorShape{-1, -1}));
}

TEST(ImportTest, WhatALoopSaysOfItsShapesMustNotBeALie) {
  const auto graph = MustImport(GrowingLoop(
      "; output_shapes = list { shape { dim { size: 1 } dim { size: 5 } } }"));
  const Node* loop = graph->FindNode("loop");
  EXPECT_EQ(loop->output_shape(0), (TensorShape{-1, 5}));
  EXPECT_EQ(loop->attrs().Get<std::vector<TensorShape>>("output_shapes")[0],
            (TensorShape{-1, 5}));
}

}  // namespace
}  // namespace weft
