// Graphs written with TensorFlow's first control flow, and read again: they
// compute what they did.
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "gmock/gmock.h"
#include "graph/export.h"
#include "graph/import.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/gradients.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/random.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "proto/graph.pb.h"
#include "runtime/session.h"
#include "tests/testing/op_table.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class V1ExportTest : public ::testing::TestWithParam<bool> {
 protected:
  // Writes the graph, and checks that it holds what it must.
  void Write() {
    absl::StatusOr<proto::GraphDef> def =
        ExportGraphDef(g, {.v1_control_flow = true});
    ASSERT_THAT(def, IsOk());
    def_ = *std::move(def);
    EXPECT_EQ(def_.library().function_size(), 0);
    EXPECT_THAT(OpTableErrors(LoadOpTable(kTfOpTable), def_), IsEmpty());
    for (const proto::NodeDef& node : def_.node()) {
      EXPECT_FALSE(node.op() == "While" || node.op() == "If" ||
                   node.op() == "StatelessWhile" || node.op() == "StatelessIf")
          << node.name();
      nodes_[node.name()] = &node;
    }
  }

  // What the graph that was written gives, after it was seen to be what the
  // graph itself gives. An error is that of both.
  absl::StatusOr<std::vector<Tensor>> Run(const Outputs& fetches,
                                          const std::vector<Feed>& feeds = {}) {
    if (def_.node().empty()) Write();
    absl::StatusOr<std::unique_ptr<Graph>> again = ImportGraphDef(def_);
    if (!again.ok()) return again.status();
    auto original = RunIn(g, fetches, feeds);
    auto copy = RunIn(**again, fetches, feeds);
    EXPECT_EQ(original.status().code(), copy.status().code())
        << original.status() << "\n"
        << copy.status();
    if (!original.ok() || !copy.ok()) return copy;
    for (size_t i = 0; i < fetches.size(); ++i)
      EXPECT_THAT((*copy)[i], TensorEq((*original)[i])) << fetches[i].name();
    return copy;
  }

  absl::StatusOr<std::vector<Tensor>> RunIn(const Graph& graph,
                                            const Outputs& fetches,
                                            const std::vector<Feed>& feeds) {
    SessionOptions options;
    options.passes.enabled = GetParam();
    WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                          Session::Create(graph, options));
    WEFT_RETURN_IF_ERROR(session->Initialize());
    std::vector<Fetch> names;
    for (const Output& fetch : fetches) names.emplace_back(fetch.name());
    return session->Run(feeds, names);
  }

  float Number(const Output& fetch, const std::vector<Feed>& feeds = {}) {
    const auto values = Run({fetch}, feeds);
    EXPECT_OK(values);
    return values.ok() ? (*values)[0].scalar<float>() : -1;
  }

  Output Number(const char* name) {
    return Placeholder(g, name, DataType::kFloat, {});
  }
  Output Count(const char* name) {
    return Placeholder(g, name, DataType::kInt32, {});
  }
  Output Choice(const char* name) {
    return Placeholder(g, name, DataType::kBool, {});
  }
  static Feed Of(const Output& x, float value) {
    return {x, Tensor::Scalar(value)};
  }
  static Feed Of(const Output& x, int32_t value) {
    return {x, Tensor::Scalar(value)};
  }
  static Feed Of(const Output& x, bool value) {
    return {x, Tensor::Scalar(value)};
  }

  Graph g;
  proto::GraphDef def_;
  absl::flat_hash_map<std::string, const proto::NodeDef*> nodes_;
};

INSTANTIATE_TEST_SUITE_P(Passes, V1ExportTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "all" : "none";
                         });

Outputs Repeat(const Output& n, const Output& x,
               const std::function<Output(const Output& i, const Output& x)>& f,
               const char* name = "while") {
  return While(
      {Const(n.graph(), 0), x}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) -> Outputs {
        Output next = f(v[0], v[1]);
        return {v[0] + 1, next};
      },
      {.name = name});
}

TEST_P(V1ExportTest, ALoopIsAFrame) {
  Output n = Count("n");
  Output x = Number("x");
  Output w = Number("w");
  Outputs last = Repeat(
      n, x, [&](Output, Output y) { return y * w; }, "rnn/while");
  Write();
  ASSERT_TRUE(nodes_.contains("rnn/while/Enter"));
  EXPECT_EQ(nodes_["rnn/while/Enter"]->attr().at("frame_name").s(),
            "rnn/while");
  EXPECT_EQ(nodes_["rnn/while/Merge"]->input(1), "rnn/while/NextIteration");
  EXPECT_EQ(nodes_["rnn/while/Exit_1"]->input(0), "rnn/while/Switch_1");
  EXPECT_EQ(nodes_["rnn/while"]->op(), "IdentityN");
  int constants = 0;
  for (const proto::NodeDef& node : def_.node()) {
    constants += node.op() == "Enter" && node.attr().at("is_constant").b();
  }
  EXPECT_EQ(constants, 2) << "n and w";
  EXPECT_EQ(Number(last[1], {Of(n, 3), Of(x, 2.f), Of(w, 5.f)}), 250);
  EXPECT_EQ(Number(last[1], {Of(n, 0), Of(x, 2.f), Of(w, 5.f)}), 2);
}

TEST_P(V1ExportTest, TheNamesOfLoopsAndConditionalsCanBeFetched) {
  Output n = Count("n");
  Output x = Number("x");
  Repeat(
      n, x, [&](Output, Output y) { return y + 1.0f; }, "a");
  Cond(
      Choice("p"), {x}, [](const Outputs& v) { return Outputs{v[0] * 2.0f}; },
      [](const Outputs& v) { return Outputs{v[0]}; }, {.name = "b"});
  Write();
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Graph> again, ImportGraphDef(def_));
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Session> session,
                       Session::Create(*again));
  const std::vector<Feed> feeds = {{"n", Tensor::Scalar<int32_t>(4)},
                                   {"x", Tensor::Scalar(1.5f)},
                                   {"p", Tensor::Scalar(true)}};
  ASSERT_OK_AND_ASSIGN(
      const auto values,
      session->Run(feeds, {"a:1", "a/Exit_1", "b", "b/Merge"}));
  EXPECT_EQ(values[0].scalar<float>(), 5.5f);
  EXPECT_EQ(values[1].scalar<float>(), 5.5f);
  EXPECT_EQ(values[2].scalar<float>(), 3);
  EXPECT_EQ(values[3].scalar<float>(), 3);
}

TEST_P(V1ExportTest, NestedLoopsTakeValuesFromOutside) {
  Output n = Count("n");
  Output m = Count("m");
  Output w = Number("w");
  Output zero = Const(g, 0.0f);
  // Adds w * (i + 1), m times in each of n rounds.
  Output sum = Repeat(n, zero, [&](Output i, Output x) {
    Output scale = Cast(i + 1, DataType::kFloat);
    return Repeat(m, x, [&](Output, Output y) { return y + w * scale; })[1];
  })[1];
  EXPECT_EQ(Number(sum, {Of(n, 3), Of(m, 4), Of(w, .5f)}), 4 * .5f * 6);
  EXPECT_EQ(Number(sum, {Of(n, 3), Of(m, 0), Of(w, .5f)}), 0);
  EXPECT_EQ(Number(sum, {Of(n, 0), Of(m, 4), Of(w, .5f)}), 0);
}

TEST_P(V1ExportTest, ThreeLevelsDeep) {
  Output n = Count("n");
  Output w = Number("w");
  Output count = Repeat(n, Const(g, 0.0f), [&](Output, Output x) {
    return Repeat(n, x, [&](Output, Output y) {
      return Repeat(n, y, [&](Output, Output z) { return z + w; })[1];
    })[1];
  })[1];
  EXPECT_EQ(Number(count, {Of(n, 3), Of(w, 2.f)}), 54);
}

TEST_P(V1ExportTest, VariablesMayChangePlaces) {
  Output n = Count("n");
  Output a = Number("a");
  Output b = Number("b");
  Outputs last = While(
      {Const(g, 0), a, b}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) -> Outputs {
        return {v[0] + 1, v[2], v[1]};
      });
  EXPECT_EQ(Number(last[1], {Of(n, 3), Of(a, 1.f), Of(b, 2.f)}), 2);
  EXPECT_EQ(Number(last[1], {Of(n, 2), Of(a, 1.f), Of(b, 2.f)}), 1);
}

TEST_P(V1ExportTest, AVariableMayBecomeAConstantOrAnOuterValue) {
  Output n = Count("n");
  Output a = Number("a");
  Output b = Number("b");
  Outputs last = While(
      {Const(g, 0), a, a}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) -> Outputs {
        return {v[0] + 1, v[1].graph().Capturing(b), Const(v[0].graph(), 7.0f)};
      });
  EXPECT_EQ(Number(last[1], {Of(n, 2), Of(a, 1.f), Of(b, 5.f)}), 5);
  EXPECT_EQ(Number(last[2], {Of(n, 2), Of(a, 1.f), Of(b, 5.f)}), 7);
  EXPECT_EQ(Number(last[1], {Of(n, 0), Of(a, 1.f), Of(b, 5.f)}), 1);
}

TEST_P(V1ExportTest, ConditionalsInLoopsAndLoopsInConditionals) {
  Output n = Count("n");
  Output w = Number("w");
  Output p = Choice("p");
  Output x = Repeat(n, Const(g, 1.0f), [&](Output i, Output y) {
    Output even = Equal(Mod(i, ScalarLike(i, 2)), ScalarLike(i, 0));
    return Cond(
        even, {y},
        [&](const Outputs& v) -> Outputs {
          return {Repeat(n, v[0], [&](Output, Output z) { return z + w; })[1]};
        },
        [&](const Outputs& v) -> Outputs { return {v[0] * w}; })[0];
  })[1];
  Output y = Cond(
      p, {x}, [&](const Outputs& v) -> Outputs { return {v[0]}; },
      [&](const Outputs& v) -> Outputs {
        return {Repeat(n, v[0], [](Output, Output z) { return z * 2.0f; })[1]};
      })[0];
  // n = 3, w = 10: 1 + 30, * 10, + 30.
  EXPECT_EQ(Number(y, {Of(n, 3), Of(w, 10.f), Of(p, true)}), 340);
  EXPECT_EQ(Number(y, {Of(n, 3), Of(w, 10.f), Of(p, false)}), 340 * 8);
}

TEST_P(V1ExportTest, AValueOfAnUnknownTypeCanNotEnterALoop) {
  Output n = Count("n");
  Node* unknown = g.AddUnknown("Mystery", {n}, {}, {DataType::kInvalid});
  absl::StatusOr<proto::GraphDef> def =
      ExportGraphDef(g, {.v1_control_flow = true});
  EXPECT_OK(def) << "beside control flow it does no harm";
  g.SetInput(
      Repeat(n, Number("x"), [](Output, Output y) { return y; })[0].node(), 1,
      Output(unknown));
  EXPECT_THAT(ExportGraphDef(g, {.v1_control_flow = true}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("'while'"), HasSubstr("Mystery:0"))));
}

TEST_P(V1ExportTest, ListsStayLists) {
  Output x = Placeholder(g, "x", DataType::kFloat, {-1, 2});
  Output n = DimOf(x, 0);
  Output list = TensorListReserve({2}, n, DataType::kFloat);
  Output rows = TensorListFromTensor(x);
  Outputs last = While(
      {Const(g, 0), list}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) -> Outputs {
        Output row = TensorListGetItem(rows, v[0], DataType::kFloat, {2});
        return {v[0] + 1, TensorListSetItem(v[1], v[0], row * 3.0f)};
      });
  Output y = TensorListStack(last[1], DataType::kFloat);
  ASSERT_OK_AND_ASSIGN(
      const auto values,
      Run({y}, {{x, Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6})}}));
  EXPECT_THAT(values[0],
              TensorEq(Tensor::Of<float>({3, 2}, {3, 6, 9, 12, 15, 18})));
  bool has_list = false;
  for (const proto::NodeDef& node : def_.node()) {
    has_list = has_list || (node.op() == "Merge" &&
                            node.attr().at("T").type() == proto::DT_VARIANT);
  }
  EXPECT_TRUE(has_list);
}

TEST_P(V1ExportTest, GradientsOfLoops) {
  Output n = Count("n");
  Output x = Number("x");
  Output w = Number("w");
  Output y = Repeat(n, x, [&](Output, Output z) { return z * w; })[1];
  const Outputs gradients = Gradients({y}, {x, w});
  ASSERT_OK_AND_ASSIGN(const auto values,
                       Run(gradients, {Of(n, 3), Of(x, 2.f), Of(w, 5.f)}));
  EXPECT_EQ(values[0].scalar<float>(), 125);
  EXPECT_EQ(values[1].scalar<float>(), 3 * 25 * 2);
}

TEST_P(V1ExportTest, BodiesThatReadVariablesAndDrawNumbers) {
  Variable v(g, {.name = "v", .shape = {}, .initial_value = Const(g, 3.0f)});
  Output n = Count("n");
  Output sum = Repeat(n, Const(g, 0.0f), [&](Output i, Output x) {
    Output draw =
        RandomUniform(Const(i.graph(), {2}), {.seed = 5, .name = "draw"});
    return x + v.read(i.graph()) + Sum(draw);
  })[1];
  const float value = Number(sum, {Of(n, 4)});
  EXPECT_GT(value, 12);
  EXPECT_LT(value, 20);
}

TEST_P(V1ExportTest, EffectsOfOneBranchAreThoseOfTheBranchTaken) {
  Output p = Choice("p");
  Output x = Number("x");
  Output y = Cond(
      p, {x},
      [](const Outputs& v) -> Outputs {
        Assert(Greater(v[0], ScalarLike(v[0], 0)), {v[0]}, {.name = "check"});
        return {v[0] * 2.0f};
      },
      [](const Outputs& v) -> Outputs { return {v[0]}; })[0];
  EXPECT_EQ(Number(y, {Of(p, true), Of(x, 2.f)}), 4);
  EXPECT_EQ(Number(y, {Of(p, false), Of(x, -2.f)}), -2);
  EXPECT_THAT(Run({y}, {Of(p, true), Of(x, -2.f)}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("check")));
}

TEST_P(V1ExportTest, EffectsOfALoopHappenInEachIteration) {
  Output n = Count("n");
  Output limit = Count("limit");
  Output x = Repeat(n, Number("x"), [&](Output i, Output y) {
    Assert(Less(i, limit), {i}, {.name = "check"});
    return y + 1.0f;
  })[1];
  Output start = x.node()->input(1);
  EXPECT_EQ(Number(x, {Of(n, 3), Of(limit, 3), Of(start, 0.f)}), 3);
  EXPECT_THAT(Run({x}, {Of(n, 4), Of(limit, 3), Of(start, 0.f)}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("check")));
  // A loop that ends before does not look at what it would have checked next.
  EXPECT_EQ(Number(x, {Of(n, 0), Of(limit, -1), Of(start, 0.f)}), 0);
}

TEST_P(V1ExportTest, AConditionalMayHaveEffectsAlone) {
  Output p = Choice("p");
  Output x = Number("x");
  Node* check = nullptr;
  {
    Cond(
        p, {x},
        [](const Outputs& v) -> Outputs {
          Assert(Greater(v[0], ScalarLike(v[0], 0)), {v[0]}, {.name = "check"});
          return {};
        },
        [](const Outputs&) -> Outputs { return {}; }, {.name = "guard"});
    check = g.FindNode("guard");
  }
  ASSERT_NE(check, nullptr);
  Output y;
  {
    ControlScope after(g, {check});
    y = Identity(x, "y");
  }
  EXPECT_EQ(Number(y, {Of(p, true), Of(x, 2.f)}), 2);
  EXPECT_EQ(Number(y, {Of(p, false), Of(x, -2.f)}), -2);
  EXPECT_THAT(Run({y}, {Of(p, true), Of(x, -2.f)}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("check")));
}

TEST_P(V1ExportTest, CallsBecomeTheirNodes) {
  Output n = Count("n");
  Output x = Number("x");
  Output w = Number("w");
  Output y = Call({x}, [&](const Outputs& v) -> Outputs {
    return {Repeat(n, v[0], [&](Output, Output z) { return z * w; })[1] + w};
  })[0];
  Output twice =
      Call({y}, [&](const Outputs& v) -> Outputs { return {v[0] + v[0]}; })[0];
  EXPECT_EQ(Number(twice, {Of(n, 2), Of(x, 1.f), Of(w, 3.f)}), 24);
}

TEST_P(V1ExportTest, ALoopOfInvariantsAloneStillTurns) {
  Output p = Choice("p");
  Output x = Number("x");
  Output y = While(
      {x, p}, [](const Outputs& v) { return v[1]; },
      [](const Outputs& v) -> Outputs {
        return {v[0], v[1]};
      })[0];
  EXPECT_EQ(Number(y, {Of(x, 2.f), Of(p, false)}), 2);
}

TEST_P(V1ExportTest, ControlEdgesInAndOutOfLoops) {
  Output n = Count("n");
  Output x = Number("x");
  Node* check = Assert(Greater(x, ScalarLike(x, 0)), {x}, {.name = "before"});
  Outputs last;
  {
    ControlScope after(g, {check});
    last = Repeat(n, Const(g, 0.0f), [](Output, Output y) { return y + 1.0f; });
  }
  Output y;
  {
    ControlScope after(g, {last[1].node()});
    y = Identity(n, "y");
  }
  ASSERT_OK_AND_ASSIGN(const auto values, Run({y}, {Of(n, 2), Of(x, 1.f)}));
  EXPECT_EQ(values[0].scalar<int32_t>(), 2);
  EXPECT_THAT(
      Run({y}, {Of(n, 2), Of(x, -1.f)}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("before")));
}

}  // namespace
}  // namespace weft
