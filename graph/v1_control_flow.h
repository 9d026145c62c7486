// Graphs of TensorFlow's first control flow, as structured ones.
#ifndef WEFT_GRAPH_V1_CONTROL_FLOW_H_
#define WEFT_GRAPH_V1_CONTROL_FLOW_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "proto/graph.pb.h"

namespace weft {

// A graph that was rewritten, and what became of its names.
struct StructuredGraph {
  proto::GraphDef def;
  // Outputs that have another name now: "rnn/while/Exit_3:0" is "rnn/while:3".
  std::map<std::string, std::string> aliases;
  // Nodes that are within a loop or a branch now, and which: "loop
  // 'rnn/while'".
  absl::flat_hash_map<std::string, std::string> hidden;

  // Makes these names known to the graph imported from `def`.
  void AddNamesTo(Graph& graph) const;
};

// `file` without Enter, Merge, Switch, Exit, NextIteration and LoopCond: loops
// and conditionals are While and If nodes with functions; and without
// TensorArrays and stacks, which are lists. Null if there are none of these.
//
// InvalidArgument, naming node and frame, if the control flow is malformed or
// has no structured form; Unimplemented where weft cannot say what the graph
// says; ResourceExhausted if the result has more than `max_nodes` nodes.
absl::StatusOr<std::unique_ptr<StructuredGraph>> StructureOldGraph(
    const proto::GraphDef& file, int64_t max_nodes);

}  // namespace weft

#endif  // WEFT_GRAPH_V1_CONTROL_FLOW_H_
