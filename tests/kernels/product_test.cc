#include "kernels/product.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "tests/kernels/instruction_sets.h"

namespace weft {
namespace {

template <typename T>
std::vector<T> Numbers(int64_t size, uint32_t state) {
  std::vector<T> values(size);
  for (T& v : values) {
    state = state * 1664525 + 1013904223;
    v = static_cast<T>(state >> 8) / (1 << 23) - 1;
  }
  return values;
}

template <typename T>
struct Problem {
  Problem(int64_t m, int64_t n, int64_t k)
      : a(Numbers<T>(m * k, 1)),
        b(Numbers<T>(k * n, 2)),
        addend(Numbers<T>(m * n, 3)),
        packed(PackedElements<T>(k, n)),
        c(m * n) {
    PackMatrix(b.data(), n, int64_t{1}, k, n, packed.data());
    product.m = m;
    product.n = n;
    product.k = k;
    product.a = a.data();
    product.a_stride = k;
    product.packed_b = packed.data();
    product.c = c.data();
    product.c_stride = n;
  }

  double Exact(int64_t i, int64_t j) const {
    double sum = product.addend == nullptr
                     ? 0
                     : product.addend[i * product.addend_stride + j];
    for (int64_t p = 0; p < product.k; ++p)
      sum += static_cast<double>(a[i * product.a_stride + p]) *
             b[p * product.n + j];
    return sum;
  }

  void Check(double tolerance) const {
    for (int64_t i = 0; i < product.m; ++i) {
      for (int64_t j = 0; j < product.n; ++j) {
        ASSERT_NEAR(c[i * product.n + j], Exact(i, j),
                    tolerance * (1 + std::sqrt(product.k)))
            << "m " << product.m << " n " << product.n << " k " << product.k
            << " at " << i << ", " << j;
      }
    }
  }

  std::vector<T> a, b, addend, packed, c;
  PackedProduct<T> product;
};

template <typename T>
void CheckSizes(double tolerance) {
  ThreadPool pool(1);
  for (int64_t m : {1, 2, 3, 4, 5, 7, 11, 12, 13, 24, 25, 100, 200}) {
    for (int64_t n : {1, 5, 16, 31, 32, 33, 64, 128, 130, 200}) {
      for (int64_t k : {1, 2, 17, 64}) {
        Problem<T> p(m, n, k);
        ComputeProduct(p.product, pool);
        p.Check(tolerance);
        p.product.addend = p.addend.data();
        p.product.addend_stride = n;
        p.product.backwards = true;
        ComputeProduct(p.product, pool);
        p.Check(tolerance);
        p.product.addend_stride = 0;
        ComputeProduct(p.product, pool);
        p.Check(tolerance);
        if (::testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(ProductTest, IsRightForAllSizes) {
  for (int64_t target : InstructionSets()) {
    const UseInstructionSet use(target);
    SCOPED_TRACE(hwy::TargetName(target));
    CheckSizes<float>(1e-6);
    CheckSizes<double>(1e-15);
    if (HasFailure()) return;
  }
}

// ---- Less precise matrices --------------------------------------------------

// A product with a matrix that is packed as W.
template <typename W>
std::vector<float> ProductOf(const Problem<float>& problem, int threads) {
  const PackedProduct<float>& p = problem.product;
  ThreadPool pool(threads);
  std::vector<W> packed(PackedElements<W>(p.k, p.n));
  PackMatrix(problem.b.data(), p.n, int64_t{1}, p.k, p.n, packed.data());
  std::vector<float> c(p.m * p.n), scratch(ProductScratchBytes<W>(p.m, p.k));
  PackedProduct<float, W> product;
  product.m = p.m;
  product.n = p.n;
  product.k = p.k;
  product.a = problem.a.data();
  product.a_stride = p.k;
  product.packed_b = packed.data();
  product.addend = p.addend;
  product.addend_stride = p.addend_stride;
  product.c = c.data();
  product.c_stride = p.n;
  product.backwards = threads > 1;
  product.scratch = scratch.data();
  ComputeProduct(product, pool);
  return c;
}

TEST(ProductTest, Bfloat16RoundsTheMatrixAlone) {
  for (int64_t target : InstructionSets()) {
    const UseInstructionSet use(target);
    SCOPED_TRACE(hwy::TargetName(target));
    for (int64_t m : {1, 3, 8, 20}) {
      for (int64_t n : {1, 33, 130}) {
        Problem<float> p(m, n, 37);
        p.product.addend = p.addend.data();
        p.product.addend_stride = n;
        const std::vector<float> c = ProductOf<Bfloat16>(p, 1);
        for (float& b : p.b) b = ToFloat(ToBfloat16(b));
        for (int64_t i = 0; i < m * n; ++i)
          ASSERT_NEAR(c[i], p.Exact(i / n, i % n), 1e-5) << m << " " << n;
      }
    }
  }
}

// Steps of a column or row: as many as fit, up to 127.
float StepOf(const float* x, int64_t n, int64_t stride) {
  float largest = 0;
  for (int64_t i = 0; i < n; ++i)
    largest = std::max(largest, std::fabs(x[i * stride]));
  return largest / 127;
}

float Rounded(float x, float step) {
  return step == 0 ? 0 : std::nearbyint(x / step) * step;
}

TEST(ProductTest, Int8RoundsToStepsOfRowsAndColumns) {
  for (int64_t target : InstructionSets()) {
    const UseInstructionSet use(target);
    SCOPED_TRACE(hwy::TargetName(target));
    for (int64_t m : {1, 2, 3, 5, 8, 20}) {
      for (int64_t n : {1, 31, 32, 130, 300}) {
        for (int64_t k : {1, 4, 37, 100}) {
          Problem<float> p(m, n, k);
          p.product.addend = p.addend.data();
          p.product.addend_stride = n;
          const std::vector<float> c = ProductOf<int8_t>(p, 1);
          const std::vector<float> a = p.a, b = p.b;
          for (int64_t i = 0; i < m * k; ++i)
            p.a[i] = Rounded(a[i], StepOf(&a[i / k * k], k, 1));
          for (int64_t i = 0; i < k * n; ++i)
            p.b[i] = Rounded(b[i], StepOf(&b[i % n], k, n));
          // A step that lies in the middle may be rounded to either side.
          const double tolerance = 1e-5 + 1.0 / 127 / 127 + 2.0 / 127;
          double sum = 0;
          for (int64_t i = 0; i < m * n; ++i) {
            const double error = std::fabs(c[i] - p.Exact(i / n, i % n));
            ASSERT_LE(error, tolerance) << m << " " << n << " " << k;
            sum += error;
          }
          // Which is seldom.
          EXPECT_LE(sum / (m * n), 1e-3) << m << " " << n << " " << k;
        }
      }
    }
  }
}

TEST(ProductTest, Int8PassesOnWhatIsNoNumber) {
  Problem<float> p(3, 40, 9);
  p.a[9 + 4] = NAN;
  p.a[2 * 9] = INFINITY;
  p.b[7] = -INFINITY;
  const std::vector<float> c = ProductOf<int8_t>(p, 1);
  for (int64_t i = 0; i < 3 * 40; ++i)
    EXPECT_EQ(std::isnan(c[i]), i / 40 > 0 || i % 40 == 7) << i;
}

TEST(ProductTest, Int8OfZerosIsTheAddend) {
  Problem<float> p(2, 40, 9);
  p.product.addend = p.addend.data();
  p.product.addend_stride = 40;
  std::fill(p.a.begin(), p.a.begin() + 9, 0.0f);
  for (int64_t i = 0; i < 9; ++i) p.b[i * 40 + 3] = 0;
  const std::vector<float> c = ProductOf<int8_t>(p, 1);
  for (int64_t j = 0; j < 40; ++j) EXPECT_EQ(c[j], p.addend[j]);
  EXPECT_EQ(c[43], p.addend[43]);
}

TEST(ProductTest, ThreadsDoNotChangeBitsOfLessPreciseProducts) {
  for (int64_t m : {1, 7, 33}) {
    const Problem<float> p(m, 2000, 512);
    EXPECT_EQ(ProductOf<int8_t>(p, 1), ProductOf<int8_t>(p, 4));
    EXPECT_EQ(ProductOf<Bfloat16>(p, 1), ProductOf<Bfloat16>(p, 4));
  }
}

// ---- Edges ------------------------------------------------------------------

TEST(ProductTest, NothingIsSummedUpOfNoColumns) {
  ThreadPool pool(1);
  Problem<float> p(3, 40, 0);
  p.product.addend = p.addend.data();
  p.product.addend_stride = 40;
  ComputeProduct(p.product, pool);
  EXPECT_EQ(p.c, p.addend);
}

TEST(ProductTest, TransposesWhilePacking) {
  const std::vector<float> b = {1, 2, 3, 4, 5, 6};  // [2, 3]
  std::vector<float> packed(PackedElements<float>(3, 2));
  PackMatrix(b.data(), int64_t{1}, int64_t{3}, 3, 2, packed.data());
  const int64_t columns = PanelColumns<float>();
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(packed[i * columns], b[i]);
    EXPECT_EQ(packed[i * columns + 1], b[3 + i]);
    EXPECT_EQ(packed[i * columns + 2], 0);
  }
}

TEST(ProductTest, ThreadsAndOrderDoNotChangeBits) {
  for (int64_t m : {1, 2, 3, 32, 50}) {
    Problem<float> p(m, 1000, 512);
    ThreadPool one(1), four(4);
    ComputeProduct(p.product, one);
    const std::vector<float> expected = p.c;
    for (bool backwards : {false, true}) {
      p.product.backwards = backwards;
      std::fill(p.c.begin(), p.c.end(), -1.0f);
      ComputeProduct(p.product, four);
      EXPECT_EQ(p.c, expected) << m;
    }
  }
}

}  // namespace
}  // namespace weft
