#include "graph/v1_control_flow_cond.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/node_list.h"
#include "graph/v1_control_flow_copy.h"
#include "graph/v1_control_flow_guard.h"

namespace weft {
namespace {

constexpr int kAlways = V1GuardSets::kAlways;

// What both branches of a conditional are given.
struct Captures {
  std::vector<V1Value> values;  // Of the graph that the conditional is in.
  std::vector<int> types;
  absl::flat_hash_map<V1Value, int> index;
  std::vector<int> controls;  // Nodes that run before the conditional.
};

// Copies one branch.
class BranchCopier : public V1Copier {
 public:
  BranchCopier(V1Module& module, const V1Graph& from, const V1Guards& guards,
               int predicate, absl::flat_hash_set<int>& taken,
               Captures& captures, V1Graph& to)
      : V1Copier(module, from, to),
        guards_(guards),
        predicate_(predicate),
        taken_(taken),
        captures_(captures) {}

 protected:
  absl::StatusOr<Source> Resolve(V1Value value) override {
    int type = 0;
    if (IsEntry(value.node)) {
      type = TypeAttr(*from_.nodes[value.node].def, "T");
      WEFT_ASSIGN_OR_RETURN(value, BehindEntries(value.node));
    }
    if (guards_.of(value) != kAlways) return Source{value};
    const auto [it, is_new] = captures_.index.emplace(
        value, static_cast<int>(captures_.values.size()));
    if (is_new) {
      if (type == 0) type = TypeOf(from_, value);
      if (type == 0) {
        return Unimplemented("a conditional uses output ", value.index, " of ",
                             DescribeNode(*from_.nodes[value.node].def),
                             ", whose type is not known");
      }
      captures_.values.push_back(value);
      captures_.types.push_back(type);
    }
    return Source{{V1Value::kArg, it->second}, /*is_arg=*/true};
  }

  absl::StatusOr<int> ResolveControl(int node) override {
    // Waiting for a value that is passed on is waiting for the value.
    for (int steps = 0; steps < kMaxV1Steps; ++steps) {
      if (!IsIdentity(from_.nodes[node]) && !IsEntry(node)) break;
      const int before = from_.nodes[node].inputs[0].node;
      if (before == V1Value::kArg) return -1;
      // The Identity stands for one branch of another conditional.
      if (from_.nodes[before].op() == V1Op::kSwitch && !IsEntry(before)) break;
      node = before;
    }
    if (guards_.of(node) != kAlways) return node;
    const bool is_predicate = guards_.value_of(predicate_).node == node;
    if (!is_predicate && !IsAnchor(from_, node))
      captures_.controls.push_back(node);
    return -1;
  }

  absl::Status Check(int node) override {
    const proto::NodeDef& def = *from_.nodes[node].def;
    if (!IsStateful(def) || taken_.insert(node).second) return absl::OkStatus();
    return Unimplemented(DescribeNode(def),
                         ": has effects, and is part of two branches of "
                         "conditionals");
  }

 private:
  // A Switch that leads into this branch.
  bool IsEntry(int node) const {
    return node != V1Value::kArg && from_.nodes[node].op() == V1Op::kSwitch &&
           guards_.predicate(node) == predicate_;
  }

  // What the Switch `node` of this conditional, and others that it gets its
  // data from, let pass.
  absl::StatusOr<V1Value> BehindEntries(int node) {
    std::vector<int> path;
    V1Value value{node, 0};
    while (IsEntry(value.node)) {
      const auto known = entries_.find(value.node);
      if (known != entries_.end()) {
        value = known->second;
        break;
      }
      const V1Node& entry = from_.nodes[value.node];
      for (int control : entry.controls)
        WEFT_RETURN_IF_ERROR(WaitOutside(value.node, control));
      path.push_back(value.node);
      value = entry.inputs[0];
    }
    for (int entry : path) entries_[entry] = value;
    return value;
  }

  absl::Status WaitOutside(int node, int control) {
    if (guards_.of(control) == kAlways) {
      captures_.controls.push_back(control);
      return absl::OkStatus();
    }
    if (IsAnchor(from_, control)) return absl::OkStatus();
    return Unimplemented(DescribeNode(*from_.nodes[node].def), ": waits for '",
                         from_.nodes[control].name(),
                         "', which is part of a conditional");
  }

  const V1Guards& guards_;
  const int predicate_;
  absl::flat_hash_set<int>& taken_;
  Captures& captures_;
  absl::flat_hash_map<int, V1Value> entries_;
};

// Puts If nodes into one graph.
class CondMaker {
 public:
  CondMaker(V1Module& module, V1Graph& graph, const V1Guards& guards)
      : module_(module),
        graph_(graph),
        guards_(guards),
        now_(graph.nodes.size()) {}

  absl::Status Run() {
    CountInputs();
    while (!ready_.empty() || !waiting_.empty()) {
      if (ready_.empty()) {
        WEFT_RETURN_IF_ERROR(MakeIf());
        continue;
      }
      const int n = ready_.top();
      ready_.pop();
      const bool chooses =
          graph_.nodes[n].op() == V1Op::kMerge && guards_.choice(n).only < 0;
      if (chooses && guards_.of(n) == kAlways) {
        waiting_[guards_.choice(n).predicate].push_back(n);
        continue;
      }
      WEFT_RETURN_IF_ERROR(Keep(n));
      Release(n);
    }
    return Finish();
  }

 private:
  // The outputs of a node of the old graph in the new one.
  struct Now {
    std::vector<V1Value> outputs;  // Of a Merge; else those of `node`.
    int node = -1;
  };

  void CountInputs();
  void Release(int n);
  absl::Status Keep(int n);
  absl::Status KeepOnly(int merge);
  V1Value Current(V1Value value) const;
  void AddControl(int control, std::vector<int>* to) const;
  absl::Status MakeIf();
  absl::Status MakeBranch(const std::vector<int>& merges, bool branch,
                          Captures& captures, V1Graph& to, bool* stateful);
  V1Value ConstIndex(int merge, int index, V1Graph& to);
  proto::NodeDef* IfDef(const std::string& name, const Captures& captures,
                        const V1Graph& then_graph, const V1Graph& else_graph,
                        bool stateful);
  absl::Status Finish();

  V1Module& module_;
  V1Graph& graph_;
  const V1Guards& guards_;
  V1Graph made_;
  std::vector<Now> now_;
  absl::flat_hash_set<int> taken_;  // Stateful nodes that are part of a branch.
  std::vector<int> missing_;        // Inputs that are not there yet, by node.
  std::vector<std::vector<int>> users_;
  // Before a node is looked at, all nodes are that could be.
  std::priority_queue<int, std::vector<int>, std::greater<int>> ready_;
  // By predicate, Merges whose inputs are there. Those of one predicate become
  // one If; none of them needs another, since all inputs are there.
  std::map<int, std::vector<int>> waiting_;
};

void CondMaker::CountInputs() {
  const int size = static_cast<int>(graph_.nodes.size());
  missing_.resize(size);
  users_.resize(size);
  for (int n = 0; n < size; ++n) {
    auto add = [&](int from) {
      if (from == V1Value::kArg) return;
      users_[from].push_back(n);
      ++missing_[n];
    };
    for (const V1Value& input : graph_.nodes[n].inputs) add(input.node);
    for (int control : graph_.nodes[n].controls) add(control);
    if (missing_[n] == 0) ready_.push(n);
  }
}

void CondMaker::Release(int n) {
  for (int user : users_[n]) {
    if (--missing_[user] == 0) ready_.push(user);
  }
}

V1Value CondMaker::Current(V1Value value) const {
  if (value.node == V1Value::kArg) return value;
  const Now& now = now_[value.node];
  return now.node >= 0 ? V1Value{now.node, value.index}
                       : now.outputs[value.index];
}

void CondMaker::AddControl(int control, std::vector<int>* to) const {
  if (guards_.of(control) != kAlways) return;  // Of a ControlTrigger.
  if (graph_.nodes[control].op() == V1Op::kSwitch) {
    for (const V1Value& input : graph_.nodes[control].inputs) {
      if (input.node != V1Value::kArg) to->push_back(Current(input).node);
    }
    for (int before : graph_.nodes[control].controls) AddControl(before, to);
    return;
  }
  const int node = Current({control, 0}).node;
  if (node != V1Value::kArg) to->push_back(node);
}

// A node that runs in any case stays; what runs under a condition is left to
// the branches.
absl::Status CondMaker::Keep(int n) {
  const V1Node& node = graph_.nodes[n];
  if (guards_.of(n) != kAlways || node.op() == V1Op::kSwitch) {
    module_.Hide(node.name(), "a conditional");
    return absl::OkStatus();
  }
  if (node.op() == V1Op::kMerge) return KeepOnly(n);
  V1Node copy{.def = node.def, .anchored = node.anchored};
  if (node.op() == V1Op::kControlTrigger) {
    copy.def = module_.NewDef(node.name(), "NoOp");
    for (int control : node.controls) {
      if (guards_.of(control) == kAlways || IsAnchor(graph_, control)) continue;
      return Unimplemented(DescribeNode(*node.def), ": waits for '",
                           graph_.nodes[control].name(),
                           "', which is part of a conditional");
    }
  }
  for (const V1Value& input : node.inputs)
    copy.inputs.push_back(Current(input));
  for (int control : node.controls) AddControl(control, &copy.controls);
  now_[n].node = static_cast<int>(made_.nodes.size());
  made_.nodes.push_back(std::move(copy));
  return absl::OkStatus();
}

// A Merge of which one input is never there gives the other.
absl::Status CondMaker::KeepOnly(int merge) {
  const V1Node& node = graph_.nodes[merge];
  const int only = guards_.choice(merge).only;
  proto::NodeDef* def = module_.NewDef(node.name(), "Identity");
  (*def->mutable_attr())["T"].set_type(
      static_cast<proto::DataType>(TypeAttr(*node.def, "T")));
  V1Node identity{.def = def, .inputs = {Current(node.inputs[only])}};
  for (int control : node.controls) AddControl(control, &identity.controls);
  made_.nodes.push_back(std::move(identity));
  now_[merge].outputs = {{static_cast<int>(made_.nodes.size()) - 1, 0},
                         ConstIndex(merge, only, made_)};
  if (graph_.name.empty())
    module_.Alias(node.name(), 1, made_, now_[merge].outputs[1]);
  return absl::OkStatus();
}

V1Value CondMaker::ConstIndex(int merge, int index, V1Graph& to) {
  proto::NodeDef* def =
      module_.NewDef(module_.UniqueName(absl::StrCat(graph_.nodes[merge].name(),
                                                     "/value_index")),
                     "Const");
  (*def->mutable_attr())["dtype"].set_type(proto::DT_INT32);
  proto::TensorProto* value = (*def->mutable_attr())["value"].mutable_tensor();
  value->set_dtype(proto::DT_INT32);
  value->mutable_tensor_shape();
  value->add_int_val(index);
  to.nodes.push_back({.def = def});
  return {static_cast<int>(to.nodes.size()) - 1, 0};
}

absl::Status CondMaker::MakeBranch(const std::vector<int>& merges, bool branch,
                                   Captures& captures, V1Graph& to,
                                   bool* stateful) {
  BranchCopier copier(module_, graph_, guards_,
                      guards_.choice(merges[0]).predicate, taken_, captures,
                      to);
  std::vector<V1Value> indices;
  for (int merge : merges) {
    const V1Node& node = graph_.nodes[merge];
    const int input = guards_.choice(merge).first_if == branch ? 0 : 1;
    WEFT_ASSIGN_OR_RETURN(const V1Value result, copier.Map(node.inputs[input]));
    to.results.push_back(result);
    to.result_types.push_back(TypeAttr(*node.def, "T"));
    indices.push_back(ConstIndex(merge, input, to));
  }
  for (const V1Value& index : indices) {
    to.results.push_back(index);
    to.result_types.push_back(proto::DT_INT32);
  }
  WEFT_RETURN_IF_ERROR(copier.Run());
  *stateful = *stateful || copier.stateful();
  return absl::OkStatus();
}

proto::NodeDef* CondMaker::IfDef(const std::string& name,
                                 const Captures& captures,
                                 const V1Graph& then_graph,
                                 const V1Graph& else_graph, bool stateful) {
  proto::NodeDef* def = module_.NewDef(name, stateful ? "If" : "StatelessIf");
  auto& attrs = *def->mutable_attr();
  attrs["Tcond"].set_type(proto::DT_BOOL);
  for (const auto& [attr, types] :
       {std::make_pair("Tin", &captures.types),
        std::make_pair("Tout", &then_graph.result_types)}) {
    proto::AttrValue::ListValue* list = attrs[attr].mutable_list();
    for (int type : *types) list->add_type(static_cast<proto::DataType>(type));
  }
  attrs["then_branch"].mutable_func()->set_name(then_graph.name);
  attrs["else_branch"].mutable_func()->set_name(else_graph.name);
  return def;
}

// One If for all Merges of one predicate that wait.
absl::Status CondMaker::MakeIf() {
  const auto next = waiting_.begin();
  const int predicate = next->first;
  std::vector<int> merges = std::move(next->second);
  waiting_.erase(next);
  std::sort(merges.begin(), merges.end());
  const std::string name =
      module_.UniqueName(ScopeOf(graph_.nodes[merges[0]].name(), "cond"));
  const std::string where = absl::StrCat("conditional '", name, "'");
  V1Graph* then_graph = module_.AddGraph(absl::StrCat(name, "_true"), where);
  V1Graph* else_graph = module_.AddGraph(absl::StrCat(name, "_false"), where);
  Captures captures;
  bool stateful = false;
  WEFT_RETURN_IF_ERROR(
      MakeBranch(merges, true, captures, *then_graph, &stateful));
  WEFT_RETURN_IF_ERROR(
      MakeBranch(merges, false, captures, *else_graph, &stateful));
  then_graph->arg_types = else_graph->arg_types = captures.types;

  V1Node node{.def = IfDef(name, captures, *then_graph, *else_graph, stateful)};
  node.inputs.push_back(Current(guards_.value_of(predicate)));
  for (const V1Value& value : captures.values)
    node.inputs.push_back(Current(value));
  for (int merge : merges) {
    for (int control : graph_.nodes[merge].controls)
      captures.controls.push_back(control);
  }
  for (int control : captures.controls) AddControl(control, &node.controls);
  std::sort(node.controls.begin(), node.controls.end());
  node.controls.erase(std::unique(node.controls.begin(), node.controls.end()),
                      node.controls.end());
  const int at = static_cast<int>(made_.nodes.size());
  made_.nodes.push_back(std::move(node));
  const int count = static_cast<int>(merges.size());
  for (int k = 0; k < count; ++k) {
    now_[merges[k]].outputs = {{at, k}, {at, count + k}};
    if (graph_.name.empty()) {
      for (int i : {0, 1}) {
        module_.Alias(graph_.nodes[merges[k]].name(), i, made_,
                      now_[merges[k]].outputs[i]);
      }
    }
    module_.Hide(graph_.nodes[merges[k]].name(), where);
    Release(merges[k]);
  }
  return absl::OkStatus();
}

absl::Status CondMaker::Finish() {
  for (V1Value& result : graph_.results) {
    if (guards_.of(result) != kAlways) {
      return InvalidArgument(
          DescribeNode(*graph_.nodes[result.node].def),
          ": is computed under a condition that no Merge closes, but is "
          "needed in any case (in ",
          graph_.where, ")");
    }
    result = Current(result);
  }
  graph_.nodes = std::move(made_.nodes);
  return absl::OkStatus();
}

bool HasConditionals(const V1Graph& graph) {
  return std::any_of(
      graph.nodes.begin(), graph.nodes.end(),
      [](const V1Node& node) { return node.op() != V1Op::kNone; });
}

}  // namespace

absl::Status StructureConditionals(V1Module& module) {
  // Branches are added while this runs.
  for (size_t i = 0; i < module.graphs().size(); ++i) {
    V1Graph& graph = *module.graphs()[i];
    if (!HasConditionals(graph)) continue;
    WEFT_ASSIGN_OR_RETURN(const std::vector<int> order, InOrder(graph));
    WEFT_ASSIGN_OR_RETURN(const V1Guards guards,
                          V1Guards::Create(graph, order));
    WEFT_RETURN_IF_ERROR(CondMaker(module, graph, guards).Run());
  }
  return absl::OkStatus();
}

}  // namespace weft
