// Loops of an old graph, as functions.
#ifndef WEFT_GRAPH_V1_CONTROL_FLOW_LOOP_H_
#define WEFT_GRAPH_V1_CONTROL_FLOW_LOOP_H_

#include "absl/status/status.h"
#include "graph/v1_control_flow_frames.h"
#include "graph/v1_control_flow_graph.h"

namespace weft {

// Puts a While in place of each loop of the outermost graph. One loop is
//
//   Enter -> Merge -+-> Switch -+-> body -> NextIteration -> Merge
//                   |     |     |
//           condition     |     +-> Exit
//                   |     |
//                   +-> LoopCond
//
// per variable, with one condition for all; an Enter that is constant is a
// value from outside, of which the While has a variable that does not change.
// Nodes that the condition and the body need are there in both.
//
// InvalidArgument, naming node and frame, for anything that is no loop of this
// form; Unimplemented for what a loop of this form cannot say.
absl::Status StructureLoops(V1Module& module);

}  // namespace weft

#endif  // WEFT_GRAPH_V1_CONTROL_FLOW_LOOP_H_
