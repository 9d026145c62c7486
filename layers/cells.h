// The recurrent cells, and wrappers around cells.
//
// Equations: x [batch, depth] is the input of a step, h and c [batch, units]
// the states; [x, h] joins columns, * is elementwise or a matrix product as the
// shapes say; a is the activation, s the inner activation. Of a cell without
// `bias` there is none.
#ifndef WEFT_LAYERS_CELLS_H_
#define WEFT_LAYERS_CELLS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/mode_keys.h"
#include "layers/arguments.h"
#include "layers/batch_norm.h"
#include "layers/cell.h"

namespace weft {

struct BasicRNNCellOptions {
  Required<int64_t> units;
  Activation activation = "tanh";
  bool bias = true;
  Initializer weights_init = kNone;  // Glorot uniform.
  bool trainable = true;
  bool restore = true;
  std::string name = "BasicRNNCell";
};

// The plain recurrent network (Elman, 1990):
//
//   h' = a([x, h] * kernel + bias)         kernel: [depth + units, units]
class BasicRNNCell : public RNNCell {
 public:
  explicit BasicRNNCell(BasicRNNCellOptions options)
      : options_(std::move(options)) {}

  void Build(const CellInput& x) override;
  Output Step(Output x, Outputs* state, const StepContext& step) override;
  std::vector<TensorShape> state_shapes() const override;
  TensorShape output_shape() const override;
  std::vector<Variable> weights() const override;
  bool takes_constants() const override { return false; }
  const std::string& name() const override { return options_.name; }
  void set_reuse(bool reuse) override { reuse_ = reuse; }

 private:
  BasicRNNCellOptions options_;
  bool reuse_ = false;
  Variable kernel_;
  Variable bias_;
};

struct GRUCellOptions {
  Required<int64_t> units;
  Activation activation = "tanh";
  Activation inner_activation = "sigmoid";  // Of the gates.
  bool bias = true;
  Initializer weights_init = kNone;  // Glorot uniform.
  bool trainable = true;
  bool restore = true;
  std::string name = "GRUCell";
};

// The gated recurrent unit (Cho et al., 2014):
//
//   r, u = s([x, h] * gates/kernel + gates/bias)
//   c = a([x, r * h] * candidate/kernel + candidate/bias)
//   h' = u * h + (1 - u) * c
//
// gates/kernel: [depth + units, 2 * units], candidate/kernel: [depth + units,
// units]. The gates' bias starts at 1, so that the state is kept at first.
class GRUCell : public RNNCell {
 public:
  explicit GRUCell(GRUCellOptions options) : options_(std::move(options)) {}

  void Build(const CellInput& x) override;
  Output Step(Output x, Outputs* state, const StepContext& step) override;
  std::vector<TensorShape> state_shapes() const override;
  TensorShape output_shape() const override;
  std::vector<Variable> weights() const override;
  bool takes_constants() const override { return false; }
  const std::string& name() const override { return options_.name; }
  void set_reuse(bool reuse) override { reuse_ = reuse; }

 private:
  GRUCellOptions options_;
  bool reuse_ = false;
  Variable gates_kernel_;
  Variable gates_bias_;
  Variable candidate_kernel_;
  Variable candidate_bias_;
};

struct BasicLSTMCellOptions {
  std::optional<ModeKeys> mode = {};  // Of batch_norm; or the layer's.
  Required<int64_t> units;
  Activation activation = "tanh";
  Activation inner_activation = "sigmoid";  // Of the gates.
  bool bias = true;
  Initializer weights_init = kNone;  // Glorot uniform.
  double forget_bias = 1;            // Added at each step; not in the bias.
  bool state_is_tuple = true;        // {c, h}, else one [batch, 2 * units].
  bool batch_norm = false;
  bool trainable = true;
  bool restore = true;
  std::string name = "BasicLSTMCell";
};

// Long short-term memory (Hochreiter and Schmidhuber, 1997; Zaremba et al.,
// 2014):
//
//   i, j, f, o = [x, h] * kernel + bias    kernel: [depth + units, 4 * units]
//   c' = c * s(f + forget_bias) + s(i) * a(j)
//   h' = a(c') * s(o)
//
// The states are {c, h}, the output is h'. With batch_norm (Cooijmans et al.,
// 2016) i, j, f and o are normalised, and so is the c' that makes h'; see
// StepBatchNorm.
class BasicLSTMCell : public RNNCell {
 public:
  explicit BasicLSTMCell(BasicLSTMCellOptions options)
      : options_(std::move(options)) {}

  void Build(const CellInput& x) override;
  Outputs Begin(const CallContext& call) override;
  Outputs Carried(const CallContext& call) override;
  Output Step(Output x, Outputs* state, const StepContext& step) override;
  std::vector<Node*> Finish(absl::Span<const Output> carried) override;
  std::vector<TensorShape> state_shapes() const override;
  TensorShape output_shape() const override;
  std::vector<Variable> weights() const override;
  bool takes_constants() const override { return false; }
  const std::string& name() const override { return options_.name; }
  void set_reuse(bool reuse) override { reuse_ = reuse; }

 private:
  enum Norm { kInputGate, kCandidate, kForgetGate, kOutputGate, kCell };

  // `v` normalised by norm `k`, if there is batch normalisation.
  Output Normalised(Norm k, Output v, const StepContext& step) const;

  BasicLSTMCellOptions options_;
  bool reuse_ = false;
  Variable kernel_;
  Variable bias_;
  std::vector<StepBatchNorm> norms_;  // One per Norm; none without batch_norm.
  bool training_ = false;             // Of the sequence that has begun.
};

struct LSTMCellOptions {
  Required<int64_t> units;
  Activation activation = "tanh";
  Activation inner_activation = "sigmoid";  // Of the gates.
  bool bias = true;
  Initializer weights_init = kNone;      // Glorot uniform.
  double forget_bias = 1;                // Added at each step; not in the bias.
  bool state_is_tuple = true;            // {c, h}, else both joined by columns.
  bool use_peepholes = false;            // The gates see the cell's state.
  std::optional<double> cell_clip = {};  // c' stays within +-cell_clip.
  std::optional<int64_t> num_proj = {};  // Size of h, projected.
  std::optional<double> proj_clip = {};  // h' stays within +-proj_clip.
  bool trainable = true;
  bool restore = true;
  std::string name = "LSTMCell";
};

// Long short-term memory with peepholes (Gers and Schmidhuber, 2000), and a
// projection (Sak et al., 2014):
//
//   i, j, f, o = [x, h] * kernel + bias
//   c' = c * s(f + forget_bias + w_f_diag * c) + s(i + w_i_diag * c) * a(j)
//   h' = (a(c') * s(o + w_o_diag * c')) * projection/kernel
//
// kernel: [depth + (num_proj or units), 4 * units]; the peepholes w_*_diag:
// [units]; projection/kernel: [units, num_proj]. The states are c [batch,
// units] and h [batch, num_proj or units].
class LSTMCell : public RNNCell {
 public:
  explicit LSTMCell(LSTMCellOptions options) : options_(std::move(options)) {}

  void Build(const CellInput& x) override;
  Output Step(Output x, Outputs* state, const StepContext& step) override;
  std::vector<TensorShape> state_shapes() const override;
  TensorShape output_shape() const override;
  std::vector<Variable> weights() const override;
  bool takes_constants() const override { return false; }
  const std::string& name() const override { return options_.name; }
  void set_reuse(bool reuse) override { reuse_ = reuse; }

 private:
  // Pieces of Step.
  Output NextCell(Output c, const Outputs& gates) const;
  Output Project(Output h) const;

  LSTMCellOptions options_;
  bool reuse_ = false;
  Variable kernel_;
  Variable bias_;
  Variable w_f_diag_;
  Variable w_i_diag_;
  Variable w_o_diag_;
  Variable projection_;
};

struct DropoutWrapperOptions {
  std::optional<ModeKeys> mode = {};  // The layer's, or the graph's.
  Prob input_keep_prob = 1.0;         // In (0, 1].
  Prob output_keep_prob = 1.0;
  std::optional<int64_t> seed = {};  // From the graph's seed and the name.
  DropoutMasks masks = {};           // Instead of drawn ones, where given.
  std::string name = "DropoutWrapper";
};

// Dropout (Zaremba et al., 2014) on the input and the output of `cell`, never
// on its state. What is kept is divided by its probability. A new mask at every
// step; in ModeKeys::kTrain alone.
//
// One seed is drawn per run; the masks follow from it and the step, and are the
// same unrolled and in a loop, for any number of threads. The weights are those
// of `cell`, under the names that they have without the wrapper.
class DropoutWrapper : public RNNCell {
 public:
  explicit DropoutWrapper(AnyCell cell, DropoutWrapperOptions options = {})
      : cell_(std::move(cell)), options_(std::move(options)) {}

  void Build(const CellInput& x) override;
  Outputs Begin(const CallContext& call) override;
  Outputs Carried(const CallContext& call) override {
    return cell_->Carried(call);
  }
  Output Step(Output x, Outputs* state, const StepContext& step) override;
  std::vector<Node*> Finish(absl::Span<const Output> carried) override {
    return cell_->Finish(carried);
  }
  std::vector<TensorShape> state_shapes() const override {
    return cell_->state_shapes();
  }
  TensorShape output_shape() const override { return cell_->output_shape(); }
  std::vector<Variable> weights() const override { return cell_->weights(); }
  bool takes_constants() const override { return cell_->takes_constants(); }
  const std::string& name() const override { return options_.name; }
  void set_reuse(bool reuse) override { cell_->set_reuse(reuse); }

 private:
  // `x` with dropout number `which` of the step: by `mask` if there is one,
  // else as `keep` says.
  Output Drop(Output x, const Prob& keep, const DropoutMaskFn& mask, int which,
              const StepContext& step) const;

  AnyCell cell_;
  DropoutWrapperOptions options_;
  // Of the sequence that has begun:
  bool training_ = false;
  bool draws_ = false;
  Prob input_keep_ = 1.0;
  Prob output_keep_ = 1.0;
};

struct MultiRNNCellOptions {
  bool state_is_tuple = true;  // Else the states are joined by columns.
  std::string name = "MultiRNNCell";
};

// Cells on top of each other: each gets the output of the one before. The
// states are those of the cells, in forward order. Cell k lies in the scope
// "cell_<k>".
class MultiRNNCell : public RNNCell {
 public:
  explicit MultiRNNCell(std::vector<AnyCell> cells,
                        MultiRNNCellOptions options = {})
      : cells_(std::move(cells)), options_(std::move(options)) {}

  void Build(const CellInput& x) override;
  Outputs Begin(const CallContext& call) override;
  Outputs Carried(const CallContext& call) override;
  Output Step(Output x, Outputs* state, const StepContext& step) override;
  std::vector<Node*> Finish(absl::Span<const Output> carried) override;
  std::vector<TensorShape> state_shapes() const override;
  TensorShape output_shape() const override;
  std::vector<Variable> weights() const override;
  bool takes_constants() const override;  // If any of them does.
  const std::vector<AnyCell>& cells() const { return cells_; }
  // How many states each cell has, in order.
  std::vector<size_t> state_counts() const;
  const std::string& name() const override { return options_.name; }
  void set_reuse(bool reuse) override;

 private:
  Outputs SplitState(const Outputs& state) const;

  std::vector<AnyCell> cells_;
  MultiRNNCellOptions options_;
  bool built_ = false;
  bool reuse_ = false;
  std::vector<std::string> scopes_;  // Of the cells: full names.
  // Of each cell, for the sequence that has begun.
  std::vector<size_t> num_begun_;
  std::vector<size_t> num_carried_;
};

}  // namespace weft

#endif  // WEFT_LAYERS_CELLS_H_
