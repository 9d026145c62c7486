#include "runtime/passes/step_alignment.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "runtime/passes/strong_components.h"

namespace weft {

StepAlignment::StepAlignment(const PlanGraph& graph)
    : graph_(graph), series_of_(graph.nodes.size(), {-1, -1}) {}

void StepAlignment::Begin(std::vector<NodeSeries> series) {
  series_ = std::move(series);
  for (size_t s = 0; s < series_.size(); ++s) {
    for (size_t i = 0; i < series_[s].size(); ++i)
      series_of_[series_[s][i]] = {static_cast<int>(s), static_cast<int>(i)};
  }
  FindEdges();
  FindRecurrences();
  shift_.assign(series_.size(), kNoStep);
}

void StepAlignment::End() {
  for (const NodeSeries& nodes : series_) {
    for (int node : nodes) series_of_[node] = {-1, -1};
  }
}

void StepAlignment::Align(Shifts way, const std::vector<int>& group) {
  shift_ = std::move(way);
  AlignOthers(group);
}

// ---- What depends on what ---------------------------------------------------

void StepAlignment::FindEdges() {
  edges_.clear();
  for (size_t s = 0; s < series_.size(); ++s) {
    const int middle = static_cast<int>(series_[s].size() / 2);
    for (int input : graph_.nodes[series_[s][middle]].inputs) {
      const int maker = graph_.values[input].node;
      if (maker < 0 || series_of_[maker].first < 0) continue;
      const auto [from, entry] = series_of_[maker];
      edges_.push_back({from, static_cast<int>(s), middle - entry});
    }
  }
}

// Strongly connected series: what is complete first can run first.
void StepAlignment::FindRecurrences() {
  std::vector<std::vector<int>> makers(series_.size());
  for (const Edge& edge : edges_) makers[edge.to].push_back(edge.from);
  StrongComponents found = FindStrongComponents(makers);
  recurrence_ = std::move(found.of);
  in_core_.assign(series_.size(), false);
  for (size_t s = 0; s < series_.size(); ++s)
    in_core_[s] = found.is_cycle[recurrence_[s]];
}

// Each recurrence with what belongs to it: what follows from it and from none
// later, and what leads to it and to none before. In the order in which they
// can run.
std::vector<std::vector<int>> StepAlignment::Groups() const {
  const int n = static_cast<int>(series_.size());
  std::vector<int> order(n);
  for (int s = 0; s < n; ++s) order[s] = s;
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    return std::tie(recurrence_[a], a) < std::tie(recurrence_[b], b);
  });
  std::vector<std::vector<int>> groups;
  std::vector<int> group(n, -1);
  int last = -1;
  for (int s : order) {
    if (!in_core_[s]) continue;
    if (recurrence_[s] != last) groups.emplace_back();
    last = recurrence_[s];
    group[s] = static_cast<int>(groups.size()) - 1;
  }
  std::vector<std::vector<int>> makers(n), users(n);
  for (const Edge& edge : edges_) {
    makers[edge.to].push_back(edge.from);
    users[edge.from].push_back(edge.to);
  }
  for (int s : order) {
    if (in_core_[s]) continue;
    for (int maker : makers[s]) group[s] = std::max(group[s], group[maker]);
  }
  for (int i = n; i-- > 0;) {
    const int s = order[i];
    if (group[s] >= 0) continue;
    for (int user : users[s]) {
      if (group[user] < 0) continue;
      group[s] = group[s] < 0 ? group[user] : std::min(group[s], group[user]);
    }
  }
  for (int s : order) {
    if (group[s] >= 0) groups[group[s]].push_back(s);
  }
  return groups;
}

// ---- Which entries make a step ----------------------------------------------

StepWindow StepAlignment::WindowOf(const std::vector<int>& series,
                                   const Shifts& shifts) const {
  StepWindow window = {std::numeric_limits<int>::min(),
                       std::numeric_limits<int>::max()};
  for (int s : series) {
    window.begin = std::max(window.begin, shifts[s]);
    window.end =
        std::min(window.end, shifts[s] + static_cast<int>(series_[s].size()));
  }
  return window;
}

// Lowers shifts until no node comes before what it needs. True if then nodes
// need what their own step or the one before makes.
bool StepAlignment::AdjustShifts(const std::vector<int>& core,
                                 Shifts* shifts) const {
  const int id = recurrence_[core[0]];
  std::vector<const Edge*> edges;
  for (const Edge& edge : edges_) {
    if (recurrence_[edge.from] == id && recurrence_[edge.to] == id)
      edges.push_back(&edge);
  }
  for (size_t round = 0; round <= core.size(); ++round) {
    bool changed = false;
    for (const Edge* e : edges) {
      if ((*shifts)[e->from] <= (*shifts)[e->to] + e->lag) continue;
      (*shifts)[e->from] = (*shifts)[e->to] + e->lag;
      changed = true;
    }
    if (!changed) break;
  }
  return std::all_of(edges.begin(), edges.end(), [&](const Edge* e) {
    const int distance = e->lag + (*shifts)[e->to] - (*shifts)[e->from];
    return distance == 0 || distance == 1;
  });
}

void StepAlignment::Reverse(const std::vector<int>& group) {
  std::vector<bool> reversed(series_.size(), false);
  for (int s : group) {
    reversed[s] = true;
    std::reverse(series_[s].begin(), series_[s].end());
    for (size_t i = 0; i < series_[s].size(); ++i)
      series_of_[series_[s][i]].second = static_cast<int>(i);
  }
  for (Edge& edge : edges_) {
    if (!reversed[edge.from] || !reversed[edge.to]) continue;
    edge.lag = static_cast<int>(series_[edge.to].size()) -
               static_cast<int>(series_[edge.from].size()) - edge.lag;
  }
}

// The ways to align the series of a recurrence, in this direction of time.
std::vector<StepAlignment::Shifts> StepAlignment::AlignRecurrence(
    const std::vector<int>& core) const {
  std::vector<Shifts> ways;
  Shifts ends(series_.size(), kNoStep), starts = ends;
  for (int s : core) {
    starts[s] = 0;
    ends[s] = -static_cast<int>(series_[s].size());
  }
  for (Shifts* shifts : {&ends, &starts}) {
    if (AdjustShifts(core, shifts) && WindowOf(core, *shifts).size() > 0)
      ways.push_back(*shifts);
  }
  return ways;
}

std::vector<StepAlignment::Shifts> StepAlignment::WaysToAlign(
    const std::vector<int>& core, const std::vector<int>& group) {
  std::vector<Shifts> ways = AlignRecurrence(core);
  if (!ways.empty()) return ways;
  Reverse(group);
  return AlignRecurrence(core);
}

// What follows comes as early as it can, what leads there as late.
void StepAlignment::AlignOthers(const std::vector<int>& group) {
  std::vector<std::vector<const Edge*>> from(series_.size()),
      to(series_.size());
  for (const Edge& edge : edges_) {
    from[edge.from].push_back(&edge);
    to[edge.to].push_back(&edge);
  }
  for (int s : group) {
    if (in_core_[s]) continue;
    for (const Edge* e : to[s]) {
      if (shift_[e->from] != kNoStep)
        shift_[s] = std::max(shift_[s], shift_[e->from] - e->lag);
    }
  }
  for (size_t i = group.size(); i-- > 0;) {
    const int s = group[i];
    if (shift_[s] != kNoStep) continue;
    for (const Edge* e : from[s]) {
      if (shift_[e->to] == kNoStep) continue;
      const int latest = shift_[e->to] + e->lag;
      shift_[s] = shift_[s] == kNoStep ? latest : std::min(shift_[s], latest);
    }
  }
}

}  // namespace weft
