#include "tests/layers/keras/layer_models.h"

#include "layers/keras/conv_lstm.h"
#include "layers/keras/recurrent.h"
#include "layers/keras/wrappers.h"
#include "ops/array.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/source.h"

namespace weft {
namespace {

// A cell as a user writes one.
class OwnCell : public keras::Cell {
 public:
  std::vector<int64_t> state_size() const override { return {3, 2}; }
  void Build(const TensorShape& input_shape) override {
    kernel_ = AddWeight({.shape = {input_shape.dim(-1) + 2, 5},
                         .initializer = LargeWeights(),
                         .name = "kernel"});
  }
  keras::CellResult Call(Output x, const Outputs& states) override {
    Output sum = MatMul(Concat({x, states[1]}, 1), kernel_);
    const Outputs parts = SplitV(Tanh(sum), {3, 2}, 1);
    Output y = parts[0] + states[0] * 0.5;
    return {y, {y, parts[1]}};
  }

 private:
  Output kernel_;
};

template <typename Options>
Options Common(const LayerForm& form) {
  Options options;
  options.return_sequences = form.return_sequences;
  options.return_state = form.return_state;
  options.stateful = form.stateful;
  if constexpr (requires { options.go_backwards; }) {
    options.go_backwards = form.go_backwards;
  }
  if constexpr (requires { options.unroll; }) options.unroll = form.unroll;
  if constexpr (requires { options.dropout; }) {
    options.dropout = form.dropout;
    options.recurrent_dropout = form.recurrent_dropout;
  }
  if constexpr (requires { options.kernel_initializer; }) {
    options.kernel_initializer = LargeWeights();
    options.recurrent_initializer = LargeWeights();
    options.bias_initializer = LargeWeights();
  }
  // Without kinks, for finite differences.
  if constexpr (requires { options.recurrent_activation; }) {
    options.recurrent_activation = "sigmoid";
  }
  return options;
}

keras::AnyLayer MakeSimpleRNN(const LayerForm& form) {
  return keras::SimpleRNN(3, Common<keras::SimpleRNNOptions>(form));
}

keras::AnyLayer MakeGRU(const LayerForm& form, int implementation,
                        bool reset_after) {
  auto options = Common<keras::GRUOptions>(form);
  options.implementation = implementation;
  options.reset_after = reset_after;
  return keras::GRU(3, options);
}

keras::AnyLayer MakeLSTM(const LayerForm& form, int implementation,
                         bool use_bias) {
  auto options = Common<keras::LSTMOptions>(form);
  options.implementation = implementation;
  options.use_bias = use_bias;
  options.unit_forget_bias = false;
  return keras::LSTM(3, options);
}

keras::AnyLayer MakeStack(const LayerForm& form) {
  return keras::RNN(
      Cells(keras::LSTMCell(4, {.kernel_initializer = LargeWeights(),
                                .dropout = form.dropout}),
            keras::GRUCell(2, {.kernel_initializer = LargeWeights(),
                               .recurrent_dropout = form.recurrent_dropout}),
            keras::SimpleRNNCell(3, {.kernel_initializer = LargeWeights()})),
      Common<keras::RNNOptions>(form));
}

keras::AnyLayer MakeConvolution(const LayerForm& form, const char* format,
                                const char* padding, int64_t stride) {
  auto options = Common<keras::ConvLSTM2DOptions>(form);
  options.data_format = format;
  options.padding = padding;
  options.strides = stride;
  return keras::ConvLSTM2D(2, {2, 3}, options);
}

}  // namespace

const std::vector<LayerModel>& LayerModels() {
  static const auto& models = *new std::vector<LayerModel>{
      {.name = "SimpleRNN", .make = MakeSimpleRNN},
      {.name = "GRU",
       .make = [](const LayerForm& form) { return MakeGRU(form, 1, false); }},
      {.name = "GRUWithOneMask",
       .make = [](const LayerForm& form) { return MakeGRU(form, 2, false); }},
      {.name = "GRUWithResetAfter",
       .make = [](const LayerForm& form) { return MakeGRU(form, 0, true); }},
      {.name = "LSTM",
       .make = [](const LayerForm& form) { return MakeLSTM(form, 1, true); }},
      {.name = "LSTMWithOneMask",
       .make = [](const LayerForm& form) { return MakeLSTM(form, 2, false); }},
      {.name = "Stack", .make = MakeStack},
      {.name = "OwnCell",
       .make =
           [](const LayerForm& form) {
             return keras::RNN(OwnCell(), Common<keras::RNNOptions>(form));
           },
       .drops = false},
      {.name = "CuDNNGRU",
       .make =
           [](const LayerForm& form) {
             return keras::CuDNNGRU(3, Common<keras::CuDNNGRUOptions>(form));
           },
       .unrolls = false,
       .backwards = false,
       .masks = false,
       .drops = false},
      {.name = "CuDNNLSTM",
       .make =
           [](const LayerForm& form) {
             return keras::CuDNNLSTM(3, Common<keras::CuDNNLSTMOptions>(form));
           },
       .unrolls = false,
       .backwards = false,
       .masks = false,
       .drops = false},
      {.name = "Bidirectional",
       .make =
           [](const LayerForm& form) {
             return keras::Bidirectional(MakeLSTM(form, 1, true));
           },
       .one_way = false},
      {.name = "ConvLSTM2D",
       .make =
           [](const LayerForm& form) {
             return MakeConvolution(form, "channels_last", "same", 1);
           },
       .step = {3, 4, 2},
       .unrolls = false},
      {.name = "ConvLSTM2DWithStrides",
       .make =
           [](const LayerForm& form) {
             return MakeConvolution(form, "channels_first", "valid", 2);
           },
       .step = {2, 5, 6},
       .unrolls = false},
  };
  return models;
}

LayerProgram::LayerProgram(const LayerModel& model, const LayerForm& form,
                           const LayerSetup& setup)
    : p(setup.graph),
      x(MakeInput(model, setup)),
      layer(model.make(form)),
      result(Called(setup)) {
  p.set_options({.num_threads = setup.threads});
  Outputs losses;
  for (Output y : result.outputs()) losses.push_back(y * y);
  Outputs xs = {x};
  for (const Variable& w : layer->weights()) xs.push_back(w.read());
  if (!p.graph().status().ok()) return;
  gradients = Gradients(losses, xs);
}

Output LayerProgram::MakeInput(const LayerModel& model,
                               const LayerSetup& setup) {
  std::vector<int64_t> dims = {setup.batch, setup.time};
  dims.insert(dims.end(), model.step.begin(), model.step.end());
  const TensorShape shape = *TensorShape::Create(dims);
  TensorShape known = shape;
  if (!setup.known) {
    known.set_dim(0, TensorShape::kUnknownDim);
    known.set_dim(1, TensorShape::kUnknownDim);
  }
  return p.Fed(RandomTensor(shape, setup.dtype, 3), known);
}

keras::Result LayerProgram::Called(const LayerSetup& setup) {
  keras::CallOptions call;
  if (!setup.mask.empty()) {
    Tensor mask = *Tensor::Create(DataType::kBool, {setup.batch, setup.time});
    for (size_t i = 0; i < setup.mask.size(); ++i) {
      mask.mutable_data<bool>()[i] = setup.mask[i];
    }
    call.mask = p.Fed(mask);
  }
  return (*layer)(x, call);
}

Outputs LayerProgram::All() const {
  Outputs all = result.outputs();
  all.insert(all.end(), gradients.begin(), gradients.end());
  return all;
}

}  // namespace weft
