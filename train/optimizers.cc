#include "train/optimizers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/graph.h"
#include "ops/array.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/source.h"
#include "ops/training.h"
#include "train/clipping.h"

namespace weft {
namespace {

// A variable beside `var`, of its shape, that starts with zeros.
Variable Slot(Graph& g, const Variable& var, absl::string_view name) {
  NameScope top(g, NameScope::Existing{""});
  return Variable(g, {.name = absl::StrCat(var.name(), "/", name),
                      .shape = var.shape(),
                      .dtype = var.dtype(),
                      .initial_value =
                          [&var](Graph& graph) {
                            return Zeros(graph, var.dtype(), var.shape());
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

}  // namespace

Output LearningRate::Like(Operand x) const {
  if (!output_.valid()) return ScalarLike(x, value_);
  return output_.dtype() == x.dtype() ? output_ : Cast(output_, x.dtype());
}

Node* GradientDescent::Apply(const Operands& gradients,
                             const std::vector<Variable>& variables) {
  std::vector<Node*> updates;
  for (size_t i = 0; i < variables.size(); ++i) {
    const Output& gradient = gradients.outputs[i];
    if (!gradient.valid()) continue;
    updates.push_back(ResourceApplyGradientDescent(
        variables[i], options_.learning_rate.Like(gradient), gradient));
  }
  Graph& g = variables[0].handle().graph();
  return Group(g, updates, options_.name);
}

Node* Adam::Apply(const Operands& gradients,
                  const std::vector<Variable>& variables) {
  Graph& g = variables[0].handle().graph();
  const DataType dtype = variables[0].dtype();
  Variable beta1_power =
      ScalarVariable(g, "beta1_power", dtype, options_.beta1);
  Variable beta2_power =
      ScalarVariable(g, "beta2_power", dtype, options_.beta2);
  if (!g.status().ok()) return g.Fail(g.status());
  std::vector<Node*> updates;
  for (size_t i = 0; i < variables.size(); ++i) {
    const Output& gradient = gradients.outputs[i];
    if (!gradient.valid()) continue;
    const Variable& var = variables[i];
    if (var.dtype() != dtype) {
      return g.Fail(InvalidArgument(
          "Adam '", options_.name, "': ", var.name(), " is ",
          DataTypeName(var.dtype()), " but ", variables[0].name(), " ",
          DataTypeName(dtype), "; use one optimizer per type"));
    }
    const AdamScalars scalars{
        .beta1_power = beta1_power.read(),
        .beta2_power = beta2_power.read(),
        .lr = options_.learning_rate.Like(gradient),
        .beta1 = ScalarLike(gradient, options_.beta1),
        .beta2 = ScalarLike(gradient, options_.beta2),
        .epsilon = ScalarLike(gradient, options_.epsilon)};
    updates.push_back(ResourceApplyAdam(
        var, Slot(g, var, "Adam"), Slot(g, var, "Adam_1"), scalars, gradient));
  }
  Output next1 = beta1_power.read() * options_.beta1;
  Output next2 = beta2_power.read() * options_.beta2;
  updates.push_back(Assign(beta1_power, next1));
  updates.push_back(Assign(beta2_power, next2));
  return Group(g, updates, options_.name);
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
  return step;
}

}  // namespace weft
