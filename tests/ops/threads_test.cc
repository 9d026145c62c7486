// Bits do not depend on the number of threads.
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "graph/graph.h"
#include "gtest/gtest.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/testing/run.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

// A function of inputs that are large enough to be handed to other threads.
struct LargeCase {
  std::string name;
  std::vector<TensorShape> inputs;
  std::function<Output(const Outputs& x)> build;
};

void PrintTo(const LargeCase& c, std::ostream* out) { *out << c.name; }

class ThreadsTest : public ::testing::TestWithParam<LargeCase> {};

Tensor Random(const TensorShape& shape) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(shape.num_elements());
  for (float& v : values) v = uniform(random);
  return Tensor::Of<float>(shape, values);
}

TEST_P(ThreadsTest, GiveTheSameBits) {
  Graph g;
  Outputs x;
  std::vector<Feed> feeds;
  for (const TensorShape& shape : GetParam().inputs) {
    x.push_back(Placeholder(g, "x", DataType::kFloat, shape));
    feeds.emplace_back(x.back(), Random(shape));
  }
  const Output y = GetParam().build(x);
  const Tensor expected = weft::Run(y, feeds, {.num_threads = 1});
  EXPECT_THAT(weft::Run(y, feeds, {.num_threads = 4}), TensorEq(expected));
}

const LargeCase kCases[] = {
    {"Tanh", {{100'003}}, [](const Outputs& x) { return Tanh(x[0]); }},
    {"Add", {{300, 401}, {401}}, [](const Outputs& x) { return x[0] + x[1]; }},
    {"Cast",
     {{100'003}},
     [](const Outputs& x) { return Cast(x[0], DataType::kDouble); }},
    {"AddN",
     {{100'003}, {100'003}},
     [](const Outputs& x) {
       return AddN({x[0], x[1]});
     }},
    {"Softmax", {{300, 401}}, [](const Outputs& x) { return Softmax(x[0]); }},
    {"SumOfRows",
     {{300, 401}},
     [](const Outputs& x) { return Sum(x[0], {.axes = 1}); }},
    {"SumOfColumns",
     {{300, 401}},
     [](const Outputs& x) { return Sum(x[0], {.axes = 0}); }},
    {"SumOfAll", {{300, 401}}, [](const Outputs& x) { return Sum(x[0]); }},
    {"SumOfOuterAxes",
     {{30, 40, 101}},
     [](const Outputs& x) {
       return Sum(x[0], {.axes = {0, 2}});
     }},
    {"BiasAddGrad",
     {{300, 401}},
     [](const Outputs& x) { return BiasAddGrad(x[0]); }},
    {"MatMulByRows",
     {{257, 300}, {300, 130}},
     [](const Outputs& x) { return MatMul(x[0], x[1]); }},
    {"MatMulByColumns",
     {{3, 700}, {700, 4100}},
     [](const Outputs& x) { return MatMul(x[0], x[1]); }},
    {"MatMulTransposed",
     {{300, 257}, {130, 300}},
     [](const Outputs& x) {
       return MatMul(x[0], x[1], {.transpose_a = true, .transpose_b = true});
     }},
    {"BatchMatMul",
     {{20, 40, 50}, {20, 50, 60}},
     [](const Outputs& x) { return BatchMatMul(x[0], x[1]); }},
};

INSTANTIATE_TEST_SUITE_P(Kernels, ThreadsTest, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace weft
