// Which node of each step of an unrolled computation is which node of the next.
#ifndef WEFT_RUNTIME_PASSES_MATCH_STEPS_H_
#define WEFT_RUNTIME_PASSES_MATCH_STEPS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/plan_graph.h"

namespace weft {

// A node, step by step.
using NodeSeries = std::vector<int>;

// Starting from a node and what is taken for the same node one step later,
// follows inputs and users in lockstep: where both do the same, what they come
// from and what they lead to corresponds as well.
class StepMatcher {
 public:
  explicit StepMatcher(const PlanGraph& graph);

  // May the node be one of a step? It computes, and nothing else.
  bool IsEligible(int node) const { return eligible_[node]; }
  // Do the nodes do the same with their inputs?
  bool SameKind(int a, int b) const;
  // Equal for nodes of the same kind.
  uint64_t kind(int node) const { return kind_[node]; }
  // The nodes of frame 0 that use a value, and as which input.
  const std::vector<std::pair<int, int>>& users(int value) const {
    return users_[value];
  }

  // All series of two nodes or more that follow from `a` being one step before
  // `b`.
  std::vector<NodeSeries> Match(int a, int b);
  // The nodes are part of no later match.
  void Take(const std::vector<int>& nodes);
  bool IsTaken(int node) const { return taken_[node]; }
  // Nodes looked at so far.
  int64_t work() const { return work_; }

 private:
  void FindEligible();
  bool CanLink(int a, int b) const;
  void Link(int a, int b);
  void FollowInputs(int a, int b);
  void FollowUsers(int a, int b);
  bool InputsAgree(int a, int b) const;

  const PlanGraph& graph_;
  std::vector<bool> eligible_;  // By node.
  std::vector<bool> taken_;
  std::vector<uint64_t> kind_;
  std::vector<int> next_;  // By node: itself one step later; -1: none.
  std::vector<int> previous_;
  std::vector<std::pair<int, int>> links_;               // Of one match.
  std::vector<std::vector<std::pair<int, int>>> users_;  // By value.
  int64_t work_ = 0;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_MATCH_STEPS_H_
