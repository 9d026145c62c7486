// Cast, between all types that weft computes with or stores.
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "kernels/elementwise.h"

namespace weft {
namespace {

template <typename T>
constexpr bool kIs16BitFloat =
    std::is_same_v<T, Half> || std::is_same_v<T, Bfloat16>;

// Cuts towards zero; what is out of range becomes the nearest limit, NaN 0.
template <typename To, typename From>
To Saturated(From x) {
  // 2^digits: exact, unlike the largest To.
  const From limit = std::ldexp(From{1}, std::numeric_limits<To>::digits);
  if (!(x == x)) return 0;
  if (x >= limit) return std::numeric_limits<To>::max();
  if (x <= static_cast<From>(std::numeric_limits<To>::lowest())) {
    return std::numeric_limits<To>::lowest();
  }
  return static_cast<To>(x);
}

template <typename To, typename From>
To Convert(From x) {
  if constexpr (kIs16BitFloat<From>) {
    return Convert<To>(ToFloat(x));
  } else if constexpr (std::is_same_v<To, Half>) {
    return ToHalf(static_cast<float>(x));
  } else if constexpr (std::is_same_v<To, Bfloat16>) {
    return ToBfloat16(static_cast<float>(x));
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != 0;
  } else if constexpr (std::is_floating_point_v<From> &&
                       std::is_integral_v<To>) {
    return Saturated<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

using ConvertFn = void (*)(const void* from, void* to, int64_t begin,
                           int64_t end);

template <typename From, typename To>
void ConvertRange(const void* from, void* to, int64_t begin, int64_t end) {
  const From* x = static_cast<const From*>(from);
  To* y = static_cast<To*>(to);
  for (int64_t i = begin; i < end; ++i) y[i] = Convert<To>(x[i]);
}

class CastKernel : public Kernel {
 public:
  CastKernel(ConvertFn convert, bool same_size)
      : convert_(convert), same_size_(same_size) {}

  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutput(0, c.input_shape(0));
    if (same_size_) c.AllowInPlace(0, 0);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const void* x = c.input(0).data;
    void* y = c.output(0).data;
    const int64_t n = c.output(0).size;
    if (n <= crossover::kElements) {
      convert_(x, y, 0, n);
    } else {
      c.pool().ParallelFor(
          n, crossover::kElements,
          [&](int64_t begin, int64_t end) { convert_(x, y, begin, end); });
    }
    return absl::OkStatus();
  }

 private:
  const ConvertFn convert_;
  const bool same_size_;
};

template <typename From, typename To>
void RegisterCast() {
  KernelRegistry::Global().Register(
      "Cast", {{"SrcT", DataTypeOf<From>()}, {"DstT", DataTypeOf<To>()}},
      [](const KernelInit&) -> absl::StatusOr<std::unique_ptr<Kernel>> {
        return std::make_unique<CastKernel>(ConvertRange<From, To>,
                                            sizeof(From) == sizeof(To));
      });
}

template <typename... Types>
struct AllCasts {
  AllCasts() { (RegisterFrom<Types>(), ...); }
  template <typename From>
  void RegisterFrom() {
    (RegisterCast<From, Types>(), ...);
  }
};

const AllCasts<float, double, int32_t, int64_t, bool, uint8_t, int8_t, int16_t,
               uint16_t, uint32_t, uint64_t, Half, Bfloat16>
    kCasts;

}  // namespace
}  // namespace weft
