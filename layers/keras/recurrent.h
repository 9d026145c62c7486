// The recurrent layers of Keras 2.
//
//   Output y = LSTM(32, {.return_sequences = true})(x);
//   Result r = GRU(16, {.return_state = true})(y);       // r[0], r[1]
//   Output z = RNN(Cells(MyCell(8), LSTMCell(4)))(x, {.constants = {c}});
//
// x is [batch, time, depth]; the output is that of the last step, [batch,
// units], or with return_sequences those of all, [batch, time, units]. Steps
// are a loop, in which batch and time may be unknown; with `unroll` nodes of
// their own.
//
// At a step that a mask leaves out a row keeps its states, and its output is
// that of the step before: the first state. The mask goes on with
// return_sequences, in the order of the outputs.
//
// A stateful layer starts where its last run has ended: row i of a batch goes
// on from row i of the one before, in prediction too. Its states are variables,
// <name>/state_<k>, which gradients take as constants. They start as zeros;
// ResetStates in train/layer_values.h sets them.
#ifndef WEFT_LAYERS_KERAS_RECURRENT_H_
#define WEFT_LAYERS_KERAS_RECURRENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "layers/keras/cell.h"
#include "layers/keras/cells.h"
#include "layers/keras/layer.h"

namespace weft::keras {

// ---- Any cell --------------------------------------------------------------

// What all recurrent layers may be asked for.
struct RecurrentOptions {
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;  // Outputs are in the order of processing.
  bool stateful = false;
  bool unroll = false;
  // In place of a layer that takes masks: "LSTM". Empty: this one does.
  std::string instead_with_masks = {};
  int x_rank = 3;  // 0: of any sequence, as the cell takes it.
  std::string x_axes = "[batch, time, depth]";
};

struct RNNOptions {
  TensorShape input_shape = {};
  int64_t input_dim = -1;
  int64_t input_length = -1;
  TensorShape batch_input_shape = {};
  std::vector<Tensor> weights = {};
  Regularizer activity_regularizer = kNone;
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  bool trainable = true;
  std::string name = "rnn";
};

class RNN : public Layer {
 public:
  explicit RNN(AnyCell cell, RNNOptions options = {});
  // On top of each other, as StackedRNNCells has it.
  explicit RNN(std::vector<AnyCell> cells, RNNOptions options = {});

  std::vector<Variable> weights() const override { return cell_->weights(); }
  std::vector<Variable> state_variables() const override { return states_; }
  const RecurrentOptions& recurrent() const { return recurrent_; }
  // Before the first call.
  void set_go_backwards(bool go_backwards) {
    recurrent_.go_backwards = go_backwards;
  }
  RNNCell& cell() const { return *cell_; }

 protected:
  // A layer of a kind of its own.
  RNN(AnyCell cell, LayerOptions layer, RecurrentOptions recurrent);

  void Build(const TensorShape& input_shape) override;
  Result Call(Output x, const CallOptions& options) override;

 private:
  bool CheckSequence(const TensorShape& shape) const;
  void MakeStates(const TensorShape& input_shape);
  // Bool [batch, time], in the order of processing; not valid if all steps
  // count.
  Output StepMask(Output x, const CallOptions& options) const;
  std::vector<Node*> UpdateStates(const Outputs& states) const;

  AnyCell cell_;
  RecurrentOptions recurrent_;
  std::vector<Variable> states_;
};

// The options of a kind of recurrent layer as those of all.
template <typename Options>
LayerOptions LayerOptionsOf(const char* kind, const Options& options) {
  return {.kind = kind,
          .name = options.name,
          .trainable = options.trainable,
          .input = SequenceInput(options),
          .weights = options.weights,
          .activity_regularizer = options.activity_regularizer};
}

// The cell's arguments for kernel, recurrent_kernel and bias: the layer's, or
// the weights that it is given.
template <typename From, typename To>
void CopyCellArguments(const From& from, To* to) {
  CopyGateArguments(from, to);
  const std::vector<Tensor>& weights = from.weights;
  to->kernel_initializer = InitialWeight(weights, 0, to->kernel_initializer);
  to->recurrent_initializer =
      InitialWeight(weights, 1, to->recurrent_initializer);
  to->bias_initializer = InitialWeight(weights, 2, to->bias_initializer);
}

// ---- Simple RNN, GRU, LSTM --------------------------------------------------
// See the cells in layers/keras/cells.h for equations and weights.

struct SimpleRNNOptions {
  TensorShape input_shape = {};
  int64_t input_dim = -1;
  int64_t input_length = -1;
  TensorShape batch_input_shape = {};
  std::vector<Tensor> weights = {};  // K, R, b.
  Activation activation = "tanh";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = kNone;
  Regularizer recurrent_regularizer = kNone;
  Regularizer bias_regularizer = kNone;
  Regularizer activity_regularizer = kNone;
  Constraint kernel_constraint = kNone;
  Constraint recurrent_constraint = kNone;
  Constraint bias_constraint = kNone;
  double dropout = 0;  // In [0, 1).
  double recurrent_dropout = 0;
  int implementation = 1;  // 0, 1 or 2: there is one gate, and so one mask.
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  bool trainable = true;
  std::string name = "simple_rnn";
};

struct GRUOptions {
  TensorShape input_shape = {};
  int64_t input_dim = -1;
  int64_t input_length = -1;
  TensorShape batch_input_shape = {};
  std::vector<Tensor> weights = {};
  Activation activation = "tanh";
  Activation recurrent_activation = "hard_sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = kNone;
  Regularizer recurrent_regularizer = kNone;
  Regularizer bias_regularizer = kNone;
  Regularizer activity_regularizer = kNone;
  Constraint kernel_constraint = kNone;
  Constraint recurrent_constraint = kNone;
  Constraint bias_constraint = kNone;
  double dropout = 0;
  double recurrent_dropout = 0;
  int implementation = 1;  // 0 and 1: dropout masks per gate; 2: shared.
  bool reset_after = false;
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  bool trainable = true;
  std::string name = "gru";
};

struct LSTMOptions {
  TensorShape input_shape = {};
  int64_t input_dim = -1;
  int64_t input_length = -1;
  TensorShape batch_input_shape = {};
  std::vector<Tensor> weights = {};
  Activation activation = "tanh";
  Activation recurrent_activation = "hard_sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;  // b is 1 for f, 0 for the others.
  Regularizer kernel_regularizer = kNone;
  Regularizer recurrent_regularizer = kNone;
  Regularizer bias_regularizer = kNone;
  Regularizer activity_regularizer = kNone;
  Constraint kernel_constraint = kNone;
  Constraint recurrent_constraint = kNone;
  Constraint bias_constraint = kNone;
  double dropout = 0;
  double recurrent_dropout = 0;
  int implementation = 1;
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  bool trainable = true;
  std::string name = "lstm";
};

class SimpleRNN : public RNN {
 public:
  explicit SimpleRNN(int64_t units, SimpleRNNOptions options = {});

 protected:
  void Build(const TensorShape& input_shape) override;

 private:
  int implementation_;
};

class GRU : public RNN {
 public:
  explicit GRU(int64_t units, GRUOptions options = {});
};

class LSTM : public RNN {
 public:
  explicit LSTM(int64_t units, LSTMOptions options = {});
};

// ---- As cuDNN computes them -------------------------------------------------
// Here they run anywhere, by the same plan as everything else. activation is
// tanh, recurrent_activation sigmoid. A mask on their input is an error.

struct CuDNNGRUOptions {
  TensorShape input_shape = {};
  int64_t input_dim = -1;
  int64_t input_length = -1;
  TensorShape batch_input_shape = {};
  std::vector<Tensor> weights = {};
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = kNone;
  Regularizer recurrent_regularizer = kNone;
  Regularizer bias_regularizer = kNone;
  Regularizer activity_regularizer = kNone;
  Constraint kernel_constraint = kNone;
  Constraint recurrent_constraint = kNone;
  Constraint bias_constraint = kNone;
  bool return_sequences = false;
  bool return_state = false;
  bool stateful = false;
  bool trainable = true;
  std::string name = "cu_dnngru";
};

struct CuDNNLSTMOptions {
  TensorShape input_shape = {};
  int64_t input_dim = -1;
  int64_t input_length = -1;
  TensorShape batch_input_shape = {};
  std::vector<Tensor> weights = {};
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;  // b' is 1 for f; the rest 0.
  Regularizer kernel_regularizer = kNone;
  Regularizer recurrent_regularizer = kNone;
  Regularizer bias_regularizer = kNone;
  Regularizer activity_regularizer = kNone;
  Constraint kernel_constraint = kNone;
  Constraint recurrent_constraint = kNone;
  Constraint bias_constraint = kNone;
  bool return_sequences = false;
  bool return_state = false;
  bool stateful = false;
  bool trainable = true;
  std::string name = "cu_dnnlstm";
};

// GRUCell with reset_after: bias [6 * units], that of x.K before that of h.R.
class CuDNNGRU : public RNN {
 public:
  explicit CuDNNGRU(int64_t units, CuDNNGRUOptions options = {});
};

// LSTMCell with a bias [8 * units]: that of x.K before that of h.R.
class CuDNNLSTM : public RNN {
 public:
  explicit CuDNNLSTM(int64_t units, CuDNNLSTMOptions options = {});
};

}  // namespace weft::keras

#endif  // WEFT_LAYERS_KERAS_RECURRENT_H_
