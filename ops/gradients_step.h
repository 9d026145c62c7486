// The way back through one step of a loop: what is saved, what is computed
// again.
#ifndef WEFT_OPS_GRADIENTS_STEP_H_
#define WEFT_OPS_GRADIENTS_STEP_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "graph/graph.h"
#include "graph/output.h"
#include "ops/control_flow_copy.h"
#include "ops/gradients_backprop.h"
#include "ops/gradients_shape.h"

namespace weft {

// Cuts the copy of a loop's body, to which backward nodes have been added, in
// two: what the forward loop saves in each step, and what becomes the backward
// body.
//
//   * What the loop does not change is used as it is.
//   * Counters follow from the number of the step.
//   * What cheap ops make of values that are there anyway is computed again.
//   * Of values whose shape alone matters the shape is derived from that of
//     others, or else saved.
//   * Everything else that backward nodes need is saved.
class StepGradient {
 public:
  // `joint` is the copy; its first `num_forward` nodes are the body's.
  // `results` are the gradients that a step gives back.
  StepGradient(const Graph& joint, int num_forward, const Node& loop,
               Outputs results);

  // Values of the copy that have to be saved, in the order of the lists that
  // Emit takes.
  const std::vector<SavedValue>& saved() const { return saved_; }

  // Which of these lists holds `value`, a value of the copy, if one does.
  std::optional<int> SavedList(const Output& value) const;

  // What the results are in the backward body `body`, in the step of number
  // `step`, where `given` says what stands for nodes of the copy.
  Outputs Emit(Graph& body, Output step, const Outputs& lists,
               const std::vector<std::pair<Output, Output>>& given) const;

 private:
  using NodeList = std::vector<const Node*>;

  bool IsForward(const Output& value) const {
    return value.node()->id() < num_forward_;
  }
  bool IsThere(const Output& value) const;
  void FindNeeded();
  void ChooseSaved();
  bool CanRecompute(const Node& node, int* cost) const;
  bool IsInvariantArg(const Node& arg) const;
  bool IsAtHand(const Output& value) const;
  void ChooseShapes();
  void ChooseShape(const Output& x, const Node& user);
  int Save(SavedValue value);
  absl::flat_hash_set<Output> UsedArgs() const;
  void MapLeaves(GraphCopier& copier, Graph& body, Output step) const;
  void MapSaved(GraphCopier& copier, Output step, const Outputs& lists) const;
  void MapShapes(GraphCopier& copier, Graph& body, Output step,
                 const Outputs& lists) const;
  Output EmitShapeUser(GraphCopier& copier, Graph& body, const Node& user,
                       Output step, const Outputs& lists, Output* sizes) const;

  const Graph& joint_;
  const int num_forward_;
  const Node& loop_;
  const Outputs results_;
  std::vector<std::optional<int64_t>> step_sizes_;  // By variable.
  absl::flat_hash_map<Output, int> arg_index_;
  absl::flat_hash_set<Output> needed_;  // Forward values.
  // Backward nodes that need nothing but the shape of a forward value.
  absl::btree_map<std::pair<int, int>, NodeList> shape_users_;
  std::vector<bool> invariant_;   // By id of forward nodes.
  std::vector<bool> recomputed_;  // Those that can be.
  std::vector<int> cost_;         // Of doing so, in nodes.
  absl::flat_hash_map<Output, int> saved_index_;
  std::vector<SavedValue> saved_;
  // How a shape user gets its result: from these dims, or from this list, or by
  // itself from a value that can be computed again, or it is known.
  absl::flat_hash_map<const Node*, std::vector<DimSource>> shape_dims_;
  absl::flat_hash_map<const Node*, int> shape_saved_;
  absl::flat_hash_set<const Node*> shape_recomputed_;
};

// Does the op give the same each time, for little work?
bool IsCheap(const Node& node);

}  // namespace weft

#endif  // WEFT_OPS_GRADIENTS_STEP_H_
