// What the names of a signature mean in a graph.
#ifndef WEFT_RUNTIME_SIGNATURE_H_
#define WEFT_RUNTIME_SIGNATURE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "graph/output.h"
#include "runtime/session.h"

namespace weft {

struct ResolvedSignature {
  std::vector<Output> feeds;
  std::vector<Output> fetches;
  std::vector<const Node*> targets;
};

// NotFound with the nearest names; InvalidArgument for an output that is fed
// twice, or that can not be fed or fetched.
absl::StatusOr<ResolvedSignature> Resolve(const Graph& graph,
                                          const Signature& signature);

// One string per signature.
std::string SignatureKey(const Signature& signature);

}  // namespace weft

#endif  // WEFT_RUNTIME_SIGNATURE_H_
