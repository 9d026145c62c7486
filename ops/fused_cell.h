// The cells that TensorFlow has as single ops, of ordinary nodes, so that loops
// with them are loops like any other.
#ifndef WEFT_OPS_FUSED_CELL_H_
#define WEFT_OPS_FUSED_CELL_H_

#include "graph/output.h"

namespace weft {

// The weights of an LSTM: w [depth + units, 4 * units], b [4 * units], and for
// peepholes wci, wcf, wco [units] (not valid: none).
struct LSTMBlockWeights {
  Output w;
  Output wci = {};
  Output wcf = {};
  Output wco = {};
  Output b;
};

struct LSTMBlockOptions {
  float forget_bias = 1;  // Of BlockLSTMV2: 0.
  float cell_clip = 3;    // c is cut to +-cell_clip if that is above 0.
  // The order of the four parts of w: i, c, f, o, or that of BlockLSTMV2, i, f,
  // c, o.
  bool forget_first = false;
};

// The gates, states and outputs of a step, [batch, units] each, in the order of
// TensorFlow's ops: cs is the state, ci the new input to it, co tanh(cs) and h
// the output.
struct LSTMBlockOutputs {
  Output i, cs, f, o, ci, co, h;
  Outputs All() const { return {i, cs, f, o, ci, co, h}; }
};

// One step: x [batch, depth], states [batch, units].
LSTMBlockOutputs LSTMBlockCell(Output x, Output cs_prev, Output h_prev,
                               const LSTMBlockWeights& weights,
                               const LSTMBlockOptions& options = {});

// All steps of x [time, batch, depth]: [time, batch, units] each, zeros from
// step seq_len_max, an int64 scalar, on.
LSTMBlockOutputs BlockLSTM(Output seq_len_max, Output x, Output cs_prev,
                           Output h_prev, const LSTMBlockWeights& weights,
                           const LSTMBlockOptions& options = {});

// The weights of a GRU: w_ru [depth + units, 2 * units], w_c [depth + units,
// units], b_ru [2 * units], b_c [units].
struct GRUBlockWeights {
  Output w_ru, w_c, b_ru, b_c;
};

struct GRUBlockOutputs {
  Output r, u, c, h;  // Gates, candidate and new state: [batch, units].
};

// One step: [r, u] = sigmoid([x, h] w_ru + b_ru), c = tanh([x, r h] w_c + b_c),
// u h + (1 - u) c.
GRUBlockOutputs GRUBlockCell(Output x, Output h_prev,
                             const GRUBlockWeights& weights);

}  // namespace weft

#endif  // WEFT_OPS_FUSED_CELL_H_
