#include "train/weighted_mean.h"

#include <vector>

#include "core/status.h"
#include "graph/graph.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/reduction.h"

namespace weft {
namespace {

// Do the axes of `weights` agree with the first ones of `values`?
bool Fits(const TensorShape& values, const TensorShape& weights) {
  if (!values.has_rank() || !weights.has_rank()) return true;
  if (weights.rank() > values.rank()) return false;
  TensorShape first = values;
  while (first.rank() > weights.rank()) first.RemoveDim(first.rank() - 1);
  return first.IsCompatibleWith(weights);
}

}  // namespace

Output WeightedMean(Output values, Output weights, const std::string& name) {
  if (!weights.valid()) return Mean(values);
  const TensorShape& shape = values.shape();
  if (!Fits(shape, weights.shape())) {
    return Output(values.graph().Fail(InvalidArgument(
        "'", name, "': weights are ", weights.shape().ToString(),
        " but must be of the shape ", shape.ToString(),
        ", or of its first axes")));
  }
  if (shape.has_rank() && weights.shape().has_rank() &&
      weights.shape().rank() < shape.rank()) {
    std::vector<int> axes;
    for (int i = weights.shape().rank(); i < shape.rank(); ++i) {
      axes.push_back(i);
    }
    values = Mean(values, {.axes = axes});
  }
  // Reshape rather than broadcasting: weights of another size fail the run.
  Output w = Reshape(Cast(weights, values.dtype()), Shape(values));
  Output total = Sum(values * w);
  return DivNoNan(total, Sum(w));
}

}  // namespace weft
