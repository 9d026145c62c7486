// What counters are behind a loop, and when it ends, follows from how many
// steps it makes.
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/passes/counted_loop.h"
#include "runtime/passes/made_nodes.h"
#include "runtime/passes/passes.h"

namespace weft {
namespace {

// Replaces the final values of the counters of `loop`, which makes `steps`
// steps; returns how many.
int ReplaceCounters(PlanGraph* graph, int loop, int steps,
                    std::vector<int>* replacement) {
  const int num_variables = static_cast<int>(graph->nodes[loop].outputs.size());
  int counted = 0;
  for (int k = 0; k < num_variables; ++k) {
    const int step = StepOf(*graph, loop, k);
    if (step == 0) continue;
    const int first = graph->nodes[loop].inputs[k];
    if (graph->values[first].dtype != graph->values[steps].dtype) continue;
    (*replacement)[graph->nodes[loop].outputs[k]] =
        AddArithmetic(graph, step > 0 ? "AddV2" : "Sub", loop,
                      graph->nodes[loop].frame, first, steps);
    ++counted;
  }
  return counted;
}

}  // namespace

void CountLoops(PlanGraph* graph, PassReport* report) {
  std::vector<int> replacement(graph->values.size());
  for (size_t v = 0; v < replacement.size(); ++v)
    replacement[v] = static_cast<int>(v);
  int counted = 0, compared = 0;
  const int num_nodes = static_cast<int>(graph->nodes.size());
  for (int n = 0; n < num_nodes; ++n) {
    if (graph->nodes[n].role != OpRole::kWhile) continue;
    const int steps = AddExactSteps(graph, n);
    if (steps < 0) continue;
    counted += ReplaceCounters(graph, n, steps, &replacement);
    const int condition = AddOneCondition(graph, n, steps);
    if (condition < 0) continue;
    graph->frames[graph->nodes[n].cond].results[0] = condition;
    ++compared;
  }
  auto replace = [&](int* value) {
    if (static_cast<size_t>(*value) < replacement.size())
      *value = replacement[*value];
  };
  for (PlanNode& node : graph->nodes) {
    // Made nodes may take a counter only to run behind its loop.
    const bool waits = node.made != nullptr && node.role == OpRole::kCompute &&
                       !node.made->is_pure;
    if (waits) continue;
    for (int& input : node.inputs) replace(&input);
  }
  for (PlanFrame& frame : graph->frames) {
    for (int& result : frame.results) replace(&result);
  }
  report->push_back(
      absl::StrCat("counters: ", counted, " known before their loops"));
  report->push_back(
      absl::StrCat("conditions: ", compared, " of several counters are one"));
}

}  // namespace weft
