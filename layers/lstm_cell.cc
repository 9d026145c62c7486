#include "layers/cells.h"
#include "layers/initializers.h"
#include "layers/weights.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"

namespace weft {
namespace {

bool IsPositive(const std::optional<double>& clip) {
  return !clip || *clip > 0;
}

Output Clipped(Output v, const std::optional<double>& clip) {
  return clip ? ClipByValue(v, -*clip, *clip) : v;
}

}  // namespace

void LSTMCell::Build(const CellInput& x) {
  if (kernel_.valid()) return;
  const int64_t units = options_.units;
  CellWeights weights(x, "LSTMCell", options_, reuse_);
  const ArgumentChecker& check = weights.check();
  check.Known("activation", options_.activation);
  check.Known("inner_activation", options_.inner_activation);
  check.Known("weights_init", options_.weights_init);
  check.Finite("forget_bias", options_.forget_bias);
  if (options_.num_proj) check.IsSize("num_proj", *options_.num_proj);
  check.Expect(IsPositive(options_.cell_clip), "cell_clip",
               options_.cell_clip.value_or(0), "above 0");
  check.Expect(IsPositive(options_.proj_clip), "proj_clip",
               options_.proj_clip.value_or(0), "above 0");
  check.Expect(!options_.proj_clip || options_.num_proj, "proj_clip",
               options_.proj_clip.value_or(0), "left out without num_proj");
  if (!weights.ok()) return;
  const Initializer& init = options_.weights_init;
  const int64_t rows = weights.depth() + options_.num_proj.value_or(units);
  kernel_ = weights.Make("kernel", {rows, 4 * units}, init);
  if (options_.bias) {
    bias_ = weights.Make("bias", {4 * units}, initializers::Zeros());
  }
  if (options_.use_peepholes) {
    w_f_diag_ = weights.Make("w_f_diag", {units}, init);
    w_i_diag_ = weights.Make("w_i_diag", {units}, init);
    w_o_diag_ = weights.Make("w_o_diag", {units}, init);
  }
  if (options_.num_proj) {
    projection_ =
        weights.Make("projection/kernel", {units, *options_.num_proj}, init);
  }
}

Output LSTMCell::NextCell(Output c, const Outputs& gates) const {
  const Activation& s = options_.inner_activation;
  Output i = gates[0];
  Output f = gates[2] + options_.forget_bias;
  if (options_.use_peepholes) {
    i = i + w_i_diag_.read() * c;
    f = f + w_f_diag_.read() * c;
  }
  Output kept = s(f) * c;
  Output open = s(i);
  Output added = open * options_.activation(gates[1]);
  return Clipped(kept + added, options_.cell_clip);
}

Output LSTMCell::Project(Output h) const {
  if (!options_.num_proj) return h;
  return Clipped(MatMul(h, projection_.read()), options_.proj_clip);
}

Output LSTMCell::Step(Output x, Outputs* state, const StepContext&) {
  if (!kernel_.valid()) return x;  // Build has failed the graph.
  NameScope scope(x.graph(), options_.name);
  Outputs old = *state;
  if (!options_.state_is_tuple) {
    const int64_t h_size = options_.num_proj.value_or(options_.units);
    old = SplitV((*state)[0], {options_.units, h_size}, 1);
  }
  Output sum = MatMul(Concat({x, old[1]}, 1), kernel_.read());
  if (options_.bias) sum = BiasAdd(sum, bias_.read());
  const Outputs gates = Split(sum, 4, 1);  // i, j, f, o
  Output c = NextCell(old[0], gates);
  Output o = gates[3];
  if (options_.use_peepholes) o = o + w_o_diag_.read() * c;
  Output open = options_.inner_activation(o);
  Output h = Project(open * options_.activation(c));
  *state = options_.state_is_tuple ? Outputs{c, h} : Outputs{Concat({c, h}, 1)};
  return h;
}

std::vector<TensorShape> LSTMCell::state_shapes() const {
  const int64_t h_size = options_.num_proj.value_or(options_.units);
  if (!options_.state_is_tuple) return {ColumnsShape(options_.units, h_size)};
  return {ColumnsShape(options_.units), ColumnsShape(h_size)};
}

TensorShape LSTMCell::output_shape() const {
  return ColumnsShape(options_.num_proj.value_or(options_.units));
}

std::vector<Variable> LSTMCell::weights() const {
  std::vector<Variable> weights;
  for (const Variable& w :
       {kernel_, bias_, w_f_diag_, w_i_diag_, w_o_diag_, projection_}) {
    if (w.valid()) weights.push_back(w);
  }
  return weights;
}

}  // namespace weft
