// Graphs from files.
#ifndef WEFT_GRAPH_IMPORT_H_
#define WEFT_GRAPH_IMPORT_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "graph/graph.h"

namespace weft {

namespace proto {
class GraphDef;
}

// What a graph may use up, beside the node limit of GraphOptions.
struct ImportOptions {
  GraphOptions graph = {};
  int64_t max_tensor_bytes = int64_t{4} << 30;  // Of all constants together.
  int64_t max_outputs = int64_t{1} << 24;       // Of all nodes together.
};

// The graph that `def` describes, checked as a whole: names, inputs, attrs,
// types, shapes. Nothing is imported if anything is wrong; the error names the
// node and what was expected. Nodes keep their names.
//
// Every call of a function and every loop and branch gets a body of its own, in
// which the function's attrs have their values. A function's name as an op
// becomes a PartitionedCall. Nodes whose op, or a type of which, weft does not
// know are kept, but can not be run. Variables are registered with the graph.
absl::StatusOr<std::unique_ptr<Graph>> ImportGraphDef(
    const proto::GraphDef& def, const ImportOptions& options = {});

}  // namespace weft

#endif  // WEFT_GRAPH_IMPORT_H_
