// What follows from the shapes of the feeds: shapes, values, and which nodes
// are left to be run.
#ifndef WEFT_RUNTIME_SHAPE_WALK_H_
#define WEFT_RUNTIME_SHAPE_WALK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "core/kernel.h"
#include "core/tensor.h"
#include "core/tensor_shape.h"
#include "runtime/plan.h"

namespace weft {

// What is known of a value before it is computed.
struct ValueState {
  TensorShape shape;
  bool has_shape = false;  // Else it is only known while running.
  bool in_slot = false;    // Made by a deferred node: its memory is its own.
  int known = -1;          // Into ShapeWalk::known(): the value itself.
  int list = -1;           // Into ShapeWalk::lists(), of a variant.
  int same_as = -1;        // This value is that one.
  int view_of = -1;        // Its memory is that one's, from view_offset on.
  size_t view_offset = 0;
  absl::InlinedVector<int64_t, 4> strides;  // Of a view; empty: none.
  bool moving = false;  // A view whose address the kernel sets while running.
};

enum class NodeMode : uint8_t {
  kSkip,   // There is nothing to compute.
  kRun,    // Everything is placed beforehand.
  kDefer,  // The kernel is laid out while running.
};

struct NodeState {
  NodeMode mode = NodeMode::kSkip;
  int8_t taken = -1;  // Of a kIf whose condition is known: 1 then, 0 else.
  std::unique_ptr<std::string> why;  // Of kDefer: the reason, if an error.
  size_t scratch_bytes = 0;
  std::shared_ptr<const KernelState> state;
  absl::InlinedVector<std::pair<int, int>, 1> in_place;
};

class ShapeWalk {
 public:
  explicit ShapeWalk(const Plan& plan);

  // Before Run: the shapes of feeds and variables.
  void SetShape(int value, const TensorShape& shape);
  // Before Run: what is known of a list that is fed.
  void SetList(int value, const ListShape& list);
  absl::Status Run();

  const ValueState& value(int v) const { return values_[v]; }
  const NodeState& node(int n) const { return nodes_[n]; }
  NodeState& mutable_node(int n) { return nodes_[n]; }
  const std::vector<Tensor>& known() const { return known_; }
  // The value that stands for `v`: identities and the like left out.
  int Canonical(int v) const;
  // Is the address of the value only known while running?
  bool Moves(int v) const;

 private:
  absl::Status WalkFrame(int frame);
  absl::Status WalkNode(int node);
  absl::Status WalkKernel(int node);
  absl::Status WalkWhile(int node);
  bool IsLaidOut(int node) const;
  void ShapeStore(int set_row);
  absl::Status CheckAssumptions() const;
  absl::Status WalkIf(int node);
  absl::Status CheckCondition(int node, int value) const;
  void ShapeWrittenVariables(int node);
  absl::Status LayOutKernel(int node, absl::Span<const LayoutInput> inputs);
  bool MayStride(const PlanNode& node) const;
  absl::Status TakeOutputs(int node, LayoutContext* context);
  bool TryCompute(int node);
  void Defer(int node, const absl::Status& why);
  void SetKnown(int value, Tensor tensor);
  void SetListState(int value, const ListShape& list);
  ListShape ListOf(int value) const;
  // Widens what is known of loop variable `arg` to hold for `result`, too.
  bool Widen(int arg, int result);
  void WidenFully(int arg);

  const Plan& plan_;
  const PlanGraph& graph_;
  std::vector<ValueState> values_;
  std::vector<NodeState> nodes_;
  std::vector<Tensor> known_;
  std::vector<LayoutInput>
      inputs_;  // Of one kernel at a time, to be used again.
  std::vector<DataType> types_;
  std::vector<ListShape> lists_;
  // Of nodes that make memory for rows whose shape a loop tells: that shape, as
  // their input.
  absl::flat_hash_map<int, Tensor> row_shapes_;
  // Of variables that are written: whose shape they take; -1: what is written.
  absl::flat_hash_map<int, int> like_;
  int loop_passes_left_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_SHAPE_WALK_H_
