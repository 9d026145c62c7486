#include "runtime/passes/counted_loops.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/passes/passes.h"
#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

std::optional<int64_t> KnownScalar(const PlanGraph& graph, int value) {
  const Tensor* tensor = ConstantOf(graph, value);
  if (tensor == nullptr || tensor->num_elements() != 1) return std::nullopt;
  if (tensor->dtype() == DataType::kInt32) return tensor->data<int32_t>()[0];
  if (tensor->dtype() == DataType::kInt64) return tensor->data<int64_t>()[0];
  return std::nullopt;
}

const PlanNode* MakerOf(const PlanGraph& graph, int value) {
  const int maker = graph.values[value].node;
  return maker >= 0 ? &graph.nodes[maker] : nullptr;
}

// The node's micro-op, or "".
std::string MicroOpOf(const PlanNode& node) {
  if (node.role != OpRole::kCompute || node.made != nullptr) return "";
  const auto& trait = node.traits().pointwise;
  return trait.has_value() ? trait->micro_op : "";
}

}  // namespace

std::optional<LoopCounter> CountedLoops::CounterAt(int loop, int k) const {
  const PlanNode& node = graph_.nodes[loop];
  const int arg = graph_.frames[node.cond].args[k];
  const PlanValue& value = graph_.values[arg];
  if (!IsInteger(value.dtype) || value.shape->rank() != 0) return std::nullopt;
  const PlanNode* next = MakerOf(graph_, graph_.frames[node.body].results[k]);
  if (next == nullptr || next->inputs.size() != 2) return std::nullopt;
  const std::string op = MicroOpOf(*next);
  if (op != "add" && op != "sub") return std::nullopt;
  const bool second = op == "add" && next->inputs[1] == arg;
  if (!second && next->inputs[0] != arg) return std::nullopt;
  const std::optional<int64_t> step =
      KnownScalar(graph_, next->inputs[second ? 0 : 1]);
  if (step != 1 && step != -1) return std::nullopt;
  return LoopCounter{.variable = k,
                     .first = node.inputs[k],
                     .is_up = (op == "add") == (step == 1)};
}

int CountedLoops::Steps(int loop) {
  const auto found = steps_.find(loop);
  if (found != steps_.end()) return found->second;
  int& steps = steps_[loop];
  steps = -1;
  const int frame = graph_.nodes[loop].frame;
  std::vector<Limit> limits;
  if (!FindLimits(loop, graph_.frames[graph_.nodes[loop].cond].results[0],
                  &limits)) {
    return -1;
  }
  const DataType type = graph_.values[limits[0].bound].dtype;
  for (const Limit& limit : limits) {
    if (graph_.values[limit.bound].dtype != type) return -1;
  }
  int least = -1;
  for (const Limit& limit : limits) {
    const int first = limit.counter.first;
    const int distance = limit.counter.is_up
                             ? Minus(loop, frame, limit.bound, first)
                             : Minus(loop, frame, first, limit.bound);
    least =
        least < 0 ? distance : Emit("Minimum", loop, frame, least, distance);
  }
  return steps = Emit("Maximum", loop, frame, least, Zero(loop, type));
}

bool CountedLoops::FindLimits(int loop, int condition,
                              std::vector<Limit>* limits) const {
  const PlanNode* node = MakerOf(graph_, condition);
  if (node == nullptr || node->inputs.size() != 2 ||
      node->frame != graph_.nodes[loop].cond || !node->controls.empty()) {
    return false;
  }
  if (MicroOpOf(*node) == "and") {
    return FindLimits(loop, node->inputs[0], limits) &&
           FindLimits(loop, node->inputs[1], limits);
  }
  const std::optional<Limit> limit = LimitOf(loop, *node);
  if (limit.has_value()) limits->push_back(*limit);
  return limit.has_value();
}

// counter < bound, bound > counter, counter > bound, bound < counter.
std::optional<CountedLoops::Limit> CountedLoops::LimitOf(
    int loop, const PlanNode& comparison) const {
  const std::string op = MicroOpOf(comparison);
  if (op != "less" && op != "greater") return std::nullopt;
  const PlanNode& node = graph_.nodes[loop];
  const std::vector<int>& args = graph_.frames[node.cond].args;
  for (int i : {0, 1}) {
    const int bound = comparison.inputs[1 - i];
    const auto arg = std::find(args.begin(), args.end(), comparison.inputs[i]);
    const PlanValue& value = graph_.values[bound];
    if (arg == args.end() || graph_.Within(value.frame, node.cond) ||
        value.shape->rank() != 0) {
      continue;
    }
    const std::optional<LoopCounter> counter =
        CounterAt(loop, static_cast<int>(arg - args.begin()));
    if (!counter.has_value()) continue;
    const bool is_below = (op == "less") == (i == 0);
    if (counter->is_up == is_below) return Limit{*counter, bound};
  }
  return std::nullopt;
}

int CountedLoops::StepIndex(int loop) {
  const PlanNode& node = graph_.nodes[loop];
  const int num_args = static_cast<int>(graph_.frames[node.cond].args.size());
  const DataType type = graph_.values[Steps(loop)].dtype;
  std::optional<LoopCounter> best;
  for (int k = 0; k < num_args; ++k) {
    const std::optional<LoopCounter> counter = CounterAt(loop, k);
    if (!counter.has_value() || graph_.values[counter->first].dtype != type)
      continue;
    const bool is_index =
        counter->is_up && KnownScalar(graph_, counter->first) == 0;
    if (is_index) return graph_.frames[node.cond].args[k];
    if (!best.has_value()) best = counter;
  }
  const int arg = graph_.frames[node.cond].args[best->variable];
  const int body = node.body;
  return best->is_up ? Minus(loop, body, arg, best->first)
                     : Minus(loop, body, best->first, arg);
}

int CountedLoops::Last(int loop, const LoopCounter& counter) {
  const int steps = Steps(loop);
  if (steps < 0 ||
      graph_.values[counter.first].dtype != graph_.values[steps].dtype) {
    return -1;
  }
  const int frame = graph_.nodes[loop].frame;
  if (!counter.is_up) return Minus(loop, frame, counter.first, steps);
  if (KnownScalar(graph_, counter.first) == 0) return steps;
  return Emit("AddV2", loop, frame, counter.first, steps);
}

int CountedLoops::Minus(int loop, int frame, int a, int b) {
  return KnownScalar(graph_, b) == 0 ? a : Emit("Sub", loop, frame, a, b);
}

int CountedLoops::Emit(const char* name, int loop, int frame, int a, int b) {
  const DataType type = graph_.values[a].dtype;
  MadeOp op{.op = name, .is_pure = true};
  op.attrs.Set("T", type);
  op.input_types = {type, type};
  op.output_types = {type};
  const int made =
      graph_.AddMade(std::move(op), loop, frame, {a, b}, {TensorShape{}});
  return graph_.nodes[made].outputs[0];
}

int CountedLoops::Zero(int loop, DataType type) {
  Tensor zero = type == DataType::kInt64 ? Tensor::Scalar<int64_t>(0)
                                         : Tensor::Scalar<int32_t>(0);
  graph_.shapes.push_back({});
  const int value =
      graph_.AddValue({.dtype = type, .shape = &graph_.shapes.back()});
  graph_.AddNode({.source = graph_.nodes[loop].source,
                  .role = OpRole::kConst,
                  .frame = graph_.nodes[loop].frame,
                  .scope = graph_.nodes[loop].scope,
                  .constant = graph_.AddConstant(std::move(zero)),
                  .outputs = {value}});
  return value;
}

void CountLoops(PlanGraph* graph, PassReport* report) {
  CountedLoops loops(graph);
  std::vector<int> replacement(graph->values.size());
  for (size_t v = 0; v < replacement.size(); ++v)
    replacement[v] = static_cast<int>(v);
  int counted = 0;
  const int num_nodes = static_cast<int>(graph->nodes.size());
  for (int n = 0; n < num_nodes; ++n) {
    if (graph->nodes[n].role != OpRole::kWhile) continue;
    const int num_outputs = static_cast<int>(graph->nodes[n].outputs.size());
    for (int k = 0; k < num_outputs; ++k) {
      const std::optional<LoopCounter> counter = loops.CounterAt(n, k);
      const int last = counter.has_value() ? loops.Last(n, *counter) : -1;
      if (last < 0) continue;
      replacement[graph->nodes[n].outputs[k]] = last;
      ++counted;
    }
  }
  auto replace = [&](int* value) {
    while (static_cast<size_t>(*value) < replacement.size() &&
           replacement[*value] != *value) {
      *value = replacement[*value];
    }
  };
  // Made nodes may take a counter only to run behind its loop.
  for (PlanNode& node : graph->nodes) {
    if (node.made != nullptr && node.role == OpRole::kCompute &&
        !node.made->is_pure)
      continue;
    for (int& input : node.inputs) replace(&input);
  }
  for (PlanFrame& frame : graph->frames) {
    for (int& result : frame.results) replace(&result);
  }
  report->push_back(
      absl::StrCat("counters: ", counted, " known before their loops"));
}

}  // namespace weft
