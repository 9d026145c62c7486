#include "tests/runner/models.h"

#include "graph/graph.h"
#include "gtest/gtest.h"
#include "io/checkpoint.h"
#include "io/graph_file.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

// The last state of h = tanh([x_t, h] W + b) over the steps of x.
Output Recur(Output x, Output initial, Output w, Output b) {
  Output by_time = Transpose(x, {1, 0, 2});
  Output steps = DimOf(by_time, 0);
  Output zero = Const(x.graph(), 0);
  return While(
      {zero, initial}, [&](const Outputs& v) { return Less(v[0], steps); },
      [&](const Outputs& v) -> Outputs {
        Output x_t = IndexAxis(by_time, 0, v[0]);
        Output next = Tanh(BiasAdd(MatMul(Concat({x_t, v[1]}, 1), w), b));
        return {v[0] + 1, next};
      },
      {.name = "rnn/while"})[1];
}

}  // namespace

void WriteArithmetic(const std::string& path) {
  Graph g;
  Output x = Placeholder(g, "x", DataType::kFloat, {-1, 2});
  Add(Mul(x, Const(g, 2.0f)), Const(g, 1.0f), "y");
  Output a = Placeholder(g, "a", DataType::kFloat, {});
  Output b = Placeholder(g, "b", DataType::kFloat, {});
  Div(a, b, "ratio");
  Identity(Placeholder(g, "n", DataType::kInt32, {-1}), "n_out");
  Identity(Placeholder(g, "name", DataType::kString, {}), "name_out");
  ASSERT_OK(WriteGraph(path, g));
}

void WriteEndlessLoop(const std::string& path) {
  Graph g;
  Output start = Placeholder(g, "start", DataType::kInt64, {});
  Outputs last = While(
      {start},
      [](const Outputs& v) { return GreaterEqual(v[0], ScalarLike(v[0], 0)); },
      [](const Outputs& v) -> Outputs { return {v[0] * 0 + 1}; });
  Identity(last[0], "endless");
  ASSERT_OK(WriteGraph(path, g));
}

void WriteRecurrent(const std::string& path, const std::string& directory) {
  Graph g;
  Output x = Placeholder(g, "x", DataType::kFloat, {-1, -1, 3});
  const Variable w(g, {.name = "rnn/W", .shape = {5, 2}});
  const Variable b(g, {.name = "rnn/b", .shape = {2}});
  Output batch = ExpandDims(DimOf(x, 0), 0);
  Output units = Const(g, {2});
  Output zeros = Fill(Concat({batch, units}, 0), Const(g, 0.0f));
  Output initial =
      PlaceholderWithDefault(zeros, {-1, 2}, "rnn/initial_state_0");
  Output last = Recur(x, initial, w.read(), b.read());
  Output state = Identity(last, "rnn/final_state_0");
  Softmax(state, "y");
  Output targets = Placeholder(g, "targets", DataType::kFloat, {-1, 2});
  Sum(Square(state - targets), {.name = "loss"});
  ASSERT_OK(WriteGraph(path, g));
  const TensorMap values = {
      {"rnn/W", Tensor::Of<float>({5, 2}, {.1f, -.2f, .3f, .4f, -.5f, .6f, .7f,
                                           -.8f, .9f, 1.f})},
      {"rnn/b", Tensor::Vector<float>({.5f, -.25f})}};
  ASSERT_OK(SaveCheckpoint(directory, "model", 7, values));
}

}  // namespace weft
