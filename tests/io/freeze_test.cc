#include "io/freeze.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"
#include "gmock/gmock.h"
#include "graph/export.h"
#include "graph/import.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "proto/graph.pb.h"
#include "runtime/session.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using Values = std::map<std::string, Tensor>;

Tensor Row(std::initializer_list<float> values) {
  return Tensor::Of<float>({1, static_cast<int64_t>(values.size())}, values);
}

// step(step(step(x))), by a loop.
Output ThreeTimes(Output x, const std::function<Output(Output)>& step,
                  const std::string& name = "while") {
  Output zero = Const(x.graph(), 0);
  return While(
      {zero, x},
      [](const Outputs& v) { return Less(v[0], ScalarLike(v[0], 3)); },
      [&](const Outputs& v) -> Outputs {
        Output next = step(v[1]);
        return {v[0] + 1, next};
      },
      {.name = name})[1];
}

// The op of each node, bodies included.
std::map<std::string, std::string> Ops(const proto::GraphDef& def) {
  std::map<std::string, std::string> ops;
  for (const proto::NodeDef& node : def.node()) ops[node.name()] = node.op();
  for (const proto::FunctionDef& function : def.library().function()) {
    for (const proto::NodeDef& node : function.node_def()) {
      ops[function.signature().name() + "/" + node.name()] = node.op();
    }
  }
  return ops;
}

absl::StatusOr<std::vector<Tensor>> RunGraph(const Graph& graph,
                                             const std::vector<Feed>& feeds,
                                             const std::string& fetch,
                                             const Values& variables = {}) {
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Session> session,
                        Session::Create(graph));
  WEFT_RETURN_IF_ERROR(session->SetVariables(variables));
  return session->Run(feeds, {fetch});
}

// A graph over x [?, 2] and a variable W [2, 2].
class FreezeTest : public ::testing::Test {
 protected:
  FreezeTest()
      : x_(Placeholder(g_, "x", DataType::kFloat, {-1, 2})),
        w_(g_, {.name = "W",
                .shape = {2, 2},
                .initial_value = Zeros(g_, DataType::kFloat, {2, 2}, "W0")}) {
    values_["W"] = Tensor::Of<float>({2, 2}, {1, 2, 3, 4});
  }

  absl::StatusOr<proto::GraphDef> Freeze(const std::string& fetch) {
    return FreezeGraph(g_, {fetch}, values_);
  }

  // Freezes `fetch`, and expects of it the bits that it has in the graph.
  proto::GraphDef FreezeAndCompare(const std::string& fetch) {
    const absl::StatusOr<proto::GraphDef> frozen = Freeze(fetch);
    EXPECT_OK(frozen);
    if (!frozen.ok()) return {};
    const auto imported = ImportGraphDef(*frozen);
    EXPECT_OK(imported);
    if (!imported.ok()) return *frozen;
    EXPECT_TRUE((*imported)->variables().empty());
    std::vector<Feed> feeds;
    if ((*imported)->FindNode("x") != nullptr)
      feeds.push_back({"x", Row({0.3f, -0.7f})});
    const auto expected = RunGraph(g_, feeds, fetch, values_);
    const auto got = RunGraph(**imported, feeds, fetch);
    EXPECT_OK(expected);
    EXPECT_OK(got);
    if (expected.ok() && got.ok()) {
      EXPECT_THAT((*got)[0], TensorEq((*expected)[0]));
    }
    return *frozen;
  }

  // The variable is read where `x` is: in a body, if it is of one.
  Output Step(Output x) const { return Tanh(MatMul(x, w_.read(x.graph()))); }

  Graph g_;
  Output x_;
  Variable w_;
  Values values_;
};

TEST_F(FreezeTest, VariablesBecomeConstantsAndNodesKeepTheirNames) {
  MatMul(x_, w_.read(), {.name = "y"});
  const proto::GraphDef frozen = FreezeAndCompare("y");
  EXPECT_THAT(Ops(frozen),
              UnorderedElementsAre(Pair("x", "Placeholder"), Pair("W", "Const"),
                                   Pair("W/Read/ReadVariableOp", "Identity"),
                                   Pair("y", "MatMul")));
}

TEST_F(FreezeTest, GathersRowsOfAConstant) {
  ResourceGather(w_, Const(g_, {1, 0, 1}), "rows");
  const proto::GraphDef frozen = FreezeAndCompare("rows");
  EXPECT_THAT(Ops(frozen), IsSupersetOf({Pair("rows", "GatherV2"),
                                         Pair("rows/axis", "Const")}));
}

TEST_F(FreezeTest, TakesNoNameThatTheGraphHas) {
  Output rows = ResourceGather(w_, Const(g_, {1, 0}), "rows");
  Output axis = Identity(rows, "rows/axis");
  Identity(axis, "y");
  const proto::GraphDef frozen = FreezeAndCompare("y");
  EXPECT_THAT(Ops(frozen), IsSupersetOf({Pair("rows/axis", "Identity"),
                                         Pair("rows/axis_1", "Const")}));
}

TEST_F(FreezeTest, FollowsHandlesThroughIdentities) {
  Output handle = Identity(w_.handle(), "handle");
  Output value = ReadVariable(handle, DataType::kFloat, "value");
  MatMul(x_, value, {.name = "y"});
  EXPECT_THAT(
      Ops(FreezeAndCompare("y")),
      IsSupersetOf({Pair("handle", "Identity"), Pair("value", "Identity")}));
}

TEST_F(FreezeTest, KnowsThatConstantsAreInitialized) {
  VarIsInitialized(w_, "there");
  EXPECT_THAT(Ops(FreezeAndCompare("there")),
              UnorderedElementsAre(Pair("W", "Const"), Pair("there", "Const")));
}

TEST_F(FreezeTest, SharesTheValueAmongHandlesOfOneVariable) {
  Output again = g_.Add("VarHandleOp", {},
                        {{"dtype", DataType::kFloat},
                         {"shape", TensorShape{2, 2}},
                         {"shared_name", "W"}},
                        {.name = "again"});
  Output sum = w_.read() + ReadVariable(again, DataType::kFloat, "value");
  MatMul(x_, sum, {.name = "y"});
  const proto::GraphDef frozen = FreezeAndCompare("y");
  EXPECT_THAT(Ops(frozen),
              IsSupersetOf({Pair("W", "Const"), Pair("again", "Identity")}));
}

TEST_F(FreezeTest, LoopsMayCaptureValues) {
  Output w = w_.read();
  Identity(ThreeTimes(x_, [&](Output h) { return Tanh(MatMul(h, w)); }), "y");
  FreezeAndCompare("y");
}

TEST_F(FreezeTest, LoopsMayReadTheVariableWithinTheirBody) {
  Identity(ThreeTimes(x_, [&](Output h) { return Step(h); }), "y");
  const proto::GraphDef frozen = FreezeAndCompare("y");
  for (const proto::FunctionDef& function : frozen.library().function()) {
    for (const auto& arg : function.signature().input_arg()) {
      EXPECT_NE(arg.type(), proto::DT_RESOURCE) << function.signature().name();
    }
  }
  EXPECT_THAT(Ops(frozen), Each(Pair(testing::_, Not("ReadVariableOp"))));
}

TEST_F(FreezeTest, LoopsFromFilesMayReadTheVariableWithinTheirBody) {
  Identity(ThreeTimes(x_, [&](Output h) { return Step(h); }), "y");
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef direct, Freeze("y"));
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef file, ExportGraphDef(g_));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Graph> imported,
                       ImportGraphDef(file));
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef frozen,
                       FreezeGraph(*imported, {"y"}, values_));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Graph> a, ImportGraphDef(direct));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Graph> b, ImportGraphDef(frozen));
  const std::vector<Feed> feeds = {{"x", Row({0.3f, -0.7f})}};
  ASSERT_OK_AND_ASSIGN(const std::vector<Tensor> from_graph,
                       RunGraph(*a, feeds, "y"));
  ASSERT_OK_AND_ASSIGN(const std::vector<Tensor> from_file,
                       RunGraph(*b, feeds, "y"));
  EXPECT_THAT(from_file[0], TensorEq(from_graph[0]));
}

TEST_F(FreezeTest, BranchesAndCallsMayReadTheVariable) {
  Outputs either = Cond(
      Greater(IndexAxis(Reshape(x_, {-1}), 0, 0), Const(g_, 0.0f)), {x_},
      [&](const Outputs& v) -> Outputs {
        return {MatMul(v[0], w_.read(v[0].graph()))};
      },
      [](const Outputs& v) -> Outputs { return {v[0]}; });
  Outputs called = Call(either, [&](const Outputs& v) -> Outputs {
    return {MatMul(v[0], w_.read(v[0].graph()))};
  });
  Identity(called[0], "y");
  FreezeAndCompare("y");
}

TEST_F(FreezeTest, LoopsWithinLoopsMayReadTheVariable) {
  const auto step = [&](Output h) { return Step(h); };
  Identity(ThreeTimes(x_, [&](Output h) { return ThreeTimes(h, step); }), "y");
  FreezeAndCompare("y");
}

TEST_F(FreezeTest, TrainingGraphsFreezeToTheirInference) {
  Output w = w_.read();
  Output y = Identity(
      ThreeTimes(x_, [&](Output h) { return Tanh(MatMul(h, w)); }), "y");
  // The loop gets outputs for the way back, which are of no use to y.
  Outputs gradient = Gradients({Sum(y)}, Operands{w});
  AssignSub(w_, gradient[0], "step");
  EXPECT_THAT(Ops(FreezeAndCompare("y")),
              Not(Contains(Pair("step", testing::_))));
}

TEST_F(FreezeTest, KeepsAssertsThatGuardWhatIsFetched) {
  Output positive = All(Greater(x_, Const(g_, 0.0f)));
  Node* guard = Assert(positive, {x_}, {.name = "guard"});
  Node* other = Assert(positive, {x_}, {.name = "other"});
  {
    ControlScope guarded(g_, {guard});
    MatMul(x_, w_.read(), {.name = "y"});
  }
  ASSERT_FALSE(g_.IsErrorNode(other));
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef frozen, Freeze("y"));
  EXPECT_THAT(Ops(frozen), AllOf(Contains(Pair("guard", "Assert")),
                                 Not(Contains(Pair("other", testing::_)))));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Graph> graph,
                       ImportGraphDef(frozen));
  EXPECT_OK(RunGraph(*graph, {{"x", Row({1, 1})}}, "y"));
  EXPECT_THAT(RunGraph(*graph, {{"x", Row({1, -1})}}, "y"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("guard")));
}

TEST_F(FreezeTest, DropsFunctionsThatAreNotUsed) {
  const auto step = [](Output h) { return h + 1.0; };
  Identity(ThreeTimes(x_, step, "used"), "y");
  ThreeTimes(
      x_, [](Output h) { return h * 2.0; }, "unused");
  const proto::GraphDef frozen = FreezeAndCompare("y");
  EXPECT_EQ(frozen.library().function_size(), 2);
}

TEST_F(FreezeTest, KeepsPrivateAttrsButNoColocationWithWhatIsGone) {
  Output y = MatMul(x_, w_.read(), {.name = "y"});
  g_.SetAttr(y.node(), "_note", "kept");
  g_.SetAttr(y.node(), "_class",
             std::vector<std::string>{"loc:@W", "loc:@W/Assign"});
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef frozen, Freeze("y"));
  const auto node = std::find_if(frozen.node().begin(), frozen.node().end(),
                                 [](const auto& n) { return n.name() == "y"; });
  ASSERT_NE(node, frozen.node().end());
  EXPECT_EQ(node->attr().at("_note").s(), "kept");
  EXPECT_THAT(node->attr().at("_class").list().s(),
              testing::ElementsAre("loc:@W"));
}

TEST_F(FreezeTest, AliasesStayFetchable) {
  Output y = MatMul(x_, w_.read(), {.name = "y"});
  g_.AddAlias("rnn/while/Exit_3:0", y);
  FreezeAndCompare("rnn/while/Exit_3:0");
  g_.AddAlias("switch:1", y);
  EXPECT_THAT(
      Freeze("switch:1"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "fetch 'switch:1': is another name of 'y:0'; fetch that"));
}

TEST_F(FreezeTest, RefusesWhatItCanNotFind) {
  MatMul(x_, w_.read(), {.name = "logits"});
  EXPECT_THAT(FreezeGraph(g_, {}, values_),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Freeze("logit"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'logits'")));
  EXPECT_THAT(Freeze("W"), StatusIs(absl::StatusCode::kInvalidArgument,
                                    "fetch 'W': is a variable, not a value"));
  values_ = {{"W1", values_["W"]}};
  EXPECT_THAT(
      Freeze("logits"),
      StatusIs(absl::StatusCode::kNotFound,
               "variable 'W' has no value, but is needed by ReadVariableOp "
               "'W/Read/ReadVariableOp'; did you mean 'W1'?"));
  EXPECT_OK(Freeze("x"));
}

TEST_F(FreezeTest, RefusesValuesThatDoNotFit) {
  MatMul(x_, w_.read(), {.name = "y"});
  values_["W"] = Tensor::Of<float>({1, 2}, {1, 2});
  EXPECT_THAT(
      Freeze("y"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "variable 'W' is float32 [2, 2] but is given a value that "
               "is float32 [1, 2]"));
  values_["W"] = Tensor::Of<double>({2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(Freeze("y"), StatusIs(absl::StatusCode::kInvalidArgument,
                                    HasSubstr("float64 [2, 2]")));
}

TEST_F(FreezeTest, RefusesToChangeAConstant) {
  Node* step = AssignAdd(w_, w_.read(), "step");
  {
    ControlScope after(g_, {step});
    MatMul(x_, w_.read(), {.name = "y"});
  }
  EXPECT_THAT(Freeze("y"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("AssignAddVariableOp 'step'"),
                             HasSubstr("is needed by MatMul 'y'"))));
}

TEST_F(FreezeTest, NamesTheNodeThatDoesSomethingElseWithAVariable) {
  Output shape(g_.AddUnknown("VariableShape", {w_.handle()}, {},
                             {DataType::kInt32}, {.name = "shape"}));
  Identity(shape, "y");
  EXPECT_THAT(Freeze("y"),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("VariableShape 'shape'(W:0 [2, 2])")));
}

}  // namespace
}  // namespace weft
