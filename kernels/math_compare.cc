// Comparison and logic.
#include <cstdint>

#include "core/tensor.h"
#include "kernels/broadcast.h"

namespace weft {
namespace {

#define WEFT_COMPARISON(name, op)                 \
  struct name {                                   \
    template <typename T>                         \
    WEFT_INLINE bool operator()(T x, T y) const { \
      return x op y;                              \
    }                                             \
  }

WEFT_COMPARISON(LessF, <);
WEFT_COMPARISON(LessEqualF, <=);
WEFT_COMPARISON(GreaterF, >);
WEFT_COMPARISON(GreaterEqualF, >=);
WEFT_COMPARISON(EqualF, ==);
WEFT_COMPARISON(NotEqualF, !=);
WEFT_COMPARISON(AndF, &);
WEFT_COMPARISON(OrF, |);

template <typename T>
using LessKernel = ZipKernel<T, LessF, bool>;
template <typename T>
using LessEqualKernel = ZipKernel<T, LessEqualF, bool>;
template <typename T>
using GreaterKernel = ZipKernel<T, GreaterF, bool>;
template <typename T>
using GreaterEqualKernel = ZipKernel<T, GreaterEqualF, bool>;
using LogicalAndKernel = ZipKernel<bool, AndF>;
using LogicalOrKernel = ZipKernel<bool, OrF>;

// May be told to answer `different` for shapes that do not broadcast.
template <typename T, typename F, bool different>
class EqualityKernel : public ZipKernel<T, F, bool> {
 public:
  explicit EqualityKernel(const KernelInit& init)
      : ZipKernel<T, F, bool>(init),
        incompatible_shape_error_(
            init.attrs.Get<bool>("incompatible_shape_error")) {}

  absl::Status Layout(LayoutContext& c) const override {
    const absl::Status status = ZipKernel<T, F, bool>::Layout(c);
    if (status.ok() || incompatible_shape_error_) return status;
    c.SetOutputValue(0, Tensor::Scalar<bool>(different));
    return absl::OkStatus();
  }

 private:
  const bool incompatible_shape_error_;
};

template <typename T>
using EqualKernel = EqualityKernel<T, EqualF, false>;
template <typename T>
using NotEqualKernel = EqualityKernel<T, NotEqualF, true>;

}  // namespace

WEFT_KERNEL_NUMBERS(Less, LessKernel);
WEFT_KERNEL_NUMBERS(LessEqual, LessEqualKernel);
WEFT_KERNEL_NUMBERS(Greater, GreaterKernel);
WEFT_KERNEL_NUMBERS(GreaterEqual, GreaterEqualKernel);
WEFT_KERNEL_NUMBERS(Equal, EqualKernel);
WEFT_KERNEL(Equal, EqualKernel<uint64_t>, {{"T", DataType::kUint64}});
WEFT_KERNEL(Equal, EqualKernel<bool>, {{"T", DataType::kBool}});
WEFT_KERNEL(Equal, EqualKernel<uint8_t>, {{"T", DataType::kUint8}});
WEFT_KERNEL_NUMBERS(NotEqual, NotEqualKernel);
WEFT_KERNEL(NotEqual, NotEqualKernel<uint64_t>, {{"T", DataType::kUint64}});
WEFT_KERNEL(NotEqual, NotEqualKernel<bool>, {{"T", DataType::kBool}});
WEFT_KERNEL(NotEqual, NotEqualKernel<uint8_t>, {{"T", DataType::kUint8}});
WEFT_KERNEL(LogicalAnd, LogicalAndKernel, {});
WEFT_KERNEL(LogicalOr, LogicalOrKernel, {});

}  // namespace weft
