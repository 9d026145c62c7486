#include "core/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace weft {
namespace {

using Body = absl::FunctionRef<void(int64_t begin, int64_t end)>;

constexpr int64_t kMaxBlocks = 64;
// About as long as it takes to put a thread to sleep and wake it again.
constexpr int kSpins = 1000;

// Is this thread inside of a loop's body?
thread_local bool in_loop = false;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Waits a little for `condition`; was it met?
template <typename Condition>
bool SpinUntil(int spins, const Condition& condition) {
  for (int i = 0; i < spins; ++i) {
    if (condition()) return true;
    Pause();
  }
  return condition();
}

// [0, n) in blocks of equal size, the last one smaller.
struct Blocks {
  Blocks(int64_t n, int64_t grain) : n(n) {
    grain = std::max<int64_t>(grain, 1);
    const int64_t grains = n / grain + (n % grain != 0);
    size = (grains / kMaxBlocks + (grains % kMaxBlocks != 0)) * grain;
    count = n / size + (n % size != 0);
  }
  void Run(int64_t i, Body body) const {
    body(i * size, std::min(n, (i + 1) * size));
  }

  int64_t n;
  int64_t size;
  int64_t count;
};

}  // namespace

class ThreadPool::Impl {
 public:
  explicit Impl(int num_threads)
      : num_threads_(std::max(num_threads, 1)),
        // Who spins on a processor that somebody else needs only delays him.
        spins_(std::thread::hardware_concurrency() >=
                       static_cast<unsigned>(num_threads_)
                   ? kSpins
                   : 0) {}

  ~Impl() {
    {
      std::lock_guard<std::mutex> lock(mu_);
      stopping_ = true;
    }
    work_cv_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  int num_threads() const { return num_threads_; }

  void Run(const Blocks& blocks, Body body) {
    Loop loop(blocks, body);
    Publish(&loop);
    Work(&loop);
    Withdraw(&loop);
    WaitForHelpers(&loop);
    if (loop.error != nullptr) std::rethrow_exception(loop.error);
  }

 private:
  // A running loop; lives on its caller's stack.
  struct Loop {
    Loop(const Blocks& blocks, Body body) : blocks(blocks), body(body) {}
    bool HasMore() const {
      return next_block.load(std::memory_order_relaxed) < blocks.count;
    }

    const Blocks blocks;
    const Body body;
    std::atomic<int64_t> next_block{0};
    // Workers that may still touch this loop. Only one that is in the list can
    // be joined.
    std::atomic<int> helpers{0};
    std::exception_ptr error;  // Guarded by mu_ until the helpers are gone.
    Loop* next = nullptr;      // Guarded by mu_.
  };

  void Publish(Loop* loop) {
    bool wake;
    {
      std::lock_guard<std::mutex> lock(mu_);
      StartWorkers();
      loop->next = loops_;
      loops_ = loop;
      num_loops_.fetch_add(1);
      wake = sleeping_ > 0;
    }
    if (wake) work_cv_.notify_all();
  }

  void Withdraw(Loop* loop) {
    std::lock_guard<std::mutex> lock(mu_);
    Loop** link = &loops_;
    while (*link != loop) link = &(*link)->next;
    *link = loop->next;
    num_loops_.fetch_sub(1);
  }

  // Runs blocks of `loop` until none is left.
  void Work(Loop* loop) {
    in_loop = true;
    try {
      while (loop->HasMore()) {
        const int64_t i =
            loop->next_block.fetch_add(1, std::memory_order_relaxed);
        if (i < loop->blocks.count) loop->blocks.Run(i, loop->body);
      }
    } catch (...) {
      loop->next_block.store(loop->blocks.count);
      std::lock_guard<std::mutex> lock(mu_);
      if (loop->error == nullptr) loop->error = std::current_exception();
    }
    in_loop = false;
  }

  void WaitForHelpers(Loop* loop) {
    const auto done = [loop] { return loop->helpers.load() == 0; };
    if (SpinUntil(spins_, done)) return;
    std::unique_lock<std::mutex> lock(mu_);
    // Before `helpers` is read, as Leave reads them the other way round.
    waiting_callers_.fetch_add(1);
    done_cv_.wait(lock, done);
    waiting_callers_.fetch_sub(1);
  }

  // The loop may be gone as soon as `helpers` is 0.
  void Leave(Loop* loop) {
    if (loop->helpers.fetch_sub(1) != 1) return;
    if (waiting_callers_.load() == 0) return;
    { std::lock_guard<std::mutex> lock(mu_); }
    done_cv_.notify_all();
  }

  // With mu_ held.
  void StartWorkers() {
    if (started_) return;
    started_ = true;
    try {
      workers_.reserve(num_threads_ - 1);
      while (static_cast<int>(workers_.size()) < num_threads_ - 1) {
        workers_.emplace_back([this] { WorkerMain(); });
      }
    } catch (const std::system_error&) {
      // The system gives no more threads: those that there are do the work.
    }
  }

  // With mu_ held: the loop that has waited longest, joined; null if there is
  // nothing to do.
  Loop* Join() {
    Loop* found = nullptr;
    for (Loop* loop = loops_; loop != nullptr; loop = loop->next) {
      if (loop->HasMore()) found = loop;
    }
    if (found != nullptr) found->helpers.fetch_add(1);
    return found;
  }

  // The next loop to help with; null to end.
  Loop* NextLoop() {
    SpinUntil(spins_, [this] {
      return num_loops_.load(std::memory_order_relaxed) > 0;
    });
    std::unique_lock<std::mutex> lock(mu_);
    while (!stopping_) {
      if (Loop* loop = Join()) return loop;
      ++sleeping_;
      work_cv_.wait(lock);
      --sleeping_;
    }
    return nullptr;
  }

  void WorkerMain() {
    while (Loop* loop = NextLoop()) {
      Work(loop);
      Leave(loop);
    }
  }

  const int num_threads_;
  const int spins_;
  std::mutex mu_;
  std::condition_variable work_cv_;   // A loop was published, or the end came.
  std::condition_variable done_cv_;   // The last helper left some loop.
  std::vector<std::thread> workers_;  // Guarded by mu_.
  bool started_ = false;              // Guarded by mu_.
  bool stopping_ = false;             // Guarded by mu_.
  int sleeping_ = 0;                  // Workers that are. Guarded by mu_.
  Loop* loops_ = nullptr;             // Newest first. Guarded by mu_.
  std::atomic<int> num_loops_{0};
  std::atomic<int> waiting_callers_{0};
};

ThreadPool::ThreadPool(int num_threads)
    : impl_(std::make_unique<Impl>(num_threads)) {}

ThreadPool::~ThreadPool() = default;

int ThreadPool::num_threads() const { return impl_->num_threads(); }

void ThreadPool::ParallelFor(int64_t n, int64_t grain, Body body) {
  if (n <= 0) return;
  const Blocks blocks(n, grain);
  if (blocks.count > 1 && impl_->num_threads() > 1 && !in_loop) {
    impl_->Run(blocks, body);
  } else {
    for (int64_t i = 0; i < blocks.count; ++i) blocks.Run(i, body);
  }
}

}  // namespace weft
