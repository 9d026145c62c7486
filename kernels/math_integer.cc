// Integer division and powers, which can fail: checked, so that nothing ends
// the process.
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "kernels/broadcast.h"
#include "kernels/position.h"

namespace weft {
namespace {

enum class Problem { kNone, kZero, kOverflow, kNegative };

template <typename T>
Problem CheckDivision(T x, T y) {
  if (y == 0) return Problem::kZero;
  if (y == -1 && x == std::numeric_limits<T>::lowest())
    return Problem::kOverflow;
  return Problem::kNone;
}

// Each has Check(x, y), and Value(x, y) for what passes it.
struct TruncateDivF {
  template <typename T>
  static Problem Check(T x, T y) {
    return CheckDivision(x, y);
  }
  template <typename T>
  static T Value(T x, T y) {
    return x / y;
  }
};

struct FloorDivF {
  template <typename T>
  static Problem Check(T x, T y) {
    return CheckDivision(x, y);
  }
  template <typename T>
  static T Value(T x, T y) {
    return x / y - (x % y != 0 && (x < 0) != (y < 0) ? 1 : 0);
  }
};

struct ModF {
  template <typename T>
  static Problem Check(T, T y) {
    return y == 0 ? Problem::kZero : Problem::kNone;
  }
  template <typename T>
  static T Value(T x, T y) {
    return y == -1 ? 0 : x % y;
  }
};

struct FloorModF {
  template <typename T>
  static Problem Check(T, T y) {
    return y == 0 ? Problem::kZero : Problem::kNone;
  }
  template <typename T>
  static T Value(T x, T y) {
    const T r = ModF::Value(x, y);
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
  }
};

// Wraps around.
struct PowF {
  template <typename T>
  static Problem Check(T, T y) {
    return y < 0 ? Problem::kNegative : Problem::kNone;
  }
  template <typename T>
  static T Value(T x, T y) {
    T result = 1;
    for (; y > 0; y >>= 1) {
      if (y & 1) result = WrappingMul(result, x);
      x = WrappingMul(x, x);
    }
    return result;
  }
};

template <typename T>
absl::Status ProblemAt(Problem problem, T x, T y, const TensorShape& shape,
                       int64_t i) {
  const std::string at = PositionName(shape, i);
  switch (problem) {
    case Problem::kZero:
      return InvalidArgument("integer division by zero at ", at, ": ", x,
                             " / 0");
    case Problem::kOverflow:
      return InvalidArgument("integer overflow at ", at, ": ", x, " / ", y);
    default:
      return InvalidArgument("negative integer exponent at ", at, ": ", x,
                             " ^ ", y);
  }
}

template <typename T, typename F>
class CheckedKernel : public Kernel {
 public:
  explicit CheckedKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(
        Broadcast broadcast,
        Broadcast::Create({&c.input_shape(0), &c.input_shape(1)}));
    c.SetOutput(0, broadcast.shape());
    c.SetState(std::make_shared<Broadcast>(std::move(broadcast)));
    const int64_t n = c.outputs()[0].shape.num_elements();
    if (c.input_shape(0).num_elements() == n) c.AllowInPlace(0, 0);
    if (c.input_shape(1).num_elements() == n) c.AllowInPlace(1, 0);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const T* x = c.in<T>(0).data();
    const T* y = c.in<T>(1).data();
    T* z = c.out<T>(0).data();
    if (c.output(0).size == 1) {
      if (const Problem p = F::Check(*x, *y); p != Problem::kNone) {
        return ProblemAt(p, *x, *y, c.output_shape(0), 0);
      }
      *z = F::Value(*x, *y);
      return absl::OkStatus();
    }
    if (c.output(0).size == 0) return absl::OkStatus();
    return ByRows(c, x, y, z);
  }

 private:
  static absl::Status ByRows(KernelContext& c, const T* x, const T* y, T* z) {
    const Broadcast& b = c.state<Broadcast>();
    const int64_t dx = b.row_strides()[0], dy = b.row_strides()[1];
    absl::Status status;
    b.ForEachRow(0, b.num_rows(),
                 [&](int64_t row, const Broadcast::Offsets& at) {
                   for (int64_t i = 0; i < b.row_size() && status.ok(); ++i) {
                     const T a = x[at[0] + i * dx], d = y[at[1] + i * dy];
                     const int64_t position = row * b.row_size() + i;
                     const Problem p = F::Check(a, d);
                     if (p == Problem::kNone) {
                       z[position] = F::Value(a, d);
                     } else {
                       status = ProblemAt(p, a, d, c.output_shape(0), position);
                     }
                   }
                 });
    return status;
  }
};

template <typename T>
using TruncateDivKernel = CheckedKernel<T, TruncateDivF>;
template <typename T>
using FloorDivKernel = CheckedKernel<T, FloorDivF>;
template <typename T>
using ModKernel = CheckedKernel<T, ModF>;
template <typename T>
using FloorModKernel = CheckedKernel<T, FloorModF>;
template <typename T>
using PowKernel = CheckedKernel<T, PowF>;

}  // namespace

#define WEFT_KERNEL_INTEGERS(op, kernel)                               \
  WEFT_KERNEL(op, kernel<int32_t>, {{"T", ::weft::DataType::kInt32}}); \
  WEFT_KERNEL(op, kernel<int64_t>, {{"T", ::weft::DataType::kInt64}})

WEFT_KERNEL_INTEGERS(Div, TruncateDivKernel);
WEFT_KERNEL_INTEGERS(TruncateDiv, TruncateDivKernel);
WEFT_KERNEL_INTEGERS(FloorDiv, FloorDivKernel);
WEFT_KERNEL_INTEGERS(Mod, ModKernel);
WEFT_KERNEL_INTEGERS(FloorMod, FloorModKernel);
WEFT_KERNEL_INTEGERS(Pow, PowKernel);

}  // namespace weft
