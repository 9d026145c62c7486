#include "graph/topological_order.h"

#include "absl/strings/str_cat.h"
#include "core/status.h"

namespace weft {

TopologicalOrder SortTopologically(const Predecessors& predecessors) {
  enum State : char { kNew, kOpen, kDone };
  const int n = predecessors.num_nodes();
  std::vector<State> state(n, kNew);
  struct Visit {
    int node;
    size_t next;  // Which of its predecessors comes next.
  };
  std::vector<Visit> path;
  TopologicalOrder result;
  result.order.reserve(n);
  for (int start = 0; start < n; ++start) {
    if (state[start] != kNew) continue;
    state[start] = kOpen;
    path.push_back({start, 0});
    while (!path.empty()) {
      Visit& visit = path.back();
      const absl::Span<const int> before = predecessors.of(visit.node);
      if (visit.next == before.size()) {
        state[visit.node] = kDone;
        result.order.push_back(visit.node);
        path.pop_back();
        continue;
      }
      const int node = before[visit.next++];
      if (state[node] == kOpen) {
        // The path leads from each node to one before it, and back to `node`.
        result.cycle.push_back(node);
        for (; path.back().node != node; path.pop_back()) {
          result.cycle.push_back(path.back().node);
        }
        return result;
      }
      if (state[node] == kNew) {
        state[node] = kOpen;
        path.push_back({node, 0});
      }
    }
  }
  return result;
}

std::string PrintCycle(absl::Span<const absl::string_view> names) {
  constexpr size_t kMaxShown = 16;
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i == kMaxShown) {
      absl::StrAppend(&text, "... ", names.size() - i, " more -> ");
      break;
    }
    absl::StrAppend(&text, Printable(names[i]), " -> ");
  }
  return text + Printable(names.front());
}

}  // namespace weft
