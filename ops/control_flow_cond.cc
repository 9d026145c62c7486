// Cond and Call: from functions to a node.
#include <algorithm>
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

namespace weft {
namespace {

constexpr int kDeepest = 64;  // As Graph::MakeBody has it.

Outputs OutputsOf(Node* node, size_t count) {
  Outputs outputs;
  for (size_t i = 0; i < count; ++i)
    outputs.emplace_back(node, static_cast<int>(i));
  return outputs;
}

// Builds the bodies of one node in `graph`, which all get `inputs`.
class BranchBuilder {
 public:
  BranchBuilder(Graph& graph, const Operands& inputs, std::string what)
      : graph_(graph), inputs_(inputs), what_(std::move(what)) {}

  // Null after a mistake.
  std::unique_ptr<Graph> Build(const BranchFn& fn, const std::string& which) {
    std::unique_ptr<Graph> body = Graph::MakeBody(graph_);
    // Bodies that are nested too deeply are not called: they may be so for
    // ever.
    if (TooDeep(*body)) return nullptr;
    for (const Output& input : inputs_.outputs) {
      body->AddArg(input.dtype(), input.shape());
    }
    Outputs results = fn(body->args());
    num_results_ = std::max(num_results_, results.size());
    if (!graph_.status().ok()) return nullptr;
    for (size_t i = 0; i < results.size(); ++i) {
      if (!Localize(*body, &results[i],
                    absl::StrCat("result ", i, " of ", which))) {
        return nullptr;
      }
    }
    body->SetResults(std::move(results));
    return body;
  }

  // As many as the functions return, after a mistake.
  Outputs Failed() {
    return OutputsOf(graph_.Fail(absl::InternalError(what_)), num_results_);
  }

  template <typename... Args>
  bool Fail(const Args&... args) {
    const std::string& scope = graph_.name_scope();
    const size_t name = what_.find('\'') + 1;
    std::string full = what_;
    if (!scope.empty()) full.insert(name, scope + "/");
    graph_.Fail(InvalidArgument(full, ": ", args...), inputs_.location);
    return false;
  }

 private:
  bool TooDeep(const Graph& body) const {
    return !graph_.status().ok() && body.depth() > kDeepest;
  }

  // Makes `*value`, which a function returned, a value of `body`.
  bool Localize(Graph& body, Output* value, const std::string& what) {
    if (!value->valid()) return Fail(what, " is an Output of no node");
    if (!IsVisibleFrom(body, *value)) {
      return Fail(what, ", ", value->name(), ", belongs to another graph");
    }
    *value = body.Capturing(*value);
    return true;
  }

  Graph& graph_;
  const Operands& inputs_;
  const std::string what_;  // "Cond 'name'"
  size_t num_results_ = 0;
};

std::vector<Operand> At(const Operands& values) {
  std::vector<Operand> operands;
  for (const Output& value : values.outputs)
    operands.emplace_back(value, values.location);
  return operands;
}

bool CheckBranches(const Graph& then_branch, const Graph& else_branch,
                   BranchBuilder& builder) {
  const Outputs& a = then_branch.results();
  const Outputs& b = else_branch.results();
  if (a.size() != b.size()) {
    return builder.Fail("then_fn returns ", a.size(), " values and else_fn ",
                        b.size());
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].dtype() == b[i].dtype()) continue;
    return builder.Fail("result ", i, " is ", DataTypeName(a[i].dtype()),
                        " of then_fn and ", DataTypeName(b[i].dtype()),
                        " of else_fn");
  }
  return true;
}

}  // namespace

Outputs Cond(Operand pred, const Operands& inputs, const BranchFn& then_fn,
             const BranchFn& else_fn, const CondOptions& options) {
  std::vector<Operand> operands = At(inputs);
  operands.push_back(pred);
  Graph* graph = InnermostGraph(operands);
  if (graph == nullptr) return {};
  const Operands located(inputs.outputs, pred.location);
  BranchBuilder builder(*graph, located,
                        absl::StrCat("Cond '", options.name, "'"));
  for (const Operand& operand : operands) {
    if (!operand.output.valid())
      builder.Fail("an input is an Output of no node");
  }
  if (graph->status().ok() && (pred.dtype() != DataType::kBool ||
                               !pred.shape().IsCompatibleWith(TensorShape{}))) {
    builder.Fail("pred is ", DataTypeName(pred.dtype()), " ",
                 pred.shape().ToString(), " but must be a scalar bool");
  }
  std::unique_ptr<Graph> then_branch = builder.Build(then_fn, "then_fn");
  std::unique_ptr<Graph> else_branch = builder.Build(else_fn, "else_fn");
  if (else_branch == nullptr || then_branch == nullptr ||
      !CheckBranches(*then_branch, *else_branch, builder)) {
    return builder.Failed();
  }
  Outputs all = inputs.outputs;
  const int declared = static_cast<int>(all.size());
  for (const Output& captured :
       UniteCaptures({&then_branch, &else_branch}, declared)) {
    all.push_back(captured);
  }
  const size_t num_results = then_branch->results().size();
  Node* node =
      AddIf(*graph, pred, all, std::move(then_branch), std::move(else_branch),
            {.name = options.name, .location = pred.location});
  return OutputsOf(node, num_results);
}

Outputs Cond(Operand pred, const std::function<Outputs()>& then_fn,
             const std::function<Outputs()>& else_fn,
             const CondOptions& options) {
  return Cond(
      pred, Operands(Outputs{}, pred.location),
      [&](const Outputs&) { return then_fn(); },
      [&](const Outputs&) { return else_fn(); }, options);
}

Outputs Call(const Operands& inputs, const BodyFn& fn,
             const CallOptions& options) {
  Graph* graph = InnermostGraph(At(inputs));
  if (graph == nullptr) return {};
  BranchBuilder builder(*graph, inputs,
                        absl::StrCat("Call '", options.name, "'"));
  for (const Output& input : inputs.outputs) {
    if (!input.valid()) builder.Fail("an input is an Output of no node");
  }
  std::unique_ptr<Graph> function = builder.Build(fn, "the function");
  if (function == nullptr) return builder.Failed();
  Outputs all = inputs.outputs;
  for (const Output& captured :
       UniteCaptures({&function}, static_cast<int>(all.size()))) {
    all.push_back(captured);
  }
  const size_t num_results = function->results().size();
  Node* node = AddCall(*graph, all, std::move(function),
                       {.name = options.name, .location = inputs.location});
  return OutputsOf(node, num_results);
}

}  // namespace weft
