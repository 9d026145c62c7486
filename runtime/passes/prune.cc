#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/passes/passes.h"

namespace weft {
namespace {

// Marks what is needed, starting from results and targets.
class Marker {
 public:
  explicit Marker(const PlanGraph& graph)
      : graph_(graph),
        nodes_(graph.nodes.size()),
        values_(graph.values.size()) {
    for (int value : graph.frames[0].results) MarkValue(value);
    for (int node : graph.frames[0].targets) MarkNode(node);
    while (!stack_.empty()) {
      const int node = stack_.back();
      stack_.pop_back();
      Visit(node);
    }
    for (const PlanVariable& variable : graph.variables) {
      for (int v : {variable.start, variable.target, variable.shadow}) {
        if (v >= 0) values_[v] = true;
      }
    }
    for (const ShadowWrite& shadow : graph.shadows) {
      values_[shadow.from] = values_[shadow.to] = true;
    }
  }

  const std::vector<bool>& nodes() const { return nodes_; }
  const std::vector<bool>& values() const { return values_; }

 private:
  void MarkNode(int node) {
    if (nodes_[node]) return;
    nodes_[node] = true;
    stack_.push_back(node);
  }

  // What follows from a value is bounded: the other values of its loop variable
  // or of the branches. Those are taken up here, one after another.
  void MarkValue(int value) {
    if (values_[value]) return;
    std::vector<int>& pending = pending_;
    pending.push_back(value);
    while (!pending.empty()) {
      const int v = pending.back();
      pending.pop_back();
      if (values_[v]) continue;
      values_[v] = true;
      const PlanValue& info = graph_.values[v];
      const int owner =
          info.node >= 0 ? info.node : graph_.frames[info.frame].owner;
      if (owner < 0) continue;  // A feed.
      MarkNode(owner);
      const PlanNode& node = graph_.nodes[owner];
      const int i = info.index;
      if (node.role == OpRole::kWhile) {
        pending.insert(pending.end(), {node.inputs[i], node.outputs[i],
                                       graph_.frames[node.cond].args[i],
                                       graph_.frames[node.body].results[i]});
      } else if (node.role == OpRole::kIf) {
        pending.insert(pending.end(),
                       {graph_.frames[node.then_frame].results[i],
                        graph_.frames[node.else_frame].results[i]});
      }
    }
  }

  void Visit(int id) {
    const PlanNode& node = graph_.nodes[id];
    const int owner = graph_.frames[node.frame].owner;
    if (owner >= 0) MarkNode(owner);
    for (int control : node.controls) MarkNode(control);
    for (int frame : {node.cond, node.body, node.then_frame, node.else_frame}) {
      if (frame < 0) continue;
      for (int target : graph_.frames[frame].targets) MarkNode(target);
    }
    if (node.role == OpRole::kWhile) {
      // Variables are needed one by one.
      for (int result : graph_.frames[node.cond].results) MarkValue(result);
    } else {
      for (int input : node.inputs) MarkValue(input);
    }
    // Other nodes have all of their outputs.
    if (node.role != OpRole::kWhile && node.role != OpRole::kIf) {
      for (int output : node.outputs) MarkValue(output);
    }
  }

  const PlanGraph& graph_;
  std::vector<bool> nodes_;
  std::vector<bool> values_;
  std::vector<int> stack_;
  std::vector<int> pending_;  // Of MarkValue; empty between its calls.
};

int CountVariables(const PlanGraph& graph) {
  int count = 0;
  for (const PlanNode& node : graph.nodes) {
    if (node.role == OpRole::kWhile)
      count += static_cast<int>(node.outputs.size());
  }
  return count;
}

// Drops the entries of `list` whose value in `outputs` goes.
template <typename List>
void Select(List* list, const Ids& outputs, const std::vector<bool>& keep) {
  size_t kept = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (keep[outputs[i]]) (*list)[kept++] = (*list)[i];
  }
  list->resize(kept);
}

// Loop variables and results of branches go as a whole, even if one of their
// values is needed for something else.
void DropVariables(PlanGraph* graph, const Marker& marker) {
  for (size_t n = 0; n < graph->nodes.size(); ++n) {
    if (!marker.nodes()[n]) continue;
    PlanNode& node = graph->nodes[n];
    if (node.role == OpRole::kWhile) {
      Select(&node.inputs, node.outputs, marker.values());
      Select(&graph->frames[node.cond].args, node.outputs, marker.values());
      Select(&graph->frames[node.body].results, node.outputs, marker.values());
    } else if (node.role == OpRole::kIf) {
      Select(&graph->frames[node.then_frame].results, node.outputs,
             marker.values());
      Select(&graph->frames[node.else_frame].results, node.outputs,
             marker.values());
    } else {
      continue;
    }
    Select(&node.outputs, Ids(node.outputs), marker.values());
  }
}

}  // namespace

void Prune(PlanGraph* graph, PassReport* report) {
  const size_t nodes = graph->nodes.size();
  const int variables = CountVariables(*graph);
  const Marker marker(*graph);
  DropVariables(graph, marker);
  graph->Keep(marker.nodes(), marker.values());
  if (report == nullptr) return;
  report->push_back(
      absl::StrCat("prune: ", nodes - graph->nodes.size(), " nodes and ",
                   variables - CountVariables(*graph), " loop variables"));
}

}  // namespace weft
