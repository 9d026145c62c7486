#include "layers/keras/recurrent.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "layers/initializers.h"
#include "layers/step_through.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/source.h"

namespace weft::keras {
namespace {

// Bool [batch, time]: true for the first lengths[b] steps of row b.
Output MaskOfLengths(Output x, Output lengths) {
  Graph& g = x.graph();
  Output steps = Range(Const(g, int32_t{0}), DimOf(x, 1), Const(g, int32_t{1}));
  return Less(ExpandDims(steps, 0), ExpandDims(lengths, 1));
}

template <typename Options>
RecurrentOptions RecurrentOptionsOf(const Options& options) {
  return {.return_sequences = options.return_sequences,
          .return_state = options.return_state,
          .go_backwards = options.go_backwards,
          .stateful = options.stateful,
          .unroll = options.unroll};
}

RecurrentOptions OfAnyCell(RecurrentOptions options) {
  options.x_rank = 0;
  return options;
}

}  // namespace

RNN::RNN(AnyCell cell, RNNOptions options)
    : RNN(std::move(cell), LayerOptionsOf("RNN", options),
          OfAnyCell(RecurrentOptionsOf(options))) {}

RNN::RNN(std::vector<AnyCell> cells, RNNOptions options)
    : RNN(StackedRNNCells(std::move(cells)), std::move(options)) {}

RNN::RNN(AnyCell cell, LayerOptions layer, RecurrentOptions recurrent)
    : Layer(std::move(layer)),
      cell_(std::move(cell)),
      recurrent_(std::move(recurrent)) {}

bool RNN::CheckSequence(const TensorShape& shape) const {
  const int rank = shape.rank();
  const int wanted = recurrent_.x_rank;
  const char* hint = rank == std::max(3, wanted) - 1
                         ? "; a recurrent layer gives one with return_sequences"
                         : "";
  if (!check().Expect(wanted == 0 ? rank >= 3 : rank == wanted, "x",
                      shape.ToString(),
                      absl::StrCat(recurrent_.x_axes, hint))) {
    return false;
  }
  return check().Expect(
      !recurrent_.unroll || shape.dim(1) >= 2, "unroll",
      absl::StrCat("true and x ", shape.ToString()),
      "false, unless time is known (input_length) and at least 2");
}

void RNN::Build(const TensorShape& input_shape) {
  if (!CheckSequence(input_shape)) return;
  TensorShape step = input_shape;
  step.RemoveDim(1);
  CellInput input(graph(), dtype(), step);
  input.trainable = trainable();
  cell_->Build(input);
  if (!graph().status().ok()) return;
  const std::vector<TensorShape> states = cell_->state_shapes();
  const TensorShape output = cell_->output_shape();
  if (!check().Expect(!states.empty() && states[0].IsCompatibleWith(output),
                      "the cell's first state",
                      states.empty() ? "none" : states[0].ToString(),
                      absl::StrCat(output.ToString(), ", as its output is"))) {
    return;
  }
  if (recurrent_.stateful) MakeStates(input_shape);
}

void RNN::MakeStates(const TensorShape& input_shape) {
  const int64_t batch = input_shape.dim(0);
  if (!check().Expect(batch >= 1, "stateful",
                      absl::StrCat("true and x ", input_shape.ToString()),
                      "false without a known batch size; give "
                      "batch_input_shape to the first layer of a model, "
                      "batch_shape to Input")) {
    return;
  }
  for (TensorShape shape : cell_->state_shapes()) {
    shape.InsertDim(0, batch);
    if (!check().Expect(shape.IsFullyDefined(), "stateful",
                        absl::StrCat("true and x ", input_shape.ToString()),
                        "false without known rows and columns")) {
      return;
    }
    const Variable state =
        MakeKerasWeight(graph(), {.dtype = dtype()},
                        {.shape = shape,
                         .initializer = "zeros",
                         .trainable = false,
                         .name = absl::StrCat("state_", states_.size())});
    if (state.valid()) states_.push_back(state);
  }
}

Output RNN::StepMask(Output x, const CallOptions& options) const {
  Output mask = options.mask.value_or(Output());
  if (options.sequence_length.has_value()) {
    Output lengths =
        LengthsOf(kind(), Operand(x, {}), *options.sequence_length, false);
    if (!graph().status().ok()) return {};
    Output counted = MaskOfLengths(x, lengths);
    mask = mask.valid() ? LogicalAnd(mask, counted) : counted;
  }
  if (!mask.valid() || !graph().status().ok()) return {};
  if (!recurrent_.instead_with_masks.empty()) {
    check().Fail("x has a mask but must have none: use ",
                 recurrent_.instead_with_masks, " in its place");
    return {};
  }
  return recurrent_.go_backwards ? Reverse(mask, {1}) : mask;
}

std::vector<Node*> RNN::UpdateStates(const Outputs& states) const {
  std::vector<Node*> updates;
  for (size_t k = 0; k < states_.size(); ++k) {
    Node* update = Assign(states_[k], states[k], absl::StrCat("update_", k));
    updates.push_back(update);
    graph().AddToCollection("update_ops", update->name());
  }
  return updates;
}

Result RNN::Call(Output x, const CallOptions& options) {
  if (!CheckSequence(x.shape())) return Failed();
  const Output mask = StepMask(x, options);
  if (!graph().status().ok()) return Failed();
  if (recurrent_.go_backwards) x = Reverse(x, {1});
  StepThroughOptions steps{
      .kind = kind(),
      .mode = options.mode,
      .keep = recurrent_.return_sequences ? Keep::kAll : Keep::kLast,
      .dynamic = !recurrent_.unroll,
      .mask = mask,
      .initial_state = options.initial_state,
      .constants = options.constants,
      .streams = !recurrent_.go_backwards};
  if (steps.initial_state.empty()) {
    for (const Variable& state : states_) {
      steps.initial_state.push_back(state.read());
    }
  }
  Steps result = StepThrough(*cell_, x, steps);
  if (!graph().status().ok()) return Failed();
  if (!states_.empty()) {
    ControlScope after(graph(), UpdateStates(result.state));
    result.output = Identity(result.output, "output");
    for (Output& state : result.state) state = Identity(state, "state");
  }
  if (mask.valid() && recurrent_.return_sequences) {
    SetMask(result.output, mask);
  }
  if (!recurrent_.return_state) return Result(result.output);
  return Result(result.output, result.state);
}

// ---- Simple RNN, GRU, LSTM -------------------------------------------------

namespace {

SimpleRNNCell CellOf(int64_t units, const SimpleRNNOptions& options) {
  SimpleRNNCellOptions cell{.activation = options.activation,
                            .use_bias = options.use_bias,
                            .dropout = options.dropout,
                            .recurrent_dropout = options.recurrent_dropout};
  CopyCellArguments(options, &cell);
  return SimpleRNNCell(units, cell);
}

GRUCell CellOf(int64_t units, const GRUOptions& options) {
  GRUCellOptions cell{.activation = options.activation,
                      .recurrent_activation = options.recurrent_activation,
                      .use_bias = options.use_bias,
                      .dropout = options.dropout,
                      .recurrent_dropout = options.recurrent_dropout,
                      .implementation = options.implementation,
                      .reset_after = options.reset_after};
  CopyCellArguments(options, &cell);
  return GRUCell(units, cell);
}

LSTMCell CellOf(int64_t units, const LSTMOptions& options) {
  LSTMCellOptions cell{
      .activation = options.activation,
      .recurrent_activation = options.recurrent_activation,
      .use_bias = options.use_bias,
      .unit_forget_bias = options.unit_forget_bias && options.weights.empty(),
      .dropout = options.dropout,
      .recurrent_dropout = options.recurrent_dropout,
      .implementation = options.implementation};
  CopyCellArguments(options, &cell);
  return LSTMCell(units, cell);
}

}  // namespace

SimpleRNN::SimpleRNN(int64_t units, SimpleRNNOptions options)
    : RNN(CellOf(units, options), LayerOptionsOf("SimpleRNN", options),
          RecurrentOptionsOf(options)),
      implementation_(options.implementation) {}

void SimpleRNN::Build(const TensorShape& input_shape) {
  CheckImplementation(check(), implementation_);
  if (graph().status().ok()) RNN::Build(input_shape);
}

GRU::GRU(int64_t units, GRUOptions options)
    : RNN(CellOf(units, options), LayerOptionsOf("GRU", options),
          RecurrentOptionsOf(options)) {}

LSTM::LSTM(int64_t units, LSTMOptions options)
    : RNN(CellOf(units, options), LayerOptionsOf("LSTM", options),
          RecurrentOptionsOf(options)) {}

// ---- As cuDNN computes them ------------------------------------------------

namespace {

// What cuDNN has no other way to do.
template <typename Options>
RecurrentOptions CuDNNOptionsOf(const Options& options, const char* instead) {
  return {.return_sequences = options.return_sequences,
          .return_state = options.return_state,
          .stateful = options.stateful,
          .instead_with_masks = instead};
}

GRUCell CellOf(int64_t units, const CuDNNGRUOptions& options) {
  GRUCellOptions cell{.recurrent_activation = "sigmoid",
                      .reset_after = true,
                      .name = "cu_dnngru_cell"};
  CopyCellArguments(options, &cell);
  return GRUCell(units, cell);
}

class CuDNNLSTMCell : public LSTMCell {
 public:
  CuDNNLSTMCell(int64_t units, LSTMCellOptions options)
      : LSTMCell(units, std::move(options), TwoBiases()) {}
};

CuDNNLSTMCell CellOf(int64_t units, const CuDNNLSTMOptions& options) {
  LSTMCellOptions cell{
      .recurrent_activation = "sigmoid",
      .unit_forget_bias = options.unit_forget_bias && options.weights.empty(),
      .name = "cu_dnnlstm_cell"};
  CopyCellArguments(options, &cell);
  return CuDNNLSTMCell(units, cell);
}

}  // namespace

CuDNNGRU::CuDNNGRU(int64_t units, CuDNNGRUOptions options)
    : RNN(CellOf(units, options), LayerOptionsOf("CuDNNGRU", options),
          CuDNNOptionsOf(options,
                         "GRU with reset_after and recurrent_activation "
                         "sigmoid")) {}

CuDNNLSTM::CuDNNLSTM(int64_t units, CuDNNLSTMOptions options)
    : RNN(CellOf(units, options), LayerOptionsOf("CuDNNLSTM", options),
          CuDNNOptionsOf(options, "LSTM with recurrent_activation sigmoid")) {}

}  // namespace weft::keras
