// Which values of a graph a gradient reaches.
#ifndef WEFT_OPS_GRADIENTS_FLOW_H_
#define WEFT_OPS_GRADIENTS_FLOW_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "graph/graph.h"
#include "graph/op.h"
#include "graph/output.h"

namespace weft {

// Do gradients flow through values of this type? Through lists and handles of
// variables too: of what they hold.
bool CarriesGradient(DataType dtype);

OpRole RoleOf(const Node& node);  // kCompute of an op that weft does not know.

// One flag per input, output, argument or result.
using Flags = std::vector<bool>;

// The values of a graph that depend on `sources` on ways that gradients go,
// none of which leads through `stops`.
class ForwardFlow {
 public:
  // Looks at the first `num_nodes` nodes alone.
  ForwardFlow(const Graph& graph, const Outputs& sources, const Outputs& stops,
              int num_nodes);
  bool Reaches(const Output& value) const;

 private:
  void Visit(Node* node);

  absl::flat_hash_set<Output> sources_;
  absl::flat_hash_set<Output> stops_;
  std::vector<uint8_t> reached_;                       // By node id.
  absl::flat_hash_map<const Node*, Flags> by_output_;  // Of nodes with bodies.
};

// The outputs of a node with bodies that depend on the inputs in `from`.
Flags FlowForward(const Node& node, const Flags& from);
// The inputs of a node with bodies on which the outputs in `to` depend.
Flags FlowBackward(const Node& node, const Flags& to);
// Both for loops, in terms of their variables, over any number of steps: a
// variable in `from` is in the result.
Flags LoopFlowForward(const Node& loop, Flags from);
Flags LoopFlowBackward(const Node& loop, Flags to);

}  // namespace weft

#endif  // WEFT_OPS_GRADIENTS_FLOW_H_
