// Optimizers: how variables follow their gradients.
//
//   Adam adam({.learning_rate = 0.002});
//   TrainStep step = Minimize(loss, adam, {.clip_norm = 5});
//   session->Run(feeds, {loss}, {step.node->name()});
#ifndef WEFT_TRAIN_OPTIMIZERS_H_
#define WEFT_TRAIN_OPTIMIZERS_H_

#include <optional>
#include <string>
#include <vector>

#include "graph/output.h"
#include "ops/variable.h"

namespace weft {

// A rate that is known now, or computed in the graph (a schedule, a feed).
class LearningRate {
 public:
  LearningRate(double value) : value_(value) {}
  LearningRate(Output value) : output_(value) {}
  // As a scalar of x's dtype, in x's graph.
  Output Like(Operand x) const;

 private:
  double value_ = 0;
  Output output_;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // Adds nodes that change each variable by its gradient; the node that runs
  // them all. Slots are variables of their own, not trainable. A gradient that
  // is not valid leaves its variable alone.
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

struct AdamOptions {
  LearningRate learning_rate = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
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

// One step of making `loss` small: its gradients, clipped, applied. Fails the
// graph if no variable has a gradient.
TrainStep Minimize(Operand loss, Optimizer& optimizer,
                   const MinimizeOptions& options = {});

// All variables of the graph that are trainable.
std::vector<Variable> TrainableVariables(GraphRef g);

}  // namespace weft

#endif  // WEFT_TRAIN_OPTIMIZERS_H_
