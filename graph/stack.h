// Stacks of old graphs, as lists.
//
// The gradient of a loop needs what the loop computed. TensorFlow pushes it on
// a stack in each iteration, and pops it in the iterations of the gradient's
// loop, which run the other way.
#ifndef WEFT_GRAPH_STACK_H_
#define WEFT_GRAPH_STACK_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/v1_control_flow_graph.h"

namespace weft {

// Stack, StackV2, and those that push, pop and close.
bool IsStackOp(absl::string_view op);

struct V1Stack {
  int node = 0;  // That makes it.
  int push = -1;
  int pop = -1;
  std::vector<int> closes = {};
  std::vector<int> passing = {};  // Enter, Switch, Identity: of its handle.
};

// The stacks of the outermost graph.
class V1Stacks {
 public:
  // InvalidArgument, naming the node, if inputs are missing, or if something is
  // popped though nothing is pushed; Unimplemented if a stack is pushed to or
  // popped from in two places, or its handle is used for anything else.
  static absl::StatusOr<V1Stacks> Find(const V1Graph& graph);

  const std::vector<V1Stack>& stacks() const { return stacks_; }
  bool IsPush(int node) const { return pop_by_push_.contains(node); }
  bool IsPop(int node) const { return pops_.contains(node); }
  // The node that pops what `push` pushes; -1: none.
  int PopOf(int push) const { return pop_by_push_.at(push); }

 private:
  std::vector<V1Stack> stacks_;
  absl::flat_hash_map<int, int> pop_by_push_;
  absl::flat_hash_set<int> pops_;
};

// Puts a list in place of each stack, which becomes a variable of the loops
// that push and pop: a push gives the list with one more element, a pop the
// list with one less. A branch of a conditional that pushes or pops gives the
// list, too. What is pushed and never popped is not kept.
//
// As RewriteTensorArrays, before control flow is structured. InvalidArgument,
// naming node and frame, if a stack is used in a frame that is no loop.
absl::Status RewriteStacks(V1Module& module, const V1Stacks& stacks);

}  // namespace weft

#endif  // WEFT_GRAPH_STACK_H_
