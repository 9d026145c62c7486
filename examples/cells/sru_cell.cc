#include "examples/cells/sru_cell.h"

#include "layers/initializers.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"

namespace weft::examples {

void SruCell::Build(const CellInput& x) {
  if (built()) return;
  kernel_ = Make(x, "kernel", {x.shape.dim(-1), 4 * units()}, initializer_);
  bias_ = Make(x, "bias", {2 * units()}, initializers::Zeros());
}

Output SruCell::Step(Output x, Outputs* state, const StepContext&) {
  const Outputs parts =
      SplitV(MatMul(x, kernel_.read()), {units(), 2 * units(), units()}, 1);
  const Outputs gates =
      Split(Sigmoid(BiasAdd(parts[1], bias_.read())), 2, 1);  // f, r
  Output kept = gates[0] * (*state)[0];
  Output added = (1.0 - gates[0]) * parts[0];
  Output c = kept + added;
  Output from_state = gates[1] * Tanh(c);
  Output from_input = (1.0 - gates[1]) * parts[2];
  *state = {c};
  return from_state + from_input;
}

}  // namespace weft::examples
