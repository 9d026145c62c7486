#include <algorithm>

#include "layers/keras/cells.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"

namespace weft::keras {
namespace {

GateDropout DropoutOf(const GRUCellOptions& options) {
  return {.input = options.dropout,
          .recurrent = options.recurrent_dropout,
          .masks = options.implementation == 2 ? 1 : 3};
}

}  // namespace

void GRUCell::Build(const CellInput& x) {
  if (weights_.built()) return;
  const CellWeights scope(x, "GRUCell", options_.name, units_,
                          {.dtype = x.dtype, .reuse = reuse_});
  const ArgumentChecker& check = scope.check();
  check.Known("activation", options_.activation);
  check.Known("recurrent_activation", options_.recurrent_activation);
  CheckRates(check, options_.dropout, options_.recurrent_dropout);
  CheckImplementation(check, options_.implementation);
  if (!scope.ok()) return;
  const int64_t biases = (options_.reset_after ? 6 : 3) * units_;
  weights_.Make(
      scope, options_,
      {.kernel = {scope.depth(), 3 * units_},
       .recurrent = {units_, 3 * units_},
       .bias = options_.use_bias ? TensorShape{biases} : TensorShape{}},
      options_.bias_initializer);
}

Outputs GRUCell::Begin(const CallContext& call) {
  NameScope scope(call.x.graph(), options_.name);
  return DropoutOf(options_).Draw(call, *this);
}

Output GRUCell::InputBias() const {
  if (!options_.reset_after) return weights_.bias();
  return SliceAxis(weights_.bias(), 0, 0, 3 * units_);
}

Outputs GRUCell::GatesResetBefore(const Outputs& from_x, Output h,
                                  const GateMasks& masks) const {
  const Outputs kernels = SplitV(weights_.recurrent(), {2 * units_, units_}, 1);
  const auto of_gates =
      masks.recurrent.subspan(0, std::min<size_t>(2, masks.recurrent.size()));
  const Outputs from_h = Split(GateProduct(h, kernels[0], of_gates, 2), 2, 1);
  Output z = options_.recurrent_activation(from_x[0] + from_h[0]);
  Output r = options_.recurrent_activation(from_x[1] + from_h[1]);
  Output reset = r * Masked(h, masks.recurrent, 2);
  Output g = options_.activation(from_x[2] + MatMul(reset, kernels[1]));
  return {z, r, g};
}

Outputs GRUCell::GatesResetAfter(const Outputs& from_x, Output h,
                                 const GateMasks& masks) const {
  Output sum = GateProduct(h, weights_.recurrent(), masks.recurrent, 3);
  if (weights_.has_bias()) {
    sum = BiasAdd(sum, SliceAxis(weights_.bias(), 0, 3 * units_, 6 * units_));
  }
  const Outputs from_h = Split(sum, 3, 1);
  Output z = options_.recurrent_activation(from_x[0] + from_h[0]);
  Output r = options_.recurrent_activation(from_x[1] + from_h[1]);
  Output reset = r * from_h[2];
  Output g = options_.activation(from_x[2] + reset);
  return {z, r, g};
}

Output GRUCell::Step(Output x, Outputs* state, const StepContext& step) {
  if (!weights_.built()) return x;  // Build has failed the graph.
  NameScope scope(x.graph(), options_.name);
  GateMasks masks(DropoutOf(options_), step.begun);
  Output h = (*state)[0];
  if (masks.recurrent.size() == 1) {
    // With one mask for all gates the old state is seen through it everywhere,
    // where h' takes it over too.
    h = Masked(h, masks.recurrent, 0);
    masks.recurrent = {};
  }
  Output sum = GateProduct(x, weights_.kernel(), masks.input, 3);
  if (weights_.has_bias()) sum = BiasAdd(sum, InputBias());
  const Outputs from_x = Split(sum, 3, 1);
  const Outputs gates = options_.reset_after
                            ? GatesResetAfter(from_x, h, masks)
                            : GatesResetBefore(from_x, h, masks);
  Output kept = gates[0] * h;
  Output added = (1.0 - gates[0]) * gates[2];
  h = kept + added;
  *state = {h};
  return h;
}

std::vector<TensorShape> GRUCell::state_shapes() const {
  return {ColumnsShape(units_)};
}

TensorShape GRUCell::output_shape() const { return ColumnsShape(units_); }

}  // namespace weft::keras
