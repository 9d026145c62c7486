// The recurrent layers of TFLearn and Polyaxon.
//
// As functions:
//
//   Output h = lstm(x, {.units = 128, .dropout = KeepProb{0.8}});
//   auto [y, state] = gru(x, {.units = 64, .return_state = true});
//   Output z = bidirectional_rnn(x, BasicLSTMCell({.units = 16}),
//                                GRUCell({.units = 16}), {.dynamic = true});
//   Output a = rnn(x, MyCell(), {.dynamic = true});
//
// and as objects, which share their weights between calls:
//
//   LSTM encode({.units = 128, .num_layers = 2});
//   Output first = encode(x);
//   Output second = encode(y);
//
// x is [batch, time, depth]. The output is that of the last step, [batch,
// units], or with return_seq those of all, [batch, time, units].
//
// `sequence_length` (int32 or int64 [batch]) says how many steps of each row
// count. Without it a dynamic layer with `zero_padded` takes those before the
// first step whose features are all 0. At steps that do not count outputs are 0
// and the state stays; the last output is that of the last step that counts, 0
// if there is none.
#ifndef WEFT_LAYERS_RECURRENT_H_
#define WEFT_LAYERS_RECURRENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/mode_keys.h"
#include "graph/output.h"
#include "layers/arguments.h"
#include "layers/cell.h"
#include "layers/step_through.h"

namespace weft {

// What a recurrent layer gives; the output, where one Output is wanted.
struct RNNResult {
  Output output;
  Outputs state = {};  // With return_state: final, at each row's true length.

  operator Output() const { return output; }
  operator Operand() const { return Operand(output, SourceLocation{}); }
};

struct BiRNNResult {
  Output output;
  Outputs state_fw = {};  // With return_states.
  Outputs state_bw = {};

  operator Output() const { return output; }
  operator Operand() const { return Operand(output, SourceLocation{}); }
};

// ---- Any cell --------------------------------------------------------------

struct RNNOptions {
  std::optional<ModeKeys> mode = {};  // The graph's, unless given.
  bool return_seq = false;
  bool return_state = false;
  Outputs initial_state = {};  // One per state, or all joined by columns.
  Outputs constants = {};      // Tensors that every step may use.
  bool dynamic = false;        // A loop instead of unrolled steps.
  Output sequence_length = {};
  bool zero_padded = true;
  bool reuse = false;      // Take the weights of `scope`.
  std::string scope = {};  // In place of `name`.
  std::string name = "RNN";
};

// `cell` over the sequences x. The weights of `cell` are made in the layer's
// scope at its first use, and shared from then on.
RNNResult rnn(Operand x, RNNCell& cell, const RNNOptions& options = {});
RNNResult rnn(Operand x, AnyCell cell, const RNNOptions& options = {});

// ---- Stacks of equal cells -------------------------------------------------

struct SimpleRNNOptions {
  std::optional<ModeKeys> mode = {};
  Required<int64_t> units;
  Activation activation = "sigmoid";
  CellDropout dropout = kNone;  // Around each level, in kTrain alone.
  int64_t num_layers = 1;       // Levels, each with weights of its own.
  bool bias = true;
  Initializer weights_init = kNone;  // Glorot uniform.
  bool return_seq = false;
  bool return_state = false;
  Outputs initial_state = {};  // h of each level, [batch, units].
  bool dynamic = false;
  Output sequence_length = {};
  bool zero_padded = true;
  bool trainable = true;
  bool restore = true;
  bool reuse = false;
  std::string scope = {};
  std::string name = "SimpleRNN";
};

struct LSTMOptions {
  std::optional<ModeKeys> mode = {};
  Required<int64_t> units;
  Activation activation = "tanh";
  Activation inner_activation = "sigmoid";
  CellDropout dropout = kNone;
  int64_t num_layers = 1;
  bool bias = true;
  Initializer weights_init = kNone;
  double forget_bias = 1;
  bool return_seq = false;
  bool return_state = false;
  Outputs initial_state = {};  // c, h of each level, [batch, units].
  bool dynamic = false;
  Output sequence_length = {};
  bool zero_padded = true;
  bool trainable = true;
  bool restore = true;
  bool reuse = false;
  std::string scope = {};
  std::string name = "LSTM";
};

struct GRUOptions {
  std::optional<ModeKeys> mode = {};
  Required<int64_t> units;
  Activation activation = "tanh";
  Activation inner_activation = "sigmoid";
  CellDropout dropout = kNone;
  int64_t num_layers = 1;
  bool bias = true;
  Initializer weights_init = kNone;
  bool return_seq = false;
  bool return_state = false;
  Outputs initial_state = {};  // h of each level, [batch, units].
  bool dynamic = false;
  Output sequence_length = {};
  bool zero_padded = true;
  bool trainable = true;
  bool restore = true;
  bool reuse = false;
  std::string scope = {};
  std::string name = "GRU";
};

// A layer as an object. Its weights are made at the first call.
template <typename Options>
class RecurrentLayer {
 public:
  explicit RecurrentLayer(Options options) : options_(std::move(options)) {}

  RNNResult operator()(Operand x);
  // Level by level; kernels before biases. Empty before the first call.
  std::vector<Variable> weights() const;

 private:
  Options options_;
  std::optional<AnyCell> cell_;
};

using SimpleRNN = RecurrentLayer<SimpleRNNOptions>;
using LSTM = RecurrentLayer<LSTMOptions>;
using GRU = RecurrentLayer<GRUOptions>;

// Of BasicRNNCell, of BasicLSTMCell, of GRUCell.
RNNResult simple_rnn(Operand x, const SimpleRNNOptions& options);
RNNResult lstm(Operand x, const LSTMOptions& options);
RNNResult gru(Operand x, const GRUOptions& options);

// ---- Both directions -------------------------------------------------------

struct BidirectionalRNNOptions {
  std::optional<ModeKeys> mode = {};
  bool return_seq = false;
  bool return_states = false;
  Outputs initial_state_fw = {};
  Outputs initial_state_bw = {};
  bool dynamic = false;
  Output sequence_length = {};
  bool zero_padded = true;
  bool reuse = false;
  std::string scope = {};
  std::string name = "BiRNN";
};

// `fw` over the sequences x, and `bw` over x reversed within each row's length
// (Schuster and Paliwal, 1997). The output joins the two for each step of x,
// forward first: [batch, time, 2 * units], or for the last step that counts
// [batch, 2 * units]. Of that step `bw` has seen no other: its state after the
// whole sequence is `state_bw`. Fails the graph if the cells' outputs differ in
// size.
BiRNNResult bidirectional_rnn(Operand x, AnyCell fw, AnyCell bw,
                              const BidirectionalRNNOptions& options = {});

class BidirectionalRNN {
 public:
  BidirectionalRNN(AnyCell fw, AnyCell bw, BidirectionalRNNOptions options = {})
      : fw_(std::move(fw)), bw_(std::move(bw)), options_(std::move(options)) {}

  BiRNNResult operator()(Operand x);
  std::vector<Variable> weights() const;  // Those of fw, then those of bw.

 private:
  enum Direction { kForward, kBackward };
  Steps Run(Direction direction, Operand x, Output lengths, bool reuse);

  AnyCell fw_;
  AnyCell bw_;
  BidirectionalRNNOptions options_;
  bool called_ = false;
};

}  // namespace weft

#endif  // WEFT_LAYERS_RECURRENT_H_
