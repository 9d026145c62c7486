// Emit: how op functions add their node.
//
//   Output Tanh(Operand x, absl::string_view name) {
//     return Emit("Tanh", {x}, {}, name);
//   }
#ifndef WEFT_OPS_EMIT_H_
#define WEFT_OPS_EMIT_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "core/attr.h"
#include "graph/output.h"

namespace weft {

// The graph that a node with these inputs belongs to: the innermost of theirs.
// Null if no input is valid.
Graph* InnermostGraph(const std::vector<Operand>& inputs);

// The new node in the innermost graph of `inputs`. An input that is not valid
// fails that graph; null if no input is valid, and so there is no graph.
Node* EmitNode(absl::string_view op, const std::vector<Operand>& inputs,
               AttrMap attrs = {}, absl::string_view name = {});
// Its first output; not valid if no input is.
Output Emit(absl::string_view op, const std::vector<Operand>& inputs,
            AttrMap attrs = {}, absl::string_view name = {});

}  // namespace weft

#endif  // WEFT_OPS_EMIT_H_
