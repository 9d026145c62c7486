#include "train/optimizers.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/graph.h"
#include "layers/constraints.h"
#include "ops/array.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/source.h"
#include "ops/training.h"
#include "train/clipping.h"

namespace weft {
namespace {

// A variable beside `var`, of its shape, all of whose elements start with
// `value`.
Variable Slot(Graph& g, const Variable& var, absl::string_view name,
              double value = 0) {
  NameScope top(g, NameScope::Existing{""});
  return Variable(g, {.name = absl::StrCat(var.name(), "/", name),
                      .shape = var.shape(),
                      .dtype = var.dtype(),
                      .initial_value =
                          [&](Graph& graph) {
                            if (value == 0)
                              return Zeros(graph, var.dtype(), var.shape());
                            Output scalar =
                                Cast(Const(graph, value), var.dtype());
                            return Fill(var.shape().dims(), scalar);
                          },
                      .trainable = false});
}

Variable ScalarVariable(Graph& g, absl::string_view name, DataType dtype,
                        double value) {
  NameScope top(g, NameScope::Existing{""});
  return Variable(
      g, {.name = std::string(name),
          .shape = {},
          .dtype = dtype,
          .initial_value =
              [&](Graph& graph) { return Cast(Const(graph, value), dtype); },
          .trainable = false});
}

// One Apply of an optimizer: checks its options, knows the rate of the step,
// and gathers the updates.
class Application {
 public:
  Application(absl::string_view kind, const std::string& name,
              const LearningRate& rate, const std::vector<Variable>& variables)
      : graph_(variables[0].handle().graph()),
        kind_(kind),
        name_(name),
        rate_(rate) {
    Check("learning_rate", rate.value(), rate.IsInRange(),
          "finite and at least 0");
    if (!ok() || !rate.is_schedule()) return;
    steps_ = ScalarVariable(graph_, absl::StrCat(name, "/iterations"),
                            DataType::kInt64, 0);
    rate_ = rate.At(steps_.read());
  }

  Graph& graph() const { return graph_; }
  bool ok() const { return graph_.status().ok(); }
  Output RateLike(Output gradient) const { return rate_.Like(gradient); }

  void Check(absl::string_view option, double given, bool right,
             absl::string_view allowed) const {
    if (right) return;
    graph_.Fail(InvalidArgument(kind_, " '", name_, "': ", option, " is ",
                                given, " but must be ", allowed));
  }
  void IsFraction(absl::string_view option, double given) const {
    Check(option, given, given >= 0 && given < 1, "in [0, 1)");
  }
  void IsMomentum(double given) const {
    Check("momentum", given, given >= 0 && given <= 1, "in [0, 1]");
  }
  void IsPositive(absl::string_view option, double given) const {
    Check(option, given, given >= 0 && std::isfinite(given),
          "finite and at least 0");
  }

  void Add(Node* update) { updates_.push_back(update); }
  // The node that runs all updates.
  Node* Finish() {
    if (!ok()) return graph_.Fail(graph_.status());
    if (steps_.valid()) {
      Add(AssignAdd(steps_, Const(graph_, int64_t{1})));
    }
    return Group(graph_, updates_, name_);
  }

 private:
  Graph& graph_;
  absl::string_view kind_;
  const std::string& name_;
  LearningRate rate_;
  Variable steps_;
  std::vector<Node*> updates_;
};

// Calls fn(variable, gradient) for each variable that has a gradient.
template <typename F>
void ForEach(const Operands& gradients, const std::vector<Variable>& variables,
             const F& fn) {
  for (size_t i = 0; i < variables.size(); ++i) {
    if (gradients.outputs[i].valid()) fn(variables[i], gradients.outputs[i]);
  }
}

}  // namespace

bool LearningRate::IsInRange() const {
  if (is_schedule() || output_.valid()) return true;
  return std::isfinite(value_) && value_ >= 0;
}

Output LearningRate::Like(Operand x) const {
  if (!output_.valid()) return ScalarLike(x, value_);
  return output_.dtype() == x.dtype() ? output_ : Cast(output_, x.dtype());
}

Node* GradientDescent::Apply(const Operands& gradients,
                             const std::vector<Variable>& variables) {
  Application a("GradientDescent", options_.name, options_.learning_rate,
                variables);
  if (!a.ok()) return a.Finish();
  ForEach(gradients, variables, [&](const Variable& var, Output gradient) {
    a.Add(ResourceApplyGradientDescent(var, a.RateLike(gradient), gradient));
  });
  return a.Finish();
}

Node* Momentum::Apply(const Operands& gradients,
                      const std::vector<Variable>& variables) {
  Application a("Momentum", options_.name, options_.learning_rate, variables);
  a.IsMomentum(options_.momentum);
  if (!a.ok()) return a.Finish();
  ForEach(gradients, variables, [&](const Variable& var, Output gradient) {
    Output rate = a.RateLike(gradient);
    Output momentum = ScalarLike(gradient, options_.momentum);
    if (options_.rate_in_velocity) {
      gradient = rate * gradient;
      rate = ScalarLike(gradient, 1);
    }
    a.Add(ResourceApplyMomentum(var, Slot(a.graph(), var, "Momentum"), rate,
                                gradient, momentum,
                                {.use_nesterov = options_.use_nesterov}));
  });
  return a.Finish();
}

Node* Adam::Apply(const Operands& gradients,
                  const std::vector<Variable>& variables) {
  Application a("Adam", options_.name, options_.learning_rate, variables);
  a.IsFraction("beta1", options_.beta1);
  a.IsFraction("beta2", options_.beta2);
  a.IsPositive("epsilon", options_.epsilon);
  if (!a.ok()) return a.Finish();
  Graph& g = a.graph();
  const DataType dtype = variables[0].dtype();
  Variable beta1_power =
      ScalarVariable(g, "beta1_power", dtype, options_.beta1);
  Variable beta2_power =
      ScalarVariable(g, "beta2_power", dtype, options_.beta2);
  if (!g.status().ok()) return a.Finish();
  Output epsilon = ScalarLike(beta2_power.read(), options_.epsilon);
  if (options_.corrected_epsilon) {
    epsilon = epsilon * Sqrt(1.0 - beta2_power.read());
  }
  ForEach(gradients, variables, [&](const Variable& var, Output gradient) {
    if (var.dtype() != dtype) {
      g.Fail(InvalidArgument("Adam '", options_.name, "': ", var.name(), " is ",
                             DataTypeName(var.dtype()), " but ",
                             variables[0].name(), " ", DataTypeName(dtype),
                             "; use one optimizer per type"));
      return;
    }
    const AdamScalars scalars{.beta1_power = beta1_power.read(),
                              .beta2_power = beta2_power.read(),
                              .lr = a.RateLike(gradient),
                              .beta1 = ScalarLike(gradient, options_.beta1),
                              .beta2 = ScalarLike(gradient, options_.beta2),
                              .epsilon = epsilon};
    a.Add(ResourceApplyAdam(var, Slot(g, var, "Adam"), Slot(g, var, "Adam_1"),
                            scalars, gradient));
  });
  Output next1 = beta1_power.read() * options_.beta1;
  Output next2 = beta2_power.read() * options_.beta2;
  a.Add(Assign(beta1_power, next1));
  a.Add(Assign(beta2_power, next2));
  return a.Finish();
}

Node* RMSProp::Apply(const Operands& gradients,
                     const std::vector<Variable>& variables) {
  Application a("RMSProp", options_.name, options_.learning_rate, variables);
  a.IsFraction("rho", options_.rho);
  a.IsMomentum(options_.momentum);
  a.IsPositive("epsilon", options_.epsilon);
  if (!a.ok()) return a.Finish();
  ForEach(gradients, variables, [&](const Variable& var, Output gradient) {
    Variable mean_square = Slot(a.graph(), var, "RMSProp");
    Variable velocity = Slot(a.graph(), var, "RMSProp_1");
    a.Add(ResourceApplyRMSProp(var, mean_square, velocity, a.RateLike(gradient),
                               ScalarLike(gradient, options_.rho),
                               ScalarLike(gradient, options_.momentum),
                               ScalarLike(gradient, options_.epsilon),
                               gradient));
  });
  return a.Finish();
}

Node* Adagrad::Apply(const Operands& gradients,
                     const std::vector<Variable>& variables) {
  Application a("Adagrad", options_.name, options_.learning_rate, variables);
  a.IsPositive("initial_accumulator", options_.initial_accumulator);
  a.IsPositive("epsilon", options_.epsilon);
  if (!a.ok()) return a.Finish();
  ForEach(gradients, variables, [&](const Variable& var, Output gradient) {
    Variable accumulator =
        Slot(a.graph(), var, "Adagrad",
             options_.initial_accumulator + options_.epsilon);
    a.Add(
        ResourceApplyAdagrad(var, accumulator, a.RateLike(gradient), gradient));
  });
  return a.Finish();
}

absl::StatusOr<std::unique_ptr<Optimizer>> MakeOptimizer(
    absl::string_view name) {
  if (name == "sgd") return std::make_unique<GradientDescent>();
  if (name == "rmsprop") return std::make_unique<RMSProp>();
  if (name == "adagrad") return std::make_unique<Adagrad>();
  if (name == "adam") {
    return std::make_unique<Adam>(
        AdamOptions{.epsilon = 1e-7, .corrected_epsilon = true});
  }
  return InvalidArgument("there is no optimizer '", Printable(name),
                         "' but sgd, rmsprop, adagrad and adam");
}

std::vector<Variable> TrainableVariables(GraphRef g) {
  std::vector<Variable> variables;
  for (const VariableInfo& info : g.graph.variables()) {
    if (info.trainable) variables.push_back(GetVariable(g, info.name));
  }
  return variables;
}

TrainStep Minimize(Operand loss, Optimizer& optimizer,
                   const MinimizeOptions& options) {
  Graph& g = loss.graph();
  LocationScope at(loss);
  NameScope scope(g, options.name);
  const std::vector<Variable> variables =
      options.variables.empty() ? TrainableVariables(g) : options.variables;
  auto failed = [&g](const absl::Status& error) {
    Node* node = g.Fail(error);
    return TrainStep{node, Output(node)};
  };
  if (!loss.shape().IsCompatibleWith(TensorShape{})) {
    return failed(InvalidArgument("'", options.name, "': the loss is ",
                                  loss.shape().ToString(),
                                  " but must be a scalar"));
  }
  if (variables.empty()) {
    return failed(
        InvalidArgument("'", options.name, "': there is no variable to train"));
  }
  Outputs gradients =
      Gradients({loss.output}, variables, {.truncate = options.truncate});
  if (!g.status().ok()) return failed(g.status());
  TrainStep step{.gradient_norm = GlobalNorm(gradients)};
  if (!step.gradient_norm.valid()) {
    return failed(InvalidArgument(
        "'", options.name, "': the loss ", loss.output.name(),
        " depends on none of the ", variables.size(), " variables to train"));
  }
  if (options.clip_norm.has_value()) {
    ClippedGradients clipped = ClipByGlobalNorm(gradients, *options.clip_norm);
    gradients = clipped.gradients;
    step.gradient_norm = clipped.norm;
  }
  if (!g.status().ok()) return failed(g.status());
  step.node = optimizer.Apply(gradients, variables);
  if (!g.status().ok()) return failed(g.status());
  std::vector<Node*> constraints = ApplyConstraints(g, variables, {step.node});
  if (constraints.empty()) return step;
  constraints.push_back(step.node);
  step.node = Group(g, constraints, "constrained");
  return step;
}

}  // namespace weft
