// Loops in which several recurrences run side by side, and how they could run
// one after another.
#ifndef WEFT_RUNTIME_PASSES_LOOP_PARTS_H_
#define WEFT_RUNTIME_PASSES_LOOP_PARTS_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "runtime/plan_graph.h"

namespace weft {

// A part of a loop: of its variables, by number, and of the nodes of its
// condition and its body, in their order. What is cheap and follows from
// counters is in every part that needs it. All else is in one, and needs only
// what is in that part and in those before.
struct LoopPart {
  std::vector<int> variables;
  std::vector<int> nodes;
};

// Parts of the While node `loop` that can run one after another, each over all
// steps, with at least one recurrence that computes a product in each. None if
// there would not be two. What a part needs from one before it is a value for
// which `can_cross` is true.
std::vector<LoopPart> FindLoopParts(const PlanGraph& graph, int loop,
                                    absl::FunctionRef<bool(int)> can_cross);

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_LOOP_PARTS_H_
