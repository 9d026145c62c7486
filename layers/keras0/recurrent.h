// The recurrent layers of Keras 0.x: SimpleRNN, SimpleDeepRNN, GRU, LSTM, JZS1,
// JZS2, JZS3. For their equations and lists of weights see the cells in
// layers/keras0/cells.h.
//
//   Output y = keras0::JZS1(16, {.truncate_gradient = 5})(x);
//
// They are layers like Keras 2's: x [batch, time, depth] becomes [batch,
// output_dim], or with return_sequences [batch, time, output_dim]; the first
// layer of a Sequential says its input's size. A mask that goes with x means
// what it means in Keras 0.x: the step behind one that does not count reads a
// state of zeros. It goes on with return_sequences. There are no initial states
// or constants.
#ifndef WEFT_LAYERS_KERAS0_RECURRENT_H_
#define WEFT_LAYERS_KERAS0_RECURRENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "layers/keras/layer.h"
#include "layers/keras0/cells.h"

namespace weft::keras0 {

using keras::CallOptions;
using keras::Layer;
using keras::Result;

struct SimpleRNNOptions {
  TensorShape input_shape = {};
  int64_t input_dim = -1;
  int64_t input_length = -1;
  TensorShape batch_input_shape = {};
  Initializer init = "glorot_uniform";    // By Keras 0.x's names.
  Initializer inner_init = "orthogonal";  // Scale 1.1.
  Activation activation = "sigmoid";
  std::vector<Tensor> weights = {};  // W, U, b.
  int64_t truncate_gradient = -1;    // -1: all steps.
  bool return_sequences = false;
  std::string name = "simplernn";
};

struct SimpleDeepRNNOptions {
  int64_t depth = 3;  // Steps that it looks back.
  TensorShape input_shape = {};
  int64_t input_dim = -1;
  int64_t input_length = -1;
  TensorShape batch_input_shape = {};
  Initializer init = "glorot_uniform";
  Initializer inner_init = "orthogonal";
  Activation activation = "sigmoid";
  Activation inner_activation = "hard_sigmoid";
  std::vector<Tensor> weights = {};  // W, U_1, ..., U_depth, b.
  int64_t truncate_gradient = -1;
  bool return_sequences = false;
  std::string name = "simpledeeprnn";
};

struct GRUOptions {
  TensorShape input_shape = {};
  int64_t input_dim = -1;
  int64_t input_length = -1;
  TensorShape batch_input_shape = {};
  Initializer init = "glorot_uniform";
  Initializer inner_init = "orthogonal";
  Activation activation = "sigmoid";
  Activation inner_activation = "hard_sigmoid";
  std::vector<Tensor> weights = {};  // W, U, b of z, r, h.
  int64_t truncate_gradient = -1;
  bool return_sequences = false;
  std::string name = "gru";
};

struct LSTMOptions {
  TensorShape input_shape = {};
  int64_t input_dim = -1;
  int64_t input_length = -1;
  TensorShape batch_input_shape = {};
  Initializer init = "glorot_uniform";
  Initializer inner_init = "orthogonal";
  Initializer forget_bias_init = "one";  // Other biases start at 0.
  Activation activation = "tanh";
  Activation inner_activation = "hard_sigmoid";
  std::vector<Tensor> weights = {};  // W, U, b of i, c, f, o.
  int64_t truncate_gradient = -1;
  bool return_sequences = false;
  std::string name = "lstm";
};

struct JZSOptions {
  TensorShape input_shape = {};
  int64_t input_dim = -1;
  int64_t input_length = -1;
  TensorShape batch_input_shape = {};
  Initializer init = "glorot_uniform";
  Initializer inner_init = "orthogonal";
  Activation activation = "tanh";
  Activation inner_activation = "sigmoid";
  std::vector<Tensor> weights = {};  // JZS1 has 8, JZS2 and JZS3 have 9.
  int64_t truncate_gradient = -1;
  bool return_sequences = false;
  std::string name = "jzs";
};

// What all of them do.
class Recurrent : public Layer {
 public:
  std::vector<Variable> weights() const override { return cell_->weights(); }

 protected:
  Recurrent(keras::LayerOptions layer, AnyCell cell, bool return_sequences)
      : Layer(std::move(layer)),
        cell_(std::move(cell)),
        return_sequences_(return_sequences) {}
  void Build(const TensorShape& input_shape) override;
  Result Call(Output x, const CallOptions& options) override;

 private:
  bool CheckSequence(const TensorShape& shape) const;

  AnyCell cell_;
  bool return_sequences_;
};

class SimpleRNN : public Recurrent {
 public:
  explicit SimpleRNN(int64_t output_dim, const SimpleRNNOptions& options = {});
};

// Not particularly useful, but shows what a cell may look back to.
class SimpleDeepRNN : public Recurrent {
 public:
  explicit SimpleDeepRNN(int64_t output_dim,
                         const SimpleDeepRNNOptions& options = {});
};

class GRU : public Recurrent {
 public:
  explicit GRU(int64_t output_dim, const GRUOptions& options = {});
};

class LSTM : public Recurrent {
 public:
  explicit LSTM(int64_t output_dim, const LSTMOptions& options = {});
};

class JZS1 : public Recurrent {
 public:
  explicit JZS1(int64_t output_dim, const JZSOptions& options = {});

 protected:
  void Build(const TensorShape& input_shape) override;
};

class JZS2 : public Recurrent {
 public:
  explicit JZS2(int64_t output_dim, const JZSOptions& options = {});
};

class JZS3 : public Recurrent {
 public:
  explicit JZS3(int64_t output_dim, const JZSOptions& options = {});
};

}  // namespace weft::keras0

#endif  // WEFT_LAYERS_KERAS0_RECURRENT_H_
