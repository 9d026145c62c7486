// Products of dense matrices in row-major order.
#ifndef WEFT_KERNELS_GEMM_H_
#define WEFT_KERNELS_GEMM_H_

#include <cstdint>

#include "absl/status/status.h"
#include "core/thread_pool.h"

namespace weft {

// a [m, k] ([k, m] if transposed) times b [k, n] ([n, k] if transposed).
struct GemmShape {
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
  bool transpose_a = false;
  bool transpose_b = false;
  bool accumulate = false;  // Adds to c what is in it.
};

// Sets c [m, n] to a * b; to zeros if k is 0. For float, double, int32_t and
// int64_t; integers wrap around. Work is split along rows or columns of c, as
// the shape alone says, so the bits do not depend on the number of threads.
template <typename T>
absl::Status Gemm(const GemmShape& shape, const T* a, const T* b, T* c,
                  ThreadPool& pool);

}  // namespace weft

#endif  // WEFT_KERNELS_GEMM_H_
