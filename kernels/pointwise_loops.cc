#include "kernels/pointwise_loops.h"

#include <cmath>
#include <cstring>

#include "core/status.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pointwise_loops.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/micro_ops-inl.h"
#include "kernels/vector_ops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace {

constexpr int64_t kMaxLanes = HWY_MAX_BYTES / sizeof(float);

// f of full vectors; then of what is left, padded with ones.
template <int kArity, typename T, typename F>
HWY_INLINE void Loop(const T* a, const T* b, const T* c, T* out, int64_t n,
                     const F& f) {
  using V = typename HighwayOps<T>::V;
  const typename HighwayOps<T>::D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const V one = hn::Set(d, T{1});
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V x = hn::LoadU(d, a + i);
    const V y = kArity > 1 ? hn::LoadU(d, b + i) : one;
    const V z = kArity > 2 ? hn::LoadU(d, c + i) : one;
    hn::StoreU(f(x, y, z), d, out + i);
  }
  if (i == n) return;
  HWY_ALIGN T rest[3][kMaxLanes];
  const size_t bytes = (n - i) * sizeof(T);
  for (T(&r)[kMaxLanes] : rest) hn::Store(one, d, r);
  std::memcpy(rest[0], a + i, bytes);
  if (kArity > 1) std::memcpy(rest[1], b + i, bytes);
  if (kArity > 2) std::memcpy(rest[2], c + i, bytes);
  hn::Store(f(hn::Load(d, rest[0]), hn::Load(d, rest[1]), hn::Load(d, rest[2])),
            d, rest[0]);
  std::memcpy(out + i, rest[0], bytes);
}

#define WEFT_VECTOR_LOOP(op, arity, function)                                 \
  template <typename T>                                                       \
  void op##Loop(const T* a, const T* b, const T* c, T* out, int64_t n, T p) { \
    using V = typename HighwayOps<T>::V;                                      \
    Loop<arity>(a, b, c, out, n, [p](V x, V y, V z) HWY_ATTR {                \
      return mo::function(HighwayOps<T>(), x, y, z, static_cast<double>(p));  \
    });                                                                       \
  }
WEFT_VECTOR_MICRO_OPS(WEFT_VECTOR_LOOP)

// Of single numbers, where there is no vector function: X(MicroOp, arguments,
// expression of x and y).
#define WEFT_SCALAR_MICRO_OPS(X)                                      \
  X(Cos, 1, std::cos(x))                                              \
  X(Elu, 1, x < 0 ? std::expm1(x) : x)                                \
  X(Erf, 1, std::erf(x))                                              \
  X(Expm1, 1, std::expm1(x))                                          \
  X(Log, 1, std::log(x))                                              \
  X(Log1p, 1, std::log1p(x))                                          \
  X(Pow, 2, std::pow(x, y))                                           \
  X(Selu, 1,                                                          \
    static_cast<T>(mo::kSeluScale) *                                  \
        (x < 0 ? static_cast<T>(mo::kSeluAlpha) * std::expm1(x) : x)) \
  X(Sin, 1, std::sin(x))                                              \
  X(Softplus, 1, (x < 0 ? T{0} : x) + std::log1p(std::exp(-std::fabs(x))))

#define WEFT_SCALAR_LOOP(op, arity, ...)                                  \
  template <typename T>                                                   \
  void op##Loop(const T* a, const T* b, const T*, T* out, int64_t n, T) { \
    for (int64_t i = 0; i < n; ++i) {                                     \
      const T x = a[i];                                                   \
      const T y = arity > 1 ? b[i] : T{0};                                \
      (void)y;                                                            \
      out[i] = __VA_ARGS__;                                               \
    }                                                                     \
  }
WEFT_SCALAR_MICRO_OPS(WEFT_SCALAR_LOOP)

template <typename T>
PointwiseLoop<T> Find(MicroOp op) {
  switch (op) {
#define WEFT_LOOP_CASE(op, ...) \
  case MicroOp::k##op:          \
    return op##Loop<T>;
    WEFT_VECTOR_MICRO_OPS(WEFT_LOOP_CASE)
    WEFT_SCALAR_MICRO_OPS(WEFT_LOOP_CASE)
#undef WEFT_LOOP_CASE
    case MicroOp::kCount:
      break;
  }
  return nullptr;
}

PointwiseLoop<float> FindFloat(MicroOp op) { return Find<float>(op); }
PointwiseLoop<double> FindDouble(MicroOp op) { return Find<double>(op); }
int VectorBytes() {
  return static_cast<int>(hn::Lanes(hn::ScalableTag<uint8_t>()));
}

#undef WEFT_VECTOR_LOOP
#undef WEFT_SCALAR_LOOP
#undef WEFT_SCALAR_MICRO_OPS

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace weft {
namespace {

HWY_EXPORT(FindFloat);
HWY_EXPORT(FindDouble);
HWY_EXPORT(VectorBytes);

}  // namespace

template <>
PointwiseLoop<float> FindPointwiseLoop<float>(MicroOp op) {
  return HWY_DYNAMIC_DISPATCH(FindFloat)(op);
}

template <>
PointwiseLoop<double> FindPointwiseLoop<double>(MicroOp op) {
  return HWY_DYNAMIC_DISPATCH(FindDouble)(op);
}

int PointwiseVectorBytes() { return HWY_DYNAMIC_DISPATCH(VectorBytes)(); }

}  // namespace weft

#endif  // HWY_ONCE
