#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/passes/passes.h"

namespace weft {
namespace {

class Finder {
 public:
  explicit Finder(PlanGraph* graph)
      : graph_(*graph), same_as_(graph->values.size()) {
    std::iota(same_as_.begin(), same_as_.end(), 0);
  }

  // Finds the variables that no iteration changes. What is found within a loop
  // may show that a variable of the loop around it is one, too.
  int Run() {
    int found = 0;
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t n = graph_.nodes.size(); n-- > 0;) {
        const PlanNode& node = graph_.nodes[n];
        if (node.role != OpRole::kWhile) continue;
        const std::vector<int>& args = graph_.frames[node.cond].args;
        for (size_t i = 0; i < args.size(); ++i) {
          if (same_as_[args[i]] != args[i]) continue;
          // The next value is the variable itself, or what it began with.
          const int next = Trace(graph_.frames[node.body].results[i]);
          if (next != args[i] && next != Trace(node.inputs[i])) continue;
          same_as_[args[i]] = same_as_[node.outputs[i]] = node.inputs[i];
          changed = true;
          ++found;
        }
      }
    }
    return found;
  }

  std::vector<int> Replacement() {
    std::vector<int> replacement(same_as_.size());
    for (size_t v = 0; v < same_as_.size(); ++v) {
      int end = static_cast<int>(v);
      while (same_as_[end] != end) end = same_as_[end];
      replacement[v] = end;
    }
    return replacement;
  }

 private:
  // The value that `value` is, identities left out.
  int Trace(int value) const {
    while (true) {
      const int maker = graph_.values[value].node;
      if (same_as_[value] != value) {
        value = same_as_[value];
      } else if (maker >= 0 && graph_.nodes[maker].role == OpRole::kIdentity &&
                 graph_.nodes[maker].controls.empty()) {
        value = graph_.nodes[maker].inputs[0];
      } else {
        return value;
      }
    }
  }

  PlanGraph& graph_;
  std::vector<int> same_as_;
};

}  // namespace

void FindInvariants(PlanGraph* graph, PassReport* report) {
  Finder finder(graph);
  const int found = finder.Run();
  if (found > 0) graph->ReplaceUses(finder.Replacement());
  report->push_back(
      absl::StrCat("invariants: ", found, " loop variables never change"));
}

}  // namespace weft
