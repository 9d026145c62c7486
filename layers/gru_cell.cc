#include "layers/cells.h"
#include "layers/initializers.h"
#include "layers/weights.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"

namespace weft {

void GRUCell::Build(const CellInput& x) {
  if (gates_kernel_.valid()) return;
  const int64_t units = options_.units;
  CellWeights weights(x, "GRUCell", options_, reuse_);
  weights.check().Known("activation", options_.activation);
  weights.check().Known("inner_activation", options_.inner_activation);
  weights.check().Known("weights_init", options_.weights_init);
  if (!weights.ok()) return;
  const int64_t rows = weights.depth() + units;
  const Initializer& init = options_.weights_init;
  gates_kernel_ = weights.Make("gates/kernel", {rows, 2 * units}, init);
  candidate_kernel_ = weights.Make("candidate/kernel", {rows, units}, init);
  if (!options_.bias) return;
  gates_bias_ = weights.Make("gates/bias", {2 * units}, initializers::Ones());
  candidate_bias_ =
      weights.Make("candidate/bias", {units}, initializers::Zeros());
}

Output GRUCell::Step(Output x, Outputs* state, const StepContext&) {
  if (!gates_kernel_.valid()) return x;  // Build has failed the graph.
  NameScope scope(x.graph(), options_.name);
  Output h = (*state)[0];
  Output sum = MatMul(Concat({x, h}, 1), gates_kernel_.read());
  if (options_.bias) sum = BiasAdd(sum, gates_bias_.read());
  const Outputs gates = Split(options_.inner_activation(sum), 2, 1);
  Output r = gates[0];
  Output u = gates[1];
  Output reset = r * h;
  Output candidate = MatMul(Concat({x, reset}, 1), candidate_kernel_.read());
  if (options_.bias) candidate = BiasAdd(candidate, candidate_bias_.read());
  Output c = options_.activation(candidate);
  Output kept = u * h;
  Output taken = (1.0 - u) * c;
  Output next = kept + taken;
  *state = {next};
  return next;
}

std::vector<TensorShape> GRUCell::state_shapes() const {
  return {ColumnsShape(options_.units)};
}

TensorShape GRUCell::output_shape() const {
  return ColumnsShape(options_.units);
}

std::vector<Variable> GRUCell::weights() const {
  if (!options_.bias) return {gates_kernel_, candidate_kernel_};
  return {gates_kernel_, gates_bias_, candidate_kernel_, candidate_bias_};
}

}  // namespace weft
