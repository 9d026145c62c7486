// Softmax and the cross entropies.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/broadcast.h"
#include "kernels/reduce_row.h"

namespace weft {
namespace {

template <typename T>
struct ExpMinus {
  static constexpr bool kWide = true;
  WEFT_INLINE T operator()(T x) const { return vec::Exp(x - max); }
  T max;
};

template <typename T>
T RowMax(const T* x, int64_t n) {
  return ReduceRow<MaxReduction>(x, n);
}

// y = e^(x - max); returns the sum. y may be x.
template <typename T>
T ExpRow(const T* x, T max, T* y, int64_t n) {
  Map(x, y, n, ExpMinus<T>{max});
  return ReduceRow<SumReduction>(y, n);
}

template <typename T>
void SoftmaxRow(const T* x, T* y, int64_t n) {
  const T sum = ExpRow(x, RowMax(x, n), y, n);
  const T scale = T{1} / sum;
  WEFT_VECTORIZE
  for (int64_t i = 0; i < n; ++i) y[i] *= scale;
}

// Rows worth handing to another thread.
int64_t RowGrain(int64_t size) {
  return crossover::kElements / 4 / std::max<int64_t>(size, 1) + 1;
}

template <typename T>
class SoftmaxKernel : public Kernel {
 public:
  explicit SoftmaxKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    if (c.input_shape(0).rank() < 1) {
      return InvalidArgument("logits is a scalar but must have rank 1 or more");
    }
    c.SetOutput(0, c.input_shape(0));
    c.AllowInPlace(0, 0);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const T* x = c.in<T>(0).data();
    T* y = c.out<T>(0).data();
    const int64_t n = c.input_shape(0).dim(-1);
    if (c.output(0).size == 0) return absl::OkStatus();
    c.pool().ParallelFor(c.output(0).size / n, RowGrain(n),
                         [&](int64_t begin, int64_t end) {
                           for (int64_t i = begin; i < end; ++i)
                             SoftmaxRow(x + i * n, y + i * n, n);
                         });
    return absl::OkStatus();
  }
};

template <typename T>
class LogSoftmaxKernel : public Kernel {
 public:
  explicit LogSoftmaxKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    if (c.input_shape(0).rank() < 1) {
      return InvalidArgument("logits is a scalar but must have rank 1 or more");
    }
    c.SetOutput(0, c.input_shape(0));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const T* x = c.in<T>(0).data();
    T* y = c.out<T>(0).data();
    const int64_t n = c.input_shape(0).dim(-1);
    if (c.output(0).size == 0) return absl::OkStatus();
    c.pool().ParallelFor(c.output(0).size / n, RowGrain(n),
                         [&](int64_t begin, int64_t end) {
                           for (int64_t i = begin; i < end; ++i)
                             Row(x + i * n, y + i * n, n);
                         });
    return absl::OkStatus();
  }

 private:
  static void Row(const T* x, T* y, int64_t n) {
    const T max = RowMax(x, n);
    const T log_sum = std::log(ExpRow(x, max, y, n));
    WEFT_VECTORIZE
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] - max - log_sum;
  }
};

// The labels are class numbers.
template <typename T, typename Label>
class SparseCrossEntropyKernel : public Kernel {
 public:
  explicit SparseCrossEntropyKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& features = c.input_shape(0);
    const TensorShape& labels = c.input_shape(1);
    if (features.rank() != 2) {
      return InvalidArgument("features is ", features.ToString(),
                             " but must be [batch, classes]");
    }
    if (labels.rank() != 1 || labels.dim(0) != features.dim(0)) {
      return InvalidArgument("labels is ", labels.ToString(),
                             " but must be [batch = ", features.dim(0), "]");
    }
    c.SetOutput(0, labels);
    c.SetOutput(1, features);
    c.AllowInPlace(0, 1);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const int64_t classes = c.input_shape(0).dim(1);
    absl::Span<const Label> labels = c.in<Label>(1);
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] < 0 || labels[i] >= classes) {
        return InvalidArgument("labels[", i, "] is ", labels[i],
                               " but must be in [0, classes = ", classes, ")");
      }
    }
    const T* x = c.in<T>(0).data();
    T* loss = c.out<T>(0).data();
    T* backprop = c.out<T>(1).data();
    c.pool().ParallelFor(labels.size(), RowGrain(classes),
                         [&](int64_t begin, int64_t end) {
                           for (int64_t i = begin; i < end; ++i) {
                             Row(x + i * classes, labels[i], classes, loss + i,
                                 backprop + i * classes);
                           }
                         });
    return absl::OkStatus();
  }

 private:
  static void Row(const T* x, Label label, int64_t n, T* loss, T* backprop) {
    const T max = RowMax(x, n);
    const T at_label = x[label] - max;  // Before x is overwritten.
    const T sum = ExpRow(x, max, backprop, n);
    *loss = std::log(sum) - at_label;
    const T scale = T{1} / sum;
    WEFT_VECTORIZE
    for (int64_t i = 0; i < n; ++i) backprop[i] *= scale;
    backprop[label] -= T{1};
  }
};

template <typename T>
using SparseCrossEntropy32Kernel = SparseCrossEntropyKernel<T, int32_t>;
template <typename T>
using SparseCrossEntropy64Kernel = SparseCrossEntropyKernel<T, int64_t>;

// Steps from row to row and from class to class, 0 where an input is repeated.
struct CrossEntropyState : public KernelState {
  struct Strides {
    int64_t row, column;
  };
  Strides features, labels;
};

// The labels are distributions over the classes.
template <typename T>
class CrossEntropyKernel : public Kernel {
 public:
  explicit CrossEntropyKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& features = c.input_shape(0);
    const TensorShape& labels = c.input_shape(1);
    WEFT_ASSIGN_OR_RETURN(const Broadcast broadcast,
                          Broadcast::Create({&features, &labels}));
    const TensorShape& shape = broadcast.shape();
    if (shape.rank() != 2) {
      return InvalidArgument("features and labels are ", shape.ToString(),
                             " but must be [batch, classes]");
    }
    auto state = std::make_shared<CrossEntropyState>();
    state->features = StridesOf(features);
    state->labels = StridesOf(labels);
    c.SetState(std::move(state));
    c.SetOutput(0, TensorShape{shape.dim(0)});
    c.SetOutput(1, shape);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const CrossEntropyState& state = c.state<CrossEntropyState>();
    const T* x = c.in<T>(0).data();
    const T* p = c.in<T>(1).data();
    T* loss = c.out<T>(0).data();
    T* backprop = c.out<T>(1).data();
    const int64_t classes = c.output_shape(1).dim(1);
    c.pool().ParallelFor(
        c.output(0).size, RowGrain(classes), [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            Row(x + i * state.features.row, state.features.column,
                p + i * state.labels.row, state.labels.column, classes,
                loss + i, backprop + i * classes);
          }
        });
    return absl::OkStatus();
  }

 private:
  static CrossEntropyState::Strides StridesOf(const TensorShape& shape) {
    const int64_t columns = shape.rank() < 1 ? 1 : shape.dim(-1);
    const int64_t rows = shape.rank() < 2 ? 1 : shape.dim(-2);
    return {rows == 1 ? 0 : columns, columns == 1 ? 0 : 1};
  }

  static void Row(const T* x, int64_t dx, const T* p, int64_t dp, int64_t n,
                  T* loss, T* backprop) {
    T max = Lowest<T>();
    for (int64_t i = 0; i < n; ++i) max = MaxReduction::Combine(max, x[i * dx]);
    for (int64_t i = 0; i < n; ++i) backprop[i] = x[i * dx];
    const T sum = ExpRow(backprop, max, backprop, n);
    const T log_sum = std::log(sum);
    T total = 0;
    for (int64_t i = 0; i < n; ++i) {
      const T label = p[i * dp];
      // A class that cannot be does not count, even with a logit of -infinity.
      if (label != 0) total += label * (log_sum - (x[i * dx] - max));
      backprop[i] = backprop[i] / sum - label;
    }
    *loss = total;
  }
};

}  // namespace

WEFT_KERNEL_FLOATS(Softmax, SoftmaxKernel);
WEFT_KERNEL_FLOATS(LogSoftmax, LogSoftmaxKernel);
WEFT_KERNEL_FLOATS(SoftmaxCrossEntropyWithLogits, CrossEntropyKernel);

#define WEFT_KERNEL_LABELS(label, kernel)                               \
  WEFT_KERNEL(SparseSoftmaxCrossEntropyWithLogits, kernel<float>,       \
              {{"T", DataType::kFloat}, {"Tlabels", DataType::label}}); \
  WEFT_KERNEL(SparseSoftmaxCrossEntropyWithLogits, kernel<double>,      \
              {{"T", DataType::kDouble}, {"Tlabels", DataType::label}})

WEFT_KERNEL_LABELS(kInt32, SparseCrossEntropy32Kernel);
WEFT_KERNEL_LABELS(kInt64, SparseCrossEntropy64Kernel);

}  // namespace weft
