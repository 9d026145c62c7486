// Gradients of functions whose inputs broadcast.
#ifndef WEFT_OPS_BROADCAST_GRADIENT_H_
#define WEFT_OPS_BROADCAST_GRADIENT_H_

#include "graph/output.h"

namespace weft {

// The gradients of inputs x and y of a function whose result had the broadcast
// shape: `gx` and `gy`, which have that shape, summed over the axes along which
// x and y were repeated. Each may be invalid and then stays so.
Outputs SumToShapes(Operand x, Operand y, Output gx, Output gy);

}  // namespace weft

#endif  // WEFT_OPS_BROADCAST_GRADIENT_H_
