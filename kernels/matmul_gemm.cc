#include <algorithm>
#include <bit>
#include <new>
#include <type_traits>

#include "Eigen/Core"
#include "core/status.h"
#include "kernels/crossovers.h"
#include "kernels/elementwise.h"
#include "kernels/first_error.h"
#include "kernels/gemm.h"
#include "kernels/one_omp_thread.h"
#include "oneapi/dnnl/dnnl.h"

namespace weft {
namespace {

// Blocks of rows and columns that libraries work well on.
constexpr int64_t kRowBlock = 16;
constexpr int64_t kColumnBlock = 64;
constexpr int64_t kMaxBlocks = 8;

// A block of a product, with the row strides of the whole.
struct Block {
  int64_t m, n, k;
  int64_t lda, ldb, ldc;
  bool transpose_a, transpose_b;
  bool accumulate;
};

template <typename T>
absl::Status PlainProduct(const Block& s, const T* a, const T* b, T* c) {
  const int64_t a_row = s.transpose_a ? 1 : s.lda;
  const int64_t a_column = s.transpose_a ? s.lda : 1;
  const int64_t b_row = s.transpose_b ? 1 : s.ldb;
  const int64_t b_column = s.transpose_b ? s.ldb : 1;
  for (int64_t i = 0; i < s.m; ++i) {
    T* row = c + i * s.ldc;
    if (!s.accumulate) std::fill_n(row, s.n, T{0});
    for (int64_t p = 0; p < s.k; ++p) {
      const T x = a[i * a_row + p * a_column];
      const T* y = b + p * b_row;
      for (int64_t j = 0; j < s.n; ++j) {
        row[j] = WrappingAdd(row[j], WrappingMul(x, y[j * b_column]));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status LibraryProduct(const Block& s, const float* a, const float* b,
                            float* c) {
  const OneOmpThread one_thread;
  const dnnl_status_t status = dnnl_sgemm(
      s.transpose_a ? 'T' : 'N', s.transpose_b ? 'T' : 'N', s.m, s.n, s.k,
      /*alpha=*/1.0f, a, s.lda, b, s.ldb, /*beta=*/s.accumulate ? 1.0f : 0.0f,
      c, s.ldc);
  if (status == dnnl_success) return absl::OkStatus();
  if (status == dnnl_out_of_memory) {
    return ResourceExhausted("oneDNN has not enough memory for the product");
  }
  return Internal("oneDNN fails with status ", static_cast<int>(status));
}

absl::Status LibraryProduct(const Block& s, const double* a, const double* b,
                            double* c) {
  using Matrix =
      Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Stride = Eigen::OuterStride<>;
  const Eigen::Map<const Matrix, 0, Stride> x(
      a, s.transpose_a ? s.k : s.m, s.transpose_a ? s.m : s.k, Stride(s.lda));
  const Eigen::Map<const Matrix, 0, Stride> y(
      b, s.transpose_b ? s.n : s.k, s.transpose_b ? s.k : s.n, Stride(s.ldb));
  Eigen::Map<Matrix, 0, Stride> z(c, s.m, s.n, Stride(s.ldc));
  try {
    if (!s.accumulate) z.setZero();
    if (s.transpose_a && s.transpose_b) {
      z.noalias() += x.transpose() * y.transpose();
    } else if (s.transpose_a) {
      z.noalias() += x.transpose() * y;
    } else if (s.transpose_b) {
      z.noalias() += x * y.transpose();
    } else {
      z.noalias() += x * y;
    }
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("Eigen has not enough memory for the product");
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status Product(const Block& s, const T* a, const T* b, T* c) {
  if constexpr (std::is_floating_point_v<T>) {
    // k fits: the operands are in memory. m * n does, too.
    if (s.m * s.n > crossover::kLibraryCall / s.k)
      return LibraryProduct(s, a, b, c);
  }
  return PlainProduct(s, a, b, c);
}

// Blocks of how many of `size` rows (columns), each of `work` multiplications:
// a power of two of them, so that threads can share them evenly. Few are cut in
// two all the same.
int64_t Grain(int64_t size, int64_t work, int64_t block) {
  const int64_t worth =
      size * std::max<int64_t>(work, 1) / crossover::kLibraryProduct;
  const int64_t most =
      std::min({worth, std::max<int64_t>(size / crossover::kLibraryRows, 2),
                kMaxBlocks});
  const int64_t blocks =
      std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(most, 1)));
  const int64_t wanted = (size + blocks - 1) / blocks;
  return (wanted + block - 1) / block * block;
}

}  // namespace

template <typename T>
absl::Status Gemm(const GemmShape& shape, const T* a, const T* b, T* c,
                  ThreadPool& pool) {
  const int64_t m = shape.m, n = shape.n, k = shape.k;
  if (m == 0 || n == 0) return absl::OkStatus();
  if (k == 0) {
    if (!shape.accumulate) std::fill_n(c, m * n, T{0});
    return absl::OkStatus();
  }
  const bool transpose_a = shape.transpose_a, transpose_b = shape.transpose_b;
  const Block whole{
      m, n,           k,           transpose_a ? m : k, transpose_b ? k : n,
      n, transpose_a, transpose_b, shape.accumulate};
  const bool by_rows = m >= 2 * kRowBlock;
  const int64_t size = by_rows ? m : n;
  const int64_t grain =
      by_rows ? Grain(m, n * k, kRowBlock) : Grain(n, m * k, kColumnBlock);
  if (size <= grain) return Product(whole, a, b, c);

  FirstError error;
  pool.ParallelFor(size, grain, [&](int64_t begin, int64_t end) {
    Block block = whole;
    if (by_rows) {
      block.m = end - begin;
      const T* rows = a + begin * (transpose_a ? 1 : whole.lda);
      error.Update(Product(block, rows, b, c + begin * whole.ldc));
    } else {
      block.n = end - begin;
      const T* columns = b + begin * (transpose_b ? whole.ldb : 1);
      error.Update(Product(block, a, columns, c + begin));
    }
  });
  return error.status();
}

template absl::Status Gemm(const GemmShape&, const float*, const float*, float*,
                           ThreadPool&);
template absl::Status Gemm(const GemmShape&, const double*, const double*,
                           double*, ThreadPool&);
template absl::Status Gemm(const GemmShape&, const int32_t*, const int32_t*,
                           int32_t*, ThreadPool&);
template absl::Status Gemm(const GemmShape&, const int64_t*, const int64_t*,
                           int64_t*, ThreadPool&);

}  // namespace weft
