#include "benchmarks/machine.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "benchmarks/machine.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Twelve independent chains hide the latency of a multiply-add. Returns the
// number of multiplications and additions.
double MultiplyAdd(int64_t count, float* result) {
  const D d;
  const V x = hn::Set(d, 0.999f), y = hn::Set(d, 1e-3f);
  // Different ones: equal chains would become one.
  V a = hn::Iota(d, 0), b = hn::Iota(d, 1), c = hn::Iota(d, 2);
  V e = hn::Iota(d, 3), f = hn::Iota(d, 4), g = hn::Iota(d, 5);
  V h = hn::Iota(d, 6), i = hn::Iota(d, 7), j = hn::Iota(d, 8);
  V k = hn::Iota(d, 9), l = hn::Iota(d, 10), m = hn::Iota(d, 11);
  for (int64_t n = 0; n < count; ++n) {
    a = hn::MulAdd(a, x, y);
    b = hn::MulAdd(b, x, y);
    c = hn::MulAdd(c, x, y);
    e = hn::MulAdd(e, x, y);
    f = hn::MulAdd(f, x, y);
    g = hn::MulAdd(g, x, y);
    h = hn::MulAdd(h, x, y);
    i = hn::MulAdd(i, x, y);
    j = hn::MulAdd(j, x, y);
    k = hn::MulAdd(k, x, y);
    l = hn::MulAdd(l, x, y);
    m = hn::MulAdd(m, x, y);
  }
  const V sums[] = {hn::Add(hn::Add(a, b), hn::Add(c, e)),
                    hn::Add(hn::Add(f, g), hn::Add(h, i)),
                    hn::Add(hn::Add(j, k), hn::Add(l, m))};
  *result = hn::GetLane(
      hn::SumOfLanes(d, hn::Add(hn::Add(sums[0], sums[1]), sums[2])));
  return 2.0 * 12 * hn::Lanes(d) * count;
}

// The sum of n numbers, n a multiple of 256.
float ReadAll(const float* from, int64_t n) {
  const D d;
  const int64_t lanes = hn::Lanes(d);
  V a = hn::Zero(d), b = a, c = a, e = a;
  for (int64_t i = 0; i < n; i += 4 * lanes) {
    a = hn::Add(a, hn::Load(d, from + i));
    b = hn::Add(b, hn::Load(d, from + i + lanes));
    c = hn::Add(c, hn::Load(d, from + i + 2 * lanes));
    e = hn::Add(e, hn::Load(d, from + i + 3 * lanes));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
}

}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <thread>

#include "benchmarks/measure.h"
#include "hwy/aligned_allocator.h"

namespace weft {

HWY_EXPORT(MultiplyAdd);
HWY_EXPORT(ReadAll);

namespace {

constexpr double kSecondsPerMeasurement = 0.06;

// The sum over all threads of each one's best rate; `work` does some of it in a
// millisecond or so and says how much.
double BestRate(int threads, const std::function<double()>& work) {
  std::vector<double> rates(threads);
  std::atomic<int> waiting = threads;
  const auto measure = [&](int thread) {
    work();  // Memory is there, and clocks are up.
    --waiting;
    while (waiting > 0) std::this_thread::yield();
    for (double spent = 0; spent < kSecondsPerMeasurement;) {
      double done = 0;
      const double seconds = Seconds([&] { done = work(); });
      rates[thread] = std::max(rates[thread], done / seconds);
      spent += seconds;
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(measure, i);
  measure(0);
  for (std::thread& other : others) other.join();
  double sum = 0;
  for (double rate : rates) sum += rate;
  return sum;
}

// Bytes per second from a working set of `bytes` per thread.
double ReadRate(int threads, int64_t bytes) {
  constexpr int64_t kBytesPerCall = 4 << 20;
  static std::atomic<float> result;
  return BestRate(threads, [bytes] {
    // Of the thread, and there from its first call on.
    thread_local hwy::AlignedFreeUniquePtr<float[]> data;
    thread_local int64_t size = 0;
    const int64_t n = bytes / sizeof(float) / 256 * 256;
    if (size != n) {
      data = hwy::AllocateAligned<float>(n);
      std::fill(data.get(), data.get() + n, 1.0f);
      size = n;
    }
    const int64_t times = std::max<int64_t>(1, kBytesPerCall / bytes);
    for (int64_t i = 0; i < times; ++i)
      result = HWY_DYNAMIC_DISPATCH(ReadAll)(data.get(), n);
    return static_cast<double>(times * n * sizeof(float));
  });
}

int64_t CacheBytes(int name, int64_t otherwise) {
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

}  // namespace

MachineLimits MeasureMachine(int threads) {
  MachineLimits machine = {.threads = threads};
  static std::atomic<float> result;
  machine.flops_per_second = BestRate(threads, [] {
    float sum;
    const double flops = HWY_DYNAMIC_DISPATCH(MultiplyAdd)(300000, &sum);
    result = sum;
    return flops;
  });
  const int64_t l1 = CacheBytes(_SC_LEVEL1_DCACHE_SIZE, 32 << 10);
  const int64_t l2 = CacheBytes(_SC_LEVEL2_CACHE_SIZE, 1 << 20);
  const int64_t l3 = CacheBytes(_SC_LEVEL3_CACHE_SIZE, 8 << 20) / threads;
  // Working sets that are well within a level and well beyond the one before.
  machine.levels = {{"L1", l1, ReadRate(threads, l1 / 2)},
                    {"L2", l2, ReadRate(threads, l2 / 2)}};
  if (l3 > l2) {
    machine.levels.push_back(
        {"L3", l3, ReadRate(threads, std::min(l3 / 2, 6 * l2))});
  }
  machine.levels.push_back({"memory", std::numeric_limits<int64_t>::max(),
                            ReadRate(threads, int64_t{128} << 20)});
  return machine;
}

double BoundSeconds(const MachineLimits& machine, const RnnConfig& c,
                    RnnCell cell, bool training) {
  double seconds = 0;
  for (int layer = 0; layer < c.layers; ++layer) {
    const int64_t depth = layer == 0 ? c.depth : c.units * c.directions;
    const double columns = double(c.units) * NumGates(cell);
    const double rows = double(c.batch) * c.time * c.directions;
    // The input's gradient is not asked for in the first layer.
    const double passes = !training ? 1 : layer == 0 ? 2 : 3;
    const double input = 2 * rows * depth * columns * passes;
    const double recurrent = 2 * rows * c.units * columns;
    const double bytes = c.units * columns * sizeof(float);
    const auto level = std::find_if(
        machine.levels.begin(), machine.levels.end(),
        [&](const auto& l) { return bytes / machine.threads <= l.bytes; });
    const double step =
        std::max(recurrent / machine.flops_per_second,
                 bytes / level->bytes_per_second * c.time * c.directions);
    // Forward, and in training backward; the weights' gradient is one product.
    seconds += input / machine.flops_per_second + step;
    if (training) seconds += step + recurrent / machine.flops_per_second;
  }
  return seconds;
}

}  // namespace weft

#endif  // HWY_ONCE
