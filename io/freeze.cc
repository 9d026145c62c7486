#include "io/freeze.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/status.h"
#include "graph/export.h"
#include "graph/names.h"
#include "graph/op.h"
#include "graph/topological_order.h"
#include "proto/graph.pb.h"

namespace weft {
namespace {

using VariableValues = std::map<std::string, Tensor>;

OpRole RoleOf(const Node& node) {
  return node.schema() == nullptr ? OpRole::kCompute
                                  : node.schema()->traits().role;
}

bool ChangesVariable(const Node& node) {
  if (node.schema() == nullptr) return false;
  for (const auto& [input, access] : node.schema()->traits().variables) {
    if (access != VariableAccess::kRead) return true;
  }
  return false;
}

// Does a node of a body run although nobody needs what it gives?
bool HasEffects(const Node& node) {
  if (node.schema() == nullptr) return true;  // Nobody knows.
  const OpTraits& traits = node.schema()->traits();
  return traits.asserts || ChangesVariable(node) ||
         (traits.stateful && node.num_bodies() > 0);
}

std::string VariableName(const Node& handle) {
  const auto& shared = handle.attrs().Get<std::string>("shared_name");
  return shared.empty() ? handle.name() : shared;
}

absl::Status CanNotFreeze(const Node& node) {
  return Unimplemented(node.Describe(),
                       " takes a variable, and can not be frozen: only reading "
                       "and gathering can");
}

// Copies what is needed of one graph, or body, into another. Bodies within are
// copied by copiers of their own, as deep as graphs may be nested: 64.
class GraphFreezer {
 public:
  GraphFreezer(const Graph& from, Graph& to, const VariableValues& values)
      : from_(from), to_(to), values_(values), copies_(from.num_nodes()) {}

  // Lets the argument `copy` stand for `original`.
  void MapArg(const Output& original, const Output& copy) {
    copies_[original.node()->id()] = copy.node();
  }
  Output Find(const Output& original) const {
    return Output(copies_[original.node()->id()], original.index());
  }
  // Copies `roots` and all that they need.
  absl::Status Copy(const std::vector<const Node*>& roots);

 private:
  // Sets needed_by_.
  void FindNeeded(const std::vector<const Node*>& roots);
  std::vector<int> Order() const;

  absl::StatusOr<Node*> CopyNode(const Node& node);
  absl::StatusOr<Node*> CopyVariable(const Node& handle);
  absl::StatusOr<Node*> CopyUseOfVariable(const Node& node);
  // As it is, but for the types of what was a variable.
  absl::StatusOr<Node*> CopyAsIs(const Node& node);
  absl::Status CopyBodies(const Node& node, NodeOptions* options);
  absl::StatusOr<std::unique_ptr<Graph>> CopyBody(const Graph& body,
                                                  const Outputs& inputs);

  absl::StatusOr<Node*> Add(const Node& original, absl::string_view op,
                            const std::vector<Operand>& inputs, AttrMap attrs,
                            NodeOptions options = {});
  absl::StatusOr<Tensor> ValueOf(const Node& handle) const;
  bool IsFrozenVariable(const Output& input) const {
    return input.dtype() == DataType::kResource &&
           Find(input).dtype() != DataType::kResource;
  }
  bool UsesFrozenVariable(const Node& node) const;
  AttrMap PrivateAttrs(const Node& node) const;
  // `name`, or one like it, that the graph does not have.
  std::string FreeName(const std::string& name) const;
  std::string NeededBy(const Node& node) const;

  const Graph& from_;
  Graph& to_;
  const VariableValues& values_;
  std::vector<Node*> copies_;  // By id.
  // By id: is the node needed, and by which? null: it is a root.
  struct Need {
    bool needed = false;
    const Node* by = nullptr;
  };
  std::vector<Need> needs_;
  // The first of several handles of one variable has its value.
  absl::flat_hash_map<std::string, Node*> constants_;
};

void GraphFreezer::FindNeeded(const std::vector<const Node*>& roots) {
  needs_.assign(from_.num_nodes(), {});
  std::vector<const Node*> stack;
  auto need = [&](const Node* node, const Node* by) {
    if (needs_[node->id()].needed) return;
    needs_[node->id()] = {true, by};
    stack.push_back(node);
  };
  for (const Node* root : roots) need(root, nullptr);
  while (!stack.empty()) {
    const Node* node = stack.back();
    stack.pop_back();
    for (const Output& input : node->inputs()) need(input.node(), node);
    for (const Node* control : node->control_inputs()) need(control, node);
  }
}

std::vector<int> GraphFreezer::Order() const {
  Predecessors predecessors;
  for (const std::unique_ptr<Node>& node : from_.nodes()) {
    for (const Output& input : node->inputs())
      predecessors.Add(input.node()->id());
    for (const Node* control : node->control_inputs())
      predecessors.Add(control->id());
    predecessors.EndNode();
  }
  return SortTopologically(predecessors).order;
}

absl::Status GraphFreezer::Copy(const std::vector<const Node*>& roots) {
  FindNeeded(roots);
  for (int id : Order()) {
    if (!needs_[id].needed || copies_[id] != nullptr) continue;
    WEFT_ASSIGN_OR_RETURN(copies_[id], CopyNode(*from_.nodes()[id]));
  }
  return absl::OkStatus();
}

absl::StatusOr<Node*> GraphFreezer::CopyNode(const Node& node) {
  if (RoleOf(node) == OpRole::kVariable) return CopyVariable(node);
  if (ChangesVariable(node)) {
    return InvalidArgument(node.Describe(),
                           " changes a variable, which a frozen graph ",
                           "can not, and is needed by ", NeededBy(node));
  }
  if (UsesFrozenVariable(node)) return CopyUseOfVariable(node);
  return CopyAsIs(node);
}

absl::StatusOr<Tensor> GraphFreezer::ValueOf(const Node& handle) const {
  const std::string name = VariableName(handle);
  const auto it = values_.find(name);
  if (it == values_.end()) {
    std::vector<absl::string_view> names;
    for (const auto& [other, value] : values_) names.push_back(other);
    return NotFound("variable '", name, "' has no value, but is needed by ",
                    NeededBy(handle), DidYouMean(name, names));
  }
  const Tensor& value = it->second;
  const DataType dtype = handle.attrs().Get<DataType>("dtype");
  const TensorShape& shape = handle.output_shape(0);
  if (value.dtype() == dtype && shape.IsCompatibleWith(value.shape()))
    return value;
  return InvalidArgument("variable '", name, "' is ", DataTypeName(dtype), " ",
                         shape.ToString(), " but is given a value that is ",
                         DataTypeName(value.dtype()), " ",
                         value.shape().ToString());
}

absl::StatusOr<Node*> GraphFreezer::CopyVariable(const Node& handle) {
  Node*& constant = constants_[VariableName(handle)];
  AttrMap attrs = PrivateAttrs(handle);
  if (constant != nullptr)
    return Add(handle, "Identity", {Output(constant)}, std::move(attrs));
  WEFT_ASSIGN_OR_RETURN(Tensor value, ValueOf(handle));
  attrs.Set("dtype", value.dtype());
  attrs.Set("value", std::move(value));
  WEFT_ASSIGN_OR_RETURN(constant, Add(handle, "Const", {}, std::move(attrs)));
  return constant;
}

absl::StatusOr<Node*> GraphFreezer::CopyUseOfVariable(const Node& node) {
  const std::string& op = node.op();
  if (node.schema() == nullptr) return CanNotFreeze(node);
  if (op == "Identity" || op == "IdentityN" || node.num_bodies() > 0)
    return CopyAsIs(node);
  AttrMap attrs = PrivateAttrs(node);
  const Operand value(Find(node.input(0)), node.location());
  if (op == "ReadVariableOp")
    return Add(node, "Identity", {value}, std::move(attrs));
  if (op == "VarIsInitializedOp") {
    attrs.Set("dtype", DataType::kBool);
    attrs.Set("value", Tensor::Scalar<bool>(true));
    return Add(node, "Const", {}, std::move(attrs));
  }
  if (op == "ResourceGather") {
    const AttrMap axis = {{"dtype", DataType::kInt32},
                          {"value", Tensor::Scalar<int32_t>(0)}};
    Node* zero = to_.Add("Const", {}, axis,
                         {.name = FreeName(absl::StrCat(node.name(), "/axis")),
                          .location = node.location()});
    attrs.Set("batch_dims", *node.attrs().Find("batch_dims"));
    const Operand indices(Find(node.input(1)), node.location());
    return Add(node, "GatherV2", {value, indices, Output(zero)},
               std::move(attrs));
  }
  return CanNotFreeze(node);
}

absl::StatusOr<Node*> GraphFreezer::CopyAsIs(const Node& node) {
  AttrMap attrs = node.attrs();
  for (const auto& [name, value] : PrivateAttrs(node)) attrs.Set(name, value);
  NodeOptions options;
  WEFT_RETURN_IF_ERROR(CopyBodies(node, &options));
  if (UsesFrozenVariable(node)) {
    // They follow from the inputs, and from what the first branch gives.
    for (const char* types : {"T", "Tin"}) attrs.Erase(types);
    if (node.attrs().Find("Tout") != nullptr) {
      std::vector<DataType> types;
      for (const Output& result : options.bodies[0]->results())
        types.push_back(result.dtype());
      attrs.Set("Tout", std::move(types));
    }
  }
  std::vector<Operand> inputs;
  for (const Output& input : node.inputs()) {
    inputs.emplace_back(Find(input), node.location());
  }
  WEFT_ASSIGN_OR_RETURN(Node * copy, Add(node, node.op(), inputs,
                                         std::move(attrs), std::move(options)));
  const AttrValue* shapes = copy->attrs().Find("output_shapes");
  if (node.num_bodies() == 0 || shapes == nullptr) return copy;
  // Files say that a variable is a scalar.
  auto updated = *shapes->get_if<std::vector<TensorShape>>();
  for (size_t i = 0; i < updated.size(); ++i) {
    if (copy->output_dtype(i) != node.output_dtype(i))
      updated[i] = copy->output_shape(i);
  }
  to_.SetAttr(copy, "output_shapes", std::move(updated));
  return copy;
}

absl::Status GraphFreezer::CopyBodies(const Node& node, NodeOptions* options) {
  // The first input of a conditional decides, and is no argument.
  Outputs args;
  for (int i = RoleOf(node) == OpRole::kIf ? 1 : 0; i < node.num_inputs();
       ++i) {
    args.push_back(Find(node.input(i)));
  }
  for (int i = 0; i < node.num_bodies(); ++i) {
    absl::StatusOr<std::unique_ptr<Graph>> body = CopyBody(node.body(i), args);
    if (!body.ok()) {
      return Annotate(body.status(),
                      absl::StrCat(node.op(), " '", node.name(), "'"));
    }
    options->bodies.push_back(*std::move(body));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Graph>> GraphFreezer::CopyBody(
    const Graph& body, const Outputs& inputs) {
  std::unique_ptr<Graph> copy = Graph::MakeBody(to_);
  GraphFreezer freezer(body, *copy, values_);
  absl::flat_hash_set<const Node*> captured;
  for (const Graph::Capture& capture : body.captures())
    captured.insert(capture.inner.node());
  for (size_t i = 0; i < body.args().size(); ++i) {
    const Output& arg = body.args()[i];
    // A captured value may be known while building, which the argument keeps.
    if (captured.contains(arg.node())) copy->Capturing(inputs[i]);
    if (copy->args().size() == i) {
      copy->AddArg(inputs[i].dtype(), arg.shape(), arg.node()->name());
    }
    WEFT_RETURN_IF_ERROR(to_.status());
    freezer.MapArg(arg, copy->args()[i]);
  }
  std::vector<const Node*> roots;
  for (const Output& result : body.results()) roots.push_back(result.node());
  for (const std::unique_ptr<Node>& node : body.nodes()) {
    if (HasEffects(*node)) roots.push_back(node.get());
  }
  WEFT_RETURN_IF_ERROR(freezer.Copy(roots));
  Outputs results;
  for (const Output& result : body.results())
    results.push_back(freezer.Find(result));
  copy->SetResults(std::move(results));
  return copy;
}

absl::StatusOr<Node*> GraphFreezer::Add(const Node& original,
                                        absl::string_view op,
                                        const std::vector<Operand>& inputs,
                                        AttrMap attrs, NodeOptions options) {
  options.name = original.name();
  options.device = original.device();
  options.location = original.location();
  for (const Node* control : original.control_inputs()) {
    options.control_inputs.push_back(copies_[control->id()]);
  }
  Node* copy = nullptr;
  if (original.schema() != nullptr) {
    copy = to_.Add(op, inputs, std::move(attrs), std::move(options));
  } else {
    std::vector<DataType> types;
    for (int i = 0; i < original.num_outputs(); ++i)
      types.push_back(original.output_dtype(i));
    copy =
        to_.AddUnknown(op, inputs, std::move(attrs), types, std::move(options));
  }
  WEFT_RETURN_IF_ERROR(to_.status());
  // What was known of a shape without being inferred stays so.
  for (int i = 0; i < copy->num_outputs(); ++i) {
    const TensorShape& known = original.output_shape(i);
    if (known.IsCompatibleWith(copy->output_shape(i))) {
      to_.SetOutputShape(copy, i, copy->output_shape(i).MergedWith(known));
    }
  }
  return copy;
}

bool GraphFreezer::UsesFrozenVariable(const Node& node) const {
  for (const Output& input : node.inputs()) {
    if (IsFrozenVariable(input)) return true;
  }
  return false;
}

// Attrs that do not belong to the op. Colocation with nodes that are gone,
// which TensorFlow does not accept, is left out.
AttrMap GraphFreezer::PrivateAttrs(const Node& node) const {
  AttrMap attrs;
  for (const auto& [name, value] : node.attrs()) {
    if (!absl::StartsWith(name, "_")) continue;
    const auto* places = value.get_if<std::vector<std::string>>();
    if (name != "_class" || places == nullptr) {
      attrs.Set(name, value);
      continue;
    }
    std::vector<std::string> kept;
    for (const std::string& place : *places) {
      absl::string_view other = place;
      const Node* found =
          absl::ConsumePrefix(&other, "loc:@") ? from_.FindNode(other) : &node;
      if (found != nullptr && needs_[found->id()].needed) kept.push_back(place);
    }
    attrs.Set(name, std::move(kept));
  }
  return attrs;
}

std::string GraphFreezer::FreeName(const std::string& name) const {
  std::string candidate = name;
  for (int k = 1; from_.FindNode(candidate) != nullptr; ++k) {
    candidate = absl::StrCat(name, "_", k);
  }
  return candidate;
}

std::string GraphFreezer::NeededBy(const Node& node) const {
  const Node* by = needs_[node.id()].by;
  if (by != nullptr) return absl::StrCat(by->op(), " '", by->name(), "'");
  return from_.parent() == nullptr ? "the fetches" : "its body";
}

// What the fetches mean, and which of them are aliases.
struct Fetched {
  std::vector<const Node*> nodes;
  std::vector<std::pair<std::string, Output>> aliases;
};

absl::StatusOr<Fetched> FindFetches(const Graph& graph,
                                    const std::vector<std::string>& fetches) {
  if (fetches.empty()) return InvalidArgument("there is nothing to fetch");
  Fetched fetched;
  for (const std::string& name : fetches) {
    const absl::StatusOr<Output> output = graph.FindOutput(name);
    const auto failed = [&](const absl::Status& error) {
      return Annotate(error, absl::StrCat("fetch '", Printable(name), "'"));
    };
    if (!output.ok()) return failed(output.status());
    if (output->dtype() == DataType::kResource) {
      return failed(InvalidArgument("is a variable, not a value"));
    }
    fetched.nodes.push_back(output->node());
    WEFT_ASSIGN_OR_RETURN(OutputName parsed, ParseOutputName(name));
    if (graph.FindNode(parsed.node) != nullptr) continue;
    if (parsed.index != 0) {
      return failed(InvalidArgument("is another name of '", output->name(),
                                    "'; fetch that"));
    }
    fetched.aliases.push_back({std::move(parsed.node), *output});
  }
  return fetched;
}

}  // namespace

absl::StatusOr<proto::GraphDef> FreezeGraph(
    const Graph& graph, const std::vector<std::string>& fetches,
    const std::map<std::string, Tensor>& values) {
  WEFT_RETURN_IF_ERROR(graph.status());
  WEFT_ASSIGN_OR_RETURN(const Fetched fetched, FindFetches(graph, fetches));
  Graph frozen(graph.options());
  GraphFreezer freezer(graph, frozen, values);
  WEFT_RETURN_IF_ERROR(freezer.Copy(fetched.nodes));
  for (const auto& [name, output] : fetched.aliases) {
    if (frozen.FindNode(name) != nullptr) continue;  // Fetched twice.
    frozen.Add("Identity", {freezer.Find(output)}, {}, {.name = name});
  }
  return ExportGraphDef(frozen);
}

}  // namespace weft
