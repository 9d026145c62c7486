// SessionOptions.precision.
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/cells.h"
#include "layers/recurrent.h"
#include "ops/control_flow.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "train/optimizers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

class PrecisionTest : public ::testing::Test {
 protected:
  Tensor Random(const TensorShape& shape) {
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> values(shape.num_elements());
    for (float& v : values) v = uniform(random_);
    return Tensor::Of<float>(shape, values);
  }

  // The results with the weights of the first session of the test.
  Tensor RunWith(const SessionOptions& options, const Tensor& x) {
    auto session = Session::Create(g, options);
    EXPECT_OK(session.status());
    if (weights_.empty()) {
      EXPECT_OK((*session)->Initialize());
      weights_ = (*session)->GetVariables();
    } else {
      EXPECT_OK((*session)->SetVariables(weights_));
    }
    auto callable =
        (*session)->Prepare({.feeds = {input.name()}, .fetches = {y.name()}});
    EXPECT_OK(callable.status());
    std::vector<Tensor> results;
    EXPECT_OK((*callable)->Run({x}, &results));
    plan_ = (*callable)->DescribePlan();
    return results.empty() ? Tensor() : results[0];
  }

  static double LargestDifference(const Tensor& a, const Tensor& b) {
    double largest = 0;
    for (int64_t i = 0; i < a.num_elements(); ++i) {
      largest = std::max<double>(
          largest, std::fabs(a.data<float>()[i] - b.data<float>()[i]));
    }
    return largest;
  }

  Graph g{{.mode = ModeKeys::kPredict, .seed = 5}};
  Output input = Placeholder(g, "x", DataType::kFloat, {-1, -1, 24});
  Output y =
      lstm(input,
           {.units = 40, .num_layers = 2, .return_seq = true, .dynamic = true});
  std::map<std::string, Tensor> weights_;
  std::string plan_;
  std::mt19937 random_{1};
};

TEST_F(PrecisionTest, LessPreciseWeightsGiveNumbersNearby) {
  for (int64_t batch : {1, 5}) {
    const Tensor x = Random({batch, 17, 24});
    const Tensor exact = RunWith({}, x);
    EXPECT_THAT(plan_, HasSubstr("4 products with packed operands"));
    const Tensor bf16 = RunWith({.precision = Precision::kBfloat16}, x);
    EXPECT_THAT(plan_, HasSubstr("4 products with bfloat16 operands"));
    const Tensor int8 = RunWith({.precision = Precision::kInt8}, x);
    EXPECT_THAT(plan_, HasSubstr("4 products with int8 operands"));
    // Of what is rounded, 2^-9 and 1/254 are lost at most; sums lose less.
    EXPECT_GT(LargestDifference(bf16, exact), 0);
    EXPECT_LT(LargestDifference(bf16, exact), 0.004);
    EXPECT_GT(LargestDifference(int8, exact), 0);
    EXPECT_LT(LargestDifference(int8, exact), 0.01);
  }
}

TEST_F(PrecisionTest, BitsDoNotDependOnThreads) {
  const Tensor x = Random({9, 11, 24});
  for (Precision precision : {Precision::kBfloat16, Precision::kInt8}) {
    const Tensor one = RunWith({.num_threads = 1, .precision = precision}, x);
    const Tensor four = RunWith({.num_threads = 4, .precision = precision}, x);
    EXPECT_THAT(four, TensorEq(one));
  }
}

// Of so many products of the largest steps the sum is beyond int32.
TEST_F(PrecisionTest, LongSumsAreOfFloats) {
  constexpr int64_t kLong = 140000;
  Graph loop;
  const Output x = Placeholder(loop, "x", DataType::kFloat, {1, kLong});
  const Output w = Placeholder(loop, "w", DataType::kFloat, {kLong, 2});
  const Outputs out = While(
      {Const(loop, 0), x, Zeros(loop, DataType::kFloat, {1, 2})},
      [](const Outputs& v) { return Less(v[0], ScalarLike(v[0], 2)); },
      [&](const Outputs& v) {
        const Output next = Abs(v[1]);
        return Outputs{v[0] + 1, next, v[2] + MatMul(next, w)};
      });
  ASSERT_OK_AND_ASSIGN(auto session,
                       Session::Create(loop, {.precision = Precision::kInt8}));
  const std::vector<float> ones(2 * kLong, 1.0f);
  ASSERT_OK_AND_ASSIGN(
      const std::vector<Tensor> sums,
      session->Run({{x, Tensor::Of<float>({1, kLong},
                                          absl::MakeSpan(ones).subspan(kLong))},
                    {w, Tensor::Of<float>({kLong, 2}, ones)}},
                   {out[2]}));
  EXPECT_THAT(sums[0],
              TensorEq(Tensor::Of<float>({1, 2}, {2 * kLong, 2 * kLong})));
}

TEST_F(PrecisionTest, DoublesStayAsTheyAre) {
  Graph doubles({.mode = ModeKeys::kPredict, .seed = 5});
  const Output x = Placeholder(doubles, "x", DataType::kDouble, {-1, -1, 3});
  const Output out = lstm(x, {.units = 4, .dynamic = true});
  std::vector<Tensor> results[2];
  const Tensor value =
      Tensor::Of<double>({1, 2, 3}, {0.1, 0.2, 0.3, -0.4, 0.5, 0.6});
  for (int i : {0, 1}) {
    ASSERT_OK_AND_ASSIGN(
        auto session,
        Session::Create(doubles, {.precision = i == 0 ? Precision::kFloat32
                                                      : Precision::kInt8}));
    ASSERT_OK(session->Initialize());
    ASSERT_OK_AND_ASSIGN(results[i], session->Run({{x, value}}, {out}));
  }
  EXPECT_THAT(results[1][0], TensorEq(results[0][0]));
}

TEST_F(PrecisionTest, IsNotForTraining) {
  Graph training({.mode = ModeKeys::kTrain, .seed = 5});
  const Output x = Placeholder(training, "x", DataType::kFloat, {2, 5, 3});
  const Output out = lstm(x, {.units = 4, .dynamic = true});
  GradientDescent descent({.learning_rate = 0.1});
  const TrainStep step = Minimize(Sum(out), descent);
  for (Precision precision : {Precision::kBfloat16, Precision::kInt8}) {
    ASSERT_OK_AND_ASSIGN(auto session,
                         Session::Create(training, {.precision = precision}));
    ASSERT_OK(session->Initialize());
    EXPECT_THAT(session->Run({{x, Random({2, 5, 3})}}, {}, {step.node->name()})
                    .status(),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("is changed, but its products at "),
                               HasSubstr("which is for inference alone"))));
    EXPECT_OK(session->Run({{x, Random({2, 5, 3})}}, {out}).status());
  }
}

TEST_F(PrecisionTest, NeedsThePasses) {
  EXPECT_THAT(
      Session::Create(
          g, {.passes = {.enabled = false}, .precision = Precision::kInt8})
          .status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "SessionOptions.precision is int8 but the passes that make it "
               "so are switched off"));
}

}  // namespace
}  // namespace weft
