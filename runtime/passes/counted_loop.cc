#include "runtime/passes/counted_loop.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "runtime/passes/made_nodes.h"
#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

bool IsOutside(const PlanGraph& graph, int loop, int value) {
  return !graph.Within(graph.values[value].frame, graph.nodes[loop].cond);
}

// Takes identities off.
int Traced(const PlanGraph& graph, int value) {
  while (true) {
    const int maker = graph.values[value].node;
    if (maker < 0 || graph.nodes[maker].role != OpRole::kIdentity) return value;
    value = graph.nodes[maker].inputs[0];
  }
}

// What the comparison `value` says about how the loop is counted.
std::optional<CountedLoop> CountedBy(const PlanGraph& graph, int loop,
                                     int value) {
  const int maker = graph.values[value].node;
  if (maker < 0) return std::nullopt;
  const PlanNode& node = graph.nodes[maker];
  const std::string op = MicroOpOf(node);
  if ((op != "less" && op != "greater") || node.inputs.size() != 2)
    return std::nullopt;
  const int a = Traced(graph, node.inputs[0]);
  const int b = Traced(graph, node.inputs[1]);
  const bool is_first = IsOutside(graph, loop, b);
  if (!is_first && !IsOutside(graph, loop, a)) return std::nullopt;
  const PlanValue& counter = graph.values[is_first ? a : b];
  if (counter.node >= 0 || counter.frame != graph.nodes[loop].cond)
    return std::nullopt;
  CountedLoop counted = {.counter = counter.index,
                         .down = (op == "less") != is_first,
                         .begin = graph.nodes[loop].inputs[counter.index],
                         .limit = is_first ? b : a};
  if (StepOf(graph, loop, counter.index) != (counted.down ? -1 : 1) ||
      !graph.values[counted.limit].shape->IsScalar()) {
    return std::nullopt;
  }
  return counted;
}

// The comparisons of which all must hold for the loop to go on.
std::vector<int> Comparisons(const PlanGraph& graph, int loop) {
  std::vector<int> found;
  absl::flat_hash_set<int> seen;
  std::vector<int> stack = {graph.frames[graph.nodes[loop].cond].results[0]};
  while (!stack.empty()) {
    const int value = Traced(graph, stack.back());
    stack.pop_back();
    if (!seen.insert(value).second) continue;
    const int maker = graph.values[value].node;
    if (maker >= 0 && MicroOpOf(graph.nodes[maker]) == "and") {
      stack.insert(stack.end(), graph.nodes[maker].inputs.rbegin(),
                   graph.nodes[maker].inputs.rend());
    } else {
      found.push_back(value);
    }
  }
  return found;
}

bool IsShape(const PlanNode& node) {
  return node.op() == "Shape" || node.op() == "Size" || node.op() == "Rank";
}

// How deep arithmetic is looked through for what bounds it.
constexpr int kMaxDepth = 6;

// Is `value` at most something that follows from shapes?
bool IsBounded(const PlanGraph& graph, int value, int depth = kMaxDepth) {
  value = Traced(graph, value);
  if (FollowsFromShapes(graph, value)) return true;
  const int maker = graph.values[value].node;
  if (maker < 0 || depth == 0) return false;
  const PlanNode& node = graph.nodes[maker];
  const std::string op = MicroOpOf(node);
  if (node.inputs.size() != 2) return false;
  const bool first = IsBounded(graph, node.inputs[0], depth - 1);
  if (op == "sub") return first && FollowsFromShapes(graph, node.inputs[1]);
  if (op != "min" && op != "max" && op != "add") return false;
  if (first == (op == "min")) return first;
  return IsBounded(graph, node.inputs[1], depth - 1);
}

// That something, in the frame of `loop`.
int AddBound(PlanGraph* graph, int loop, int value, int depth = kMaxDepth) {
  value = Traced(*graph, value);
  if (FollowsFromShapes(*graph, value)) return value;
  const int maker = graph->values[value].node;
  const std::string op = MicroOpOf(graph->nodes[maker]);
  const Ids inputs = graph->nodes[maker].inputs;
  const int frame = graph->nodes[loop].frame;
  if (op == "min") {
    const bool first = IsBounded(*graph, inputs[0], depth - 1);
    return AddBound(graph, loop, inputs[first ? 0 : 1], depth - 1);
  }
  const int a = AddBound(graph, loop, inputs[0], depth - 1);
  if (op == "sub")
    return AddArithmetic(graph, "Sub", loop, frame, a, inputs[1]);
  const int b = AddBound(graph, loop, inputs[1], depth - 1);
  return AddArithmetic(graph, op == "max" ? "Maximum" : "AddV2", loop, frame, a,
                       b);
}

// A value and a constant that is added to it.
struct Offset {
  int value = -1;
  int64_t plus = 0;
};

Offset OffsetOf(const PlanGraph& graph, int value) {
  Offset offset{value};
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    const int maker = graph.values[offset.value].node;
    if (maker < 0) break;
    const PlanNode& node = graph.nodes[maker];
    const std::string op = MicroOpOf(node);
    if ((op != "add" && op != "sub") || node.inputs.size() != 2) break;
    const bool swapped = op == "add" && KnownScalar(graph, node.inputs[0]);
    const std::optional<int64_t> by =
        KnownScalar(graph, node.inputs[swapped ? 0 : 1]);
    if (!by.has_value()) break;
    offset.value = node.inputs[swapped ? 1 : 0];
    offset.plus += op == "sub" ? -*by : *by;
  }
  return offset;
}

}  // namespace

bool FollowsFromShapes(const PlanGraph& graph, int value) {
  absl::flat_hash_set<int> seen;
  std::vector<int> stack = {value};
  while (!stack.empty()) {
    const int v = stack.back();
    stack.pop_back();
    if (!seen.insert(v).second) continue;
    const int maker = graph.values[v].node;
    if (maker < 0 || !IsInteger(graph.values[v].dtype)) return false;
    const PlanNode& node = graph.nodes[maker];
    if (node.role == OpRole::kConst) continue;
    const OpTraits& traits = node.traits();
    const bool computes = node.role == OpRole::kCompute &&
                          node.phase == WritePhase::kNone && !traits.stateful &&
                          traits.variables.empty();
    if (computes && IsShape(node)) continue;
    if (!computes && node.role != OpRole::kIdentity) return false;
    stack.insert(stack.end(), node.inputs.begin(), node.inputs.end());
  }
  return true;
}

bool SameIndex(const PlanGraph& graph, int a, int b) {
  const Offset x = OffsetOf(graph, a), y = OffsetOf(graph, b);
  return x.value == y.value && x.plus == y.plus;
}

int StepOf(const PlanGraph& graph, int loop, int k) {
  int next = -1;
  if (!IsCounter(graph, loop, k, &next)) return 0;
  const PlanNode& node = graph.nodes[next];
  const int arg = graph.frames[graph.nodes[loop].cond].args[k];
  const int by = node.inputs[0] == arg ? 1 : 0;
  const std::optional<int64_t> step = KnownScalar(graph, node.inputs[by]);
  if (!step.has_value() || (*step != 1 && *step != -1)) return 0;
  return static_cast<int>(MicroOpOf(node) == "sub" ? -*step : *step);
}

bool IsCounter(const PlanGraph& graph, int loop, int k, int* next) {
  const int arg = graph.frames[graph.nodes[loop].cond].args[k];
  if (!IsInteger(graph.values[arg].dtype)) return false;
  const int result = graph.frames[graph.nodes[loop].body].results[k];
  const int maker = graph.values[result].node;
  if (maker < 0) return false;
  const PlanNode& node = graph.nodes[maker];
  const std::string op = MicroOpOf(node);
  if ((op != "add" && op != "sub") || node.inputs.size() != 2) return false;
  *next = maker;
  const bool is_first = node.inputs[0] == arg;
  if (!is_first && (op == "sub" || node.inputs[1] != arg)) return false;
  const int by = node.inputs[is_first ? 1 : 0];
  return IsOutside(graph, loop, by) && graph.values[by].shape->IsScalar() &&
         graph.values[graph.nodes[loop].inputs[k]].shape->IsScalar();
}

std::optional<CountedLoop> CountedLoopOf(const PlanGraph& graph, int loop) {
  for (int comparison : Comparisons(graph, loop)) {
    std::optional<CountedLoop> counted = CountedBy(graph, loop, comparison);
    if (!counted.has_value()) continue;
    const bool down = counted->down;
    const int from = down ? counted->limit : counted->begin;
    const int to = down ? counted->begin : counted->limit;
    if (FollowsFromShapes(graph, from) && IsBounded(graph, to)) return counted;
  }
  return std::nullopt;
}

int AddNumberOfSteps(PlanGraph* graph, int loop, const CountedLoop& counted) {
  const int from = counted.down ? counted.limit : counted.begin;
  const int to =
      AddBound(graph, loop, counted.down ? counted.begin : counted.limit);
  if (KnownScalar(*graph, from) == 0) return to;
  return AddArithmetic(graph, "Sub", loop, graph->nodes[loop].frame, to, from);
}

int AddStepIndex(PlanGraph* graph, int loop, int body, int counter,
                 const CountedLoop& counted) {
  const DataType type = graph->values[counter].dtype;
  const int frame = graph->nodes[loop].frame;
  int first = counted.begin;
  if (counted.down) {
    // The last step begins with limit + 1.
    const std::optional<int64_t> limit = KnownScalar(*graph, counted.limit);
    first = limit == 0
                ? AddScalar(graph, loop, type, 1)
                : AddArithmetic(graph, "AddV2", loop, frame, counted.limit,
                                AddScalar(graph, loop, type, 1));
  } else if (KnownScalar(*graph, first) == 0) {
    return counter;
  }
  return AddArithmetic(graph, "Sub", loop, body, counter, first);
}

bool IsStepIndex(const PlanGraph& graph, int loop, int value,
                 const CountedLoop& counted) {
  const Offset offset = OffsetOf(graph, value);
  const std::optional<int64_t> first =
      KnownScalar(graph, counted.down ? counted.limit : counted.begin);
  const int counter =
      graph.frames[graph.nodes[loop].cond].args[counted.counter];
  return first.has_value() && offset.value == counter &&
         offset.plus == (counted.down ? -*first - 1 : -*first);
}

int AddExactSteps(PlanGraph* graph, int loop) {
  const int frame = graph->nodes[loop].frame;
  std::vector<CountedLoop> limits;
  for (int comparison : Comparisons(*graph, loop)) {
    const std::optional<CountedLoop> counted =
        CountedBy(*graph, loop, comparison);
    if (!counted.has_value()) return -1;
    limits.push_back(*counted);
  }
  const DataType type = graph->values[limits[0].limit].dtype;
  for (const CountedLoop& counted : limits) {
    if (graph->values[counted.limit].dtype != type) return -1;
  }
  for (const CountedLoop& counted : limits) {
    // From below 0 it may be too far for the type, if another limit is nearer.
    const int from = counted.down ? counted.limit : counted.begin;
    if (limits.size() > 1 && KnownScalar(*graph, from).value_or(-1) < 0)
      return -1;
  }
  int least = -1;
  for (const CountedLoop& counted : limits) {
    const int from = counted.down ? counted.limit : counted.begin;
    const int to = counted.down ? counted.begin : counted.limit;
    int distance = to;
    if (KnownScalar(*graph, from) != 0) {
      const int end = AddArithmetic(graph, "Maximum", loop, frame, to, from);
      distance = AddArithmetic(graph, "Sub", loop, frame, end, from);
    }
    least = least < 0
                ? distance
                : AddArithmetic(graph, "Minimum", loop, frame, least, distance);
  }
  return AddArithmetic(graph, "Maximum", loop, frame, least,
                       AddScalar(graph, loop, type, 0));
}

int AddOneCondition(PlanGraph* graph, int loop, int steps) {
  const std::vector<int> comparisons = Comparisons(*graph, loop);
  if (comparisons.size() < 2) return -1;
  int counter = -1;
  for (int comparison : comparisons) {
    const std::optional<CountedLoop> counted =
        CountedBy(*graph, loop, comparison);
    // From another number to a bound it may be too far for the type.
    if (!counted.has_value() || counted->down ||
        KnownScalar(*graph, counted->begin) != 0) {
      return -1;
    }
    counter = counted->counter;
  }
  const int cond = graph->nodes[loop].cond;
  return AddArithmetic(graph, "Less", loop, cond,
                       graph->frames[cond].args[counter], steps);
}

int AddStepNumber(PlanGraph* graph, int loop, int steps) {
  const DataType type = graph->values[steps].dtype;
  const Ids first = graph->nodes[loop].inputs;
  const int body = graph->nodes[loop].body;
  const std::vector<int> args = graph->frames[graph->nodes[loop].cond].args;
  int best = -1;
  for (size_t k = 0; k < args.size(); ++k) {
    const int step = StepOf(*graph, loop, static_cast<int>(k));
    if (step == 0 || graph->values[args[k]].dtype != type) continue;
    if (step > 0 && KnownScalar(*graph, first[k]) == 0) return args[k];
    best = static_cast<int>(k);
  }
  return StepOf(*graph, loop, best) > 0
             ? AddArithmetic(graph, "Sub", loop, body, args[best], first[best])
             : AddArithmetic(graph, "Sub", loop, body, first[best], args[best]);
}

}  // namespace weft
