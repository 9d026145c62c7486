// Learning rates that follow the number of steps made:
//
//   Adam adam({.learning_rate = ExponentialDecay({.initial_rate = 0.01,
//                                                 .decay_steps = 1000,
//                                                 .decay_rate = 0.5})});
//
// The optimizer counts its steps, in a variable that checkpoints keep. Any
// function from that count, an int64 scalar, to a scalar is a schedule, too.
//
// Numbers are checked when the schedule is applied: decay_steps and the like
// must be at least 1, rates finite and at least 0; else the graph fails.
#ifndef WEFT_TRAIN_SCHEDULES_H_
#define WEFT_TRAIN_SCHEDULES_H_

#include <cstdint>
#include <vector>

#include "train/optimizers.h"

namespace weft {

struct ExponentialDecayOptions {
  double initial_rate = 0.01;
  int64_t decay_steps = 1000;
  double decay_rate = 0.96;  // In decay_steps steps.
  bool staircase = false;    // All at once, every decay_steps steps.
};

// initial_rate * decay_rate^(step / decay_steps)
LearningRate ExponentialDecay(const ExponentialDecayOptions& options);

struct InverseTimeDecayOptions {
  double initial_rate = 0.01;
  int64_t decay_steps = 1;
  double decay_rate = 0;
  bool staircase = false;
};

// initial_rate / (1 + decay_rate * step / decay_steps). With decay_steps = 1
// this is what Keras' optimizers call `decay`.
LearningRate InverseTimeDecay(const InverseTimeDecayOptions& options);

struct PolynomialDecayOptions {
  double initial_rate = 0.01;
  int64_t decay_steps = 1000;
  double end_rate = 0.0001;
  double power = 1;  // 1: linear.
};

// From initial_rate to end_rate in decay_steps steps; end_rate from then on.
LearningRate PolynomialDecay(const PolynomialDecayOptions& options);

struct CosineDecayOptions {
  double initial_rate = 0.01;
  int64_t decay_steps = 1000;
  double end_fraction = 0;  // Of the initial rate, in the end.
};

// Half a cosine from initial_rate to end_fraction of it (Loshchilov and Hutter,
// 2016, without restarts).
LearningRate CosineDecay(const CosineDecayOptions& options);

struct PiecewiseConstantOptions {
  std::vector<int64_t> boundaries;  // Rising.
  std::vector<double> rates;        // One more than boundaries.
};

// rates[0] in the steps before boundaries[0], then rates[1], and so on.
LearningRate PiecewiseConstant(const PiecewiseConstantOptions& options);

// Rises linearly to `rate` in the first `steps` steps: step k has
// (k + 1) / steps of it.
LearningRate WarmUp(int64_t steps, const LearningRate& rate);

}  // namespace weft

#endif  // WEFT_TRAIN_SCHEDULES_H_
