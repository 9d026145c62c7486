// The schemas of the ops with bodies.
#include "ops/control_flow.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/control_flow_nodes.h"
#include "ops/gradients_control_flow.h"

namespace weft {
namespace {

std::string Describe(const Output& value) {
  return absl::StrCat(DataTypeName(value.dtype()), " ",
                      value.shape().ToString());
}

bool Fits(const Output& a, const Output& b) {
  return a.dtype() == b.dtype() && a.shape().IsCompatibleWith(b.shape());
}

// Does the node have `count` bodies, each with an argument per input from
// `first_input` on, of its type?
bool CheckBodies(InferContext& c, int count, int first_input) {
  const Node& node = c.node();
  if (node.num_bodies() != count) {
    c.Fail("has ", node.num_bodies(), " bodies but must have ", count);
    return false;
  }
  const int num_args = c.num_inputs() - first_input;
  for (int b = 0; b < count; ++b) {
    const Outputs& args = node.body(b).args();
    if (static_cast<int>(args.size()) != num_args) {
      c.Fail("body ", b, " has ", args.size(), " arguments for ", num_args,
             " inputs");
      return false;
    }
    for (int i = 0; i < num_args; ++i) {
      const Output& input = node.input(first_input + i);
      if (Fits(args[i], input)) continue;
      c.Fail("input ", first_input + i, " is ", Describe(input),
             " but argument ", i, " of body ", b, " is ", Describe(args[i]));
      return false;
    }
  }
  return true;
}

void InferWhile(InferContext& c) {
  if (!CheckBodies(c, 2, 0)) return;
  const Graph& cond = c.node().body(0);
  const Graph& body = c.node().body(1);
  if (cond.results().size() != 1 ||
      cond.results()[0].dtype() != DataType::kBool ||
      !cond.results()[0].shape().IsCompatibleWith(TensorShape{})) {
    c.Fail("the condition is ",
           cond.results().size() != 1
               ? absl::StrCat(cond.results().size(), " values")
               : Describe(cond.results()[0]),
           " but must be a scalar bool");
    return;
  }
  if (body.results().size() != body.args().size()) {
    c.Fail("the body returns ", body.results().size(), " values for ",
           body.args().size(), " variables");
    return;
  }
  for (int i = 0; i < c.num_outputs(); ++i) {
    if (!Fits(body.results()[i], body.args()[i])) {
      c.Fail("variable ", i, " is ", Describe(body.args()[i]), " at first but ",
             Describe(body.results()[i]), " after a step");
      return;
    }
    c.SetOutput(i, body.args()[i].shape());
  }
}

void InferIf(InferContext& c) {
  c.Expect(0, {});
  if (!c.ok() || !CheckBodies(c, 2, 1)) return;
  const Outputs& then_results = c.node().body(0).results();
  const Outputs& else_results = c.node().body(1).results();
  const auto& types = c.attr<std::vector<DataType>>("Tout");
  if (then_results.size() != types.size() ||
      else_results.size() != types.size()) {
    c.Fail("the branches return ", then_results.size(), " and ",
           else_results.size(), " values but must return ", types.size());
    return;
  }
  for (int i = 0; i < c.num_outputs(); ++i) {
    if (then_results[i].dtype() != types[i] ||
        else_results[i].dtype() != types[i]) {
      c.Fail("result ", i, " is ", Describe(then_results[i]),
             " of one branch and ", Describe(else_results[i]),
             " of the other but must be ", DataTypeName(types[i]));
      return;
    }
    c.SetOutput(i, then_results[i].shape().Union(else_results[i].shape()));
  }
}

void InferCall(InferContext& c) {
  if (!CheckBodies(c, 1, 0)) return;
  const Outputs& results = c.node().body(0).results();
  const auto& types = c.attr<std::vector<DataType>>("Tout");
  if (results.size() != types.size()) {
    c.Fail("the function returns ", results.size(), " values but must return ",
           types.size());
    return;
  }
  for (int i = 0; i < c.num_outputs(); ++i) {
    if (results[i].dtype() != types[i]) {
      c.Fail("result ", i, " is ", Describe(results[i]), " but must be ",
             DataTypeName(types[i]));
      return;
    }
    c.SetOutput(i, results[i].shape());
  }
}

constexpr char kNoKernel[] = "the executor runs the body";

#define WEFT_WHILE_OP(name)                              \
  WEFT_OP(name)                                          \
      .Input("input: T[]")                               \
      .Output("output: T[]")                             \
      .TypeList("T")                                     \
      .RequiredAttr("cond", AttrKind::kFunction)         \
      .RequiredAttr("body", AttrKind::kFunction)         \
      .Attr("output_shapes", std::vector<TensorShape>{}) \
      .Attr("parallel_iterations", 10)                   \
      .Role(OpRole::kWhile)                              \
      .Infer(InferWhile)                                 \
      .Gradient(WhileGradient)                           \
      .NoKernel(kNoKernel)

WEFT_WHILE_OP(While).Stateful();
WEFT_WHILE_OP(StatelessWhile);

#define WEFT_IF_OP(name)                                 \
  WEFT_OP(name)                                          \
      .Input("cond: Tcond")                              \
      .Input("input: Tin[]")                             \
      .Output("output: Tout[]")                          \
      .Type("Tcond", {DataType::kBool})                  \
      .TypeList("Tin")                                   \
      .TypeList("Tout")                                  \
      .RequiredAttr("then_branch", AttrKind::kFunction)  \
      .RequiredAttr("else_branch", AttrKind::kFunction)  \
      .Attr("output_shapes", std::vector<TensorShape>{}) \
      .Role(OpRole::kIf)                                 \
      .Infer(InferIf)                                    \
      .Gradient(IfGradient)                              \
      .NoKernel(kNoKernel)

WEFT_IF_OP(If).Stateful();
WEFT_IF_OP(StatelessIf);

#define WEFT_CALL_OP(name)                    \
  WEFT_OP(name)                               \
      .Input("args: Tin[]")                   \
      .Output("output: Tout[]")               \
      .TypeList("Tin")                        \
      .TypeList("Tout")                       \
      .RequiredAttr("f", AttrKind::kFunction) \
      .Attr("config", "")                     \
      .Attr("config_proto", "")               \
      .Attr("executor_type", "")              \
      .Role(OpRole::kCall)                    \
      .Infer(InferCall)                       \
      .Gradient(CallGradient)                 \
      .NoKernel(kNoKernel)

WEFT_CALL_OP(StatefulPartitionedCall).Stateful();
WEFT_CALL_OP(PartitionedCall);

// Files know variables and lists as scalars.
TensorShape FileShape(const Output& value) {
  const bool is_object = value.dtype() == DataType::kResource ||
                         value.dtype() == DataType::kVariant;
  return is_object ? TensorShape{} : value.shape();
}

std::vector<DataType> TypesOf(const Outputs& values) {
  std::vector<DataType> types;
  for (const Output& value : values) types.push_back(value.dtype());
  return types;
}

std::vector<Operand> At(const Outputs& values, SourceLocation location) {
  std::vector<Operand> operands;
  for (const Output& value : values) operands.emplace_back(value, location);
  return operands;
}

FunctionName Function(const ControlFlowNodeOptions& options,
                      const std::string& suffix) {
  return {FunctionNameFor(options.name, suffix), nullptr};
}

}  // namespace

bool HasState(const Graph& body) {
  for (const std::unique_ptr<Node>& node : body.nodes()) {
    if (node->schema() == nullptr) return true;  // Nobody knows.
    const OpTraits& traits = node->schema()->traits();
    if (traits.stateful || !traits.variables.empty()) return true;
  }
  return false;
}

std::string FunctionNameFor(const std::string& node_name,
                            const std::string& suffix) {
  std::string name = node_name;
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return absl::StrCat(name, "_", suffix);
}

void UpdateOutputShapes(Node* node) {
  const OpRole role = node->schema()->traits().role;
  if (role != OpRole::kWhile && role != OpRole::kIf) return;
  std::vector<DataType> types;
  std::vector<TensorShape> shapes;
  for (int i = 0; i < node->num_outputs(); ++i) {
    types.push_back(node->output_dtype(i));
    shapes.push_back(FileShape(node->output(i)));
  }
  node->graph().SetAttr(node, role == OpRole::kWhile ? "T" : "Tout", types);
  node->graph().SetAttr(node, "output_shapes", shapes);
}

Node* AddWhile(Graph& graph, const Outputs& inputs, LoopBodies loop,
               const ControlFlowNodeOptions& options) {
  const bool stateful = HasState(*loop.cond) || HasState(*loop.body);
  AttrMap attrs = {{"cond", Function(options, "cond")},
                   {"body", Function(options, "body")},
                   {"parallel_iterations", options.parallel_iterations}};
  NodeOptions node_options = {.name = options.name,
                              .location = options.location};
  node_options.bodies.push_back(std::move(loop.cond));
  node_options.bodies.push_back(std::move(loop.body));
  Node* node = graph.Add(stateful ? "While" : "StatelessWhile",
                         At(inputs, options.location), std::move(attrs),
                         std::move(node_options));
  if (!graph.IsErrorNode(node)) UpdateOutputShapes(node);
  return node;
}

Node* AddIf(Graph& graph, Output pred, const Outputs& inputs,
            std::unique_ptr<Graph> then_branch,
            std::unique_ptr<Graph> else_branch,
            const ControlFlowNodeOptions& options) {
  const bool stateful = HasState(*then_branch) || HasState(*else_branch);
  AttrMap attrs = {{"then_branch", Function(options, "true")},
                   {"else_branch", Function(options, "false")},
                   {"Tin", TypesOf(inputs)},
                   {"Tout", TypesOf(then_branch->results())}};
  NodeOptions node_options = {.name = options.name,
                              .location = options.location};
  node_options.bodies.push_back(std::move(then_branch));
  node_options.bodies.push_back(std::move(else_branch));
  std::vector<Operand> operands = At(inputs, options.location);
  operands.emplace(operands.begin(), pred, options.location);
  Node* node = graph.Add(stateful ? "If" : "StatelessIf", operands,
                         std::move(attrs), std::move(node_options));
  if (!graph.IsErrorNode(node)) UpdateOutputShapes(node);
  return node;
}

Node* AddCall(Graph& graph, const Outputs& inputs,
              std::unique_ptr<Graph> function,
              const ControlFlowNodeOptions& options) {
  const bool stateful = HasState(*function);
  AttrMap attrs = {{"f", Function(options, "f")},
                   {"Tin", TypesOf(inputs)},
                   {"Tout", TypesOf(function->results())}};
  NodeOptions node_options = {.name = options.name,
                              .location = options.location};
  node_options.bodies.push_back(std::move(function));
  return graph.Add(stateful ? "StatefulPartitionedCall" : "PartitionedCall",
                   At(inputs, options.location), std::move(attrs),
                   std::move(node_options));
}

}  // namespace weft
