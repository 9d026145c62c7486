#include "examples/cells/layer_norm_lstm_cell.h"

#include "layers/initializers.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/reduction.h"

namespace weft::examples {
namespace {

Output Normalised(Output v, const Variable& gain) {
  Output mean = Mean(v, {.axes = 1, .keep_dims = true});
  Output centred = v - mean;
  Output variance = Mean(Square(centred), {.axes = 1, .keep_dims = true});
  return centred * Rsqrt(variance + 1e-5) * gain.read();
}

}  // namespace

void LayerNormLstmCell::Build(const CellInput& x) {
  if (built()) return;
  const int64_t gates = 4 * units();
  kernel_ = Make(x, "kernel", {x.shape.dim(-1), gates}, initializer_);
  recurrent_kernel_ =
      Make(x, "recurrent_kernel", {units(), gates}, initializer_);
  bias_ = Make(x, "bias", {gates}, initializers::Zeros());
  input_gain_ = Make(x, "input_gain", {gates}, initializers::Ones());
  recurrent_gain_ = Make(x, "recurrent_gain", {gates}, initializers::Ones());
  cell_gain_ = Make(x, "cell_gain", {units()}, initializers::Ones());
}

Output LayerNormLstmCell::Step(Output x, Outputs* state, const StepContext&) {
  Output from_x = Normalised(MatMul(x, kernel_.read()), input_gain_);
  Output from_h = Normalised(MatMul((*state)[0], recurrent_kernel_.read()),
                             recurrent_gain_);
  const Outputs gates = Split(BiasAdd(from_x + from_h, bias_.read()), 4, 1);
  Output added = Sigmoid(gates[0]) * Tanh(gates[1]);
  Output kept = Sigmoid(gates[2]) * (*state)[1];
  Output c = kept + added;
  Output h = Sigmoid(gates[3]) * Tanh(Normalised(c, cell_gain_));
  *state = {h, c};
  return h;
}

}  // namespace weft::examples
