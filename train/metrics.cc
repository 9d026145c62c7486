#include "train/metrics.h"

#include "core/status.h"
#include "graph/graph.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "train/weighted_mean.h"

namespace weft {
namespace {

// The share of elements of `right` that are true.
Output Share(Output right, const MetricOptions& options) {
  return WeightedMean(Cast(right, DataType::kFloat), options.weights,
                      options.name);
}

bool HasClasses(Operand scores, const MetricOptions& options) {
  if (scores.shape().rank() >= 1) return true;
  scores.graph().Fail(
      InvalidArgument("'", options.name, "': scores are ",
                      scores.shape().ToString(), " but must be [..., classes]"),
      scores.location);
  return false;
}

Output Largest(Operand scores) {
  return ArgMax(scores, scores.shape().rank() - 1,
                {.output_type = DataType::kInt32});
}

// Integer labels under the shape of `scores` without classes: labels
// [batch, 1] will do for scores [batch, classes].
Output LabelsFor(Operand scores, Operand labels) {
  return Reshape(Cast(labels, DataType::kInt32), Shape(Largest(scores)));
}

}  // namespace

Output SparseCategoricalAccuracy(Operand scores, Operand labels,
                                 const MetricOptions& options) {
  LocationScope at(scores);
  NameScope scope(scores.graph(), options.name);
  if (!HasClasses(scores, options)) return scores;
  Output got = Largest(scores);
  return Share(Equal(got, LabelsFor(scores, labels)), options);
}

Output CategoricalAccuracy(Operand scores, Operand targets,
                           const MetricOptions& options) {
  LocationScope at(scores);
  NameScope scope(scores.graph(), options.name);
  if (!HasClasses(scores, options) || !HasClasses(targets, options)) {
    return scores;
  }
  Output got = Largest(scores);
  return Share(Equal(got, Largest(targets)), options);
}

Output SparseTopKCategoricalAccuracy(Operand scores, Operand labels, int k,
                                     const MetricOptions& options) {
  LocationScope at(scores);
  NameScope scope(scores.graph(), options.name);
  if (!HasClasses(scores, options)) return scores;
  Output best = TopKV2(scores, k).indices;
  Output expected = ExpandDims(LabelsFor(scores, labels), -1);
  return Share(Any(Equal(best, expected), {.axes = -1}), options);
}

Output BinaryAccuracy(Operand probabilities, Operand targets,
                      const MetricOptions& options) {
  LocationScope at(probabilities);
  NameScope scope(probabilities.graph(), options.name);
  Output yes = Greater(probabilities, ScalarLike(probabilities, 0.5));
  Output expected =
      Reshape(Greater(targets, ScalarLike(targets, 0.5)), Shape(yes));
  return Share(Equal(yes, expected), options);
}

}  // namespace weft
