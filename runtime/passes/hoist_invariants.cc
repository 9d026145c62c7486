// What is the same in every step leaves the loop.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "runtime/passes/passes.h"

namespace weft {
namespace {

class Hoister {
 public:
  explicit Hoister(PlanGraph* graph)
      : graph_(*graph), is_control_(graph->nodes.size(), false) {
    for (const PlanNode& node : graph_.nodes) {
      for (int control : node.controls) is_control_[control] = true;
    }
    for (const PlanFrame& frame : graph_.frames) {
      for (int target : frame.targets) is_control_[target] = true;
    }
    for (const PlanVariable& variable : graph_.variables)
      starts_.insert(variable.start);
  }

  // Frames come behind those around them, and nodes behind what they need: what
  // leaves an inner loop may then leave the one around it, too.
  int Run() {
    int moved = 0;
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t n = 0; n < graph_.nodes.size(); ++n) {
        PlanNode& node = graph_.nodes[n];
        const int frame = LoopAround(node.frame);
        if (frame < 0 || !CanMove(static_cast<int>(n))) continue;
        const int outer = graph_.nodes[graph_.frames[frame].owner].frame;
        const int cond = graph_.nodes[graph_.frames[frame].owner].cond;
        const bool fixed =
            std::any_of(node.inputs.begin(), node.inputs.end(), [&](int input) {
              return graph_.Within(graph_.values[input].frame, cond);
            });
        if (fixed) continue;
        node.frame = outer;
        for (int output : node.outputs) graph_.values[output].frame = outer;
        changed = true;
        ++moved;
      }
    }
    return moved;
  }

 private:
  // The frame, if it is one of a loop; else -1.
  int LoopAround(int frame) const {
    const int owner = graph_.frames[frame].owner;
    return owner >= 0 && graph_.nodes[owner].role == OpRole::kWhile ? frame
                                                                    : -1;
  }

  // Nothing that may fail moves: the loop may never run.
  bool CanMove(int id) const {
    const PlanNode& node = graph_.nodes[id];
    if (!node.controls.empty() || is_control_[id] || node.made != nullptr ||
        node.phase != WritePhase::kNone)
      return false;
    if (node.role == OpRole::kConst || node.role == OpRole::kIdentity)
      return true;
    if (node.role != OpRole::kCompute || node.schema() == nullptr) return false;
    const OpTraits& traits = node.traits();
    const bool reads = !traits.variables.empty() &&
                       std::all_of(traits.variables.begin(),
                                   traits.variables.end(), [](const auto& v) {
                                     return v.second == VariableAccess::kRead;
                                   });
    // What reads behind a write of the run is held there by its place.
    if (reads)
      return node.inputs.size() == 1 && starts_.contains(node.inputs[0]);
    return traits.pointwise.has_value() && !traits.stateful &&
           HasFloatsOfKnownShapes(node);
  }

  bool HasFloatsOfKnownShapes(const PlanNode& node) const {
    auto fits = [&](int value) {
      const PlanValue& v = graph_.values[value];
      return IsFloating(v.dtype) && v.shape->IsFullyDefined();
    };
    return std::all_of(node.inputs.begin(), node.inputs.end(), fits) &&
           std::all_of(node.outputs.begin(), node.outputs.end(), fits);
  }

  PlanGraph& graph_;
  std::vector<bool> is_control_;  // By node.
  // Values of variables at the start of the run.
  absl::flat_hash_set<int> starts_;
};

}  // namespace

void HoistInvariants(PlanGraph* graph, PassReport* report) {
  report->push_back(
      absl::StrCat("invariants: ", Hoister(graph).Run(), " nodes left loops"));
}

}  // namespace weft
