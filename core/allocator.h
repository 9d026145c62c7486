// Memory for tensors, counted against a budget.
#ifndef WEFT_CORE_ALLOCATOR_H_
#define WEFT_CORE_ALLOCATOR_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weft {

inline constexpr size_t kAlignment = 64;  // A cache line, an AVX-512 register.

class Allocator;

// A block of memory, aligned to kAlignment. Goes back to its allocator, which
// it keeps alive, with the last pointer to it.
class Buffer {
 public:
  Buffer(void* data, size_t size) : data_(data), size_(size) {}
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  void* data() const { return data_; }  // Never null.
  size_t size() const { return size_; }

 private:
  void* data_;
  size_t size_;
};

// Allocates buffers until its budget is used up. The budget is checked before
// memory is asked for, since the system promises more than it has. Thread-safe.
class Allocator : public std::enable_shared_from_this<Allocator> {
 public:
  ~Allocator();

  // Up to `cache_bytes` of freed blocks are kept and handed out again, so that
  // a program that repeats itself does not go to the system each time. They
  // never stand in the way of the budget.
  static std::shared_ptr<Allocator> Create(
      size_t budget_bytes = std::numeric_limits<size_t>::max(),
      size_t cache_bytes = 0);
  // Without a budget. For what a program makes for itself.
  static const std::shared_ptr<Allocator>& Default();

  // ResourceExhausted, with the bytes asked for, in use and allowed.
  absl::StatusOr<std::shared_ptr<Buffer>> Allocate(size_t bytes);
  // Gives the blocks that are kept for reuse back to the system.
  void Trim();

  // Of whole blocks: a little more than was asked for.
  size_t bytes_in_use() const {
    return in_use_.load(std::memory_order_relaxed);
  }
  size_t peak_bytes() const { return peak_.load(std::memory_order_relaxed); }
  size_t budget_bytes() const { return budget_; }
  // Blocks that are kept for reuse; not in use.
  size_t bytes_cached() const {
    return cached_.load(std::memory_order_relaxed);
  }
  int64_t num_allocations() const {
    return num_allocations_.load(std::memory_order_relaxed);
  }
  // How many of the allocations reused a block.
  int64_t num_reused() const {
    return num_reused_.load(std::memory_order_relaxed);
  }
  // Makes the n-th allocation from now (1: the next) fail once, to test what
  // happens then; 0 switches that off.
  void FailAllocation(int64_t n) { fail_in_.store(n); }

 private:
  // Makes std::allocate_shared place a Buffer and its counts in front of the
  // buffer's memory.
  template <typename T>
  struct InBlock;
  // A block that is kept for reuse holds the pointer to the next.
  struct FreeBlock {
    FreeBlock* next;
  };
  static constexpr int kNumClasses = 256;

  Allocator(size_t budget_bytes, size_t cache_bytes)
      : budget_(budget_bytes), cache_limit_(cache_bytes) {}
  absl::Status OverBudget(size_t bytes) const;
  bool ShouldFail();
  size_t BlockSize(size_t bytes) const;
  absl::StatusOr<void*> TakeBlock(size_t block_size, size_t bytes);
  void Release(void* block, size_t block_size);
  void TrimLocked();

  const size_t budget_;
  const size_t cache_limit_;
  std::mutex
      mu_;  // Guards free_ and all changes of in_use_, peak_ and cached_.
  std::array<FreeBlock*, kNumClasses> free_ = {};
  std::atomic<size_t> in_use_{0};
  std::atomic<size_t> peak_{0};
  std::atomic<size_t> cached_{0};
  std::atomic<int64_t> num_allocations_{0};
  std::atomic<int64_t> num_reused_{0};
  std::atomic<int64_t> fail_in_{0};
};

}  // namespace weft

#endif  // WEFT_CORE_ALLOCATOR_H_
