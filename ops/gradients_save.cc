#include "ops/gradients_save.h"

#include <string>
#include <utility>

#include "core/status.h"
#include "graph/op.h"
#include "ops/control_flow_nodes.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/source.h"

namespace weft {
namespace {

// The value of a scalar that is known while building.
std::optional<int64_t> KnownScalar(const Output& value) {
  const PartialValue* known = value.node()->output_value(value.index());
  if (known == nullptr || known->size() != 1 ||
      (*known)[0] == kUnknownElement) {
    return std::nullopt;
  }
  return (*known)[0];
}

std::optional<int64_t> StepSize(const Output& arg, const Output& result) {
  const Node& node = *result.node();
  const bool adds = node.op() == "AddV2" || node.op() == "Add";
  if (!IsInteger(arg.dtype()) || !arg.shape().IsScalar() ||
      !result.shape().IsScalar() || (!adds && node.op() != "Sub")) {
    return std::nullopt;
  }
  if (node.input(0) == arg) {
    const std::optional<int64_t> size = KnownScalar(node.input(1));
    return adds || !size.has_value() ? size : -*size;
  }
  if (adds && node.input(1) == arg) return KnownScalar(node.input(0));
  return std::nullopt;
}

// Appends a variable to `loop` that begins as `initial` and becomes `next(arg)`
// in each step.
template <typename NextFn>
Output AppendVariable(Node* loop, Output initial, const char* name,
                      const NextFn& next) {
  Graph& graph = loop->graph();
  if (!graph.status().ok()) return initial;
  if (!initial.node()->control_inputs().empty()) {
    // It would come behind nodes that may come behind the loop.
    graph.Fail(InvalidArgument(loop->Describe(),
                               ": the gradient of a loop cannot be ",
                               "built within a ControlScope"));
    return initial;
  }
  loop->body(0).AddArg(initial.dtype(), initial.shape(), name);
  Graph& body = loop->body(1);
  const Output arg = body.AddArg(initial.dtype(), initial.shape(), name);
  const Output result = next(arg);
  if (!graph.status().ok()) return initial;
  Outputs results = body.results();
  results.push_back(result);
  body.SetResults(std::move(results));
  graph.AppendInput(loop, initial);
  const Output output =
      graph.AppendOutput(loop, initial.dtype(), initial.shape());
  UpdateOutputShapes(loop);
  return output;
}

bool IsEmptyList(const Output& list) {
  return list.node()->op() == "EmptyTensorList";
}

// Is `pushed` what `saved` asks for?
bool Matches(const SavedValue& saved, const Output& pushed) {
  if (saved.op.empty()) return pushed == saved.value;
  const Node& node = *pushed.node();
  if (node.op() != saved.op || !(node.input(0) == saved.value)) return false;
  for (const auto& [name, value] : saved.attrs) {
    const AttrValue* other = node.attrs().Find(name);
    if (other == nullptr || !(*other == value)) return false;
  }
  return true;
}

// The list that collects it already; invalid if there is none.
Output FindList(Node* loop, const SavedValue& saved) {
  const Graph& body = loop->body(1);
  for (int i = 0; i < loop->num_outputs(); ++i) {
    const Node& push = *body.results()[i].node();
    if (push.op() == "TensorListPushBack" && push.input(0) == body.args()[i] &&
        IsEmptyList(loop->input(i)) && Matches(saved, push.input(1))) {
      return loop->output(i);
    }
  }
  return Output();
}

Output MakeList(Node* loop, const SavedValue& saved) {
  Output value = saved.value;
  if (!saved.op.empty()) {
    value =
        loop->body(1).Add(saved.op, {{value, loop->location()}}, saved.attrs);
  }
  if (value.dtype() == DataType::kResource) {
    loop->graph().Fail(
        Unimplemented(loop->Describe(), ": the gradient needs the handle ",
                      value.name(), ", which changes from step to step"));
    return value;
  }
  const Output empty =
      EmptyTensorList(loop->graph(), value.shape(), value.dtype());
  return AppendVariable(loop, empty, "saved", [&](Output list) {
    return TensorListPushBack(list, value);
  });
}

}  // namespace

std::vector<std::optional<int64_t>> StepSizes(const Graph& body) {
  std::vector<std::optional<int64_t>> sizes;
  for (size_t i = 0; i < body.results().size(); ++i) {
    sizes.push_back(StepSize(body.args()[i], body.results()[i]));
  }
  return sizes;
}

Output CountSteps(Node* loop, GradientContext& context) {
  context.loops[loop].counts_steps = true;
  const std::vector<std::optional<int64_t>> sizes = StepSizes(loop->body(1));
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] != 1) continue;
    const Output first = loop->input(static_cast<int>(i));
    const Output last = loop->output(static_cast<int>(i));
    const Output steps = KnownScalar(first) == 0 ? last : Sub(last, first);
    return Cast(steps, DataType::kInt32);
  }
  const Output zero = Const(loop->graph(), int32_t{0}, "step_count");
  return AppendVariable(loop, zero, "step_count", [&](Output count) {
    return Add(count, Const(count.graph(), int32_t{1}));
  });
}

Outputs SaveEachStep(Node* loop, const std::vector<SavedValue>& values,
                     GradientContext& context) {
  std::vector<SavedValue>& log = context.loops[loop].saved;
  log.insert(log.end(), values.begin(), values.end());
  Outputs lists;
  for (const SavedValue& value : values) {
    const Output known = FindList(loop, value);
    lists.push_back(known.valid() ? known : MakeList(loop, value));
    if (!loop->graph().status().ok()) break;
  }
  lists.resize(values.size());
  return lists;
}

void RepeatOnOrigin(const Node* copy, GradientContext& context) {
  const auto it = context.loops.find(copy);
  if (it == context.loops.end() || it->second.repeated) return;
  it->second.repeated = true;
  GradientContext::LoopLog log = it->second;  // The map may move.
  Node* origin = context.origins.at(copy);
  // What is saved may come from a loop within, which was extended first.
  for (const std::unique_ptr<Node>& node : copy->body(1).nodes()) {
    if (node->num_bodies() > 0) RepeatOnOrigin(node.get(), context);
  }
  if (log.counts_steps) CountSteps(origin, context);
  for (SavedValue& saved : log.saved) {
    saved.value =
        Output(context.origins.at(saved.value.node()), saved.value.index());
  }
  SaveEachStep(origin, log.saved, context);
}

}  // namespace weft
