// Numpy broadcasting: shapes are aligned at their last axes, and axes of size 1
// are repeated.
#ifndef WEFT_KERNELS_BROADCAST_H_
#define WEFT_KERNELS_BROADCAST_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/kernel.h"
#include "core/status.h"
#include "core/tensor_shape.h"
#include "kernels/elementwise.h"

namespace weft {

// How inputs are read for each row of the output. Neighbouring axes that are
// repeated alike count as one; the innermost of those is the row.
class Broadcast : public KernelState {
 public:
  static constexpr int kMaxInputs = 3;
  using Offsets = std::array<int64_t, kMaxInputs>;

  // Of at most three inputs. InvalidArgument if the shapes do not fit.
  static absl::StatusOr<Broadcast> Create(
      absl::Span<const TensorShape* const> inputs);

  const TensorShape& shape() const { return shape_; }
  int64_t num_rows() const { return num_rows_; }
  int64_t row_size() const { return row_size_; }
  // From element to element of a row: 1, or 0 for an input repeated in it.
  const Offsets& row_strides() const { return row_strides_; }

  // Calls fn(row, offsets of the inputs) for rows [begin, end).
  template <typename Fn>
  void ForEachRow(int64_t begin, int64_t end, const Fn& fn) const {
    absl::InlinedVector<int64_t, 8> index(axes_.size());
    Offsets offsets = {};
    int64_t rest = begin;
    for (size_t i = 0; i < axes_.size(); ++i) {  // Innermost first.
      index[i] = rest % axes_[i].size;
      rest /= axes_[i].size;
      for (int k = 0; k < kMaxInputs; ++k)
        offsets[k] += index[i] * axes_[i].strides[k];
    }
    for (int64_t row = begin; row < end; ++row) {
      fn(row, offsets);
      for (size_t i = 0; i < axes_.size(); ++i) {
        for (int k = 0; k < kMaxInputs; ++k) offsets[k] += axes_[i].strides[k];
        if (++index[i] < axes_[i].size) break;
        for (int k = 0; k < kMaxInputs; ++k) {
          offsets[k] -= axes_[i].size * axes_[i].strides[k];
        }
        index[i] = 0;
      }
    }
  }

 private:
  struct Axis {
    int64_t size = 1;
    Offsets strides = {};
  };

  TensorShape shape_;
  int64_t num_rows_ = 1;
  int64_t row_size_ = 1;
  Offsets row_strides_ = {};
  absl::InlinedVector<Axis, 4> axes_;  // Around rows, innermost first.
};

inline absl::StatusOr<Broadcast> Broadcast::Create(
    absl::Span<const TensorShape* const> inputs) {
  int rank = 0;
  for (const TensorShape* shape : inputs) rank = std::max(rank, shape->rank());
  Broadcast b;
  Offsets next = {1, 1, 1};  // Elements of each input below the current axis.
  absl::InlinedVector<Axis, 8> axes;
  absl::InlinedVector<int64_t, 8> dims(rank, 1);
  for (int from_end = 1; from_end <= rank; ++from_end) {
    Axis axis;
    for (const TensorShape* shape : inputs) {
      const int64_t size =
          from_end <= shape->rank() ? shape->dim(-from_end) : 1;
      if (size == 1) continue;
      if (axis.size != 1 && axis.size != size) {
        std::string shapes;
        for (const TensorShape* s : inputs) {
          absl::StrAppend(&shapes, shapes.empty() ? "" : " and ",
                          s->ToString());
        }
        return InvalidArgument("shapes ", shapes,
                               " do not broadcast: ", axis.size, " and ", size,
                               " differ");
      }
      axis.size = size;
    }
    dims[rank - from_end] = axis.size;
    if (axis.size == 1) continue;
    for (size_t k = 0; k < inputs.size(); ++k) {
      const bool has =
          from_end <= inputs[k]->rank() && inputs[k]->dim(-from_end) != 1;
      axis.strides[k] = has ? next[k] : 0;
      if (has) next[k] *= axis.size;
    }
    // An axis that goes on where the one below it ends is the same axis.
    bool joins = !axes.empty();
    for (size_t k = 0; joins && k < inputs.size(); ++k) {
      joins = axis.strides[k] == axes.back().strides[k] * axes.back().size;
    }
    if (joins) {
      axes.back().size *= axis.size;
    } else {
      axes.push_back(axis);
    }
  }
  WEFT_ASSIGN_OR_RETURN(b.shape_, TensorShape::Create(dims));
  for (size_t i = 0; i < axes.size(); ++i) {
    if (i == 0) {
      b.row_size_ = axes[0].size;
      b.row_strides_ = axes[0].strides;
    } else {
      b.num_rows_ *= axes[i].size;
      b.axes_.push_back(axes[i]);
    }
  }
  return b;
}

// z[i] = f(x[i * dx], y[i * dy]), where the strides are 0 or 1. z may be x or
// y.
template <typename T, typename R, typename F>
[[gnu::noinline]] void ZipLoop(const T* x, int64_t dx, const T* y, int64_t dy,
                               R* z, int64_t n, const F& f) {
  if (dx != 0 && dy != 0) {
    WEFT_VECTORIZE
    for (int64_t i = 0; i < n; ++i) z[i] = f(x[i], y[i]);
  } else if (dx != 0) {
    const T b = *y;
    WEFT_VECTORIZE
    for (int64_t i = 0; i < n; ++i) z[i] = f(x[i], b);
  } else if (dy != 0) {
    const T a = *x;
    WEFT_VECTORIZE
    for (int64_t i = 0; i < n; ++i) z[i] = f(a, y[i]);
  } else if (n > 0) {
    const R value = f(*x, *y);
    for (int64_t i = 0; i < n; ++i) z[i] = value;
  }
}

// Functions whose inputs must not be repeated declare
//
//   static constexpr bool kSameShape = true;
template <typename F>
concept SameShape = F::kSameShape;

// The kernel of a function R f(T, T), which is made from the node's attrs, or
// from nothing.
template <typename T, typename F, typename R = T>
class ZipKernel : public Kernel {
 public:
  explicit ZipKernel(const KernelInit& init) : f_(MakeF(init)) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& x = c.input_shape(0);
    const TensorShape& y = c.input_shape(1);
    if (x == y) {
      c.SetOutput(0, x);
    } else if (SameShape<F>) {
      return InvalidArgument("inputs are ", x.ToString(), " and ", y.ToString(),
                             " but must have one shape");
    } else {
      WEFT_ASSIGN_OR_RETURN(Broadcast broadcast, Broadcast::Create({&x, &y}));
      c.SetOutput(0, broadcast.shape());
      c.SetState(std::make_shared<Broadcast>(std::move(broadcast)));
    }
    const int64_t n = c.outputs()[0].shape.num_elements();
    if (sizeof(T) == sizeof(R) && x.num_elements() == n) c.AllowInPlace(0, 0);
    if (sizeof(T) == sizeof(R) && y.num_elements() == n) c.AllowInPlace(1, 0);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& xs = c.input(0);
    const TensorRef& ys = c.input(1);
    const T* x = static_cast<const T*>(xs.data);
    const T* y = static_cast<const T*>(ys.data);
    R* z = static_cast<R*>(c.output(0).data);
    const int64_t n = c.output(0).size;
    if (n == 1) {
      *z = f_(*x, *y);
    } else if ((xs.size == n || xs.size == 1) &&
               (ys.size == n || ys.size == 1)) {
      Flat(c, x, xs.size == n, y, ys.size == n, z, n);
    } else if (n > 0) {
      ByRows(c, x, y, z, c.state<Broadcast>());
    }
    return absl::OkStatus();
  }

 private:
  static F MakeF(const KernelInit& init) {
    if constexpr (std::is_constructible_v<F, const KernelInit&>) {
      return F(init);
    } else {
      return F();
    }
  }

  void Flat(KernelContext& c, const T* x, int64_t dx, const T* y, int64_t dy,
            R* z, int64_t n) const {
    if (n <= crossover::kElements) return ZipLoop(x, dx, y, dy, z, n, f_);
    c.pool().ParallelFor(n, crossover::kElements,
                         [&](int64_t begin, int64_t end) {
                           ZipLoop(x + begin * dx, dx, y + begin * dy, dy,
                                   z + begin, end - begin, f_);
                         });
  }

  void ByRows(KernelContext& c, const T* x, const T* y, R* z,
              const Broadcast& b) const {
    const int64_t size = b.row_size();
    const int64_t dx = b.row_strides()[0], dy = b.row_strides()[1];
    const auto run = [&](int64_t begin, int64_t end) {
      b.ForEachRow(begin, end, [&](int64_t row, const Broadcast::Offsets& at) {
        ZipLoop(x + at[0], dx, y + at[1], dy, z + row * size, size, f_);
      });
    };
    if (size * b.num_rows() <= crossover::kElements)
      return run(0, b.num_rows());
    c.pool().ParallelFor(
        b.num_rows(), std::max<int64_t>(1, crossover::kElements / size), run);
  }

  const F f_;
};

}  // namespace weft

#endif  // WEFT_KERNELS_BROADCAST_H_
