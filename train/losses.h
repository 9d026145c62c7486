// Losses: what training makes small.
#ifndef WEFT_TRAIN_LOSSES_H_
#define WEFT_TRAIN_LOSSES_H_

#include <string>

#include "graph/output.h"

namespace weft {

struct LossOptions {
  Output
      weights;  // Of labels' shape: 0 leaves an element out. None: all count.
  std::string name = "loss";
};

// The mean cross entropy, in nats, of softmax(logits) [..., classes] against
// integer labels [...]: a scalar. With weights: the weighted mean. A run fails
// if a label is not in [0, classes).
Output SparseSoftmaxCrossEntropy(Operand logits, Operand labels,
                                 const LossOptions& options = {});

// The mean cross entropy of softmax(logits) against label distributions, both
// [..., classes]. Weights are of shape [...].
Output SoftmaxCrossEntropy(Operand logits, Operand labels,
                           const LossOptions& options = {});

// The mean of (predictions - targets)^2, which have one shape.
Output MeanSquaredError(Operand predictions, Operand targets,
                        const LossOptions& options = {});

}  // namespace weft

#endif  // WEFT_TRAIN_LOSSES_H_
