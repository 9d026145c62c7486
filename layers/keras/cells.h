// The cells of Keras 2: one step of its recurrent layers.
//
//   Output y = RNN(Cells(LSTMCell(32), GRUCell(16)))(x);
//
// Each is an RNNCell and goes wherever those go. x is [batch, depth], the
// states and the output are [batch, units]. K, R and b are kernel [depth, n *
// units], recurrent_kernel [units, n * units] and bias [n * units]; their n
// blocks of columns belong to the gates in the order in which they are named
// here. s is recurrent_activation, a is activation.
//
// `dropout` and `recurrent_dropout` are the fractions of x and of h that the
// products with K and R do not see, in ModeKeys::kTrain (Gal and Ghahramani,
// 2016, arXiv 1512.05287). Their masks are drawn once per sequence and row, one
// per gate, or with implementation 2 one for all gates. They are what Begin
// returns: those of x, then those of h, of which a rate of 0 has none.
#ifndef WEFT_LAYERS_KERAS_CELLS_H_
#define WEFT_LAYERS_KERAS_CELLS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "layers/cells.h"
#include "layers/keras/cell.h"
#include "layers/keras/gates.h"

namespace weft::keras {

struct SimpleRNNCellOptions {
  Activation activation = "tanh";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = kNone;
  Regularizer recurrent_regularizer = kNone;
  Regularizer bias_regularizer = kNone;
  Constraint kernel_constraint = kNone;
  Constraint recurrent_constraint = kNone;
  Constraint bias_constraint = kNone;
  double dropout = 0;  // In [0, 1).
  double recurrent_dropout = 0;
  std::string name = "simple_rnn_cell";
};

// h' = a(x.K + h.R + b)
class SimpleRNNCell : public RNNCell {
 public:
  explicit SimpleRNNCell(int64_t units, SimpleRNNCellOptions options = {})
      : units_(units), options_(std::move(options)) {}

  void Build(const CellInput& x) override;
  Outputs Begin(const CallContext& call) override;
  Output Step(Output x, Outputs* state, const StepContext& step) override;
  std::vector<TensorShape> state_shapes() const override;
  TensorShape output_shape() const override;
  bool takes_constants() const override { return false; }
  std::vector<Variable> weights() const override { return weights_.list(); }
  const std::string& name() const override { return options_.name; }
  void set_reuse(bool reuse) override { reuse_ = reuse; }

 private:
  int64_t units_;
  SimpleRNNCellOptions options_;
  bool reuse_ = false;
  GateWeights weights_;
};

struct GRUCellOptions {
  Activation activation = "tanh";
  Activation recurrent_activation = "hard_sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = kNone;
  Regularizer recurrent_regularizer = kNone;
  Regularizer bias_regularizer = kNone;
  Constraint kernel_constraint = kNone;
  Constraint recurrent_constraint = kNone;
  Constraint bias_constraint = kNone;
  double dropout = 0;
  double recurrent_dropout = 0;
  int implementation = 1;    // 0 and 1: dropout masks per gate; 2: shared.
  bool reset_after = false;  // As cuDNN has it.
  std::string name = "gru_cell";
};

// z, r = s(x.K + h.R + b);  g = a(x.K + (r*h).R + b)
// h' = z*h + (1-z)*g
//
// (Cho et al., 2014, arXiv 1406.1078.) With reset_after g is a(x.K + b + r *
// (h.R + b')), and bias is [6 * units]: b, then b', which z and r add as well.
// With implementation 2 and recurrent dropout h is the masked one throughout.
class GRUCell : public RNNCell {
 public:
  explicit GRUCell(int64_t units, GRUCellOptions options = {})
      : units_(units), options_(std::move(options)) {}

  void Build(const CellInput& x) override;
  Outputs Begin(const CallContext& call) override;
  Output Step(Output x, Outputs* state, const StepContext& step) override;
  std::vector<TensorShape> state_shapes() const override;
  TensorShape output_shape() const override;
  bool takes_constants() const override { return false; }
  std::vector<Variable> weights() const override { return weights_.list(); }
  const std::string& name() const override { return options_.name; }
  void set_reuse(bool reuse) override { reuse_ = reuse; }

 private:
  // z, r and g, from the parts of x.K + b.
  Outputs GatesResetBefore(const Outputs& from_x, Output h,
                           const GateMasks& masks) const;
  Outputs GatesResetAfter(const Outputs& from_x, Output h,
                          const GateMasks& masks) const;
  Output InputBias() const;

  int64_t units_;
  GRUCellOptions options_;
  bool reuse_ = false;
  GateWeights weights_;
};

struct LSTMCellOptions {
  Activation activation = "tanh";
  Activation recurrent_activation = "hard_sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;  // b is 1 for f and 0 for the others.
  Regularizer kernel_regularizer = kNone;
  Regularizer recurrent_regularizer = kNone;
  Regularizer bias_regularizer = kNone;
  Constraint kernel_constraint = kNone;
  Constraint recurrent_constraint = kNone;
  Constraint bias_constraint = kNone;
  double dropout = 0;
  double recurrent_dropout = 0;
  int implementation = 1;
  std::string name = "lstm_cell";
};

// i, f = s(x.K + h.R + b);  g = a(x.K + h.R + b);  o = s(x.K + h.R + b)
// c' = f*c + i*g;  h' = o*a(c')
//
// The states are h, c (Hochreiter and Schmidhuber, 1997; Gers et al., 2000).
class LSTMCell : public RNNCell {
 public:
  explicit LSTMCell(int64_t units, LSTMCellOptions options = {})
      : units_(units), options_(std::move(options)) {}

  void Build(const CellInput& x) override;
  Outputs Begin(const CallContext& call) override;
  Output Step(Output x, Outputs* state, const StepContext& step) override;
  std::vector<TensorShape> state_shapes() const override;
  TensorShape output_shape() const override;
  bool takes_constants() const override { return false; }
  std::vector<Variable> weights() const override { return weights_.list(); }
  const std::string& name() const override { return options_.name; }
  void set_reuse(bool reuse) override { reuse_ = reuse; }

 protected:
  // With a bias [8 * units]: b of x.K, then b' of h.R, which are added up.
  struct TwoBiases {};
  LSTMCell(int64_t units, LSTMCellOptions options, TwoBiases)
      : units_(units), options_(std::move(options)), biases_(2) {}

 private:
  int64_t units_;
  LSTMCellOptions options_;
  int biases_ = 1;
  bool reuse_ = false;
  GateWeights weights_;
};

// Cells on top of each other as one cell: each gets the output of the one
// before. The states are those of the last cell first: {h2, c2, h1, c1};
// weights are in the order of the cells. Cell k lies in the scope "cell_<k>".
class StackedRNNCells : public RNNCell {
 public:
  explicit StackedRNNCells(std::vector<AnyCell> cells,
                           std::string name = "stacked_rnn_cells");

  void Build(const CellInput& x) override;
  Outputs Begin(const CallContext& call) override { return stack_.Begin(call); }
  Outputs Carried(const CallContext& call) override {
    return stack_.Carried(call);
  }
  Output Step(Output x, Outputs* state, const StepContext& step) override;
  std::vector<Node*> Finish(absl::Span<const Output> carried) override {
    return stack_.Finish(carried);
  }
  std::vector<TensorShape> state_shapes() const override;
  TensorShape output_shape() const override { return stack_.output_shape(); }
  bool takes_constants() const override { return stack_.takes_constants(); }
  std::vector<Variable> weights() const override { return stack_.weights(); }
  const std::string& name() const override { return stack_.name(); }
  void set_reuse(bool reuse) override { stack_.set_reuse(reuse); }

 private:
  MultiRNNCell stack_;
};

}  // namespace weft::keras

#endif  // WEFT_LAYERS_KERAS_CELLS_H_
