// Graphs to files.
#ifndef WEFT_GRAPH_EXPORT_H_
#define WEFT_GRAPH_EXPORT_H_

#include "absl/status/statusor.h"
#include "graph/graph.h"

namespace weft {

namespace proto {
class GraphDef;
}

struct ExportOptions {
  int producer = 0;  // versions.producer; 0: the oldest that has all the ops.
  // Loops and conditionals as TensorFlow's first control flow (Enter, Merge,
  // Switch, ...), calls as the nodes of the function: no functions.
  bool v1_control_flow = false;
  // Other names of outputs (Graph::aliases) become nodes.
  bool aliases = false;
};

// The graph as TensorFlow writes it: inputs before users, all attrs given, each
// body a function of the library; bodies that are alike share one. The graph's
// first build error, if it has one. FailedPrecondition if a node of an unknown
// op calls a function, which importing has not kept. In the V1 form a loop or
// conditional keeps its name, as a node that gives its outputs.
absl::StatusOr<proto::GraphDef> ExportGraphDef(
    const Graph& graph, const ExportOptions& options = {});

}  // namespace weft

#endif  // WEFT_GRAPH_EXPORT_H_
