// Backprop: the gradients of one graph, node by node.
#ifndef WEFT_OPS_GRADIENTS_BACKPROP_H_
#define WEFT_OPS_GRADIENTS_BACKPROP_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "core/attr.h"
#include "graph/graph.h"
#include "graph/output.h"
#include "ops/control_flow_copy.h"
#include "ops/gradients_flow.h"

namespace weft {

// What a loop saves in every step: a value of its body, or what the op `op`
// makes of that (its shape, say).
struct SavedValue {
  Output value;
  std::string op = {};  // Empty: the value itself.
  AttrMap attrs = {};
};

// What the graphs share that one call of Gradients works on.
//
// The gradient of a loop or branch is found in a copy of the body, to which the
// backward nodes are added as if it were a graph of its own. What they need
// goes into the backward body; the copy is thrown away.
struct GradientContext {
  std::optional<int64_t> truncate;
  std::vector<std::unique_ptr<Graph>> copies;
  NodeOrigins origins;  // Of the nodes of copies.
  // What the arguments of copies stand for outside.
  absl::flat_hash_map<Output, Output> outside;
  // What loops were asked to save. A loop in a copy of a body is extended
  // first; if that matters, so is the loop it was copied from, in the same way.
  struct LoopLog {
    bool counts_steps = false;
    std::vector<SavedValue> saved;
    bool repeated = false;
  };
  absl::flat_hash_map<const Node*, LoopLog> loops;
};

class Backprop {
 public:
  // `in_loop`: the graph is within a loop body, where loops are not truncated.
  Backprop(Graph& graph, GradientContext& context, bool in_loop)
      : graph_(graph), context_(context), in_loop_(in_loop) {}

  // Adds `dy` to the gradient of `y`.
  void Seed(Output y, Output dy) { Contribute(y, dy); }
  // Tells that of the one seed of `list` element `index` is zero.
  void MarkFresh(Output list, Output index) {
    flows_[list].fresh_indices.push_back(index);
  }
  // The gradients of `xs`; invalid where none flows. Nothing flows through
  // `stops`. Fails the graph at an op without gradient.
  Outputs Run(const Outputs& xs, const Outputs& stops = {});

 private:
  // What flows into a value from its users.
  struct Flow {
    Outputs whole;
    std::vector<std::pair<Output, Output>> elements;  // Of a list: index, dy.
    Outputs fresh_indices;
    Output sum;
  };

  void Contribute(Output value, Output dy) {
    flows_[value].whole.push_back(dy);
  }
  // The sum of what has flown into `value`; invalid if nothing has.
  Output Sum(Output value);
  Output SumOfElements(Output list, const Flow& flow, Output sum);
  void Visit(Node* node, const ForwardFlow& active);
  Outputs GradientOf(Node* node, const Outputs& dys, const Flags& wanted);
  bool Check(const Node& node, int input, const Output& dx);

  Graph& graph_;
  GradientContext& context_;
  const bool in_loop_;
  absl::flat_hash_map<Output, Flow> flows_;
};

// The gradients of the inputs of a node with bodies, from those of its outputs
// (invalid where none flows), as far as they are `wanted`.
Outputs DifferentiateLoop(Node* loop, const Outputs& dys, const Flags& wanted,
                          GradientContext& context, bool in_loop);
Outputs DifferentiateBranches(Node* node, const Outputs& dys,
                              const Flags& wanted, GradientContext& context,
                              bool in_loop);

// The dtype of gradients of `value`: a variable's for its handle.
DataType GradientType(Output value, const GradientContext& context);
// Zeros as a gradient of `value`, in its graph: a tensor, of a list a list.
Output ZeroGradient(Output value, const GradientContext& context);
// The dtype of the elements of `list`; kInvalid if nothing tells.
DataType ListElementType(Output list, const GradientContext& context);
// The dtype of the variable behind `handle`; kInvalid if nothing tells.
DataType VariableType(Output handle, const GradientContext& context);

}  // namespace weft

#endif  // WEFT_OPS_GRADIENTS_BACKPROP_H_
