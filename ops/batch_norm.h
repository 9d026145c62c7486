// Batch normalisation of images, as TensorFlow's fused ops say it.
#ifndef WEFT_OPS_BATCH_NORM_H_
#define WEFT_OPS_BATCH_NORM_H_

#include <string>

#include "graph/output.h"

namespace weft {

struct BatchNormOptions {
  float epsilon = 1e-4f;
  float exponential_avg_factor = 1;  // Weight of this batch in the averages.
  std::string data_format = "NHWC";  // Or "NCHW".
  bool is_training = true;
};

struct BatchNormOutputs {
  Output y;
  Output batch_mean;      // [channels]; the new moving average.
  Output batch_variance;  // The same, of the unbiased variance.
  Output saved_mean;      // What y was computed with.
  Output saved_variance;
};

// (x - m) * scale / sqrt(v + epsilon) + offset for each channel of x [batch,
// height, width, channels], in the type of `scale`; y is of x's type. In
// training m and v are those of the batch, else `mean` and `variance`.
BatchNormOutputs FusedBatchNorm(Output x, Output scale, Output offset,
                                Output mean, Output variance,
                                const BatchNormOptions& options = {});

}  // namespace weft

#endif  // WEFT_OPS_BATCH_NORM_H_
