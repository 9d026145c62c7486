#include "core/allocator.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "core/status.h"

namespace weft {
namespace {

// In front of the memory of each buffer: the Buffer, its reference counts, and
// the way back to the allocator.
constexpr size_t kHeaderBytes = kAlignment;
constexpr size_t kMinBlock = 2 * kAlignment;

void* SystemAllocate(size_t bytes) {
  return ::operator new (bytes, std::align_val_t{kAlignment}, std::nothrow);
}

void SystemFree(void* block) {
  ::operator delete (block, std::align_val_t{kAlignment});
}

// Blocks that may be reused come in four sizes per power of two, so that at
// most a fifth is wasted: 2^k * {4, 5, 6, 7} / 4.
int ClassOf(size_t bytes) {
  const int log2 = std::bit_width(bytes) - 1;
  const size_t step = size_t{1} << (log2 - 2);
  const size_t quarters = (bytes + step - 1) / step;  // 4 to 8.
  return log2 * 4 + static_cast<int>(quarters) - 4;
}

size_t ClassSize(int size_class) {
  return (size_t{4} + size_class % 4) << (size_class / 4 - 2);
}

}  // namespace

template <typename T>
struct Allocator::InBlock {
  using value_type = T;

  InBlock(std::shared_ptr<Allocator> owner, void* block, size_t block_size)
      : owner(std::move(owner)), block(block), block_size(block_size) {}
  template <typename U>
  InBlock(const InBlock<U>& other)
      : owner(other.owner), block(other.block), block_size(other.block_size) {}

  T* allocate(size_t n) {
    static_assert(sizeof(T) <= kHeaderBytes && alignof(T) <= kAlignment);
    WEFT_CHECK(n == 1);
    return static_cast<T*>(block);
  }
  void deallocate(T*, size_t) { owner->Release(block, block_size); }
  template <typename U>
  bool operator==(const InBlock<U>& other) const {
    return block == other.block;
  }

  std::shared_ptr<Allocator> owner;
  void* block;
  size_t block_size;
};

std::shared_ptr<Allocator> Allocator::Create(size_t budget_bytes,
                                             size_t cache_bytes) {
  return std::shared_ptr<Allocator>(new Allocator(budget_bytes, cache_bytes));
}

const std::shared_ptr<Allocator>& Allocator::Default() {
  // Never destroyed: tensors in static variables may outlive it otherwise.
  static const auto& allocator = *new std::shared_ptr<Allocator>(Create());
  return allocator;
}

Allocator::~Allocator() { TrimLocked(); }

absl::StatusOr<std::shared_ptr<Buffer>> Allocator::Allocate(size_t bytes) {
  if (ShouldFail())
    return ResourceExhausted("allocation of ", bytes,
                             " bytes failed by request");
  if (bytes > std::numeric_limits<ptrdiff_t>::max() - kHeaderBytes)
    return OverBudget(bytes);
  const size_t block_size = BlockSize(bytes);
  WEFT_ASSIGN_OR_RETURN(void* block, TakeBlock(block_size, bytes));
  num_allocations_.fetch_add(1, std::memory_order_relaxed);
  void* data = static_cast<char*>(block) + kHeaderBytes;
  return std::allocate_shared<Buffer>(
      InBlock<Buffer>(shared_from_this(), block, block_size), data, bytes);
}

size_t Allocator::BlockSize(size_t bytes) const {
  const size_t exact = std::max(bytes + kHeaderBytes, kMinBlock);
  // What can not be kept is not rounded up, either: so that a checker of memory
  // accesses sees where the buffer ends.
  return exact > cache_limit_ ? exact : ClassSize(ClassOf(exact));
}

bool Allocator::ShouldFail() {
  int64_t n = fail_in_.load(std::memory_order_relaxed);
  while (n > 0) {
    if (fail_in_.compare_exchange_weak(n, n - 1)) return n == 1;
  }
  return false;
}

absl::Status Allocator::OverBudget(size_t bytes) const {
  return ResourceExhausted("out of memory: ", bytes, " bytes asked for, ",
                           bytes_in_use(), " in use, ", budget_, " allowed");
}

absl::StatusOr<void*> Allocator::TakeBlock(size_t block_size, size_t bytes) {
  {
    std::lock_guard<std::mutex> lock(mu_);
    const size_t in_use = in_use_.load(std::memory_order_relaxed);
    if (block_size > budget_ - in_use) return OverBudget(bytes);
    in_use_.store(in_use + block_size, std::memory_order_relaxed);
    peak_.store(std::max(peak_bytes(), in_use + block_size),
                std::memory_order_relaxed);
    FreeBlock** head =
        block_size <= cache_limit_ ? &free_[ClassOf(block_size)] : nullptr;
    if (head != nullptr && *head != nullptr) {
      cached_.fetch_sub(block_size, std::memory_order_relaxed);
      num_reused_.fetch_add(1, std::memory_order_relaxed);
      return std::exchange(*head, (*head)->next);
    }
    if (bytes_cached() > budget_ - in_use - block_size) TrimLocked();
  }
  void* block = SystemAllocate(block_size);
  if (block == nullptr) {
    Trim();
    block = SystemAllocate(block_size);
  }
  if (block != nullptr) return block;
  std::lock_guard<std::mutex> lock(mu_);
  in_use_.fetch_sub(block_size, std::memory_order_relaxed);
  return OverBudget(bytes);
}

void Allocator::Release(void* block, size_t block_size) {
  {
    std::lock_guard<std::mutex> lock(mu_);
    in_use_.fetch_sub(block_size, std::memory_order_relaxed);
    if (block_size <= cache_limit_ &&
        bytes_cached() <= cache_limit_ - block_size) {
      FreeBlock*& head = free_[ClassOf(block_size)];
      head = new (block) FreeBlock{head};
      cached_.fetch_add(block_size, std::memory_order_relaxed);
      return;
    }
  }
  SystemFree(block);
}

void Allocator::Trim() {
  std::lock_guard<std::mutex> lock(mu_);
  TrimLocked();
}

void Allocator::TrimLocked() {
  if (bytes_cached() == 0) return;
  for (FreeBlock*& head : free_) {
    while (head != nullptr) SystemFree(std::exchange(head, head->next));
  }
  cached_.store(0, std::memory_order_relaxed);
}

}  // namespace weft
