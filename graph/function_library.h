// The functions of a GraphDef.
#ifndef WEFT_GRAPH_FUNCTION_LIBRARY_H_
#define WEFT_GRAPH_FUNCTION_LIBRARY_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/node_list.h"
#include "graph/op.h"

namespace weft {

// Which attrs of an op name its bodies, in the order of Node::body: "cond" and
// "body" of a loop. Empty for an op without bodies.
absl::Span<const char* const> BodyAttrs(OpRole role);

// Refers to the GraphDef, which must outlive it.
class FunctionLibrary {
 public:
  // InvalidArgument if a function has no name or one has it already, or if one
  // calls itself, directly or through others. ResourceExhausted if the graph
  // has more than `max_nodes` nodes, counting those of a function at each call.
  static absl::StatusOr<FunctionLibrary> Create(const proto::GraphDef& graph,
                                                int64_t max_nodes);

  // Null if there is none.
  const proto::FunctionDef* Find(absl::string_view name) const;
  // InvalidArgument, with names like it, if there is none.
  absl::StatusOr<const proto::FunctionDef*> Get(absl::string_view name) const;
  // The nodes of one of the functions. Read when first asked for, so that what
  // is not called does no harm.
  absl::StatusOr<const NodeList*> Nodes(const proto::FunctionDef& function);

 private:
  FunctionLibrary() = default;
  absl::Status AddFunctions(const proto::GraphDef& graph);
  absl::Status CountNodes(const proto::GraphDef& graph, int64_t max_nodes);
  std::vector<int> CalledBy(const proto::NodeDef& node) const;

  std::vector<const proto::FunctionDef*> functions_;
  absl::flat_hash_map<absl::string_view, int> by_name_;
  absl::flat_hash_map<const proto::FunctionDef*, std::unique_ptr<NodeList>>
      nodes_;
};

}  // namespace weft

#endif  // WEFT_GRAPH_FUNCTION_LIBRARY_H_
