// Loops whose number of steps follows from their counters.
#ifndef WEFT_RUNTIME_PASSES_COUNTED_LOOPS_H_
#define WEFT_RUNTIME_PASSES_COUNTED_LOOPS_H_

#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "runtime/plan_graph.h"

namespace weft {

// A variable of a loop that each step makes one more, or one less.
struct LoopCounter {
  int variable = -1;
  int first = -1;  // Its value before the first step.
  bool is_up = true;
};

// What counted loops tell, as values: adds the nodes that compute them.
class CountedLoops {
 public:
  explicit CountedLoops(PlanGraph* graph) : graph_(*graph) {}

  // Is variable `k` of the While `loop` a counter?
  std::optional<LoopCounter> CounterAt(int loop, int k) const;
  // How many steps the loop makes, a scalar of the loop's frame. -1 if that
  // does not follow from its counters, i.e. if it goes on while anything but
  // counters are below (or above) bounds from outside.
  int Steps(int loop);
  // Which step it is, from 0: a scalar of the body. `loop` must have Steps.
  int StepIndex(int loop);
  // A counter behind the loop: first + steps, or first - steps. -1 if its type
  // is not that of Steps.
  int Last(int loop, const LoopCounter& counter);

 private:
  // One condition of a loop: while `counter` is below or above `bound`.
  struct Limit {
    LoopCounter counter;
    int bound = -1;
  };
  bool FindLimits(int loop, int condition, std::vector<Limit>* limits) const;
  std::optional<Limit> LimitOf(int loop, const PlanNode& comparison) const;
  // a - b, as short as can be.
  int Minus(int loop, int frame, int a, int b);
  int Emit(const char* op, int loop, int frame, int a, int b);
  int Zero(int loop, DataType type);

  PlanGraph& graph_;
  absl::flat_hash_map<int, int> steps_;  // By loop.
};

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_COUNTED_LOOPS_H_
