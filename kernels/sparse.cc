// SparseToDense, DynamicPartition and InTopKV2.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/array_copy.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

class SparseToDenseKernel : public Kernel {
 public:
  explicit SparseToDenseKernel(const KernelInit& init)
      : validate_(init.attrs.Get<bool>("validate_indices")) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 1, "output_shape"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 3, 0, "default_value"));
    const TensorShape& indices = c.input_shape(0);
    const int64_t rank = c.input_shape(1).dim(0);
    if (indices.rank() > 2 ||
        (indices.rank() == 2 ? indices.dim(1) : 1) != rank) {
      return InvalidArgument("sparse_indices is ", indices.ToString(),
                             " but must have ", rank,
                             " numbers for each place of output_shape");
    }
    const int64_t count = indices.rank() == 0 ? 1 : indices.dim(0);
    const TensorShape& values = c.input_shape(2);
    if (values.rank() != 0 && (values.rank() != 1 || values.dim(0) != count)) {
      return InvalidArgument("sparse_values is ", values.ToString(),
                             " but must be a scalar or [", count, "]");
    }
    const Tensor* sizes = c.NeedValue(1);
    if (sizes == nullptr) return c.Defer();
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(ReadInts(*sizes)));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& indices = c.input(0);
    const TensorRef& values = c.input(2);
    const TensorRef& out = c.output(0);
    CopyBox(c.pool(), out.dtype, c.input(3).data, out.data, {{out.size, 0, 1}});
    const int rank = out.shape->rank();
    const int64_t count =
        indices.shape->rank() == 0 ? 1 : indices.shape->dim(0);
    int64_t before = -1;
    for (int64_t i = 0; i < count; ++i) {
      int64_t place = 0;
      for (int k = 0; k < rank; ++k) {
        const int64_t index = IntAt(indices.data, indices.dtype, i * rank + k);
        if (index < 0 || index >= out.shape->dim(k)) {
          return OutOfRange("sparse_indices[", i, ", ", k, "] is ", index,
                            " but must be in [0, ", out.shape->dim(k), ")");
        }
        place = place * out.shape->dim(k) + index;
      }
      if (validate_ && place <= before) {
        return InvalidArgument(
            "sparse_indices[", i, "] is ",
            place == before ? "there twice" : "not in ascending order");
      }
      before = place;
      const void* from = values.data;
      CopyElements(out.dtype,
                   At(from, out.dtype, values.shape->rank() == 0 ? 0 : i),
                   At(out.data, out.dtype, place), 1);
    }
    return absl::OkStatus();
  }

 private:
  const bool validate_;
};
WEFT_KERNEL(SparseToDense, SparseToDenseKernel, {});

class DynamicPartitionKernel : public Kernel {
 public:
  explicit DynamicPartitionKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& data = c.input_shape(0);
    const TensorShape& partitions = c.input_shape(1);
    const int rank = partitions.rank();
    if (data.rank() < rank ||
        !std::equal(partitions.dims().begin(), partitions.dims().end(),
                    data.dims().begin())) {
      return InvalidArgument("data is ", data.ToString(),
                             " but must begin with the shape of partitions, ",
                             partitions.ToString());
    }
    const Tensor* value = c.NeedValue(1);
    if (value == nullptr) return c.Defer();
    std::vector<int64_t> counts(c.num_outputs(), 0);
    const absl::Span<const int32_t> numbers = value->data<int32_t>();
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (numbers[i] < 0 || numbers[i] >= c.num_outputs()) {
        return OutOfRange("partitions, element ", i, ", is ", numbers[i],
                          " but must be in [0, ", c.num_outputs(), ")");
      }
      ++counts[numbers[i]];
    }
    IntVector dims = {0};
    dims.insert(dims.end(), data.dims().begin() + rank, data.dims().end());
    for (int i = 0; i < c.num_outputs(); ++i) {
      dims[0] = counts[i];
      WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(dims));
      c.SetOutput(i, std::move(shape));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& data = c.input(0);
    const absl::Span<const int32_t> numbers = c.in<int32_t>(1);
    const int64_t row =
        Product(data.shape->dims().subspan(c.input_shape(1).rank()));
    std::vector<int64_t> next(c.num_outputs(), 0);
    const void* from = data.data;
    for (size_t i = 0; i < numbers.size(); ++i) {
      const TensorRef& out = c.output(numbers[i]);
      const int64_t at = next[numbers[i]]++;
      CopyElements(data.dtype,
                   At(from, data.dtype, static_cast<int64_t>(i) * row),
                   At(out.data, data.dtype, at * row), row);
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL(DynamicPartition, DynamicPartitionKernel, {});

class InTopKKernel : public Kernel {
 public:
  explicit InTopKKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 0, 2, "predictions"));
    WEFT_RETURN_IF_ERROR(
        ExpectVector(c, 1, c.input_shape(0).dim(0), "targets"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 0, "k"));
    c.SetOutput(0, c.input_shape(1));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const int64_t classes = c.input_shape(0).dim(1);
    const int64_t k = ReadInt(c.input(2));
    const absl::Span<bool> out = c.out<bool>(0);
    for (size_t i = 0; i < out.size(); ++i) {
      const float* row = c.in<float>(0).data() + i * classes;
      const int64_t target =
          IntAt(c.input(1).data, c.input(1).dtype, static_cast<int64_t>(i));
      // Ties count as not larger; what is not finite makes no ranking.
      bool finite = target >= 0 && target < classes;
      int64_t larger = 0;
      for (int64_t j = 0; finite && j < classes; ++j) {
        finite = std::isfinite(row[j]);
        larger += row[j] > row[target] ? 1 : 0;
      }
      out[i] = finite && larger < k;
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL(InTopKV2, InTopKKernel, {});

}  // namespace
}  // namespace weft
