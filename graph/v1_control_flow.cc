#include "graph/v1_control_flow.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "core/status.h"
#include "graph/stack.h"
#include "graph/tensor_array.h"
#include "graph/v1_control_flow_cond.h"
#include "graph/v1_control_flow_graph.h"
#include "graph/v1_control_flow_loop.h"

namespace weft {
namespace {

bool IsOld(const proto::NodeDef& node) {
  return V1OpOf(node.op()) != V1Op::kNone ||
         absl::StartsWith(node.op(), "TensorArray") || IsStackOp(node.op());
}

}  // namespace

void StructuredGraph::AddNamesTo(Graph& graph) const {
  for (const auto& [name, target] : aliases) {
    const absl::StatusOr<Output> output = graph.FindOutput(target);
    if (output.ok()) graph.AddAlias(name, *output);
  }
  for (const auto& [name, where] : hidden) graph.AddHidden(name, where);
}

absl::StatusOr<std::unique_ptr<StructuredGraph>> StructureOldGraph(
    const proto::GraphDef& file, int64_t max_nodes) {
  if (std::none_of(file.node().begin(), file.node().end(), IsOld))
    return nullptr;
  V1Module module(max_nodes);
  WEFT_RETURN_IF_ERROR(module.Read(file));
  WEFT_ASSIGN_OR_RETURN(const V1Stacks stacks,
                        V1Stacks::Find(module.outermost()));
  WEFT_RETURN_IF_ERROR(RewriteTensorArrays(module, stacks));
  WEFT_RETURN_IF_ERROR(RewriteStacks(module, stacks));
  WEFT_RETURN_IF_ERROR(StructureLoops(module));
  WEFT_RETURN_IF_ERROR(StructureConditionals(module));
  auto result = std::make_unique<StructuredGraph>();
  result->def = module.Emit(file);
  result->aliases = module.FinalAliases();
  result->hidden = module.FinalHidden();
  return result;
}

}  // namespace weft
