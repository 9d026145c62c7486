// Graphs come back from files as they were.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "graph/export.h"
#include "graph/graph_def.h"
#include "graph/import.h"
#include "graph/text_format.h"
#include "gtest/gtest.h"
#include "tests/graph/graph_testing.h"
#include "tests/testing/op_table.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The words of these tests, as short as those of ops/.
Output Placeholder(Graph& g, const char* name, const TensorShape& shape) {
  return g.Add("Placeholder", {},
               {{"dtype", DataType::kFloat}, {"shape", shape}}, {.name = name});
}
Output Const(Graph& g, const Tensor& value, const char* name = "Const") {
  return g.Add("Const", {}, {{"dtype", value.dtype()}, {"value", value}},
               {.name = name});
}
Output Add(Output x, Output y, const char* name = "AddV2") {
  return x.graph().Add("AddV2", {x, y}, {}, {.name = name});
}
Output Less(Output x, Output y) {
  return x.graph().Add("Less", {x, y}, {}, {.name = "Less"});
}

using BodyFn = Outputs (*)(Graph& body);
std::unique_ptr<Graph> Body(Graph& parent, const Outputs& inputs, BodyFn fill) {
  std::unique_ptr<Graph> body = Graph::MakeBody(parent);
  for (const Output& input : inputs)
    body->AddArg(input.dtype(), input.shape(), "x");
  body->SetResults(fill(*body));
  return body;
}
FunctionName Name(const char* name) { return {name, nullptr}; }

Outputs While(Graph& g, const Outputs& inputs, BodyFn cond, BodyFn body,
              const char* name = "while") {
  std::vector<Operand> operands(inputs.begin(), inputs.end());
  NodeOptions options = {.name = name};
  options.bodies.push_back(Body(g, inputs, cond));
  options.bodies.push_back(Body(g, inputs, body));
  Node* node = g.Add("StatelessWhile", operands,
                     {{"cond", Name("cond")}, {"body", Name("body")}},
                     std::move(options));
  Outputs outputs;
  for (int i = 0; i < node->num_outputs(); ++i)
    outputs.push_back(node->output(i));
  return outputs;
}

Output If(Output pred, Output x, BodyFn then_branch, BodyFn else_branch) {
  NodeOptions options = {.name = "if"};
  options.bodies.push_back(Body(pred.graph(), {x}, then_branch));
  options.bodies.push_back(Body(pred.graph(), {x}, else_branch));
  return pred.graph().Add("StatelessIf", {pred, x},
                          {{"then_branch", Name("then")},
                           {"else_branch", Name("else")},
                           {"Tout", std::vector<DataType>{x.dtype()}}},
                          std::move(options));
}

Output Call(Output x, BodyFn fn, const char* name) {
  NodeOptions options = {.name = name};
  options.bodies.push_back(Body(x.graph(), {x}, fn));
  return x.graph().Add(
      "PartitionedCall", {x},
      {{"f", Name("f")}, {"Tout", std::vector<DataType>{x.dtype()}}},
      std::move(options));
}

Outputs LessThanTen(Graph& body) {
  return {Less(body.args()[0], Const(body, Tensor::Scalar(10.0f)))};
}
Outputs PlusOne(Graph& body) {
  Outputs results = body.args();
  results[0] = Add(results[0], Const(body, Tensor::Scalar(1.0f)));
  return results;
}
Outputs Same(Graph& body) { return body.args(); }
Outputs PlusItself(Graph& body) {
  return {Add(body.args()[0], body.args()[0])};
}

void ExpectComesBack(const Graph& graph) {
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef def, ExportGraphDef(graph));
  for (GraphFormat format : {GraphFormat::kBinary, GraphFormat::kText}) {
    ASSERT_OK_AND_ASSIGN(const std::string bytes,
                         SerializeGraphDef(def, format));
    ASSERT_OK_AND_ASSIGN(const proto::GraphDef read, ParseGraphDef(bytes));
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Graph> imported,
                         ImportGraphDef(read));
    EXPECT_EQ(Dump(*imported), Dump(graph));
    // And no other file comes of it.
    ASSERT_OK_AND_ASSIGN(const proto::GraphDef again,
                         ExportGraphDef(*imported));
    EXPECT_EQ(PrintText(again), PrintText(def));
  }
  EXPECT_THAT(OpTableErrors(LoadOpTable(kTfOpTable), def), IsEmpty());
}

TEST(ImportExportTest, PlainGraphsComeBack) {
  Graph g;
  const Output x = Placeholder(g, "encoder/x", {-1, 28});
  const Output axis = Const(g, Tensor::Scalar<int32_t>(1), "axis");
  Node* split =
      g.Add("Split", {axis, x}, {{"num_split", 2}}, {.name = "split"});
  const Output sum = Add(split->output(1), split->output(0));
  g.Add("NoOp", {}, {{"_class", std::vector<std::string>{"loc:@axis"}}},
        {.name = "done",
         .control_inputs = {sum.node(), split},
         .device = "/cpu:0"});
  g.Add("ConcatV2", {sum, x, x, axis});
  ASSERT_OK(g.status());
  ExpectComesBack(g);
}

TEST(ImportExportTest, LoopsComeBack) {
  Graph g;
  const Output x = Placeholder(g, "x", {});
  const Outputs last =
      While(g, {x, Placeholder(g, "y", {3, -1})}, LessThanTen, PlusOne);
  Add(last[0], last[0]);
  ASSERT_OK(g.status());
  ExpectComesBack(g);
}

TEST(ImportExportTest, ConditionalsAndCallsComeBack) {
  Graph g;
  const Output x = Placeholder(g, "x", {2});
  const Output y = If(Less(Placeholder(g, "a", {}), Placeholder(g, "b", {})), x,
                      PlusItself, Same);
  Call(y, PlusItself, "call");
  ASSERT_OK(g.status());
  ExpectComesBack(g);
}

TEST(ImportExportTest, BodiesWithinBodiesComeBack) {
  Graph g;
  const BodyFn inner = [](Graph& body) -> Outputs {
    const Output x = body.args()[0];
    return While(body, {If(Less(x, x), x, PlusItself, Same)}, LessThanTen,
                 [](Graph& b) -> Outputs {
                   return {Call(b.args()[0], PlusItself, "call")};
                 });
  };
  While(g, {Placeholder(g, "x", {})}, LessThanTen, inner);
  ASSERT_OK(g.status());
  ExpectComesBack(g);
}

TEST(ImportExportTest, VariablesComeBack) {
  Graph g;
  const Output w = g.Add("VarHandleOp", {},
                         {{"dtype", DataType::kFloat},
                          {"shape", TensorShape{2}},
                          {"shared_name", "w"}},
                         {.name = "w"});
  g.Add("AssignVariableOp", {w, Placeholder(g, "x", {2})}, {},
        {.name = "w/Assign"});
  g.Add("ReadVariableOp", {w}, {{"dtype", DataType::kFloat}},
        {.name = "w/Read"});
  ASSERT_OK(g.status());
  ExpectComesBack(g);
}

TEST(ImportExportTest, VariablesGoThroughLoops) {
  Graph g;
  const Output w = g.Add(
      "VarHandleOp", {},
      {{"dtype", DataType::kFloat}, {"shape", TensorShape{}}}, {.name = "w"});
  const BodyFn body = [](Graph& b) -> Outputs {
    const Output read =
        b.Add("ReadVariableOp", {b.args()[1]}, {{"dtype", DataType::kFloat}});
    return {Add(b.args()[0], read), b.args()[1]};
  };
  While(g, {Placeholder(g, "x", {}), w}, LessThanTen, body);
  ASSERT_OK(g.status());
  ExpectComesBack(g);
}

// What weft does not know it writes as it was.
TEST(ImportExportTest, UnknownOpsComeBack) {
  const std::string text =
      NodeText(
          "c", "Const", "",
          "dtype = type: DT_COMPLEX64; value = tensor { dtype: DT_COMPLEX64 "
          "tensor_shape { } scomplex_val: [1, 2] }") +
      NodeText("f", "Fft", "c ^c", "kind = s: 'real'") +
      NodeText("y", "Identity", "f:1", "T = type: DT_FLOAT") +
      NodeText("z", "g", "y") +
      "library { function { signature { name: 'g' input_arg { name: 'x' type: "
      "DT_FLOAT } "
      "output_arg { name: 'output_0' type: DT_FLOAT } is_stateful: true } "
      "node_def { name: 's' op: 'Fft' input: 'x' } "
      "ret { key: 'output_0' value: 's:real:1' } } } versions { producer: 134 "
      "min_consumer: 12 }";
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Graph> graph, Import(text));
  ASSERT_OK_AND_ASSIGN(proto::GraphDef def, ExportGraphDef(*graph));
  proto::GraphDef wanted = GraphDefOf(text);
  // The call is written out.
  EXPECT_EQ(def.node(3).op(), "StatefulPartitionedCall");
  *wanted.mutable_node(3) = def.node(3);
  EXPECT_EQ(PrintText(def), PrintText(wanted));
}

// ---- What is written --------------------------------------------------------

TEST(ExportTest, BodiesThatAreAlikeShareAFunction) {
  Graph g;
  const Output x = Placeholder(g, "x", {2});
  const Output y = Call(Call(x, PlusItself, "a"), PlusItself, "b");
  Call(y, PlusOne, "c");
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef def, ExportGraphDef(g));
  ASSERT_EQ(def.library().function_size(), 2);
  EXPECT_EQ(def.library().function(0).signature().name(), "f");
  EXPECT_EQ(def.library().function(1).signature().name(), "f_1");
  EXPECT_EQ(def.node(1).attr().at("f").func().name(), "f");
  EXPECT_EQ(def.node(2).attr().at("f").func().name(), "f");
  EXPECT_EQ(def.node(3).attr().at("f").func().name(), "f_1");
}

TEST(ExportTest, AFunctionIsNeverCalledLikeAnOp) {
  Graph g;
  NodeOptions options;
  options.bodies.push_back(Body(g, {}, Same));
  g.Add("PartitionedCall", {},
        {{"f", Name("AddV2")}, {"Tout", std::vector<DataType>{}}},
        std::move(options));
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef def, ExportGraphDef(g));
  EXPECT_EQ(def.library().function(0).signature().name(), "AddV2_1");
}

TEST(ExportTest, ArgumentsAreCalledAsTensorFlowWants) {
  Graph g;
  NodeOptions options;
  std::unique_ptr<Graph> body = Graph::MakeBody(g);
  body->AddArg(DataType::kFloat, {}, "Encoder/W");
  body->AddArg(DataType::kFloat, {}, "encoder_w");
  body->AddArg(DataType::kFloat, {}, "1");
  body->SetResults(body->args());
  options.bodies.push_back(std::move(body));
  const Output x = Placeholder(g, "x", {});
  g.Add(
      "PartitionedCall", {x, x, x},
      {{"f", Name("f")}, {"Tout", std::vector<DataType>(3, DataType::kFloat)}},
      std::move(options));
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef def, ExportGraphDef(g));
  const proto::OpDef& signature = def.library().function(0).signature();
  EXPECT_EQ(signature.input_arg(0).name(), "encoder_w");
  EXPECT_EQ(signature.input_arg(1).name(), "encoder_w_1");
  EXPECT_EQ(signature.input_arg(2).name(), "a1");
  EXPECT_EQ(def.library().function(0).ret().at("output_1"), "encoder_w_1");
}

TEST(ExportTest, WhatAFunctionDoesIsAControlResult) {
  Graph g;
  const Output w = g.Add(
      "VarHandleOp", {},
      {{"dtype", DataType::kFloat}, {"shape", TensorShape{}}}, {.name = "w"});
  NodeOptions options = {.name = "call"};
  options.bodies.push_back(Body(g, {w}, [](Graph& b) -> Outputs {
    b.Add("AssignVariableOp", {b.args()[0], Const(b, Tensor::Scalar(1.0f))}, {},
          {.name = "set"});
    return {};
  }));
  g.Add("StatefulPartitionedCall", {w},
        {{"f", Name("f")}, {"Tout", std::vector<DataType>{}}},
        std::move(options));
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef def, ExportGraphDef(g));
  const proto::FunctionDef& f = def.library().function(0);
  EXPECT_TRUE(f.signature().is_stateful());
  EXPECT_THAT(f.signature().control_output(), ElementsAre("set"));
  EXPECT_EQ(f.control_ret().at("set"), "set");
  ExpectComesBack(g);
}

TEST(ExportTest, VersionsAreTheOldestThatHaveTheOps) {
  Graph g;
  const Output x = Placeholder(g, "x", {});
  auto versions = [&g](const ExportOptions& options = {}) {
    const absl::StatusOr<proto::GraphDef> def = ExportGraphDef(g, options);
    EXPECT_OK(def);
    return def.ok() ? std::make_pair(def->versions().producer(),
                                     def->versions().min_consumer())
                    : std::make_pair(0, 0);
  };
  EXPECT_EQ(versions(), std::make_pair(27, 0));
  Add(x, x);
  EXPECT_EQ(versions(), std::make_pair(134, 0));
  Call(x, Same, "call");
  EXPECT_EQ(versions(), std::make_pair(134, 12));
  EXPECT_EQ(versions({.producer = 1394}), std::make_pair(1394, 12));
}

TEST(ExportTest, AGraphWithAMistakeIsNotWritten) {
  Graph g;
  g.Fail(absl::InvalidArgumentError("a mistake"));
  EXPECT_THAT(ExportGraphDef(g), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("a mistake")));
}

TEST(ExportTest, AFunctionThatWasNotKeptIsMissed) {
  ASSERT_OK_AND_ASSIGN(
      const std::unique_ptr<Graph> graph,
      Import(NodeText("m", "MapDefun", "", "f = func { name: 'g' }")));
  EXPECT_THAT(ExportGraphDef(*graph),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("MapDefun 'm'(): attr 'f' is the function g, "
                                 "which was not kept")));
}

}  // namespace
}  // namespace weft
