// Offsets for blocks of memory that live for a while, one after another.
#ifndef WEFT_RUNTIME_MEMORY_PLANNER_H_
#define WEFT_RUNTIME_MEMORY_PLANNER_H_

#include <cstddef>
#include <map>
#include <set>
#include <utility>

namespace weft {

// Places blocks in an arena as they come and go: into the smallest gap that
// holds them (best fit), else at the end. Gaps that meet become one.
class MemoryPlanner {
 public:
  // The offset of a new block: a multiple of the alignment of all tensors.
  size_t Allocate(size_t bytes);
  // `bytes` as they were allocated.
  void Free(size_t offset, size_t bytes);

  // Bytes that the arena needs.
  size_t size() const { return size_; }
  // What a block of `bytes` takes up.
  static size_t Rounded(size_t bytes);

 private:
  std::map<size_t, size_t> gaps_;                     // Offset to size.
  std::set<std::pair<size_t, size_t>> gaps_by_size_;  // Size and offset.
  size_t size_ = 0;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_MEMORY_PLANNER_H_
