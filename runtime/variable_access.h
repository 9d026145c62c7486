// Which variable each op works on, and when.
#ifndef WEFT_RUNTIME_VARIABLE_ACCESS_H_
#define WEFT_RUNTIME_VARIABLE_ACCESS_H_

#include "absl/status/status.h"
#include "runtime/plan_graph.h"

namespace weft {

// Replaces the handles among the inputs by the values that the variables have
// then (see PlanVariable), and says when each write takes place:
//
//   * a read gets the value at the start of the run, unless it is behind a
//   write
//     of the run: then it gets what that write left;
//   * a variable that is read after a write is written at that place, in a
//   copy;
//     all others are written at the end of the run.
//
// The nodes must be in order; afterwards they have to be pruned and ordered
// again. Unimplemented if the variable of an input is not known before running,
// or if a loop body or branch writes; InvalidArgument for two writes to one
// variable that are not ordered. The messages name the nodes.
absl::Status BindVariables(PlanGraph* graph);

}  // namespace weft

#endif  // WEFT_RUNTIME_VARIABLE_ACCESS_H_
