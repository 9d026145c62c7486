// Why a signature can not be run: messages that show the way to the cause.
#ifndef WEFT_RUNTIME_DIAGNOSE_H_
#define WEFT_RUNTIME_DIAGNOSE_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "runtime/plan_graph.h"

namespace weft {

// InvalidArgument if a placeholder is left: one that is needed and not fed.
absl::Status CheckPlaceholders(const PlanGraph& graph);

struct MissingKernel {
  int node;
  std::string reason;
};

// Unimplemented, with all that is missing and the fetches that need it.
absl::Status ReportMissing(const PlanGraph& graph,
                           const std::vector<MissingKernel>& missing);

// "MatMul 'm'(x:0 [2, 28], W:0 [64, 10])", with the shapes that `shape_of`
// gives for the node's inputs; null where none is known.
std::string DescribeCall(
    const PlanGraph& graph, int node,
    absl::FunctionRef<const TensorShape*(int input)> shape_of);

}  // namespace weft

#endif  // WEFT_RUNTIME_DIAGNOSE_H_
