// Outputs of programs that other passes change.
#ifndef WEFT_RUNTIME_PASSES_PROGRAM_OUTPUTS_H_
#define WEFT_RUNTIME_PASSES_PROGRAM_OUTPUTS_H_

#include <memory>
#include <optional>
#include <vector>

#include "runtime/plan_graph.h"

namespace weft {

// The program that computes `value`, if a node of `frame` is one; else -1.
int ProgramOf(const PlanGraph& graph, int value, int frame);

// An output of a program that is to be stored in another way.
struct ProgramOutput {
  int index = -1;
  int value = -1;
  std::shared_ptr<MadeOp> op;  // A copy, to be changed and put back.
};

// For a user of `value`: its own output, if nothing else uses it, or the same
// result once more. `uses` are those of all values, and follow.
ProgramOutput TakeOutput(PlanGraph* graph, int value, std::vector<int>* uses);

// How a Sum or Mean of floats is along the last axis, of a length that one
// program can add up.
struct RowSum {
  bool is_mean = false;
  bool keep_dims = false;
};
std::optional<RowSum> RowSumOf(const PlanGraph& graph, int node);

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_PROGRAM_OUTPUTS_H_
