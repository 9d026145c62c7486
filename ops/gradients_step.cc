#include "ops/gradients_step.h"

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "core/status.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/gradients_flow.h"
#include "ops/gradients_save.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/source.h"

namespace weft {
namespace {

// Nodes that are computed again rather than to save one value.
constexpr int kMaxCost = 16;

using StringSet = absl::flat_hash_set<absl::string_view>;

// Ops whose result follows from the shape of their input (or the length of a
// list) alone.
bool NeedsShapeOnly(const Node& node) {
  static const auto& ops = *new StringSet{"Shape",
                                          "Size",
                                          "Rank",
                                          "ZerosLike",
                                          "OnesLike",
                                          "TensorListLength",
                                          "TensorListElementShape"};
  return ops.contains(node.op());
}

bool IsFilled(const Node& node) {
  return node.op() == "ZerosLike" || node.op() == "OnesLike";
}

// Follows the result from the dims of the input?
bool NeedsDims(const Node& node) {
  return IsFilled(node) || node.op() == "Shape";
}

bool IsDeterministic(const Node& node) {
  return node.schema() != nullptr && node.num_bodies() == 0 &&
         !node.schema()->traits().stateful;
}

// The elements of the integer tensor `value` if all are known while building.
std::optional<Tensor> KnownTensor(const Output& value) {
  const PartialValue* known = value.node()->output_value(value.index());
  if (known == nullptr ||
      value.shape().num_elements() != static_cast<int64_t>(known->size())) {
    return std::nullopt;
  }
  for (int64_t element : *known) {
    if (element == kUnknownElement) return std::nullopt;
  }
  if (value.dtype() == DataType::kInt64) {
    return Tensor::Of<int64_t>(value.shape(), absl::MakeConstSpan(*known));
  }
  if (value.dtype() != DataType::kInt32) return std::nullopt;
  const std::vector<int32_t> narrow(known->begin(), known->end());
  return Tensor::Of<int32_t>(value.shape(), absl::MakeConstSpan(narrow));
}

// What `list` has for the step. The element shape is a constant of the body:
// from outside it would be a variable of the loop.
Output ReadSaved(Output list, Output step, DataType type,
                 const TensorShape& shape) {
  return TensorListGetItem(list, step, ElementShape(step.graph(), shape), type);
}

// Zeros or ones of a shape, as ZerosLike and OnesLike give.
Output EmitFilled(const Node& node, Graph& body, Output shape) {
  const DataType type = node.output_dtype(0);
  return Fill(shape, node.op() == "OnesLike" ? Ones(body, type, {})
                                             : Zeros(body, type, {}));
}

}  // namespace

bool IsCheap(const Node& node) {
  // Each costs as much as reading and writing a value does, or less. What costs
  // more is an exponential, a product or a sum over many elements.
  static const auto& micro_ops =
      *new StringSet{"abs",       "add",        "and",
                     "cast",      "ceil",       "equal",
                     "floor",     "greater",    "greater_equal",
                     "is_finite", "is_inf",     "is_nan",
                     "less",      "less_equal", "max",
                     "min",       "mul",        "neg",
                     "not",       "not_equal",  "or",
                     "relu",      "round",      "select",
                     "sign",      "square",     "squared_difference",
                     "sub"};
  static const auto& moves = *new StringSet{"Shape",
                                            "ShapeN",
                                            "Size",
                                            "Rank",
                                            "Reshape",
                                            "ExpandDims",
                                            "Squeeze",
                                            "Fill",
                                            "ZerosLike",
                                            "OnesLike",
                                            "Pack",
                                            "Unpack",
                                            "ConcatV2",
                                            "Split",
                                            "SplitV",
                                            "Slice",
                                            "StridedSlice",
                                            "Transpose",
                                            "Select",
                                            "BiasAdd",
                                            "BroadcastTo",
                                            "BroadcastArgs",
                                            "BroadcastGradientArgs",
                                            "ConcatOffset",
                                            "Range",
                                            "TensorListGetItem",
                                            "TensorListLength",
                                            "TensorListElementShape",
                                            "FloorDiv",
                                            "FloorMod"};
  if (!IsDeterministic(node)) return false;
  const OpTraits& traits = node.schema()->traits();
  if (traits.role == OpRole::kIdentity) return true;
  if (traits.pointwise.has_value())
    return micro_ops.contains(traits.pointwise->micro_op);
  return moves.contains(node.op());
}

StepGradient::StepGradient(const Graph& joint, int num_forward,
                           const Node& loop, Outputs results)
    : joint_(joint),
      num_forward_(num_forward),
      loop_(loop),
      results_(std::move(results)) {
  step_sizes_ = StepSizes(loop.body(1));
  for (size_t i = 0; i < step_sizes_.size(); ++i) {
    arg_index_[joint.args()[i]] = static_cast<int>(i);
  }
  FindNeeded();
  ChooseSaved();
  ChooseShapes();
}

// From the results back to the forward nodes.
void StepGradient::FindNeeded() {
  std::vector<bool> seen(joint_.num_nodes(), false);
  NodeList stack;
  auto visit = [&](const Output& value) {
    const int id = value.node()->id();
    if (IsForward(value)) {
      needed_.insert(value);
    } else if (!seen[id]) {
      seen[id] = true;
      stack.push_back(value.node());
    }
  };
  for (const Output& result : results_) visit(result);
  while (!stack.empty()) {
    const Node* node = stack.back();
    stack.pop_back();
    if (NeedsShapeOnly(*node) && IsForward(node->input(0))) {
      const Output& x = node->input(0);
      shape_users_[{x.node()->id(), x.index()}].push_back(node);
      continue;
    }
    for (const Output& input : node->inputs()) visit(input);
  }
}

bool StepGradient::IsInvariantArg(const Node& arg) const {
  const auto it = arg_index_.find(Output(const_cast<Node*>(&arg), 0));
  if (it == arg_index_.end()) return false;
  const Graph& body = loop_.body(1);
  return body.results()[it->second] == body.args()[it->second];
}

// Can a forward value be had in the backward body, as far as is decided?
bool StepGradient::IsThere(const Output& value) const {
  return recomputed_[value.node()->id()] || saved_index_.contains(value);
}

// Can the node be computed again? `*cost` becomes how many nodes that takes.
bool StepGradient::CanRecompute(const Node& node, int* cost) const {
  *cost = 0;
  if (RoleOf(node) == OpRole::kArg) {
    const auto it = arg_index_.find(Output(const_cast<Node*>(&node), 0));
    return IsInvariantArg(node) ||
           (it != arg_index_.end() && step_sizes_[it->second].has_value());
  }
  if (invariant_[node.id()]) return true;
  if (!IsCheap(node)) return false;
  *cost = 1;
  for (const Output& input : node.inputs()) {
    if (!IsThere(input)) return false;
    if (!saved_index_.contains(input)) *cost += cost_[input.node()->id()];
  }
  return *cost <= kMaxCost;
}

// Forward nodes stand in an order in which inputs come first.
void StepGradient::ChooseSaved() {
  invariant_.resize(num_forward_);
  recomputed_.resize(num_forward_);
  cost_.resize(num_forward_);
  for (int id = 0; id < num_forward_; ++id) {
    Node& node = *joint_.nodes()[id];
    bool invariant = RoleOf(node) == OpRole::kArg ? IsInvariantArg(node)
                                                  : IsDeterministic(node);
    for (const Output& input : node.inputs()) {
      // The inputs of extended loops may come behind; they have bodies.
      invariant =
          invariant && IsForward(input) && invariant_[input.node()->id()];
    }
    invariant_[id] = invariant;
    recomputed_[id] = CanRecompute(node, &cost_[id]);
    for (int i = 0; i < node.num_outputs(); ++i) {
      const Output value(&node, i);
      if (recomputed_[id] || !needed_.contains(value)) continue;
      saved_index_[value] = Save({.value = value});
    }
  }
}

std::optional<int> StepGradient::SavedList(const Output& value) const {
  const auto it = saved_index_.find(value);
  if (it == saved_index_.end()) return std::nullopt;
  return it->second;
}

int StepGradient::Save(SavedValue value) {
  saved_.push_back(std::move(value));
  return static_cast<int>(saved_.size()) - 1;
}

// Is the value there, with nothing to compute that is not needed anyway?
bool StepGradient::IsAtHand(const Output& value) const {
  const int id = value.node()->id();
  if (saved_index_.contains(value)) return true;
  return recomputed_[id] && (cost_[id] == 0 || needed_.contains(value) ||
                             value.node()->op() == "TensorListGetItem");
}

void StepGradient::ChooseShapes() {
  for (const auto& [key, users] : shape_users_) {
    const Output x(joint_.nodes()[key.first].get(), key.second);
    for (const Node* user : users) ChooseShape(x, *user);
  }
}

void StepGradient::ChooseShape(const Output& x, const Node& user) {
  if (IsFilled(user)
          ? x.shape().IsFullyDefined()
          : KnownTensor(Output(const_cast<Node*>(&user), 0)).has_value()) {
    return;
  }
  if (NeedsDims(user) && x.dtype() != DataType::kVariant) {
    auto is_at_hand = [this](const Output& value) { return IsAtHand(value); };
    std::optional<std::vector<DimSource>> dims = TraceDims(x, is_at_hand);
    if (dims.has_value()) {
      shape_dims_[&user] = *std::move(dims);
      return;
    }
  }
  if (IsThere(x)) {
    shape_recomputed_.insert(&user);
    return;
  }
  SavedValue saved = {.value = x, .op = user.op(), .attrs = user.attrs()};
  if (IsFilled(user)) {
    saved.op = "Shape";
    saved.attrs = {{"out_type", DataType::kInt32}};
  }
  shape_saved_[&user] = Save(std::move(saved));
}

// The arguments of the copy that the backward body works with.
absl::flat_hash_set<Output> StepGradient::UsedArgs() const {
  absl::flat_hash_set<Output> args;
  std::vector<bool> seen(joint_.num_nodes(), false);
  Outputs stack = results_;
  for (const auto& [user, dims] : shape_dims_) {
    for (const DimSource& dim : dims) {
      for (const auto& [value, axis] : dim.axes) stack.push_back(value);
    }
  }
  for (const Node* user : shape_recomputed_) stack.push_back(user->input(0));
  while (!stack.empty()) {
    const Output value = stack.back();
    stack.pop_back();
    const Node& node = *value.node();
    if (saved_index_.contains(value) || seen[node.id()]) continue;
    // Another output of the node may be saved, this one is not.
    seen[node.id()] = true;
    if (RoleOf(node) == OpRole::kArg) args.insert(value);
    if (NeedsShapeOnly(node) && !IsForward(value) && IsForward(node.input(0)))
      continue;
    for (const Output& input : node.inputs()) stack.push_back(input);
  }
  return args;
}

void StepGradient::MapLeaves(GraphCopier& copier, Graph& body,
                             Output step) const {
  for (const Graph::Capture& capture : joint_.captures()) {
    copier.Map(capture.inner, capture.outer);
  }
  const absl::flat_hash_set<Output> used = UsedArgs();
  for (size_t i = 0; i < step_sizes_.size(); ++i) {
    const Output& arg = joint_.args()[i];
    const Output& first = loop_.input(static_cast<int>(i));
    if (!used.contains(arg) || saved_index_.contains(arg)) continue;
    if (IsInvariantArg(*arg.node())) {
      copier.Map(arg, body.Capturing(first));
    } else if (step_sizes_[i].has_value()) {
      Output steps = Cast(step, arg.dtype());
      if (*step_sizes_[i] != 1)
        steps = steps * static_cast<double>(*step_sizes_[i]);
      const PartialValue* known = first.node()->output_value(first.index());
      const bool from_zero =
          known != nullptr && known->size() == 1 && (*known)[0] == 0;
      copier.Map(arg, from_zero ? steps : Add(first, steps));
    }
  }
}

void StepGradient::MapSaved(GraphCopier& copier, Output step,
                            const Outputs& lists) const {
  for (size_t i = 0; i < saved_.size(); ++i) {
    const Output& value = saved_[i].value;
    if (!saved_[i].op.empty()) continue;
    copier.Map(value, ReadSaved(lists[i], step, value.dtype(), value.shape()));
  }
}

void StepGradient::MapShapes(GraphCopier& copier, Graph& body, Output step,
                             const Outputs& lists) const {
  for (const auto& [key, users] : shape_users_) {
    Output dims;  // Of the value that these users share.
    for (const Node* user : users) {
      // Those that work on a value that is there are copied like any other
      // node.
      if (shape_recomputed_.contains(user)) continue;
      copier.Map(Output(const_cast<Node*>(user), 0),
                 EmitShapeUser(copier, body, *user, step, lists, &dims));
    }
  }
}

Output StepGradient::EmitShapeUser(GraphCopier& copier, Graph& body,
                                   const Node& user, Output step,
                                   const Outputs& lists, Output* sizes) const {
  const Output result(const_cast<Node*>(&user), 0);
  const TensorShape& shape = user.input(0).shape();
  const auto dims = shape_dims_.find(&user);
  const auto saved = shape_saved_.find(&user);
  if (dims != shape_dims_.end()) {
    auto find = [&](const Output& value) { return copier.Copy(value); };
    if (!sizes->valid()) *sizes = EmitDims(body, dims->second, find);
    return IsFilled(user) ? EmitFilled(user, body, *sizes)
                          : Cast(*sizes, result.dtype());
  }
  if (saved != shape_saved_.end()) {
    const bool filled = IsFilled(user);
    const TensorShape rank =
        shape.has_rank() ? TensorShape{shape.rank()} : TensorShape{-1};
    const Output item = ReadSaved(lists[saved->second], step,
                                  filled ? DataType::kInt32 : result.dtype(),
                                  filled ? rank : result.shape());
    return filled ? EmitFilled(user, body, item) : item;
  }
  if (!IsFilled(user)) return Const(body, *KnownTensor(result));
  return user.op() == "OnesLike" ? Ones(body, result.dtype(), shape)
                                 : Zeros(body, result.dtype(), shape);
}

Outputs StepGradient::Emit(
    Graph& body, Output step, const Outputs& lists,
    const std::vector<std::pair<Output, Output>>& given) const {
  GraphCopier copier(joint_, body);
  for (const auto& [original, copy] : given) copier.Map(original, copy);
  MapLeaves(copier, body, step);
  MapSaved(copier, step, lists);
  MapShapes(copier, body, step, lists);
  Outputs results;
  for (const Output& result : results_) results.push_back(copier.Copy(result));
  return results;
}

}  // namespace weft
