#include "layers/cells.h"
#include "layers/initializers.h"
#include "layers/weights.h"
#include "ops/array.h"
#include "ops/matmul.h"
#include "ops/nn.h"

namespace weft {

void BasicRNNCell::Build(const CellInput& x) {
  if (kernel_.valid()) return;
  const int64_t units = options_.units;
  CellWeights weights(x, "BasicRNNCell", options_, reuse_);
  weights.check().Known("activation", options_.activation);
  weights.check().Known("weights_init", options_.weights_init);
  if (!weights.ok()) return;
  kernel_ = weights.Make("kernel", {weights.depth() + units, units},
                         options_.weights_init);
  if (!options_.bias) return;
  bias_ = weights.Make("bias", {units}, initializers::Zeros());
}

Output BasicRNNCell::Step(Output x, Outputs* state, const StepContext&) {
  if (!kernel_.valid()) return x;  // Build has failed the graph.
  NameScope scope(x.graph(), options_.name);
  Output sum = MatMul(Concat({x, (*state)[0]}, 1), kernel_.read());
  if (options_.bias) sum = BiasAdd(sum, bias_.read());
  Output h = options_.activation(sum);
  *state = {h};
  return h;
}

std::vector<TensorShape> BasicRNNCell::state_shapes() const {
  return {ColumnsShape(options_.units)};
}

TensorShape BasicRNNCell::output_shape() const {
  return ColumnsShape(options_.units);
}

std::vector<Variable> BasicRNNCell::weights() const {
  if (!options_.bias) return {kernel_};
  return {kernel_, bias_};
}

}  // namespace weft
