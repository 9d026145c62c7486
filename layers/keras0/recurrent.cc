#include "layers/keras0/recurrent.h"

#include <utility>

#include "layers/step_through.h"
#include "ops/math.h"

namespace weft::keras0 {
namespace {

template <typename Options>
keras::LayerOptions LayerOptionsOf(const char* kind, const Options& options) {
  return {.kind = kind,
          .name = options.name,
          .input = keras::SequenceInput(options),
          .weights = options.weights};
}

// What all options have.
template <typename Options>
CellOptions CellOptionsOf(int64_t output_dim, const Options& options) {
  return {.output_dim = output_dim,
          .init = options.init,
          .inner_init = options.inner_init,
          .activation = options.activation,
          .weights = options.weights,
          .truncate_gradient = options.truncate_gradient};
}

template <typename Options>
CellOptions GatedOptionsOf(int64_t output_dim, const Options& options) {
  CellOptions cell = CellOptionsOf(output_dim, options);
  cell.inner_activation = options.inner_activation;
  return cell;
}

CellOptions DeepOptionsOf(int64_t output_dim,
                          const SimpleDeepRNNOptions& options) {
  CellOptions cell = GatedOptionsOf(output_dim, options);
  cell.depth = options.depth;
  return cell;
}

CellOptions LstmOptionsOf(int64_t output_dim, const LSTMOptions& options) {
  CellOptions cell = GatedOptionsOf(output_dim, options);
  cell.forget_bias_init = options.forget_bias_init;
  return cell;
}

}  // namespace

bool Recurrent::CheckSequence(const TensorShape& shape) const {
  return check().Expect(shape.rank() == 3, "x", shape.ToString(),
                        "[batch, time, depth]");
}

void Recurrent::Build(const TensorShape& input_shape) {
  if (!CheckSequence(input_shape)) return;
  TensorShape step = input_shape;
  step.RemoveDim(1);
  CellInput input(graph(), dtype(), step);
  input.trainable = trainable();
  cell_->Build(input);
}

Result Recurrent::Call(Output x, const CallOptions& options) {
  if (!CheckSequence(x.shape())) return Failed();
  check().Expect(options.initial_state.empty(), "initial_state", "given",
                 "left out: layers of Keras 0.x start with zeros");
  check().Expect(options.constants.empty(), "constants", "given",
                 "left out: layers of Keras 0.x take none");
  check().Expect(!options.sequence_length.has_value(), "sequence_length",
                 "given", "left out: layers of Keras 0.x take a mask");
  if (!graph().status().ok()) return Failed();
  StepThroughOptions steps{.kind = kind(),
                           .mode = options.mode,
                           .keep = return_sequences_ ? Keep::kAll : Keep::kLast,
                           .dynamic = true};
  if (options.mask.has_value()) {
    steps.constants = {Cast(*options.mask, x.dtype())};
  }
  const Steps result = StepThrough(*cell_, x, steps);
  if (!graph().status().ok()) return Failed();
  if (options.mask.has_value() && return_sequences_) {
    keras::SetMask(result.output, *options.mask);
  }
  return Result(result.output);
}

SimpleRNN::SimpleRNN(int64_t output_dim, const SimpleRNNOptions& options)
    : Recurrent(LayerOptionsOf("SimpleRNN", options),
                SimpleRNNCell(CellOptionsOf(output_dim, options)),
                options.return_sequences) {}

SimpleDeepRNN::SimpleDeepRNN(int64_t output_dim,
                             const SimpleDeepRNNOptions& options)
    : Recurrent(LayerOptionsOf("SimpleDeepRNN", options),
                SimpleDeepRNNCell(DeepOptionsOf(output_dim, options)),
                options.return_sequences) {}

GRU::GRU(int64_t output_dim, const GRUOptions& options)
    : Recurrent(LayerOptionsOf("GRU", options),
                GRUCell(GatedOptionsOf(output_dim, options)),
                options.return_sequences) {}

LSTM::LSTM(int64_t output_dim, const LSTMOptions& options)
    : Recurrent(LayerOptionsOf("LSTM", options),
                LSTMCell(LstmOptionsOf(output_dim, options)),
                options.return_sequences) {}

JZS1::JZS1(int64_t output_dim, const JZSOptions& options)
    : Recurrent(LayerOptionsOf("JZS1", options),
                JZS1Cell(GatedOptionsOf(output_dim, options)),
                options.return_sequences) {}

void JZS1::Build(const TensorShape& input_shape) {
  if (layer_options().weights.size() == 9) {
    check().Fail(
        "weights has 9 arrays but must have 8: W_z, b_z, W_r, U_r, b_r, U_h, "
        "b_h, Pmat. There is no U_z, as z does not depend on the state");
    return;
  }
  Recurrent::Build(input_shape);
}

JZS2::JZS2(int64_t output_dim, const JZSOptions& options)
    : Recurrent(LayerOptionsOf("JZS2", options),
                JZS2Cell(GatedOptionsOf(output_dim, options)),
                options.return_sequences) {}

JZS3::JZS3(int64_t output_dim, const JZSOptions& options)
    : Recurrent(LayerOptionsOf("JZS3", options),
                JZS3Cell(GatedOptionsOf(output_dim, options)),
                options.return_sequences) {}

}  // namespace weft::keras0
