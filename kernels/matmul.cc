// MatMul, BatchMatMul and BatchMatMulV2.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/kernel.h"
#include "core/status.h"
#include "kernels/broadcast.h"
#include "kernels/crossovers.h"
#include "kernels/gemm.h"

namespace weft {
namespace {

// The last two axes of two shapes as a product. InvalidArgument if their inner
// sizes differ; `y_name` is what messages call the second.
absl::StatusOr<GemmShape> ProductOf(const TensorShape& x, const TensorShape& y,
                                    bool transpose_x, bool transpose_y,
                                    absl::string_view y_name) {
  GemmShape shape;
  shape.transpose_a = transpose_x;
  shape.transpose_b = transpose_y;
  shape.m = x.dim(transpose_x ? -1 : -2);
  shape.k = x.dim(transpose_x ? -2 : -1);
  shape.n = y.dim(transpose_y ? -2 : -1);
  const int64_t k = y.dim(transpose_y ? -1 : -2);
  if (k != shape.k) {
    const std::string wanted = transpose_y
                                   ? absl::StrCat("n, k = ", shape.k)
                                   : absl::StrCat("k = ", shape.k, ", n");
    return InvalidArgument(y_name, " is ", y.ToString(), " but must be [",
                           y.rank() > 2 ? "..., " : "", wanted, "]");
  }
  return shape;
}

// What the layout of one or many products found.
struct Products : public KernelState {
  GemmShape shape;
  // Which matrix of x and y makes each of the result; empty if there is one, or
  // if they go together one by one.
  std::vector<std::pair<int64_t, int64_t>> pairs;
  int64_t count = 1;
};

template <typename T>
class MatMulKernel : public Kernel {
 public:
  explicit MatMulKernel(const KernelInit& init)
      : transpose_a_(init.attrs.Get<bool>("transpose_a")),
        transpose_b_(init.attrs.Get<bool>("transpose_b")) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& a = c.input_shape(0);
    const TensorShape& b = c.input_shape(1);
    if (a.rank() != 2 || b.rank() != 2) {
      return InvalidArgument("a is ", a.ToString(), " and b is ", b.ToString(),
                             " but they must be matrices");
    }
    auto state = std::make_shared<Products>();
    WEFT_ASSIGN_OR_RETURN(state->shape,
                          ProductOf(a, b, transpose_a_, transpose_b_, "b"));
    WEFT_ASSIGN_OR_RETURN(
        TensorShape shape,
        TensorShape::Create({state->shape.m, state->shape.n}));
    c.SetOutput(0, std::move(shape));
    c.SetState(std::move(state));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    return Gemm(c.state<Products>().shape, c.in<T>(0).data(), c.in<T>(1).data(),
                c.out<T>(0).data(), c.pool());
  }

 private:
  const bool transpose_a_;
  const bool transpose_b_;
};

// _AddProduct(sum, a, b): sum + a b, which the passes make of sums in loops.
template <typename T>
class AddProductKernel : public Kernel {
 public:
  explicit AddProductKernel(const KernelInit& init)
      : transpose_a_(init.attrs.Get<bool>("transpose_a")),
        transpose_b_(init.attrs.Get<bool>("transpose_b")) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& sum = c.input_shape(0);
    const TensorShape& a = c.input_shape(1);
    const TensorShape& b = c.input_shape(2);
    if (a.rank() != 2 || b.rank() != 2) {
      return InvalidArgument("a is ", a.ToString(), " and b is ", b.ToString(),
                             " but they must be matrices");
    }
    auto state = std::make_shared<Products>();
    WEFT_ASSIGN_OR_RETURN(state->shape,
                          ProductOf(a, b, transpose_a_, transpose_b_, "b"));
    state->shape.accumulate = true;
    if (sum != TensorShape{state->shape.m, state->shape.n}) {
      return InvalidArgument("sum is ", sum.ToString(), " but must be [",
                             state->shape.m, ", ", state->shape.n, "]");
    }
    c.SetOutput(0, sum);
    c.AllowInPlace(0, 0);
    c.SetState(std::move(state));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const absl::Span<const T> sum = c.in<T>(0);
    const absl::Span<T> out = c.out<T>(0);
    if (out.data() != sum.data())
      std::copy(sum.begin(), sum.end(), out.begin());
    return Gemm(c.state<Products>().shape, c.in<T>(1).data(), c.in<T>(2).data(),
                out.data(), c.pool());
  }

 private:
  const bool transpose_a_;
  const bool transpose_b_;
};

TensorShape LeadingAxes(TensorShape shape) {
  shape.RemoveDim(shape.rank() - 1);
  shape.RemoveDim(shape.rank() - 1);
  return shape;
}

template <typename T, bool broadcast>
class BatchKernel : public Kernel {
 public:
  explicit BatchKernel(const KernelInit& init)
      : adj_x_(init.attrs.Get<bool>("adj_x")),
        adj_y_(init.attrs.Get<bool>("adj_y")) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& x = c.input_shape(0);
    const TensorShape& y = c.input_shape(1);
    if (x.rank() < 2 || y.rank() < 2) {
      return InvalidArgument("x is ", x.ToString(), " and y is ", y.ToString(),
                             " but they must have rank 2 or more");
    }
    auto state = std::make_shared<Products>();
    WEFT_ASSIGN_OR_RETURN(state->shape, ProductOf(x, y, adj_x_, adj_y_, "y"));
    const TensorShape x_batch = LeadingAxes(x), y_batch = LeadingAxes(y);
    if (!broadcast && x_batch != y_batch) {
      return InvalidArgument("y is ", y.ToString(),
                             " but must have the leading axes of x, ",
                             x.ToString());
    }
    WEFT_ASSIGN_OR_RETURN(const Broadcast batch,
                          Broadcast::Create({&x_batch, &y_batch}));
    state->count = batch.shape().num_elements();
    if (x_batch != y_batch) state->pairs = Pairs(batch);
    std::vector<int64_t> dims(batch.shape().dims().begin(),
                              batch.shape().dims().end());
    dims.push_back(state->shape.m);
    dims.push_back(state->shape.n);
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, TensorShape::Create(dims));
    c.SetOutput(0, std::move(shape));
    c.SetState(std::move(state));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const Products& p = c.state<Products>();
    if (c.output(0).size == 0) return absl::OkStatus();
    const T* x = c.in<T>(0).data();
    const T* y = c.in<T>(1).data();
    T* z = c.out<T>(0).data();
    const GemmShape& s = p.shape;
    const int64_t work = s.m * s.n * std::max<int64_t>(s.k, 1);
    std::vector<absl::Status> errors;
    std::mutex mu;  // Of errors.
    c.pool().ParallelFor(p.count, crossover::kBatchedProduct / work + 1,
                         [&](int64_t begin, int64_t end) {
                           for (int64_t i = begin; i < end; ++i) {
                             const auto [xi, yi] =
                                 p.pairs.empty() ? std::pair(i, i) : p.pairs[i];
                             const absl::Status status =
                                 Gemm(s, x + xi * s.m * s.k, y + yi * s.k * s.n,
                                      z + i * s.m * s.n, c.pool());
                             if (status.ok()) continue;
                             std::lock_guard<std::mutex> lock(mu);
                             errors.push_back(status);
                           }
                         });
    return errors.empty() ? absl::OkStatus() : errors[0];
  }

 private:
  static std::vector<std::pair<int64_t, int64_t>> Pairs(
      const Broadcast& batch) {
    std::vector<std::pair<int64_t, int64_t>> pairs;
    if (batch.shape().num_elements() == 0) return pairs;
    batch.ForEachRow(0, batch.num_rows(),
                     [&](int64_t, const Broadcast::Offsets& at) {
                       for (int64_t i = 0; i < batch.row_size(); ++i) {
                         pairs.emplace_back(at[0] + i * batch.row_strides()[0],
                                            at[1] + i * batch.row_strides()[1]);
                       }
                     });
    return pairs;
  }

  const bool adj_x_;
  const bool adj_y_;
};

template <typename T>
using BatchMatMulKernel = BatchKernel<T, false>;
template <typename T>
using BatchMatMulV2Kernel = BatchKernel<T, true>;

}  // namespace

WEFT_KERNEL_NUMBERS(MatMul, MatMulKernel);
WEFT_KERNEL_FLOATS(_AddProduct, AddProductKernel);
WEFT_KERNEL_NUMBERS(BatchMatMul, BatchMatMulKernel);
WEFT_KERNEL_NUMBERS(BatchMatMulV2, BatchMatMulV2Kernel);

}  // namespace weft
