// Gradients: reverse-mode differentiation of graphs.
#ifndef WEFT_OPS_GRADIENTS_H_
#define WEFT_OPS_GRADIENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graph/output.h"
#include "ops/variable.h"

namespace weft {

struct GradientsOptions {
  // The gradients that flow into `ys`; one per y, of its dtype and shape. An
  // invalid Output, or none at all: ones.
  Outputs grad_ys = {};
  // Taken as constants: nothing flows through them.
  Outputs stop_gradients = {};
  // Of a loop of n steps only the last min(k, n) are gone back through; what
  // flows into earlier ones is ignored. Not given: all.
  std::optional<int64_t> truncate = {};
  // For an x on which no y depends: zeros instead of an invalid Output.
  bool zeros_if_unconnected = false;
  std::string name = "gradients";  // Scope of the nodes that are added.
};

// d(sum of all ys * grad_ys) / dx for every x, of x's dtype and shape; invalid
// where no y depends on x through differentiable values.
//
// An x that is a variable's read or handle stands for the variable: its
// gradient collects all reads, also those within loops and branches. Loops are
// extended by outputs that save what the way back needs: memory linear in the
// steps. Fails the graph if an op on the way from x to y has no gradient.
Outputs Gradients(const Operands& ys, const Operands& xs,
                  const GradientsOptions& options = {});
Outputs Gradients(const Operands& ys, const std::vector<Variable>& xs,
                  const GradientsOptions& options = {});

}  // namespace weft

#endif  // WEFT_OPS_GRADIENTS_H_
