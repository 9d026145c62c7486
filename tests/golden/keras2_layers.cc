#include <utility>

#include "core/status.h"
#include "layers/constraints.h"
#include "layers/keras/cells.h"
#include "layers/keras/conv_lstm.h"
#include "layers/keras/core.h"
#include "layers/keras/recurrent.h"
#include "layers/keras/wrappers.h"
#include "layers/regularizers.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "tests/golden/keras2.h"

namespace weft::golden {
namespace {

using keras::AnyLayer;

// y = x.kernel + h.recurrent_kernel + constant.constant_kernel, the new state.
class RNNCellWithConstants : public keras::Cell {
 public:
  RNNCellWithConstants(int64_t units, int64_t constant_size)
      : units_(units), constant_size_(constant_size) {}
  std::vector<int64_t> state_size() const override { return {units_}; }

  void Build(const TensorShape& input_shape) override {
    kernel_ =
        AddWeight({.shape = {input_shape.dim(-1), units_}, .name = "kernel"});
    recurrent_kernel_ =
        AddWeight({.shape = {units_, units_}, .name = "recurrent_kernel"});
    constant_kernel_ = AddWeight(
        {.shape = {constant_size_, units_}, .name = "constant_kernel"});
  }

  keras::CellResult CallWithConstants(Output x, const Outputs& states,
                                      const Outputs& constants) override {
    Output from_x = MatMul(x, kernel_);
    Output from_h = MatMul(states[0], recurrent_kernel_);
    Output y = from_x + from_h + MatMul(constants[0], constant_kernel_);
    return {y, {y}};
  }

 private:
  int64_t units_;
  int64_t constant_size_;
  Output kernel_;
  Output recurrent_kernel_;
  Output constant_kernel_;
};

// A cell under dropout masks that are handed in: they take the place of what
// its Begin would draw.
class WithMasks : public RNNCell {
 public:
  WithMasks(AnyCell cell, Outputs masks)
      : cell_(std::move(cell)), masks_(std::move(masks)) {}

  void Build(const CellInput& x) override { cell_->Build(x); }
  Outputs Begin(const CallContext&) override { return masks_; }
  Output Step(Output x, Outputs* state, const StepContext& step) override {
    return cell_->Step(x, state, step);
  }
  std::vector<TensorShape> state_shapes() const override {
    return cell_->state_shapes();
  }
  TensorShape output_shape() const override { return cell_->output_shape(); }
  std::vector<Variable> weights() const override { return cell_->weights(); }
  const std::string& name() const override { return cell_->name(); }

 private:
  AnyCell cell_;
  Outputs masks_;
};

absl::StatusOr<Initializer> InitializerOf(Config config) {
  const std::string name = config.String("name", "");
  Config arguments(nlohmann::json::object());
  if (config.Has("args")) arguments = config.Object("args");
  Initializer initializer = name;
  if (name == "constant") {
    initializer = initializers::Constant(arguments.Number("value", 0));
  } else if (name == "identity") {
    initializer = initializers::Identity({.gain = arguments.Number("gain", 1)});
  }
  config.Include(arguments);
  WEFT_RETURN_IF_ERROR(config.Finish());
  return initializer;
}

// Sets *argument to what `read` makes of the object under `key`, if any.
template <typename T, typename Read>
absl::Status ReadObject(Config& config, const std::string& key, Read read,
                        T* argument) {
  if (!config.Has(key)) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(*argument, read(config.Object(key)));
  return absl::OkStatus();
}

absl::StatusOr<Regularizer> ReadRegularizer(Config config) {
  return RegularizerOf(std::move(config));
}

// The arguments of weights: "kernel", "recurrent", "bias".
template <typename Options>
absl::Status ReadWeightArguments(Config& config, Options* options) {
  WEFT_RETURN_IF_ERROR(ReadObject(config, "kernel_initializer", InitializerOf,
                                  &options->kernel_initializer));
  WEFT_RETURN_IF_ERROR(ReadObject(config, "bias_initializer", InitializerOf,
                                  &options->bias_initializer));
  WEFT_RETURN_IF_ERROR(ReadObject(config, "kernel_regularizer", ReadRegularizer,
                                  &options->kernel_regularizer));
  WEFT_RETURN_IF_ERROR(ReadObject(config, "bias_regularizer", ReadRegularizer,
                                  &options->bias_regularizer));
  WEFT_RETURN_IF_ERROR(ReadObject(config, "kernel_constraint", ConstraintOf,
                                  &options->kernel_constraint));
  return ReadObject(config, "bias_constraint", ConstraintOf,
                    &options->bias_constraint);
}

// All that a recurrent layer or cell has of these arguments.
template <typename Options>
absl::Status ReadGateArguments(Config& config, Options* options) {
  WEFT_RETURN_IF_ERROR(ReadWeightArguments(config, options));
  WEFT_RETURN_IF_ERROR(ReadObject(config, "recurrent_initializer",
                                  InitializerOf,
                                  &options->recurrent_initializer));
  WEFT_RETURN_IF_ERROR(ReadObject(config, "recurrent_regularizer",
                                  ReadRegularizer,
                                  &options->recurrent_regularizer));
  WEFT_RETURN_IF_ERROR(ReadObject(config, "recurrent_constraint", ConstraintOf,
                                  &options->recurrent_constraint));
  if constexpr (requires { options->activation; }) {
    options->activation = config.ActivationOf("activation", "tanh");
    options->use_bias = config.Bool("use_bias", true);
    options->dropout = config.Number("dropout", 0);
    options->recurrent_dropout = config.Number("recurrent_dropout", 0);
  }
  if constexpr (requires { options->recurrent_activation; }) {
    options->recurrent_activation =
        config.ActivationOf("recurrent_activation", "hard_sigmoid");
  }
  if constexpr (requires { options->implementation; }) {
    options->implementation = static_cast<int>(config.Int("implementation", 1));
  }
  if constexpr (requires { options->unit_forget_bias; }) {
    options->unit_forget_bias = config.Bool("unit_forget_bias", true);
  }
  return absl::OkStatus();
}

// What recurrent layers have beside their cell's arguments.
template <typename Options>
absl::Status ReadLayerArguments(Config& config, const KerasForm& form,
                                Options* options) {
  options->batch_input_shape = form.batch_input_shape;
  options->return_sequences = config.Bool("return_sequences", false);
  options->return_state = config.Bool("return_state", false);
  options->stateful = config.Bool("stateful", false);
  if constexpr (requires { options->go_backwards; }) {
    options->go_backwards = config.Bool("go_backwards", false);
  }
  if constexpr (requires { options->unroll; }) {
    config.Bool("unroll", false);  // The form says how.
    options->unroll = form.unroll;
  }
  return ReadObject(config, "activity_regularizer", ReadRegularizer,
                    &options->activity_regularizer);
}

template <typename Cell, typename Options>
absl::StatusOr<AnyCell> CellOf(Config& config) {
  Options options;
  const int64_t units = config.Int("units");
  WEFT_RETURN_IF_ERROR(ReadGateArguments(config, &options));
  WEFT_RETURN_IF_ERROR(config.Finish());
  return AnyCell(Cell(units, options));
}

template <typename Layer, typename Options>
absl::StatusOr<AnyLayer> RecurrentOf(Config& config, const KerasForm& form) {
  Options options;
  const int64_t units = config.Int("units");
  WEFT_RETURN_IF_ERROR(ReadGateArguments(config, &options));
  WEFT_RETURN_IF_ERROR(ReadLayerArguments(config, form, &options));
  WEFT_RETURN_IF_ERROR(config.Finish());
  return AnyLayer(Layer(units, options));
}

// Two integers under `key`.
keras::Size2 SizesOf(Config& config, const std::string& key) {
  const std::vector<double> given = config.Numbers(key);
  if (given.empty()) return 1;
  return std::vector<int64_t>(given.begin(), given.end());
}

template <typename Options>
absl::Status ReadConvolution(Config& config, Options* options) {
  options->strides = SizesOf(config, "strides");
  options->dilation_rate = SizesOf(config, "dilation_rate");
  options->padding = config.String("padding", "valid");
  options->data_format = config.String("data_format", "");
  return ReadGateArguments(config, options);
}

absl::StatusOr<AnyCell> ConvCellOf(Config& config) {
  keras::ConvLSTM2DCellOptions options;
  const int64_t filters = config.Int("filters");
  const keras::Size2 kernel_size = SizesOf(config, "kernel_size");
  WEFT_RETURN_IF_ERROR(ReadConvolution(config, &options));
  WEFT_RETURN_IF_ERROR(config.Finish());
  return AnyCell(keras::ConvLSTM2DCell(filters, kernel_size, options));
}

absl::StatusOr<AnyLayer> ConvLayerOf(Config& config, const KerasForm& form) {
  keras::ConvLSTM2DOptions options;
  const int64_t filters = config.Int("filters");
  const keras::Size2 kernel_size = SizesOf(config, "kernel_size");
  WEFT_RETURN_IF_ERROR(ReadConvolution(config, &options));
  WEFT_RETURN_IF_ERROR(ReadLayerArguments(config, form, &options));
  WEFT_RETURN_IF_ERROR(config.Finish());
  return AnyLayer(keras::ConvLSTM2D(filters, kernel_size, options));
}

absl::StatusOr<AnyLayer> RNNOf(Config& config, const KerasForm& form) {
  keras::RNNOptions options;
  WEFT_RETURN_IF_ERROR(ReadLayerArguments(config, form, &options));
  if (config.Has("cell")) {
    Config cell = config.Object("cell");
    const std::string name = cell.String("class_name", "");
    Config arguments = cell.Object("config");
    const int64_t units = arguments.Int("units");
    config.Int("num_constants", 1);
    const int64_t size = config.Int("constant_size");
    cell.Include(arguments);
    config.Include(cell);
    WEFT_RETURN_IF_ERROR(config.Finish());
    if (name != "RNNCellWithConstants") {
      return Unimplemented("there is no cell '", Printable(name), "'");
    }
    return AnyLayer(keras::RNN(RNNCellWithConstants(units, size), options));
  }
  std::vector<AnyCell> cells;
  for (Config& cell : config.Objects("cells")) {
    const std::string name = cell.String("class_name", "");
    WEFT_ASSIGN_OR_RETURN(AnyCell made,
                          MakeKerasCell(name, cell.Object("config")));
    WEFT_RETURN_IF_ERROR(cell.Finish());
    cells.push_back(std::move(made));
  }
  WEFT_RETURN_IF_ERROR(config.Finish());
  return AnyLayer(keras::RNN(std::move(cells), options));
}

// A recurrent layer as RNN over its cell under given dropout masks.
absl::StatusOr<AnyLayer> MaskedLayer(const std::string& class_name,
                                     Config& config, const KerasForm& form) {
  const keras::RNNOptions options{
      .return_sequences = config.Bool("return_sequences", false),
      .unroll = form.unroll};
  WEFT_ASSIGN_OR_RETURN(AnyCell cell,
                        MakeKerasCell(class_name + "Cell", std::move(config)));
  return AnyLayer(
      keras::RNN(WithMasks(std::move(cell), form.dropout_masks), options));
}

absl::StatusOr<AnyLayer> EmbeddingOf(Config& config, const KerasForm& form) {
  const int64_t input_dim = config.Int("input_dim");
  const int64_t output_dim = config.Int("output_dim");
  const keras::EmbeddingOptions options{
      .batch_input_shape = form.batch_input_shape,
      .mask_zero = config.Bool("mask_zero", false)};
  WEFT_RETURN_IF_ERROR(config.Finish());
  return AnyLayer(keras::Embedding(input_dim, output_dim, options));
}

absl::StatusOr<AnyLayer> DenseOf(Config& config, const KerasForm& form) {
  const int64_t units = config.Int("units");
  keras::DenseOptions options{
      .batch_input_shape = form.batch_input_shape,
      .activation = config.ActivationOf("activation", "linear"),
      .use_bias = config.Bool("use_bias", true)};
  WEFT_RETURN_IF_ERROR(ReadWeightArguments(config, &options));
  WEFT_RETURN_IF_ERROR(config.Finish());
  return AnyLayer(keras::Dense(units, options));
}

// The layer under config["layer"].
absl::StatusOr<AnyLayer> InnerLayer(Config& config, KerasForm form) {
  form.batch_input_shape = {};
  Config layer = config.Object("layer");
  const std::string name = layer.String("class_name", "");
  absl::StatusOr<AnyLayer> made =
      MakeKerasLayer(name, layer.Object("config"), form);
  config.Include(layer);
  return made;
}

absl::StatusOr<AnyLayer> BidirectionalOf(Config& config,
                                         const KerasForm& form) {
  keras::BidirectionalOptions options;
  if (config.Has("merge_mode")) {
    const Activation mode = config.ActivationOf("merge_mode", "concat");
    options.merge_mode = mode.name() == "linear" ? "" : mode.name();
  }
  WEFT_ASSIGN_OR_RETURN(AnyLayer layer, InnerLayer(config, form));
  WEFT_RETURN_IF_ERROR(config.Finish());
  return AnyLayer(keras::Bidirectional(std::move(layer), options));
}

absl::StatusOr<AnyLayer> TimeDistributedOf(Config& config,
                                           const KerasForm& form) {
  WEFT_ASSIGN_OR_RETURN(AnyLayer layer, InnerLayer(config, form));
  WEFT_RETURN_IF_ERROR(config.Finish());
  return AnyLayer(keras::TimeDistributed(
      std::move(layer), {.batch_input_shape = form.batch_input_shape}));
}

absl::StatusOr<AnyLayer> MaskingOf(Config& config, const KerasForm& form) {
  const keras::MaskingOptions options{
      .batch_input_shape = form.batch_input_shape,
      .mask_value = config.Number("mask_value", 0)};
  WEFT_RETURN_IF_ERROR(config.Finish());
  return AnyLayer(keras::Masking(options));
}

}  // namespace

Regularizer RegularizerOf(Config config) {
  return regularizers::L1L2(
      {.l1 = config.Number("l1", 0), .l2 = config.Number("l2", 0)});
}

absl::StatusOr<Constraint> ConstraintOf(Config config) {
  const std::string name = config.String("name", "");
  Constraint constraint = name;
  const auto axis = [&] { return static_cast<int>(config.Int("axis", 0)); };
  if (name == "max_norm") {
    constraint = constraints::MaxNorm(
        {.max_value = config.Number("max_value", 2), .axis = axis()});
  } else if (name == "unit_norm") {
    constraint = constraints::UnitNorm({.axis = axis()});
  } else if (name == "min_max_norm") {
    constraint =
        constraints::MinMaxNorm({.min_value = config.Number("min_value", 0),
                                 .max_value = config.Number("max_value", 1),
                                 .rate = config.Number("rate", 1),
                                 .axis = axis()});
  }
  WEFT_RETURN_IF_ERROR(config.Finish());
  return constraint;
}

absl::StatusOr<AnyCell> MakeKerasCell(const std::string& class_name,
                                      Config config) {
  if (class_name == "SimpleRNNCell") {
    return CellOf<keras::SimpleRNNCell, keras::SimpleRNNCellOptions>(config);
  }
  if (class_name == "GRUCell") {
    return CellOf<keras::GRUCell, keras::GRUCellOptions>(config);
  }
  if (class_name == "LSTMCell") {
    return CellOf<keras::LSTMCell, keras::LSTMCellOptions>(config);
  }
  if (class_name == "ConvLSTM2DCell") return ConvCellOf(config);
  if (class_name == "StackedRNNCells") {
    std::vector<AnyCell> cells;
    for (Config& cell : config.Objects("cells")) {
      const std::string name = cell.String("class_name", "");
      WEFT_ASSIGN_OR_RETURN(AnyCell made,
                            MakeKerasCell(name, cell.Object("config")));
      cells.push_back(std::move(made));
    }
    WEFT_RETURN_IF_ERROR(config.Finish());
    return AnyCell(keras::StackedRNNCells(std::move(cells)));
  }
  return Unimplemented("there is no cell '", Printable(class_name), "'");
}

absl::StatusOr<AnyLayer> MakeKerasLayer(const std::string& class_name,
                                        Config config, const KerasForm& form) {
  if (!form.dropout_masks.empty()) {
    return MaskedLayer(class_name, config, form);
  }
  if (class_name == "SimpleRNN") {
    return RecurrentOf<keras::SimpleRNN, keras::SimpleRNNOptions>(config, form);
  }
  if (class_name == "GRU") {
    return RecurrentOf<keras::GRU, keras::GRUOptions>(config, form);
  }
  if (class_name == "LSTM") {
    return RecurrentOf<keras::LSTM, keras::LSTMOptions>(config, form);
  }
  if (class_name == "CuDNNGRU") {
    return RecurrentOf<keras::CuDNNGRU, keras::CuDNNGRUOptions>(config, form);
  }
  if (class_name == "CuDNNLSTM") {
    return RecurrentOf<keras::CuDNNLSTM, keras::CuDNNLSTMOptions>(config, form);
  }
  if (class_name == "ConvLSTM2D") return ConvLayerOf(config, form);
  if (class_name == "RNN") return RNNOf(config, form);
  if (class_name == "Bidirectional") return BidirectionalOf(config, form);
  if (class_name == "TimeDistributed") return TimeDistributedOf(config, form);
  if (class_name == "Embedding") return EmbeddingOf(config, form);
  if (class_name == "Masking") return MaskingOf(config, form);
  if (class_name == "Dense") return DenseOf(config, form);
  return Unimplemented("there is no layer '", Printable(class_name), "'");
}

absl::Status AddKerasLayers(const std::vector<Config>& layers,
                            const KerasForm& form, keras::Sequential* model) {
  KerasForm of_layer = form;
  for (Config layer : layers) {
    const std::string name = layer.String("class_name", "");
    WEFT_ASSIGN_OR_RETURN(
        AnyLayer made, MakeKerasLayer(name, layer.Object("config"), of_layer));
    WEFT_RETURN_IF_ERROR(layer.Finish());
    model->Add(std::move(made));
    of_layer.batch_input_shape = {};
  }
  return absl::OkStatus();
}

}  // namespace weft::golden
