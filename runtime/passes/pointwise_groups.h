// Which elementwise nodes become one program.
//
// Nodes of a group must be able to run as one: no way may lead out of a group
// and back into it. To see that at once each node gets a depth, which grows
// along every edge that is not within a group. Then nodes that are connected
// and equally deep are a group, and a way through anything else leads deeper.
#ifndef WEFT_RUNTIME_PASSES_POINTWISE_GROUPS_H_
#define WEFT_RUNTIME_PASSES_POINTWISE_GROUPS_H_

#include <vector>

#include "core/data_type.h"
#include "core/pointwise.h"
#include "runtime/plan_graph.h"

namespace weft {

class PointwiseGroups {
 public:
  // Larger groups are cut in two.
  static constexpr int kMaxInstructions = 48;
  static constexpr int kMaxInputs = 48;

  explicit PointwiseGroups(const PlanGraph& graph);

  // A _Like can be fused, too: see AssumeShapes.
  static bool IsLike(const PlanNode& node);
  // Null if it is not elementwise.
  const MicroOp* MicroOpOf(const PlanNode& node) const;

  bool CanFuse(int node) const { return type_[node] != DataType::kInvalid; }
  // Of the numbers of a node that can be fused.
  DataType type(int node) const { return type_[node]; }
  // Can the result of `from` be a register of the program with `to`?
  bool Joins(int from, int to) const;
  // One node of its group, which stands for it.
  int Find(int node) const;
  // Of the group of a root: at most.
  int instructions(int root) const { return instructions_[root]; }
  int inputs(int root) const { return inputs_[root]; }

  // What must run before each node, in its own frame, and behind it.
  const std::vector<int>& before(int node) const { return before_[node]; }
  const std::vector<int>& after(int node) const { return after_[node]; }

 private:
  void FindEdges();
  bool AddsToRows(const PlanNode& node) const;
  void FindType(int node);
  void FindDepths();
  void MakeGroups();
  void Join(int node);
  void LeaveLikesAlone();

  const PlanGraph& graph_;
  const int num_nodes_;
  std::vector<std::vector<int>> before_;
  std::vector<std::vector<int>> after_;
  std::vector<bool> is_control_;
  std::vector<DataType> type_;  // kInvalid: can not be fused.
  std::vector<int> depth_;
  // By node: towards the group's root.
  mutable std::vector<int> group_;
  std::vector<int> instructions_;  // By root.
  std::vector<int> inputs_;        // By root.
};

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_POINTWISE_GROUPS_H_
