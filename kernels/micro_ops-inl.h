// What micro-operations compute, for every instruction set: included once per
// target (see hwy/foreach_target.h).
//
// mo::Add(o, x, y, z, p) is the micro-operation Add of x, y and z with the
// parameter p; `o` is a set of operations (kernels/vector_ops-inl.h). Truth
// values are 0 and 1. Those that have no vector function are elsewhere
// (kernels/pointwise_loops.cc).
#if defined(WEFT_KERNELS_MICRO_OPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_KERNELS_MICRO_OPS_INL_H_
#undef WEFT_KERNELS_MICRO_OPS_INL_H_
#else
#define WEFT_KERNELS_MICRO_OPS_INL_H_
#endif

#include <limits>

#include "hwy/highway.h"
#include "kernels/vector_functions-inl.h"

// All of them: X(MicroOp, number of arguments, function).
#undef WEFT_VECTOR_MICRO_OPS
#define WEFT_VECTOR_MICRO_OPS(X)             \
  X(Abs, 1, Abs)                             \
  X(Add, 2, Add)                             \
  X(And, 2, And)                             \
  X(Cast, 1, Copy)                           \
  X(Ceil, 1, Ceil)                           \
  X(Div, 2, Div)                             \
  X(DivNoNan, 2, DivNoNan)                   \
  X(EluGrad, 2, EluGrad)                     \
  X(Equal, 2, Equal)                         \
  X(Exp, 1, Exp)                             \
  X(Floor, 1, Floor)                         \
  X(Greater, 2, Greater)                     \
  X(GreaterEqual, 2, GreaterEqual)           \
  X(IsFinite, 1, IsFinite)                   \
  X(IsInf, 1, IsInf)                         \
  X(IsNan, 1, IsNan)                         \
  X(LeakyRelu, 1, LeakyRelu)                 \
  X(LeakyReluGrad, 2, LeakyReluGrad)         \
  X(Less, 2, Less)                           \
  X(LessEqual, 2, LessEqual)                 \
  X(Max, 2, Max)                             \
  X(Min, 2, Min)                             \
  X(Mul, 2, Mul)                             \
  X(Neg, 1, Neg)                             \
  X(Not, 1, Not)                             \
  X(NotEqual, 2, NotEqual)                   \
  X(Or, 2, Or)                               \
  X(Reciprocal, 1, Reciprocal)               \
  X(ReciprocalGrad, 2, ReciprocalGrad)       \
  X(Relu, 1, Relu)                           \
  X(Relu6, 1, Relu6)                         \
  X(Relu6Grad, 2, Relu6Grad)                 \
  X(ReluGrad, 2, ReluGrad)                   \
  X(Round, 1, Round)                         \
  X(Rsqrt, 1, Rsqrt)                         \
  X(RsqrtGrad, 2, RsqrtGrad)                 \
  X(Select, 3, Select)                       \
  X(SelectRows, 3, Select)                   \
  X(SeluGrad, 2, SeluGrad)                   \
  X(Sigmoid, 1, Sigmoid)                     \
  X(SigmoidGrad, 2, SigmoidGrad)             \
  X(Sign, 1, Sign)                           \
  X(SoftplusGrad, 2, SoftplusGrad)           \
  X(Softsign, 1, Softsign)                   \
  X(SoftsignGrad, 2, SoftsignGrad)           \
  X(Sqrt, 1, Sqrt)                           \
  X(SqrtGrad, 2, SqrtGrad)                   \
  X(Square, 1, Square)                       \
  X(SquaredDifference, 2, SquaredDifference) \
  X(Sub, 2, Sub)                             \
  X(Tanh, 1, Tanh)                           \
  X(TanhGrad, 2, TanhGrad)

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace mo {

// With these, activations normalise themselves (Klambauer et al., 2017).
[[maybe_unused]] constexpr double kSeluAlpha = 1.6732632423543772;
[[maybe_unused]] constexpr double kSeluScale = 1.0507009873554805;

template <class O, class M>
HWY_INLINE auto Truth(const O& o, M mask) {
  return o.SelectOrZero(mask, o.Number(1));
}

// WEFT_MICRO_OP(function, expression).
#define WEFT_MICRO_OP(name, ...)                                    \
  template <class O, class V = typename O::V>                       \
  HWY_INLINE V name(const O& o, V x, V y, V z, double p) {          \
    (void)o, (void)x, (void)y, (void)z, (void)p;                    \
    [[maybe_unused]] const V zero = o.Number(0), one = o.Number(1); \
    return __VA_ARGS__;                                             \
  }

WEFT_MICRO_OP(Abs, o.Abs(x))
WEFT_MICRO_OP(Add, o.Add(x, y))
WEFT_MICRO_OP(And, o.Mul(x, y))
WEFT_MICRO_OP(Copy, x)
WEFT_MICRO_OP(Ceil, o.Ceil(x))
WEFT_MICRO_OP(Div, o.Div(x, y))
WEFT_MICRO_OP(DivNoNan, o.ZeroOrSelect(o.Eq(y, zero), o.Div(x, y)))
WEFT_MICRO_OP(EluGrad, o.Select(o.Lt(y, zero), o.Mul(x, o.Add(y, one)), x))
WEFT_MICRO_OP(Equal, Truth(o, o.Eq(x, y)))
WEFT_MICRO_OP(Exp, vf::Exp(o, x))
WEFT_MICRO_OP(Floor, o.Floor(x))
WEFT_MICRO_OP(Greater, Truth(o, o.Gt(x, y)))
WEFT_MICRO_OP(GreaterEqual, Truth(o, o.Ge(x, y)))
WEFT_MICRO_OP(IsFinite,
              Truth(o, o.Lt(o.Abs(x),
                            o.Number(std::numeric_limits<double>::infinity()))))
WEFT_MICRO_OP(IsInf,
              Truth(o, o.Eq(o.Abs(x),
                            o.Number(std::numeric_limits<double>::infinity()))))
WEFT_MICRO_OP(IsNan, Truth(o, o.IsNaN(x)))
WEFT_MICRO_OP(LeakyRelu, o.Select(o.Gt(x, zero), x, o.Mul(o.Number(p), x)))
WEFT_MICRO_OP(LeakyReluGrad, o.Select(o.Gt(y, zero), x, o.Mul(o.Number(p), x)))
WEFT_MICRO_OP(Less, Truth(o, o.Lt(x, y)))
WEFT_MICRO_OP(LessEqual, Truth(o, o.Le(x, y)))
WEFT_MICRO_OP(Max, o.Select(o.Or(o.Gt(x, y), o.IsNaN(x)), x, y))
WEFT_MICRO_OP(Min, o.Select(o.Or(o.Lt(x, y), o.IsNaN(x)), x, y))
WEFT_MICRO_OP(Mul, o.Mul(x, y))
WEFT_MICRO_OP(Neg, o.Neg(x))
WEFT_MICRO_OP(Not, o.Sub(one, x))
// Of NaN, too, which equals nothing.
WEFT_MICRO_OP(NotEqual, o.ZeroOrSelect(o.Eq(x, y), one))
WEFT_MICRO_OP(Or, o.Select(o.Eq(x, zero), y, one))
WEFT_MICRO_OP(Reciprocal, o.Div(one, x))
WEFT_MICRO_OP(ReciprocalGrad, o.Mul(o.Mul(o.Neg(y), x), x))
WEFT_MICRO_OP(Relu, o.ZeroOrSelect(o.Lt(x, zero), x))
WEFT_MICRO_OP(Relu6, o.AtMost(o.Number(6), o.ZeroOrSelect(o.Lt(x, zero), x)))
WEFT_MICRO_OP(ReluGrad, o.SelectOrZero(o.Gt(y, zero), x))
WEFT_MICRO_OP(Relu6Grad,
              o.SelectOrZero(o.And(o.Gt(y, zero), o.Lt(y, o.Number(6))), x))
WEFT_MICRO_OP(Round, o.Round(x))
WEFT_MICRO_OP(Rsqrt, o.Div(one, o.Sqrt(x)))
WEFT_MICRO_OP(RsqrtGrad, o.Mul(o.Mul(o.Mul(o.Mul(o.Number(-0.5), y), x), x), x))
WEFT_MICRO_OP(Select, o.Select(o.Eq(x, zero), z, y))
WEFT_MICRO_OP(SeluGrad,
              o.Select(o.Lt(y, zero),
                       o.Mul(x, o.Add(y, o.Number(kSeluScale* kSeluAlpha))),
                       o.Mul(x, o.Number(kSeluScale))))
WEFT_MICRO_OP(Sigmoid, vf::Sigmoid(o, x))
WEFT_MICRO_OP(SigmoidGrad, o.Mul(o.Mul(y, x), o.Sub(one, x)))
WEFT_MICRO_OP(Sign,
              o.Select(o.IsNaN(x), x,
                       o.Sub(Truth(o, o.Gt(x, zero)), Truth(o, o.Lt(x, zero)))))
WEFT_MICRO_OP(SoftplusGrad, o.Mul(x, vf::Sigmoid(o, y)))
WEFT_MICRO_OP(Softsign, o.Div(x, o.Add(one, o.Abs(x))))
WEFT_MICRO_OP(SoftsignGrad,
              o.Div(x, o.Mul(o.Add(one, o.Abs(y)), o.Add(one, o.Abs(y)))))
WEFT_MICRO_OP(Sqrt, o.Sqrt(x))
WEFT_MICRO_OP(SqrtGrad, o.Div(o.Mul(o.Number(0.5), y), x))
WEFT_MICRO_OP(Square, o.Mul(x, x))
WEFT_MICRO_OP(SquaredDifference, o.Mul(o.Sub(x, y), o.Sub(x, y)))
WEFT_MICRO_OP(Sub, o.Sub(x, y))
WEFT_MICRO_OP(Tanh, vf::Tanh(o, x))
WEFT_MICRO_OP(TanhGrad, o.Mul(y, o.Sub(one, o.Mul(x, x))))

#undef WEFT_MICRO_OP

}  // namespace mo
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#endif
