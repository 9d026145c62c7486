// Sum, Mean, Max, Min, Prod, All, Any.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/elementwise.h"
#include "kernels/reduce_row.h"

namespace weft {
namespace {

// Which axes are reduced. Neighbours that are treated alike count as one, so
// that reduced and kept ones alternate; axes of size 1 are left out.
struct ReductionState : public KernelState {
  struct Axis {
    int64_t size = 1;
    bool reduced = false;
    int64_t out_stride = 0;  // 0 if reduced.
  };
  std::vector<Axis> axes;  // Outermost first; at least one.
  int64_t reduced_count = 1;
  // Each result is that of a row of elements side by side.
  bool is_by_row = false;
};

// The elements of the int32 or int64 vector or scalar `axes`, as flags.
absl::StatusOr<std::vector<bool>> ReducedFlags(const Tensor& axes, int rank) {
  std::vector<bool> reduced(rank, false);
  for (int64_t i = 0; i < axes.num_elements(); ++i) {
    const int64_t axis = axes.dtype() == DataType::kInt32
                             ? axes.data<int32_t>()[i]
                             : axes.data<int64_t>()[i];
    if (axis < -rank || axis >= rank) {
      return InvalidArgument("axis is ", axis, " but must be in [", -rank, ", ",
                             rank, ")");
    }
    const int normal = static_cast<int>(axis < 0 ? axis + rank : axis);
    if (reduced[normal])
      return InvalidArgument("axis ", normal, " is given twice");
    reduced[normal] = true;
  }
  return reduced;
}

std::shared_ptr<ReductionState> MakeState(const TensorShape& x,
                                          const std::vector<bool>& reduced) {
  auto state = std::make_shared<ReductionState>();
  auto& axes = state->axes;
  for (int i = 0; i < x.rank(); ++i) {
    if (reduced[i]) state->reduced_count *= x.dim(i);
    if (x.dim(i) == 1) continue;
    if (!axes.empty() && axes.back().reduced == reduced[i]) {
      axes.back().size *= x.dim(i);
    } else {
      axes.push_back({x.dim(i), reduced[i], 0});
    }
  }
  if (axes.empty()) axes.push_back({});
  state->is_by_row = x.num_elements() > 0 && axes.size() <= 2 &&
                     axes.back().reduced &&
                     (axes.size() == 1 || !axes[0].reduced);
  int64_t stride = 1;
  for (size_t i = axes.size(); i-- > 0;) {
    if (axes[i].reduced) continue;
    axes[i].out_stride = stride;
    stride *= axes[i].size;
  }
  return state;
}

// R is the reduction: see kernels/reduce_row.h.
template <typename T, typename R>
class ReductionKernel : public Kernel {
 public:
  explicit ReductionKernel(const KernelInit& init)
      : keep_dims_(init.attrs.Get<bool>("keep_dims")) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& x = c.input_shape(0);
    if (c.input_shape(1).rank() > 1) {
      return InvalidArgument("reduction_indices is ",
                             c.input_shape(1).ToString(),
                             " but must be a scalar or a vector");
    }
    const Tensor* axes = c.NeedValue(1);
    if (axes == nullptr) return c.Defer();
    WEFT_ASSIGN_OR_RETURN(const std::vector<bool> reduced,
                          ReducedFlags(*axes, x.rank()));
    TensorShape shape;
    for (int i = 0; i < x.rank(); ++i) {
      if (!reduced[i]) {
        shape.AddDim(x.dim(i));
      } else if (keep_dims_) {
        shape.AddDim(1);
      }
    }
    std::shared_ptr<ReductionState> state = MakeState(x, reduced);
    if (state->reduced_count == 1) {
      c.SetOutputView(0, /*input=*/0, shape);
    } else {
      c.SetOutput(0, shape);
    }
    c.SetState(std::move(state));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const ReductionState& state = c.state<ReductionState>();
    const T* x = c.in<T>(0).data();
    absl::Span<T> y = c.out<T>(0);
    if (state.is_by_row) return ReduceByRow(c, state, x, y);
    std::fill(y.begin(), y.end(), R::template Start<T>());
    if (c.input(0).size > 0) Reduce(c, state, x, y.data());
    if constexpr (R::kMean) {
      const T count = static_cast<T>(state.reduced_count);
      for (T& v : y) v = std::is_integral_v<T> && count == 0 ? 0 : v / count;
    }
    return absl::OkStatus();
  }

 private:
  using Axis = ReductionState::Axis;

  static absl::Status ReduceByRow(KernelContext& c, const ReductionState& state,
                                  const T* x, absl::Span<T> y) {
    const int64_t rows = static_cast<int64_t>(y.size());
    const int64_t n = state.reduced_count;
    if (rows * n <= crossover::kElements) {
      ReduceRows<R>(x, y.data(), rows, n);
      return absl::OkStatus();
    }
    c.pool().ParallelFor(
        rows, crossover::kElements / n + 1, [&](int64_t begin, int64_t end) {
          ReduceRows<R>(x + begin * n, y.data() + begin, end - begin, n);
        });
    return absl::OkStatus();
  }

  // Splits along kept axes alone, so that sums do not depend on threads.
  static void Reduce(KernelContext& c, const ReductionState& state, const T* x,
                     T* y) {
    const std::vector<Axis>& axes = state.axes;
    const int64_t n = c.input(0).size;
    if (n <= crossover::kElements || (axes.size() == 1 && axes[0].reduced)) {
      return Rows(axes, 0, axes[0].size, x, y);
    }
    if (!axes[0].reduced) {
      const int64_t grain = crossover::kElements / (n / axes[0].size) + 1;
      c.pool().ParallelFor(
          axes[0].size, grain,
          [&](int64_t begin, int64_t end) { Rows(axes, begin, end, x, y); });
    } else if (axes.size() == 2) {  // [reduced, kept]: columns.
      const int64_t rows = axes[0].size, columns = axes[1].size;
      const int64_t grain = (crossover::kElements / rows / 64 + 1) * 64;
      c.pool().ParallelFor(columns, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = 0; i < rows; ++i) {
          CombineRows<R>(x + i * columns + begin, y + begin, end - begin);
        }
      });
    } else {
      Rows(axes, 0, axes[0].size, x, y);
    }
  }

  // All rows with an index in [begin, end) on the outermost axis.
  static void Rows(const std::vector<Axis>& axes, int64_t begin, int64_t end,
                   const T* x, T* y) {
    const Axis& row = axes.back();
    if (axes.size() == 1) {
      x += begin;
      y += begin * row.out_stride;
      return row.reduced
                 ? void(*y = R::Combine(*y, ReduceRow<R>(x, end - begin)))
                 : CombineRows<R>(x, y, end - begin);
    }
    int64_t rows_per_step = 1;
    for (size_t i = 1; i + 1 < axes.size(); ++i) rows_per_step *= axes[i].size;
    x += begin * rows_per_step * row.size;
    y += begin * axes[0].out_stride;
    absl::InlinedVector<int64_t, 8> index(axes.size() - 1);
    for (int64_t i = 0; i < (end - begin) * rows_per_step; ++i) {
      if (row.reduced) {
        *y = R::Combine(*y, ReduceRow<R>(x, row.size));
      } else {
        CombineRows<R>(x, y, row.size);
      }
      x += row.size;
      for (size_t a = axes.size() - 1; a-- > 0;) {
        y += axes[a].out_stride;
        if (++index[a] < axes[a].size || a == 0) break;
        y -= axes[a].size * axes[a].out_stride;
        index[a] = 0;
      }
    }
  }

  const bool keep_dims_;
};

template <typename T>
using SumKernel = ReductionKernel<T, SumReduction>;
template <typename T>
using MeanKernel = ReductionKernel<T, MeanReduction>;
template <typename T>
using MaxKernel = ReductionKernel<T, MaxReduction>;
template <typename T>
using MinKernel = ReductionKernel<T, MinReduction>;
template <typename T>
using ProdKernel = ReductionKernel<T, ProdReduction>;
using AllKernel = ReductionKernel<bool, AllReduction>;
using AnyKernel = ReductionKernel<bool, AnyReduction>;

}  // namespace

WEFT_KERNEL_NUMBERS(Sum, SumKernel);
WEFT_KERNEL_NUMBERS(Mean, MeanKernel);
WEFT_KERNEL_NUMBERS(Max, MaxKernel);
WEFT_KERNEL_NUMBERS(Min, MinKernel);
WEFT_KERNEL_NUMBERS(Prod, ProdKernel);
WEFT_KERNEL(All, AllKernel, {});
WEFT_KERNEL(Any, AnyKernel, {});

}  // namespace weft
