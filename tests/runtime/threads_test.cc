// One session, many threads.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/math.h"
#include "ops/random.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "runtime/session.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

constexpr int kThreads = 64;
constexpr int kRuns = 20;

void InThreads(int threads, const std::function<void(int)>& work) {
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) pool.emplace_back(work, t);
  for (std::thread& thread : pool) thread.join();
}

class ThreadsTest : public ::testing::Test {
 protected:
  // sum over i < steps of (x * i), as a loop.
  Output Loop() {
    return While(
        {Const(g, 0.0f), x * 0.0f},
        [&](const Outputs& v) { return Less(v[0], steps); },
        [&](const Outputs& v) {
          return Outputs{v[0] + 1.0f, v[1] + x * v[0]};
        })[1];
  }
  static Tensor Rows(int64_t rows) {
    Tensor t = *Tensor::Create(DataType::kFloat, {rows});
    for (int64_t i = 0; i < rows; ++i)
      t.mutable_data<float>()[i] = static_cast<float>(i);
    return t;
  }

  Graph g;
  Output x = Placeholder(g, "x", DataType::kFloat, {-1});
  Output steps = Placeholder(g, "steps", DataType::kFloat, {});
};

TEST_F(ThreadsTest, GiveWhatOneThreadGives) {
  Output y = Loop();
  ASSERT_OK_AND_ASSIGN(
      auto session, Session::Create(g, {.num_threads = 2, .max_layouts = 3}));
  std::atomic<int> wrong{0};
  InThreads(kThreads, [&](int t) {
    for (int run = 0; run < kRuns; ++run) {
      const int rows = 1 + (t * 7 + run) % 5;
      const int n = (t + run) % 4;
      auto got = session->Run(
          {{x, Rows(rows)}, {steps, Tensor::Scalar<float>(n)}}, {y});
      bool ok = got.ok() && (*got)[0].num_elements() == rows;
      for (int i = 0; ok && i < rows; ++i)
        ok = (*got)[0].data<float>()[i] == i * n * (n - 1) / 2;
      wrong += !ok;
    }
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(session->stats().plans, 1);
  EXPECT_EQ(session->stats().runs, kThreads * kRuns);
}

TEST_F(ThreadsTest, UpdatesAreNotLostAndNeverSeenHalfDone) {
  Variable a(g, {.name = "a",
                 .shape = {1000},
                 .initial_value = Zeros(g, DataType::kFloat, {1000})});
  Variable b(g, {.name = "b",
                 .shape = {1000},
                 .initial_value = Zeros(g, DataType::kFloat, {1000})});
  Output ones = Ones(g, DataType::kFloat, {1000});
  Node* step = Group(g, {AssignAdd(a, ones), AssignAdd(b, ones)});
  // The two variables are equal at every moment.
  Output difference =
      Sum(Abs(a.read() - b.read())) + (Max(a.read()) - Min(a.read()));
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, {.num_threads = 1}));
  ASSERT_OK(session->Initialize());
  std::atomic<int> failed{0}, torn{0};
  InThreads(kThreads, [&](int t) {
    for (int run = 0; run < kRuns; ++run) {
      if (t % 2 == 0) {
        failed += !session->Run({}, {}, {step->name()}).ok();
        continue;
      }
      auto got = session->Run({}, {difference});
      failed += !got.ok();
      torn += got.ok() && (*got)[0].scalar<float>() != 0;
      const auto all = session->GetVariables();
      torn += all.at("a").data<float>()[0] != all.at("b").data<float>()[999];
    }
  });
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(torn, 0);
  ASSERT_OK_AND_ASSIGN(Tensor value, session->GetVariable("a"));
  EXPECT_EQ(value.data<float>()[17], kThreads / 2 * kRuns);
}

TEST_F(ThreadsTest, UpdatesThroughShadowsAreNotLost) {
  Variable v(g, {.name = "v", .shape = {1}, .initial_value = Const(g, {0.0f})});
  Variable w(g, {.name = "w", .shape = {1}, .initial_value = Const(g, {0.0f})});
  Node* first = AssignAdd(v, Const(g, {1.0f}));
  Output read;
  {
    ControlScope scope(g, {first});
    read = ReadVariable(v.handle(), DataType::kFloat);
  }
  Node* plain = AssignAdd(w, Const(g, {1.0f}));
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, {.num_threads = 1}));
  ASSERT_OK(session->Initialize());
  std::atomic<int> failed{0};
  std::atomic<int> seen[kThreads / 2 * kRuns + 1] = {};
  InThreads(kThreads, [&](int t) {
    for (int run = 0; run < kRuns; ++run) {
      if (t % 2 == 0) {
        failed += !session->Run({}, {}, {plain->name()}).ok();
        continue;
      }
      auto got = session->Run({}, {read});
      failed += !got.ok();
      if (got.ok()) ++seen[static_cast<int>((*got)[0].data<float>()[0])];
    }
  });
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(seen[0], 0);
  for (int i = 1; i <= kThreads / 2 * kRuns; ++i) EXPECT_EQ(seen[i], 1) << i;
}

TEST_F(ThreadsTest, EachRunDrawsItsOwnNumbers) {
  Output r = RandomUniform(Const(g, {4}), {.seed = 1});
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, {.num_threads = 1}));
  std::vector<float> drawn(kThreads * kRuns);
  InThreads(kThreads, [&](int t) {
    for (int run = 0; run < kRuns; ++run) {
      auto got = session->Run({}, {r});
      if (got.ok()) drawn[t * kRuns + run] = (*got)[0].data<float>()[0];
    }
  });
  std::vector<float> serial;
  ASSERT_OK_AND_ASSIGN(auto other, Session::Create(g, {.num_threads = 1}));
  for (int i = 0; i < kThreads * kRuns; ++i) {
    ASSERT_OK_AND_ASSIGN(auto got, other->Run({}, {r}));
    serial.push_back(got[0].data<float>()[0]);
  }
  std::sort(drawn.begin(), drawn.end());
  std::sort(serial.begin(), serial.end());
  EXPECT_EQ(drawn, serial);
}

TEST_F(ThreadsTest, CancellingOneRunLeavesTheOthersAlone) {
  Output y = Loop();
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, {.num_threads = 1}));
  CancellationToken token;
  std::atomic<int> cancelled{0}, right{0};
  std::thread canceller([&] {
    while (right < kThreads / 2) std::this_thread::yield();
    token.Cancel();
  });
  InThreads(kThreads, [&](int t) {
    if (t % 2 == 0) {
      const absl::Status status =
          session
              ->Run({{x, Rows(1)}, {steps, Tensor::Scalar(1e30f)}}, {y}, {},
                    {.cancellation = &token})
              .status();
      cancelled += absl::IsCancelled(status);
    } else {
      auto got =
          session->Run({{x, Rows(3)}, {steps, Tensor::Scalar(4.0f)}}, {y});
      right += got.ok() && (*got)[0].data<float>()[2] == 12;
    }
  });
  canceller.join();
  EXPECT_EQ(cancelled, kThreads / 2);
  EXPECT_EQ(right, kThreads / 2);
}

}  // namespace
}  // namespace weft
