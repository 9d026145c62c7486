// Large graphs, small stacks, and many shapes.
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

// The address sanitizer makes frames several times as large.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t kFrameGrowth = 8;
#else
constexpr size_t kFrameGrowth = 1;
#endif

// Runs `work` on a thread with a stack of `bytes`.
void OnSmallStack(size_t bytes, std::function<void()> work) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kFrameGrowth * bytes), 0);
  pthread_t thread;
  auto call = [](void* f) -> void* {
    (*static_cast<std::function<void()>*>(f))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, call, &work), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

Output Chain(Output x, int length) {
  Output one = Const(x.graph(), 1.0f);
  for (int i = 0; i < length; ++i) x = Add(x, one);
  return x;
}

TEST(ScaleTest, AMillionNodesOnASmallStack) {
  OnSmallStack(256 << 10, [] {
    Graph g;
    Output x = Placeholder(g, "x", DataType::kFloat, {});
    Output y = Chain(x, 1000000);
    ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, {.num_threads = 1}));
    ASSERT_OK_AND_ASSIGN(auto fetched,
                         session->Run({{x, Tensor::Scalar(0.0f)}}, {y}));
    EXPECT_THAT(fetched[0], TensorEq(Tensor::Scalar(1000000.0f)));
  });
}

TEST(ScaleTest, SixtyNestedLoopsOnASmallStack) {
  // Building them recurses through the callbacks: that takes a common stack.
  Graph g;
  Output x = Placeholder(g, "x", DataType::kFloat, {});
  std::function<Output(Output, int)> nest = [&](Output v, int depth) -> Output {
    if (depth == 0) return v + 1.0f;
    return While(
        {v}, [&](const Outputs& u) { return Less(u[0], x); },
        [&](const Outputs& u) { return Outputs{nest(u[0], depth - 1)}; })[0];
  };
  Output y = nest(x - 5.0f, 60);
  OnSmallStack(256 << 10, [&] {
    ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, {.num_threads = 1}));
    ASSERT_OK_AND_ASSIGN(auto fetched,
                         session->Run({{x, Tensor::Scalar(8.0f)}}, {y}));
    EXPECT_THAT(fetched[0], TensorEq(Tensor::Scalar(8.0f)));
  });
}

// Seconds from a graph of `length` nodes to its first result.
double PlanSeconds(int length) {
  Graph g;
  Output x = Placeholder(g, "x", DataType::kFloat, {});
  Output y = Chain(x, length);
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    auto session = Session::Create(g, {.num_threads = 1});
    EXPECT_OK(session);
    EXPECT_OK((*session)->Run({{x, Tensor::Scalar(0.0f)}}, {y}));
    best = std::min(best, std::chrono::duration<double>(
                              std::chrono::steady_clock::now() - begin)
                              .count());
  }
  return best;
}

TEST(ScaleTest, PlanningTakesLinearTime) {
  const double small = PlanSeconds(10000) / 10000;
  const double large = PlanSeconds(100000) / 100000;
  // Caches are smaller than the large plan; n log n would be less than that,
  // but n^2 a factor of 10.
  EXPECT_LT(large, 5 * small);
}

TEST(ScaleTest, TenThousandRunsOfRandomShapes) {
  Graph g;
  Output x = Placeholder(g, "x", DataType::kFloat,
                         {-1, -1, 3});  // [batch, time, depth]
  Output w = Const(g, *Tensor::Create(DataType::kFloat, {7, 4}));
  Output time = IndexAxis(Shape(x), 0, 1);
  Output batch = IndexAxis(Shape(x), 0, 0);
  Output state = Fill(Pack({batch, Const(g, 4)}), Const(g, 1.0f));
  Output h = While(
      {Const(g, 0), state}, [&](const Outputs& v) { return Less(v[0], time); },
      [&](const Outputs& v) {
        Output x_t = IndexAxis(x, 1, v[0]);
        return Outputs{v[0] + 1,
                       Tanh(MatMul(Concat({x_t, v[1]}, 1), w)) + v[1]};
      })[1];
  ASSERT_OK_AND_ASSIGN(
      auto session, Session::Create(g, {.num_threads = 1, .max_layouts = 16}));
  ASSERT_OK_AND_ASSIGN(auto callable,
                       session->Prepare({{"x"}, {h.name()}, {}}));
  std::mt19937 random(1);
  std::vector<Tensor> outputs;
  size_t early_peak = 0;
  for (int run = 0; run < 10000; ++run) {
    const int64_t b = 1 + random() % 12;
    const int64_t t = random() % 9;
    ASSERT_OK_AND_ASSIGN(Tensor value,
                         Tensor::Create(DataType::kFloat, {b, t, 3}));
    ASSERT_OK(callable->Run({value}, &outputs));
    ASSERT_EQ(outputs[0].shape(), (TensorShape{b, 4}));
    ASSERT_EQ(outputs[0].data<float>()[b * 4 - 1], 1.0f);
    if (run == 1000) early_peak = session->stats().peak_bytes;
  }
  EXPECT_EQ(session->stats().plans, 1);
  EXPECT_EQ(session->stats().peak_bytes, early_peak);
  EXPECT_LT(session->stats().bytes_in_use, size_t{1} << 16);
}

}  // namespace
}  // namespace weft
