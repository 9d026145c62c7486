// Order of a graph's nodes: inputs before users.
#ifndef WEFT_GRAPH_TOPOLOGICAL_ORDER_H_
#define WEFT_GRAPH_TOPOLOGICAL_ORDER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace weft {

// For each of n nodes, the nodes that come before it. Filled in the order of
// the nodes: Add for those before the first, EndNode, and so on.
class Predecessors {
 public:
  void Add(int before) { nodes_.push_back(before); }
  void EndNode() { begin_.push_back(nodes_.size()); }

  int num_nodes() const { return static_cast<int>(begin_.size()) - 1; }
  absl::Span<const int> of(int node) const {
    return absl::MakeSpan(nodes_).subspan(begin_[node],
                                          begin_[node + 1] - begin_[node]);
  }

 private:
  std::vector<size_t> begin_ = {0};
  std::vector<int> nodes_;
};

struct TopologicalOrder {
  // All nodes, each behind its predecessors; as far as that allows in the order
  // of their numbers. Incomplete if there is a cycle.
  std::vector<int> order;
  // One cycle, each node before the one that follows it, the last before the
  // first; empty if there is none.
  std::vector<int> cycle;
};

// Takes linear time, and no stack however long the paths are.
TopologicalOrder SortTopologically(const Predecessors& predecessors);

// "a -> b -> a": a cycle by the names of its nodes, cut if it is long.
std::string PrintCycle(absl::Span<const absl::string_view> names);

}  // namespace weft

#endif  // WEFT_GRAPH_TOPOLOGICAL_ORDER_H_
