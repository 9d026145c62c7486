// _JoinedProduct(set, token, b, a...), which the passes make: the product of
// rows that are joined from parts, without joining them:
//
//   c = sum over t with set[t] of [a_0[t] a_1[t] ...]^T b[t]
//
// where b is [rows, batch, n] and each a [rows or more, batch, k]. It waits for
// `token`.
#include <algorithm>
#include <cstdint>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/gemm.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

template <typename T>
class JoinedProductKernel : public Kernel {
 public:
  explicit JoinedProductKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& b = c.input_shape(kB);
    WEFT_RETURN_IF_ERROR(ExpectRank(c, kB, 3, "b"));
    if (b.dim(0) != c.input_shape(kSet).num_elements()) {
      return InvalidArgument("b is ", b.ToString(), " but must have ",
                             c.input_shape(kSet).num_elements(), " rows");
    }
    int64_t m = 0;
    for (int i = kFirstA; i < c.num_inputs(); ++i) {
      const TensorShape& a = c.input_shape(i);
      if (a.rank() != 3 || a.dim(1) != b.dim(1)) {
        return InvalidArgument("a is ", a.ToString(),
                               " but must be [rows, batch = ", b.dim(1),
                               ", k] for b, ", b.ToString());
      }
      m += a.dim(2);
    }
    WEFT_ASSIGN_OR_RETURN(TensorShape shape,
                          TensorShape::Create({m, b.dim(2)}));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  // One product for each part of rows that are set one behind the other.
  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& set = c.input(kSet);
    const uint8_t* const is_set = static_cast<const uint8_t*>(set.data);
    const uint8_t* const end_of_set = is_set + set.size;
    bool accumulate = false;
    for (const uint8_t* first = is_set; first != end_of_set;) {
      first = std::find_if(first, end_of_set, [](uint8_t x) { return x != 0; });
      const uint8_t* const last = std::find(first, end_of_set, 0);
      if (first == last) break;
      WEFT_RETURN_IF_ERROR(
          AddRows(c, first - is_set, last - is_set, accumulate));
      accumulate = true;
      first = last;
    }
    if (!accumulate) {
      const absl::Span<T> out = c.out<T>(0);
      std::fill(out.begin(), out.end(), T{0});
    }
    return absl::OkStatus();
  }

 private:
  static constexpr int kSet = 0;
  static constexpr int kB = 2;
  static constexpr int kFirstA = 3;

  // Rows [first, last) of all parts; `accumulate`: to what is there.
  absl::Status AddRows(KernelContext& c, int64_t first, int64_t last,
                       bool accumulate) const {
    const int64_t batch = c.input_shape(kB).dim(1);
    GemmShape shape{.n = c.input_shape(kB).dim(2),
                    .k = (last - first) * batch,
                    .transpose_a = true,
                    .accumulate = accumulate};
    const T* const b = c.in<T>(kB).data() + first * batch * shape.n;
    T* to = c.out<T>(0).data();
    for (int i = kFirstA; i < c.num_inputs(); ++i) {
      const TensorShape& a = c.input_shape(i);
      if (last > a.dim(0)) {
        return OutOfRange("index ", std::max(first, a.dim(0)),
                          " must be in [0, ", a.dim(0), ")");
      }
      shape.m = a.dim(2);
      WEFT_RETURN_IF_ERROR(Gemm(
          shape, c.in<T>(i).data() + first * batch * shape.m, b, to, c.pool()));
      to += shape.m * shape.n;
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL_FLOATS(_JoinedProduct, JoinedProductKernel);

}  // namespace
}  // namespace weft
