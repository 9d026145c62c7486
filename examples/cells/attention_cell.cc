#include "examples/cells/attention_cell.h"

#include "core/status.h"
#include "layers/initializers.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/source.h"

namespace weft::examples {

void AttentionCell::Build(const CellInput& x) {
  if (built()) return;
  const int64_t rows = x.shape.dim(-1) + memory_depth_ + units();
  query_ = Make(x, "query", {units(), memory_depth_}, initializer_);
  kernel_ = Make(x, "kernel", {rows, units()}, initializer_);
  bias_ = Make(x, "bias", {units()}, initializers::Zeros());
}

// What is added to the scores of all places, [batch, 1, places]: 0, or so much
// less that softmax leaves a place out.
Outputs AttentionCell::Begin(const CallContext& call) {
  if (call.constants.empty()) {
    return {Output(call.x.graph().Fail(InvalidArgument(
        "AttentionCell: the call has no constants; the first one is the "
        "memory")))};
  }
  if (call.constants.size() < 2) return {};
  Output counts = Cast(call.constants[1], call.x.dtype());
  return {ExpandDims((counts - 1.0) * 1e9, 1)};
}

Output AttentionCell::Step(Output x, Outputs* state, const StepContext& step) {
  Output memory = step.constants[0];
  Output h = (*state)[0];
  Output query = ExpandDims(MatMul(h, query_.read()), 1);
  Output scores = BatchMatMul(query, memory, {.adj_y = true});
  if (!step.begun.empty()) scores = scores + step.begun[0];
  Output context = Squeeze(BatchMatMul(Softmax(scores), memory), {1});
  Output sum = MatMul(Concat({x, context, h}, 1), kernel_.read());
  Output next = Tanh(BiasAdd(sum, bias_.read()));
  *state = {next};
  return next;
}

}  // namespace weft::examples
