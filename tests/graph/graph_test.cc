#include "graph/graph.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "graph/op.h"
#include "gtest/gtest.h"
#include "tests/graph/graph_testing.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

Output X(Graph& g, const TensorShape& shape = {2}, const char* name = "x",
         DataType dtype = DataType::kFloat) {
  return g.Add("Placeholder", {}, {{"dtype", dtype}, {"shape", shape}},
               {.name = name});
}
Output Identity(Operand x, const char* name = "Identity") {
  return x.graph().Add("Identity", {x}, {}, {.name = name});
}
Output AddOp(Operand x, Operand y, const char* name = "AddV2") {
  return x.graph().Add("AddV2", {x, y}, {}, {.name = name});
}

// ---- Nodes ------------------------------------------------------------------

TEST(GraphTest, ANodeGetsWhatFollowsFromItsInputs) {
  Graph g;
  const Output x = X(g, {2, -1});
  Node* sum = AddOp(x, X(g, {3})).node();
  ASSERT_OK(g.status());
  EXPECT_EQ(sum->attrs().Get<DataType>("T"), DataType::kFloat);
  EXPECT_EQ(sum->output_dtype(0), DataType::kFloat);
  EXPECT_EQ(sum->output_shape(0), (TensorShape{2, 3}));
  EXPECT_EQ(sum->id(), 2);
  EXPECT_EQ(&sum->graph(), &g);
  EXPECT_EQ(sum->Describe(), "AddV2 'AddV2'(x:0 [2, ?], x_1:0 [3])");
}

TEST(GraphTest, LongListsOfInputsAreCutInMessages) {
  Graph g;
  Node* many = g.Add("IdentityN", std::vector<Operand>(20, X(g)));
  EXPECT_THAT(many->Describe(), EndsWith("x:0 [2], ... 12 more)"));
}

TEST(GraphTest, NamesAreMadeUnique) {
  Graph g;
  EXPECT_EQ(X(g).node()->name(), "x");
  EXPECT_EQ(X(g).node()->name(), "x_1");
  EXPECT_EQ(X(g, {}, "x_1").node()->name(), "x_1_1");
  EXPECT_EQ(X(g).node()->name(), "x_2");
  EXPECT_EQ(g.Add("NoOp", {})->name(), "NoOp");
}

TEST(GraphTest, ScopesArePartOfNames) {
  Graph g;
  {
    NameScope encoder(g, "encoder");
    EXPECT_EQ(encoder.Full(), "encoder");
    EXPECT_EQ(X(g).node()->name(), "encoder/x");
    NameScope cell(g, "cell");
    EXPECT_EQ(X(g).node()->name(), "encoder/cell/x");
  }
  {
    NameScope another(g, "encoder");
    EXPECT_EQ(X(g).node()->name(), "encoder_1/x");
  }
  NameScope again(g, NameScope::Existing{"encoder"});
  EXPECT_EQ(X(g).node()->name(), "encoder/x_1");
}

TEST(GraphTest, ControlScopesComeInFrontOfNewNodes) {
  Graph g;
  Node* first = g.Add("NoOp", {});
  Node* second = g.Add("NoOp", {});
  {
    ControlScope outer(g, {first});
    ControlScope inner(g, {second, first});
    EXPECT_THAT(g.Add("NoOp", {})->control_inputs(),
                ElementsAre(first, second));
    EXPECT_THAT(
        g.Add("NoOp", {}, {}, {.control_inputs = {second}})->control_inputs(),
        ElementsAre(second, first));
  }
  EXPECT_TRUE(g.Add("NoOp", {})->control_inputs().empty());
}

// ---- Mistakes ---------------------------------------------------------------

TEST(GraphTest, TheFirstMistakeSticks) {
  Graph g;
  const Output x = X(g, {2});
  const Output wrong = AddOp(x, X(g, {3}), "first");
  EXPECT_TRUE(g.IsErrorNode(wrong.node()));
  EXPECT_EQ(wrong.dtype(), DataType::kInvalid);
  const int nodes = g.num_nodes();
  const Output later = AddOp(wrong, X(g, {1}), "second");
  EXPECT_TRUE(g.IsErrorNode(later.node()));
  EXPECT_EQ(g.num_nodes(), nodes);
  EXPECT_THAT(
      g.status(),
      StatusIs(kInvalid, HasSubstr("AddV2 'first'(x:0 [2], x_1:0 [3]): ")));
}

TEST(GraphTest, AMistakeNamesTheLineThatMadeIt) {
  Graph g;
  const Output x = X(g, {2});
  const Output y = X(g, {3});
  const int line = __LINE__ + 1;
  AddOp(x, y);
  EXPECT_THAT(std::string(g.status().message()),
              EndsWith(absl::StrCat("tests/graph/graph_test.cc:", line, "]")));
}

TEST(GraphTest, ALayerReportsTheUsersLine) {
  Graph g;
  const Output x = X(g, {2});
  const SourceLocation user = {"model.cc", 42};
  {
    LocationScope outer(g, user);
    LocationScope inner(g, {"layer.cc", 7});
    AddOp(x, X(g, {3}));
  }
  EXPECT_THAT(std::string(g.status().message()),
              EndsWith("[built at model.cc:42]"));
}

TEST(GraphTest, RefusesWhatIsNoOp) {
  Graph g;
  g.Add("Matmul", {});
  EXPECT_THAT(g.status(), StatusIs(absl::StatusCode::kUnimplemented,
                                   HasSubstr("there is no op 'Matmul'")));
}

TEST(GraphTest, RefusesNamesThatNoFileMayHold) {
  Graph g;
  X(g, {}, "a b");
  EXPECT_THAT(
      g.status(),
      StatusIs(kInvalid, HasSubstr("Placeholder 'a b': a node name consists")));
}

TEST(GraphTest, RefusesInputsThatAreNone) {
  Graph g;
  g.Add("Identity", {Output()});
  EXPECT_THAT(g.status(), StatusIs(kInvalid, HasSubstr("input 0 is no value")));
}

TEST(GraphTest, RefusesOutputsThatThereAreNot) {
  Graph g;
  g.Add("Identity", {Output(X(g).node(), 1)});
  EXPECT_THAT(
      g.status(),
      StatusIs(
          kInvalid,
          HasSubstr("input 0 is output 1 of Placeholder 'x', which has 1")));
}

TEST(GraphTest, RefusesValuesOfAnotherGraph) {
  Graph g, other;
  g.Add("AddV2", {X(g), X(other, {2}, "theirs")}, {}, {.name = "sum"});
  EXPECT_THAT(
      g.status(),
      StatusIs(
          kInvalid,
          HasSubstr("AddV2 'sum': input 1, theirs:0, belongs to another")));
}

TEST(GraphTest, RefusesControlInputsOfAnotherGraph) {
  Graph g, other;
  g.Add("NoOp", {}, {}, {.control_inputs = {X(other).node()}});
  EXPECT_THAT(
      g.status(),
      StatusIs(kInvalid, HasSubstr("control input 'x' belongs to another")));
}

TEST(GraphTest, HasALimitedNumberOfNodes) {
  Graph g({.max_nodes = 3});
  X(g);
  std::unique_ptr<Graph> body = Graph::MakeBody(g);
  body->AddArg(DataType::kFloat, {});
  X(*body);
  EXPECT_OK(g.status());
  X(*body, {}, "one_too_many");
  EXPECT_THAT(
      g.status(),
      StatusIs(absl::StatusCode::kResourceExhausted,
               AllOf(HasSubstr("more than 3 nodes (GraphOptions.max_nodes)"),
                     HasSubstr("'one_too_many'"))));
}

// ---- Looking things up ------------------------------------------------------

TEST(GraphTest, FindsOutputsByName) {
  Graph g;
  const Output x = X(g);
  Node* pair = g.Add("IdentityN", {x, x}, {}, {.name = "pair"});
  ASSERT_OK_AND_ASSIGN(Output found, g.FindOutput("pair:1"));
  EXPECT_EQ(found, pair->output(1));
  ASSERT_OK_AND_ASSIGN(found, g.FindOutput("pair"));
  EXPECT_EQ(found, pair->output(0));
  EXPECT_EQ(g.FindNode("pair"), pair);
  EXPECT_EQ(g.FindNode("pear"), nullptr);
  EXPECT_THAT(
      g.FindOutput("pear"),
      StatusIs(
          absl::StatusCode::kNotFound,
          HasSubstr("there is no 'pear' in the graph; did you mean 'pair'")));
  EXPECT_THAT(g.FindOutput("pair:2"),
              StatusIs(kInvalid, HasSubstr("has 2 outputs")));
  EXPECT_THAT(g.FindOutput("pair:x"), StatusIs(kInvalid));
}

TEST(GraphTest, NamesThatDisappearedAreFoundThroughAliases) {
  Graph g;
  const Output x = X(g);
  g.AddAlias("rnn/while/Exit:0", x);
  ASSERT_OK_AND_ASSIGN(const Output found, g.FindOutput("rnn/while/Exit"));
  EXPECT_EQ(found, x);
  EXPECT_THAT(
      g.FindOutput("rnn/while/Exot"),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("rnn/while/Exit:0")));
}

TEST(GraphTest, SeedsDependOnNamesAlone) {
  Graph a({.seed = 7});
  Graph b({.seed = 7});
  Graph c({.seed = 8});
  X(b);
  EXPECT_EQ(a.SeedFor("dropout"), b.SeedFor("dropout"));
  EXPECT_NE(a.SeedFor("dropout"), a.SeedFor("dropout_1"));
  EXPECT_NE(a.SeedFor("dropout"), c.SeedFor("dropout"));
  EXPECT_GT(a.SeedFor(""), 0);
}

TEST(GraphTest, VariablesAndCollectionsBelongToTheOutermostGraph) {
  Graph g;
  std::unique_ptr<Graph> body = Graph::MakeBody(g);
  body->AddVariable({.name = "w", .dtype = DataType::kFloat});
  body->AddToCollection("losses", "l2");
  ASSERT_NE(g.FindVariable("w"), nullptr);
  EXPECT_EQ(g.variables().size(), 1u);
  EXPECT_EQ(g.FindVariable("v"), nullptr);
  EXPECT_THAT(g.Collection("losses"), ElementsAre("l2"));
  EXPECT_TRUE(g.Collection("none").empty());
}

// ---- Bodies -----------------------------------------------------------------

TEST(BodyTest, ABodyKnowsWhereItIs) {
  Graph g;
  std::unique_ptr<Graph> outer = Graph::MakeBody(g);
  std::unique_ptr<Graph> inner = Graph::MakeBody(*outer);
  EXPECT_EQ(inner->parent(), outer.get());
  EXPECT_EQ(&inner->root(), &g);
  EXPECT_EQ(inner->depth(), 2);
  EXPECT_EQ(g.depth(), 0);
}

TEST(BodyTest, AValueOfTheGraphAroundIsCapturedOnce) {
  Graph g;
  const Output x = X(g, {4});
  std::unique_ptr<Graph> body = Graph::MakeBody(g);
  const Output arg = body->AddArg(DataType::kFloat, {4});
  const Output sum = body->Add("AddV2", {arg, x});
  body->Add("AddV2", {x, x});
  ASSERT_OK(g.status());
  ASSERT_EQ(body->captures().size(), 1u);
  EXPECT_EQ(body->captures()[0].outer, x);
  EXPECT_EQ(body->captures()[0].inner, sum.node()->input(1));
  EXPECT_THAT(body->args(), ElementsAre(arg, body->captures()[0].inner));
  EXPECT_EQ(body->captures()[0].inner.shape(), (TensorShape{4}));
}

TEST(BodyTest, WhatIsFarOutsideIsCapturedByAllBodiesBetween) {
  Graph g;
  const Output x = X(g);
  std::unique_ptr<Graph> outer = Graph::MakeBody(g);
  std::unique_ptr<Graph> inner = Graph::MakeBody(*outer);
  const Output y = inner->Add("Identity", {x});
  ASSERT_EQ(outer->captures().size(), 1u);
  ASSERT_EQ(inner->captures().size(), 1u);
  EXPECT_EQ(inner->captures()[0].outer, outer->captures()[0].inner);
  EXPECT_EQ(y.node()->input(0), inner->captures()[0].inner);
  // The same value by its other name is no second argument.
  EXPECT_EQ(inner->Capturing(outer->captures()[0].inner),
            inner->captures()[0].inner);
}

TEST(BodyTest, ANodeBelongsWhereItsInputsAre) {
  Graph g;
  const Output x = X(g);
  std::unique_ptr<Graph> body = Graph::MakeBody(g);
  const Output arg = body->AddArg(DataType::kFloat, {2});
  // Asked of the outer graph, as expressions do.
  EXPECT_EQ(&AddOp(x, arg).graph(), body.get());
}

TEST(BodyTest, KnownElementsAreKnownInside) {
  Graph g;
  const Output two = g.Add("Const", {},
                           {{"dtype", DataType::kInt32},
                            {"value", Tensor::Vector<int32_t>({2, 3})}});
  std::unique_ptr<Graph> body = Graph::MakeBody(g);
  const Output inner = body->Capturing(two);
  ASSERT_NE(inner.node()->output_value(0), nullptr);
  EXPECT_THAT(*inner.node()->output_value(0), ElementsAre(2, 3));
}

TEST(BodyTest, AValueOfACompleteBodyStaysInside) {
  Graph g;
  const Output x = X(g);
  std::unique_ptr<Graph> body = Graph::MakeBody(g);
  const Output inner = Identity(body->AddArg(DataType::kFloat, {2}));
  body->SetResults({inner});
  NodeOptions options;
  options.bodies.push_back(std::move(body));
  g.Add("PartitionedCall", {x},
        {{"f", FunctionName{"f", nullptr}},
         {"Tout", std::vector<DataType>{DataType::kFloat}}},
        std::move(options));
  ASSERT_OK(g.status());
  g.Add("AddV2", {inner, x});
  EXPECT_THAT(g.status(), StatusIs(kInvalid, HasSubstr("used outside of it")));
}

TEST(BodyTest, AMistakeInABodyIsOneOfTheGraph) {
  Graph g;
  std::unique_ptr<Graph> body = Graph::MakeBody(g);
  body->Add("NoSuchOp", {});
  EXPECT_THAT(g.status(), Not(IsOk()));
  EXPECT_TRUE(g.IsErrorNode(g.Add("NoOp", {})));
}

TEST(BodyTest, BodiesNestAsDeepAsAStackAllows) {
  Graph g;
  std::vector<std::unique_ptr<Graph>> bodies;
  Graph* innermost = &g;
  for (int i = 0; i < 64; ++i) {
    bodies.push_back(Graph::MakeBody(*innermost));
    innermost = bodies.back().get();
  }
  EXPECT_OK(g.status());
  bodies.push_back(Graph::MakeBody(*innermost));
  EXPECT_THAT(g.status(),
              StatusIs(kInvalid, HasSubstr("nested more than 64 deep")));
}

// ---- Changing what is there -------------------------------------------------

TEST(GraphTest, NodesCanBeChangedByThoseWhoMust) {
  Graph g;
  const Output x = X(g);
  const Output y = X(g, {3}, "y");
  Node* node = Identity(x).node();
  g.SetInput(node, 0, y);
  EXPECT_EQ(node->input(0), y);
  g.AppendInput(node, x);
  EXPECT_EQ(node->num_inputs(), 2);
  EXPECT_EQ(g.AppendOutput(node, DataType::kInt32, {1}).name(), "Identity:1");
  EXPECT_EQ(node->output_dtype(1), DataType::kInt32);
  g.SetOutputShape(node, 0, {3});
  EXPECT_EQ(node->output_shape(0), (TensorShape{3}));
  g.SetAttr(node, "T", DataType::kInt32);
  EXPECT_EQ(node->attrs().Get<DataType>("T"), DataType::kInt32);
  g.AddControlInput(node, x.node());
  EXPECT_THAT(node->control_inputs(), ElementsAre(x.node()));
}

TEST(GraphTest, UnknownOpsAreKept) {
  Graph g;
  Node* node =
      g.AddUnknown("Fft", {X(g)}, {{"n", 3}},
                   {DataType::kFloat, DataType::kInvalid}, {.name = "f"});
  ASSERT_OK(g.status());
  EXPECT_EQ(node->schema(), nullptr);
  EXPECT_EQ(node->num_outputs(), 2);
  EXPECT_EQ(node->output_dtype(0), DataType::kFloat);
  EXPECT_EQ(node->output_shape(0), TensorShape::UnknownRank());
  EXPECT_OK((Identity(node->output(0)), g.status()));
}

}  // namespace
}  // namespace weft
