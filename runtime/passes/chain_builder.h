// From series of nodes that correspond to each other to chains of steps.
#ifndef WEFT_RUNTIME_PASSES_CHAIN_BUILDER_H_
#define WEFT_RUNTIME_PASSES_CHAIN_BUILDER_H_

#include <optional>
#include <string>
#include <vector>

#include "runtime/passes/match_steps.h"
#include "runtime/passes/step_alignment.h"
#include "runtime/passes/step_chains.h"
#include "runtime/plan_graph.h"

namespace weft {

// Where a node is in the chains that were made.
struct StepPlace {
  int chain = -1;
  int series = -1;
  int step = -1;
};

// Makes the chains of one match after another. A chain has one recurrence:
// series that depend on each other across steps; and those that only lead to it
// or from it.
class ChainBuilder {
 public:
  explicit ChainBuilder(const PlanGraph& graph);

  // Adds the chains that these series hold. Their nodes, or none.
  std::vector<int> Add(std::vector<NodeSeries> series,
                       std::vector<std::string>* reasons);

  const std::vector<StepChain>& chains() const { return chains_; }
  const std::vector<StepPlace>& places() const { return places_; }

 private:
  bool IsWorthIt(const std::vector<int>& core) const;
  std::optional<StepChain> Build(std::vector<int> group, std::string* reason);
  void FindOrder(const std::vector<int>& core, const std::vector<int>& group);
  bool Entangles(int series, StepWindow window) const;
  bool Settle(std::vector<int>* members, StepWindow* window,
              std::string* reason);
  StepInput InputOf(int series, int input, StepWindow window,
                    StepWindow* fits) const;
  bool DropUseless(std::vector<int>* members, StepWindow window);

  int InputAt(int series, int input, int step) const {
    return graph_.nodes[steps_.NodeAt(series, step)].inputs[input];
  }
  bool SameConstant(int a, int b) const;
  // Is the value made by a step of `window` of the group that is being built?
  bool IsMade(int value, StepWindow window) const;

  const PlanGraph& graph_;
  StepAlignment steps_;  // Of one match.
  std::vector<StepChain> chains_;
  std::vector<StepPlace> places_;  // By node.
  std::vector<int> position_;      // By node: in the frame's order.
  // By value: does it depend on a feed? What does not are weights, which must
  // not be copied to be rows.
  std::vector<bool> follows_feeds_;
  std::vector<std::vector<int>> before_;  // By node: what it needs,
  std::vector<std::vector<int>> after_;   // and what needs it.
  // By node: chain_mark_ if it comes before or after the recurrence of the
  // chain that is being built.
  std::vector<int> comes_before_;
  std::vector<int> comes_after_;
  int chain_mark_ = 0;

  std::vector<bool> is_member_;  // By series: of the chain being built.
};

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_CHAIN_BUILDER_H_
