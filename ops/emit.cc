#include "ops/emit.h"

#include <string>
#include <utility>

#include "core/status.h"
#include "graph/graph.h"

namespace weft {

Graph* InnermostGraph(const std::vector<Operand>& inputs) {
  Graph* innermost = nullptr;
  for (const Operand& x : inputs) {
    if (!x.output.valid()) continue;
    Graph& graph = x.graph();
    if (innermost == nullptr ||
        (innermost != &graph && graph.depth() > innermost->depth())) {
      innermost = &graph;
    }
  }
  return innermost;
}

Node* EmitNode(absl::string_view op, const std::vector<Operand>& inputs,
               AttrMap attrs, absl::string_view name) {
  Graph* graph = InnermostGraph(inputs);
  if (graph == nullptr) return nullptr;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].output.valid()) continue;
    return graph->Fail(
        InvalidArgument(op, ": input ", i, " is an Output of no node"),
        inputs[i].location);
  }
  return graph->Add(op, inputs, std::move(attrs), {.name = std::string(name)});
}

Output Emit(absl::string_view op, const std::vector<Operand>& inputs,
            AttrMap attrs, absl::string_view name) {
  Node* node = EmitNode(op, inputs, std::move(attrs), name);
  return node == nullptr ? Output() : Output(node, 0);
}

}  // namespace weft
