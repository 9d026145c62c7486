// Elementwise arithmetic of two numbers that cannot fail.
#include <cmath>
#include <cstdint>

#include "kernels/broadcast.h"

namespace weft {
namespace {

struct AddF {
  template <typename T>
  WEFT_INLINE T operator()(T x, T y) const {
    return WrappingAdd(x, y);
  }
};

struct SubF {
  template <typename T>
  WEFT_INLINE T operator()(T x, T y) const {
    return WrappingSub(x, y);
  }
};

struct MulF {
  template <typename T>
  WEFT_INLINE T operator()(T x, T y) const {
    return WrappingMul(x, y);
  }
};

struct QuotientF {
  template <typename T>
  WEFT_INLINE T operator()(T x, T y) const {
    return x / y;
  }
};

struct FloorQuotientF {
  template <typename T>
  WEFT_INLINE T operator()(T x, T y) const {
    return std::floor(x / y);
  }
};

struct ModF {
  template <typename T>
  T operator()(T x, T y) const {
    return std::fmod(x, y);
  }
};

struct FloorModF {
  template <typename T>
  T operator()(T x, T y) const {
    const T r = std::fmod(x, y);
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
  }
};

// A NaN on either side wins.
struct MaximumF {
  template <typename T>
  WEFT_INLINE T operator()(T x, T y) const {
    return ((x > y) | (x != x)) ? x : y;
  }
};

struct MinimumF {
  template <typename T>
  WEFT_INLINE T operator()(T x, T y) const {
    return ((x < y) | (x != x)) ? x : y;
  }
};

struct SquaredDifferenceF {
  template <typename T>
  WEFT_INLINE T operator()(T x, T y) const {
    const T d = WrappingSub(x, y);
    return WrappingMul(d, d);
  }
};

struct DivNoNanF {
  template <typename T>
  WEFT_INLINE T operator()(T x, T y) const {
    const T quotient = x / y;
    return y == 0 ? T{0} : quotient;
  }
};

struct PowF {
  template <typename T>
  T operator()(T x, T y) const {
    return std::pow(x, y);
  }
};

// ---- Gradients from results: f(y, dy) ---------------------------------------

struct SqrtGradF {
  static constexpr bool kSameShape = true;
  template <typename T>
  WEFT_INLINE T operator()(T y, T dy) const {
    return T(0.5) * dy / y;
  }
};

struct RsqrtGradF {
  static constexpr bool kSameShape = true;
  template <typename T>
  WEFT_INLINE T operator()(T y, T dy) const {
    return T(-0.5) * dy * y * y * y;
  }
};

struct ReciprocalGradF {
  static constexpr bool kSameShape = true;
  template <typename T>
  WEFT_INLINE T operator()(T y, T dy) const {
    return -dy * y * y;
  }
};

template <typename T>
using AddKernel = ZipKernel<T, AddF>;
template <typename T>
using SubKernel = ZipKernel<T, SubF>;
template <typename T>
using MulKernel = ZipKernel<T, MulF>;
template <typename T>
using QuotientKernel = ZipKernel<T, QuotientF>;
template <typename T>
using FloorQuotientKernel = ZipKernel<T, FloorQuotientF>;
template <typename T>
using ModKernel = ZipKernel<T, ModF>;
template <typename T>
using FloorModKernel = ZipKernel<T, FloorModF>;
template <typename T>
using MaximumKernel = ZipKernel<T, MaximumF>;
template <typename T>
using MinimumKernel = ZipKernel<T, MinimumF>;
template <typename T>
using SquaredDifferenceKernel = ZipKernel<T, SquaredDifferenceF>;
template <typename T>
using DivNoNanKernel = ZipKernel<T, DivNoNanF>;
template <typename T>
using PowKernel = ZipKernel<T, PowF>;
template <typename T>
using SqrtGradKernel = ZipKernel<T, SqrtGradF>;
template <typename T>
using RsqrtGradKernel = ZipKernel<T, RsqrtGradF>;
template <typename T>
using ReciprocalGradKernel = ZipKernel<T, ReciprocalGradF>;

}  // namespace

WEFT_KERNEL_NUMBERS(Add, AddKernel);
WEFT_KERNEL_NUMBERS(AddV2, AddKernel);
WEFT_KERNEL_NUMBERS(Sub, SubKernel);
WEFT_KERNEL_NUMBERS(Mul, MulKernel);
WEFT_KERNEL_FLOATS(RealDiv, QuotientKernel);
WEFT_KERNEL_FLOATS(Div, QuotientKernel);
WEFT_KERNEL_FLOATS(FloorDiv, FloorQuotientKernel);
WEFT_KERNEL_FLOATS(FloorMod, FloorModKernel);
WEFT_KERNEL_FLOATS(Mod, ModKernel);
WEFT_KERNEL_NUMBERS(Maximum, MaximumKernel);
WEFT_KERNEL_NUMBERS(Minimum, MinimumKernel);
WEFT_KERNEL_NUMBERS(SquaredDifference, SquaredDifferenceKernel);
WEFT_KERNEL_FLOATS(DivNoNan, DivNoNanKernel);
WEFT_KERNEL_FLOATS(Pow, PowKernel);
WEFT_KERNEL_FLOATS(SqrtGrad, SqrtGradKernel);
WEFT_KERNEL_FLOATS(RsqrtGrad, RsqrtGradKernel);
WEFT_KERNEL_FLOATS(ReciprocalGrad, ReciprocalGradKernel);
WEFT_KERNEL_FLOATS(InvGrad, ReciprocalGradKernel);

namespace {

template <typename T>
class AddNKernel : public Kernel {
 public:
  explicit AddNKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    for (int i = 1; i < c.num_inputs(); ++i) {
      if (c.input_shape(i) != c.input_shape(0)) {
        return InvalidArgument("inputs[", i, "] is ",
                               c.input_shape(i).ToString(), " but must be ",
                               c.input_shape(0).ToString(), " like inputs[0]");
      }
    }
    c.SetOutput(0, c.input_shape(0));
    c.AllowInPlace(0, 0);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const int64_t n = c.output(0).size;
    if (n <= kBlock) {
      AddBlock(c, 0, n);
    } else {
      c.pool().ParallelFor(n, kBlock, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i += kBlock)
          AddBlock(c, i, std::min(end, i + kBlock));
      });
    }
    return absl::OkStatus();
  }

 private:
  static constexpr int64_t kBlock = 4096;  // Stays in the first cache.

  static void AddBlock(KernelContext& c, int64_t begin, int64_t end) {
    T* sum = c.out<T>(0).data();
    const T* first = c.in<T>(0).data();
    if (sum != first) std::copy(first + begin, first + end, sum + begin);
    for (int k = 1; k < c.num_inputs(); ++k) {
      const T* x = c.in<T>(k).data();
      WEFT_VECTORIZE
      for (int64_t i = begin; i < end; ++i) sum[i] = WrappingAdd(sum[i], x[i]);
    }
  }
};

}  // namespace

WEFT_KERNEL_NUMBERS(AddN, AddNKernel);

}  // namespace weft
