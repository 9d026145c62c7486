#include "runtime/import_graph.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"

namespace weft {
namespace {

OpRole RoleOf(const Node& node) {
  return node.schema() != nullptr ? node.schema()->traits().role
                                  : OpRole::kCompute;
}

// Does the node do something beside giving its outputs?
bool HasEffects(const Node& node) {
  if (node.schema() == nullptr) return false;
  const OpTraits& traits = node.schema()->traits();
  if (traits.asserts) return true;
  for (const auto& [input, access] : traits.variables) {
    if (access != VariableAccess::kRead) return true;
  }
  return false;
}

class Importer {
 public:
  Importer(const Graph& root, const ResolvedSignature& signature)
      : root_(root), signature_(signature) {}

  absl::StatusOr<PlanGraph> Run() {
    plan_.AddFrame(-1, -1);
    AddFeeds();
    pending_.push_back({.graph = &root_, .frame = 0});
    // A list, not recursion: calls may be nested deeply.
    while (!pending_.empty()) {
      const Task task = std::move(pending_.back());
      pending_.pop_back();
      ImportTask(task);
    }
    FillSignature();
    ResolveAliases();
    SortFrames();
    return std::move(plan_);
  }

 private:
  // A graph to import into a frame. Of a call: the nodes that stand for its
  // beginning (-1: none needed) and its end.
  struct Task {
    const Graph* graph;
    int frame;
    int scope = 0;
    int entry = -1;
    int exit = -1;
  };
  // By node id; -1: not imported.
  struct Table {
    std::vector<int> first_value;
    std::vector<int> plan_node;
  };

  int Value(const Output& output) const {
    return tables_.at(&output.graph()).first_value[output.node()->id()] +
           output.index();
  }
  void Alias(int value, int target) { alias_[value] = target; }
  int NewValue(DataType dtype, const TensorShape& shape, int frame,
               int index = 0) {
    alias_.push_back(-1);
    return plan_.AddValue(
        {.dtype = dtype, .index = index, .frame = frame, .shape = &shape});
  }

  void AddFeeds() {
    for (const Output& feed : signature_.feeds) {
      const int index = static_cast<int>(plan_.feeds.size());
      plan_.feeds.push_back(NewValue(feed.dtype(), feed.shape(), 0, index));
      fed_[feed] = plan_.feeds.back();
    }
  }

  std::vector<const Node*> Roots(const Graph& graph) const {
    std::vector<const Node*> roots;
    if (&graph == &root_) {
      for (const Output& fetch : signature_.fetches) {
        if (!fed_.contains(fetch)) roots.push_back(fetch.node());
      }
      roots.insert(roots.end(), signature_.targets.begin(),
                   signature_.targets.end());
      return roots;
    }
    for (const Output& result : graph.results()) roots.push_back(result.node());
    for (const auto& node : graph.nodes()) {
      if (HasEffects(*node)) roots.push_back(node.get());
    }
    // Arguments are cheap, and may be what a result is.
    for (const Output& arg : graph.args()) roots.push_back(arg.node());
    return roots;
  }

  // By id: is the node needed?
  std::vector<bool> Reachable(const Graph& graph) const {
    std::vector<bool> reached(graph.num_nodes(), false);
    std::vector<const Node*> stack = Roots(graph);
    const bool is_root = &graph == &root_;
    auto visit = [&](const Output& output) {
      if (is_root && fed_.contains(output)) return;
      if (!reached[output.node()->id()]) stack.push_back(output.node());
    };
    while (!stack.empty()) {
      const Node* node = stack.back();
      stack.pop_back();
      if (reached[node->id()]) continue;
      reached[node->id()] = true;
      for (const Output& input : node->inputs()) visit(input);
      for (const Node* control : node->control_inputs()) {
        if (!reached[control->id()]) stack.push_back(control);
      }
      for (int b = 0; b < node->num_bodies(); ++b) {
        for (const Graph::Capture& capture : node->body(b).captures())
          visit(capture.outer);
      }
    }
    return reached;
  }

  void ImportTask(const Task& task) {
    const Graph& graph = *task.graph;
    const std::vector<bool> needed = Reachable(graph);
    if (&graph == &root_)
      plan_.nodes.reserve(std::count(needed.begin(), needed.end(), true));
    MakeValues(graph, needed, task.frame);
    for (const auto& node : graph.nodes()) {
      if (needed[node->id()]) ImportNode(*node, task);
    }
    for (const auto& node : graph.nodes()) {
      if (needed[node->id()]) ImportControls(*node, task);
    }
    if (task.frame != 0 && task.exit < 0) FinishFrame(task);
    if (task.exit >= 0) FinishCall(task);
  }

  void MakeValues(const Graph& graph, const std::vector<bool>& needed,
                  int frame) {
    Table& table = tables_[&graph];
    // The arguments of a body got their values from its owner.
    table.first_value.resize(graph.num_nodes(), -1);
    table.plan_node.resize(graph.num_nodes(), -1);
    for (const auto& node : graph.nodes()) {
      if (!needed[node->id()] || table.first_value[node->id()] >= 0) continue;
      table.first_value[node->id()] = static_cast<int>(plan_.values.size());
      for (int i = 0; i < node->num_outputs(); ++i) {
        const int value =
            NewValue(node->output_dtype(i), node->output_shape(i), frame, i);
        if (&graph != &root_) continue;
        const auto fed = fed_.find(Output(node.get(), i));
        if (fed != fed_.end()) Alias(value, fed->second);
      }
    }
  }

  void ImportNode(const Node& node, const Task& task) {
    const OpRole role = RoleOf(node);
    if (role == OpRole::kArg) return;
    if (role == OpRole::kCall) {
      ImportCall(node, task);
      return;
    }
    const int id = plan_.AddNode(MakePlanNode(node, role, task));
    tables_[task.graph].plan_node[node.id()] = id;
    // Functions and bodies do what they do; the graph itself what it is asked
    // for.
    if (HasEffects(node) && task.graph != &root_) {
      plan_.frames[task.frame].targets.push_back(id);
    }
    if (role == OpRole::kWhile) ImportWhile(node, id, task);
    if (role == OpRole::kIf) ImportIf(node, id, task);
  }

  PlanNode MakePlanNode(const Node& node, OpRole role, const Task& task) {
    PlanNode result = {.source = &node,
                       .role = role,
                       .frame = task.frame,
                       .scope = task.scope};
    if (node.schema() != nullptr) result.op_traits = &node.schema()->traits();
    if (role == OpRole::kConst) {
      result.constant = plan_.AddConstant(node.attrs().Get<Tensor>("value"));
    } else if (role == OpRole::kPlaceholder && IsFed(node)) {
      result.role = OpRole::kNoOp;
    } else if (role == OpRole::kPlaceholderWithDefault) {
      result.role = OpRole::kIdentity;
    }
    const int num_inputs = role == OpRole::kIf ? 1 : node.num_inputs();
    for (int i = 0; i < num_inputs; ++i) {
      result.inputs.push_back(InputValue(node, i));
    }
    const int first = tables_[task.graph].first_value[node.id()];
    for (int i = 0; i < node.num_outputs(); ++i) {
      result.outputs.push_back(first + i);
    }
    return result;
  }

  // A fed input may come from a node that is not imported.
  int InputValue(const Node& node, int i) const {
    if (&node.graph() == &root_) {
      const auto fed = fed_.find(node.input(i));
      if (fed != fed_.end()) return fed->second;
    }
    return Value(node.input(i));
  }
  int OuterValue(const Output& outer) const {
    const auto fed = &outer.graph() == &root_ ? fed_.find(outer) : fed_.end();
    return fed != fed_.end() ? fed->second : Value(outer);
  }

  bool IsFed(const Node& node) const {
    for (int i = 0; i < node.num_outputs(); ++i) {
      if (fed_.contains(Output(const_cast<Node*>(&node), i))) return true;
    }
    return false;
  }

  // Lets the arguments of `body` stand for `values`, its captures for what they
  // capture.
  void BindArgs(const Graph& body, const std::vector<int>& values) {
    Table& table = tables_[&body];
    table.first_value.resize(body.num_nodes(), -1);
    absl::flat_hash_set<const Node*> captured;
    auto bind = [&](const Output& arg, int target) {
      const int value = NewValue(arg.dtype(), arg.shape(), 0);
      table.first_value[arg.node()->id()] = value;
      Alias(value, target);
    };
    for (const Graph::Capture& capture : body.captures()) {
      captured.insert(capture.inner.node());
      bind(capture.inner, OuterValue(capture.outer));
    }
    // By position: arguments may follow those of captures.
    for (size_t i = 0; i < body.args().size(); ++i) {
      const Output& arg = body.args()[i];
      if (!captured.contains(arg.node())) bind(arg, values[i]);
    }
  }

  void ImportWhile(const Node& node, int id, const Task& task) {
    const int cond = plan_.AddFrame(task.frame, id);
    const int body = plan_.AddFrame(cond, id);
    plan_.nodes[id].cond = cond;
    plan_.nodes[id].body = body;
    std::vector<int> args;
    for (int i = 0; i < node.num_inputs(); ++i) {
      args.push_back(
          NewValue(node.output_dtype(i), node.output_shape(i), cond, i));
    }
    plan_.frames[cond].args = args;
    BindArgs(node.body(0), args);
    BindArgs(node.body(1), args);
    pending_.push_back(
        {.graph = &node.body(0), .frame = cond, .scope = task.scope});
    pending_.push_back(
        {.graph = &node.body(1), .frame = body, .scope = task.scope});
  }

  void ImportIf(const Node& node, int id, const Task& task) {
    std::vector<int> args;
    for (int i = 1; i < node.num_inputs(); ++i)
      args.push_back(InputValue(node, i));
    for (int branch = 0; branch < 2; ++branch) {
      const int frame = plan_.AddFrame(task.frame, id);
      (branch == 0 ? plan_.nodes[id].then_frame : plan_.nodes[id].else_frame) =
          frame;
      BindArgs(node.body(branch), args);
      pending_.push_back(
          {.graph = &node.body(branch), .frame = frame, .scope = task.scope});
    }
  }

  void ImportCall(const Node& node, const Task& task) {
    std::vector<int> args;
    for (int i = 0; i < node.num_inputs(); ++i)
      args.push_back(InputValue(node, i));
    const Graph& body = node.body(0);
    BindArgs(body, args);
    plan_.scopes.push_back(
        absl::StrCat(plan_.scopes[task.scope], node.name(), "/"));
    const int scope = static_cast<int>(plan_.scopes.size()) - 1;
    PlanNode marker = {.source = &node,
                       .role = OpRole::kNoOp,
                       .frame = task.frame,
                       .scope = task.scope};
    int entry = task.entry;
    if (!node.control_inputs().empty()) {
      entry = plan_.AddNode(marker);
      // Controls of the call itself are added to the entry.
      entries_[&node] = entry;
      if (task.entry >= 0) plan_.nodes[entry].controls.push_back(task.entry);
    }
    const int exit = plan_.AddNode(marker);
    if (entry >= 0) plan_.nodes[exit].controls.push_back(entry);
    tables_[task.graph].plan_node[node.id()] = exit;
    calls_.push_back({&node, tables_[task.graph].first_value[node.id()]});
    pending_.push_back({.graph = &body,
                        .frame = task.frame,
                        .scope = scope,
                        .entry = entry,
                        .exit = exit});
  }

  void ImportControls(const Node& node, const Task& task) {
    const Table& table = tables_[task.graph];
    int id = table.plan_node[node.id()];
    if (id < 0) return;
    const auto entry = entries_.find(&node);
    if (entry != entries_.end()) id = entry->second;
    for (const Node* control : node.control_inputs()) {
      const int before = table.plan_node[control->id()];
      if (before >= 0) plan_.nodes[id].controls.push_back(before);
    }
    // What is ordered within a called function is so behind the call's inputs.
    const bool ordered =
        HasEffects(node) || !plan_.nodes[id].traits().variables.empty() ||
        plan_.nodes[id].traits().stateful || node.num_bodies() > 0;
    if (task.entry >= 0 && ordered)
      plan_.nodes[id].controls.push_back(task.entry);
  }

  void FinishFrame(const Task& task) {
    for (const Output& result : task.graph->results()) {
      plan_.frames[task.frame].results.push_back(Value(result));
    }
  }

  void FinishCall(const Task& task) {
    const Table& table = tables_[task.graph];
    PlanNode& exit = plan_.nodes[task.exit];
    for (const auto& node : task.graph->nodes()) {
      const int id = table.plan_node[node->id()];
      if (id >= 0 && HasEffects(*node)) exit.controls.push_back(id);
    }
    for (const Output& result : task.graph->results()) {
      const int id = table.plan_node[result.node()->id()];
      if (id >= 0) exit.controls.push_back(id);
    }
  }

  void FillSignature() {
    for (const auto& [node, first] : calls_) {
      const Outputs& results = node->body(0).results();
      for (size_t i = 0; i < results.size(); ++i) {
        const int value = first + static_cast<int>(i);
        if (alias_[value] < 0)
          Alias(value, Value(results[i]));  // Else it is fed.
      }
    }
    for (const Output& fetch : signature_.fetches) {
      plan_.frames[0].results.push_back(OuterValue(fetch));
    }
    for (const Node* target : signature_.targets) {
      const int id = tables_[&root_].plan_node[target->id()];
      if (id >= 0) plan_.frames[0].targets.push_back(id);
    }
  }

  void ResolveAliases() {
    std::vector<int> resolved(alias_.size());
    for (size_t v = 0; v < alias_.size(); ++v) {
      int end = static_cast<int>(v);
      while (alias_[end] >= 0) end = alias_[end];
      // Later look-ups stop at once.
      for (int w = static_cast<int>(v); w != end;)
        w = std::exchange(alias_[w], end);
      resolved[v] = end;
    }
    plan_.ReplaceUses(resolved);
  }

  // Tasks ran in an order of their own: nodes follow their numbers again.
  void SortFrames() {
    for (PlanFrame& frame : plan_.frames) frame.nodes.clear();
    for (size_t n = 0; n < plan_.nodes.size(); ++n) {
      plan_.frames[plan_.nodes[n].frame].nodes.push_back(static_cast<int>(n));
    }
  }

  const Graph& root_;
  const ResolvedSignature& signature_;
  PlanGraph plan_;
  std::vector<int> alias_;  // By value; -1: stands for itself.
  std::vector<Task> pending_;
  absl::flat_hash_map<const Graph*, Table> tables_;
  absl::flat_hash_map<Output, int> fed_;
  absl::flat_hash_map<const Node*, int> entries_;
  std::vector<std::pair<const Node*, int>> calls_;
};

}  // namespace

absl::StatusOr<PlanGraph> ImportGraph(const Graph& graph,
                                      const ResolvedSignature& signature) {
  return Importer(graph, signature).Run();
}

}  // namespace weft
