// What both forms of a written graph have in common: its nodes.
#ifndef WEFT_GRAPH_EXPORT_NODE_H_
#define WEFT_GRAPH_EXPORT_NODE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/export.h"
#include "graph/node.h"
#include "graph/op.h"
#include "proto/graph.pb.h"

namespace weft {

OpRole OpRoleOf(const Node& node);

// Does the node itself, not a body of it, do more than give its outputs?
bool HasOwnEffects(const Node& node);

// The nodes of the graph, inputs and control inputs before users.
// InvalidArgument if there is a cycle.
absl::StatusOr<std::vector<const Node*>> NodesInOrder(const Graph& graph);

// Writes the attrs of `node`, whose bodies are `functions` of the library.
// FailedPrecondition if it calls a function that was not kept.
absl::Status WriteAttrs(const Node& node,
                        absl::Span<const std::string> functions,
                        proto::NodeDef* def);

// Sets the versions of a graph that is complete.
void WriteVersions(const ExportOptions& options, proto::GraphDef* def);

// The names that outputs had in the file from which the graph was read, where
// no node is called so: as nodes that give them.
void WriteAliases(const Graph& graph, proto::GraphDef* def);

}  // namespace weft

#endif  // WEFT_GRAPH_EXPORT_NODE_H_
