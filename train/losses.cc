#include "train/losses.h"

#include "core/status.h"
#include "graph/graph.h"
#include "layers/regularizers.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "train/weighted_mean.h"

namespace weft {
namespace {

// Keras' fuzz factor: what keeps logarithms finite.
constexpr double kEpsilon = 1e-7;

// The open scopes of one loss.
class LossScope {
 public:
  LossScope(const Operand& x, const LossOptions& options)
      : location_(x), scope_(x.graph(), options.name) {}

 private:
  LocationScope location_;
  NameScope scope_;
};

// `x` [..., classes] as rows [n, classes].
Output Rows(Operand x, const std::string& name) {
  const TensorShape& shape = x.shape();
  if (shape.rank() >= 2 && shape.dim(-1) > 0) {
    return shape.rank() == 2 ? x.output : Reshape(x, {-1, shape.dim(-1)});
  }
  return Output(x.graph().Fail(
      InvalidArgument(
          "'", name, "': logits are ", shape.ToString(),
          " but must be [..., classes] with a known number of classes"),
      x.location));
}

// `losses` [n] under the shape [...] of `x` [..., classes].
Output WithoutClasses(Output losses, Output x) {
  if (x.shape().rank() == 2) return losses;
  const int64_t axes = x.shape().rank() - 1;
  return Reshape(losses, SliceAxis(Shape(x), 0, 0, axes));
}

Output Clipped(Output probabilities) {
  return ClipByValue(probabilities, kEpsilon, 1 - kEpsilon);
}

// The same divided by their sum over the classes.
Output Normalised(Output p) {
  return Clipped(p / Sum(p, {.axes = -1, .keep_dims = true}));
}

// Labels [...] as numbers [n].
Output Flat(Output x) { return x.shape().rank() == 1 ? x : Reshape(x, {-1}); }

// Two tensors that must be of one shape: broadcasting is a mistake here.
bool HaveOneShape(Operand x, Operand targets, const LossOptions& options) {
  if (x.shape().IsCompatibleWith(targets.shape())) return true;
  x.graph().Fail(
      InvalidArgument("'", options.name, "': predictions are ",
                      x.shape().ToString(), " and targets ",
                      targets.shape().ToString(), " but must be of one shape"),
      x.location);
  return false;
}

}  // namespace

Output SparseSoftmaxCrossEntropy(Operand logits, Operand labels,
                                 const LossOptions& options) {
  const LossScope scope(logits, options);
  Output rows = Rows(logits, options.name);
  Output losses = SparseSoftmaxCrossEntropyWithLogits(rows, Flat(labels)).loss;
  if (!logits.graph().status().ok()) return losses;
  return WeightedMean(WithoutClasses(losses, logits), options.weights,
                      options.name);
}

Output SoftmaxCrossEntropy(Operand logits, Operand labels,
                           const LossOptions& options) {
  const LossScope scope(logits, options);
  Output rows = Rows(logits, options.name);
  Output losses =
      SoftmaxCrossEntropyWithLogits(rows, Rows(labels, options.name)).loss;
  if (!logits.graph().status().ok()) return losses;
  return WeightedMean(WithoutClasses(losses, logits), options.weights,
                      options.name);
}

Output SigmoidCrossEntropy(Operand logits, Operand targets,
                           const LossOptions& options) {
  const LossScope scope(logits, options);
  if (!HaveOneShape(logits, targets, options)) return logits;
  // Of both signs of x the form that cannot overflow.
  Output x = logits;
  Output linear = Relu(x) - x * targets;
  Output losses = linear + Log1p(Exp(-Abs(x)));
  return WeightedMean(losses, options.weights, options.name);
}

Output CategoricalCrossEntropy(Operand probabilities, Operand targets,
                               const LossOptions& options) {
  const LossScope scope(probabilities, options);
  if (!HaveOneShape(probabilities, targets, options)) return probabilities;
  Output p = Normalised(probabilities);
  Output losses = -Sum(Log(p) * targets, {.axes = -1});
  return WeightedMean(losses, options.weights, options.name);
}

Output SparseCategoricalCrossEntropy(Operand probabilities, Operand labels,
                                     const LossOptions& options) {
  LocationScope at(probabilities);
  // Softmax of logarithms gives the probabilities back.
  Output logits = Log(Normalised(probabilities));
  return SparseSoftmaxCrossEntropy(logits, labels, options);
}

Output BinaryCrossEntropy(Operand probabilities, Operand targets,
                          const LossOptions& options) {
  const LossScope scope(probabilities, options);
  if (!HaveOneShape(probabilities, targets, options)) return probabilities;
  Output p = Clipped(probabilities);
  Output yes = Log(p) * targets;
  Output no = Log(1.0 - p) * (1.0 - targets);
  return WeightedMean(-(yes + no), options.weights, options.name);
}

Output MeanSquaredError(Operand predictions, Operand targets,
                        const LossOptions& options) {
  const LossScope scope(predictions, options);
  if (!HaveOneShape(predictions, targets, options)) return predictions;
  return WeightedMean(SquaredDifference(predictions, targets), options.weights,
                      options.name);
}

Output MeanAbsoluteError(Operand predictions, Operand targets,
                         const LossOptions& options) {
  const LossScope scope(predictions, options);
  if (!HaveOneShape(predictions, targets, options)) return predictions;
  return WeightedMean(Abs(predictions - targets), options.weights,
                      options.name);
}

Output WithRegularization(Operand loss) {
  LocationScope at(loss);
  NameScope scope(loss.graph(), "total_loss");
  Output total = loss;
  for (const Output& penalty : RegularizationLosses(loss.graph())) {
    total = total + Cast(penalty, loss.dtype());
  }
  return total;
}

absl::StatusOr<LossFn> FindLoss(absl::string_view name) {
  if (name == "mean_squared_error" || name == "mse") return MeanSquaredError;
  if (name == "mean_absolute_error" || name == "mae") return MeanAbsoluteError;
  if (name == "binary_crossentropy") return BinaryCrossEntropy;
  if (name == "categorical_crossentropy") return CategoricalCrossEntropy;
  if (name == "sparse_categorical_crossentropy") {
    return SparseCategoricalCrossEntropy;
  }
  return InvalidArgument(
      "there is no loss '", Printable(name),
      "' but mean_squared_error, mean_absolute_error, binary_crossentropy, "
      "categorical_crossentropy and sparse_categorical_crossentropy");
}

}  // namespace weft
