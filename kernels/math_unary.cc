// Elementwise functions of one number.
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "kernels/elementwise.h"

namespace weft {
namespace {

struct NegF {
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    if constexpr (std::is_integral_v<T>) return WrappingSub(T{0}, x);
    return -x;
  }
};

struct AbsF {
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    if constexpr (std::is_integral_v<T>) {
      return x < 0 ? WrappingSub(T{0}, x) : x;
    } else {
      return std::fabs(x);
    }
  }
};

// NaN stays.
struct SignF {
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (x != x) return x;
    }
    return static_cast<T>((x > 0) - (x < 0));
  }
};

struct SquareF {
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    return WrappingMul(x, x);
  }
};

struct ExpF {
  static constexpr bool kWide = true;
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    return vec::Exp(x);
  }
};

struct RsqrtF {
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    return T{1} / std::sqrt(x);
  }
};

struct ReciprocalF {
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    return T{1} / x;
  }
};

// To the nearest integer, halves to the even one.
struct RoundF {
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    if constexpr (std::is_integral_v<T>) return x;
    return std::nearbyint(x);
  }
};

#define WEFT_LIBRARY_FUNCTION(name, function) \
  struct name {                               \
    template <typename T>                     \
    WEFT_INLINE T operator()(T x) const {     \
      return function(x);                     \
    }                                         \
  }

WEFT_LIBRARY_FUNCTION(SqrtF, std::sqrt);
WEFT_LIBRARY_FUNCTION(Expm1F, std::expm1);
WEFT_LIBRARY_FUNCTION(LogF, std::log);
WEFT_LIBRARY_FUNCTION(Log1pF, std::log1p);
WEFT_LIBRARY_FUNCTION(SinF, std::sin);
WEFT_LIBRARY_FUNCTION(CosF, std::cos);
WEFT_LIBRARY_FUNCTION(FloorF, std::floor);
WEFT_LIBRARY_FUNCTION(CeilF, std::ceil);
WEFT_LIBRARY_FUNCTION(ErfF, std::erf);

struct IsNanF {
  template <typename T>
  WEFT_INLINE bool operator()(T x) const {
    return x != x;
  }
};

struct IsInfF {
  template <typename T>
  WEFT_INLINE bool operator()(T x) const {
    return std::fabs(x) == std::numeric_limits<T>::infinity();
  }
};

struct IsFiniteF {
  template <typename T>
  WEFT_INLINE bool operator()(T x) const {
    return std::fabs(x) < std::numeric_limits<T>::infinity();
  }
};

struct LogicalNotF {
  WEFT_INLINE bool operator()(bool x) const { return !x; }
};

template <typename T>
using NegKernel = MapKernel<T, NegF>;
template <typename T>
using AbsKernel = MapKernel<T, AbsF>;
template <typename T>
using SignKernel = MapKernel<T, SignF>;
template <typename T>
using SquareKernel = MapKernel<T, SquareF>;
template <typename T>
using SqrtKernel = MapKernel<T, SqrtF>;
template <typename T>
using RsqrtKernel = MapKernel<T, RsqrtF>;
template <typename T>
using ReciprocalKernel = MapKernel<T, ReciprocalF>;
template <typename T>
using ExpKernel = MapKernel<T, ExpF>;
template <typename T>
using Expm1Kernel = MapKernel<T, Expm1F>;
template <typename T>
using LogKernel = MapKernel<T, LogF>;
template <typename T>
using Log1pKernel = MapKernel<T, Log1pF>;
template <typename T>
using SinKernel = MapKernel<T, SinF>;
template <typename T>
using CosKernel = MapKernel<T, CosF>;
template <typename T>
using FloorKernel = MapKernel<T, FloorF>;
template <typename T>
using CeilKernel = MapKernel<T, CeilF>;
template <typename T>
using RoundKernel = MapKernel<T, RoundF>;
template <typename T>
using ErfKernel = MapKernel<T, ErfF>;
template <typename T>
using IsNanKernel = MapKernel<T, IsNanF, bool>;
template <typename T>
using IsInfKernel = MapKernel<T, IsInfF, bool>;
template <typename T>
using IsFiniteKernel = MapKernel<T, IsFiniteF, bool>;
using LogicalNotKernel = MapKernel<bool, LogicalNotF>;

}  // namespace

WEFT_KERNEL_NUMBERS(Neg, NegKernel);
WEFT_KERNEL_NUMBERS(Abs, AbsKernel);
WEFT_KERNEL_NUMBERS(Sign, SignKernel);
WEFT_KERNEL_NUMBERS(Square, SquareKernel);
WEFT_KERNEL_FLOATS(Sqrt, SqrtKernel);
WEFT_KERNEL_FLOATS(Rsqrt, RsqrtKernel);
WEFT_KERNEL_FLOATS(Reciprocal, ReciprocalKernel);
WEFT_KERNEL_FLOATS(Inv, ReciprocalKernel);
WEFT_KERNEL_FLOATS(Exp, ExpKernel);
WEFT_KERNEL_FLOATS(Expm1, Expm1Kernel);
WEFT_KERNEL_FLOATS(Log, LogKernel);
WEFT_KERNEL_FLOATS(Log1p, Log1pKernel);
WEFT_KERNEL_FLOATS(Sin, SinKernel);
WEFT_KERNEL_FLOATS(Cos, CosKernel);
WEFT_KERNEL_FLOATS(Floor, FloorKernel);
WEFT_KERNEL_FLOATS(Ceil, CeilKernel);
WEFT_KERNEL_NUMBERS(Round, RoundKernel);
WEFT_KERNEL_FLOATS(Erf, ErfKernel);
WEFT_KERNEL_FLOATS(IsNan, IsNanKernel);
WEFT_KERNEL_FLOATS(IsInf, IsInfKernel);
WEFT_KERNEL_FLOATS(IsFinite, IsFiniteKernel);
WEFT_KERNEL(LogicalNot, LogicalNotKernel, {});

}  // namespace weft
