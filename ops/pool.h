// Pools over images: the largest, or the mean, of each window.
//
//   Output y = MaxPool(x, {.ksize = {2, 2}, .strides = {2, 2}});
#ifndef WEFT_OPS_POOL_H_
#define WEFT_OPS_POOL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "graph/output.h"
#include "ops/array.h"

namespace weft {

struct PoolOptions {
  std::vector<int64_t> ksize = {2, 2};    // Of height and width.
  std::vector<int64_t> strides = {2, 2};  // Of height and width.
  std::string padding = "VALID";          // Or "SAME".
  std::string data_format = "NHWC";       // Or "NCHW".
  std::string name = {};
};

// The largest of each window over `input` [batch, height, width, channels].
Output MaxPool(Operand input, const PoolOptions& options = {});
// Its gradient: goes to the first of the largest in each window.
Output MaxPoolGrad(Operand orig_input, Operand orig_output, Operand grad,
                   const PoolOptions& options = {});
// The gradient of that with respect to `grad`: of each window, the element of
// `grad` that stands where the first of the largest is.
Output MaxPoolGradGrad(Operand orig_input, Operand orig_output, Operand grad,
                       const PoolOptions& options = {});

// The mean of each window; padding does not count.
Output AvgPool(Operand value, const PoolOptions& options = {});
// Its gradient, for an input of shape `orig_input_shape`.
Output AvgPoolGrad(const IntsArg& orig_input_shape, Operand grad,
                   const PoolOptions& options = {});

}  // namespace weft

#endif  // WEFT_OPS_POOL_H_
