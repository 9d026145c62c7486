// Products of which some columns are for another part of a loop.
#ifndef WEFT_RUNTIME_PASSES_DIVIDE_PRODUCTS_H_
#define WEFT_RUNTIME_PASSES_DIVIDE_PRODUCTS_H_

#include <vector>

#include "runtime/passes/counted_loop.h"
#include "runtime/passes/loop_parts.h"
#include "runtime/plan_graph.h"

namespace weft {

// Where a product in one of the `parts` of `loop` is only split along its
// columns, and some of these are for parts behind it alone, they become a
// product of their own:
//
//   dx, dh = split(dz W)    =>    dx, _ = split(dz W)    _, dh = split(dz W)
//
// RewriteLoops narrows both to what is used. The part that wants dx can then
// compute it of the rows dz of many steps at once. These must be stored anyway,
// as they are where gradients of weights are computed behind the loop. How many
// were divided; if any, `parts` hold no more.
int DivideProducts(PlanGraph* graph, int loop, const CountedLoop& counted,
                   const std::vector<LoopPart>& parts);

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_DIVIDE_PRODUCTS_H_
