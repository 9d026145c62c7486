#include "runtime/passes/passes.h"

#include "core/status.h"

namespace weft {
namespace {

// Removes what a pass has left over. Every pass finds the nodes in order.
absl::Status Tidy(PlanGraph* graph) {
  Prune(graph, nullptr);
  return OrderNodes(graph);
}

}  // namespace

absl::Status RunPasses(const PassOptions& options, PlanGraph* graph,
                       PassReport* report) {
  Prune(graph, report);
  WEFT_RETURN_IF_ERROR(OrderNodes(graph));
  if (!options.enabled) return absl::OkStatus();
  FindInvariants(graph, report);
  FoldConstants(graph, report);
  ShareCommonSubexpressions(graph, report);
  // What the steps compute of equal variables is shared in turn.
  if (MergeVariables(graph, report) > 0)
    ShareCommonSubexpressions(graph, report);
  Prune(graph, report);
  return OrderNodes(graph);
}

absl::Status RunRewrites(const RewriteOptions& options, PlanGraph* graph,
                         PassReport* report) {
  if (options.assumes) {
    RollUp(graph, report);
    WEFT_RETURN_IF_ERROR(Tidy(graph));
    AssumeShapes(graph, report);
    WEFT_RETURN_IF_ERROR(Tidy(graph));
  }
  HoistInvariants(graph, report);
  WEFT_RETURN_IF_ERROR(Tidy(graph));
  CountLoops(graph, report);
  WEFT_RETURN_IF_ERROR(Tidy(graph));
  SplitStates(graph, report);
  WEFT_RETURN_IF_ERROR(Tidy(graph));
  if (options.assumes) {
    DistributeLoops(graph, report);
    WEFT_RETURN_IF_ERROR(Tidy(graph));
  }
  JoinLast(graph, report);
  WEFT_RETURN_IF_ERROR(Tidy(graph));
  StoreRows(options.assumes, graph, report);
  WEFT_RETURN_IF_ERROR(Tidy(graph));
  RewriteLoops(options.precision, graph, report);
  WEFT_RETURN_IF_ERROR(Tidy(graph));
  if (options.assumes) {
    ShareRows(graph, report);
    WEFT_RETURN_IF_ERROR(Tidy(graph));
  }
  SplitFirst(graph, report);
  WEFT_RETURN_IF_ERROR(Tidy(graph));
  FusePointwise(graph, report);
  WEFT_RETURN_IF_ERROR(Tidy(graph));
  SumRows(graph, report);
  WEFT_RETURN_IF_ERROR(Tidy(graph));
  WriteRows(graph, report);
  return OrderNodes(graph);
}

}  // namespace weft
