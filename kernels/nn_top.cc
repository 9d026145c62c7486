// ArgMax, ArgMin and TopKV2.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/elementwise.h"

namespace weft {
namespace {

// The value of an int32 or int64 scalar.
absl::StatusOr<int64_t> ScalarOf(const Tensor& value, absl::string_view name) {
  if (value.num_elements() != 1 || value.shape().rank() != 0) {
    return InvalidArgument(name, " is ", value.shape().ToString(),
                           " but must be a scalar");
  }
  return value.dtype() == DataType::kInt32 ? value.scalar<int32_t>()
                                           : value.scalar<int64_t>();
}

struct Largest {
  template <typename T>
  static bool Beats(T x, T y) {
    return x > y;
  }
};

struct Smallest {
  template <typename T>
  static bool Beats(T x, T y) {
    return x < y;
  }
};

// The input as [outer, size, inner].
struct ArgState : public KernelState {
  int64_t outer = 1;
  int64_t size = 1;
  int64_t inner = 1;
};

template <typename T, typename Wins>
class ArgKernel : public Kernel {
 public:
  explicit ArgKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    TensorShape shape = c.input_shape(0);
    const Tensor* dimension = c.NeedValue(1);
    if (dimension == nullptr) return c.Defer();
    WEFT_ASSIGN_OR_RETURN(const int64_t given,
                          ScalarOf(*dimension, "dimension"));
    const int rank = shape.rank();
    if (given < -rank || given >= rank) {
      return InvalidArgument("dimension is ", given, " but must be in [", -rank,
                             ", ", rank, ")");
    }
    const int axis = static_cast<int>(given < 0 ? given + rank : given);
    auto state = std::make_shared<ArgState>();
    for (int i = 0; i < axis; ++i) state->outer *= shape.dim(i);
    state->size = shape.dim(axis);
    for (int i = axis + 1; i < rank; ++i) state->inner *= shape.dim(i);
    if (state->size == 0 && state->outer * state->inner > 0) {
      return InvalidArgument("input is ", shape.ToString(),
                             " but must not be empty along axis ", axis);
    }
    shape.RemoveDim(axis);
    c.SetOutput(0, shape);
    c.SetState(std::move(state));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    if (c.output(0).dtype == DataType::kInt32) {
      Find<int32_t>(c);
    } else {
      Find<int64_t>(c);
    }
    return absl::OkStatus();
  }

 private:
  template <typename Index>
  static void Find(KernelContext& c) {
    const ArgState& s = c.state<ArgState>();
    const T* x = c.in<T>(0).data();
    Index* y = c.out<Index>(0).data();
    for (int64_t i = 0; i < s.outer; ++i) {
      for (int64_t j = 0; j < s.inner; ++j) {
        const T* first = x + i * s.size * s.inner + j;
        int64_t best = 0;
        for (int64_t k = 1; k < s.size; ++k) {
          if (Wins::Beats(first[k * s.inner], first[best * s.inner])) best = k;
        }
        y[i * s.inner + j] = static_cast<Index>(best);
      }
    }
  }
};

template <typename T>
using ArgMaxKernel = ArgKernel<T, Largest>;
template <typename T>
using ArgMinKernel = ArgKernel<T, Smallest>;

template <typename T>
class TopKV2Kernel : public Kernel {
 public:
  explicit TopKV2Kernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    TensorShape shape = c.input_shape(0);
    if (shape.rank() < 1) {
      return InvalidArgument("input is a scalar but must have rank 1 or more");
    }
    const Tensor* value = c.NeedValue(1);
    if (value == nullptr) return c.Defer();
    WEFT_ASSIGN_OR_RETURN(const int64_t k, ScalarOf(*value, "k"));
    const int64_t size = shape.dim(-1);
    if (k < 0 || k > size) {
      return InvalidArgument("k is ", k, " but must be in [0, ", size,
                             "], the size of the last axis");
    }
    shape.set_dim(shape.rank() - 1, k);
    c.SetOutput(0, shape);
    c.SetOutput(1, shape);
    c.SetScratch(size * sizeof(int64_t));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    if (c.output(1).dtype == DataType::kInt32) {
      Find<int32_t>(c);
    } else {
      Find<int64_t>(c);
    }
    return absl::OkStatus();
  }

 private:
  template <typename Index>
  static void Find(KernelContext& c) {
    const int64_t size = c.input_shape(0).dim(-1);
    const int64_t k = c.output_shape(0).dim(-1);
    if (c.output(0).size == 0) return;
    int64_t* order = static_cast<int64_t*>(c.scratch());
    const int64_t rows = c.output(0).size / k;
    for (int64_t row = 0; row < rows; ++row) {
      const T* x = c.in<T>(0).data() + row * size;
      std::iota(order, order + size, 0);
      std::partial_sort(
          order, order + k, order + size, [x](int64_t a, int64_t b) {
            return Before(x[a], x[b]) || (!Before(x[b], x[a]) && a < b);
          });
      for (int64_t i = 0; i < k; ++i) {
        c.out<T>(0)[row * k + i] = x[order[i]];
        c.out<Index>(1)[row * k + i] = static_cast<Index>(order[i]);
      }
    }
  }

  // Largest first, NaN before all: an order must be total.
  static bool Before(T x, T y) {
    const bool x_is_nan = x != x, y_is_nan = y != y;
    return x_is_nan != y_is_nan ? x_is_nan : x > y;
  }
};

}  // namespace

WEFT_KERNEL_NUMBERS(ArgMax, ArgMaxKernel);
WEFT_KERNEL_NUMBERS(ArgMin, ArgMinKernel);
WEFT_KERNEL_NUMBERS(TopKV2, TopKV2Kernel);

}  // namespace weft
