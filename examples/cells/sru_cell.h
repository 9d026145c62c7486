// The simple recurrent unit (Lei et al., 2017): no product with the state, so
// that everything but a few elementwise operations leaves the loop.
#ifndef WEFT_EXAMPLES_CELLS_SRU_CELL_H_
#define WEFT_EXAMPLES_CELLS_SRU_CELL_H_

#include <cstdint>

#include "examples/cells/custom_cell.h"

namespace weft::examples {

// x~, f, r, x' = x * kernel, with biases for f and r
// c' = sigmoid(f) * c + (1 - sigmoid(f)) * x~
// h' = sigmoid(r) * tanh(c') + (1 - sigmoid(r)) * x'
//
// The state is c. x' is the input itself in the paper, where both are of one
// size.
class SruCell : public CustomCell {
 public:
  explicit SruCell(int64_t units, Initializer initializer = kNone)
      : CustomCell("SruCell", units, 1), initializer_(std::move(initializer)) {}

  void Build(const CellInput& x) override;
  Output Step(Output x, Outputs* state, const StepContext& step) override;

 private:
  Initializer initializer_;
  Variable kernel_;
  Variable bias_;
};

}  // namespace weft::examples

#endif  // WEFT_EXAMPLES_CELLS_SRU_CELL_H_
