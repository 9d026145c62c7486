// BiasAdd, BiasAddGrad and L2Loss.
#include <algorithm>
#include <cstdint>
#include <string>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/reduce_row.h"

namespace weft {
namespace {

// A value as [outer, channels, inner].
struct Channels {
  Channels(const TensorShape& shape, bool first) {
    const int axis = first ? 1 : shape.rank() - 1;
    for (int i = 0; i < axis; ++i) outer *= shape.dim(i);
    channels = shape.dim(axis);
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape.dim(i);
  }
  int64_t outer = 1;
  int64_t channels = 1;
  int64_t inner = 1;
};

bool ChannelsFirst(const KernelInit& init) {
  return init.attrs.Get<std::string>("data_format") == "NCHW";
}

template <typename T>
class BiasAddKernel : public Kernel {
 public:
  explicit BiasAddKernel(const KernelInit& init)
      : first_(ChannelsFirst(init)) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& value = c.input_shape(0);
    const TensorShape& bias = c.input_shape(1);
    if (value.rank() < 2) {
      return InvalidArgument("value is ", value.ToString(),
                             " but must have rank 2 or more");
    }
    const int64_t units = Channels(value, first_).channels;
    if (bias.rank() != 1 || bias.dim(0) != units) {
      return InvalidArgument("bias is ", bias.ToString(),
                             " but must be [units = ", units, "]");
    }
    c.SetOutput(0, value);
    c.AllowInPlace(0, 0);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const Channels s(c.input_shape(0), first_);
    const T* x = c.in<T>(0).data();
    const T* bias = c.in<T>(1).data();
    T* y = c.out<T>(0).data();
    if (c.output(0).size == 0) return absl::OkStatus();
    const int64_t row = s.channels * s.inner;
    c.pool().ParallelFor(s.outer, crossover::kElements / row + 1,
                         [&](int64_t begin, int64_t end) {
                           for (int64_t i = begin; i < end; ++i)
                             Row(s, x + i * row, bias, y + i * row);
                         });
    return absl::OkStatus();
  }

 private:
  static void Row(const Channels& s, const T* x, const T* bias, T* y) {
    if (s.inner == 1) {
      WEFT_VECTORIZE
      for (int64_t k = 0; k < s.channels; ++k)
        y[k] = WrappingAdd(x[k], bias[k]);
      return;
    }
    for (int64_t k = 0; k < s.channels; ++k) {
      WEFT_VECTORIZE
      for (int64_t i = 0; i < s.inner; ++i) {
        y[k * s.inner + i] = WrappingAdd(x[k * s.inner + i], bias[k]);
      }
    }
  }

  const bool first_;
};

template <typename T>
class BiasAddGradKernel : public Kernel {
 public:
  explicit BiasAddGradKernel(const KernelInit& init)
      : first_(ChannelsFirst(init)) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& dy = c.input_shape(0);
    if (dy.rank() < 2) {
      return InvalidArgument("out_backprop is ", dy.ToString(),
                             " but must have rank 2 or more");
    }
    c.SetOutput(0, TensorShape{Channels(dy, first_).channels});
    return absl::OkStatus();
  }

  // Splits along channels alone, so that sums do not depend on threads.
  absl::Status Compute(KernelContext& c) const override {
    const Channels s(c.input_shape(0), first_);
    const T* dy = c.in<T>(0).data();
    T* sums = c.out<T>(0).data();
    std::fill_n(sums, s.channels, T{0});
    if (c.input(0).size == 0) return absl::OkStatus();
    // A part of a row is long enough to be read at the memory's pace.
    constexpr int64_t kLongPart = 256;
    const int64_t grain =
        (crossover::kElements / (s.outer * s.inner) / kLongPart + 1) *
        kLongPart;
    c.pool().ParallelFor(s.channels, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = 0; i < s.outer; ++i) {
        const T* row = dy + i * s.channels * s.inner;
        if (s.inner == 1) {
          CombineRows<SumReduction>(row + begin, sums + begin, end - begin);
          continue;
        }
        for (int64_t k = begin; k < end; ++k) {
          sums[k] = WrappingAdd(
              sums[k], ReduceRow<SumReduction>(row + k * s.inner, s.inner));
        }
      }
    });
    return absl::OkStatus();
  }

 private:
  const bool first_;
};

template <typename T>
class L2LossKernel : public Kernel {
 public:
  explicit L2LossKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutput(0, TensorShape{});
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    absl::Span<const T> x = c.in<T>(0);
    double sum = 0;
    for (size_t i = 0; i < x.size(); i += kBlock) {
      sum += SumOfSquares(x.data() + i, std::min(kBlock, x.size() - i));
    }
    *c.out<T>(0).data() = static_cast<T>(sum / 2);
    return absl::OkStatus();
  }

 private:
  static constexpr size_t kBlock = 2048;

  static double SumOfSquares(const T* x, size_t n) {
    constexpr size_t kLanes = 16;
    T lanes[kLanes] = {};
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
      for (size_t k = 0; k < kLanes; ++k) lanes[k] += x[i + k] * x[i + k];
    }
    T sum = 0;
    for (; i < n; ++i) sum += x[i] * x[i];
    return static_cast<double>(sum) +
           static_cast<double>(ReduceRow<SumReduction>(lanes, kLanes));
  }
};

}  // namespace

WEFT_KERNEL_NUMBERS(BiasAdd, BiasAddKernel);
WEFT_KERNEL_NUMBERS(BiasAddGrad, BiasAddGradKernel);
WEFT_KERNEL_FLOATS(L2Loss, L2LossKernel);

}  // namespace weft
