#include "layers/keras/wrappers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/source.h"

namespace weft::keras {
namespace {

void Append(const std::vector<Variable>& variables,
            std::vector<Variable>* list) {
  list->insert(list->end(), variables.begin(), variables.end());
}

InputArguments OwnOr(const InputArguments& own, const Layer& inner) {
  return own.shape().rank() > 0 ? own : inner.input_arguments();
}

}  // namespace

// ---- TimeDistributed -------------------------------------------------------

TimeDistributed::TimeDistributed(AnyLayer layer, TimeDistributedOptions options)
    : Layer({.kind = "TimeDistributed",
             .name = std::move(options.name),
             .input = {.input_shape = options.input_shape,
                       .batch_input_shape = options.batch_input_shape}}),
      layer_(std::move(layer)) {}

InputArguments TimeDistributed::input_arguments() const {
  // What the inner layer says of its input lacks the axis of time.
  InputArguments arguments = layer_options().input;
  arguments.dtype = layer_->input_arguments().dtype;
  return arguments;
}

void TimeDistributed::Build(const TensorShape&) {
  if (!trainable()) layer_->set_trainable(false);
}

Result TimeDistributed::Call(Output x, const CallOptions& options) {
  const TensorShape shape = x.shape();
  if (!check().Expect(shape.rank() >= 3, "x", shape.ToString(),
                      "[batch, time, ...]")) {
    return Failed();
  }
  // [batch, time, ...] as [batch * time, ...].
  TensorShape step = shape;
  step.RemoveDim(0);
  step.RemoveDim(0);
  Output sizes = Shape(x);
  Output rows;
  if (step.IsFullyDefined()) {
    step.InsertDim(0, TensorShape::kUnknownDim);
    rows = Reshape(x, step.dims());
  } else {
    Output any = Const(graph(), {int32_t{-1}});
    Output rest = SliceAxis(sizes, 0, 2, shape.rank());
    rows = Reshape(x, Concat({any, rest}, 0));
  }
  CallOptions inner;
  inner.mode = options.mode;
  Output y = (*layer_)(Operand(rows, {}), inner);
  if (!graph().status().ok()) return Failed();
  Output outer = SliceAxis(sizes, 0, 0, 2);
  Output rest = SliceAxis(Shape(y), 0, 1, y.shape().rank());
  y = Reshape(y, Concat({outer, rest}, 0));
  if (options.mask.has_value()) SetMask(y, *options.mask);
  return Result(y);
}

// ---- Bidirectional ---------------------------------------------------------

Bidirectional::Bidirectional(AnyLayer layer, BidirectionalOptions options)
    : Layer({.kind = "Bidirectional",
             .name = std::move(options.name),
             .input = {.input_shape = options.input_shape,
                       .batch_input_shape = options.batch_input_shape},
             .weights = std::move(options.weights)}),
      forward_(layer),
      backward_(std::move(layer)),
      merge_mode_(std::move(options.merge_mode)) {
  forward_->set_prefix("forward");
  backward_->set_prefix("backward");
}

InputArguments Bidirectional::input_arguments() const {
  return OwnOr(layer_options().input, *forward_);
}

std::vector<Variable> Bidirectional::weights() const {
  std::vector<Variable> all = forward_->weights();
  Append(backward_->weights(), &all);
  return all;
}

std::vector<Variable> Bidirectional::state_variables() const {
  std::vector<Variable> all = forward_->state_variables();
  Append(backward_->state_variables(), &all);
  return all;
}

void Bidirectional::Build(const TensorShape&) {
  const bool known = merge_mode_ == "concat" || merge_mode_ == "sum" ||
                     merge_mode_ == "mul" || merge_mode_ == "ave" ||
                     merge_mode_.empty();
  check().Expect(known, "merge_mode",
                 absl::StrCat("'", Printable(merge_mode_), "'"),
                 "concat, sum, mul, ave, or empty for both");
  auto* backward = dynamic_cast<RNN*>(&*backward_);
  if (!check().Expect(backward != nullptr, "the layer", backward_->kind(),
                      "a recurrent layer")) {
    return;
  }
  backward->set_go_backwards(!backward->recurrent().go_backwards);
  if (trainable()) return;
  forward_->set_trainable(false);
  backward_->set_trainable(false);
}

Output Bidirectional::Merged(Output forward, Output backward) const {
  if (merge_mode_ == "sum") return forward + backward;
  if (merge_mode_ == "mul") return forward * backward;
  if (merge_mode_ == "ave") return (forward + backward) / 2.0;
  return Concat({forward, backward}, -1);
}

Result Bidirectional::Call(Output x, const CallOptions& options) {
  if (!graph().status().ok()) return Failed();
  CallOptions forward = options;
  CallOptions backward = options;
  const Outputs& given = options.initial_state;
  if (!given.empty()) {
    const auto middle = given.begin() + given.size() / 2;
    if (!check().Expect(given.size() % 2 == 0, "initial_state",
                        absl::StrCat(given.size(), " tensors"),
                        "those of forward and as many of backward")) {
      return Failed();
    }
    forward.initial_state.assign(given.begin(), middle);
    backward.initial_state.assign(middle, given.end());
  }
  const Result first = (*forward_)(Operand(x, {}), forward);
  if (!graph().status().ok()) return Failed();
  const Result second = (*backward_)(Operand(x, {}), backward);
  if (!graph().status().ok()) return Failed();
  const auto& recurrent = static_cast<const RNN&>(*forward_).recurrent();
  Output y = first;
  Output reversed = second;
  if (recurrent.return_sequences) reversed = Reverse(second, {1});
  Outputs more;
  if (merge_mode_.empty()) {
    more.push_back(reversed);
  } else {
    y = Merged(first, reversed);
  }
  const std::optional<Output> mask = MaskOf(first);
  if (mask.has_value()) {
    SetMask(y, *mask);
    if (merge_mode_.empty()) SetMask(reversed, *mask);
  }
  for (const Result* result : {&first, &second}) {
    more.insert(more.end(), result->outputs().begin() + 1,
                result->outputs().end());
  }
  return Result(y, more);
}

}  // namespace weft::keras
