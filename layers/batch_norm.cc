#include "layers/batch_norm.h"

#include "absl/strings/str_cat.h"
#include "layers/initializers.h"
#include "layers/weights.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"

namespace weft {
namespace {

constexpr double kEpsilon = 1e-5;
constexpr double kDecay = 0.9;

}  // namespace

BatchStatistics StatisticsOf(Output v, Output valid) {
  if (!valid.valid()) {
    Output mean = Mean(v, {.axes = 0});
    Output variance = Mean(SquaredDifference(v, mean), {.axes = 0});
    return {mean, variance, {}};
  }
  Output weight = ExpandDims(Cast(valid, v.dtype()), 1);
  Output rows = Maximum(Sum(weight), ScalarLike(v, 1));
  Output mean = Sum(v * weight, {.axes = 0}) / rows;
  Output squares = SquaredDifference(v, mean) * weight;
  Output variance = Sum(squares, {.axes = 0}) / rows;
  return {mean, variance, Any(valid)};
}

Output UpdateMoving(Output moving, Output now, Output any) {
  Output old_part = moving * kDecay;
  Output new_part = now * (1 - kDecay);
  Output updated = old_part + new_part;
  return any.valid() ? Select(any, updated, moving) : updated;
}

StepBatchNorm::StepBatchNorm(const CellWeights& weights,
                             const std::string& name, int64_t units) {
  const auto make = [&](const char* what, const Initializer& init,
                        bool trained) {
    return weights.Make(absl::StrCat(name, "/", what), {units}, init, trained);
  };
  gamma_ =
      make("gamma", initializers::Normal({.mean = 0.1, .stddev = 0.002}), true);
  beta_ = make("beta", initializers::Zeros(), true);
  moving_mean_ = make("moving_mean", initializers::Zeros(), false);
  moving_variance_ = make("moving_variance", initializers::Ones(), false);
}

Output StepBatchNorm::Apply(Output v, const BatchStatistics& batch) const {
  Output centred = v - batch.mean;
  Output scale = Rsqrt(batch.variance + kEpsilon) * gamma_.read();
  return centred * scale + beta_.read();
}

Output StepBatchNorm::Apply(Output v) const {
  return Apply(v, {moving_mean_.read(), moving_variance_.read(), {}});
}

}  // namespace weft
