#include "runtime/passes/passes.h"

#include "core/status.h"

namespace weft {

absl::Status RunPasses(const PassOptions& options, PlanGraph* graph,
                       PassReport* report) {
  Prune(graph, report);
  WEFT_RETURN_IF_ERROR(OrderNodes(graph));
  if (!options.enabled) return absl::OkStatus();
  FindInvariants(graph, report);
  FoldConstants(graph, report);
  ShareCommonSubexpressions(graph, report);
  Prune(graph, report);
  return OrderNodes(graph);
}

absl::Status RunRewrites(const RewriteOptions& options, PlanGraph* graph,
                         PassReport* report) {
  if (options.assumes) {
    RollUp(graph, report);
    Prune(graph, nullptr);
    WEFT_RETURN_IF_ERROR(OrderNodes(graph));
    AssumeShapes(graph, report);
    Prune(graph, nullptr);
    WEFT_RETURN_IF_ERROR(OrderNodes(graph));
  }
  HoistInvariants(graph, report);
  WEFT_RETURN_IF_ERROR(OrderNodes(graph));
  CountLoops(graph, report);
  Prune(graph, nullptr);
  WEFT_RETURN_IF_ERROR(OrderNodes(graph));
  StoreRows(options.assumes, graph, report);
  Prune(graph, nullptr);
  WEFT_RETURN_IF_ERROR(OrderNodes(graph));
  RewriteLoops(options.precision, graph, report);
  Prune(graph, nullptr);
  WEFT_RETURN_IF_ERROR(OrderNodes(graph));
  SplitFirst(graph, report);
  Prune(graph, nullptr);
  WEFT_RETURN_IF_ERROR(OrderNodes(graph));
  FusePointwise(graph, report);
  Prune(graph, nullptr);
  return OrderNodes(graph);
}

}  // namespace weft
