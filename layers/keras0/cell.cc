#include "layers/initializers.h"
#include "layers/keras/layer.h"
#include "layers/keras0/cells.h"
#include "layers/keras0/initializers.h"
#include "layers/weights.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/source.h"

namespace weft::keras0 {
namespace {

TensorShape ShapeOf(bool is_matrix, int64_t rows, int64_t units) {
  return is_matrix ? TensorShape{rows, units} : TensorShape{units};
}

}  // namespace

bool Cell::CheckArguments(const CellInput& x) const {
  const ArgumentChecker check({x.graph, x.location}, kind_);
  const InitializerNames names = Keras0InitializerNames();
  check.IsSize("output_dim", options_.output_dim);
  check.Known("init", options_.init.In(names));
  check.Known("inner_init", options_.inner_init.In(names));
  check.Known("forget_bias_init", options_.forget_bias_init.In(names));
  check.Known("activation", options_.activation);
  check.Known("inner_activation", options_.inner_activation);
  const int64_t steps = options_.truncate_gradient;
  check.Expect(steps == -1 || steps >= 1, "truncate_gradient", steps,
               "-1, for all steps, or at least 1");
  const int64_t depth = x.shape.rank() == 2 ? x.shape.dim(1) : -1;
  check.Expect(depth >= 1, "x", x.shape.ToString(),
               "[batch, depth] with a known depth");
  if (depth >= 1) check.IsSize("x's depth", depth);
  CheckOwn(check);
  return x.graph.status().ok();
}

const Initializer& Cell::InitializerOf(Role role) const {
  static const auto& zeros = *new Initializer(initializers::Zeros());
  static const auto& projection = *new Initializer(Projection());
  switch (role) {
    case Role::kInput:
      return options_.init;
    case Role::kInner:
      return options_.inner_init;
    case Role::kForgetBias:
      return options_.forget_bias_init;
    case Role::kProjection:
      return projection;
    case Role::kBias:
      break;
  }
  return zeros;
}

void Cell::Build(const CellInput& x) {
  if (!weights_.empty() || !CheckArguments(x)) return;
  LocationScope at(x.graph, x.location);
  const int64_t units = options_.output_dim;
  std::vector<Variable> made;
  for (const Weight& weight : Layout()) {
    const bool bias =
        weight.role == Role::kBias || weight.role == Role::kForgetBias;
    const int64_t rows = weight.role == Role::kInner ? units : x.shape.dim(1);
    const Initializer initializer = keras::InitialWeight(
        options_.weights, made.size(),
        InitializerOf(weight.role).In(Keras0InitializerNames()));
    made.push_back(
        MakeWeight({x.graph, x.location}, {.name = weight.name,
                                           .shape = ShapeOf(!bias, rows, units),
                                           .dtype = x.dtype,
                                           .initializer = initializer,
                                           .trainable = x.trainable,
                                           .reuse = reuse_}));
    if (!x.graph.status().ok()) return;
  }
  weights_ = std::move(made);
}

Outputs Cell::Begin(const CallContext& call) {
  if (options_.truncate_gradient < 1) return {};
  Output steps = call.x.shape().rank() >= 3 ? DimOf(call.x, 1)
                                            : Const(call.x.graph(), int32_t{1});
  // More steps than any sequence has are all steps.
  const int64_t back =
      std::min<int64_t>(options_.truncate_gradient, int64_t{1} << 30);
  return {steps - static_cast<double>(back)};
}

Output Cell::Step(Output x, Outputs* state, const StepContext& step) {
  if (weights_.empty()) return x;  // Build has failed the graph.
  const bool truncates = !step.begun.empty();
  if (truncates) {
    Output is_first = Equal(step.index, step.begun[0]);
    for (Output& part : *state) {
      part = Select(is_first, StopGradient(part), part);
    }
  }
  Output y = Next(x, state);
  if (!step.constants.empty()) {
    Output counts = ExpandDims(IndexAxis(step.constants[0], 1, step.index), 1);
    for (size_t k = 0; k < state->size(); ++k) {
      if (IsFresh(k)) (*state)[k] = (*state)[k] * counts;
    }
  }
  if (!truncates) return y;
  return Select(Less(step.index, step.begun[0]), StopGradient(y), y);
}

std::vector<TensorShape> Cell::state_shapes() const {
  return {ColumnsShape(options_.output_dim)};
}

TensorShape Cell::output_shape() const {
  return ColumnsShape(options_.output_dim);
}

Output Cell::FromInput(Output x, size_t k, size_t l) const {
  return BiasAdd(MatMul(x, weight(k)), weight(l));
}

}  // namespace weft::keras0
