#include "tests/runtime/count_news.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<int64_t> num_news{0};

void* Allocate(size_t bytes, size_t alignment) {
  num_news.fetch_add(1, std::memory_order_relaxed);
  bytes = std::max<size_t>(bytes, 1);
  return std::aligned_alloc(alignment,
                            (bytes + alignment - 1) / alignment * alignment);
}

}  // namespace

namespace weft {

int64_t NumNews() { return num_news.load(std::memory_order_relaxed); }

}  // namespace weft

// The forms for arrays and those that do not throw end up in these.
void* operator new(size_t bytes) {
  if (void* p = Allocate(bytes, alignof(std::max_align_t))) return p;
  throw std::bad_alloc();
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  if (void* p = Allocate(bytes, static_cast<size_t>(alignment))) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept {
  std::free(p);
}
