#include "graph/v1_control_flow_guard.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/node_list.h"
#include "graph/v1_control_flow_frames.h"

namespace weft {

int V1GuardSets::Number(std::vector<int> conditions) {
  if (conditions.size() > kMaxV1Depth) return kTooMany;
  const auto [it, is_new] =
      numbers_.emplace(std::move(conditions), static_cast<int>(sets_.size()));
  if (is_new) sets_.push_back(it->first);
  return it->second;
}

int V1GuardSets::Add(int set, int condition) {
  return set < 0 ? set : Join(set, Number({condition}));
}

int V1GuardSets::Remove(int set, int condition) {
  std::vector<int> left = sets_[set];
  left.erase(std::remove(left.begin(), left.end(), condition), left.end());
  return Number(std::move(left));
}

int V1GuardSets::Join(int a, int b) {
  if (a == kTooMany || b == kTooMany) return kTooMany;
  if (a == kNever || b == kNever) return kNever;
  if (a == b || b == kAlways) return a;
  if (a == kAlways) return b;
  const auto known = joined_.find({a, b});
  if (known != joined_.end()) return known->second;
  std::vector<int> all;
  std::set_union(sets_[a].begin(), sets_[a].end(), sets_[b].begin(),
                 sets_[b].end(), std::back_inserter(all));
  // Both outcomes of a predicate are neighbours.
  const bool contradicts =
      std::adjacent_find(all.begin(), all.end(), [](int x, int y) {
        return (x ^ 1) == y;
      }) != all.end();
  const int result = contradicts ? kNever : Number(std::move(all));
  joined_.emplace(std::make_pair(a, b), result);
  return result;
}

absl::StatusOr<V1Guards> V1Guards::Create(const V1Graph& graph,
                                          const std::vector<int>& order) {
  V1Guards guards(graph);
  guards.guards_.resize(graph.nodes.size(), V1GuardSets::kAlways);
  guards.origins_.resize(graph.nodes.size());
  for (int node : order) {
    const absl::Status status = guards.Visit(node);
    if (!status.ok())
      return Annotate(status, DescribeNode(*graph.nodes[node].def));
  }
  return guards;
}

int V1Guards::of(V1Value value) const {
  if (value.node == V1Value::kArg) return V1GuardSets::kAlways;
  const int guard = guards_[value.node];
  const auto predicate = predicates_.find(value.node);
  return predicate == predicates_.end()
             ? guard
             : sets_.Add(guard, 2 * predicate->second + value.index);
}

V1Value V1Guards::Origin(V1Value value) const {
  if (value.node == V1Value::kArg) return value;
  return origins_[value.node].value_or(value);
}

absl::Status V1Guards::Visit(int node) {
  const V1Node& n = graph_->nodes[node];
  const V1Op op = n.op();
  if (op == V1Op::kControlTrigger)
    return absl::OkStatus();  // Runs in any case.
  if (op == V1Op::kMerge) return VisitMerge(node);
  int guard = V1GuardSets::kAlways;
  for (const V1Value& input : n.inputs) guard = sets_.Join(guard, of(input));
  for (int control : n.controls) guard = sets_.Join(guard, guards_[control]);
  guards_[node] = guard;
  const bool passes_on = op == V1Op::kSwitch ||
                         (n.def->op() == "Identity" && n.inputs.size() == 1);
  if (passes_on) origins_[node] = Origin(n.inputs[0]);
  if (op == V1Op::kSwitch) {
    const V1Value value = Origin(n.inputs[1]);
    const auto [it, is_new] =
        numbers_.emplace(value, static_cast<int>(values_.size()));
    if (is_new) values_.push_back(value);
    predicates_.emplace(node, it->second);
    guard = std::min(of(V1Value{node, 0}), of(V1Value{node, 1}));
  }
  if (guard == V1GuardSets::kTooMany ||
      guards_[node] == V1GuardSets::kTooMany) {
    return InvalidArgument("conditionals are nested more than ", kMaxV1Depth,
                           " deep");
  }
  return absl::OkStatus();
}

absl::Status V1Guards::Irreducible(int merge) const {
  const V1Node& node = graph_->nodes[merge];
  std::vector<std::string> names;
  for (const V1Value& input : node.inputs) {
    names.push_back(input.node == V1Value::kArg
                        ? "an argument"
                        : graph_->nodes[input.node].name());
  }
  return InvalidArgument(
      "its inputs '", names[0], "' and '", names[1],
      "' must be the two outcomes of one Switch predicate, with all "
      "conditionals within them closed by a Merge");
}

absl::Status V1Guards::VisitMerge(int node) {
  const V1Node& n = graph_->nodes[node];
  // The rest of a loop variable that something in the loop needs after all.
  if (n.inputs.size() != 2) {
    return InvalidArgument("has ", n.inputs.size(), " input but must have 2");
  }
  const int first = of(n.inputs[0]);
  const int second = of(n.inputs[1]);
  V1Choice& choice = choices_[node];
  if (first == V1GuardSets::kNever || second == V1GuardSets::kNever) {
    choice.only = first == V1GuardSets::kNever ? 1 : 0;
    guards_[node] = choice.only == 1 ? second : first;
    return absl::OkStatus();
  }
  for (int condition : sets_.conditions(first)) {
    const int rest = sets_.Remove(first, condition);
    if (sets_.Add(rest, condition ^ 1) != second) continue;
    choice.predicate = condition / 2;
    choice.first_if = condition % 2 == 1;
    guards_[node] = rest;
    for (int control : n.controls)
      guards_[node] = sets_.Join(guards_[node], guards_[control]);
    return absl::OkStatus();
  }
  return Irreducible(node);
}

}  // namespace weft
