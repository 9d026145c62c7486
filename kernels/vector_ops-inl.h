// The operations that vector functions are written in, as Highway has them:
// included once per target (see hwy/foreach_target.h).
//
// Functions take such a set of operations as their first argument, so that
// another set, e.g. one that generates code, gives the same numbers.
#if defined(WEFT_KERNELS_VECTOR_OPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_VECTOR_OPS_INL_H_
#undef WEFT_KERNELS_VECTOR_OPS_INL_H_
#else
#define WEFT_KERNELS_VECTOR_OPS_INL_H_
#endif

#include <cmath>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
struct HighwayOps {
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  using M = hn::Mask<D>;
  using Bits = hn::RebindToSigned<D>;

  static constexpr bool kIsFloat = sizeof(T) == 4;
  // Are there Scale and ApproximateReciprocal?
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  static constexpr bool kHasScale = true;
#else
  static constexpr bool kHasScale = false;
#endif

  HWY_INLINE V Number(double x) const {
    return hn::Set(D(), static_cast<T>(x));
  }

  HWY_INLINE V Add(V x, V y) const { return hn::Add(x, y); }
  HWY_INLINE V Sub(V x, V y) const { return hn::Sub(x, y); }
  HWY_INLINE V Mul(V x, V y) const { return hn::Mul(x, y); }
  HWY_INLINE V Div(V x, V y) const { return hn::Div(x, y); }
  // x * y + z, and z - x * y; rounded once where the target can.
  HWY_INLINE V MulAdd(V x, V y, V z) const { return hn::MulAdd(x, y, z); }
  HWY_INLINE V NegMulAdd(V x, V y, V z) const { return hn::NegMulAdd(x, y, z); }
  HWY_INLINE V Sqrt(V x) const { return hn::Sqrt(x); }
  HWY_INLINE V Floor(V x) const { return hn::Floor(x); }
  HWY_INLINE V Ceil(V x) const { return hn::Ceil(x); }
  HWY_INLINE V Round(V x) const { return hn::Round(x); }
  HWY_INLINE V Neg(V x) const { return hn::Neg(x); }
  HWY_INLINE V Abs(V x) const { return hn::Abs(x); }
  HWY_INLINE V NegAbs(V x) const { return hn::Or(x, Number(-0.0)); }
  HWY_INLINE V CopySign(V x, V sign) const { return hn::CopySign(x, sign); }

  // x where it is at most, or at least, `limit`; NaN stays.
  HWY_INLINE V AtMost(V limit, V x) const {
#if HWY_ARCH_X86
    return hn::Min(limit, x);  // Of a NaN it gives the second.
#else
    return hn::IfThenElse(hn::Gt(x, limit), limit, x);
#endif
  }
  HWY_INLINE V AtLeast(V limit, V x) const {
#if HWY_ARCH_X86
    return hn::Max(limit, x);
#else
    return hn::IfThenElse(hn::Lt(x, limit), limit, x);
#endif
  }

  // Nothing is equal, less or greater where one is NaN.
  HWY_INLINE M Eq(V x, V y) const { return hn::Eq(x, y); }
  HWY_INLINE M Lt(V x, V y) const { return hn::Lt(x, y); }
  HWY_INLINE M Le(V x, V y) const { return hn::Le(x, y); }
  HWY_INLINE M Gt(V x, V y) const { return hn::Gt(x, y); }
  HWY_INLINE M Ge(V x, V y) const { return hn::Ge(x, y); }
  HWY_INLINE M IsNaN(V x) const { return hn::IsNaN(x); }
  HWY_INLINE M And(M x, M y) const { return hn::And(x, y); }
  HWY_INLINE M Or(M x, M y) const { return hn::Or(x, y); }
  HWY_INLINE V Select(M m, V yes, V no) const {
    return hn::IfThenElse(m, yes, no);
  }
  HWY_INLINE V SelectOrZero(M m, V yes) const {
    return hn::IfThenElseZero(m, yes);
  }
  HWY_INLINE V ZeroOrSelect(M m, V no) const {
    return hn::IfThenZeroElse(m, no);
  }

  // ---- Of the bits of floats ------------------------------------------------

  // The lowest 9 bits of x become sign and exponent.
  HWY_INLINE V ToExponent(V x) const {
    return hn::BitCast(D(), hn::ShiftLeft<23>(hn::BitCast(Bits(), x)));
  }
  HWY_INLINE V HalfOfBits(V x) const {
    return hn::BitCast(D(), hn::ShiftRight<1>(hn::BitCast(Bits(), x)));
  }
  HWY_INLINE V SubBits(V x, V y) const {
    return hn::BitCast(D(),
                       hn::Sub(hn::BitCast(Bits(), x), hn::BitCast(Bits(), y)));
  }

#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  // x * 2^n for whole n, rounded once.
  HWY_INLINE V Scale(V x, V n) const {
    return V{_mm512_scalef_ps(x.raw, n.raw)};
  }
  // 1 / x, with a relative error of up to 2^-14.
  HWY_INLINE V ApproximateReciprocal(V x) const {
    return V{_mm512_rcp14_ps(x.raw)};
  }
#endif

  // ---- Of doubles, which are for checking: what the C library has -----------

  template <typename F>
  HWY_INLINE V EachLane(V x, const F& f) const {
    HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)];
    hn::Store(x, D(), lanes);
    for (size_t i = 0; i < hn::Lanes(D()); ++i) lanes[i] = f(lanes[i]);
    return hn::Load(D(), lanes);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif
