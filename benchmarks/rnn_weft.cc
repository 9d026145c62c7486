#include "benchmarks/rnn_weft.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "benchmarks/measure.h"
#include "examples/cells/layer_norm_lstm_cell.h"
#include "examples/cells/sru_cell.h"
#include "layers/cells.h"
#include "layers/keras/recurrent.h"
#include "layers/keras/wrappers.h"
#include "layers/keras0/cells.h"
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

template <typename Cell>
AnyCell MakeJzs(int64_t units) {
  return Cell({.output_dim = units, .inner_activation = "sigmoid"});
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

// Sigmoid gates, as peers have them; the default is a hard one.
keras::AnyLayer MakeKerasLayer(const RnnConfig& c, RnnCell cell, int level) {
  const std::string name = absl::StrCat("level_", level);
  if (cell == RnnCell::kLstm) {
    return keras::LSTM(c.units, {.recurrent_activation = "sigmoid",
                                 .return_sequences = true,
                                 .name = name});
  }
  if (cell == RnnCell::kGruResetAfter) {
    return keras::GRU(c.units, {.recurrent_activation = "sigmoid",
                                .reset_after = true,
                                .return_sequences = true,
                                .name = name});
  }
  return keras::SimpleRNN(c.units, {.return_sequences = true, .name = name});
}

Output BuildKerasLayers(const RnnConfig& c, RnnCell cell, Output x) {
  for (int level = 0; level < c.layers; ++level) {
    keras::AnyLayer layer = MakeKerasLayer(c, cell, level);
    x = c.directions == 2 ? keras::Bidirectional(layer)(x) : (*layer)(x);
  }
  return x;
}

// Rows [row, row + rows) and gate `from` of `kernel`, [?, n * units], as gate
// `to` of a matrix [rows, gates, units].
void CopyGate(const Tensor& kernel, int64_t row, int64_t rows, int64_t units,
              int from, int to, int gates, std::vector<float>* matrix) {
  const int64_t columns = kernel.shape().dim(1);
  matrix->resize(rows * gates * units);
  for (int64_t i = 0; i < rows; ++i) {
    const float* source =
        kernel.data<float>().data() + (row + i) * columns + from * units;
    std::copy(source, source + units, &(*matrix)[(i * gates + to) * units]);
  }
}

// The same of a kernel [depth + units, n * units] for both products.
void CopyJoinedGate(const Tensor& kernel, int64_t units, int from, int to,
                    int gates, RnnWeights* weights) {
  const int64_t depth = kernel.shape().dim(0) - units;
  CopyGate(kernel, 0, depth, units, from, to, gates, &weights->input);
  CopyGate(kernel, depth, units, units, from, to, gates, &weights->recurrent);
}

// Adds bias `from` and `extra` to bias `to`.
void AddBias(const Tensor& bias, int64_t units, int from, int to, float extra,
             int biases, RnnWeights* weights) {
  weights->bias.resize(biases * units);
  for (int64_t i = 0; i < units; ++i) {
    weights->bias[to * units + i] +=
        bias.data<float>()[from * units + i] + extra;
  }
}

// `take` gives one variable after the other.
template <typename Take>
RnnWeights WeightsOfKeras(RnnCell cell, int64_t units, const Take& take) {
  const int gates = NumGates(cell);
  // i, f, candidate, o; update, reset, candidate; or the only one.
  RnnWeights weights;
  const Tensor kernel = take(), recurrent = take(), bias = take();
  for (int gate = 0; gate < gates; ++gate) {
    CopyGate(kernel, 0, kernel.shape().dim(0), units, gate, gate, gates,
             &weights.input);
    CopyGate(recurrent, 0, units, units, gate, gate, gates, &weights.recurrent);
    AddBias(bias, units, gate, gate, 0, NumBiases(cell), &weights);
  }
  if (cell == RnnCell::kGruResetAfter) {
    for (int gate = 0; gate < gates; ++gate) {
      AddBias(bias, units, gates + gate, gate < 2 ? gate : 3, 0,
              NumBiases(cell), &weights);
    }
  }
  return weights;
}

template <typename Take>
RnnWeights WeightsOfCell(RnnCell cell, int64_t units, const Take& take) {
  const int gates = NumGates(cell);
  RnnWeights weights;
  const Tensor kernel = take();
  if (cell == RnnCell::kGru) {
    // Reset and update, and the candidate for itself.
    const Tensor candidate = take();
    const Tensor bias = take();
    const Tensor candidate_bias = take();
    for (int gate : {0, 1}) {
      CopyJoinedGate(kernel, units, gate, 1 - gate, gates, &weights);
      AddBias(bias, units, gate, 1 - gate, 0, gates, &weights);
    }
    CopyJoinedGate(candidate, units, 0, 2, gates, &weights);
    AddBias(candidate_bias, units, 0, 2, 0, gates, &weights);
    return weights;
  }
  // i, candidate, f (to which 1 is added), o; or the only one.
  const Tensor bias = take();
  const std::vector<int> order =
      gates == 4 ? std::vector<int>{0, 2, 1, 3} : std::vector<int>{0};
  for (int gate = 0; gate < gates; ++gate) {
    CopyJoinedGate(kernel, units, gate, order[gate], gates, &weights);
    AddBias(bias, units, gate, order[gate], gate == 2 ? 1 : 0, gates, &weights);
  }
  return weights;
}

}  // namespace

const std::vector<CustomCell>& CustomCells() {
  static const auto* cells = new std::vector<CustomCell>{
      {"layer_norm_lstm", RnnCell::kLstm,
       [](int64_t units) -> AnyCell {
         return examples::LayerNormLstmCell(units);
       }},
      {"sru", RnnCell::kLstm,
       [](int64_t units) -> AnyCell { return examples::SruCell(units); }},
      {"jzs1", RnnCell::kGru, MakeJzs<keras0::JZS1Cell>},
      {"jzs2", RnnCell::kGru, MakeJzs<keras0::JZS2Cell>},
      {"jzs3", RnnCell::kGru, MakeJzs<keras0::JZS3Cell>},
  };
  return *cells;
}

WeftRnn::WeftRnn(const RnnConfig& config, RnnCell cell,
                 const RnnRunOptions& options, Tensor x, Tensor dy)
    : graph_({.mode = options.training ? ModeKeys::kTrain : ModeKeys::kPredict,
              .seed = 3}),
      config_(config),
      cell_(cell),
      form_(options.form) {
  const bool dynamic = form_ != RnnForm::kUnrolled;
  const int64_t time = dynamic ? -1 : config.time;
  const Output in =
      Placeholder(graph_, "x", DataType::kFloat, {-1, time, config.depth});
  const Output y =
      options.custom != nullptr
          ? rnn(in, options.custom->make(config.units),
                {.return_seq = true, .dynamic = dynamic, .zero_padded = false})
      : form_ == RnnForm::kKeras ? BuildKerasLayers(config, cell, in)
                                 : BuildLayers(config, cell, dynamic, in);
  Signature signature = {.feeds = {in.name()}, .fetches = {y.name()}};
  std::vector<Tensor> feeds = {std::move(x)};
  if (options.training) {
    const Output gradient =
        Placeholder(graph_, "dy", DataType::kFloat,
                    {-1, time, config.units * config.directions});
    GradientDescent descent({.learning_rate = 1e-6});
    const TrainStep step = Minimize(Sum(y * gradient), descent);
    signature.feeds.push_back(gradient.name());
    signature.targets.push_back(step.node->name());
    feeds.push_back(std::move(dy));
  }
  for (const Variable& variable : TrainableVariables(graph_)) {
    weight_names_.push_back(variable.name());
  }
  run_ = std::make_unique<WeftRun>(graph_, signature, std::move(feeds),
                                   options.run);
}

std::vector<RnnWeights> WeftRnn::Weights() const {
  std::vector<RnnWeights> result;
  const std::vector<Tensor> variables = Variables();
  size_t next = 0;
  const auto take = [&] { return variables[next++]; };
  while (next < variables.size()) {
    result.push_back(form_ == RnnForm::kKeras
                         ? WeightsOfKeras(cell_, config_.units, take)
                         : WeightsOfCell(cell_, config_.units, take));
  }
  return result;
}

std::vector<Tensor> WeftRnn::Variables() const {
  std::vector<Tensor> variables;
  for (const std::string& name : weight_names_)
    variables.push_back(Must(run_->session().GetVariable(name)));
  return variables;
}

}  // namespace weft
