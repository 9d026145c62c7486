#include "core/thread_pool.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace weft {
namespace {

using Body = absl::FunctionRef<void(int64_t begin, int64_t end)>;
using Order = ThreadPool::Order;

constexpr int64_t kMaxBlocks = 64;
// How long a thread that waits stays awake: longer than what one thread does
// alone between two loops of a step. To wake a sleeper takes 10 to 50
// microseconds.
constexpr auto kAwake = std::chrono::microseconds(100);

// Is this thread inside of a loop's body?
thread_local bool in_loop = false;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Waits a little for `condition`; was it met?
template <typename Condition>
bool SpinUntil(const Condition& condition) {
  if (condition()) return true;
  const auto end = std::chrono::steady_clock::now() + kAwake;
  do {
    for (int i = 0; i < 32; ++i) {
      Pause();
      if (condition()) return true;
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
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
      : workers_(std::max(num_threads, 1) - 1),
        // Who spins on a processor that somebody else needs only delays him.
        spins_(std::thread::hardware_concurrency() > workers_.size()) {}

  ~Impl() {
    stopping_.store(true);
    for (Worker& worker : workers_) Wake(&worker);
    for (Worker& worker : workers_) {
      if (worker.thread.joinable()) worker.thread.join();
    }
  }

  int num_threads() const { return static_cast<int>(workers_.size()) + 1; }

  void Run(const Blocks& blocks, Body body, Order order) {
    std::call_once(started_, [this] { StartWorkers(); });
    Loop loop(blocks, body, order,
              std::min<int64_t>(blocks.count, num_threads()));
    Offer(&loop);
    Work(&loop, /*first_share=*/0);
    WaitFor(&loop, Withdraw(&loop));
    if (loop.error != nullptr) std::rethrow_exception(loop.error);
  }

 private:
  // A running loop; lives on its caller's stack.
  struct Loop {
    // Blocks that one thread begins with: the same ones, when the same loop is
    // run again, so that what they touch is in its cache. Who has done his own
    // helps others.
    struct alignas(64) Share {
      std::atomic<int64_t> taken{0};
      int64_t begin = 0;
      int64_t end = 0;
    };

    Loop(const Blocks& blocks, Body body, Order order, int64_t num_shares)
        : blocks(blocks), body(body), order(order), num_shares(num_shares) {
      for (int64_t i = 0; i < num_shares; ++i) {
        shares[i].begin = i * blocks.count / num_shares;
        shares[i].end = (i + 1) * blocks.count / num_shares;
      }
    }

    const Blocks blocks;
    const Body body;
    const Order order;
    const int64_t num_shares;
    std::array<Share, kMaxBlocks> shares;
    uint64_t offered = 0;          // Bit i: to worker i.
    std::atomic<int> finished{0};  // Workers that are done with it.
    std::exception_ptr error;      // Guarded by mu_ until the workers are done.
  };

  struct alignas(64) Worker {
    // What the worker could help with; Busy() while it does; else null.
    std::atomic<Loop*> offer{nullptr};
    std::atomic<bool> sleeps{false};
    std::condition_variable awake;  // With mu_.
    std::thread thread;
  };

  static Loop* Busy() { return reinterpret_cast<Loop*>(1); }

  void Offer(Loop* loop) {
    for (int64_t i = 0; i + 1 < loop->num_shares; ++i) {
      Worker& worker = workers_[i];
      Loop* nothing = nullptr;
      if (!worker.offer.compare_exchange_strong(nothing, loop)) continue;
      loop->offered |= uint64_t{1} << i;
      if (worker.sleeps.load()) Wake(&worker);
    }
  }

  // How many workers have taken the offer; no other will.
  int Withdraw(Loop* loop) {
    int taken = 0;
    for (int64_t i = 0; i + 1 < loop->num_shares; ++i) {
      if ((loop->offered >> i & 1) == 0) continue;
      Loop* expected = loop;
      if (!workers_[i].offer.compare_exchange_strong(expected, nullptr))
        ++taken;
    }
    return taken;
  }

  // Runs blocks of `loop` until none is left.
  void Work(Loop* loop, int64_t first_share) {
    in_loop = true;
    try {
      for (int64_t s = 0; s < loop->num_shares; ++s)
        WorkOn(*loop, &loop->shares[(first_share + s) % loop->num_shares]);
    } catch (...) {
      for (int64_t s = 0; s < loop->num_shares; ++s)
        loop->shares[s].taken.store(loop->blocks.count);
      std::lock_guard<std::mutex> lock(mu_);
      if (loop->error == nullptr) loop->error = std::current_exception();
    }
    in_loop = false;
  }

  static void WorkOn(const Loop& loop, typename Loop::Share* share) {
    const int64_t size = share->end - share->begin;
    while (share->taken.load(std::memory_order_relaxed) < size) {
      const int64_t i = share->taken.fetch_add(1, std::memory_order_relaxed);
      if (i >= size) return;
      loop.blocks.Run(loop.order == Order::kForwards ? share->begin + i
                                                     : share->end - 1 - i,
                      loop.body);
    }
  }

  void WaitFor(Loop* loop, int workers) {
    if (workers == 0) return;
    const auto done = [&] { return loop->finished.load() == workers; };
    if (spins_ && SpinUntil(done)) return;
    std::unique_lock<std::mutex> lock(mu_);
    // Before `finished` is read, as Finish reads them the other way round.
    waiting_callers_.fetch_add(1);
    done_cv_.wait(lock, done);
    waiting_callers_.fetch_sub(1);
  }

  // The loop may be gone as soon as it is counted.
  void Finish(Loop* loop) {
    loop->finished.fetch_add(1);
    if (waiting_callers_.load() == 0) return;
    { std::lock_guard<std::mutex> lock(mu_); }
    done_cv_.notify_all();
  }

  void StartWorkers() {
    try {
      for (size_t i = 0; i < workers_.size(); ++i)
        workers_[i].thread = std::thread([this, i] { WorkerMain(i); });
    } catch (const std::system_error&) {
      // The system gives no more threads: those that there are do the work.
    }
  }

  void Wake(Worker* worker) {
    { std::lock_guard<std::mutex> lock(mu_); }
    worker->awake.notify_one();
  }

  // The next loop to help with, taken; null to end.
  Loop* NextLoop(Worker* worker) {
    const auto offered = [&] {
      return worker->offer.load() != nullptr || stopping_.load();
    };
    while (true) {
      if (!spins_ || !SpinUntil(offered)) {
        std::unique_lock<std::mutex> lock(mu_);
        // Before the offer is read, as Offer reads them the other way round.
        worker->sleeps.store(true);
        worker->awake.wait(lock, offered);
        worker->sleeps.store(false);
      }
      if (stopping_.load()) return nullptr;
      Loop* loop = worker->offer.load();
      if (loop != nullptr &&
          worker->offer.compare_exchange_strong(loop, Busy())) {
        return loop;
      }
    }
  }

  void WorkerMain(size_t i) {
    Worker& worker = workers_[i];
    while (Loop* loop = NextLoop(&worker)) {
      Work(loop, static_cast<int64_t>(i) + 1);
      // Free for the next one before the caller can offer it.
      worker.offer.store(nullptr);
      Finish(loop);
    }
  }

  std::vector<Worker> workers_;
  const bool spins_;
  std::once_flag started_;
  std::mutex mu_;
  std::condition_variable done_cv_;  // With mu_: a worker finished some loop.
  std::atomic<bool> stopping_{false};
  std::atomic<int> waiting_callers_{0};
};

ThreadPool::ThreadPool(int num_threads)
    : impl_(std::make_unique<Impl>(num_threads)) {}

ThreadPool::~ThreadPool() = default;

int ThreadPool::num_threads() const { return impl_->num_threads(); }

void ThreadPool::ParallelFor(int64_t n, int64_t grain, Body body, Order order) {
  if (n <= 0) return;
  const Blocks blocks(n, grain);
  if (blocks.count > 1 && impl_->num_threads() > 1 && !in_loop) {
    impl_->Run(blocks, body, order);
    return;
  }
  for (int64_t i = 0; i < blocks.count; ++i)
    blocks.Run(order == Order::kForwards ? i : blocks.count - 1 - i, body);
}

}  // namespace weft
