// Functions of vectors, for every instruction set: included once per target
// (see hwy/foreach_target.h). Errors: see kernels/pointwise_loops.h.
#if defined(WEFT_KERNELS_VECTOR_FUNCTIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_VECTOR_FUNCTIONS_INL_H_
#undef WEFT_KERNELS_VECTOR_FUNCTIONS_INL_H_
#else
#define WEFT_KERNELS_VECTOR_FUNCTIONS_INL_H_
#endif

#include <cmath>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace vf {

namespace hn = hwy::HWY_NAMESPACE;

// With these, activations normalise themselves (Klambauer et al., 2017).
[[maybe_unused]] constexpr double kSeluAlpha = 1.6732632423543772;
[[maybe_unused]] constexpr double kSeluScale = 1.0507009873554805;

// x where it is at most `limit`, or NaN.
template <typename V>
HWY_INLINE V AtMost(V x, V limit) {
  return hn::IfThenElse(hn::Gt(x, limit), limit, x);
}

// e^x without regard to NaN: 2^n e^r with |r| <= ln(2) / 2 (Cephes, expf).
template <typename D, hwy::EnableIf<sizeof(hn::TFromD<D>) == 4>* = nullptr>
HWY_INLINE hn::Vec<D> ExpOfNumber(D d, hn::Vec<D> x) {
  const hn::RebindToSigned<D> di;
  // Beyond these the result is infinite, or 0.
  x = hn::Max(hn::Min(x, hn::Set(d, 89.0f)), hn::Set(d, -104.0f));
  const auto k = hn::NearestInt(hn::Mul(x, hn::Set(d, 1.44269504088896341f)));
  const auto n = hn::ConvertTo(d, k);
  auto r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  auto p = hn::Set(d, 1.9875691500e-4f);
  p = hn::MulAdd(p, r, hn::Set(d, 1.3981999507e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 8.3334519073e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 4.1665795894e-2f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.6666665459e-1f));
  p = hn::MulAdd(p, r, hn::Set(d, 5.0000001201e-1f));
  p = hn::Add(hn::MulAdd(p, hn::Mul(r, r), r), hn::Set(d, 1.0f));
  // In two steps, since 2^n may be denormal or too large where e^x is not.
  const auto bias = hn::Set(di, 127);
  const auto half = hn::ShiftRight<1>(k);
  const auto a = hn::ShiftLeft<23>(hn::Add(half, bias));
  const auto b = hn::ShiftLeft<23>(hn::Add(hn::Sub(k, half), bias));
  return hn::Mul(hn::Mul(p, hn::BitCast(d, a)), hn::BitCast(d, b));
}

template <typename D, hwy::EnableIf<sizeof(hn::TFromD<D>) == 4>* = nullptr>
HWY_INLINE hn::Vec<D> Exp(D d, hn::Vec<D> x) {
  return hn::IfThenElse(hn::IsNaN(x), x, ExpOfNumber(d, x));
}

template <typename D, hwy::EnableIf<sizeof(hn::TFromD<D>) == 4>* = nullptr>
HWY_INLINE hn::Vec<D> Sigmoid(D d, hn::Vec<D> x) {
  const auto one = hn::Set(d, 1.0f);
  const auto y = hn::Div(one, hn::Add(one, ExpOfNumber(d, hn::Neg(x))));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// (Cephes, tanhf.)
template <typename D, hwy::EnableIf<sizeof(hn::TFromD<D>) == 4>* = nullptr>
HWY_INLINE hn::Vec<D> Tanh(D d, hn::Vec<D> x) {
  const auto a = hn::Abs(x);
  const auto z = hn::Mul(x, x);
  auto p = hn::Set(d, -5.70498872745e-3f);
  p = hn::MulAdd(p, z, hn::Set(d, 2.06390887954e-2f));
  p = hn::MulAdd(p, z, hn::Set(d, -5.37397155531e-2f));
  p = hn::MulAdd(p, z, hn::Set(d, 1.33314422036e-1f));
  p = hn::MulAdd(p, z, hn::Set(d, -3.33332819422e-1f));
  const auto small = hn::MulAdd(hn::Mul(p, z), x, x);
  const auto one = hn::Set(d, 1.0f);
  const auto e = hn::Add(ExpOfNumber(d, hn::Add(a, a)), one);
  const auto large =
      hn::CopySign(hn::Sub(one, hn::Div(hn::Set(d, 2.0f), e)), x);
  // Of a NaN `a < 0.625` does not hold, and `small` is the NaN.
  return hn::IfThenElse(hn::Ge(a, hn::Set(d, 0.625f)), large, small);
}

// Doubles are for checking: they take what the C library has.
template <typename D, typename F>
HWY_INLINE hn::Vec<D> EachLane(D d, hn::Vec<D> x, const F& f) {
  HWY_ALIGN double lanes[HWY_MAX_BYTES / sizeof(double)];
  hn::Store(x, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = f(lanes[i]);
  return hn::Load(d, lanes);
}

template <typename D, hwy::EnableIf<sizeof(hn::TFromD<D>) == 8>* = nullptr>
HWY_INLINE hn::Vec<D> Exp(D d, hn::Vec<D> x) {
  return EachLane(d, x, [](double v) { return std::exp(v); });
}
template <typename D, hwy::EnableIf<sizeof(hn::TFromD<D>) == 8>* = nullptr>
HWY_INLINE hn::Vec<D> Sigmoid(D d, hn::Vec<D> x) {
  return EachLane(d, x, [](double v) { return 1.0 / (1.0 + std::exp(-v)); });
}
template <typename D, hwy::EnableIf<sizeof(hn::TFromD<D>) == 8>* = nullptr>
HWY_INLINE hn::Vec<D> Tanh(D d, hn::Vec<D> x) {
  return EachLane(d, x, [](double v) { return std::tanh(v); });
}

}  // namespace vf
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif
