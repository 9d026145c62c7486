#include "core/thread_pool.h"

#include <atomic>
#include <limits>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Pair;

using Ranges = std::set<std::pair<int64_t, int64_t>>;

Ranges RangesOf(ThreadPool& pool, int64_t n, int64_t grain) {
  std::mutex mu;
  Ranges ranges;
  pool.ParallelFor(n, grain, [&](int64_t begin, int64_t end) {
    std::lock_guard<std::mutex> lock(mu);
    EXPECT_TRUE(ranges.insert({begin, end}).second);
  });
  return ranges;
}

TEST(ThreadPoolTest, CoversTheRangeOnce) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (int64_t n : {0, 1, 63, 64, 65, 1000, 4097}) {
      std::vector<int> count(n, 0);
      pool.ParallelFor(n, /*grain=*/1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++count[i];
      });
      EXPECT_THAT(count, Each(1)) << n;
    }
  }
}

TEST(ThreadPoolTest, CutsBySizeAndGrainAlone) {
  ThreadPool one(1);
  ThreadPool four(4);
  for (int64_t n : {1, 10, 100, 6400, 100001}) {
    for (int64_t grain : {1, 7, 64, 5000}) {
      EXPECT_EQ(RangesOf(one, n, grain), RangesOf(four, n, grain))
          << n << " " << grain;
    }
  }
}

TEST(ThreadPoolTest, RangesBeginAtMultiplesOfTheGrain) {
  ThreadPool pool(1);
  EXPECT_THAT(RangesOf(pool, 10, 4),
              ElementsAre(Pair(0, 4), Pair(4, 8), Pair(8, 10)));
  EXPECT_THAT(RangesOf(pool, 10, 10), ElementsAre(Pair(0, 10)));
  EXPECT_THAT(RangesOf(pool, 3, 0),
              ElementsAre(Pair(0, 1), Pair(1, 2), Pair(2, 3)));
  EXPECT_EQ(RangesOf(pool, 1000003, 16).size(), 64u);
  for (const auto& [begin, end] : RangesOf(pool, 1000003, 16))
    EXPECT_EQ(begin % 16, 0);
  EXPECT_THAT(RangesOf(pool, 5, std::numeric_limits<int64_t>::max()),
              ElementsAre(Pair(0, 5)));
  EXPECT_TRUE(RangesOf(pool, -1, 1).empty());
}

TEST(ThreadPoolTest, GoesThroughTheRangesInEitherOrder) {
  ThreadPool pool(1);
  std::vector<int64_t> begins;
  const auto note = [&](int64_t begin, int64_t) { begins.push_back(begin); };
  pool.ParallelFor(10, 4, note);
  pool.ParallelFor(10, 4, note, ThreadPool::Order::kBackwards);
  EXPECT_THAT(begins, ElementsAre(0, 4, 8, 8, 4, 0));
  EXPECT_EQ(RangesOf(pool, 1000, 7).size(), 48u);
}

// Each range waits until its thread's partner has one, so that nobody helps.
TEST(ThreadPoolTest, ThreadsBeginWithTheRangesTheyHadBefore) {
  ThreadPool pool(2);
  for (auto order :
       {ThreadPool::Order::kForwards, ThreadPool::Order::kBackwards}) {
    for (int loop = 0; loop < 50; ++loop) {
      std::atomic<int> begun{0};
      std::atomic<bool> callers_half{true};
      const std::thread::id caller = std::this_thread::get_id();
      pool.ParallelFor(
          2, 1,
          [&](int64_t begin, int64_t) {
            ++begun;
            while (begun < 2) std::this_thread::yield();
            if ((begin == 0) != (std::this_thread::get_id() == caller))
              callers_half = false;
          },
          order);
      EXPECT_TRUE(callers_half);
    }
  }
}

TEST(ThreadPoolTest, OneThreadIsTheCallers) {
  ThreadPool pool(1);
  pool.ParallelFor(1000, 1,
                   [caller = std::this_thread::get_id()](int64_t, int64_t) {
                     EXPECT_EQ(std::this_thread::get_id(), caller);
                   });
}

TEST(ThreadPoolTest, ThreadsWorkAtTheSameTime) {
  ThreadPool pool(3);
  EXPECT_EQ(pool.num_threads(), 3);
  // Each of three ranges waits until all have begun.
  std::atomic<int> begun{0};
  pool.ParallelFor(3, 1, [&](int64_t, int64_t) {
    ++begun;
    while (begun < 3) std::this_thread::yield();
  });
  EXPECT_EQ(begun, 3);
}

TEST(ThreadPoolTest, ALoopInALoopStaysOnItsThread) {
  ThreadPool pool(3);
  std::atomic<int> count{0};
  pool.ParallelFor(8, 1, [&](int64_t, int64_t) {
    const std::thread::id outer = std::this_thread::get_id();
    pool.ParallelFor(16, 1, [&](int64_t begin, int64_t end) {
      EXPECT_EQ(std::this_thread::get_id(), outer);
      count += static_cast<int>(end - begin);
    });
  });
  EXPECT_EQ(count, 8 * 16);
}

TEST(ThreadPoolTest, CallersShareTheWorkers) {
  ThreadPool pool(3);
  std::vector<int64_t> sums(4, 0);
  std::vector<std::thread> callers;
  for (size_t caller = 0; caller < sums.size(); ++caller) {
    callers.emplace_back([&, caller] {
      for (int loop = 0; loop < 200; ++loop) {
        std::vector<int64_t> values(300);
        pool.ParallelFor(300, 10, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) values[i] = i;
        });
        sums[caller] +=
            std::accumulate(values.begin(), values.end(), int64_t{0});
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_THAT(sums, Each(200 * 300 * 299 / 2));
}

TEST(ThreadPoolTest, WhatTheBodyThrowsReachesTheCaller) {
  for (int threads : {1, 3}) {
    ThreadPool pool(threads);
    const auto throwing = [](int64_t begin, int64_t) {
      if (begin >= 32) throw std::runtime_error("x");
    };
    EXPECT_THROW(pool.ParallelFor(64, 1, throwing), std::runtime_error);
    EXPECT_EQ(RangesOf(pool, 64, 1).size(), 64u);  // Usable as before.
  }
}

TEST(ThreadPoolTest, StrangeNumbersOfThreadsMeanOne) {
  EXPECT_EQ(ThreadPool(0).num_threads(), 1);
  EXPECT_EQ(ThreadPool(-5).num_threads(), 1);
}

TEST(ThreadPoolTest, PoolsThatNeverWorkedEnd) {
  for (int i = 0; i < 100; ++i) ThreadPool pool(8);
  for (int i = 0; i < 20; ++i) {
    ThreadPool pool(4);
    EXPECT_EQ(RangesOf(pool, 64, 1).size(), 64u);
  }
}

}  // namespace
}  // namespace weft
