// What there is to say about a graph without running it.
#ifndef WEFT_RUNNER_GRAPH_FACTS_H_
#define WEFT_RUNNER_GRAPH_FACTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/data_type.h"
#include "core/tensor_shape.h"
#include "graph/graph.h"
#include "graph/output.h"

namespace weft::runner {

// The outputs of nodes without consumers: those that have values, in the order
// of the graph. Placeholders, and variables as they are, are left out.
Outputs UnconsumedOutputs(const Graph& graph);

// The placeholders without a default that `fetches` depend on, unless through
// `feeds`.
Outputs NeededPlaceholders(const Outputs& fetches, const Outputs& feeds);

// By node id: does it depend on a placeholder without a default that is not
// among `feeds`, unless through one of them?
std::vector<bool> DependOnMissingFeeds(const Graph& graph,
                                       const Outputs& feeds);

// A variable, or a constant that is as good as one: floating, and not a scalar.
struct Weight {
  std::string name;
  DataType dtype = DataType::kInvalid;
  TensorShape shape;
  bool is_variable = false;

  int64_t num_elements() const;  // 0 if the shape is not known.
  int64_t num_bytes() const;
};

// A loop, a conditional, or the call of a function.
struct ControlFlow {
  std::string
      name;  // Behind those of the nodes around it: "outer/while > inner".
  std::string op;
  int num_values = 0;     // Inputs: variables of a loop, arguments.
  int64_t num_nodes = 0;  // In its bodies, those within included.
};

struct StatePair {
  Output initial;
  Output final;
};

struct OpCount {
  int64_t count = 0;
  bool can_run = true;
};

struct GraphFacts {
  Outputs inputs;   // Placeholders, with or without a default.
  Outputs outputs;  // UnconsumedOutputs.
  std::vector<StatePair>
      states;  // SCOPE/initial_state_K and SCOPE/final_state_K.
  std::vector<Weight> weights;  // Variables first.
  std::vector<ControlFlow> control_flow;
  std::map<std::string, OpCount> ops;  // With those in bodies.
  int64_t num_nodes = 0;               // Without those in bodies.
  int64_t num_body_nodes = 0;
};

GraphFacts CollectFacts(const Graph& graph);

// Does the placeholder of this output have a default?
bool HasDefault(const Output& input);

}  // namespace weft::runner

#endif  // WEFT_RUNNER_GRAPH_FACTS_H_
