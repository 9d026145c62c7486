// What loops save in each step for the way back.
#ifndef WEFT_OPS_GRADIENTS_SAVE_H_
#define WEFT_OPS_GRADIENTS_SAVE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "graph/graph.h"
#include "graph/output.h"
#include "ops/gradients_backprop.h"

namespace weft {

// Extends `loop` by variables that collect `values` of its body: one list per
// value, whose element i is what the value was in step i. Existing outputs keep
// their indices; lists that the loop has already are used again.
Outputs SaveEachStep(Node* loop, const std::vector<SavedValue>& values,
                     GradientContext& context);

// How many steps `loop` takes: an int32 scalar beside it.
Output CountSteps(Node* loop, GradientContext& context);

// Extends the loop that `copy` was copied from as `copy` was extended.
void RepeatOnOrigin(const Node* copy, GradientContext& context);

// By variable: how much an integer scalar grows in every step, if it does by
// the same known number each time.
std::vector<std::optional<int64_t>> StepSizes(const Graph& body);

}  // namespace weft

#endif  // WEFT_OPS_GRADIENTS_SAVE_H_
