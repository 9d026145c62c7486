// Attention (Luong et al., 2015) as a cell: at each step it looks at all of
// another sequence.
#ifndef WEFT_EXAMPLES_CELLS_ATTENTION_CELL_H_
#define WEFT_EXAMPLES_CELLS_ATTENTION_CELL_H_

#include <cstdint>

#include "examples/cells/custom_cell.h"

namespace weft::examples {

// The first of the call's constants is the memory [batch, places, depth]; the
// second, if there is one, says which places count: bool [batch, places].
//
//   context = sum over places of softmax(memory . (h * query)) * memory
//   h' = tanh([x, context, h] * kernel + bias)
//
// The state is h. What does not change from step to step is made in Begin.
class AttentionCell : public CustomCell {
 public:
  AttentionCell(int64_t units, int64_t memory_depth,
                Initializer initializer = kNone)
      : CustomCell("AttentionCell", units, 1),
        memory_depth_(memory_depth),
        initializer_(std::move(initializer)) {}

  void Build(const CellInput& x) override;
  Outputs Begin(const CallContext& call) override;
  Output Step(Output x, Outputs* state, const StepContext& step) override;

 private:
  int64_t memory_depth_;
  Initializer initializer_;
  Variable query_;
  Variable kernel_;
  Variable bias_;
};

}  // namespace weft::examples

#endif  // WEFT_EXAMPLES_CELLS_ATTENTION_CELL_H_
