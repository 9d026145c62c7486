// Tensors of what the steps of chains have one by one.
#ifndef WEFT_RUNTIME_PASSES_STEP_TENSORS_H_
#define WEFT_RUNTIME_PASSES_STEP_TENSORS_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "runtime/passes/step_chains.h"
#include "runtime/passes/tensor_parts.h"
#include "runtime/plan_graph.h"

namespace weft {

// Adds nodes that make them, in frame 0. Their rows are along the first axis.
class StepTensors {
 public:
  StepTensors(PlanGraph* graph, const std::vector<StepChain>* chains)
      : graph_(*graph), chains_(*chains) {}

  // The parts of a tensor, at least as many as the chains read. Made once; the
  // first time it is named after `source`.
  int PartsOf(const TensorCut& cut, int source);
  // Input i of a series, a constant of each step.
  int StackedConstants(const StepChain& chain, int series, int i);
  // Input i of a series, whatever it is in each step.
  int Packed(const StepChain& chain, int series, int i);

 private:
  PlanGraph& graph_;
  const std::vector<StepChain>& chains_;
  absl::flat_hash_map<TensorCut, int> parts_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_STEP_TENSORS_H_
