// From the Graph that a user built to the PlanGraph that the passes work on.
#ifndef WEFT_RUNTIME_IMPORT_GRAPH_H_
#define WEFT_RUNTIME_IMPORT_GRAPH_H_

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "runtime/plan_graph.h"
#include "runtime/signature.h"

namespace weft {

// What `signature` needs of `graph`: everything that the fetches and targets
// depend on, up to what is fed. Calls are inlined; bodies come with all of
// their results, for Prune to thin out.
absl::StatusOr<PlanGraph> ImportGraph(const Graph& graph,
                                      const ResolvedSignature& signature);

}  // namespace weft

#endif  // WEFT_RUNTIME_IMPORT_GRAPH_H_
