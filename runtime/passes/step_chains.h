// Unrolled recurrences in the graph: chains of steps that do the same.
#ifndef WEFT_RUNTIME_PASSES_STEP_CHAINS_H_
#define WEFT_RUNTIME_PASSES_STEP_CHAINS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/passes/match_steps.h"
#include "runtime/passes/tensor_parts.h"
#include "runtime/plan_graph.h"

namespace weft {

// A value of each step of a chain: an output of one of its series.
struct StepValue {
  int chain = -1;
  int series = -1;
  int output = 0;

  friend bool operator==(const StepValue& a, const StepValue& b) {
    return a.chain == b.chain && a.series == b.series && a.output == b.output;
  }
  template <typename H>
  friend H AbslHashValue(H h, const StepValue& v) {
    return H::combine(std::move(h), v.chain, v.series, v.output);
  }
};

// Where the steps of a chain have an input from.
struct StepInput {
  enum Kind {
    kNone,
    kShared,    // `value` in all steps.
    kStep,      // `of`, of the same step.
    kCarried,   // `of`, of the step before; in the first step `value`.
    kPart,      // Part first + t * stride of the tensor that `cut` cuts.
    kRow,       // `of`, of step first + t * stride of another chain.
    kConstant,  // A constant in each step.
    kGiven,     // Something else in each step.
  } kind = kNone;
  int value = -1;
  StepValue of = {};
  TensorCut cut = {};
  int64_t first = 0;
  int64_t stride = 0;
};

struct StepChain {
  int steps = 0;
  // All with one node per step, in an order in which a step can run them.
  std::vector<NodeSeries> series;
  std::vector<std::vector<StepInput>> inputs;  // By series.
};

// Chains of at least this many steps are found.
inline constexpr int kMinSteps = 4;

// Chains of steps that each hand something on to the next, and that do more
// than elementwise work with weights which they have in common. No node is in
// two of them, and if the nodes of each chain became one the graph would still
// have no cycle. `*reasons` gets a sentence for what looked like one.
std::vector<StepChain> FindStepChains(const PlanGraph& graph,
                                      std::vector<std::string>* reasons);

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_STEP_CHAINS_H_
