#include "train/losses.h"

#include "core/status.h"
#include "graph/graph.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"

namespace weft {
namespace {

Output Flat(Output x) { return x.shape().rank() == 1 ? x : Reshape(x, {-1}); }

// The mean of `losses` [n], or their mean weighted by `weights`.
Output Average(Output losses, const Output& weights) {
  if (!weights.valid()) return Mean(losses);
  Output w = weights.dtype() == losses.dtype() ? weights
                                               : Cast(weights, losses.dtype());
  w = Flat(w);
  Output total = Sum(losses * w);
  // All left out: a loss of 0, not of 0 / 0.
  return DivNoNan(total, Sum(w));
}

Output Rows(Operand logits, const std::string& name) {
  const TensorShape& shape = logits.shape();
  if (shape.rank() >= 2 && shape.dim(-1) > 0) {
    return shape.rank() == 2 ? logits.output
                             : Reshape(logits, {-1, shape.dim(-1)});
  }
  return Output(logits.graph().Fail(
      InvalidArgument(
          "'", name, "': logits are ", shape.ToString(),
          " but must be [..., classes] with a known number of classes"),
      logits.location));
}

}  // namespace

Output SparseSoftmaxCrossEntropy(Operand logits, Operand labels,
                                 const LossOptions& options) {
  LocationScope at(logits);
  NameScope scope(logits.graph(), options.name);
  Output rows = Rows(logits, options.name);
  Output losses = SparseSoftmaxCrossEntropyWithLogits(rows, Flat(labels)).loss;
  return Average(losses, options.weights);
}

Output SoftmaxCrossEntropy(Operand logits, Operand labels,
                           const LossOptions& options) {
  LocationScope at(logits);
  NameScope scope(logits.graph(), options.name);
  Output rows = Rows(logits, options.name);
  Output losses =
      SoftmaxCrossEntropyWithLogits(rows, Rows(labels, options.name)).loss;
  return Average(losses, options.weights);
}

Output MeanSquaredError(Operand predictions, Operand targets,
                        const LossOptions& options) {
  LocationScope at(predictions);
  NameScope scope(predictions.graph(), options.name);
  return Average(Flat(SquaredDifference(predictions, targets)),
                 options.weights);
}

}  // namespace weft
