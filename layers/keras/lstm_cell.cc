#include "layers/keras/cells.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/nn.h"

namespace weft::keras {
namespace {

GateDropout DropoutOf(const LSTMCellOptions& options) {
  return {.input = options.dropout,
          .recurrent = options.recurrent_dropout,
          .masks = options.implementation == 2 ? 1 : 4};
}

}  // namespace

void LSTMCell::Build(const CellInput& x) {
  if (weights_.built()) return;
  const CellWeights scope(x, "LSTMCell", options_.name, units_,
                          {.dtype = x.dtype, .reuse = reuse_});
  const ArgumentChecker& check = scope.check();
  check.Known("activation", options_.activation);
  check.Known("recurrent_activation", options_.recurrent_activation);
  CheckRates(check, options_.dropout, options_.recurrent_dropout);
  CheckImplementation(check, options_.implementation);
  if (!scope.ok()) return;
  const TensorShape bias = {biases_ * 4 * units_};
  weights_.Make(scope, options_,
                {.kernel = {scope.depth(), 4 * units_},
                 .recurrent = {units_, 4 * units_},
                 .bias = options_.use_bias ? bias : TensorShape{}},
                options_.unit_forget_bias ? UnitForgetBias(units_, biases_)
                                          : options_.bias_initializer);
}

Outputs LSTMCell::Begin(const CallContext& call) {
  NameScope scope(call.x.graph(), options_.name);
  return DropoutOf(options_).Draw(call, *this);
}

Output LSTMCell::Step(Output x, Outputs* state, const StepContext& step) {
  if (!weights_.built()) return x;  // Build has failed the graph.
  NameScope scope(x.graph(), options_.name);
  const GateMasks masks(DropoutOf(options_), step.begun);
  Output from_x = GateProduct(x, weights_.kernel(), masks.input, 4);
  Output from_h =
      GateProduct((*state)[0], weights_.recurrent(), masks.recurrent, 4);
  Output sum = from_x + from_h;
  if (weights_.has_bias()) {
    Output bias = weights_.bias();
    if (biases_ == 2) bias = AddN(Split(bias, 2, 0));
    sum = BiasAdd(sum, bias);
  }
  const Outputs gates = Split(sum, 4, 1);  // i, f, g, o
  *state = LSTMStates(gates, (*state)[1], options_.activation,
                      options_.recurrent_activation);
  return (*state)[0];
}

std::vector<TensorShape> LSTMCell::state_shapes() const {
  return {ColumnsShape(units_), ColumnsShape(units_)};
}

TensorShape LSTMCell::output_shape() const { return ColumnsShape(units_); }

}  // namespace weft::keras
