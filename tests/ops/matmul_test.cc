#include "ops/matmul.h"

#include <cstdint>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(MatMulTest, MultipliesRowsAndColumns) {
  const Output a = In({2, 3}, {1, 2, 3, 4, 5, 6});
  const Output b = In({3, 2}, {1, 0, 0, 1, 1, 1});
  EXPECT_THAT(Evaluate(MatMul(a, b)),
              TensorEq(Tensor::Of<float>({2, 2}, {4, 5, 10, 11})));
}

TEST(MatMulTest, TransposesEither) {
  const Output a = In({2, 3}, {1, 2, 3, 4, 5, 6});
  const Output at = In({3, 2}, {1, 4, 2, 5, 3, 6});
  const Output b = In({3, 2}, {1, 0, 0, 1, 1, 1});
  const Output bt = In({2, 3}, {1, 0, 1, 0, 1, 1});
  EXPECT_THAT(Floats(MatMul(at, b, {.transpose_a = true})),
              ElementsAre(4, 5, 10, 11));
  EXPECT_THAT(Floats(MatMul(a, bt, {.transpose_b = true})),
              ElementsAre(4, 5, 10, 11));
  EXPECT_THAT(
      Floats(MatMul(at, bt, {.transpose_a = true, .transpose_b = true})),
      ElementsAre(4, 5, 10, 11));
}

TEST(MatMulTest, SumsNothingToZero) {
  EXPECT_THAT(Evaluate(MatMul(In({2, 0}, {}), In({0, 2}, {}))),
              TensorEq(Tensor::Of<float>({2, 2}, {0, 0, 0, 0})));
  EXPECT_THAT(Evaluate(MatMul(In({0, 3}, {}), In({3, 2}, {1, 2, 3, 4, 5, 6}))),
              TensorEq(Tensor::Of<float>({0, 2}, {})));
}

TEST(MatMulTest, MultipliesIntegers) {
  EXPECT_THAT(Ints(MatMul(InInts({1, 2}, {1, 2}), InInts({2, 1}, {3, 4}))),
              ElementsAre(11));
}

TEST(MatMulTest, SaysWhichSizeIsWrong) {
  const std::vector<float> ones(28 * 64);
  EXPECT_THAT(TryEvaluate(MatMul(
                  In(Tensor::Of<float>({1, 28}, std::vector<float>(28))),
                  In(Tensor::Of<float>({64, 10}, std::vector<float>(640))))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("b is [64, 10] but must be [k = 28, n]")));
}

TEST(MatMulTest, SaysWhileBuildingWhichSizeIsWrong) {
  MatMul(Shaped(DataType::kFloat, {-1, 28}),
         Shaped(DataType::kFloat, {64, 10}));
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("b is [64, 10] but must be [k = 28, n]")));
}

TEST(MatMulTest, RefusesVectors) {
  EXPECT_THAT(
      TryEvaluate(MatMul(In({1, 2}), In({1, 2}))),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("a is [2] and b is [2] but they must be matrices")));
}

TEST(MatMulTest, KnowsItsShape) {
  EXPECT_EQ(MatMul(Shaped(DataType::kFloat, {-1, 28}),
                   Shaped(DataType::kFloat, {10, 28}), {.transpose_b = true})
                .shape(),
            (TensorShape{-1, 10}));
}

// ---- Products of all sizes against three loops ------------------------------

struct Size {
  int64_t m, n, k;
};

Tensor RandomMatrix(int64_t rows, int64_t columns, DataType dtype) {
  std::mt19937 random(static_cast<uint32_t>(rows * 1000 + columns));
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<float> floats(rows * columns);
  for (float& v : floats) v = static_cast<float>(uniform(random));
  if (dtype == DataType::kFloat)
    return Tensor::Of<float>({rows, columns}, floats);
  return Tensor::Of<double>({rows, columns},
                            std::vector<double>(floats.begin(), floats.end()));
}

double Element(const Tensor& t, int64_t row, int64_t column, bool transposed) {
  if (transposed) std::swap(row, column);
  const int64_t i = row * t.dim(1) + column;
  return t.dtype() == DataType::kFloat ? t.data<float>()[i]
                                       : t.data<double>()[i];
}

class ProductTest : public ::testing::TestWithParam<Size> {
 protected:
  void Check(bool transpose_a, bool transpose_b, DataType dtype) {
    const auto [m, n, k] = GetParam();
    const Tensor a =
        transpose_a ? RandomMatrix(k, m, dtype) : RandomMatrix(m, k, dtype);
    const Tensor b =
        transpose_b ? RandomMatrix(n, k, dtype) : RandomMatrix(k, n, dtype);
    const Tensor product = Evaluate(
        MatMul(In(a), In(b),
               {.transpose_a = transpose_a, .transpose_b = transpose_b}));
    ASSERT_EQ(product.shape(), (TensorShape{m, n}));
    const double tolerance =
        dtype == DataType::kFloat ? 1e-5 * static_cast<double>(k) : 1e-12;
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t p = 0; p < k; ++p) {
          sum += Element(a, i, p, transpose_a) * Element(b, p, j, transpose_b);
        }
        ASSERT_NEAR(Element(product, i, j, false), sum, tolerance)
            << i << ", " << j;
      }
    }
  }
};

TEST_P(ProductTest, IsTheSumOfProducts) {
  for (const DataType dtype : {DataType::kFloat, DataType::kDouble}) {
    for (const bool transpose_a : {false, true}) {
      for (const bool transpose_b : {false, true})
        Check(transpose_a, transpose_b, dtype);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllSizes, ProductTest,
                         ::testing::Values(Size{1, 1, 1}, Size{1, 5, 3},
                                           Size{7, 1, 9}, Size{1, 65, 33},
                                           Size{3, 17, 40}, Size{33, 20, 11},
                                           Size{64, 30, 50}));

// ---- Batches ----------------------------------------------------------------

TEST(BatchMatMulTest, MultipliesMatrixByMatrix) {
  const Output x = In({2, 1, 2}, {1, 2, 3, 4});
  const Output y = In({2, 2, 1}, {1, 10, 100, 1000});
  EXPECT_THAT(Evaluate(BatchMatMul(x, y)),
              TensorEq(Tensor::Of<float>({2, 1, 1}, {21, 4300})));
}

TEST(BatchMatMulTest, TransposesEither) {
  const Output xt = In({2, 2, 1}, {1, 2, 3, 4});
  const Output yt = In({2, 1, 2}, {1, 10, 100, 1000});
  EXPECT_THAT(Evaluate(BatchMatMul(xt, yt, {.adj_x = true, .adj_y = true})),
              TensorEq(Tensor::Of<float>({2, 1, 1}, {21, 4300})));
}

TEST(BatchMatMulTest, TakesMatricesWithoutABatch) {
  EXPECT_THAT(Evaluate(BatchMatMul(In({1, 1}, {3}), In({1, 1}, {4}))),
              TensorEq(Tensor::Of<float>({1, 1}, {12})));
}

TEST(BatchMatMulTest, RefusesToBroadcast) {
  EXPECT_THAT(
      TryEvaluate(BatchMatMul(In({2, 1, 1}, {1, 2}), In({1, 1, 1}, {3}))),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("y is [1, 1, 1] but must have the leading axes of x, "
                         "[2, 1, 1]")));
}

TEST(BatchMatMulTest, SaysWhileBuildingWhatIsWrong) {
  BatchMatMul(Shaped(DataType::kFloat, {5, 2, 3}),
              Shaped(DataType::kFloat, {5, 4, 2}));
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("y is [5, 4, 2] but must have k = 3, not 4")));
}

TEST(BatchMatMulV2Test, BroadcastsLeadingAxes) {
  const Output x = In({2, 1, 1, 1}, {1, 2});
  const Output y = In({3, 1, 1}, {10, 20, 30});
  EXPECT_THAT(
      Evaluate(BatchMatMulV2(x, y)),
      TensorEq(Tensor::Of<float>({2, 3, 1, 1}, {10, 20, 30, 20, 40, 60})));
}

TEST(BatchMatMulV2Test, TakesEmptyBatchesAndEmptySums) {
  EXPECT_THAT(Evaluate(BatchMatMulV2(In({0, 1, 2}, {}), In({2, 1}, {1, 2}))),
              TensorEq(Tensor::Of<float>({0, 1, 1}, {})));
  EXPECT_THAT(Evaluate(BatchMatMulV2(In({2, 1, 0}, {}), In({0, 1}, {}))),
              TensorEq(Tensor::Of<float>({2, 1, 1}, {0, 0})));
}

TEST(BatchMatMulV2Test, SaysWhichSizeIsWrong) {
  EXPECT_THAT(
      TryEvaluate(BatchMatMulV2(In({2, 1, 1}, {1, 2}), In({2, 1}, {3, 4}))),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("y is [2, 1] but must be [k = 1, n]")));
}

}  // namespace
}  // namespace weft
