// A program adds up the rows of what it computes:
//
//   y = _Pointwise(...)    =>   y, s = _Pointwise(...)
//   s = Sum(y, axis=-1)
//
// Where nothing else uses y, it is in no memory.
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/passes/passes.h"
#include "runtime/passes/program_outputs.h"
#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

// Each takes registers of the program.
constexpr size_t kMaxSums = 2;

}  // namespace

void SumRows(PlanGraph* graph, PassReport* report) {
  UseCounts uses = CountUses(*graph);
  std::vector<int> replacement(graph->values.size());
  for (size_t v = 0; v < replacement.size(); ++v)
    replacement[v] = static_cast<int>(v);
  int sums = 0;
  for (size_t n = 0; n < graph->nodes.size(); ++n) {
    const std::optional<RowSum> sum = RowSumOf(*graph, static_cast<int>(n));
    if (!sum.has_value() || uses.waited[n]) continue;
    const PlanNode& node = graph->nodes[n];
    const int program = ProgramOf(*graph, node.inputs[0], node.frame);
    if (program < 0) continue;
    auto attr = graph->nodes[program].attrs().Get<std::vector<int64_t>>("sums");
    if (attr.size() >= 3 * kMaxSums) continue;
    const ProgramOutput output =
        TakeOutput(graph, node.inputs[0], &uses.values);
    attr.insert(attr.end(), {output.index, sum->is_mean, sum->keep_dims});
    output.op->attrs.Set("sums", attr);
    graph->nodes[program].made = output.op;
    graph->values[output.value].shape = graph->values[node.outputs[0]].shape;
    replacement.resize(graph->values.size(), output.value);
    replacement[output.value] = output.value;
    replacement[node.outputs[0]] = output.value;
    ++sums;
  }
  graph->ReplaceUses(replacement);
  report->push_back(
      absl::StrCat("sums: ", sums, " of rows are part of a program"));
}

}  // namespace weft
