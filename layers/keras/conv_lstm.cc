#include "layers/keras/conv_lstm.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "layers/weights.h"
#include "ops/array.h"
#include "ops/conv.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/source.h"

namespace weft::keras {
namespace {

constexpr char kFormatCollection[] = "keras_image_data_format";
constexpr char kFormats[] = "channels_last or channels_first";

bool IsFormat(const std::string& format) {
  return format == "channels_last" || format == "channels_first";
}

GateDropout DropoutOf(const ConvLSTM2DCellOptions& options) {
  return {.input = options.dropout,
          .recurrent = options.recurrent_dropout,
          .masks = 4,
          .input_rank = 4};
}

}  // namespace

// ---- Arguments -------------------------------------------------------------

std::string Size2::ToString() const {
  return absl::StrCat("[", absl::StrJoin(sizes_, ", "), "]");
}

bool Size2::Check(const ArgumentChecker& check,
                  absl::string_view argument) const {
  // Products of such numbers do not overflow.
  constexpr int64_t kMax = 1 << 15;
  const bool right = sizes_.size() == 2 &&
                     std::min(sizes_[0], sizes_[1]) >= 1 &&
                     std::max(sizes_[0], sizes_[1]) <= kMax;
  return check.Expect(right, argument, ToString(),
                      absl::StrCat("1 or 2 sizes in [1, ", kMax, "]"));
}

void SetImageDataFormat(GraphRef g, const std::string& data_format) {
  const ArgumentChecker check(g, "SetImageDataFormat");
  if (check.Expect(IsFormat(data_format), "data_format",
                   absl::StrCat("'", Printable(data_format), "'"), kFormats)) {
    g.graph.AddToCollection(kFormatCollection, data_format);
  }
}

std::string ImageDataFormat(const Graph& g) {
  const std::vector<std::string>& set = g.Collection(kFormatCollection);
  return set.empty() ? "channels_last" : set.back();
}

// ---- The cell --------------------------------------------------------------

int64_t ConvLSTM2DCell::effective_kernel(int axis) const {
  const Size2& dilation = options_.dilation_rate;
  return axis == 0 ? (kernel_size_.rows() - 1) * dilation.rows() + 1
                   : (kernel_size_.columns() - 1) * dilation.columns() + 1;
}

int64_t ConvLSTM2DCell::stride(int axis) const {
  return axis == 0 ? options_.strides.rows() : options_.strides.columns();
}

int64_t ConvLSTM2DCell::Places(int axis, int64_t size) const {
  if (size < 0) return TensorShape::kUnknownDim;
  const int64_t first = same_ ? size : size - effective_kernel(axis) + 1;
  return std::max<int64_t>(0, (first + stride(axis) - 1) / stride(axis));
}

Output ConvLSTM2DCell::Places(int axis, Output size) const {
  Output first = size;
  if (!same_) {
    first = size - static_cast<double>(effective_kernel(axis) - 1);
  }
  Output step = Const(size.graph(), static_cast<int32_t>(stride(axis)));
  Output rounded_up = first + static_cast<double>(stride(axis) - 1);
  return Maximum(FloorDiv(rounded_up, step), ScalarLike(size, 0));
}

bool ConvLSTM2DCell::Check(const ArgumentChecker& check, const CellInput& x) {
  check.IsSize("filters", filters_);
  kernel_size_.Check(check, "kernel_size");
  const bool sizes = options_.strides.Check(check, "strides") &&
                     options_.dilation_rate.Check(check, "dilation_rate");
  check.Expect(
      !sizes || options_.strides.is_one() || options_.dilation_rate.is_one(),
      "strides",
      absl::StrCat(options_.strides.ToString(), " and dilation_rate ",
                   options_.dilation_rate.ToString()),
      "1 where the other is not");
  const std::string padding = absl::AsciiStrToLower(options_.padding);
  same_ = padding == "same";
  check.Expect(same_ || padding == "valid", "padding",
               absl::StrCat("'", Printable(options_.padding), "'"),
               "valid or same");
  const std::string format = options_.data_format.empty()
                                 ? ImageDataFormat(x.graph)
                                 : options_.data_format;
  channels_first_ = format == "channels_first";
  check.Expect(IsFormat(format), "data_format",
               absl::StrCat("'", Printable(format), "'"), kFormats);
  check.Known("activation", options_.activation);
  check.Known("recurrent_activation", options_.recurrent_activation);
  CheckRates(check, options_.dropout, options_.recurrent_dropout);
  if (!x.graph.status().ok()) return false;
  return check.Expect(
      x.shape.rank() == 4 && x.shape.dim(channel_axis()) >= 1, "x",
      x.shape.ToString(),
      channels_first_ ? "[batch, channels, rows, columns] with known channels"
                      : "[batch, rows, columns, channels] with known channels");
}

void ConvLSTM2DCell::Build(const CellInput& x) {
  if (weights_.built()) return;
  const CellWeights scope(x, "ConvLSTM2DCell", options_.name,
                          {.dtype = x.dtype, .reuse = reuse_});
  const ArgumentChecker& check = scope.check();
  if (!Check(check, x)) return;
  const int64_t channels = x.shape.dim(channel_axis());
  const int64_t rows = Places(0, x.shape.dim(row_axis()));
  const int64_t columns = Places(1, x.shape.dim(row_axis() + 1));
  const int64_t kernel_rows = kernel_size_.rows();
  const int64_t kernel_columns = kernel_size_.columns();
  const auto kernel = TensorShape::Create(
      {kernel_rows, kernel_columns, channels, 4 * filters_});
  const auto recurrent = TensorShape::Create(
      {kernel_rows, kernel_columns, filters_, 4 * filters_});
  const auto state = channels_first_
                         ? TensorShape::Create({filters_, rows, columns})
                         : TensorShape::Create({rows, columns, filters_});
  for (const auto* shape : {&kernel, &recurrent, &state}) {
    if (!shape->ok()) x.graph.Fail(shape->status(), x.location);
  }
  check.Expect(rows != 0 && columns != 0, "x", x.shape.ToString(),
               absl::StrCat("at least as large as the kernel ",
                            kernel_size_.ToString(), ", or padding same"));
  if (!scope.ok()) return;
  state_shape_ = *state;
  const TensorShape bias = {4 * filters_};
  weights_.Make(scope, options_,
                {.kernel = *kernel,
                 .recurrent = *recurrent,
                 .bias = options_.use_bias ? bias : TensorShape{}},
                options_.unit_forget_bias ? UnitForgetBias(filters_)
                                          : options_.bias_initializer);
}

Outputs ConvLSTM2DCell::Begin(const CallContext& call) {
  NameScope scope(call.x.graph(), options_.name);
  return DropoutOf(options_).Draw(call, *this);
}

Outputs ConvLSTM2DCell::ZeroState(Output x) const {
  if (state_shape_.IsFullyDefined()) return RNNCell::ZeroState(x);
  // Of one step, or of a sequence of them.
  const int first = x.shape().rank() - 4 + row_axis();
  Output rows = Places(0, DimOf(x, first));
  Output columns = Places(1, DimOf(x, first + 1));
  Output filters = Const(x.graph(), static_cast<int32_t>(filters_));
  Output batch = DimOf(x, 0);
  Output sizes = channels_first_ ? Pack({batch, filters, rows, columns})
                                 : Pack({batch, rows, columns, filters});
  Output zeros = Fill(sizes, ScalarLike(x, 0));
  return {zeros, zeros};
}

Output ConvLSTM2DCell::Step(Output x, Outputs* state, const StepContext& step) {
  if (!weights_.built()) return x;  // Build has failed the graph.
  NameScope scope(x.graph(), options_.name);
  const GateMasks masks(DropoutOf(options_), step.begun);
  const char* format = channels_first_ ? "NCHW" : "NHWC";
  const Size2& strides = options_.strides;
  const Size2& dilation = options_.dilation_rate;
  const Conv2DOptions of_x{.strides = {strides.rows(), strides.columns()},
                           .padding = same_ ? "SAME" : "VALID",
                           .data_format = format,
                           .dilations = {dilation.rows(), dilation.columns()}};
  const Conv2DOptions of_h{.padding = "SAME", .data_format = format};
  const int axis = channel_axis();
  Output from_x = GateProduct(
      x, weights_.kernel(), masks.input, 4,
      [&](Output v, Output kernel) { return Conv2D(v, kernel, of_x); }, axis);
  if (weights_.has_bias()) {
    from_x = BiasAdd(from_x, weights_.bias(), {.data_format = format});
  }
  Output from_h = GateProduct(
      (*state)[0], weights_.recurrent(), masks.recurrent, 4,
      [&](Output v, Output kernel) { return Conv2D(v, kernel, of_h); }, axis);
  const Outputs gates = Split(from_x + from_h, 4, axis);  // i, f, g, o
  *state = LSTMStates(gates, (*state)[1], options_.activation,
                      options_.recurrent_activation);
  return (*state)[0];
}

std::vector<TensorShape> ConvLSTM2DCell::state_shapes() const {
  return {state_shape_, state_shape_};
}

// ---- The layer -------------------------------------------------------------

namespace {

ConvLSTM2DCell CellOf(int64_t filters, const Size2& kernel_size,
                      const ConvLSTM2DOptions& options) {
  ConvLSTM2DCellOptions cell{
      .strides = options.strides,
      .padding = options.padding,
      .data_format = options.data_format,
      .dilation_rate = options.dilation_rate,
      .activation = options.activation,
      .recurrent_activation = options.recurrent_activation,
      .use_bias = options.use_bias,
      .unit_forget_bias = options.unit_forget_bias && options.weights.empty(),
      .dropout = options.dropout,
      .recurrent_dropout = options.recurrent_dropout};
  CopyCellArguments(options, &cell);
  return ConvLSTM2DCell(filters, kernel_size, cell);
}

LayerOptions OptionsOf(const ConvLSTM2DOptions& options) {
  return {.kind = "ConvLSTM2D",
          .name = options.name,
          .trainable = options.trainable,
          .input = {.input_shape = options.input_shape,
                    .batch_input_shape = options.batch_input_shape},
          .weights = options.weights,
          .activity_regularizer = options.activity_regularizer};
}

}  // namespace

ConvLSTM2D::ConvLSTM2D(int64_t filters, Size2 kernel_size,
                       ConvLSTM2DOptions options)
    : RNN(CellOf(filters, kernel_size, options), OptionsOf(options),
          {.return_sequences = options.return_sequences,
           .return_state = options.return_state,
           .go_backwards = options.go_backwards,
           .stateful = options.stateful,
           .x_rank = 5,
           .x_axes = "[batch, time, rows, columns, channels], or "
                     "channels before rows"}) {}

}  // namespace weft::keras
