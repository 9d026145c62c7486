// Reductions of rows of elements.
#ifndef WEFT_KERNELS_REDUCE_ROW_H_
#define WEFT_KERNELS_REDUCE_ROW_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "kernels/elementwise.h"

namespace weft {

struct SumReduction {
  static constexpr bool kMean = false;
  template <typename T>
  static constexpr T Start() {
    return T{0};
  }
  template <typename T>
  WEFT_INLINE static T Combine(T x, T y) {
    return WrappingAdd(x, y);
  }
};

struct MeanReduction : SumReduction {
  static constexpr bool kMean = true;
};

// NaN wins.
struct MaxReduction {
  static constexpr bool kMean = false;
  template <typename T>
  static constexpr T Start() {
    return Lowest<T>();
  }
  template <typename T>
  WEFT_INLINE static T Combine(T x, T y) {
    return ((x > y) | (x != x)) ? x : y;
  }
};

struct MinReduction {
  static constexpr bool kMean = false;
  template <typename T>
  static constexpr T Start() {
    return Highest<T>();
  }
  template <typename T>
  WEFT_INLINE static T Combine(T x, T y) {
    return ((x < y) | (x != x)) ? x : y;
  }
};

struct ProdReduction {
  static constexpr bool kMean = false;
  template <typename T>
  static constexpr T Start() {
    return T{1};
  }
  template <typename T>
  WEFT_INLINE static T Combine(T x, T y) {
    return WrappingMul(x, y);
  }
};

struct AllReduction {
  static constexpr bool kMean = false;
  template <typename T>
  static constexpr T Start() {
    return true;
  }
  template <typename T>
  WEFT_INLINE static T Combine(T x, T y) {
    return x & y;
  }
};

struct AnyReduction {
  static constexpr bool kMean = false;
  template <typename T>
  static constexpr T Start() {
    return false;
  }
  template <typename T>
  WEFT_INLINE static T Combine(T x, T y) {
    return x | y;
  }
};

// All of x[0 .. kCount) combined, in halves.
template <typename R, int kCount, typename T>
WEFT_INLINE T CombineHalves(const T* x) {
  if constexpr (kCount == 1) {
    return x[0];
  } else {
    constexpr int kHalf = kCount / 2;
    T half[kHalf];
    WEFT_VECTORIZE
    for (int k = 0; k < kHalf; ++k) half[k] = R::Combine(x[k], x[k + kHalf]);
    return CombineHalves<R, kHalf>(half);
  }
}

// All of x[0 .. n) combined, in 16 interleaved lanes if there are so many: an
// order that vector instructions of any width can keep.
template <typename R, typename T>
WEFT_INLINE T ReduceLanes(const T* x, int64_t n) {
  constexpr int kLanes = 16;
  T result = R::template Start<T>();
  int64_t i = 0;
  if (n >= kLanes) {
    T lanes[kLanes];
    for (int k = 0; k < kLanes; ++k) lanes[k] = result;
    for (; i + kLanes <= n; i += kLanes) {
      WEFT_VECTORIZE
      for (int k = 0; k < kLanes; ++k)
        lanes[k] = R::Combine(lanes[k], x[i + k]);
    }
    for (int k = 0; i + k < n; ++k) lanes[k] = R::Combine(lanes[k], x[i + k]);
    return CombineHalves<R, kLanes>(lanes);
  }
  for (; i < n; ++i) result = R::Combine(result, x[i]);
  return result;
}

template <typename R, typename T>
WEFT_INLINE T ReduceRow(const T* x, int64_t n) {
  constexpr int64_t kBlock = 2048;
  if (n <= kBlock) return ReduceLanes<R>(x, n);
  // Blocks are added up in doubles, so that long sums of floats stay exact.
  constexpr bool kIsSum = std::is_base_of_v<SumReduction, R>;
  using Total =
      std::conditional_t<kIsSum && std::is_same_v<T, float>, double, T>;
  Total total = R::template Start<Total>();
  for (int64_t i = 0; i < n; i += kBlock) {
    total = R::Combine(total, static_cast<Total>(ReduceLanes<R>(
                                  x + i, std::min(kBlock, n - i))));
  }
  return static_cast<T>(total);
}

// y[r] = all of x[r * n .. (r + 1) * n) combined, for n > 0.
template <typename R, typename T>
WEFT_INLINE void ReduceRowsLoop(const T* x, T* y, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; ++r) {
    const T all = ReduceRow<R>(x + r * n, n);
    y[r] = R::kMean ? all / static_cast<T>(n) : all;
  }
}

#if defined(__x86_64__)
template <typename R, typename T>
[[gnu::target("avx2")]] void ReduceRowsAvx2(const T* x, T* y, int64_t rows,
                                            int64_t n) {
  ReduceRowsLoop<R>(x, y, rows, n);
}
#endif

template <typename R, typename T>
void ReduceRows(const T* x, T* y, int64_t rows, int64_t n) {
#if defined(__x86_64__)
  if (HasAvx2()) return ReduceRowsAvx2<R>(x, y, rows, n);
#endif
  ReduceRowsLoop<R>(x, y, rows, n);
}

// y[i] = y[i] combined with x[i].
template <typename R, typename T>
void CombineRows(const T* x, T* y, int64_t n) {
  WEFT_VECTORIZE
  for (int64_t i = 0; i < n; ++i) y[i] = R::Combine(y[i], x[i]);
}

}  // namespace weft

#endif  // WEFT_KERNELS_REDUCE_ROW_H_
