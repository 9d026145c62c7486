// Inference of ops whose inputs must have one shape.
#ifndef WEFT_OPS_SAME_SHAPE_H_
#define WEFT_OPS_SAME_SHAPE_H_

#include "graph/infer.h"
#include "graph/op.h"

namespace weft::infer {

// Output 0 is like all inputs, which have one shape.
inline void SameShapes(InferContext& c) {
  TensorShape shape = c.input(0);
  for (int i = 1; i < c.num_inputs(); ++i) {
    if (!shape.IsCompatibleWith(c.input(i))) {
      return c.Fail("input ", i, " is ", c.input(i).ToString(), " but must be ",
                    shape.ToString(), " like input 0");
    }
    shape = shape.MergedWith(c.input(i));
  }
  c.SetOutput(0, shape);
}

}  // namespace weft::infer

#endif  // WEFT_OPS_SAME_SHAPE_H_
