#include "runtime/passes/strong_components.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace weft {

// Tarjan's algorithm, without recursion.
StrongComponents FindStrongComponents(
    const std::vector<std::vector<int>>& needs) {
  const int n = static_cast<int>(needs.size());
  StrongComponents components;
  components.of.assign(n, -1);
  std::vector<int> number(n, -1), low(n, 0), open;
  std::vector<std::pair<int, size_t>> path;  // And the next need to look at.
  int numbered = 0;
  for (int root = 0; root < n; ++root) {
    if (number[root] >= 0) continue;
    path.push_back({root, 0});
    while (!path.empty()) {
      const int v = path.back().first;
      if (path.back().second == 0) {
        number[v] = low[v] = numbered++;
        open.push_back(v);
      }
      if (path.back().second < needs[v].size()) {
        const int need = needs[v][path.back().second++];
        if (number[need] < 0) {
          path.push_back({need, 0});
        } else if (components.of[need] < 0) {
          low[v] = std::min(low[v], number[need]);
        }
        continue;
      }
      path.pop_back();
      if (!path.empty())
        low[path.back().first] = std::min(low[path.back().first], low[v]);
      if (low[v] != number[v]) continue;
      const int component = static_cast<int>(components.is_cycle.size());
      components.is_cycle.push_back(
          open.back() != v ||
          std::find(needs[v].begin(), needs[v].end(), v) != needs[v].end());
      for (int member = -1; member != v;) {
        member = open.back();
        open.pop_back();
        components.of[member] = component;
      }
    }
  }
  return components;
}

}  // namespace weft
