// Conditionals of an old graph, as functions.
#ifndef WEFT_GRAPH_V1_CONTROL_FLOW_COND_H_
#define WEFT_GRAPH_V1_CONTROL_FLOW_COND_H_

#include "absl/status/status.h"
#include "graph/v1_control_flow_graph.h"

namespace weft {

// Puts an If in place of each conditional of all graphs of the module, which
// must be free of loops. One conditional is
//
//   data, predicate -> Switch -> one branch   -> Merge
//                         \----> other branch --/
//
// per value that is given to it and per result. What a branch uses without a
// Switch is given to the If as well. Nodes under a condition that lead to no
// Merge are left out: nothing could fetch them reliably.
//
// InvalidArgument, naming the node, for anything that is no conditional of this
// form; Unimplemented for what one cannot say.
absl::Status StructureConditionals(V1Module& module);

}  // namespace weft

#endif  // WEFT_GRAPH_V1_CONTROL_FLOW_COND_H_
