// Layers that are not recurrent, activations, and initial values.
#include "layers/core.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/initializers.h"
#include "layers/weights.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

// ---- dense, embedding ------------------------------------------------------

TEST(DenseTest, IsAMatrixProductAndABias) {
  Program p;
  Output x = p.Fed(Tensor::Of<float>({2, 2}, {1, 2, 3, 4}));
  Output y = dense(x, {.units = 2,
                       .weights_init = Tensor::Of<float>({2, 2}, {1, 0, 0, -1}),
                       .bias_init = "ones"});
  EXPECT_THAT(p.Run(y), TensorEq(Tensor::Of<float>({2, 2}, {2, -1, 4, -3})));
}

TEST(DenseTest, WorksOnTheLastOfManyAxes) {
  Program p;
  const Tensor value = RandomTensor({2, 3, 4});
  Output x = p.Fed(value, {-1, -1, 4});
  Output y = dense(x, {.units = 5, .activation = "relu", .scope = "d"});
  Output rows = p.Fed(value.Reshaped({6, 4}));
  Output z = dense(
      rows, {.units = 5, .activation = "relu", .reuse = true, .scope = "d"});
  EXPECT_EQ(y.shape(), TensorShape({-1, -1, 5}));
  const std::vector<Tensor> v = p.Run({y, z});
  EXPECT_THAT(v[0], TensorEq(v[1].Reshaped({2, 3, 5})));
}

TEST(EmbeddingTest, TakesRows) {
  Program p;
  Output ids = p.Fed(Tensor::Of<int32_t>({2, 2}, {2, 0, 0, 1}));
  Output y = embedding(
      ids, {.input_dim = 3,
            .output_dim = 2,
            .weights_init = Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6})});
  EXPECT_THAT(p.Run(y),
              TensorEq(Tensor::Of<float>({2, 2, 2}, {5, 6, 1, 2, 1, 2, 3, 4})));
}

TEST(EmbeddingTest, GradientsOfOneRowAddUp) {
  Program p;
  Output ids = p.Fed(Tensor::Vector<int64_t>({1, 1, 0}));
  Output y = embedding(ids, {.input_dim = 3, .output_dim = 2, .scope = "e"});
  const Variable table = GetVariable(p.graph(), "e/embeddings");
  EXPECT_THAT(p.Run(Gradients({y}, {table.read()})[0]),
              TensorEq(Tensor::Of<float>({3, 2}, {1, 1, 2, 2, 0, 0})));
}

TEST(EmbeddingTest, AnIdOutOfRangeFailsTheRun) {
  for (int32_t wrong : {-1, 3}) {
    Program p;
    Output y = embedding(p.Fed(Tensor::Vector<int32_t>({0, wrong})),
                         {.input_dim = 3, .output_dim = 2});
    EXPECT_THAT(p.TryRun({y}), Not(IsOk()));
  }
}

// ---- Activations -----------------------------------------------------------

TEST(ActivationTest, HasTheNamesOfTheDocuments) {
  const double x = 0.7;
  const std::map<std::string, double> kExpected = {
      {"linear", x},
      {"tanh", std::tanh(x)},
      {"sigmoid", 1 / (1 + std::exp(-x))},
      {"hard_sigmoid", 0.2 * x + 0.5},
      {"relu", x},
      {"relu6", x},
      {"leaky_relu", x},
      {"elu", x},
      {"selu", 1.0507009873554805 * x},
      {"softplus", std::log1p(std::exp(x))},
      {"softsign", x / (1 + x)},
      {"softmax", 1},
  };
  Program p;
  Output v = p.Fed(Tensor::Of<float>({1, 1}, {0.7f}));
  for (const auto& [name, expected] : kExpected) {
    EXPECT_TRUE(Activation(name).known()) << name;
    EXPECT_THAT(Activation::Names(), HasSubstr(name));
  }
  Outputs ys;
  for (const auto& [name, expected] : kExpected)
    ys.push_back(Activation(name)(v));
  const std::vector<Tensor> values = p.Run(ys);
  size_t k = 0;
  for (const auto& [name, expected] : kExpected) {
    EXPECT_NEAR(values[k++].scalar<float>(), expected, 1e-6) << name;
  }
}

TEST(ActivationTest, MayBeAFunctionOrNone) {
  Program p;
  Output v = p.Fed(Tensor::Of<float>({1}, {3}));
  const std::vector<Tensor> values =
      p.Run({Activation([](Output x) { return Square(x); })(v),
             Activation(kNone)(v)});
  EXPECT_EQ(values[0].scalar<float>(), 9);
  EXPECT_EQ(values[1].scalar<float>(), 3);
}

TEST(ActivationTest, OfAnUnknownNameIsAnError) {
  Program p;
  Activation("tahn")(p.Random({1}));
  EXPECT_THAT(p.graph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("there is no activation 'tahn'")));
}

// ---- Initial values --------------------------------------------------------

// The initial value of a variable of this shape.
Tensor Initial(const Initializer& initializer, const TensorShape& shape,
               int64_t seed = 7, DataType dtype = DataType::kFloat) {
  Program p({.seed = seed});
  MakeWeight(p.graph(), {.name = "w",
                         .shape = shape,
                         .dtype = dtype,
                         .initializer = initializer});
  p.Run(p.Random({1}));
  const auto value = p.session().GetVariable("w");
  EXPECT_OK(value);
  return value.ok() ? *value : Tensor();
}

struct Moments {
  double mean = 0;
  double variance = 0;
  float least = 0;
  float most = 0;
};

Moments MomentsOf(const Tensor& t) {
  Moments m;
  const double n = static_cast<double>(t.num_elements());
  for (float v : t.data<float>()) m.mean += v / n;
  for (float v : t.data<float>()) m.variance += (v - m.mean) * (v - m.mean) / n;
  m.least = *std::min_element(t.data<float>().begin(), t.data<float>().end());
  m.most = *std::max_element(t.data<float>().begin(), t.data<float>().end());
  return m;
}

// Of a normal cut at two deviations, the deviation is less by this factor.
constexpr double kCut = 0.87962566103423978;

struct Distribution {
  const char* name;
  Initializer initializer;
  double mean;
  double deviation;
  double bound;  // Of the distance from the mean; 0: none.
};

double OfUniform(double half_width) { return half_width / std::sqrt(3.0); }

TEST(InitializerTest, HasTheStatisticsOfItsName) {
  // [400, 300]: fan in 400, fan out 300.
  const double glorot = std::sqrt(6.0 / 700);
  const double tf_factor = std::sqrt(1.3 * 2 / 400);
  const Distribution kDistributions[] = {
      {"uniform", "uniform", 0.5, OfUniform(0.5), 0.5},
      {"normal", "normal", 0, 0.02, 0},
      {"truncated_normal", "truncated_normal", 0, 0.02 * kCut, 0.04},
      {"uniform_scaling", "uniform_scaling", 0, OfUniform(std::sqrt(3.0 / 400)),
       std::sqrt(3.0 / 400)},
      {"variance_scaling", "variance_scaling", 0, tf_factor * kCut,
       2 * tf_factor},
      {"xavier", "xavier", 0, OfUniform(glorot), glorot},
      {"none", kNone, 0, OfUniform(glorot), glorot},
      {"Uniform", initializers::Uniform(), 0, OfUniform(0.05), 0.05},
      {"Normal", initializers::Normal({.mean = 1}), 1, 0.05, 0},
      {"GlorotNormal", initializers::GlorotNormal(), 0,
       std::sqrt(1 / 350.0) * kCut, 2 * std::sqrt(1 / 350.0)},
      {"HeUniform", "he_uniform", 0, OfUniform(std::sqrt(6.0 / 400)),
       std::sqrt(6.0 / 400)},
      {"HeNormal", "he_normal", 0, std::sqrt(2 / 400.0) * kCut,
       2 * std::sqrt(2 / 400.0)},
      {"LecunUniform", "lecun_uniform", 0, OfUniform(std::sqrt(3.0 / 400)),
       std::sqrt(3.0 / 400)},
      {"LecunNormal", "lecun_normal", 0, std::sqrt(1 / 400.0) * kCut,
       2 * std::sqrt(1 / 400.0)},
      {"FanOut",
       initializers::VarianceScaling(
           {.mode = "fan_out", .distribution = "uniform"}),
       0, OfUniform(std::sqrt(3.0 / 300)), std::sqrt(3.0 / 300)},
  };
  for (const Distribution& d : kDistributions) {
    SCOPED_TRACE(d.name);
    const Tensor value = Initial(d.initializer, {400, 300});
    const Moments m = MomentsOf(value);
    const double n = static_cast<double>(value.num_elements());
    EXPECT_NEAR(m.mean, d.mean, 4 * d.deviation / std::sqrt(n));
    EXPECT_NEAR(m.variance, d.deviation * d.deviation,
                0.05 * d.deviation * d.deviation);
    if (d.bound == 0) continue;
    const float limit = static_cast<float>(d.bound * (1 + 1e-6));
    const float mean = static_cast<float>(d.mean);
    EXPECT_GE(m.least, mean - limit);
    EXPECT_LE(m.most, mean + limit);
  }
}

TEST(InitializerTest, Constants) {
  EXPECT_THAT(Initial("zeros", {3}).data<float>(), Each(0));
  EXPECT_THAT(Initial("ones", {3}).data<float>(), Each(1));
  EXPECT_THAT(Initial(initializers::Constant(2.5), {2, 2}).data<float>(),
              Each(2.5f));
}

TEST(InitializerTest, FansOfAConvolutionIncludeItsField) {
  const Tensor value = Initial("glorot_uniform", {3, 3, 20, 40});
  const float limit =
      static_cast<float>(std::sqrt(6.0 / (9 * 60)) * (1 + 1e-6));
  const Moments m = MomentsOf(value);
  EXPECT_GE(m.least, -limit);
  EXPECT_LE(m.most, limit);
  EXPECT_NEAR(m.variance, limit * limit / 3, 0.05 * limit * limit / 3);
}

TEST(InitializerTest, EqualSeedsGiveEqualValuesAndOthersDoNot) {
  for (const char* name :
       {"xavier", "normal", "truncated_normal", "orthogonal"}) {
    SCOPED_TRACE(name);
    EXPECT_THAT(Initial(name, {4, 4}), TensorEq(Initial(name, {4, 4})));
    EXPECT_THAT(Initial(name, {4, 4}, 8), Not(TensorEq(Initial(name, {4, 4}))));
  }
  const Initializer own = initializers::GlorotUniform({.seed = 3});
  EXPECT_THAT(Initial(own, {4, 4}, 8), TensorEq(Initial(own, {4, 4}, 7)));
}

// q * q^T, or q^T * q if `columns`.
std::vector<double> Products(const Tensor& q, bool columns) {
  const int64_t n = columns ? q.dim(1) : q.dim(0);
  const int64_t m = columns ? q.dim(0) : q.dim(1);
  const auto at = [&](int64_t i, int64_t k) {
    return static_cast<double>(
        q.data<float>()[columns ? k * q.dim(1) + i : i * q.dim(1) + k]);
  };
  std::vector<double> products(n * n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t k = 0; k < m; ++k)
        products[i * n + j] += at(i, k) * at(j, k);
    }
  }
  return products;
}

TEST(OrthogonalTest, TheFewerOfRowsAndColumnsAreOrthonormal) {
  for (const TensorShape& shape :
       {TensorShape{5, 20}, {20, 5}, {6, 6}, {1, 1}}) {
    SCOPED_TRACE(shape.ToString());
    const Tensor q = Initial("orthogonal", shape);
    const bool columns = shape.dim(0) > shape.dim(1);
    const std::vector<double> products = Products(q, columns);
    const int64_t n = columns ? q.dim(1) : q.dim(0);
    for (int64_t i = 0; i < n * n; ++i) {
      EXPECT_NEAR(products[i], i % (n + 1) == 0 ? 1 : 0, 1e-5);
    }
  }
}

TEST(OrthogonalTest, IsScaledByItsGain) {
  const Tensor q =
      Initial(initializers::Orthogonal({.gain = 1.1, .seed = 1}), {3, 12});
  EXPECT_NEAR(Products(q, false)[0], 1.21, 1e-5);
}

TEST(OrthogonalTest, WorksInDouble) {
  const Tensor q = Initial("orthogonal", {3, 3}, 7, DataType::kDouble);
  double length = 0;
  for (int i = 0; i < 3; ++i)
    length += q.data<double>()[i] * q.data<double>()[i];
  EXPECT_NEAR(length, 1, 1e-12);
}

TEST(IdentityTest, IsTheIdentityTimesItsGain) {
  EXPECT_THAT(Initial(initializers::Identity({.gain = 2}), {2, 2}),
              TensorEq(Tensor::Of<float>({2, 2}, {2, 0, 0, 2})));
}

}  // namespace
}  // namespace weft
