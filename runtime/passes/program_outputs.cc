#include "runtime/passes/program_outputs.h"

#include <cstdint>
#include <utility>

#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

// Shorter rows are added up in another order, longer ones in blocks: see
// kernels/reduce_row.h.
constexpr int64_t kShortestRow = 16;
constexpr int64_t kLongestRow = 2048;

}  // namespace

int ProgramOf(const PlanGraph& graph, int value, int frame) {
  const int maker = graph.values[value].node;
  const bool is_program = maker >= 0 && graph.nodes[maker].made != nullptr &&
                          graph.nodes[maker].made->op == "_Pointwise" &&
                          graph.nodes[maker].frame == frame;
  return is_program ? maker : -1;
}

ProgramOutput TakeOutput(PlanGraph* graph, int value, std::vector<int>* uses) {
  const PlanValue made = graph->values[value];
  ProgramOutput output = {
      .index = made.index,
      .value = value,
      .op = std::make_shared<MadeOp>(*graph->nodes[made.node].made)};
  if ((*uses)[value] == 1) return output;
  --(*uses)[value];
  output.index = static_cast<int>(graph->nodes[made.node].outputs.size());
  PlanValue again = made;
  again.index = output.index;
  output.value = graph->AddValue(again);
  graph->nodes[made.node].outputs.push_back(output.value);
  uses->push_back(1);
  auto outputs = output.op->attrs.Get<std::vector<int64_t>>("outputs");
  outputs.push_back(outputs[made.index]);
  output.op->attrs.Set("outputs", outputs);
  output.op->output_types.push_back(made.dtype);
  return output;
}

std::optional<RowSum> RowSumOf(const PlanGraph& graph, int id) {
  const PlanNode& node = graph.nodes[id];
  const bool is_mean = node.op() == "Mean";
  if (node.made != nullptr || node.role != OpRole::kCompute ||
      !node.controls.empty() || (!is_mean && node.op() != "Sum")) {
    return std::nullopt;
  }
  const PlanValue& value = graph.values[node.inputs[0]];
  const bool fits =
      (value.dtype == DataType::kFloat || value.dtype == DataType::kDouble) &&
      value.shape->rank() >= 2 && value.shape->dim(-1) >= kShortestRow &&
      value.shape->dim(-1) <= kLongestRow;
  const std::optional<int64_t> axis = KnownScalar(graph, node.inputs[1]);
  if (!fits || (axis != -1 && axis != value.shape->rank() - 1))
    return std::nullopt;
  return RowSum{is_mean, node.attrs().Get<bool>("keep_dims")};
}

}  // namespace weft
