// An LSTM with layer normalisation (Ba et al., 2016).
#ifndef WEFT_EXAMPLES_CELLS_LAYER_NORM_LSTM_CELL_H_
#define WEFT_EXAMPLES_CELLS_LAYER_NORM_LSTM_CELL_H_

#include <cstdint>

#include "examples/cells/custom_cell.h"

namespace weft::examples {

// i, j, f, o = norm(x * kernel) + norm(h * recurrent_kernel) + bias
// c' = sigmoid(f) * c + sigmoid(i) * tanh(j)
// h' = sigmoid(o) * tanh(norm(c'))
//
// where norm(v) = gain * (v - mean) / sqrt(variance + 1e-5), of each row. The
// states are h and c. Statistics belong to a row alone: other rows of the batch
// and padding change nothing.
class LayerNormLstmCell : public CustomCell {
 public:
  explicit LayerNormLstmCell(int64_t units, Initializer initializer = kNone)
      : CustomCell("LayerNormLstmCell", units, 2),
        initializer_(std::move(initializer)) {}

  void Build(const CellInput& x) override;
  Output Step(Output x, Outputs* state, const StepContext& step) override;

 private:
  Initializer initializer_;
  Variable kernel_;
  Variable recurrent_kernel_;
  Variable bias_;
  Variable input_gain_;
  Variable recurrent_gain_;
  Variable cell_gain_;
};

}  // namespace weft::examples

#endif  // WEFT_EXAMPLES_CELLS_LAYER_NORM_LSTM_CELL_H_
