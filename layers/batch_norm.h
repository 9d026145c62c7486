// Batch normalisation of what a step of a recurrent network computes.
#ifndef WEFT_LAYERS_BATCH_NORM_H_
#define WEFT_LAYERS_BATCH_NORM_H_

#include <cstdint>
#include <string>

#include "graph/output.h"
#include "ops/variable.h"

namespace weft {

class CellWeights;

// Of the valid rows of a batch; both [units].
struct BatchStatistics {
  Output mean;
  Output variance;  // Biased: divided by the number of rows.
  Output any;       // Scalar bool: is a row valid? Not valid(): all are.
};

// Of `v` [batch, units]; `valid` is bool [batch], or not valid() if all rows
// are. Zeros if none is.
BatchStatistics StatisticsOf(Output v, Output valid);

// 0.9 * moving + 0.1 * now; `moving` itself unless `any`.
Output UpdateMoving(Output moving, Output now, Output any);

// Normalises values [batch, units] by the statistics of the batch at that step,
// or by moving ones (Ioffe and Szegedy, 2015; Cooijmans et al., 2016):
//
//   (v - mean) / sqrt(variance + 1e-5) * gamma + beta
//
// gamma starts as normal with mean 0.1 and deviation 0.002, beta at 0.
class StepBatchNorm {
 public:
  // Makes gamma, beta, moving_mean and moving_variance, each [units], under
  // "<name>/".
  StepBatchNorm(const CellWeights& weights, const std::string& name,
                int64_t units);

  Output Apply(Output v, const BatchStatistics& batch) const;
  // By the moving statistics.
  Output Apply(Output v) const;

  const Variable& gamma() const { return gamma_; }
  const Variable& beta() const { return beta_; }
  const Variable& moving_mean() const { return moving_mean_; }
  const Variable& moving_variance() const { return moving_variance_; }

 private:
  Variable gamma_;
  Variable beta_;
  Variable moving_mean_;
  Variable moving_variance_;
};

}  // namespace weft

#endif  // WEFT_LAYERS_BATCH_NORM_H_
