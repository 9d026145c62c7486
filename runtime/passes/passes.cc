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

absl::Status RunRewrites(Precision precision, PlanGraph* graph,
                         PassReport* report) {
  HoistInvariants(graph, report);
  WEFT_RETURN_IF_ERROR(OrderNodes(graph));
  StoreRows(graph, report);
  Prune(graph, nullptr);
  WEFT_RETURN_IF_ERROR(OrderNodes(graph));
  RewriteLoops(precision, graph, report);
  Prune(graph, nullptr);
  WEFT_RETURN_IF_ERROR(OrderNodes(graph));
  FusePointwise(graph, report);
  Prune(graph, nullptr);
  return OrderNodes(graph);
}

}  // namespace weft
