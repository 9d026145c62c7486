// Kernels that map one input to one output, element by element.
#ifndef WEFT_KERNELS_ELEMENTWISE_H_
#define WEFT_KERNELS_ELEMENTWISE_H_

#include <cstdint>
#include <limits>
#include <type_traits>

#include "absl/status/status.h"
#include "core/kernel.h"
#include "kernels/crossovers.h"
#include "kernels/vector_math.h"

namespace weft {

// Functions that are mostly arithmetic are also compiled for AVX2. They declare
//
//   static constexpr bool kWide = true;
template <typename F>
concept Wide = F::kWide;

inline bool HasAvx2() {
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2");
  return has_avx2;
#else
  return false;
#endif
}

// Integer arithmetic that wraps around instead of being undefined.
template <typename T>
WEFT_INLINE T WrappingAdd(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(x) + static_cast<U>(y));
  } else {
    return x + y;
  }
}

template <typename T>
WEFT_INLINE T WrappingSub(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(x) - static_cast<U>(y));
  } else {
    return x - y;
  }
}

template <typename T>
WEFT_INLINE T WrappingMul(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(x) * static_cast<U>(y));
  } else {
    return x * y;
  }
}

template <typename T>
constexpr T Lowest() {
  return std::is_integral_v<T> ? std::numeric_limits<T>::lowest()
                               : -std::numeric_limits<T>::infinity();
}

template <typename T>
constexpr T Highest() {
  return std::is_integral_v<T> ? std::numeric_limits<T>::max()
                               : std::numeric_limits<T>::infinity();
}

// y[i] = f(x[i]). y may be x.
template <typename T, typename R, typename F>
WEFT_INLINE void MapLoop(const T* x, R* y, int64_t n, const F& f) {
  WEFT_VECTORIZE
  for (int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
}

#if defined(__x86_64__)
template <typename T, typename R, typename F>
[[gnu::target("avx2")]] void MapLoopAvx2(const T* x, R* y, int64_t n,
                                         const F& f) {
  MapLoop(x, y, n, f);
}
#endif

template <typename T, typename R, typename F>
void Map(const T* x, R* y, int64_t n, const F& f) {
#if defined(__x86_64__)
  if constexpr (Wide<F>) {
    if (HasAvx2()) return MapLoopAvx2(x, y, n, f);
  }
#endif
  MapLoop(x, y, n, f);
}

// The kernel of a function R f(T), which is made from the node's attrs, or from
// nothing.
template <typename T, typename F, typename R = T>
class MapKernel : public Kernel {
 public:
  explicit MapKernel(const KernelInit& init) : f_(MakeF(init)) {}

  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutput(0, c.input_shape(0));
    if (sizeof(T) == sizeof(R)) c.AllowInPlace(/*input=*/0, /*output=*/0);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const T* x = static_cast<const T*>(c.input(0).data);
    R* y = static_cast<R*>(c.output(0).data);
    const int64_t n = c.output(0).size;
    if (n == 1) {
      *y = f_(*x);
    } else if (n <= crossover::kElements) {
      Map(x, y, n, f_);
    } else {
      c.pool().ParallelFor(n, crossover::kElements,
                           [&](int64_t begin, int64_t end) {
                             Map(x + begin, y + begin, end - begin, f_);
                           });
    }
    return absl::OkStatus();
  }

 private:
  static F MakeF(const KernelInit& init) {
    if constexpr (std::is_constructible_v<F, const KernelInit&>) {
      return F(init);
    } else {
      return F();
    }
  }

  const F f_;
};

}  // namespace weft

#endif  // WEFT_KERNELS_ELEMENTWISE_H_
