// Clipping of gradients.
#ifndef WEFT_TRAIN_CLIPPING_H_
#define WEFT_TRAIN_CLIPPING_H_

#include "graph/output.h"

namespace weft {

// The square root of the sum of all squares: a scalar. Outputs that are not
// valid (no gradient) count as zeros.
Output GlobalNorm(const Operands& tensors);

struct ClippedGradients {
  Outputs gradients;
  Output norm;  // Before clipping.
};

// `gradients`, scaled down together so that their global norm is at most
// `clip_norm` > 0 (Pascanu et al., 2013). A norm that is not finite makes all
// of them NaN, so that it is seen.
ClippedGradients ClipByGlobalNorm(const Operands& gradients, double clip_norm);

}  // namespace weft

#endif  // WEFT_TRAIN_CLIPPING_H_
