// Cumsum and Cumprod.
#include <algorithm>
#include <cstdint>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/reduce_row.h"

namespace weft {
namespace {

// R::Combine is what is run along the axis.
template <typename T, typename R>
class ScanKernel : public Kernel {
 public:
  explicit ScanKernel(const KernelInit& init)
      : exclusive_(init.attrs.Get<bool>("exclusive")),
        reverse_(init.attrs.Get<bool>("reverse")) {}

  absl::Status Layout(LayoutContext& c) const override {
    if (!c.input_shape(1).IsScalar()) {
      return InvalidArgument("axis is ", c.input_shape(1).ToString(),
                             " but must be a scalar");
    }
    if (c.input_shape(0).rank() == 0) {
      return InvalidArgument("x is a scalar but must have an axis");
    }
    c.SetOutput(0, c.input_shape(0));
    // An exclusive entry needs the input before it, which would be overwritten.
    if (!exclusive_) c.AllowInPlace(0, 0);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorShape& shape = c.input_shape(0);
    const int64_t given = c.input(1).dtype == DataType::kInt32
                              ? c.in<int32_t>(1)[0]
                              : c.in<int64_t>(1)[0];
    const int rank = shape.rank();
    if (given < -rank || given >= rank) {
      return InvalidArgument("axis is ", given, " but must be in [", -rank,
                             ", ", rank, ")");
    }
    const int axis = static_cast<int>(given < 0 ? given + rank : given);
    int64_t outer = 1, inner = 1;
    for (int i = 0; i < axis; ++i) outer *= shape.dim(i);
    for (int i = axis + 1; i < rank; ++i) inner *= shape.dim(i);
    const int64_t size = shape.dim(axis);
    if (outer == 0 || inner == 0 || size == 0) return absl::OkStatus();
    for (int64_t i = 0; i < outer; ++i) {
      const int64_t begin = i * size * inner;
      Scan(c.in<T>(0).data() + begin, c.out<T>(0).data() + begin, size, inner);
    }
    return absl::OkStatus();
  }

 private:
  // Along `size` rows of `inner` elements each.
  void Scan(const T* x, T* y, int64_t size, int64_t inner) const {
    const int64_t step = reverse_ ? -inner : inner;
    if (reverse_) {
      x += (size - 1) * inner;
      y += (size - 1) * inner;
    }
    if (exclusive_) {
      std::fill_n(y, inner, R::template Start<T>());
    } else if (x != y) {
      std::copy(x, x + inner, y);
    }
    for (int64_t k = 1; k < size; ++k) {
      const T* next = exclusive_ ? x : x + step;
      for (int64_t j = 0; j < inner; ++j)
        y[step + j] = R::Combine(y[j], next[j]);
      x += step;
      y += step;
    }
  }

  const bool exclusive_;
  const bool reverse_;
};

template <typename T>
using CumsumKernel = ScanKernel<T, SumReduction>;
template <typename T>
using CumprodKernel = ScanKernel<T, ProdReduction>;

}  // namespace

WEFT_KERNEL_NUMBERS(Cumsum, CumsumKernel);
WEFT_KERNEL_NUMBERS(Cumprod, CumprodKernel);

}  // namespace weft
