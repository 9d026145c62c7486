#include "runtime/passes/match_steps.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "absl/strings/match.h"

namespace weft {
namespace {

// Of a value with more users, they are not followed.
constexpr size_t kMaxUsers = 32;

// Names that begin with "_" are notes for other programs.
bool SameAttrs(const AttrMap& a, const AttrMap& b) {
  auto i = a.begin(), j = b.begin();
  while (true) {
    while (i != a.end() && absl::StartsWith(i->first, "_")) ++i;
    while (j != b.end() && absl::StartsWith(j->first, "_")) ++j;
    if (i == a.end() || j == b.end()) return i == a.end() && j == b.end();
    if (i->first != j->first || !(i->second == j->second)) return false;
    ++i, ++j;
  }
}

}  // namespace

StepMatcher::StepMatcher(const PlanGraph& graph)
    : graph_(graph),
      eligible_(graph.nodes.size(), false),
      taken_(graph.nodes.size(), false),
      kind_(graph.nodes.size(), 0),
      next_(graph.nodes.size(), -1),
      previous_(graph.nodes.size(), -1),
      users_(graph.values.size()) {
  FindEligible();
  for (int n : graph.frames[0].nodes) {
    const PlanNode& node = graph.nodes[n];
    for (size_t i = 0; i < node.inputs.size(); ++i)
      users_[node.inputs[i]].push_back({n, static_cast<int>(i)});
    if (!eligible_[n]) continue;
    uint64_t kind = absl::HashOf(node.source->op(), node.inputs.size());
    for (int output : node.outputs) {
      kind = absl::HashOf(kind, *graph.values[output].shape,
                          static_cast<int>(graph.values[output].dtype));
    }
    kind_[n] = kind;
  }
}

void StepMatcher::FindEligible() {
  for (int n : graph_.frames[0].nodes) {
    const PlanNode& node = graph_.nodes[n];
    const OpTraits& traits = node.traits();
    eligible_[n] =
        node.role == OpRole::kCompute && node.schema() != nullptr &&
        node.phase == WritePhase::kNone && node.controls.empty() &&
        !traits.stateful && !traits.random_stream && !traits.asserts &&
        traits.variables.empty() && !node.outputs.empty() &&
        std::all_of(node.outputs.begin(), node.outputs.end(), [&](int output) {
          return IsPlain(graph_.values[output].dtype);
        });
  }
  // What others wait for stays where it is.
  for (const PlanNode& node : graph_.nodes) {
    for (int control : node.controls) eligible_[control] = false;
  }
  for (const PlanFrame& frame : graph_.frames) {
    for (int target : frame.targets) eligible_[target] = false;
  }
}

bool StepMatcher::SameKind(int a, int b) const {
  const PlanNode& m = graph_.nodes[a];
  const PlanNode& n = graph_.nodes[b];
  if (kind_[a] != kind_[b] || m.inputs.size() != n.inputs.size() ||
      m.outputs.size() != n.outputs.size() || m.op() != n.op()) {
    return false;
  }
  for (size_t i = 0; i < m.outputs.size(); ++i) {
    const PlanValue& u = graph_.values[m.outputs[i]];
    const PlanValue& v = graph_.values[n.outputs[i]];
    if (u.dtype != v.dtype || *u.shape != *v.shape) return false;
  }
  for (size_t i = 0; i < m.inputs.size(); ++i) {
    if (graph_.values[m.inputs[i]].dtype != graph_.values[n.inputs[i]].dtype)
      return false;
  }
  return SameAttrs(m.attrs(), n.attrs());
}

bool StepMatcher::CanLink(int a, int b) const {
  return a >= 0 && b >= 0 && a != b && eligible_[a] && eligible_[b] &&
         !taken_[a] && !taken_[b] && next_[a] < 0 && previous_[b] < 0 &&
         SameKind(a, b);
}

void StepMatcher::Link(int a, int b) {
  next_[a] = b;
  previous_[b] = a;
  links_.push_back({a, b});
}

void StepMatcher::FollowInputs(int a, int b) {
  const Ids& u = graph_.nodes[a].inputs;
  const Ids& v = graph_.nodes[b].inputs;
  for (size_t i = 0; i < u.size(); ++i) {
    const PlanValue& from = graph_.values[u[i]];
    const PlanValue& to = graph_.values[v[i]];
    if (from.index == to.index && CanLink(from.node, to.node))
      Link(from.node, to.node);
  }
}

// Are the inputs of nodes of the same kind the same, one step apart, or from
// outside of the steps?
bool StepMatcher::InputsAgree(int a, int b) const {
  const Ids& u = graph_.nodes[a].inputs;
  const Ids& v = graph_.nodes[b].inputs;
  for (size_t i = 0; i < u.size(); ++i) {
    if (u[i] == v[i]) continue;
    const PlanValue& from = graph_.values[u[i]];
    const PlanValue& to = graph_.values[v[i]];
    const bool inside_from = from.node >= 0 && eligible_[from.node];
    const bool inside_to = to.node >= 0 && eligible_[to.node];
    if (inside_from != inside_to) return false;
    if (!inside_from || from.node == to.node) continue;
    if (from.index != to.index || next_[from.node] != to.node) return false;
  }
  return true;
}

void StepMatcher::FollowUsers(int a, int b) {
  const PlanNode& m = graph_.nodes[a];
  const PlanNode& n = graph_.nodes[b];
  for (size_t o = 0; o < m.outputs.size(); ++o) {
    const auto& from = users_[m.outputs[o]];
    const auto& to = users_[n.outputs[o]];
    if (from.size() > kMaxUsers || to.size() > kMaxUsers) continue;
    for (const auto& [user, input] : from) {
      if (next_[user] >= 0) continue;
      int found = -1;
      for (const auto& [other, other_input] : to) {
        ++work_;
        if (input != other_input || !CanLink(user, other) ||
            !InputsAgree(user, other)) {
          continue;
        }
        found = found < 0 ? other : -2;
      }
      if (found >= 0) Link(user, found);
    }
  }
}

std::vector<NodeSeries> StepMatcher::Match(int a, int b) {
  links_.clear();
  if (CanLink(a, b)) Link(a, b);
  for (size_t i = 0; i < links_.size(); ++i) {
    const auto [from, to] = links_[i];
    ++work_;
    FollowInputs(from, to);
    FollowUsers(from, to);
  }
  std::vector<NodeSeries> all;
  for (const auto& [from, to] : links_) {
    if (previous_[from] >= 0) continue;
    NodeSeries& series = all.emplace_back();
    for (int n = from; n >= 0; n = next_[n]) series.push_back(n);
  }
  for (const auto& [from, to] : links_) next_[from] = previous_[to] = -1;
  return all;
}

void StepMatcher::Take(const std::vector<int>& nodes) {
  for (int node : nodes) taken_[node] = true;
}

}  // namespace weft
