// Gradients of elementwise nodes that are summed up to the shape of an operand.
//
//   reshape(sum(g, broadcast_gradient_args(shape(x), shape(y))), shape(x))
//
// is what building gives where it does not know that no operand is repeated,
// e.g. with a batch of any size. It is taken to be g itself, as it is nearly
// always. The layout checks that: if g has that shape nothing is summed.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/passes/passes.h"

namespace weft {
namespace {

// The node that makes `value`, if it is one of `op` that only computes.
const PlanNode* MakerOf(const PlanGraph& graph, int value,
                        absl::string_view op) {
  const int maker = graph.values[value].node;
  if (maker < 0) return nullptr;
  const PlanNode& node = graph.nodes[maker];
  const bool computes = node.role == OpRole::kCompute && node.made == nullptr &&
                        node.controls.empty() &&
                        node.phase == WritePhase::kNone;
  return computes && node.op() == op ? &node : nullptr;
}

// What the result of the Reshape is summed up from; -1 if it is none of these.
int SummedFrom(const PlanGraph& graph, const PlanNode& reshape) {
  if (reshape.outputs.size() != 1 ||
      MakerOf(graph, reshape.outputs[0], "Reshape") == nullptr) {
    return -1;
  }
  const PlanNode* sum = MakerOf(graph, reshape.inputs[0], "Sum");
  if (sum == nullptr || sum->frame != reshape.frame ||
      sum->attrs().Get<bool>("keep_dims") ||
      MakerOf(graph, sum->inputs[1], "BroadcastGradientArgs") == nullptr) {
    return -1;
  }
  return sum->inputs[0];
}

}  // namespace

void AssumeShapes(PlanGraph* graph, PassReport* report) {
  std::vector<int> replacement(graph->values.size());
  for (size_t v = 0; v < replacement.size(); ++v)
    replacement[v] = static_cast<int>(v);
  int sums = 0;
  const int num_nodes = static_cast<int>(graph->nodes.size());
  for (int n = 0; n < num_nodes; ++n) {
    const PlanNode& node = graph->nodes[n];
    const int from = SummedFrom(*graph, node);
    if (from < 0) continue;
    const int value = node.outputs[0];
    const DataType type = graph->values[value].dtype;
    const int shape = node.inputs[1];
    MadeOp op{.op = "_Like", .is_pure = true, .assumes = true};
    op.input_types = {type, graph->values[shape].dtype};
    op.output_types = {type};
    const int made = graph->AddMade(std::move(op), n, node.frame, {from, shape},
                                    {*graph->values[value].shape});
    replacement[value] = graph->nodes[made].outputs[0];
    ++sums;
  }
  for (size_t v = replacement.size(); v < graph->values.size(); ++v)
    replacement.push_back(static_cast<int>(v));
  graph->ReplaceUses(replacement);
  report->push_back(absl::StrCat("shapes: ", sums,
                                 " sums over repeated axes taken to be none"));
}

}  // namespace weft
