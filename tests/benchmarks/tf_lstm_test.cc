#include "benchmarks/tf_lstm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "graph/import.h"
#include "runtime/session.h"

namespace weft {
namespace {

constexpr int64_t kBatch = 2, kTime = 3, kDepth = 2, kUnits = 1;

// The cell's equations in double precision: gates i, j, f, o, of
//   c' = sigmoid(f + 1) * c + sigmoid(i) * tanh(j);  h' = sigmoid(o) * tanh(c')
std::vector<float> Expected(const Tensor& x, const TfLstmWeights& weights) {
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  std::vector<float> y;
  for (int64_t row = 0; row < kBatch; ++row) {
    double c = 0, h = 0;
    for (int64_t t = 0; t < kTime; ++t) {
      const float* x_t = &x.data<float>()[(row * kTime + t) * kDepth];
      double z[4];
      for (int gate = 0; gate < 4; ++gate) {
        const auto w = [&](int k) {
          return weights.kernel.data<float>()[k * 4 + gate];
        };
        z[gate] = x_t[0] * w(0) + x_t[1] * w(1) + h * w(2) +
                  weights.bias.data<float>()[gate];
      }
      c = sigmoid(z[2] + 1) * c + sigmoid(z[0]) * std::tanh(z[1]);
      h = sigmoid(z[3]) * std::tanh(c);
      y.push_back(h);
    }
  }
  return y;
}

TEST(TfLstmTest, BothFormsComputeTheCell) {
  const Tensor x = Tensor::Of<float>({kBatch, kTime, kDepth},
                                     {.1f, -.7f, .3f, .9f, -.5f, .2f,  //
                                      1.f, .4f, -.2f, .6f, .8f, -.9f});
  const TfLstmWeights weights = {
      Tensor::Of<float>({kDepth + kUnits, 4}, {.5f, -.4f, .3f, .2f, -.6f, .7f,
                                               .1f, -.3f, .9f, -.8f, .4f, .6f}),
      Tensor::Of<float>({4}, {.1f, -.2f, .3f, .05f})};
  const std::vector<float> expected = Expected(x, weights);
  for (const proto::GraphDef& def :
       {TfStaticLstm(weights, kTime), TfDynamicLstm(weights)}) {
    for (bool passes : {false, true}) {
      const auto graph = ImportGraphDef(def);
      ASSERT_TRUE(graph.ok()) << graph.status();
      const auto session = Session::Create(
          **graph, {.num_threads = 1, .passes = {.enabled = passes}});
      ASSERT_TRUE(session.ok()) << session.status();
      const auto y = (*session)->Run({{"x:0", x}}, {"y:0"});
      ASSERT_TRUE(y.ok()) << y.status();
      ASSERT_EQ((*y)[0].shape(), TensorShape({kBatch, kTime, kUnits}));
      for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_NEAR((*y)[0].data<float>()[i], expected[i], 1e-6) << i;
    }
  }
}

}  // namespace
}  // namespace weft
