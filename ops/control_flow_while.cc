// While: from functions to a node.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "ops/control_flow.h"
#include "ops/control_flow_copy.h"
#include "ops/control_flow_nodes.h"
#include "ops/emit.h"
#include "ops/source.h"

namespace weft {
namespace {

class WhileBuilder {
 public:
  WhileBuilder(Graph& graph, const Operands& initial,
               const WhileOptions& options)
      : graph_(graph),
        initial_(initial),
        options_(options),
        num_vars_(initial.outputs.size()) {}

  Outputs Build(const CondFn& cond, const BodyFn& body) {
    inputs_ = initial_.outputs;
    if (!CheckInvariants()) return Failed();
    for (const Output& x : inputs_) shapes_.push_back(x.shape());
    for (size_t i = 0; i < options_.shape_invariants.size(); ++i) {
      shapes_[i] = options_.shape_invariants[i];
    }
    if (options_.max_iterations.has_value()) AddIterationVariable();
    loop_.cond = MakeBody();
    if (!graph_.status().ok() || !BuildCond(cond)) return Failed();
    loop_.body = MakeBody();
    if (!graph_.status().ok() || !BuildBody(body)) return Failed();
    CloseOverCaptures();
    if (!graph_.status().ok() || !SettleShapes()) return Failed();
    Node* node = AddWhile(graph_, inputs_, std::move(loop_),
                          {.name = options_.name,
                           .parallel_iterations = options_.parallel_iterations,
                           .location = initial_.location});
    Outputs outputs;
    for (size_t i = 0; i < num_vars_; ++i)
      outputs.emplace_back(node, static_cast<int>(i));
    return outputs;
  }

 private:
  template <typename... Args>
  bool Fail(const Args&... args) {
    const std::string& scope = graph_.name_scope();
    graph_.Fail(InvalidArgument("While '", scope, scope.empty() ? "" : "/",
                                options_.name, "': ", args...),
                initial_.location);
    return false;
  }

  Outputs Failed() {
    Node* error = graph_.Fail(absl::InternalError("while"), initial_.location);
    Outputs outputs;
    for (size_t i = 0; i < num_vars_; ++i)
      outputs.emplace_back(error, static_cast<int>(i));
    return outputs;
  }

  bool CheckInvariants() {
    for (size_t i = 0; i < num_vars_; ++i) {
      if (!inputs_[i].valid())
        return Fail("variable ", i, " has no initial value");
    }
    const size_t given = options_.shape_invariants.size();
    if (given != 0 && given != num_vars_) {
      return Fail("there are ", given, " shape_invariants for ", num_vars_,
                  " variables");
    }
    for (size_t i = 0; i < given; ++i) {
      const TensorShape& invariant = options_.shape_invariants[i];
      if (invariant.IsCompatibleWith(inputs_[i].shape())) continue;
      return Fail("variable ", i, " is ", inputs_[i].shape().ToString(),
                  " at first but its shape invariant is ",
                  invariant.ToString());
    }
    return true;
  }

  // The steps done so far, as TensorFlow counts them.
  void AddIterationVariable() {
    inputs_.push_back(Const({graph_, initial_.location}, int32_t{0},
                            absl::StrCat(options_.name, "/loop_counter")));
    shapes_.push_back(TensorShape{});
  }

  std::unique_ptr<Graph> MakeBody() {
    std::unique_ptr<Graph> body = Graph::MakeBody(graph_);
    for (size_t i = 0; i < inputs_.size(); ++i) {
      body->AddArg(inputs_[i].dtype(), shapes_[i],
                   i < num_vars_ ? "arg" : "loop_counter");
    }
    return body;
  }

  Outputs Vars(const Graph& body) const {
    return Outputs(body.args().begin(), body.args().begin() + num_vars_);
  }

  // Makes `*value`, which a function returned, a value of `body`.
  bool Localize(Graph& body, Output* value, const std::string& what) {
    if (!graph_.status().ok()) return false;
    if (!value->valid()) return Fail(what, " is an Output of no node");
    if (!IsVisibleFrom(body, *value)) {
      return Fail(what, ", ", value->name(), ", belongs to another graph");
    }
    *value = body.Capturing(*value);
    return true;
  }

  bool BuildCond(const CondFn& cond) {
    Graph& body = *loop_.cond;
    Output result = cond(Vars(body));
    if (!Localize(body, &result, "the condition")) return false;
    if (options_.max_iterations.has_value()) {
      const int64_t limit =
          std::min<int64_t>(*options_.max_iterations, INT32_MAX);
      const Output max =
          Const({body, initial_.location}, static_cast<int32_t>(limit),
                "maximum_iterations");
      const Output below = Emit("Less", {body.args()[num_vars_], max});
      result = Emit("LogicalAnd", {below, result});
    }
    body.SetResults({result});
    return true;
  }

  bool BuildBody(const BodyFn& fn) {
    Graph& body = *loop_.body;
    Outputs results = fn(Vars(body));
    if (!graph_.status().ok()) return false;
    if (results.size() != num_vars_) {
      return Fail("the body returns ", results.size(), " values for ",
                  num_vars_, " variables");
    }
    for (size_t i = 0; i < num_vars_; ++i) {
      if (!Localize(body, &results[i], absl::StrCat("result ", i)))
        return false;
    }
    if (options_.max_iterations.has_value()) {
      const Output one = Const({body, initial_.location}, int32_t{1}, "one");
      results.push_back(Emit("AddV2", {body.args()[num_vars_], one}));
    }
    body.SetResults(std::move(results));
    return true;
  }

  // Captured values become variables that keep their value.
  void CloseOverCaptures() {
    const int declared = static_cast<int>(inputs_.size());
    const Outputs captured =
        UniteCaptures({&loop_.body, &loop_.cond}, declared);
    Outputs results = loop_.body->results();
    for (size_t i = 0; i < captured.size(); ++i) {
      inputs_.push_back(captured[i]);
      results.push_back(loop_.body->args()[declared + i]);
    }
    loop_.body->SetResults(std::move(results));
  }

  // A dim that is known at first but not after a step becomes unknown in all of
  // the loop; one that is known to change is a mistake.
  bool SettleShapes() {
    const Graph& body = *loop_.body;
    bool settled = true;
    std::vector<TensorShape> shapes;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const Output& arg = body.args()[i];
      const Output& result = body.results()[i];
      if (arg.dtype() != result.dtype()) {
        return Fail("variable ", i, " is ", DataTypeName(arg.dtype()),
                    " at first but ", DataTypeName(result.dtype()),
                    " after a step");
      }
      if (!arg.shape().IsCompatibleWith(result.shape())) {
        return Fail("variable ", i, " is ", arg.shape().ToString(),
                    " at first but ", result.shape().ToString(),
                    " after a step; if its shape is meant to ",
                    "change, say so in shape_invariants");
      }
      settled = settled && Covers(arg.shape(), result.shape());
      shapes.push_back(arg.shape());
    }
    if (!settled) {
      loop_ = CopyLoop(*loop_.cond, body, graph_, inputs_, std::move(shapes));
    }
    return graph_.status().ok();
  }

  Graph& graph_;
  const Operands& initial_;
  const WhileOptions& options_;
  const size_t num_vars_;  // Those of the caller.
  Outputs inputs_;
  std::vector<TensorShape> shapes_;
  LoopBodies loop_;
};

}  // namespace

Outputs While(const Operands& initial, const CondFn& cond, const BodyFn& body,
              const WhileOptions& options) {
  std::vector<Operand> operands;
  for (const Output& x : initial.outputs)
    operands.emplace_back(x, initial.location);
  Graph* graph = InnermostGraph(operands);
  // Without a graph there is nobody to tell.
  if (graph == nullptr) return Outputs(initial.outputs.size());
  return WhileBuilder(*graph, initial, options).Build(cond, body);
}

}  // namespace weft
