// Graphs to files in the form of TensorFlow's first control flow.
#ifndef WEFT_GRAPH_EXPORT_V1_H_
#define WEFT_GRAPH_EXPORT_V1_H_

#include "absl/status/statusor.h"
#include "graph/export.h"
#include "graph/graph.h"
#include "proto/graph.pb.h"

namespace weft {

// The reverse of StructureOldGraph. A loop
//
//   x, w = While({x0, w}, cond, body)      # w: body returns it as it is
//
// becomes a frame that is named like it:
//
//   enter = Enter(x0)                      w = Enter(w), is_constant
//   merge = Merge(enter, next)
//   go = LoopCond(cond(merge, w))
//   switch = Switch(merge, go)             exit = Exit(switch:0)
//   next = NextIteration(body(Identity(switch:1), w))
//
// and a conditional Switches before, and Merges behind its branches. Whatever
// a body does beside its results is done before them, so that TensorFlow,
// which runs what a fetch needs, does it too. FailedPrecondition if the type of
// a value in control flow is not known.
absl::StatusOr<proto::GraphDef> ExportV1GraphDef(const Graph& graph,
                                                 const ExportOptions& options);

}  // namespace weft

#endif  // WEFT_GRAPH_EXPORT_V1_H_
