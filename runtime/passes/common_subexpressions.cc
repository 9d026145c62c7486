#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "runtime/passes/passes.h"

namespace weft {
namespace {

// Larger constants count as equal only if they share memory.
constexpr size_t kMaxComparedBytes = 4096;

bool SameTensor(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape() || !IsPlain(a.dtype()))
    return false;
  if (a.raw_data() == b.raw_data()) return true;
  return a.num_bytes() <= kMaxComparedBytes &&
         std::memcmp(a.raw_data(), b.raw_data(), a.num_bytes()) == 0;
}

class Sharer {
 public:
  explicit Sharer(PlanGraph* graph)
      : graph_(*graph),
        value_(graph->values.size()),
        node_(graph->nodes.size()) {
    std::iota(value_.begin(), value_.end(), 0);
    std::iota(node_.begin(), node_.end(), 0);
  }

  int Run() {
    VisitFrame(0);
    graph_.ReplaceUses(value_);
    for (PlanNode& node : graph_.nodes) {
      for (int& control : node.controls) control = node_[control];
    }
    return shared_;
  }

 private:
  // What a frame computes can be used by what follows in it and in its bodies.
  // Frames nest no deeper than graphs allow.
  void VisitFrame(int frame) {
    const size_t outer = seen_.size();
    for (int id : graph_.frames[frame].nodes) {
      const PlanNode& node = graph_.nodes[id];
      if (node.role == OpRole::kWhile) {
        VisitLoop(id);
      } else if (node.role == OpRole::kIf) {
        VisitFrame(node.then_frame);
        VisitFrame(node.else_frame);
      } else {
        VisitNode(id);
      }
    }
    Forget(outer);
  }

  void VisitLoop(int id) {
    const size_t outer = seen_.size();
    // The body may use what the condition has computed.
    for (int node : graph_.frames[graph_.nodes[id].cond].nodes)
      VisitConditionNode(node);
    VisitFrame(graph_.nodes[id].body);
    Forget(outer);
  }

  void VisitConditionNode(int id) {
    const PlanNode& node = graph_.nodes[id];
    if (node.role == OpRole::kWhile) {
      VisitLoop(id);
    } else if (node.role == OpRole::kIf) {
      VisitFrame(node.then_frame);
      VisitFrame(node.else_frame);
    } else {
      VisitNode(id);
    }
  }

  void VisitNode(int id) {
    PlanNode& node = graph_.nodes[id];
    for (int& input : node.inputs) input = value_[input];
    for (int& control : node.controls) control = node_[control];
    if (node.role == OpRole::kIdentity && node.controls.empty()) {
      value_[node.outputs[0]] = node.inputs[0];
      return;
    }
    if (!IsPure(node)) return;
    const size_t key = Hash(node);
    std::vector<int>& candidates = table_[key];
    for (int other : candidates) {
      if (!Same(node, graph_.nodes[other])) continue;
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        value_[node.outputs[i]] = graph_.nodes[other].outputs[i];
      }
      node_[id] = other;
      ++shared_;
      return;
    }
    candidates.push_back(id);
    seen_.push_back(key);
  }

  void Forget(size_t count) {
    for (; seen_.size() > count; seen_.pop_back())
      table_[seen_.back()].pop_back();
  }

  static bool IsPure(const PlanNode& node) {
    if (node.role == OpRole::kConst) return true;
    return node.role == OpRole::kCompute && node.schema() != nullptr &&
           !node.traits().stateful && node.traits().variables.empty() &&
           !node.outputs.empty();
  }

  static Ids Inputs(const PlanNode& node) {
    Ids inputs = node.inputs;
    if (node.traits().commutative) std::sort(inputs.begin(), inputs.end());
    return inputs;
  }
  static Ids Controls(const PlanNode& node) {
    Ids controls = node.controls;
    std::sort(controls.begin(), controls.end());
    return controls;
  }

  size_t Hash(const PlanNode& node) const {
    if (node.role != OpRole::kConst) {
      return absl::HashOf(node.source->op(), Inputs(node), Controls(node));
    }
    const Tensor& value = graph_.constants[node.constant];
    const size_t bytes =
        IsPlain(value.dtype()) ? std::min<size_t>(value.num_bytes(), 64) : 0;
    return absl::HashOf(
        static_cast<int>(value.dtype()), value.shape(), Controls(node),
        absl::string_view(static_cast<const char*>(value.raw_data()), bytes));
  }

  bool Same(const PlanNode& a, const PlanNode& b) const {
    if (a.role != b.role || a.outputs.size() != b.outputs.size() ||
        Controls(a) != Controls(b)) {
      return false;
    }
    if (a.role == OpRole::kConst) {
      for (size_t i = 0; i < a.outputs.size(); ++i) {
        if (!SameTensor(graph_.constants[a.constant + i],
                        graph_.constants[b.constant + i])) {
          return false;
        }
      }
      return true;
    }
    return a.source->op() == b.source->op() && Inputs(a) == Inputs(b) &&
           a.source->attrs() == b.source->attrs();
  }

  PlanGraph& graph_;
  std::vector<int> value_;  // What stands for each value.
  std::vector<int> node_;
  absl::flat_hash_map<size_t, std::vector<int>> table_;  // Nodes, by hash.
  std::vector<size_t> seen_;  // Hashes, as they came.
  int shared_ = 0;
};

}  // namespace

void ShareCommonSubexpressions(PlanGraph* graph, PassReport* report) {
  report->push_back(absl::StrCat("common subexpressions: ", Sharer(graph).Run(),
                                 " nodes shared"));
}

}  // namespace weft
