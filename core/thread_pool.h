// The one pool of threads that kernels share.
#ifndef WEFT_CORE_THREAD_POOL_H_
#define WEFT_CORE_THREAD_POOL_H_

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"

namespace weft {

// Runs loops on `num_threads` threads, the caller's among them. With one thread
// no other is ever started. Thread-safe; loops from several threads share the
// workers. Loops do not nest: a loop within a loop runs on its caller's thread.
class ThreadPool {
 public:
  // num_threads >= 1.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const;

  // Calls body(begin, end) for ranges that cover [0, n) once each. How the
  // range is cut follows from n and `grain`, the least that is worth handing
  // over, never from the number of threads: there are at most 64 ranges, which
  // begin at multiples of `grain`. Allocates nothing. What the body throws, if
  // anything, is thrown here when all of it has ended.
  //
  // When a loop is run again, threads begin with the ranges that they had
  // before, and go through them in `order`: each finds in its cache what it
  // used last if the order turns every time.
  enum class Order { kForwards, kBackwards };
  void ParallelFor(int64_t n, int64_t grain,
                   absl::FunctionRef<void(int64_t begin, int64_t end)> body,
                   Order order = Order::kForwards);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft

#endif  // WEFT_CORE_THREAD_POOL_H_
