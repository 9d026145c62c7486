// What runs allocate, and what happens when they can not.
#include <memory>
#include <string>
#include <vector>

#include "core/allocator.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "runtime/session.h"
#include "tests/runtime/count_news.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

class AllocationTest : public ::testing::Test {
 protected:
  // One step of a recurrent network: c and h from x, c and h.
  Outputs Step(Output input, const Outputs& state) {
    Output gates =
        MatMul(Concat({input, state[1]}, 1), weights.read()) + bias.read();
    Outputs parts = Split(gates, 4, 1);
    Output c =
        Sigmoid(parts[0]) * state[0] + Sigmoid(parts[1]) * Tanh(parts[2]);
    return {c, Sigmoid(parts[3]) * Tanh(c)};
  }
  static Tensor Filled(const TensorShape& shape, float value) {
    Tensor t = *Tensor::Create(DataType::kFloat, shape);
    for (float& v : t.mutable_data<float>()) v = value;
    return t;
  }

  Graph g;
  Variable weights{g,
                   {.name = "W",
                    .shape = {12, 32},
                    .initial_value = Fill({12, 32}, Const(g, 0.1f))}};
  Variable bias{g,
                {.name = "b",
                 .shape = {32},
                 .initial_value = Zeros(g, DataType::kFloat, {32})}};
  Output x = Placeholder(g, "x", DataType::kFloat, {-1, 4});
  Output c = Placeholder(g, "c", DataType::kFloat, {-1, 8});
  Output h = Placeholder(g, "h", DataType::kFloat, {-1, 8});
};

TEST_F(AllocationTest, AStepThatRepeatsAllocatesNothing) {
  const Outputs next = Step(x, {c, h});
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, {.num_threads = 1}));
  ASSERT_OK(session->Initialize());
  ASSERT_OK_AND_ASSIGN(
      auto callable,
      session->Prepare(
          {{"x", "c", "h"}, {next[0].name(), next[1].name()}, {}}));
  const std::vector<Tensor> feeds = {Filled({2, 4}, 1), Filled({2, 8}, 0),
                                     Filled({2, 8}, 0)};
  std::vector<Tensor> outputs;
  for (int i = 0; i < 3; ++i) ASSERT_OK(callable->Run(feeds, &outputs));
  const int64_t before = NumNews();
  absl::Status status;
  for (int i = 0; i < 100; ++i) status.Update(callable->Run(feeds, &outputs));
  EXPECT_EQ(NumNews() - before, 0);
  EXPECT_OK(status);
}

TEST_F(AllocationTest, ATrainingStepThatRepeatsAllocatesNothing) {
  const Outputs next = Step(x, {c, h});
  Output loss = Sum(next[1]);
  Node* update = AssignSub(bias, Fill({32}, loss * 0.01f));
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, {.num_threads = 1}));
  ASSERT_OK(session->Initialize());
  ASSERT_OK_AND_ASSIGN(
      auto callable,
      session->Prepare({{"x", "c", "h"}, {loss.name()}, {update->name()}}));
  const std::vector<Tensor> feeds = {Filled({2, 4}, 1), Filled({2, 8}, 0),
                                     Filled({2, 8}, 0)};
  std::vector<Tensor> outputs;
  for (int i = 0; i < 3; ++i) ASSERT_OK(callable->Run(feeds, &outputs));
  const float first = outputs[0].scalar<float>();
  const int64_t before = NumNews();
  absl::Status status;
  for (int i = 0; i < 100; ++i) status.Update(callable->Run(feeds, &outputs));
  EXPECT_EQ(NumNews() - before, 0);
  EXPECT_OK(status);
  EXPECT_LT(outputs[0].scalar<float>(), first);
}

TEST_F(AllocationTest, ALoopAllocatesNothingPerIteration) {
  Output n = Placeholder(g, "n", DataType::kInt32, {});
  Outputs out = While(
      {Const(g, 0), c, h}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        const Outputs next = Step(x, {v[1], v[2]});
        return Outputs{v[0] + 1, next[0], next[1]};
      });
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, {.num_threads = 1}));
  ASSERT_OK(session->Initialize());
  ASSERT_OK_AND_ASSIGN(
      auto callable,
      session->Prepare({{"x", "c", "h", "n"}, {out[2].name()}, {}}));
  const std::vector<Tensor> feeds = {Filled({2, 4}, 1), Filled({2, 8}, 0),
                                     Filled({2, 8}, 0),
                                     Tensor::Scalar<int32_t>(50)};
  std::vector<Tensor> outputs;
  for (int i = 0; i < 3; ++i) ASSERT_OK(callable->Run(feeds, &outputs));
  const int64_t before = NumNews();
  const absl::Status status = callable->Run(feeds, &outputs);
  EXPECT_EQ(NumNews() - before, 0);
  EXPECT_OK(status);
}

// Everything that allocates while running: results of unknown size, lists,
// shadows, copies on write, outputs.
TEST_F(AllocationTest, WhenAnAllocationFailsTheRunFailsAndNothingElse) {
  Output n = Placeholder(g, "n", DataType::kInt32, {});
  Variable v(g, {.name = "v",
                 .shape = {100},
                 .initial_value = Zeros(g, DataType::kFloat, {100})});
  Variable w(g, {.name = "w",
                 .shape = {100},
                 .initial_value = Zeros(g, DataType::kFloat, {100})});
  Node* first = AssignAdd(v, Ones(g, DataType::kFloat, {100}));
  Output read;
  {
    ControlScope scope(g, {first});
    read = ReadVariable(v.handle(), DataType::kFloat);
  }
  Node* second = AssignAdd(w, w.read() + read);
  Output list = EmptyTensorList(g, TensorShape{100}, DataType::kFloat);
  Output collected = While(
      {Const(g, 0), list}, [&](const Outputs& u) { return Less(u[0], n); },
      [&](const Outputs& u) {
        return Outputs{u[0] + 1, TensorListPushBack(u[1], w.read())};
      })[1];
  Output stacked = TensorListStack(collected, DataType::kFloat, {100});
  Output sized = Fill(ExpandDims(n, 0), Sum(stacked)) * 2.0f;

  int failures = 0, successes = 0;
  for (int nth = 1; nth <= 40; ++nth) {
    std::shared_ptr<Allocator> allocator = Allocator::Create();
    ASSERT_OK_AND_ASSIGN(
        auto session,
        Session::Create(g, {.num_threads = 1, .allocator = allocator}));
    ASSERT_OK(session->Initialize());
    allocator->FailAllocation(nth);
    auto run = [&] {
      return session->Run({{n, Tensor::Scalar<int32_t>(3)}}, {sized, read},
                          {second->name()});
    };
    const absl::Status status = run().status();
    allocator->FailAllocation(0);
    ASSERT_OK_AND_ASSIGN(Tensor value, session->GetVariable("w"));
    if (status.ok()) {
      ++successes;
      EXPECT_EQ(value.data<float>()[5], 1);
    } else {
      ++failures;
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
      EXPECT_EQ(value.data<float>()[5], 0);
      EXPECT_OK(run());
    }
    const size_t in_use = session->stats().bytes_in_use;
    for (int i = 0; i < 3; ++i) EXPECT_OK(run());
    EXPECT_EQ(session->stats().bytes_in_use, in_use);
  }
  EXPECT_GT(failures, 5);
  EXPECT_GT(successes, 5);
}

}  // namespace
}  // namespace weft
