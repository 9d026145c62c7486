#include "layers/keras/cells.h"
#include "ops/math.h"
#include "ops/nn.h"

namespace weft::keras {
namespace {

GateDropout DropoutOf(const SimpleRNNCellOptions& options) {
  return {.input = options.dropout, .recurrent = options.recurrent_dropout};
}

}  // namespace

void SimpleRNNCell::Build(const CellInput& x) {
  if (weights_.built()) return;
  const CellWeights scope(x, "SimpleRNNCell", options_.name, units_,
                          {.dtype = x.dtype, .reuse = reuse_});
  scope.check().Known("activation", options_.activation);
  CheckRates(scope.check(), options_.dropout, options_.recurrent_dropout);
  if (!scope.ok()) return;
  weights_.Make(
      scope, options_,
      {.kernel = {scope.depth(), units_},
       .recurrent = {units_, units_},
       .bias = options_.use_bias ? TensorShape{units_} : TensorShape{}},
      options_.bias_initializer);
}

Outputs SimpleRNNCell::Begin(const CallContext& call) {
  NameScope scope(call.x.graph(), options_.name);
  return DropoutOf(options_).Draw(call, *this);
}

Output SimpleRNNCell::Step(Output x, Outputs* state, const StepContext& step) {
  if (!weights_.built()) return x;  // Build has failed the graph.
  NameScope scope(x.graph(), options_.name);
  const GateMasks masks(DropoutOf(options_), step.begun);
  Output sum = GateProduct(x, weights_.kernel(), masks.input, 1);
  if (weights_.has_bias()) sum = BiasAdd(sum, weights_.bias());
  Output from_h =
      GateProduct((*state)[0], weights_.recurrent(), masks.recurrent, 1);
  Output h = options_.activation(sum + from_h);
  *state = {h};
  return h;
}

std::vector<TensorShape> SimpleRNNCell::state_shapes() const {
  return {ColumnsShape(units_)};
}

TensorShape SimpleRNNCell::output_shape() const { return ColumnsShape(units_); }

}  // namespace weft::keras
