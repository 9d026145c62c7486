// The gradients of nodes with bodies, as their schemas have them.
#ifndef WEFT_OPS_GRADIENTS_CONTROL_FLOW_H_
#define WEFT_OPS_GRADIENTS_CONTROL_FLOW_H_

#include "graph/op.h"
#include "graph/output.h"

namespace weft {

Outputs WhileGradient(const GradContext& g);
Outputs IfGradient(const GradContext& g);
Outputs CallGradient(const GradContext& g);

}  // namespace weft

#endif  // WEFT_OPS_GRADIENTS_CONTROL_FLOW_H_
