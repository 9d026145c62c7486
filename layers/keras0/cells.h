// The recurrent cells of Keras 0.x.
//
// Equations: x [batch, depth] is the input of a step, h [batch, units] the
// output of the one before; a is the activation, s the inner activation.
// Weights lie directly in the open scope.
//
// Unlike Keras 2's, a step that a mask leaves out is computed like any other,
// but the step behind it reads a state of zeros: so sequences are padded in
// front. The mask, numbers [batch, time], is the first of the call's constants;
// without constants all steps count.
//
// With truncate_gradient = n gradients go back through the last n steps of the
// sequence alone; values stay what they are. Outputs of earlier steps are
// constants then.
#ifndef WEFT_LAYERS_KERAS0_CELLS_H_
#define WEFT_LAYERS_KERAS0_CELLS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "layers/argument_error.h"
#include "layers/arguments.h"
#include "layers/cell.h"

namespace weft::keras0 {

struct CellOptions {
  Required<int64_t> output_dim;
  Initializer init = "glorot_uniform";
  Initializer inner_init = "orthogonal";
  Initializer forget_bias_init = "one";  // LSTM alone.
  Activation activation = "tanh";
  Activation inner_activation = "hard_sigmoid";
  std::vector<Tensor> weights = {};  // Initial ones; none: made.
  int64_t truncate_gradient = -1;    // -1: all steps.
  int64_t depth = 3;                 // SimpleDeepRNN alone.
};

class Cell : public RNNCell {
 public:
  void Build(const CellInput& x) final;
  Outputs Begin(const CallContext& call) final;
  Output Step(Output x, Outputs* state, const StepContext& step) final;
  std::vector<TensorShape> state_shapes() const override;
  TensorShape output_shape() const final;
  std::vector<Variable> weights() const final { return weights_; }
  const std::string& name() const final { return kind_; }
  void set_reuse(bool reuse) final { reuse_ = reuse; }

 protected:
  Cell(std::string kind, CellOptions options)
      : kind_(std::move(kind)), options_(std::move(options)) {}

  enum class Role { kInput, kInner, kBias, kForgetBias, kProjection };
  struct Weight {
    std::string name;
    Role role;
  };
  virtual std::vector<Weight> Layout() const = 0;
  virtual void CheckOwn(const ArgumentChecker&) const {}
  // The output; `*state` becomes the next state, as if the step counted.
  virtual Output Next(Output x, Outputs* state) const = 0;
  // Is state k made by this very step, and so lost if the step does not count?
  virtual bool IsFresh(size_t) const { return true; }

  const CellOptions& options() const { return options_; }
  Output weight(size_t k) const { return weights_[k].read(); }
  // x * W_k + b_l.
  Output FromInput(Output x, size_t k, size_t l) const;
  Output a(Output x) const { return options_.activation(x); }
  Output s(Output x) const { return options_.inner_activation(x); }

 private:
  bool CheckArguments(const CellInput& x) const;
  const Initializer& InitializerOf(Role role) const;

  std::string kind_;
  CellOptions options_;
  bool reuse_ = false;
  std::vector<Variable> weights_;
};

// h' = a(x * W + b + h * U)                                    [W, U, b]
class SimpleRNNCell : public Cell {
 public:
  explicit SimpleRNNCell(CellOptions options)
      : Cell("SimpleRNN", std::move(options)) {}

 protected:
  std::vector<Weight> Layout() const override;
  Output Next(Output x, Outputs* state) const override;
};

// h' = a(x * W + b + sum of s(h_d * U_d) over d = 1 .. depth)
//                                           [W, U_1, ..., U_depth, b]
//
// where h_d is the output d steps ago. Terms of steps before the first, or that
// do not count, are left out. The states are h_1, ..., h_depth, and for each of
// them [batch, 1] whether it counts.
class SimpleDeepRNNCell : public Cell {
 public:
  explicit SimpleDeepRNNCell(CellOptions options)
      : Cell("SimpleDeepRNN", std::move(options)) {}
  std::vector<TensorShape> state_shapes() const override;

 protected:
  std::vector<Weight> Layout() const override;
  void CheckOwn(const ArgumentChecker& check) const override;
  Output Next(Output x, Outputs* state) const override;
  bool IsFresh(size_t k) const override;
};

// z = s(x * W_z + b_z + h * U_z)
// r = s(x * W_r + b_r + h * U_r)
// h' = z * h + (1 - z) * a(x * W_h + b_h + (r * h) * U_h)
//                     [W_z, U_z, b_z, W_r, U_r, b_r, W_h, U_h, b_h]
class GRUCell : public Cell {
 public:
  explicit GRUCell(CellOptions options) : Cell("GRU", std::move(options)) {}

 protected:
  std::vector<Weight> Layout() const override;
  Output Next(Output x, Outputs* state) const override;
};

// i, f, o = s(x * W_. + b_. + h * U_.)
// c' = f * c + i * a(x * W_c + b_c + h * U_c)
// h' = o * a(c')
//    [W_i, U_i, b_i, W_c, U_c, b_c, W_f, U_f, b_f, W_o, U_o, b_o]
//
// The states are h and c.
class LSTMCell : public Cell {
 public:
  explicit LSTMCell(CellOptions options) : Cell("LSTM", std::move(options)) {}
  std::vector<TensorShape> state_shapes() const override;

 protected:
  std::vector<Weight> Layout() const override;
  Output Next(Output x, Outputs* state) const override;
};

// The three mutants of Jozefowicz et al., 2015:
//
//   h' = z * a(...) + (1 - z) * h
//
// MUT1: z = s(x * W_z + b_z)
//       r = s(x * W_r + b_r + h * U_r)
//       a(tanh(x * P) + b_h + (r * h) * U_h)
//                            [W_z, b_z, W_r, U_r, b_r, U_h, b_h, Pmat]
class JZS1Cell : public Cell {
 public:
  explicit JZS1Cell(CellOptions options) : Cell("JZS1", std::move(options)) {}

 protected:
  std::vector<Weight> Layout() const override;
  Output Next(Output x, Outputs* state) const override;
};

// MUT2: z = s(x * W_z + b_z + h * U_z)
//       r = s(x * P + b_r + h * U_r)
//       a(x * W_h + b_h + (r * h) * U_h)
//                       [W_z, U_z, b_z, U_r, b_r, W_h, U_h, b_h, Pmat]
class JZS2Cell : public Cell {
 public:
  explicit JZS2Cell(CellOptions options) : Cell("JZS2", std::move(options)) {}

 protected:
  std::vector<Weight> Layout() const override;
  Output Next(Output x, Outputs* state) const override;
};

// MUT3: z = s(x * W_z + b_z + tanh(h) * U_z)
//       r = s(x * W_r + b_r + h * U_r)
//       a(x * W_h + b_h + (r * h) * U_h)
//                     [W_z, U_z, b_z, W_r, U_r, b_r, W_h, U_h, b_h]
class JZS3Cell : public Cell {
 public:
  explicit JZS3Cell(CellOptions options) : Cell("JZS3", std::move(options)) {}

 protected:
  std::vector<Weight> Layout() const override;
  Output Next(Output x, Outputs* state) const override;
};

}  // namespace weft::keras0

#endif  // WEFT_LAYERS_KERAS0_CELLS_H_
