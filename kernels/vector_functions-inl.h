// Exp, Sigmoid and Tanh of vectors, for every instruction set: included once
// per target (see hwy/foreach_target.h). Errors: see kernels/pointwise_loops.h.
//
// `o` is a set of operations: see kernels/vector_ops-inl.h. No branch and no
// comparison is there for NaN: it passes through the arithmetic.
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

template <class O>
using V = typename O::V;

// Adding this to a float below 2^22 rounds it to a whole number, which is in
// the lowest bits then.
[[maybe_unused]] constexpr double kToWhole = 0x1.8p23;
[[maybe_unused]] constexpr double kLog2E = 1.44269504088896341;
// ln(2) in two parts; multiples of the first, up to 2^15, are exact.
[[maybe_unused]] constexpr double kLn2High = 0.693359375;
[[maybe_unused]] constexpr double kLn2Low = -2.12194440054690583e-4;

// x = n ln(2) + r with |r| <= ln(2) / 2; `whole` is n + kToWhole + `bias`.
template <class O>
struct Reduced {
  V<O> whole, n, r;
};

template <class O>
HWY_INLINE Reduced<O> Reduce(const O& o, V<O> x, int bias) {
  Reduced<O> reduced;
  const V<O> to_whole = o.Number(kToWhole + bias);
  reduced.whole = o.MulAdd(x, o.Number(kLog2E), to_whole);
  reduced.n = o.Sub(reduced.whole, to_whole);
  reduced.r = o.NegMulAdd(reduced.n, o.Number(kLn2High), x);
  reduced.r = o.NegMulAdd(reduced.n, o.Number(kLn2Low), reduced.r);
  return reduced;
}

// e^r for |r| <= ln(2) / 2: a minimax polynomial with 1 + r in it, to 2^-28.
template <class O>
HWY_INLINE V<O> ExpOfReduced(const O& o, V<O> r) {
  V<O> p = o.Number(1.38388120104e-3);
  p = o.MulAdd(p, r, o.Number(8.36919248104e-3));
  p = o.MulAdd(p, r, o.Number(4.16681021452e-2));
  p = o.MulAdd(p, r, o.Number(1.66665166616e-1));
  p = o.MulAdd(p, r, o.Number(4.99999940395e-1));
  const V<O> one = o.Number(1);
  p = o.MulAdd(p, r, one);
  return o.MulAdd(p, r, one);
}

template <class O>
HWY_INLINE V<O> Exp(const O& o, V<O> x) {
  if constexpr (!O::kIsFloat) {
    return o.EachLane(x, [](double v) { return std::exp(v); });
  } else {
    // Beyond these the result is infinite, or 0.
    x = o.AtLeast(o.Number(-104), o.AtMost(o.Number(89), x));
    if constexpr (O::kHasScale) {
      const Reduced<O> reduced = Reduce(o, x, 0);
      return o.Scale(ExpOfReduced(o, reduced.r), reduced.n);
    } else {
      // In two steps, since 2^n may be denormal or too large where e^x is not.
      const Reduced<O> reduced = Reduce(o, x, 2 * 127);
      const V<O> half = o.HalfOfBits(reduced.whole);
      const V<O> rest = o.SubBits(reduced.whole, half);
      return o.Mul(o.Mul(ExpOfReduced(o, reduced.r), o.ToExponent(half)),
                   o.ToExponent(rest));
    }
  }
}

// x / y for y from 0.5 to 2, to less than 0.6 ulp.
template <class O>
HWY_INLINE V<O> Quotient(const O& o, V<O> x, V<O> y) {
  if constexpr (O::kHasScale) {
    const V<O> r = o.ApproximateReciprocal(y);
    const V<O> q = o.Mul(x, r);
    return o.MulAdd(o.NegMulAdd(y, q, x), r, q);
  } else {
    return o.Div(x, y);
  }
}

// With e = exp(-|x|): 1 / (1 + e), or e / (1 + e) where x < 0.
template <class O>
HWY_INLINE V<O> Sigmoid(const O& o, V<O> x) {
  if constexpr (!O::kIsFloat) {
    return o.EachLane(x, [](double v) { return 1.0 / (1.0 + std::exp(-v)); });
  } else {
    const V<O> one = o.Number(1);
    V<O> e;
    if constexpr (O::kHasScale) {
      const V<O> y = o.AtLeast(o.Number(-104), o.NegAbs(x));
      const Reduced<O> reduced = Reduce(o, y, 0);
      e = o.Scale(ExpOfReduced(o, reduced.r), reduced.n);
    } else {
      // 2^-127 becomes 0.
      const V<O> y = o.AtLeast(o.Number(-88), o.NegAbs(x));
      const Reduced<O> reduced = Reduce(o, y, 127);
      e = o.Mul(ExpOfReduced(o, reduced.r), o.ToExponent(reduced.whole));
    }
    const V<O> above = o.Select(o.Lt(x, o.Number(0)), e, one);
    return Quotient(o, above, o.Add(one, e));
  }
}

// With t = (1 - exp(-2|x|)) / 2: t / (1 - t). With 2|x| = 2u - n ln(2), and s =
// 2^n, t is s (1 - exp(-2u)) / 2 + (1 - s) / 2, where nothing cancels.
template <class O>
HWY_INLINE V<O> Tanh(const O& o, V<O> x) {
  if constexpr (!O::kIsFloat) {
    return o.EachLane(x, [](double v) { return std::tanh(v); });
  } else {
    // Beyond this the result is 1.
    const V<O> a = o.AtMost(o.Number(10), o.Abs(x));
    const V<O> to_whole = o.Number(kToWhole + 127);
    const V<O> whole = o.NegMulAdd(a, o.Number(2 * kLog2E), to_whole);
    const V<O> n = o.Sub(whole, to_whole);
    // In one step: where |n| is large its error is far below 1.
    const V<O> u = o.MulAdd(n, o.Number((kLn2High + kLn2Low) / 2), a);
    // (1 - exp(-2u)) / 2 = u + u^2 p: minimax, to 2^-26.
    V<O> p = o.Number(-4.42811585963e-2);
    p = o.MulAdd(p, u, o.Number(1.33873403072e-1));
    p = o.MulAdd(p, u, o.Number(-3.33341985941e-1));
    p = o.MulAdd(p, u, o.Number(6.66661560535e-1));
    p = o.MulAdd(p, u, o.Number(-9.99999940395e-1));
    p = o.MulAdd(o.Mul(p, u), u, u);
    const V<O> s = o.ToExponent(whole);
    const V<O> half = o.Number(0.5);
    const V<O> t = o.MulAdd(s, p, o.NegMulAdd(s, half, half));
    // Not from t, which is rounded.
    const V<O> rest = o.NegMulAdd(s, p, o.MulAdd(s, half, half));
    return o.CopySign(Quotient(o, t, rest), x);
  }
}

}  // namespace vf
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif
