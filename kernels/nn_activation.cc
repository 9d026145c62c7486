// Activations and their gradients, element by element.
#include <cmath>

#include "kernels/broadcast.h"

namespace weft {
namespace {

// With these, activations normalise themselves (Klambauer et al., 2017).
constexpr double kSeluAlpha = 1.6732632423543772;
constexpr double kSeluScale = 1.0507009873554805;

struct SigmoidF {
  static constexpr bool kWide = true;
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    return vec::Sigmoid(x);
  }
};

struct TanhF {
  static constexpr bool kWide = true;
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    return vec::Tanh(x);
  }
};

// NaN stays.
struct ReluF {
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    return x < 0 ? T{0} : x;
  }
};

struct Relu6F {
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    const T y = x < 0 ? T{0} : x;
    return y > 6 ? T{6} : y;
  }
};

struct LeakyReluF {
  explicit LeakyReluF(const KernelInit& init)
      : alpha(init.attrs.Get<float>("alpha")) {}
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    const T scaled = static_cast<T>(alpha) * x;
    return x > 0 ? x : scaled;
  }
  const float alpha;
};

struct EluF {
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    return x < 0 ? std::expm1(x) : x;
  }
};

struct SeluF {
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    return static_cast<T>(kSeluScale) *
           (x < 0 ? static_cast<T>(kSeluAlpha) * std::expm1(x) : x);
  }
};

// log(1 + e^x), where e^x may be too large.
struct SoftplusF {
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    return (x < 0 ? T{0} : x) + std::log1p(vec::Exp(-std::fabs(x)));
  }
};

struct SoftsignF {
  template <typename T>
  WEFT_INLINE T operator()(T x) const {
    return x / (T{1} + std::fabs(x));
  }
};

// ---- Gradients --------------------------------------------------------------

struct GradF {
  static constexpr bool kSameShape = true;
};

struct TanhGradF : GradF {
  template <typename T>
  WEFT_INLINE T operator()(T y, T dy) const {
    return dy * (T{1} - y * y);
  }
};

struct SigmoidGradF : GradF {
  template <typename T>
  WEFT_INLINE T operator()(T y, T dy) const {
    return dy * y * (T{1} - y);
  }
};

struct ReluGradF : GradF {
  template <typename T>
  WEFT_INLINE T operator()(T dy, T x) const {
    return x > 0 ? dy : T{0};
  }
};

struct Relu6GradF : GradF {
  template <typename T>
  WEFT_INLINE T operator()(T dy, T x) const {
    return ((x > 0) & (x < 6)) ? dy : T{0};
  }
};

struct LeakyReluGradF : GradF {
  explicit LeakyReluGradF(const KernelInit& init)
      : alpha(init.attrs.Get<float>("alpha")) {}
  template <typename T>
  WEFT_INLINE T operator()(T dy, T x) const {
    const T scaled = static_cast<T>(alpha) * dy;
    return x > 0 ? dy : scaled;
  }
  const float alpha;
};

struct EluGradF : GradF {
  template <typename T>
  WEFT_INLINE T operator()(T dy, T y) const {
    const T below = dy * (y + T{1});
    return y < 0 ? below : dy;
  }
};

struct SeluGradF : GradF {
  template <typename T>
  WEFT_INLINE T operator()(T dy, T y) const {
    const T below = dy * (y + static_cast<T>(kSeluScale * kSeluAlpha));
    const T above = dy * static_cast<T>(kSeluScale);
    return y < 0 ? below : above;
  }
};

struct SoftplusGradF : GradF {
  template <typename T>
  WEFT_INLINE T operator()(T dy, T x) const {
    return dy * vec::Sigmoid(x);
  }
};

struct SoftsignGradF : GradF {
  template <typename T>
  WEFT_INLINE T operator()(T dy, T x) const {
    const T d = T{1} + std::fabs(x);
    return dy / (d * d);
  }
};

template <typename T>
using SigmoidKernel = MapKernel<T, SigmoidF>;
template <typename T>
using TanhKernel = MapKernel<T, TanhF>;
template <typename T>
using ReluKernel = MapKernel<T, ReluF>;
template <typename T>
using Relu6Kernel = MapKernel<T, Relu6F>;
template <typename T>
using LeakyReluKernel = MapKernel<T, LeakyReluF>;
template <typename T>
using EluKernel = MapKernel<T, EluF>;
template <typename T>
using SeluKernel = MapKernel<T, SeluF>;
template <typename T>
using SoftplusKernel = MapKernel<T, SoftplusF>;
template <typename T>
using SoftsignKernel = MapKernel<T, SoftsignF>;
template <typename T>
using TanhGradKernel = ZipKernel<T, TanhGradF>;
template <typename T>
using SigmoidGradKernel = ZipKernel<T, SigmoidGradF>;
template <typename T>
using ReluGradKernel = ZipKernel<T, ReluGradF>;
template <typename T>
using Relu6GradKernel = ZipKernel<T, Relu6GradF>;
template <typename T>
using LeakyReluGradKernel = ZipKernel<T, LeakyReluGradF>;
template <typename T>
using EluGradKernel = ZipKernel<T, EluGradF>;
template <typename T>
using SeluGradKernel = ZipKernel<T, SeluGradF>;
template <typename T>
using SoftplusGradKernel = ZipKernel<T, SoftplusGradF>;
template <typename T>
using SoftsignGradKernel = ZipKernel<T, SoftsignGradF>;

}  // namespace

WEFT_KERNEL_FLOATS(Sigmoid, SigmoidKernel);
WEFT_KERNEL_FLOATS(Tanh, TanhKernel);
WEFT_KERNEL_FLOATS(Relu, ReluKernel);
WEFT_KERNEL_FLOATS(Relu6, Relu6Kernel);
WEFT_KERNEL_FLOATS(LeakyRelu, LeakyReluKernel);
WEFT_KERNEL_FLOATS(Elu, EluKernel);
WEFT_KERNEL_FLOATS(Selu, SeluKernel);
WEFT_KERNEL_FLOATS(Softplus, SoftplusKernel);
WEFT_KERNEL_FLOATS(Softsign, SoftsignKernel);
WEFT_KERNEL_FLOATS(TanhGrad, TanhGradKernel);
WEFT_KERNEL_FLOATS(SigmoidGrad, SigmoidGradKernel);
WEFT_KERNEL_FLOATS(ReluGrad, ReluGradKernel);
WEFT_KERNEL_FLOATS(Relu6Grad, Relu6GradKernel);
WEFT_KERNEL_FLOATS(LeakyReluGrad, LeakyReluGradKernel);
WEFT_KERNEL_FLOATS(EluGrad, EluGradKernel);
WEFT_KERNEL_FLOATS(SeluGrad, SeluGradKernel);
WEFT_KERNEL_FLOATS(SoftplusGrad, SoftplusGradKernel);
WEFT_KERNEL_FLOATS(SoftsignGrad, SoftsignGradKernel);

}  // namespace weft
