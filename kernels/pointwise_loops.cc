#include "kernels/pointwise_loops.h"

#include <cmath>
#include <cstring>

#include "core/status.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pointwise_loops.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vector_functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
using Tag = hn::ScalableTag<T>;
template <typename T>
using Vec = hn::Vec<Tag<T>>;

constexpr int64_t kMaxLanes = HWY_MAX_BYTES / sizeof(float);

// f of full vectors; then of what is left, padded with ones.
template <int kArity, typename T, typename F>
HWY_INLINE void Loop(const T* a, const T* b, const T* c, T* out, int64_t n,
                     const F& f) {
  const Tag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const Vec<T> one = hn::Set(d, T{1});
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Vec<T> x = hn::LoadU(d, a + i);
    const Vec<T> y = kArity > 1 ? hn::LoadU(d, b + i) : one;
    const Vec<T> z = kArity > 2 ? hn::LoadU(d, c + i) : one;
    hn::StoreU(f(d, x, y, z), d, out + i);
  }
  if (i == n) return;
  HWY_ALIGN T rest[3][kMaxLanes];
  const size_t bytes = (n - i) * sizeof(T);
  for (T(&r)[kMaxLanes] : rest) hn::Store(one, d, r);
  std::memcpy(rest[0], a + i, bytes);
  if (kArity > 1) std::memcpy(rest[1], b + i, bytes);
  if (kArity > 2) std::memcpy(rest[2], c + i, bytes);
  hn::Store(
      f(d, hn::Load(d, rest[0]), hn::Load(d, rest[1]), hn::Load(d, rest[2])), d,
      rest[0]);
  std::memcpy(out + i, rest[0], bytes);
}

// A micro-operation of vectors: WEFT_VECTOR_OP(Name, arity, expression of d, x,
// y, z and the parameter p).
#define WEFT_VECTOR_OP(name, arity, ...)                                  \
  template <typename T>                                                   \
  void name(const T* a, const T* b, const T* c, T* out, int64_t n, T p) { \
    (void)p;                                                              \
    Loop<arity>(a, b, c, out, n,                                          \
                [p](Tag<T> d, Vec<T> x, Vec<T> y, Vec<T> z) HWY_ATTR {    \
                  (void)p, (void)d, (void)y, (void)z;                     \
                  return __VA_ARGS__;                                     \
                });                                                       \
  }

// The same of single numbers, where there is no vector function.
#define WEFT_SCALAR_OP(name, arity, ...)                              \
  template <typename T>                                               \
  void name(const T* a, const T* b, const T*, T* out, int64_t n, T) { \
    for (int64_t i = 0; i < n; ++i) {                                 \
      const T x = a[i];                                               \
      const T y = arity > 1 ? b[i] : T{0};                            \
      (void)y;                                                        \
      out[i] = __VA_ARGS__;                                           \
    }                                                                 \
  }

#define WEFT_TRUTH(mask) hn::IfThenElseZero(mask, hn::Set(d, T{1}))
#define WEFT_NUMBER(value) hn::Set(d, static_cast<T>(value))

WEFT_VECTOR_OP(Abs, 1, hn::Abs(x))
WEFT_VECTOR_OP(Add, 2, hn::Add(x, y))
WEFT_VECTOR_OP(And, 2, hn::Mul(x, y))
WEFT_VECTOR_OP(Copy, 1, x)
WEFT_VECTOR_OP(Ceil, 1, hn::Ceil(x))
WEFT_VECTOR_OP(Div, 2, hn::Div(x, y))
WEFT_VECTOR_OP(DivNoNan, 2,
               hn::IfThenZeroElse(hn::Eq(y, hn::Zero(d)), hn::Div(x, y)))
WEFT_VECTOR_OP(EluGrad, 2,
               hn::IfThenElse(hn::Lt(y, hn::Zero(d)),
                              hn::Mul(x, hn::Add(y, WEFT_NUMBER(1))), x))
WEFT_VECTOR_OP(Equal, 2, WEFT_TRUTH(hn::Eq(x, y)))
WEFT_VECTOR_OP(Exp, 1, vf::Exp(d, x))
WEFT_VECTOR_OP(Floor, 1, hn::Floor(x))
WEFT_VECTOR_OP(Greater, 2, WEFT_TRUTH(hn::Gt(x, y)))
WEFT_VECTOR_OP(GreaterEqual, 2, WEFT_TRUTH(hn::Ge(x, y)))
WEFT_VECTOR_OP(IsFinite, 1, WEFT_TRUTH(hn::IsFinite(x)))
WEFT_VECTOR_OP(IsInf, 1, WEFT_TRUTH(hn::IsInf(x)))
WEFT_VECTOR_OP(IsNan, 1, WEFT_TRUTH(hn::IsNaN(x)))
WEFT_VECTOR_OP(LeakyRelu, 1,
               hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x,
                              hn::Mul(hn::Set(d, p), x)))
WEFT_VECTOR_OP(LeakyReluGrad, 2,
               hn::IfThenElse(hn::Gt(y, hn::Zero(d)), x,
                              hn::Mul(hn::Set(d, p), x)))
WEFT_VECTOR_OP(Less, 2, WEFT_TRUTH(hn::Lt(x, y)))
WEFT_VECTOR_OP(LessEqual, 2, WEFT_TRUTH(hn::Le(x, y)))
WEFT_VECTOR_OP(Max, 2, hn::IfThenElse(hn::Or(hn::Gt(x, y), hn::IsNaN(x)), x, y))
WEFT_VECTOR_OP(Min, 2, hn::IfThenElse(hn::Or(hn::Lt(x, y), hn::IsNaN(x)), x, y))
WEFT_VECTOR_OP(Mul, 2, hn::Mul(x, y))
WEFT_VECTOR_OP(Neg, 1, hn::Neg(x))
WEFT_VECTOR_OP(Not, 1, hn::Sub(WEFT_NUMBER(1), x))
WEFT_VECTOR_OP(NotEqual, 2, WEFT_TRUTH(hn::Ne(x, y)))
WEFT_VECTOR_OP(Or, 2, hn::IfThenElse(hn::Eq(x, hn::Zero(d)), y, WEFT_NUMBER(1)))
WEFT_VECTOR_OP(Reciprocal, 1, hn::Div(WEFT_NUMBER(1), x))
WEFT_VECTOR_OP(ReciprocalGrad, 2, hn::Mul(hn::Mul(hn::Neg(y), x), x))
WEFT_VECTOR_OP(Relu, 1, hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x))
WEFT_VECTOR_OP(Relu6, 1,
               vf::AtMost(hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x),
                          WEFT_NUMBER(6)))
WEFT_VECTOR_OP(ReluGrad, 2, hn::IfThenElseZero(hn::Gt(y, hn::Zero(d)), x))
WEFT_VECTOR_OP(Relu6Grad, 2,
               hn::IfThenElseZero(hn::And(hn::Gt(y, hn::Zero(d)),
                                          hn::Lt(y, WEFT_NUMBER(6))),
                                  x))
WEFT_VECTOR_OP(Round, 1, hn::Round(x))
WEFT_VECTOR_OP(Rsqrt, 1, hn::Div(WEFT_NUMBER(1), hn::Sqrt(x)))
WEFT_VECTOR_OP(RsqrtGrad, 2,
               hn::Mul(hn::Mul(hn::Mul(hn::Mul(WEFT_NUMBER(-0.5), y), x), x),
                       x))
WEFT_VECTOR_OP(Select, 3, hn::IfThenElse(hn::Eq(x, hn::Zero(d)), z, y))
WEFT_VECTOR_OP(
    SeluGrad, 2,
    hn::IfThenElse(
        hn::Lt(y, hn::Zero(d)),
        hn::Mul(x, hn::Add(y, WEFT_NUMBER(vf::kSeluScale* vf::kSeluAlpha))),
        hn::Mul(x, WEFT_NUMBER(vf::kSeluScale))))
WEFT_VECTOR_OP(Sigmoid, 1, vf::Sigmoid(d, x))
WEFT_VECTOR_OP(SigmoidGrad, 2,
               hn::Mul(hn::Mul(y, x), hn::Sub(WEFT_NUMBER(1), x)))
WEFT_VECTOR_OP(Sign, 1,
               hn::IfThenElse(hn::IsNaN(x), x,
                              hn::Sub(WEFT_TRUTH(hn::Gt(x, hn::Zero(d))),
                                      WEFT_TRUTH(hn::Lt(x, hn::Zero(d))))))
WEFT_VECTOR_OP(SoftplusGrad, 2, hn::Mul(x, vf::Sigmoid(d, y)))
WEFT_VECTOR_OP(Softsign, 1, hn::Div(x, hn::Add(WEFT_NUMBER(1), hn::Abs(x))))
WEFT_VECTOR_OP(SoftsignGrad, 2,
               hn::Div(x, hn::Mul(hn::Add(WEFT_NUMBER(1), hn::Abs(y)),
                                  hn::Add(WEFT_NUMBER(1), hn::Abs(y)))))
WEFT_VECTOR_OP(Sqrt, 1, hn::Sqrt(x))
WEFT_VECTOR_OP(SqrtGrad, 2, hn::Div(hn::Mul(WEFT_NUMBER(0.5), y), x))
WEFT_VECTOR_OP(Square, 1, hn::Mul(x, x))
WEFT_VECTOR_OP(SquaredDifference, 2, hn::Mul(hn::Sub(x, y), hn::Sub(x, y)))
WEFT_VECTOR_OP(Sub, 2, hn::Sub(x, y))
WEFT_VECTOR_OP(Tanh, 1, vf::Tanh(d, x))
WEFT_VECTOR_OP(TanhGrad, 2, hn::Mul(y, hn::Sub(WEFT_NUMBER(1), hn::Mul(x, x))))

WEFT_SCALAR_OP(Cos, 1, std::cos(x))
WEFT_SCALAR_OP(Elu, 1, x < 0 ? std::expm1(x) : x)
WEFT_SCALAR_OP(Erf, 1, std::erf(x))
WEFT_SCALAR_OP(Expm1, 1, std::expm1(x))
WEFT_SCALAR_OP(Log, 1, std::log(x))
WEFT_SCALAR_OP(Log1p, 1, std::log1p(x))
WEFT_SCALAR_OP(Pow, 2, std::pow(x, y))
WEFT_SCALAR_OP(Selu, 1,
               static_cast<T>(vf::kSeluScale) *
                   (x < 0 ? static_cast<T>(vf::kSeluAlpha) * std::expm1(x) : x))
WEFT_SCALAR_OP(Sin, 1, std::sin(x))
WEFT_SCALAR_OP(Softplus, 1,
               (x < 0 ? T{0} : x) + std::log1p(std::exp(-std::fabs(x))))

template <typename T>
PointwiseLoop<T> Find(MicroOp op) {
  switch (op) {
    case MicroOp::kAbs:
      return Abs<T>;
    case MicroOp::kAdd:
      return Add<T>;
    case MicroOp::kAnd:
      return And<T>;
    case MicroOp::kCast:
      return Copy<T>;
    case MicroOp::kCeil:
      return Ceil<T>;
    case MicroOp::kCos:
      return Cos<T>;
    case MicroOp::kDiv:
      return Div<T>;
    case MicroOp::kDivNoNan:
      return DivNoNan<T>;
    case MicroOp::kElu:
      return Elu<T>;
    case MicroOp::kEluGrad:
      return EluGrad<T>;
    case MicroOp::kEqual:
      return Equal<T>;
    case MicroOp::kErf:
      return Erf<T>;
    case MicroOp::kExp:
      return Exp<T>;
    case MicroOp::kExpm1:
      return Expm1<T>;
    case MicroOp::kFloor:
      return Floor<T>;
    case MicroOp::kGreater:
      return Greater<T>;
    case MicroOp::kGreaterEqual:
      return GreaterEqual<T>;
    case MicroOp::kIsFinite:
      return IsFinite<T>;
    case MicroOp::kIsInf:
      return IsInf<T>;
    case MicroOp::kIsNan:
      return IsNan<T>;
    case MicroOp::kLeakyRelu:
      return LeakyRelu<T>;
    case MicroOp::kLeakyReluGrad:
      return LeakyReluGrad<T>;
    case MicroOp::kLess:
      return Less<T>;
    case MicroOp::kLessEqual:
      return LessEqual<T>;
    case MicroOp::kLog:
      return Log<T>;
    case MicroOp::kLog1p:
      return Log1p<T>;
    case MicroOp::kMax:
      return Max<T>;
    case MicroOp::kMin:
      return Min<T>;
    case MicroOp::kMul:
      return Mul<T>;
    case MicroOp::kNeg:
      return Neg<T>;
    case MicroOp::kNot:
      return Not<T>;
    case MicroOp::kNotEqual:
      return NotEqual<T>;
    case MicroOp::kOr:
      return Or<T>;
    case MicroOp::kPow:
      return Pow<T>;
    case MicroOp::kReciprocal:
      return Reciprocal<T>;
    case MicroOp::kReciprocalGrad:
      return ReciprocalGrad<T>;
    case MicroOp::kRelu:
      return Relu<T>;
    case MicroOp::kRelu6:
      return Relu6<T>;
    case MicroOp::kRelu6Grad:
      return Relu6Grad<T>;
    case MicroOp::kReluGrad:
      return ReluGrad<T>;
    case MicroOp::kRound:
      return Round<T>;
    case MicroOp::kRsqrt:
      return Rsqrt<T>;
    case MicroOp::kRsqrtGrad:
      return RsqrtGrad<T>;
    case MicroOp::kSelect:
      return Select<T>;
    case MicroOp::kSelectRows:
      return Select<T>;
    case MicroOp::kSelu:
      return Selu<T>;
    case MicroOp::kSeluGrad:
      return SeluGrad<T>;
    case MicroOp::kSigmoid:
      return Sigmoid<T>;
    case MicroOp::kSigmoidGrad:
      return SigmoidGrad<T>;
    case MicroOp::kSign:
      return Sign<T>;
    case MicroOp::kSin:
      return Sin<T>;
    case MicroOp::kSoftplus:
      return Softplus<T>;
    case MicroOp::kSoftplusGrad:
      return SoftplusGrad<T>;
    case MicroOp::kSoftsign:
      return Softsign<T>;
    case MicroOp::kSoftsignGrad:
      return SoftsignGrad<T>;
    case MicroOp::kSqrt:
      return Sqrt<T>;
    case MicroOp::kSqrtGrad:
      return SqrtGrad<T>;
    case MicroOp::kSquare:
      return Square<T>;
    case MicroOp::kSquaredDifference:
      return SquaredDifference<T>;
    case MicroOp::kSub:
      return Sub<T>;
    case MicroOp::kTanh:
      return Tanh<T>;
    case MicroOp::kTanhGrad:
      return TanhGrad<T>;
    case MicroOp::kCount:
      break;
  }
  return nullptr;
}

PointwiseLoop<float> FindFloat(MicroOp op) { return Find<float>(op); }
PointwiseLoop<double> FindDouble(MicroOp op) { return Find<double>(op); }
int VectorBytes() {
  return static_cast<int>(hn::Lanes(Tag<float>()) * sizeof(float));
}

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
