// Optimizers: how variables follow their gradients.
//
//   Adam adam({.learning_rate = 0.002});
//   TrainStep step = Minimize(loss, adam, {.clip_norm = 5});
//   session->Run(feeds, {loss}, {step.node->name()});
//
// Of each optimizer the options are checked when it is applied: one that is out
// of range fails the graph.
#ifndef WEFT_TRAIN_OPTIMIZERS_H_
#define WEFT_TRAIN_OPTIMIZERS_H_

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/output.h"
#include "ops/variable.h"

namespace weft {

// A rate that is known now, computed in the graph (a feed), or that follows
// the number of steps that were made (train/schedules.h).
class LearningRate {
 public:
  // From an int64 scalar, the number of steps made before this one: a scalar.
  using Schedule = std::function<Output(Output step)>;
  LearningRate(double value) : value_(value) {}
  LearningRate(Output value) : output_(value) {}
  template <typename F>
  requires std::is_invocable_r_v<Output, F, Output> LearningRate(F schedule)
      : schedule_(std::move(schedule)) {}

  bool is_schedule() const { return schedule_ != nullptr; }
  // Is it a number that is finite and at least 0, or not known yet?
  bool IsInRange() const;
  double value() const { return value_; }
  // This rate as it is when `step` steps were made.
  LearningRate At(Output step) const { return schedule_(step); }
  // As a scalar of x's dtype, in x's graph; of a rate that is no schedule.
  Output Like(Operand x) const;

 private:
  double value_ = 0;
  Output output_;
  Schedule schedule_;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // Adds nodes that change each variable by its gradient; the node that runs
  // them all. Slots are variables of their own, not trainable. A gradient that
  // is not valid leaves its variable alone. A learning rate that is a schedule
  // is counted by a variable "<name>/iterations".
  virtual Node* Apply(const Operands& gradients,
                      const std::vector<Variable>& variables) = 0;
};

struct GradientDescentOptions {
  LearningRate learning_rate = 0.01;
  std::string name = "GradientDescent";
};

// var -= learning_rate * gradient
class GradientDescent : public Optimizer {
 public:
  explicit GradientDescent(GradientDescentOptions options = {})
      : options_(std::move(options)) {}
  Node* Apply(const Operands& gradients,
              const std::vector<Variable>& variables) override;

 private:
  GradientDescentOptions options_;
};

struct MomentumOptions {
  LearningRate learning_rate = 0.01;
  double momentum = 0.9;      // In [0, 1].
  bool use_nesterov = false;  // Nesterov, 1983.
  // Keras' way: the velocity holds learning_rate * gradient, so that a change
  // of the rate leaves what was gathered before as it is. With a rate that does
  // not change both ways are the same.
  bool rate_in_velocity = false;
  std::string name = "Momentum";
};

// velocity = momentum * velocity + gradient
// var -= learning_rate * velocity                   or, with Nesterov's,
// var -= learning_rate * (gradient + momentum * velocity)
//
// The slot of a variable w: w/Momentum (Polyak, 1964).
class Momentum : public Optimizer {
 public:
  explicit Momentum(MomentumOptions options = {})
      : options_(std::move(options)) {}
  Node* Apply(const Operands& gradients,
              const std::vector<Variable>& variables) override;

 private:
  MomentumOptions options_;
};

struct AdamOptions {
  LearningRate learning_rate = 0.001;
  double beta1 = 0.9;  // In [0, 1), as is beta2.
  double beta2 = 0.999;
  double epsilon = 1e-8;
  // The paper's algorithm adds epsilon to the root of the corrected mean
  // square. TensorFlow adds it to that of the uncorrected one, which makes it
  // larger in the first steps.
  bool corrected_epsilon = false;
  std::string name = "Adam";
};

// Adam (Kingma and Ba, 2014). Slots of a variable w: w/Adam (the mean) and
// w/Adam_1 (the mean square); beta1_power and beta2_power once.
class Adam : public Optimizer {
 public:
  explicit Adam(AdamOptions options = {}) : options_(std::move(options)) {}
  Node* Apply(const Operands& gradients,
              const std::vector<Variable>& variables) override;

 private:
  AdamOptions options_;
};

struct RMSPropOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.9;     // In [0, 1).
  double momentum = 0;  // In [0, 1].
  double epsilon = 1e-7;
  std::string name = "RMSProp";
};

// mean_square = rho * mean_square + (1 - rho) * gradient^2
// velocity = momentum * velocity
//            + learning_rate * gradient / sqrt(mean_square + epsilon)
// var -= velocity
//
// (Tieleman and Hinton, 2012.) Slots of a variable w: w/RMSProp (the mean
// square, which starts at 0) and w/RMSProp_1 (the velocity).
class RMSProp : public Optimizer {
 public:
  explicit RMSProp(RMSPropOptions options = {})
      : options_(std::move(options)) {}
  Node* Apply(const Operands& gradients,
              const std::vector<Variable>& variables) override;

 private:
  RMSPropOptions options_;
};

struct AdagradOptions {
  LearningRate learning_rate = 0.01;
  double initial_accumulator = 0;  // At least 0.
  double epsilon = 1e-7;
  std::string name = "Adagrad";
};

// accumulator += gradient^2
// var -= learning_rate * gradient / sqrt(accumulator + epsilon)
//
// (Duchi et al., 2011.) The slot of a variable w: w/Adagrad, which is
// accumulator + epsilon.
class Adagrad : public Optimizer {
 public:
  explicit Adagrad(AdagradOptions options = {})
      : options_(std::move(options)) {}
  Node* Apply(const Operands& gradients,
              const std::vector<Variable>& variables) override;

 private:
  AdagradOptions options_;
};

// The optimizer that Keras calls `name`, with Keras' default arguments: sgd,
// rmsprop, adagrad or adam. InvalidArgument for another name.
absl::StatusOr<std::unique_ptr<Optimizer>> MakeOptimizer(
    absl::string_view name);

struct MinimizeOptions {
  std::vector<Variable> variables = {};  // Empty: all trainable ones.
  std::optional<double> clip_norm = {};  // Of all gradients together.
  std::optional<int64_t> truncate = {};  // See GradientsOptions.
  std::string name = "train";
};

struct TrainStep {
  Node* node = nullptr;  // To be run as a target.
  Output gradient_norm;  // Before clipping: a scalar.
};

// One step of making `loss` small: its gradients, clipped, applied; then the
// constraints of the weights. Penalties count as far as they are part of `loss`
// (WithRegularization, in train/losses.h). Fails the graph if no variable has a
// gradient.
TrainStep Minimize(Operand loss, Optimizer& optimizer,
                   const MinimizeOptions& options = {});

// All variables of the graph that are trainable.
std::vector<Variable> TrainableVariables(GraphRef g);

}  // namespace weft

#endif  // WEFT_TRAIN_OPTIMIZERS_H_
