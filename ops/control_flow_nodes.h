// Nodes with bodies, from bodies that are built already.
#ifndef WEFT_OPS_CONTROL_FLOW_NODES_H_
#define WEFT_OPS_CONTROL_FLOW_NODES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "graph/graph.h"
#include "graph/output.h"
#include "graph/source_location.h"
#include "ops/control_flow_copy.h"

namespace weft {

struct ControlFlowNodeOptions {
  std::string name;
  int64_t parallel_iterations = 10;
  SourceLocation location = {};
};

// A While node, or a StatelessWhile node if nothing in the bodies has effects.
Node* AddWhile(Graph& graph, const Outputs& inputs, LoopBodies loop,
               const ControlFlowNodeOptions& options);
// An If or StatelessIf node.
Node* AddIf(Graph& graph, Output pred, const Outputs& inputs,
            std::unique_ptr<Graph> then_branch,
            std::unique_ptr<Graph> else_branch,
            const ControlFlowNodeOptions& options);
// A StatefulPartitionedCall or PartitionedCall node.
Node* AddCall(Graph& graph, const Outputs& inputs,
              std::unique_ptr<Graph> function,
              const ControlFlowNodeOptions& options);

// Writes the types and shapes of a loop's or conditional's outputs to its
// attrs.
void UpdateOutputShapes(Node* node);

// Does a node of `body` do more than compute its outputs from its inputs?
bool HasState(const Graph& body);

// "a_b_c" for the node name "a/b/c": as it may stand in a function's name.
std::string FunctionNameFor(const std::string& node_name,
                            const std::string& suffix);

}  // namespace weft

#endif  // WEFT_OPS_CONTROL_FLOW_NODES_H_
