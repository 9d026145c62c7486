// What depends on itself, by way of others.
#ifndef WEFT_RUNTIME_PASSES_STRONG_COMPONENTS_H_
#define WEFT_RUNTIME_PASSES_STRONG_COMPONENTS_H_

#include <vector>

namespace weft {

// The strongly connected components of a graph.
struct StrongComponents {
  // By vertex: its component. They are numbered so that each comes behind those
  // that it needs.
  std::vector<int> of;
  // By component: is it a cycle, not a mere vertex?
  std::vector<bool> is_cycle;
};

// `needs[v]` are the vertices that v needs.
StrongComponents FindStrongComponents(
    const std::vector<std::vector<int>>& needs);

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_STRONG_COMPONENTS_H_
