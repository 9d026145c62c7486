#include "runtime/memory_planner.h"

#include <iterator>

#include "core/allocator.h"

namespace weft {

namespace {

// Blocks of the same large size, as lists of rows are, would all begin at the
// same place of a page: what is read and written of them together would then
// meet in the same sets of the first cache, and each load would wait for
// stores whose addresses end like its own. This keeps them some lines apart.
constexpr size_t kLargeBlock = size_t{16} << 10;
constexpr size_t kApart = 5 * kAlignment;

}  // namespace

size_t MemoryPlanner::Rounded(size_t bytes) {
  if (bytes >= kLargeBlock) bytes += kApart;
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

size_t MemoryPlanner::Allocate(size_t bytes) {
  bytes = Rounded(bytes);
  if (bytes == 0) return 0;
  const auto fit = gaps_by_size_.lower_bound({bytes, 0});
  if (fit != gaps_by_size_.end()) {
    const auto [gap, offset] = *fit;
    gaps_by_size_.erase(fit);
    gaps_.erase(offset);
    if (gap > bytes) {
      gaps_[offset + bytes] = gap - bytes;
      gaps_by_size_.insert({gap - bytes, offset + bytes});
    }
    return offset;
  }
  // A gap at the end grows.
  size_t offset = size_;
  if (!gaps_.empty()) {
    const auto last = std::prev(gaps_.end());
    if (last->first + last->second == size_) {
      offset = last->first;
      gaps_by_size_.erase({last->second, last->first});
      gaps_.erase(last);
    }
  }
  size_ = offset + bytes;
  return offset;
}

void MemoryPlanner::Free(size_t offset, size_t bytes) {
  bytes = Rounded(bytes);
  if (bytes == 0) return;
  const auto next = gaps_.lower_bound(offset);
  if (next != gaps_.end() && next->first == offset + bytes) {
    bytes += next->second;
    gaps_by_size_.erase({next->second, next->first});
    gaps_.erase(next);
  }
  const auto above = gaps_.lower_bound(offset);
  if (above != gaps_.begin()) {
    const auto before = std::prev(above);
    if (before->first + before->second == offset) {
      offset = before->first;
      bytes += before->second;
      gaps_by_size_.erase({before->second, before->first});
      gaps_.erase(before);
    }
  }
  gaps_[offset] = bytes;
  gaps_by_size_.insert({bytes, offset});
}

}  // namespace weft
