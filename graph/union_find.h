// Sets that grow together.
#ifndef WEFT_GRAPH_UNION_FIND_H_
#define WEFT_GRAPH_UNION_FIND_H_

#include <cstddef>
#include <numeric>
#include <vector>

namespace weft {

class UnionFind {
 public:
  // Sets of one, of the numbers below `size`.
  explicit UnionFind(size_t size) : parent_(size) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  // One for all of a set.
  int Find(int x) {
    while (parent_[x] != x) x = parent_[x] = parent_[parent_[x]];
    return x;
  }
  void Join(int a, int b) { parent_[Find(b)] = Find(a); }

 private:
  std::vector<int> parent_;
};

}  // namespace weft

#endif  // WEFT_GRAPH_UNION_FIND_H_
