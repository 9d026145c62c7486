#include <utility>

#include "absl/strings/str_cat.h"
#include "layers/layer_scope.h"
#include "layers/recurrent.h"
#include "layers/step_through.h"
#include "layers/weights.h"
#include "ops/array.h"

namespace weft {
namespace {

constexpr absl::string_view kKind = "bidirectional_rnn";

// `x` [batch, time, ...] with the steps that count in reverse order.
Output Reversed(Output x, Output lengths) {
  return lengths.valid() ? ReverseSequence(x, lengths, 1) : Reverse(x, {1});
}

// The outputs of both directions, side by side.
Output Joined(const Steps& forward, const Steps& backward, Output lengths,
              bool return_seq) {
  if (!return_seq) return Concat({forward.output, backward.output}, 1);
  return Concat({forward.output, Reversed(backward.output, lengths)}, 2);
}

}  // namespace

Steps BidirectionalRNN::Run(Direction direction, Operand x, Output lengths,
                            bool reuse) {
  const bool is_forward = direction == kForward;
  // What the backward cell says of the last step is its first output.
  const Keep keep = options_.return_seq ? Keep::kAll
                    : is_forward        ? Keep::kLast
                                        : Keep::kFirst;
  RNNCell& cell = is_forward ? *fw_ : *bw_;
  WeightScope scope(x.graph(), is_forward ? "fw" : "bw", reuse);
  cell.set_reuse(reuse);
  return StepThrough(cell,
                     is_forward ? x : Operand(Reversed(x, lengths), x.location),
                     {.kind = kKind,
                      .mode = options_.mode,
                      .keep = keep,
                      .dynamic = options_.dynamic,
                      .lengths = lengths,
                      .initial_state_name =
                          is_forward ? "initial_state_fw" : "initial_state_bw",
                      .initial_state = is_forward ? options_.initial_state_fw
                                                  : options_.initial_state_bw,
                      .wants_state = options_.return_states,
                      .streams = false});
}

BiRNNResult BidirectionalRNN::operator()(Operand x) {
  Graph& g = x.graph();
  const bool called = std::exchange(called_, true);
  const bool reuse = options_.reuse && !called;
  const LayerScope scope({g, x.location}, {.kind = kKind,
                                           .name = options_.name,
                                           .scope = options_.scope,
                                           .reuse = reuse,
                                           .called = called});
  Output lengths = LengthsOf(kKind, x, options_.sequence_length,
                             options_.dynamic && options_.zero_padded);
  const Steps forward = Run(kForward, x, lengths, reuse);
  if (!g.status().ok()) return {forward.output, forward.state, forward.state};
  const Steps backward = Run(kBackward, x, lengths, reuse);
  if (!g.status().ok()) return {backward.output, forward.state, backward.state};
  scope.check().Expect(fw_->output_shape() == bw_->output_shape(),
                       "the backward cell's output",
                       bw_->output_shape().ToString(),
                       absl::StrCat(fw_->output_shape().ToString(),
                                    ", as the forward cell's is"));
  BiRNNResult result;
  result.output = Joined(forward, backward, lengths, options_.return_seq);
  if (!options_.return_states) return result;
  result.state_fw = forward.state;
  result.state_bw = backward.state;
  return result;
}

std::vector<Variable> BidirectionalRNN::weights() const {
  std::vector<Variable> weights = fw_->weights();
  const std::vector<Variable> of_bw = bw_->weights();
  weights.insert(weights.end(), of_bw.begin(), of_bw.end());
  return weights;
}

BiRNNResult bidirectional_rnn(Operand x, AnyCell fw, AnyCell bw,
                              const BidirectionalRNNOptions& options) {
  return BidirectionalRNN(std::move(fw), std::move(bw), options)(x);
}

}  // namespace weft
