#include "layers/recurrent.h"

#include <algorithm>
#include <variant>

#include "absl/strings/str_cat.h"
#include "layers/cells.h"
#include "layers/layer_scope.h"
#include "layers/step_through.h"

namespace weft {
namespace {

RNNResult RunInScope(RNNCell& cell, Operand x, const RNNOptions& options,
                     absl::string_view kind) {
  StepThroughOptions steps{
      .kind = kind,
      .mode = options.mode,
      .keep = options.return_seq ? Keep::kAll : Keep::kLast,
      .dynamic = options.dynamic,
      .lengths = LengthsOf(kind, x, options.sequence_length,
                           options.dynamic && options.zero_padded),
      .initial_state = options.initial_state,
      .constants = options.constants};
  Steps result = StepThrough(cell, x, steps);
  if (!options.return_state) return {result.output};
  return {result.output, result.state};
}

// ---- What the options of the layers mean -----------------------------------

template <typename Options>
RNNOptions RNNOptionsOf(const Options& options) {
  return {.mode = options.mode,
          .return_seq = options.return_seq,
          .return_state = options.return_state,
          .initial_state = options.initial_state,
          .dynamic = options.dynamic,
          .sequence_length = options.sequence_length,
          .zero_padded = options.zero_padded,
          .reuse = options.reuse,
          .scope = options.scope,
          .name = options.name};
}

AnyCell MakeCell(const SimpleRNNOptions& options) {
  return BasicRNNCell({.units = options.units,
                       .activation = options.activation,
                       .bias = options.bias,
                       .weights_init = options.weights_init,
                       .trainable = options.trainable,
                       .restore = options.restore});
}

AnyCell MakeCell(const LSTMOptions& options) {
  return BasicLSTMCell({.units = options.units,
                        .activation = options.activation,
                        .inner_activation = options.inner_activation,
                        .bias = options.bias,
                        .weights_init = options.weights_init,
                        .forget_bias = options.forget_bias,
                        .trainable = options.trainable,
                        .restore = options.restore});
}

AnyCell MakeCell(const GRUOptions& options) {
  return GRUCell({.units = options.units,
                  .activation = options.activation,
                  .inner_activation = options.inner_activation,
                  .bias = options.bias,
                  .weights_init = options.weights_init,
                  .trainable = options.trainable,
                  .restore = options.restore});
}

constexpr absl::string_view KindOf(const SimpleRNNOptions&) {
  return "simple_rnn";
}
constexpr absl::string_view KindOf(const LSTMOptions&) { return "lstm"; }
constexpr absl::string_view KindOf(const GRUOptions&) { return "gru"; }

// `cell` in the dropout around it. Fails the graph if it is out of range.
AnyCell WithDropout(AnyCell cell, const CellDropout& dropout,
                    const ArgumentChecker& check) {
  DropoutWrapperOptions wrapper;
  if (const auto* keep = std::get_if<KeepProb>(&dropout)) {
    check.IsKeepProb("dropout: the KeepProb of inputs", keep->input);
    check.IsKeepProb("dropout: the KeepProb of outputs", keep->output);
    wrapper.input_keep_prob = keep->input;
    wrapper.output_keep_prob = keep->output;
  } else if (const auto* rate = std::get_if<DropRate>(&dropout)) {
    check.IsDropRate("dropout: the DropRate of inputs", rate->input);
    check.IsDropRate("dropout: the DropRate of outputs", rate->output);
    wrapper.input_keep_prob = rate->input.Complement();
    wrapper.output_keep_prob = rate->output.Complement();
  } else if (const auto* masks = std::get_if<DropoutMasks>(&dropout)) {
    wrapper.masks = *masks;
  } else {
    return cell;
  }
  return DropoutWrapper(std::move(cell), std::move(wrapper));
}

template <typename Options>
AnyCell MakeStack(const Options& options, const ArgumentChecker& check) {
  // More is a mistake, and would take all memory before it is noticed.
  constexpr int64_t kMaxLayers = 1000;
  const int64_t levels = options.num_layers;
  check.Expect(levels >= 1 && levels <= kMaxLayers, "num_layers", levels,
               absl::StrCat("in [1, ", kMaxLayers, "]"));
  if (levels == 1)
    return WithDropout(MakeCell(options), options.dropout, check);
  std::vector<AnyCell> cells;
  for (int64_t k = 0; k < std::min(levels, kMaxLayers); ++k) {
    cells.push_back(WithDropout(MakeCell(options), options.dropout, check));
  }
  return MultiRNNCell(std::move(cells));
}

}  // namespace

RNNResult rnn(Operand x, RNNCell& cell, const RNNOptions& options) {
  LayerScope scope({x.graph(), x.location}, {.kind = "rnn",
                                             .name = options.name,
                                             .scope = options.scope,
                                             .reuse = options.reuse});
  cell.set_reuse(options.reuse);
  return RunInScope(cell, x, options, "rnn");
}

RNNResult rnn(Operand x, AnyCell cell, const RNNOptions& options) {
  return rnn(x, *cell, options);
}

template <typename Options>
RNNResult RecurrentLayer<Options>::operator()(Operand x) {
  RNNOptions options = RNNOptionsOf(options_);
  const bool called = cell_.has_value();
  const LayerScope scope({x.graph(), x.location}, {.kind = KindOf(options_),
                                                   .name = options.name,
                                                   .scope = options.scope,
                                                   .reuse = options.reuse,
                                                   .called = called});
  if (!called) {
    cell_ = MakeStack(options_, scope.check());
    (*cell_)->set_reuse(options.reuse);
  }
  return RunInScope(**cell_, x, options, KindOf(options_));
}

template <typename Options>
std::vector<Variable> RecurrentLayer<Options>::weights() const {
  return cell_.has_value() ? (*cell_)->weights() : std::vector<Variable>{};
}

template class RecurrentLayer<SimpleRNNOptions>;
template class RecurrentLayer<LSTMOptions>;
template class RecurrentLayer<GRUOptions>;

RNNResult simple_rnn(Operand x, const SimpleRNNOptions& options) {
  return SimpleRNN(options)(x);
}
RNNResult lstm(Operand x, const LSTMOptions& options) {
  return LSTM(options)(x);
}
RNNResult gru(Operand x, const GRUOptions& options) { return GRU(options)(x); }

}  // namespace weft
