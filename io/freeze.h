// Frozen graphs: the values of the variables are part of the graph.
#ifndef WEFT_IO_FREEZE_H_
#define WEFT_IO_FREEZE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/tensor.h"
#include "graph/graph.h"

namespace weft {

namespace proto {
class GraphDef;
}

// The part of `graph` that `fetches` need, control inputs included, in which
// variables are constants with these values, by variable name. Nodes keep their
// names: that of a variable becomes a Const, a ReadVariableOp an Identity, a
// ResourceGather a GatherV2; arguments of bodies that were variables become
// values. A fetch that is an alias gets an Identity of its name.
//
// NotFound for a fetch that does not exist or a variable that has no value,
// InvalidArgument for a value of another dtype or shape, and if a node that is
// needed changes a variable; Unimplemented if it does something else with it.
absl::StatusOr<proto::GraphDef> FreezeGraph(
    const Graph& graph, const std::vector<std::string>& fetches,
    const std::map<std::string, Tensor>& values);

}  // namespace weft

#endif  // WEFT_IO_FREEZE_H_
