#include "benchmarks/rnn_weft.h"

#include <utility>

#include "benchmarks/measure.h"
#include "layers/cells.h"
#include "layers/recurrent.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "train/optimizers.h"

namespace weft {
namespace {

AnyCell MakeCell(RnnCell cell, int64_t units) {
  if (cell == RnnCell::kLstm) return BasicLSTMCell({.units = units});
  if (cell == RnnCell::kGru) return GRUCell({.units = units});
  return BasicRNNCell({.units = units});
}

Output BuildLayers(const RnnConfig& c, RnnCell cell, bool dynamic, Output x) {
  if (c.directions == 2) {
    return bidirectional_rnn(
        x, MakeCell(cell, c.units), MakeCell(cell, c.units),
        {.return_seq = true, .dynamic = dynamic, .zero_padded = false});
  }
  if (cell == RnnCell::kLstm) {
    return lstm(x, {.units = c.units,
                    .num_layers = c.layers,
                    .return_seq = true,
                    .dynamic = dynamic,
                    .zero_padded = false});
  }
  if (cell == RnnCell::kGru) {
    return gru(x, {.units = c.units,
                   .num_layers = c.layers,
                   .return_seq = true,
                   .dynamic = dynamic,
                   .zero_padded = false});
  }
  return simple_rnn(x, {.units = c.units,
                        .activation = "tanh",
                        .num_layers = c.layers,
                        .return_seq = true,
                        .dynamic = dynamic,
                        .zero_padded = false});
}

// Copies gate `from` of `kernel`, [depth + units, n * units], to gate `to`.
void CopyGate(const Tensor& kernel, int64_t units, int from, int to, int gates,
              RnnWeights* weights) {
  const int64_t columns = kernel.shape().dim(1);
  const int64_t depth = kernel.shape().dim(0) - units;
  weights->input.resize(depth * gates * units);
  weights->recurrent.resize(units * gates * units);
  for (int64_t row = 0; row < depth + units; ++row) {
    const float* source =
        kernel.data<float>().data() + row * columns + from * units;
    float* target =
        row < depth ? &weights->input[(row * gates + to) * units]
                    : &weights->recurrent[((row - depth) * gates + to) * units];
    std::copy(source, source + units, target);
  }
}

void CopyBias(const Tensor& bias, int64_t units, int from, int to, float extra,
              int gates, RnnWeights* weights) {
  weights->bias.resize(gates * units);
  for (int64_t i = 0; i < units; ++i) {
    weights->bias[to * units + i] =
        bias.data<float>()[from * units + i] + extra;
  }
}

}  // namespace

WeftRnn::WeftRnn(const RnnConfig& config, RnnCell cell,
                 const RnnRunOptions& options, Tensor x, Tensor dy)
    : graph_({.mode = options.training ? ModeKeys::kTrain : ModeKeys::kPredict,
              .seed = 3}),
      config_(config),
      cell_(cell) {
  const int64_t time = options.dynamic ? -1 : config.time;
  const Output in =
      Placeholder(graph_, "x", DataType::kFloat, {-1, time, config.depth});
  const Output y = BuildLayers(config, cell, options.dynamic, in);
  Signature signature = {.feeds = {in.name()}, .fetches = {y.name()}};
  feeds_ = {std::move(x)};
  if (options.training) {
    const Output gradient =
        Placeholder(graph_, "dy", DataType::kFloat,
                    {-1, time, config.units * config.directions});
    GradientDescent descent({.learning_rate = 1e-6});
    const TrainStep step = Minimize(Sum(y * gradient), descent);
    signature.feeds.push_back(gradient.name());
    signature.targets.push_back(step.node->name());
    feeds_.push_back(std::move(dy));
  }
  for (const Variable& variable : TrainableVariables(graph_)) {
    weight_names_.push_back(variable.name());
  }
  session_ =
      Must(Session::Create(graph_, {.num_threads = options.threads,
                                    .passes = {.enabled = options.passes}}));
  Must(session_->Initialize());
  callable_ = Must(session_->Prepare(signature));
}

void WeftRnn::Run() { Must(callable_->Run(feeds_, &outputs_)); }

std::vector<RnnWeights> WeftRnn::Weights() const {
  std::vector<RnnWeights> result;
  const int64_t units = config_.units;
  const int gates = NumGates(cell_);
  size_t next = 0;
  auto take = [&] {
    return Must(session_->GetVariable(weight_names_[next++]));
  };
  while (next < weight_names_.size()) {
    RnnWeights& weights = result.emplace_back();
    const Tensor kernel = take();
    if (cell_ == RnnCell::kGru) {
      // Reset and update, and the candidate for itself.
      const Tensor candidate = take();
      const Tensor bias = take();
      const Tensor candidate_bias = take();
      for (int gate : {0, 1}) {
        CopyGate(kernel, units, gate, 1 - gate, gates, &weights);
        CopyBias(bias, units, gate, 1 - gate, 0, gates, &weights);
      }
      CopyGate(candidate, units, 0, 2, gates, &weights);
      CopyBias(candidate_bias, units, 0, 2, 0, gates, &weights);
      continue;
    }
    // i, candidate, f (to which 1 is added), o; or the only one.
    const Tensor bias = take();
    const std::vector<int> order =
        gates == 4 ? std::vector<int>{0, 2, 1, 3} : std::vector<int>{0};
    for (int gate = 0; gate < gates; ++gate) {
      CopyGate(kernel, units, gate, order[gate], gates, &weights);
      CopyBias(bias, units, gate, order[gate], gate == 2 ? 1 : 0, gates,
               &weights);
    }
  }
  return result;
}

}  // namespace weft
