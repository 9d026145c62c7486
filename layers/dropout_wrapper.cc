#include "layers/argument_error.h"
#include "layers/cells.h"
#include "layers/dropout.h"
#include "ops/math.h"

namespace weft {
namespace {

bool Drops(const Prob& keep) { return !keep.is_known() || keep.value() != 1; }

}  // namespace

void DropoutWrapper::Build(const CellInput& x) {
  const ArgumentChecker check({x.graph, x.location}, "DropoutWrapper");
  check.IsKeepProb("input_keep_prob", options_.input_keep_prob);
  check.IsKeepProb("output_keep_prob", options_.output_keep_prob);
  cell_->Build(x);
}

Outputs DropoutWrapper::Begin(const CallContext& call) {
  Graph& g = call.x.graph();
  training_ = call.ModeOf(options_.mode) == ModeKeys::kTrain;
  const DropoutMasks& masks = options_.masks;
  const bool drops_input = Drops(options_.input_keep_prob) && !masks.input;
  const bool drops_output = Drops(options_.output_keep_prob) && !masks.output;
  draws_ = training_ && (drops_input || drops_output);
  Outputs begun;
  if (draws_) {
    NameScope scope(g, options_.name);
    input_keep_ = CheckedKeepProb(options_.input_keep_prob, call.x);
    output_keep_ = CheckedKeepProb(options_.output_keep_prob, call.x);
    begun.push_back(DrawSequenceSeed(g, g.name_scope(), options_.seed));
    begun.push_back(FirstStep(call.x));
  }
  const Outputs inner = cell_->Begin(call);
  begun.insert(begun.end(), inner.begin(), inner.end());
  return begun;
}

Output DropoutWrapper::Drop(Output x, const Prob& keep,
                            const DropoutMaskFn& mask, int which,
                            const StepContext& step) const {
  if (mask) return x * mask(x, step.index);
  if (!draws_ || !Drops(keep)) return x;
  NameScope scope(x.graph(), options_.name);
  // Each step has two masks: of the input and of the output.
  Output number = Cast(step.index + step.begun[1], DataType::kInt64);
  Output first = number * 2;
  return ApplyDropout(x, keep, step.begun[0], first + which);
}

Output DropoutWrapper::Step(Output x, Outputs* state, const StepContext& step) {
  if (!training_) return cell_->Step(x, state, step);
  x = Drop(x, input_keep_, options_.masks.input, 0, step);
  StepContext inner = step;
  if (draws_) inner.begun.remove_prefix(2);
  Output y = cell_->Step(x, state, inner);
  return Drop(y, output_keep_, options_.masks.output, 1, step);
}

}  // namespace weft
