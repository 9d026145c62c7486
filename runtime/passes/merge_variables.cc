// Loop variables that are always equal become one:
//
//   i = t = 0                              i = 0
//   while i < n and t < m:            =>   while i < n and i < m:
//     i, t = i + 1, t + 1                    i = i + 1
//
// Two are if they begin as the same value, and each step computes the same of
// both.
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "runtime/passes/passes.h"

namespace weft {
namespace {

// Of what two steps compute, so many nodes are compared.
constexpr int kMaxCompared = 32;
// With so many variables that begin as it does, each is compared.
constexpr size_t kMaxCandidates = 16;

class Merger {
 public:
  explicit Merger(PlanGraph* graph)
      : graph_(*graph), replacement_(graph->values.size()) {
    std::iota(replacement_.begin(), replacement_.end(), 0);
  }

  // How many variables became another.
  int Run() {
    int merged = 0;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (graph_.nodes[n].role == OpRole::kWhile)
        merged += MergeVariablesOf(static_cast<int>(n));
    }
    if (merged > 0) graph_.ReplaceUses(replacement_);
    return merged;
  }

 private:
  int MergeVariablesOf(int id) {
    const PlanNode& loop = graph_.nodes[id];
    const std::vector<int>& args = graph_.frames[loop.cond].args;
    // By initial value: variables that stay, of which so many are compared.
    absl::flat_hash_map<int, std::vector<size_t>> kept;
    int merged = 0;
    for (size_t j = 0; j < args.size(); ++j) {
      std::vector<size_t>& candidates = kept[loop.inputs[j]];
      const auto equal =
          std::find_if(candidates.begin(), candidates.end(),
                       [&](size_t i) { return AreEqual(loop, i, j); });
      if (equal != candidates.end()) {
        replacement_[args[j]] = args[*equal];
        replacement_[loop.outputs[j]] = loop.outputs[*equal];
        ++merged;
      } else if (candidates.size() < kMaxCandidates) {
        candidates.push_back(j);
      }
    }
    return merged;
  }

  // Of two variables that begin as the same value.
  bool AreEqual(const PlanNode& loop, size_t i, size_t j) {
    const PlanFrame& body = graph_.frames[loop.body];
    const std::vector<int>& args = graph_.frames[loop.cond].args;
    one_ = args[i];
    other_ = args[j];
    compared_ = 0;
    return Same(body.results[i], body.results[j]);
  }

  // Are two values the same, if the two variables are?
  bool Same(int a, int b) {
    a = Trace(a);
    b = Trace(b);
    if (a == b || (a == one_ && b == other_) || (a == other_ && b == one_))
      return true;
    const int maker_a = graph_.values[a].node, maker_b = graph_.values[b].node;
    if (maker_a < 0 || maker_b < 0 || ++compared_ > kMaxCompared) return false;
    const PlanNode& x = graph_.nodes[maker_a];
    const PlanNode& y = graph_.nodes[maker_b];
    if (!IsPure(x) || !IsPure(y) || x.frame != y.frame ||
        graph_.values[a].index != graph_.values[b].index ||
        x.source->op() != y.source->op() || x.controls != y.controls ||
        x.inputs.size() != y.inputs.size() ||
        x.source->attrs() != y.source->attrs()) {
      return false;
    }
    for (size_t k = 0; k < x.inputs.size(); ++k) {
      if (!Same(x.inputs[k], y.inputs[k])) return false;
    }
    return true;
  }

  // The value that `value` is, identities and merged variables left out.
  int Trace(int value) const {
    while (true) {
      const int maker = graph_.values[value].node;
      if (replacement_[value] != value) {
        value = replacement_[value];
      } else if (maker >= 0 && graph_.nodes[maker].role == OpRole::kIdentity &&
                 graph_.nodes[maker].controls.empty()) {
        value = graph_.nodes[maker].inputs[0];
      } else {
        return value;
      }
    }
  }

  static bool IsPure(const PlanNode& node) {
    return node.role == OpRole::kCompute && node.schema() != nullptr &&
           !node.traits().stateful && node.traits().variables.empty();
  }

  PlanGraph& graph_;
  std::vector<int> replacement_;  // By value.
  // The variables that are being compared.
  int one_ = -1;
  int other_ = -1;
  int compared_ = 0;
};

}  // namespace

int MergeVariables(PlanGraph* graph, PassReport* report) {
  const int merged = Merger(graph).Run();
  report->push_back(absl::StrCat("equal loop variables: ", merged, " merged"));
  return merged;
}

}  // namespace weft
