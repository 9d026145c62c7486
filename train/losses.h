// Losses: what training makes small.
//
// Each is the mean over all elements, a scalar. With weights it is the mean
// weighted by them, so a mask [batch, time] of bools leaves padding out:
//
//   Output loss = MeanSquaredError(y, target, {.weights = mask});
#ifndef WEFT_TRAIN_LOSSES_H_
#define WEFT_TRAIN_LOSSES_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/output.h"

namespace weft {

struct LossOptions {
  // Of the shape of the single losses, or of its first axes, bool or numbers: 0
  // leaves an element out. None: all count.
  Output weights = {};
  std::string name = "loss";
};

// ---- Classes, from logits ---------------------------------------------------

// The cross entropy, in nats, of softmax(logits) [..., classes] against integer
// labels [...]. A run fails if a label is not in [0, classes).
Output SparseSoftmaxCrossEntropy(Operand logits, Operand labels,
                                 const LossOptions& options = {});

// The cross entropy of softmax(logits) against label distributions, both
// [..., classes]; single losses are of shape [...].
Output SoftmaxCrossEntropy(Operand logits, Operand labels,
                           const LossOptions& options = {});

// The cross entropy of sigmoid(logits) against targets in [0, 1], of one shape;
// each element is a question of its own.
Output SigmoidCrossEntropy(Operand logits, Operand targets,
                           const LossOptions& options = {});

// ---- Classes, from probabilities --------------------------------------------
// As Keras has them: probabilities are clipped to [1e-7, 1 - 1e-7], so that the
// loss stays finite. From logits the losses above are more exact.

// -sum(targets * log(probabilities)) over the last axis, [..., classes].
// Probabilities are divided by their sum first.
Output CategoricalCrossEntropy(Operand probabilities, Operand targets,
                               const LossOptions& options = {});

// The same against integer labels [...]. A run fails if a label is not in [0,
// classes).
Output SparseCategoricalCrossEntropy(Operand probabilities, Operand labels,
                                     const LossOptions& options = {});

// -(t * log(p) + (1 - t) * log(1 - p)) of probabilities p and targets t in
// [0, 1], of one shape.
Output BinaryCrossEntropy(Operand probabilities, Operand targets,
                          const LossOptions& options = {});

// ---- Numbers ----------------------------------------------------------------

// (predictions - targets)^2, of one shape.
Output MeanSquaredError(Operand predictions, Operand targets,
                        const LossOptions& options = {});

// |predictions - targets|, of one shape.
Output MeanAbsoluteError(Operand predictions, Operand targets,
                         const LossOptions& options = {});

// ---- Penalties --------------------------------------------------------------

// `loss`, a scalar, plus the penalties that regularizers have put into its
// graph: what is to be minimized where layers have regularizers.
Output WithRegularization(Operand loss);

// ---- By name ----------------------------------------------------------------

using LossFn = std::function<Output(Operand predictions, Operand targets,
                                    const LossOptions& options)>;

// The loss that Keras calls `name`: mean_squared_error (mse),
// mean_absolute_error (mae), binary_crossentropy, categorical_crossentropy,
// sparse_categorical_crossentropy. InvalidArgument for another name.
absl::StatusOr<LossFn> FindLoss(absl::string_view name);

}  // namespace weft

#endif  // WEFT_TRAIN_LOSSES_H_
