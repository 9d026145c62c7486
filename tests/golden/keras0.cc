// The layers of Keras 0.x, as golden cases describe them.
#include <utility>

#include "core/status.h"
#include "layers/keras0/recurrent.h"
#include "layers/recurrent.h"
#include "ops/math.h"
#include "tests/golden/adapter.h"
#include "tests/golden/config.h"

namespace weft::golden {
namespace {

// What a case says of its sequences.
struct Sequence {
  Output x = {};
  Output mask = {};  // Bool [batch, time]; may not be valid.
  bool return_sequences = false;
};

absl::StatusOr<Sequence> SequenceOf(Config& config, const CaseGraph& built) {
  Sequence s{.return_sequences = config.Bool("return_sequences", false)};
  for (const auto& [name, input] : built.inputs) {
    if (name == "x") s.x = input;
    if (name == "mask") s.mask = Cast(input, DataType::kBool);
  }
  if (!s.x.valid()) return InvalidArgument("the case has no input x");
  return s;
}

// The options of a layer, from what every case has.
template <typename Options>
Options OptionsOf(Config& config, const char* activation) {
  Options options;
  options.activation = config.ActivationOf("activation", activation);
  options.truncate_gradient = config.Int("truncate_gradient", -1);
  return options;
}

template <typename Options>
Options GatedOptionsOf(Config& config, const char* activation,
                       const char* inner_activation) {
  Options options = OptionsOf<Options>(config, activation);
  options.inner_activation =
      config.ActivationOf("inner_activation", inner_activation);
  return options;
}

// The layer in its own form, a loop; the cell alone is stepped unrolled.
template <typename Layer, typename Cell, typename Options>
absl::Status Build(const GoldenCase& c, Config& config, Options options,
                   CaseGraph* built) {
  const int64_t output_dim = config.Int("output_dim");
  WEFT_ASSIGN_OR_RETURN(const Sequence s, SequenceOf(config, *built));
  WEFT_RETURN_IF_ERROR(config.Finish());
  if (built->form == Form::kLoop) {
    options.return_sequences = s.return_sequences;
    Layer layer(output_dim, options);
    keras0::CallOptions call;
    if (s.mask.valid()) call.mask = s.mask;
    built->outputs["y"] = layer(s.x, call);
    return built->SetWeights(c, layer.weights());
  }
  keras0::CellOptions cell_options{
      .output_dim = output_dim,
      .activation = options.activation,
      .truncate_gradient = options.truncate_gradient};
  if constexpr (requires { options.inner_activation; }) {
    cell_options.inner_activation = options.inner_activation;
  }
  if constexpr (requires { options.depth; }) cell_options.depth = options.depth;
  Cell cell(cell_options);
  RNNOptions rnn_options{.return_seq = s.return_sequences,
                         .zero_padded = false};
  if (s.mask.valid()) rnn_options.constants = {Cast(s.mask, s.x.dtype())};
  built->outputs["y"] = rnn(s.x, cell, rnn_options);
  return built->SetWeights(c, cell.weights());
}

absl::Status BuildLayer(const GoldenCase& c, CaseGraph* built) {
  Config config(c.config);
  if (c.layer == "SimpleRNN") {
    return Build<keras0::SimpleRNN, keras0::SimpleRNNCell>(
        c, config, OptionsOf<keras0::SimpleRNNOptions>(config, "sigmoid"),
        built);
  }
  if (c.layer == "SimpleDeepRNN") {
    auto options = GatedOptionsOf<keras0::SimpleDeepRNNOptions>(
        config, "sigmoid", "hard_sigmoid");
    options.depth = config.Int("depth", 3);
    return Build<keras0::SimpleDeepRNN, keras0::SimpleDeepRNNCell>(
        c, config, options, built);
  }
  if (c.layer == "GRU") {
    return Build<keras0::GRU, keras0::GRUCell>(
        c, config,
        GatedOptionsOf<keras0::GRUOptions>(config, "sigmoid", "hard_sigmoid"),
        built);
  }
  if (c.layer == "LSTM") {
    return Build<keras0::LSTM, keras0::LSTMCell>(
        c, config,
        GatedOptionsOf<keras0::LSTMOptions>(config, "tanh", "hard_sigmoid"),
        built);
  }
  const auto jzs =
      GatedOptionsOf<keras0::JZSOptions>(config, "tanh", "sigmoid");
  if (c.layer == "JZS1") {
    return Build<keras0::JZS1, keras0::JZS1Cell>(c, config, jzs, built);
  }
  if (c.layer == "JZS2") {
    return Build<keras0::JZS2, keras0::JZS2Cell>(c, config, jzs, built);
  }
  if (c.layer == "JZS3") {
    return Build<keras0::JZS3, keras0::JZS3Cell>(c, config, jzs, built);
  }
  return Unimplemented("there is no layer '", Printable(c.layer), "'");
}

}  // namespace

absl::Span<const Adapter> Keras0Adapters() {
  static const auto& adapters = *new std::vector<Adapter>([] {
    std::vector<Adapter> made;
    for (const char* family :
         {"keras0.SimpleRNN", "keras0.SimpleDeepRNN", "keras0.GRU",
          "keras0.LSTM", "keras0.JZS1", "keras0.JZS2", "keras0.JZS3"}) {
      made.push_back({.family = family,
                      .forms = {Form::kUnrolled, Form::kLoop},
                      .build = BuildLayer});
    }
    return made;
  }());
  return adapters;
}

}  // namespace weft::golden
