// Inference of the steps of optimizers.
#ifndef WEFT_OPS_INFER_APPLY_H_
#define WEFT_OPS_INFER_APPLY_H_

#include "graph/infer.h"

namespace weft::infer {

// Inputs: `num_variables` handles of one shape, scalars, and a gradient of that
// shape at `grad`.
inline void Apply(InferContext& c, int num_variables, int grad) {
  for (int i = 0; i < c.num_inputs(); ++i) {
    if (i < num_variables || i == grad) {
      if (c.input(0).IsCompatibleWith(c.input(i))) continue;
      c.Fail("input ", i, " is ", c.input(i).ToString(),
             " but the variable is ", c.input(0).ToString());
      return;
    }
    c.Expect(i, {});
  }
}

}  // namespace weft::infer

#endif  // WEFT_OPS_INFER_APPLY_H_
