#include "layers/cells.h"
#include "layers/initializers.h"
#include "layers/weights.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"

namespace weft {

void BasicLSTMCell::Build(const CellInput& x) {
  if (kernel_.valid()) return;
  const int64_t units = options_.units;
  CellWeights weights(x, "BasicLSTMCell", options_, reuse_);
  weights.check().Known("activation", options_.activation);
  weights.check().Known("inner_activation", options_.inner_activation);
  weights.check().Known("weights_init", options_.weights_init);
  weights.check().Finite("forget_bias", options_.forget_bias);
  if (!weights.ok()) return;
  kernel_ = weights.Make("kernel", {weights.depth() + units, 4 * units},
                         options_.weights_init);
  if (options_.bias) {
    bias_ = weights.Make("bias", {4 * units}, initializers::Zeros());
  }
  if (!options_.batch_norm) return;
  for (const char* name : {"bn_i", "bn_j", "bn_f", "bn_o", "bn_c"}) {
    norms_.emplace_back(weights, name, units);
  }
}

Outputs BasicLSTMCell::Begin(const CallContext& call) {
  training_ = call.ModeOf(options_.mode) == ModeKeys::kTrain;
  return {};
}

Outputs BasicLSTMCell::Carried(const CallContext&) {
  Outputs carried;
  if (!training_) return carried;
  for (const StepBatchNorm& norm : norms_) {
    carried.push_back(norm.moving_mean().read());
    carried.push_back(norm.moving_variance().read());
  }
  return carried;
}

Output BasicLSTMCell::Normalised(Norm k, Output v,
                                 const StepContext& step) const {
  if (norms_.empty()) return v;
  if (!training_) return norms_[k].Apply(v);
  const BatchStatistics batch = StatisticsOf(v, step.valid);
  if (step.carried != nullptr) {
    Outputs& moving = *step.carried;
    moving[2 * k] = UpdateMoving(moving[2 * k], batch.mean, batch.any);
    moving[2 * k + 1] =
        UpdateMoving(moving[2 * k + 1], batch.variance, batch.any);
  }
  return norms_[k].Apply(v, batch);
}

Output BasicLSTMCell::Step(Output x, Outputs* state, const StepContext& step) {
  if (!kernel_.valid()) return x;  // Build has failed the graph.
  NameScope scope(x.graph(), options_.name);
  const Activation& s = options_.inner_activation;
  const Activation& a = options_.activation;
  const Outputs old =
      options_.state_is_tuple ? *state : Split((*state)[0], 2, 1);
  Output sum = MatMul(Concat({x, old[1]}, 1), kernel_.read());
  if (options_.bias) sum = BiasAdd(sum, bias_.read());
  const Outputs gates = Split(sum, 4, 1);  // i, j, f, o
  Output i = s(Normalised(kInputGate, gates[0], step));
  Output j = a(Normalised(kCandidate, gates[1], step));
  Output f = s(Normalised(kForgetGate, gates[2], step) + options_.forget_bias);
  Output o = s(Normalised(kOutputGate, gates[3], step));
  Output kept = old[0] * f;
  Output added = i * j;
  Output c = kept + added;
  Output h = a(Normalised(kCell, c, step)) * o;
  *state = options_.state_is_tuple ? Outputs{c, h} : Outputs{Concat({c, h}, 1)};
  return h;
}

std::vector<Node*> BasicLSTMCell::Finish(absl::Span<const Output> carried) {
  std::vector<Node*> updates;
  for (size_t k = 0; k + 1 < carried.size(); k += 2) {
    const StepBatchNorm& norm = norms_[k / 2];
    updates.push_back(Assign(norm.moving_mean(), carried[k]));
    updates.push_back(Assign(norm.moving_variance(), carried[k + 1]));
  }
  return updates;
}

std::vector<TensorShape> BasicLSTMCell::state_shapes() const {
  const TensorShape shape = ColumnsShape(options_.units);
  if (options_.state_is_tuple) return {shape, shape};
  return {ColumnsShape(options_.units, options_.units)};
}

TensorShape BasicLSTMCell::output_shape() const {
  return ColumnsShape(options_.units);
}

std::vector<Variable> BasicLSTMCell::weights() const {
  std::vector<Variable> weights = {kernel_};
  if (options_.bias) weights.push_back(bias_);
  for (const StepBatchNorm& norm : norms_) {
    weights.push_back(norm.gamma());
    weights.push_back(norm.beta());
    weights.push_back(norm.moving_mean());
    weights.push_back(norm.moving_variance());
  }
  return weights;
}

}  // namespace weft
