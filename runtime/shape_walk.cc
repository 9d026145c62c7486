#include "runtime/shape_walk.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "runtime/condition.h"
#include "runtime/diagnose.h"
#include "runtime/evaluate.h"

namespace weft {
namespace {

// Values up to this size are computed while laying out.
constexpr int64_t kMaxKnownElements = 1024;

// Are these the dims of `shape`, as far as they are known (-1: not)?
bool Allows(const Tensor& dims, const TensorShape& shape) {
  auto dim = [&](int i) {
    return dims.dtype() == DataType::kInt64 ? dims.data<int64_t>()[i]
                                            : dims.data<int32_t>()[i];
  };
  if (dims.shape().rank() == 0) return dim(0) == -1;
  if (dims.num_elements() != shape.rank()) return false;
  for (int i = 0; i < shape.rank(); ++i) {
    if (dim(i) != -1 && dim(i) != shape.dim(i)) return false;
  }
  return true;
}

Tensor DimsOf(const TensorShape& shape) {
  return Tensor::Vector<int64_t>(shape.dims());
}

bool MayBeKnown(DataType type, const PassOptions& passes) {
  return IsInteger(type) || type == DataType::kBool ||
         (passes.enabled && IsPlain(type));
}

}  // namespace

ShapeWalk::ShapeWalk(const Plan& plan)
    : plan_(plan),
      graph_(plan.graph()),
      values_(graph_.values.size()),
      nodes_(graph_.nodes.size()) {
  // Two passes over each body are normal; more are for variables that change in
  // several ways. When these are used up, loops assume the worst at once, so
  // that deeply nested loops do not take exponential time.
  int loops = 0;
  for (const PlanNode& node : graph_.nodes)
    loops += node.role == OpRole::kWhile;
  loop_passes_left_ = 16 + 8 * loops;
  for (const PlanVariable& variable : graph_.variables) {
    if (variable.target < 0) continue;
    like_[variable.target] = variable.keeps_value ? variable.start : -1;
  }
  for (const ShadowWrite& shadow : graph_.shadows) {
    like_[shadow.to] = shadow.keeps_value ? shadow.from : -1;
    values_[shadow.to].in_slot = true;
  }
}

void ShapeWalk::SetShape(int value, const TensorShape& shape) {
  values_[value].shape = shape;
  values_[value].has_shape = true;
}

void ShapeWalk::SetList(int value, const ListShape& list) {
  SetShape(value, {});
  SetListState(value, list);
}

absl::Status ShapeWalk::Run() {
  WEFT_RETURN_IF_ERROR(WalkFrame(0));
  return plan_.has_assumptions() ? CheckAssumptions() : absl::OkStatus();
}

// What was not reached needs no layout.
absl::Status ShapeWalk::CheckAssumptions() const {
  for (size_t n = 0; n < nodes_.size(); ++n) {
    const PlanNode& node = graph_.nodes[n];
    if (node.made == nullptr || !node.made->assumes ||
        nodes_[n].mode != NodeMode::kDefer) {
      continue;
    }
    return InvalidArgument(graph_.Describe(static_cast<int>(n)),
                           ": its layout is not known before running");
  }
  return absl::OkStatus();
}

int ShapeWalk::Canonical(int v) const {
  while (values_[v].same_as >= 0) v = values_[v].same_as;
  return v;
}

bool ShapeWalk::Moves(int v) const {
  for (v = Canonical(v);; v = Canonical(values_[v].view_of)) {
    if (values_[v].in_slot || values_[v].moving) return true;
    if (values_[v].view_of < 0) return false;
  }
}

void ShapeWalk::SetKnown(int value, Tensor tensor) {
  ValueState& state = values_[value];
  state = {.shape = tensor.shape(),
           .has_shape = true,
           .known = static_cast<int>(known_.size())};
  known_.push_back(std::move(tensor));
}

void ShapeWalk::SetListState(int value, const ListShape& list) {
  values_[value].list = static_cast<int>(lists_.size());
  lists_.push_back(list);
}

ListShape ShapeWalk::ListOf(int value) const {
  const int list = values_[value].list;
  return list >= 0 ? lists_[list] : ListShape{};
}

absl::Status ShapeWalk::WalkFrame(int frame) {
  for (int node : graph_.frames[frame].nodes)
    WEFT_RETURN_IF_ERROR(WalkNode(node));
  return absl::OkStatus();
}

absl::Status ShapeWalk::WalkNode(int id) {
  const PlanNode& node = graph_.nodes[id];
  switch (node.role) {
    case OpRole::kConst:
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        SetKnown(node.outputs[i], graph_.constants[node.constant + i]);
      }
      return absl::OkStatus();
    case OpRole::kIdentity: {
      const int input = Canonical(node.inputs[0]);
      values_[node.outputs[0]] = values_[input];
      values_[node.outputs[0]].same_as = input;
      return absl::OkStatus();
    }
    case OpRole::kWhile:
      return WalkWhile(id);
    case OpRole::kIf:
      return WalkIf(id);
    case OpRole::kCompute:
      if (node.phase != WritePhase::kNone) ShapeWrittenVariables(id);
      return WalkKernel(id);
    default:
      return absl::OkStatus();
  }
}

// A variable that is replaced takes the shape of what is written, which is the
// input behind the handle.
void ShapeWalk::ShapeWrittenVariables(int id) {
  const PlanNode& node = graph_.nodes[id];
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const auto written = like_.find(node.inputs[i]);
    if (written == like_.end()) continue;
    const int like = written->second >= 0         ? written->second
                     : i + 1 < node.inputs.size() ? node.inputs[i + 1]
                                                  : -1;
    ValueState& state = values_[node.inputs[i]];
    if (like < 0 || state.has_shape) continue;
    state.shape = values_[like].shape;
    state.has_shape = values_[like].has_shape;
  }
}

// A store for rows of a shape that is not known has the shape of the first that
// is laid out: see StoreRows.
void ShapeWalk::ShapeStore(int set_row) {
  const PlanNode& node = graph_.nodes[set_row];
  const int store = graph_.values[node.inputs[0]].node;
  std::vector<LayoutInput> inputs(node.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ValueState& state = values_[node.inputs[i]];
    inputs[i].dtype = graph_.values[node.inputs[i]].dtype;
    if (graph_.values[node.inputs[i]].node == store) continue;
    if (!state.has_shape) return;
    inputs[i].shape = state.shape;
  }
  inputs[0].shape = TensorShape::UnknownRank();
  const DataType type = graph_.values[node.outputs[0]].dtype;
  LayoutContext context(inputs, absl::MakeConstSpan(&type, 1));
  if (!plan_.kernel(set_row)->Layout(context).ok()) return;
  const TensorShape& row = context.outputs()[0].shape;
  const int declared = values_[graph_.nodes[store].inputs[0]].known;
  if (declared < 0 || !Allows(known_[declared], row)) return;
  row_shapes_[store] = DimsOf(row);
  if (!WalkKernel(store).ok()) return;  // It stays without a shape.
  // What is written there by its maker was laid out before there was a place.
  int last = -1;
  for (int input : node.inputs) {
    const int maker = graph_.values[input].node;
    if (maker < 0 || maker == last || graph_.nodes[maker].made == nullptr ||
        graph_.nodes[maker].made->num_optional_inputs == 0) {
      continue;
    }
    WalkKernel(maker).IgnoreError();  // As before.
    last = maker;
  }
}

absl::Status ShapeWalk::WalkKernel(int id) {
  const PlanNode& node = graph_.nodes[id];
  const bool assumes = node.made != nullptr && node.made->assumes;
  if (assumes && node.made->op == "_SetRow" &&
      !values_[node.inputs[0]].has_shape) {
    ShapeStore(id);
  }
  nodes_[id] = {};
  for (int output : node.outputs) values_[output] = {};
  const auto row_shape = row_shapes_.find(id);
  if (assumes && node.made->op == "_RowStore" &&
      row_shape == row_shapes_.end()) {
    nodes_[id].mode = NodeMode::kDefer;
    return absl::OkStatus();
  }
  const size_t needed =
      node.inputs.size() -
      (node.made != nullptr ? node.made->num_optional_inputs : 0);
  std::vector<LayoutInput>& inputs = inputs_;
  inputs.assign(node.inputs.size(), {});
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ValueState& state = values_[node.inputs[i]];
    inputs[i].dtype = graph_.values[node.inputs[i]].dtype;
    if (!state.has_shape && i >= needed) {
      inputs[i].shape = TensorShape::UnknownRank();
      continue;
    }
    if (!state.has_shape) {
      Defer(id, absl::OkStatus());
      return absl::OkStatus();
    }
    inputs[i].shape = state.shape;
    inputs[i].value = state.known >= 0 ? &known_[state.known] : nullptr;
    inputs[i].list = ListOf(node.inputs[i]);
    inputs[i].strides = state.strides;
  }
  if (row_shape != row_shapes_.end()) {
    inputs[0].shape = row_shape->second.shape();
    inputs[0].value = &row_shape->second;
  }
  const absl::Status status = LayOutKernel(id, inputs);
  if (status.ok()) return absl::OkStatus();
  // What does not fit is an error only if it is run.
  if (node.frame != 0) {
    Defer(id, status);
    return absl::OkStatus();
  }
  if (node.made != nullptr && node.made->names_its_parts) return status;
  return Annotate(status, DescribeCall(graph_, id, [&](int i) {
                    return &values_[node.inputs[i]].shape;
                  }));
}

absl::Status ShapeWalk::LayOutKernel(int id,
                                     absl::Span<const LayoutInput> inputs) try {
  const PlanNode& node = graph_.nodes[id];
  std::vector<DataType>& types = types_;
  types.clear();
  for (int output : node.outputs) types.push_back(graph_.values[output].dtype);
  LayoutContext context(inputs, types);
  context.AllowViews(MayStride(node), /*may_move=*/true);
  WEFT_RETURN_IF_ERROR(plan_.kernel(id)->Layout(context));
  const bool in_slot =
      std::any_of(types.begin(), types.end(), [](DataType type) {
        return !IsPlain(type) && type != DataType::kVariant;
      });
  if (context.deferred() || in_slot) {
    Defer(id, absl::OkStatus());
    if (!context.deferred()) {
      for (size_t i = 0; i < types.size(); ++i) {
        if (!context.outputs()[i].shape.IsFullyDefined()) continue;
        SetShape(node.outputs[i], context.outputs()[i].shape);
        if (types[i] == DataType::kVariant)
          SetListState(node.outputs[i], context.outputs()[i].list);
      }
    }
    return absl::OkStatus();
  }
  return TakeOutputs(id, &context);
} catch (const std::exception& e) {
  return Internal("the kernel threw: ", e.what());
}

bool ShapeWalk::MayStride(const PlanNode& node) const {
  return std::all_of(node.outputs.begin(), node.outputs.end(),
                     [&](int output) { return plan_.may_stride(output); });
}

absl::Status ShapeWalk::TakeOutputs(int id, LayoutContext* context) {
  const PlanNode& node = graph_.nodes[id];
  bool computes = node.outputs.empty();
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    LayoutOutput& output = context->outputs()[i];
    const PlanValue& value = graph_.values[node.outputs[i]];
    if (!output.shape.IsFullyDefined() ||
        !output.shape.IsCompatibleWith(*value.shape) ||
        (output.value.is_valid() && output.value.dtype() != value.dtype)) {
      return Internal("the kernel gives output ", i, " as ",
                      output.shape.ToString(), " where the graph has ",
                      DataTypeName(value.dtype), " ", value.shape->ToString());
    }
    const int source =
        output.view_of >= 0 ? Canonical(node.inputs[output.view_of]) : -1;
    ValueState& state = values_[node.outputs[i]];
    const bool in_one_piece = output.strides.empty() && !output.moving;
    if (output.value.is_valid()) {
      SetKnown(node.outputs[i], std::move(output.value));
    } else if (source >= 0 && values_[source].known >= 0 && in_one_piece) {
      SetKnown(node.outputs[i], ViewOf(known_[values_[source].known],
                                       output.view_offset, output.shape));
    } else {
      state.shape = std::move(output.shape);
      state.has_shape = true;
      state.view_of = source;
      state.view_offset = output.view_offset;
      state.strides = output.strides;
      state.moving = output.moving;
      if (value.dtype == DataType::kVariant)
        SetListState(node.outputs[i], output.list);
      computes |= source < 0 || output.moving;
    }
  }
  if (!computes || TryCompute(id)) return absl::OkStatus();
  NodeState& state = nodes_[id];
  state.mode = NodeMode::kRun;
  state.scratch_bytes = context->scratch_bytes();
  state.state = context->state();
  state.in_place.assign(context->in_place().begin(), context->in_place().end());
  return absl::OkStatus();
}

// Computes a small node whose inputs are all known. If that fails it is left to
// be run, since that may never happen.
bool ShapeWalk::TryCompute(int id) {
  const PlanNode& node = graph_.nodes[id];
  if (node.made != nullptr && !node.made->is_pure) return false;
  for (int input : node.inputs) {
    if (values_[input].known < 0) return false;
  }
  const OpTraits& traits = node.traits();
  if (traits.stateful || !traits.variables.empty() || node.outputs.empty())
    return false;
  std::vector<DataType> types;
  for (int output : node.outputs) {
    types.push_back(graph_.values[output].dtype);
    if (!MayBeKnown(types.back(), plan_.options().passes)) return false;
    if (values_[output].shape.num_elements() > kMaxKnownElements) return false;
  }
  std::vector<Tensor> inputs;
  for (int input : node.inputs) {
    inputs.push_back(known_[values_[input].known]);
  }
  auto results = Evaluate(*plan_.kernel(id), inputs, types,
                          kMaxKnownElements * sizeof(double));
  if (!results.ok() || !results->has_value()) return false;
  for (size_t i = 0; i < types.size(); ++i)
    SetKnown(node.outputs[i], std::move((**results)[i]));
  return true;
}

void ShapeWalk::Defer(int id, const absl::Status& why) {
  nodes_[id] = {.mode = NodeMode::kDefer};
  if (!why.ok()) nodes_[id].why = std::make_unique<std::string>(why.message());
  for (int output : graph_.nodes[id].outputs) {
    const PlanValue& value = graph_.values[output];
    values_[output] = {};
    if (value.dtype == DataType::kVariant) {
      SetList(output, {});
      continue;
    }
    values_[output].in_slot = true;
    // The graph may say what the kernel does not know yet.
    if (value.shape->IsFullyDefined()) SetShape(output, *value.shape);
  }
}

absl::Status ShapeWalk::WalkWhile(int id) {
  const PlanNode& node = graph_.nodes[id];
  const std::vector<int>& args = graph_.frames[node.cond].args;
  const std::vector<int>& results = graph_.frames[node.body].results;
  for (size_t i = 0; i < args.size(); ++i) {
    const ValueState& initial = values_[node.inputs[i]];
    values_[args[i]] = {.shape = initial.shape, .has_shape = initial.has_shape};
    const DataType type = graph_.values[args[i]].dtype;
    if (type == DataType::kVariant)
      SetListState(args[i], ListOf(node.inputs[i]));
    if (!IsPlain(type) && type != DataType::kVariant)
      values_[args[i]].in_slot = true;
    if (loop_passes_left_ <= 0) WidenFully(args[i]);
  }
  for (bool changed = true; changed;) {
    --loop_passes_left_;
    for (int arg : args) values_[arg].in_slot |= !values_[arg].has_shape;
    WEFT_RETURN_IF_ERROR(WalkFrame(node.cond));
    WEFT_RETURN_IF_ERROR(WalkFrame(node.body));
    changed = false;
    for (size_t i = 0; i < args.size(); ++i)
      changed |= Widen(args[i], results[i]);
  }
  for (size_t i = 0; i < args.size(); ++i) {
    values_[node.outputs[i]] = values_[args[i]];
    values_[node.outputs[i]].same_as = args[i];
  }
  if (node.made != nullptr && !IsLaidOut(id)) {
    return InvalidArgument(graph_.Describe(id),
                           ": the steps that became a loop differ");
  }
  return CheckCondition(id, graph_.frames[node.cond].results[0]);
}

// Is everything that happens in the loop known beforehand?
bool ShapeWalk::IsLaidOut(int id) const {
  const PlanNode& node = graph_.nodes[id];
  for (int frame : {node.cond, node.body}) {
    for (int n : graph_.frames[frame].nodes) {
      if (nodes_[n].mode == NodeMode::kDefer) return false;
    }
  }
  return std::none_of(graph_.frames[node.cond].args.begin(),
                      graph_.frames[node.cond].args.end(),
                      [&](int arg) { return values_[arg].in_slot; });
}

bool ShapeWalk::Widen(int arg, int result) {
  if (Canonical(result) == arg) return false;
  if (graph_.values[arg].dtype == DataType::kVariant) {
    const ListShape before = ListOf(arg);
    const ListShape after = ListShape::Union(before, ListOf(result));
    if (after == before) return false;
    SetListState(arg, after);
    return true;
  }
  ValueState& state = values_[arg];
  if (!state.has_shape) return false;
  if (values_[result].has_shape && values_[result].shape == state.shape)
    return false;
  WidenFully(arg);
  return true;
}

void ShapeWalk::WidenFully(int arg) {
  if (graph_.values[arg].dtype == DataType::kVariant) {
    SetListState(arg, {});
  } else {
    values_[arg].has_shape = false;
    values_[arg].in_slot = true;
  }
}

absl::Status ShapeWalk::WalkIf(int id) {
  const PlanNode& node = graph_.nodes[id];
  const int condition = values_[node.inputs[0]].known;
  nodes_[id] = {};
  WEFT_RETURN_IF_ERROR(CheckCondition(id, node.inputs[0]));
  if (condition >= 0) {
    const Tensor& value = known_[condition];
    const bool taken = IsTrue(value.dtype(), value.raw_data());
    const int frame = taken ? node.then_frame : node.else_frame;
    nodes_[id].taken = taken;
    WEFT_RETURN_IF_ERROR(WalkFrame(frame));
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const int result = Canonical(graph_.frames[frame].results[i]);
      values_[node.outputs[i]] = values_[result];
      values_[node.outputs[i]].same_as = result;
    }
    return absl::OkStatus();
  }
  WEFT_RETURN_IF_ERROR(WalkFrame(node.then_frame));
  WEFT_RETURN_IF_ERROR(WalkFrame(node.else_frame));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const int output = node.outputs[i];
    const int a = graph_.frames[node.then_frame].results[i];
    const int b = graph_.frames[node.else_frame].results[i];
    const DataType type = graph_.values[output].dtype;
    values_[output] = {};
    if (type == DataType::kVariant) {
      SetList(output, ListShape::Union(ListOf(a), ListOf(b)));
      continue;
    }
    const bool same = values_[a].has_shape && values_[b].has_shape &&
                      values_[a].shape == values_[b].shape;
    if (same) SetShape(output, values_[a].shape);
    values_[output].in_slot = !same || !IsPlain(type);
  }
  return absl::OkStatus();
}

absl::Status ShapeWalk::CheckCondition(int id, int value) const {
  const ValueState& state = values_[value];
  const DataType type = graph_.values[value].dtype;
  if (state.has_shape && state.shape.num_elements() == 1 && IsPlain(type))
    return absl::OkStatus();
  if (!state.has_shape && IsPlain(type)) return absl::OkStatus();
  return InvalidArgument(graph_.Describe(id), ": the condition ",
                         graph_.ValueName(value), " is ", DataTypeName(type),
                         " ", state.shape.ToString(), " but must be one bool");
}

}  // namespace weft
