#include "graph/export_v1.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/export_node.h"

namespace weft {
namespace {

// A value as the nodes of the file name it.
struct Value {
  std::string name;
  DataType dtype = DataType::kInvalid;
  // Is it there only if and when the body runs to which it belongs? The
  // invariants of a loop are not: they are there once, for all iterations.
  bool gated = true;
};

// A graph that is being written.
struct Place {
  const Graph* graph = nullptr;
  std::string scope;  // "", or "rnn/while/": before the names of its nodes.
  // A node that runs if and when the body does. Empty in the outermost graph.
  std::string pivot;
  absl::flat_hash_map<Output, Value> values;
  absl::flat_hash_map<const Node*, std::string> names;
  std::vector<std::string> effects;  // Nodes that do more than give outputs.
};

std::string OutputOf(const std::string& node, int index) {
  return index == 0 ? node : absl::StrCat(node, ":", index);
}

// Bodies are written by recursion: graphs are nested no deeper than 64.
class V1Exporter {
 public:
  absl::StatusOr<proto::GraphDef> Run(const Graph& graph,
                                      const ExportOptions& options) {
    for (const std::unique_ptr<Node>& node : graph.nodes())
      names_.insert(node->name());
    for (const auto& [alias, output] : graph.aliases())
      names_.insert(alias.substr(0, alias.find(':')));
    Place place;
    place.graph = &graph;
    WEFT_RETURN_IF_ERROR(WriteGraph(place));
    if (options.aliases) WriteAliases(graph, &def_);
    WriteVersions(options, &def_);
    return std::move(def_);
  }

 private:
  absl::Status WriteGraph(Place& place);
  absl::Status WritePlain(Place& place, const Node& node);
  absl::Status WriteWhile(Place& place, const Node& node);
  absl::Status WriteIf(Place& place, const Node& node);
  absl::Status WriteCall(Place& place, const Node& node);
  // The node `name`, which the loop, conditional or call is known by: gives
  // its outputs, which are these.
  void WriteOutputs(Place& place, const Node& node,
                    const std::vector<Value>& outputs,
                    const std::vector<std::string>& controls);

  std::string UniqueName(const std::string& base) {
    std::string name = base;
    for (int k = 1; !names_.insert(name).second; ++k)
      name = absl::StrCat(base, "_", k);
    return name;
  }

  proto::NodeDef* Add(std::string name, const char* op,
                      const std::vector<std::string>& inputs) {
    proto::NodeDef* node = def_.add_node();
    node->set_name(std::move(name));
    node->set_op(op);
    for (const std::string& input : inputs) node->add_input(input);
    return node;
  }

  // A node with one type, which is that of its first input.
  proto::NodeDef* AddTyped(std::string name, const char* op, DataType dtype,
                           const std::vector<std::string>& inputs) {
    proto::NodeDef* node = Add(std::move(name), op, inputs);
    (*node->mutable_attr())["T"].set_type(static_cast<proto::DataType>(dtype));
    return node;
  }

  static void AddControls(const std::vector<std::string>& controls,
                          proto::NodeDef* node) {
    for (const std::string& control : controls) node->add_input("^" + control);
  }

  absl::StatusOr<Value> Find(const Place& place, const Output& output) const {
    const auto it = place.values.find(output);
    if (it != place.values.end()) return it->second;
    if (output.dtype() == DataType::kInvalid) {
      return FailedPrecondition("the type of ", output.name(),
                                " is not known, which a loop or conditional "
                                "needs");
    }
    return Value{OutputOf(place.names.at(output.node()), output.index()),
                 output.dtype()};
  }

  // Behind the nodes that `node` has to wait for.
  static std::vector<std::string> ControlsOf(const Place& place,
                                             const Node& node) {
    std::vector<std::string> controls;
    for (const Node* control : node.control_inputs()) {
      if (OpRoleOf(*control) != OpRole::kArg)
        controls.push_back(place.names.at(control));
    }
    return controls;
  }

  // `value`, but behind `controls`, and gated.
  Value Behind(const Place& place, const std::string& scope, Value value,
               const std::vector<std::string>& controls) {
    const bool needs_pivot = !value.gated && !place.pivot.empty();
    if (controls.empty() && !needs_pivot) return value;
    proto::NodeDef* node = AddTyped(UniqueName(scope + "Identity"), "Identity",
                                    value.dtype, {value.name});
    AddControls(controls, node);
    if (needs_pivot) AddControls({place.pivot}, node);
    return {node->name(), value.dtype};
  }

  // One node that runs when all of `controls` have run; none if there are none.
  std::vector<std::string> Join(const std::string& name,
                                std::vector<std::string> controls) {
    if (controls.size() <= 1) return controls;
    proto::NodeDef* node = Add(UniqueName(name), "NoOp", {});
    AddControls(controls, node);
    return {node->name()};
  }

  proto::GraphDef def_;
  absl::flat_hash_set<std::string> names_;
};

absl::Status V1Exporter::WriteGraph(Place& place) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<const Node*> order,
                        NodesInOrder(*place.graph));
  for (const Node* node : order) {
    const OpRole role = OpRoleOf(*node);
    if (role == OpRole::kArg) continue;
    place.names[node] = place.graph->parent() == nullptr
                            ? node->name()
                            : UniqueName(place.scope + node->name());
    const size_t effects = place.effects.size();
    absl::Status status;
    switch (role) {
      case OpRole::kWhile:
        status = WriteWhile(place, *node);
        break;
      case OpRole::kIf:
        status = WriteIf(place, *node);
        break;
      case OpRole::kCall:
        status = WriteCall(place, *node);
        break;
      default:
        status = WritePlain(place, *node);
    }
    if (!status.ok()) return Annotate(status, node->Describe());
    const bool has_effects = place.effects.size() > effects;
    if (HasOwnEffects(*node) && !has_effects)
      place.effects.push_back(place.names[node]);
  }
  return absl::OkStatus();
}

absl::Status V1Exporter::WritePlain(Place& place, const Node& node) {
  proto::NodeDef* def = Add(place.names[&node], node.op().c_str(), {});
  def->set_device(node.device());
  bool gated = place.pivot.empty();
  for (const Output& input : node.inputs()) {
    const auto known = place.values.find(input);
    if (known == place.values.end()) {
      def->add_input(OutputOf(place.names.at(input.node()), input.index()));
      gated = true;
    } else {
      def->add_input(known->second.name);
      gated = gated || known->second.gated;
    }
  }
  AddControls(ControlsOf(place, node), def);
  if (!gated) AddControls({place.pivot}, def);
  WEFT_RETURN_IF_ERROR(WriteAttrs(node, {}, def));
  // Nodes of a body have other names now.
  if (!place.scope.empty()) def->mutable_attr()->erase("_class");
  return absl::OkStatus();
}

void V1Exporter::WriteOutputs(Place& place, const Node& node,
                              const std::vector<Value>& outputs,
                              const std::vector<std::string>& controls) {
  const std::string& name = place.names[&node];
  // Variables go from node to node directly. Nobody can fetch one: any other
  // value may keep its place.
  const auto filler = std::find_if(
      outputs.begin(), outputs.end(),
      [](const Value& value) { return value.dtype != DataType::kResource; });
  const bool has_values = filler != outputs.end();
  bool gated = place.pivot.empty() || !controls.empty();
  proto::NodeDef* def = Add(name, has_values ? "IdentityN" : "NoOp", {});
  def->set_device(node.device());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const int index = static_cast<int>(i);
    const bool is_variable = outputs[i].dtype == DataType::kResource;
    place.values[Output(const_cast<Node*>(&node), index)] =
        is_variable ? outputs[i]
                    : Value{OutputOf(name, index), outputs[i].dtype};
    if (!has_values) continue;
    const Value& value = is_variable ? *filler : outputs[i];
    def->add_input(value.name);
    (*def->mutable_attr())["T"].mutable_list()->add_type(
        static_cast<proto::DataType>(value.dtype));
    gated = gated || value.gated;
  }
  AddControls(controls, def);
  if (!gated) AddControls({place.pivot}, def);
}

// A loop's variable, or invariant.
struct LoopValue {
  bool varies = false;
  DataType dtype = DataType::kInvalid;
  std::string enter;
  std::string next;  // The name of the NextIteration, which is not there yet.
  std::string merge;
  std::string to_body;
  std::string exit;
};

absl::Status V1Exporter::WriteWhile(Place& place, const Node& node) {
  const std::string& name = place.names[&node];
  const std::string scope = name + "/";
  const Graph& cond = node.body(0);
  const Graph& body = node.body(1);

  std::vector<std::string> begin =
      Join(scope + "begin", ControlsOf(place, node));
  std::vector<LoopValue> vars;
  const auto add = [&](const Value& initial, bool varies) {
    LoopValue var = {.varies = varies, .dtype = initial.dtype};
    proto::NodeDef* enter = AddTyped(UniqueName(scope + "Enter"), "Enter",
                                     initial.dtype, {initial.name});
    AddControls(begin, enter);
    if (!initial.gated && !place.pivot.empty())
      AddControls({place.pivot}, enter);
    auto& attrs = *enter->mutable_attr();
    attrs["frame_name"].set_s(name);
    attrs["is_constant"].set_b(!varies);
    const AttrValue* parallel = node.attrs().Find("parallel_iterations");
    attrs["parallel_iterations"].set_i(
        parallel != nullptr ? *parallel->get_if<int64_t>() : 10);
    var.enter = enter->name();
    if (varies) {
      var.next = UniqueName(scope + "NextIteration");
      proto::NodeDef* merge = AddTyped(UniqueName(scope + "Merge"), "Merge",
                                       var.dtype, {var.enter, var.next});
      (*merge->mutable_attr())["N"].set_i(2);
      var.merge = merge->name();
    }
    vars.push_back(std::move(var));
  };
  for (int k = 0; k < node.num_inputs(); ++k) {
    WEFT_ASSIGN_OR_RETURN(const Value initial, Find(place, node.input(k)));
    add(initial, body.results()[k] != body.args()[k]);
  }
  const size_t num_outputs = vars.size();
  if (std::none_of(vars.begin(), vars.end(),
                   [](const LoopValue& var) { return var.varies; })) {
    // Something has to go round.
    proto::NodeDef* zero = Add(UniqueName(scope + "Const"), "Const", {});
    AddControls(begin, zero);
    if (!place.pivot.empty()) AddControls({place.pivot}, zero);
    auto& attrs = *zero->mutable_attr();
    attrs["dtype"].set_type(proto::DT_INT32);
    attrs["value"].mutable_tensor()->set_dtype(proto::DT_INT32);
    attrs["value"].mutable_tensor()->mutable_tensor_shape();
    attrs["value"].mutable_tensor()->add_int_val(0);
    add({zero->name(), DataType::kInt32}, true);
  }
  const auto first = std::find_if(vars.begin(), vars.end(),
                                  [](const LoopValue& v) { return v.varies; });
  const size_t turning = first - vars.begin();

  Place test;
  test.graph = &cond;
  test.scope = scope;
  test.pivot = vars[turning].merge;
  for (size_t k = 0; k < num_outputs; ++k) {
    const LoopValue& var = vars[k];
    test.values[cond.args()[k]] = {var.varies ? var.merge : var.enter,
                                   var.dtype, var.varies};
  }
  WEFT_RETURN_IF_ERROR(WriteGraph(test));
  WEFT_ASSIGN_OR_RETURN(Value go_on, Find(test, cond.results()[0]));
  go_on = Behind(test, scope, go_on, test.effects);
  const std::string loop_cond = UniqueName(scope + "LoopCond");
  Add(loop_cond, "LoopCond", {go_on.name});
  for (LoopValue& var : vars) {
    if (!var.varies) continue;
    const std::string branch = UniqueName(scope + "Switch");
    AddTyped(branch, "Switch", var.dtype, {var.merge, loop_cond});
    var.to_body = UniqueName(scope + "Identity");
    AddTyped(var.to_body, "Identity", var.dtype, {branch + ":1"});
    var.exit = UniqueName(scope + "Exit");
    AddTyped(var.exit, "Exit", var.dtype, {branch});
  }

  Place step;
  step.graph = &body;
  step.scope = scope;
  step.pivot = vars[turning].to_body;
  for (size_t k = 0; k < num_outputs; ++k) {
    const LoopValue& var = vars[k];
    step.values[body.args()[k]] = {var.varies ? var.to_body : var.enter,
                                   var.dtype, var.varies};
  }
  WEFT_RETURN_IF_ERROR(WriteGraph(step));
  const std::vector<std::string> effects =
      Join(scope + "effects", step.effects);
  for (size_t k = 0; k < vars.size(); ++k) {
    const LoopValue& var = vars[k];
    if (!var.varies) continue;
    Value next = {var.to_body, var.dtype};
    if (k < num_outputs) {
      WEFT_ASSIGN_OR_RETURN(next, Find(step, body.results()[k]));
    }
    next = Behind(step, scope, next, effects);
    AddTyped(var.next, "NextIteration", var.dtype, {next.name});
  }

  std::vector<Value> outputs;
  for (size_t k = 0; k < num_outputs; ++k) {
    Value output = {vars[k].exit, vars[k].dtype};
    if (!vars[k].varies) {
      WEFT_ASSIGN_OR_RETURN(output, Find(place, node.input(k)));
    }
    outputs.push_back(std::move(output));
  }
  WriteOutputs(place, node, outputs, {vars[turning].exit});
  if (!test.effects.empty() || !step.effects.empty())
    place.effects.push_back(name);
  return absl::OkStatus();
}

absl::Status V1Exporter::WriteIf(Place& place, const Node& node) {
  const std::string& name = place.names[&node];
  const std::string scope = name + "/";
  WEFT_ASSIGN_OR_RETURN(const Value pred, Find(place, node.input(0)));
  proto::NodeDef* pred_id = AddTyped(UniqueName(scope + "pred_id"), "Identity",
                                     DataType::kBool, {pred.name});
  AddControls(ControlsOf(place, node), pred_id);
  if (!pred.gated && !place.pivot.empty()) AddControls({place.pivot}, pred_id);
  const std::string decision = pred_id->name();
  const std::string fork = UniqueName(scope + "Switch");
  AddTyped(fork, "Switch", DataType::kBool, {decision, decision});

  // By body: {then, else}, which are outputs 1 and 0 of a Switch.
  Place branches[2];
  for (int b = 0; b < 2; ++b) {
    branches[b].graph = &node.body(b);
    branches[b].scope = scope;
    branches[b].pivot = UniqueName(scope + (b == 0 ? "switch_t" : "switch_f"));
    AddTyped(branches[b].pivot, "Identity", DataType::kBool,
             {OutputOf(fork, b == 0 ? 1 : 0)});
  }
  for (int i = 1; i < node.num_inputs(); ++i) {
    WEFT_ASSIGN_OR_RETURN(const Value input, Find(place, node.input(i)));
    const std::string way = UniqueName(scope + "Switch");
    AddTyped(way, "Switch", input.dtype, {input.name, decision});
    for (int b = 0; b < 2; ++b) {
      branches[b].values[node.body(b).args()[i - 1]] = {
          OutputOf(way, b == 0 ? 1 : 0), input.dtype};
    }
  }
  std::vector<std::string> effects[2];
  for (int b = 0; b < 2; ++b) {
    WEFT_RETURN_IF_ERROR(WriteGraph(branches[b]));
    effects[b] = Join(scope + "effects", branches[b].effects);
  }

  const auto merge = [&](Value then_value, Value else_value) -> Value {
    then_value = Behind(branches[0], scope, then_value, effects[0]);
    else_value = Behind(branches[1], scope, else_value, effects[1]);
    proto::NodeDef* def =
        AddTyped(UniqueName(scope + "Merge"), "Merge", then_value.dtype,
                 {else_value.name, then_value.name});
    (*def->mutable_attr())["N"].set_i(2);
    return {def->name(), then_value.dtype};
  };
  std::vector<Value> outputs;
  for (int k = 0; k < node.num_outputs(); ++k) {
    WEFT_ASSIGN_OR_RETURN(const Value then_value,
                          Find(branches[0], node.body(0).results()[k]));
    WEFT_ASSIGN_OR_RETURN(const Value else_value,
                          Find(branches[1], node.body(1).results()[k]));
    outputs.push_back(merge(then_value, else_value));
  }
  std::vector<std::string> controls;
  if (outputs.empty()) {
    controls.push_back(merge({branches[0].pivot, DataType::kBool},
                             {branches[1].pivot, DataType::kBool})
                           .name);
  }
  WriteOutputs(place, node, outputs, controls);
  if (!effects[0].empty() || !effects[1].empty()) place.effects.push_back(name);
  return absl::OkStatus();
}

absl::Status V1Exporter::WriteCall(Place& place, const Node& node) {
  const std::string& name = place.names[&node];
  const Graph& function = node.body(0);
  Place inner;
  inner.graph = &function;
  inner.scope = name + "/";
  inner.pivot = place.pivot;
  const std::vector<std::string> controls = ControlsOf(place, node);
  if (!controls.empty()) {
    proto::NodeDef* begin = Add(UniqueName(inner.scope + "begin"), "NoOp", {});
    AddControls(controls, begin);
    if (!place.pivot.empty()) AddControls({place.pivot}, begin);
    inner.pivot = begin->name();
  }
  for (int i = 0; i < node.num_inputs(); ++i) {
    WEFT_ASSIGN_OR_RETURN(Value arg, Find(place, node.input(i)));
    if (!controls.empty()) {
      arg = Behind(inner, inner.scope, std::move(arg), {inner.pivot});
    }
    inner.values[function.args()[i]] = std::move(arg);
  }
  WEFT_RETURN_IF_ERROR(WriteGraph(inner));
  std::vector<Value> outputs;
  for (const Output& result : function.results()) {
    WEFT_ASSIGN_OR_RETURN(Value output, Find(inner, result));
    outputs.push_back(std::move(output));
  }
  std::vector<std::string> last = inner.effects;
  if (outputs.empty() && last.empty() && !inner.pivot.empty())
    last.push_back(inner.pivot);
  WriteOutputs(place, node, outputs, last);
  if (!inner.effects.empty()) place.effects.push_back(name);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<proto::GraphDef> ExportV1GraphDef(const Graph& graph,
                                                 const ExportOptions& options) {
  return V1Exporter().Run(graph, options);
}

}  // namespace weft
