// Kernels of ops that read and write by index.
#include <algorithm>
#include <cstring>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/array_copy.h"
#include "kernels/position.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// OutOfRange unless all of `indices` are in [0, bound).
absl::Status CheckIndices(const TensorRef& indices, int64_t bound,
                          absl::string_view name) {
  for (int64_t i = 0; i < indices.size; ++i) {
    const int64_t index = IntAt(indices.data, indices.dtype, i);
    if (index >= 0 && index < bound) continue;
    return OutOfRange(name, PositionName(*indices.shape, i), " is ", index,
                      " but must be in [0, ", bound, ")");
  }
  return absl::OkStatus();
}

// ---- Gather, GatherV2 -------------------------------------------------------

constexpr int64_t kGrainElements = 1 << 14;

class GatherKernel : public Kernel {
 public:
  explicit GatherKernel(const KernelInit& init) {
    const AttrValue* batch_dims = init.attrs.Find("batch_dims");
    if (batch_dims != nullptr) batch_dims_ = *batch_dims->get_if<int64_t>();
  }

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRankAtLeast(c, 0, 1, "params"));
    const TensorShape& params = c.input_shape(0);
    const TensorShape& indices = c.input_shape(1);
    int64_t given = 0;
    if (c.num_inputs() > 2) {
      WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 0, "axis"));
      const Tensor* axis = c.NeedValue(2);
      if (axis == nullptr) return c.Defer();
      given = ReadInt(*axis);
    }
    WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(given, params.rank()));
    const int64_t batch =
        batch_dims_ < 0 ? batch_dims_ + indices.rank() : batch_dims_;
    if (batch < 0 || batch > indices.rank() || batch > axis ||
        params.dims().first(batch) != indices.dims().first(batch)) {
      return InvalidArgument(
          "params is ", params.ToString(), " and indices is ",
          indices.ToString(), " but their first batch_dims = ", batch_dims_,
          " axes must be the same, and lie before axis ", axis);
    }
    IntVector dims(params.dims().begin(), params.dims().begin() + axis);
    dims.insert(dims.end(), indices.dims().begin() + batch,
                indices.dims().end());
    dims.insert(dims.end(), params.dims().begin() + axis + 1,
                params.dims().end());
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(dims));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  // params is [batch, outer, entries, inner], indices is [batch, count], and
  // the output is [batch, outer, count, inner].
  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& params = c.input(0);
    const TensorRef& indices = c.input(1);
    const TensorRef& out = c.output(0);
    const int64_t given = c.num_inputs() > 2 ? ReadInt(c.input(2)) : 0;
    WEFT_ASSIGN_OR_RETURN(const int axis,
                          NormalizeAxis(given, params.shape->rank()));
    const int64_t entries = params.shape->dim(axis);
    WEFT_RETURN_IF_ERROR(CheckIndices(indices, entries, "indices"));
    if (out.size == 0) return absl::OkStatus();

    const int64_t batch_dims =
        batch_dims_ < 0 ? batch_dims_ + indices.shape->rank() : batch_dims_;
    const absl::Span<const int64_t> dims = params.shape->dims();
    const int64_t batch = Product(dims.first(batch_dims));
    const int64_t outer = Product(dims.subspan(batch_dims, axis - batch_dims));
    const int64_t inner = Product(dims.subspan(axis + 1));
    const int64_t count = indices.size / batch;
    const auto copy = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t block = i / count;  // Of batch * outer.
        const int64_t index = IntAt(indices.data, indices.dtype,
                                    block / outer * count + i % count);
        CopyElements(out.dtype,
                     At(static_cast<const void*>(params.data), out.dtype,
                        (block * entries + index) * inner),
                     At(out.data, out.dtype, i * inner), inner);
      }
    };
    const int64_t rows = batch * outer * count;
    if (out.size <= kGrainElements) {
      copy(0, rows);
    } else {
      c.pool().ParallelFor(rows, std::max<int64_t>(1, kGrainElements / inner),
                           copy);
    }
    return absl::OkStatus();
  }

 private:
  int64_t batch_dims_ = 0;
};
WEFT_KERNEL(Gather, GatherKernel, {});
WEFT_KERNEL(GatherV2, GatherKernel, {});

// ---- GatherNd, ScatterNd ----------------------------------------------------

// Tuples of indices, in the last axis of a tensor, of parts of `whole`.
class Tuples {
 public:
  Tuples(const TensorRef& indices, const TensorShape& whole)
      : indices_(indices),
        whole_(whole),
        length_(static_cast<int>(indices.shape->dim(-1))) {
    part_size_ = Product(whole.dims().subspan(length_));
    count_ = 1;
    for (int i = 0; i + 1 < indices.shape->rank(); ++i)
      count_ *= indices.shape->dim(i);
  }

  int64_t count() const { return count_; }
  int64_t part_size() const { return part_size_; }

  // The elements of `whole` before the part of tuple i, or OutOfRange.
  absl::StatusOr<int64_t> Offset(int64_t i) const {
    int64_t offset = 0;
    for (int k = 0; k < length_; ++k) {
      const int64_t at = i * length_ + k;
      const int64_t index = IntAt(indices_.data, indices_.dtype, at);
      if (index < 0 || index >= whole_.dim(k)) {
        return OutOfRange("indices", PositionName(*indices_.shape, at), " is ",
                          index, " but must be in [0, ", whole_.dim(k), ")");
      }
      offset = offset * whole_.dim(k) + index;
    }
    return offset * part_size_;
  }

 private:
  const TensorRef& indices_;
  const TensorShape& whole_;
  const int length_;
  int64_t part_size_ = 1;
  int64_t count_ = 1;
};

// indices.shape[:-1] + whole.shape[length of a tuple:].
absl::StatusOr<TensorShape> PartsShape(const TensorShape& whole,
                                       const TensorShape& indices) {
  if (indices.rank() < 1 || indices.dim(-1) > whole.rank()) {
    return InvalidArgument("indices is ", indices.ToString(),
                           " but its last axis must be at most ", whole.rank(),
                           " for ", whole.ToString());
  }
  IntVector dims(indices.dims().begin(), indices.dims().end() - 1);
  dims.insert(dims.end(), whole.dims().begin() + indices.dim(-1),
              whole.dims().end());
  return ShapeOfSizes(dims);
}

class GatherNdKernel : public Kernel {
 public:
  explicit GatherNdKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(TensorShape shape,
                          PartsShape(c.input_shape(0), c.input_shape(1)));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& out = c.output(0);
    const Tuples tuples(c.input(1), c.input_shape(0));
    const int64_t size = tuples.part_size();
    for (int64_t i = 0; i < tuples.count(); ++i) {
      WEFT_ASSIGN_OR_RETURN(const int64_t offset, tuples.Offset(i));
      CopyElements(
          out.dtype,
          At(static_cast<const void*>(c.input(0).data), out.dtype, offset),
          At(out.data, out.dtype, i * size), size);
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL(GatherNd, GatherNdKernel, {});

template <typename T>
void AddTo(const T* from, T* to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_integral_v<T>) {
      // Wraps around like all integer sums, without undefined behaviour.
      using U = std::make_unsigned_t<T>;
      to[i] = static_cast<T>(static_cast<U>(to[i]) + static_cast<U>(from[i]));
    } else {
      to[i] += from[i];
    }
  }
}

template <typename T>
class ScatterNdKernel : public Kernel {
 public:
  explicit ScatterNdKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 1, "shape"));
    const Tensor* sizes = c.NeedValue(2);
    if (sizes == nullptr) return c.Defer();
    WEFT_ASSIGN_OR_RETURN(TensorShape whole, ShapeOfSizes(ReadInts(*sizes)));
    WEFT_ASSIGN_OR_RETURN(const TensorShape parts,
                          PartsShape(whole, c.input_shape(0)));
    if (c.input_shape(1) != parts) {
      return InvalidArgument("updates is ", c.input_shape(1).ToString(),
                             " but must be ", parts.ToString());
    }
    c.SetOutput(0, std::move(whole));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const Tuples tuples(c.input(0), c.output_shape(0));
    const int64_t size = tuples.part_size();
    absl::Span<T> out = c.out<T>(0);
    std::fill(out.begin(), out.end(), T(0));
    for (int64_t i = 0; i < tuples.count(); ++i) {
      WEFT_ASSIGN_OR_RETURN(const int64_t offset, tuples.Offset(i));
      AddTo(c.in<T>(1).data() + i * size, out.data() + offset, size);
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL_NUMBERS(ScatterNd, ScatterNdKernel);

// ---- UnsortedSegmentSum -----------------------------------------------------

template <typename T>
class UnsortedSegmentSumKernel : public Kernel {
 public:
  explicit UnsortedSegmentSumKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 0, "num_segments"));
    const Tensor* num_segments = c.NeedValue(2);
    if (num_segments == nullptr) return c.Defer();
    const TensorShape& data = c.input_shape(0);
    const TensorShape& ids = c.input_shape(1);
    if (ids.rank() > data.rank() ||
        data.dims().first(ids.rank()) != ids.dims()) {
      return InvalidArgument("segment_ids is ", ids.ToString(), " but data, ",
                             data.ToString(), ", must begin with its shape");
    }
    IntVector dims = {ReadInt(*num_segments)};
    dims.insert(dims.end(), data.dims().begin() + ids.rank(),
                data.dims().end());
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(dims));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& ids = c.input(1);
    const int64_t segments = c.output_shape(0).dim(0);
    absl::Span<T> out = c.out<T>(0);
    std::fill(out.begin(), out.end(), T(0));
    const int64_t row = ids.size == 0 ? 0 : c.input(0).size / ids.size;
    for (int64_t i = 0; i < ids.size; ++i) {
      const int64_t id = IntAt(ids.data, ids.dtype, i);
      if (id < 0) continue;
      if (id >= segments) {
        return OutOfRange("segment_ids", PositionName(*ids.shape, i), " is ",
                          id, " but must be below num_segments = ", segments);
      }
      AddTo(c.in<T>(0).data() + i * row, out.data() + id * row, row);
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL_NUMBERS(UnsortedSegmentSum, UnsortedSegmentSumKernel);

// ---- DynamicStitch ----------------------------------------------------------

class DynamicStitchKernel : public Kernel {
 public:
  explicit DynamicStitchKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const int n = c.num_inputs() / 2;
    const int row_rank = c.input_shape(n).rank() - c.input_shape(0).rank();
    for (int i = 0; i < n; ++i) {
      const TensorShape& indices = c.input_shape(i);
      const TensorShape& data = c.input_shape(n + i);
      const bool fits =
          data.rank() >= indices.rank() &&
          data.rank() - indices.rank() == row_rank &&
          data.dims().first(indices.rank()) == indices.dims() &&
          data.dims().last(row_rank) == c.input_shape(n).dims().last(row_rank);
      if (!fits) {
        return InvalidArgument("data[", i, "] is ", data.ToString(),
                               " but must begin with the shape ",
                               indices.ToString(), " of indices[", i,
                               "] and go on like data[0], which is ",
                               c.input_shape(n).ToString());
      }
    }
    int64_t rows = 0;
    for (int i = 0; i < n; ++i) {
      const Tensor* indices = c.NeedValue(i);
      if (indices == nullptr) return c.Defer();
      for (int64_t index : indices->data<int32_t>())
        rows = std::max(rows, index + 1);
    }
    IntVector dims = {rows};
    const absl::Span<const int64_t> row =
        c.input_shape(n).dims().last(row_rank);
    dims.insert(dims.end(), row.begin(), row.end());
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(dims));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const int n = c.num_inputs() / 2;
    const TensorRef& out = c.output(0);
    const int64_t rows = out.shape->dim(0);
    const int64_t row = Product(out.shape->dims().subspan(1));
    ClearElements(out.dtype, out.data, out.size);
    for (int i = 0; i < n; ++i) {
      const TensorRef& indices = c.input(i);
      WEFT_RETURN_IF_ERROR(
          CheckIndices(indices, rows, absl::StrCat("indices[", i, "]")));
      for (int64_t k = 0; k < indices.size; ++k) {
        const int64_t index = IntAt(indices.data, indices.dtype, k);
        CopyElements(out.dtype,
                     At(static_cast<const void*>(c.input(n + i).data),
                        out.dtype, k * row),
                     At(out.data, out.dtype, index * row), row);
      }
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL(DynamicStitch, DynamicStitchKernel, {});

}  // namespace
}  // namespace weft
