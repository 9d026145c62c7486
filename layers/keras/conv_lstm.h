// ConvLSTM: an LSTM over images, whose products are convolutions.
//
//   Output y = ConvLSTM2D(16, {3, 3}, {.padding = "same"})(frames);
#ifndef WEFT_LAYERS_KERAS_CONV_LSTM_H_
#define WEFT_LAYERS_KERAS_CONV_LSTM_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "layers/keras/gates.h"
#include "layers/keras/layer.h"
#include "layers/keras/recurrent.h"

namespace weft::keras {

// One size for rows and columns, or {rows, columns}.
class Size2 {
 public:
  Size2(int64_t both) : sizes_({both, both}) {}
  Size2(std::initializer_list<int64_t> sizes) : Size2(std::vector(sizes)) {}
  Size2(std::vector<int64_t> sizes) : sizes_(std::move(sizes)) {
    if (sizes_.size() == 1) sizes_.push_back(sizes_[0]);
  }

  int64_t rows() const { return sizes_[0]; }
  int64_t columns() const { return sizes_[1]; }
  bool is_one() const { return rows() == 1 && columns() == 1; }
  std::string ToString() const;  // "[3, 3]".
  // Fails the graph unless there are one or two sizes of at least 1.
  bool Check(const ArgumentChecker& check, absl::string_view argument) const;

 private:
  std::vector<int64_t> sizes_;
};

// Where the channels of an image are, for layers of `g` that do not say it:
// channels_last (the default), or channels_first. Fails the graph for another
// word.
void SetImageDataFormat(GraphRef g, const std::string& data_format);
std::string ImageDataFormat(const Graph& g);

struct ConvLSTM2DCellOptions {
  Size2 strides = 1;
  std::string padding = "valid";  // valid, same; in any case.
  std::string data_format = {};   // Empty: the graph's.
  Size2 dilation_rate = 1;
  Activation activation = "tanh";
  Activation recurrent_activation = "hard_sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;
  Regularizer kernel_regularizer = kNone;
  Regularizer recurrent_regularizer = kNone;
  Regularizer bias_regularizer = kNone;
  Constraint kernel_constraint = kNone;
  Constraint recurrent_constraint = kNone;
  Constraint bias_constraint = kNone;
  double dropout = 0;
  double recurrent_dropout = 0;
  std::string name = "conv_lst_m2d_cell";
};

// The equations of LSTMCell with convolutions: of x by `strides`, `padding` and
// `dilation_rate`, with K [rows, columns, channels, 4 * filters]; of h with
// stride 1, padding same and R [rows, columns, filters, 4 * filters] (Shi et
// al., 2015, arXiv 1506.04214, without peepholes). One step's x is [batch,
// rows, columns, channels], or with channels_first [batch, channels, rows,
// columns]; the states and the output have the same order of axes. The kernels'
// order does not depend on it. Dropout has a mask per gate.
class ConvLSTM2DCell : public RNNCell {
 public:
  ConvLSTM2DCell(int64_t filters, Size2 kernel_size,
                 ConvLSTM2DCellOptions options = {})
      : filters_(filters),
        kernel_size_(std::move(kernel_size)),
        options_(std::move(options)) {}

  void Build(const CellInput& x) override;
  Outputs Begin(const CallContext& call) override;
  Output Step(Output x, Outputs* state, const StepContext& step) override;
  Outputs ZeroState(Output x) const override;
  // Rows and columns that are not known while building are -1.
  std::vector<TensorShape> state_shapes() const override;
  TensorShape output_shape() const override { return state_shape_; }
  bool takes_constants() const override { return false; }
  std::vector<Variable> weights() const override { return weights_.list(); }
  const std::string& name() const override { return options_.name; }
  void set_reuse(bool reuse) override { reuse_ = reuse; }

 private:
  bool Check(const ArgumentChecker& check, const CellInput& x);
  // How many places a kernel has along an axis of `size` (0: rows), which may
  // be -1.
  int64_t Places(int axis, int64_t size) const;
  Output Places(int axis, Output size) const;
  int channel_axis() const { return channels_first_ ? 1 : 3; }
  int row_axis() const { return channels_first_ ? 2 : 1; }
  int64_t effective_kernel(int axis) const;
  int64_t stride(int axis) const;

  int64_t filters_;
  Size2 kernel_size_;
  ConvLSTM2DCellOptions options_;
  bool reuse_ = false;
  bool channels_first_ = false;
  bool same_ = false;
  TensorShape state_shape_;
  GateWeights weights_;
};

struct ConvLSTM2DOptions {
  TensorShape input_shape = {};
  TensorShape batch_input_shape = {};
  std::vector<Tensor> weights = {};
  Size2 strides = 1;
  std::string padding = "valid";
  std::string data_format = {};
  Size2 dilation_rate = 1;
  Activation activation = "tanh";
  Activation recurrent_activation = "hard_sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;
  Regularizer kernel_regularizer = kNone;
  Regularizer recurrent_regularizer = kNone;
  Regularizer bias_regularizer = kNone;
  Regularizer activity_regularizer = kNone;
  Constraint kernel_constraint = kNone;
  Constraint recurrent_constraint = kNone;
  Constraint bias_constraint = kNone;
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  double dropout = 0;
  double recurrent_dropout = 0;
  bool trainable = true;
  std::string name = "conv_lst_m2d";
};

// ConvLSTM2DCell over x [batch, time, rows, columns, channels], or with
// channels_first [batch, time, channels, rows, columns].
class ConvLSTM2D : public RNN {
 public:
  ConvLSTM2D(int64_t filters, Size2 kernel_size,
             ConvLSTM2DOptions options = {});
};

}  // namespace weft::keras

#endif  // WEFT_LAYERS_KERAS_CONV_LSTM_H_
