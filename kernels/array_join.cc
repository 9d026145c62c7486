// Kernels of ops that join tensors, and that split them.
#include <algorithm>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/array_copy.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// A tensor seen from one axis: `outer` blocks, each of entries along the axis
// one after another.
int64_t OuterOf(const TensorShape& shape, int axis) {
  return Product(shape.dims().first(axis));
}

// Copies `outer` runs of `run` elements, which stand from_step and to_step
// elements apart.
void CopyRuns(KernelContext& c, const TensorRef& from, int64_t from_offset,
              int64_t from_step, const TensorRef& to, int64_t to_offset,
              int64_t to_step, int64_t outer, int64_t run) {
  CopyBox(c.pool(), to.dtype,
          At(static_cast<const void*>(from.data), from.dtype, from_offset),
          At(to.data, to.dtype, to_offset),
          {{outer, from_step, to_step}, {run, 1, 1}});
}

// ---- Pack -------------------------------------------------------------------

class PackKernel : public Kernel {
 public:
  explicit PackKernel(const KernelInit& init)
      : axis_(init.attrs.Get<int64_t>("axis")) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& first = c.input_shape(0);
    for (int i = 1; i < c.num_inputs(); ++i) {
      if (c.input_shape(i) == first) continue;
      return InvalidArgument("values[", i, "] is ", c.input_shape(i).ToString(),
                             " but must be ", first.ToString(),
                             " like values[0]");
    }
    WEFT_ASSIGN_OR_RETURN(const int axis,
                          NormalizeAxis(axis_, first.rank() + 1));
    IntVector dims(first.dims().begin(), first.dims().end());
    dims.insert(dims.begin() + axis, c.num_inputs());
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(dims));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& out = c.output(0);
    WEFT_ASSIGN_OR_RETURN(const int axis,
                          NormalizeAxis(axis_, out.shape->rank()));
    const int64_t n = c.num_inputs();
    const int64_t outer = OuterOf(*out.shape, axis);
    const int64_t run = outer == 0 ? 0 : c.input(0).size / outer;
    for (int64_t i = 0; i < n; ++i) {
      CopyRuns(c, c.input(i), 0, run, out, i * run, n * run, outer, run);
    }
    return absl::OkStatus();
  }

 private:
  const int64_t axis_;
};
WEFT_KERNEL(Pack, PackKernel, {});

// ---- ConcatV2 ---------------------------------------------------------------

class ConcatKernel : public Kernel {
 public:
  explicit ConcatKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const int n = c.num_inputs() - 1;
    WEFT_RETURN_IF_ERROR(ExpectRank(c, n, 0, "axis"));
    WEFT_RETURN_IF_ERROR(ExpectRankAtLeast(c, 0, 1, "values[0]"));
    const Tensor* given = c.NeedValue(n);
    if (given == nullptr) return c.Defer();
    TensorShape shape = c.input_shape(0);
    WEFT_ASSIGN_OR_RETURN(const int axis,
                          NormalizeAxis(ReadInt(*given), shape.rank()));
    IntVector dims(shape.dims().begin(), shape.dims().end());
    for (int i = 1; i < n; ++i) {
      const TensorShape& value = c.input_shape(i);
      bool fits = value.rank() == shape.rank();
      for (int k = 0; fits && k < shape.rank(); ++k) {
        fits = k == axis || value.dim(k) == shape.dim(k);
      }
      if (!fits ||
          __builtin_add_overflow(dims[axis], value.dim(axis), &dims[axis])) {
        return InvalidArgument("values[", i, "] is ", value.ToString(),
                               " but must be like values[0], which is ",
                               shape.ToString(), ", but for axis ", axis);
      }
    }
    WEFT_ASSIGN_OR_RETURN(TensorShape joined, ShapeOfSizes(dims));
    c.SetOutput(0, std::move(joined));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const int n = c.num_inputs() - 1;
    const TensorRef& out = c.output(0);
    WEFT_ASSIGN_OR_RETURN(
        const int axis, NormalizeAxis(ReadInt(c.input(n)), out.shape->rank()));
    const int64_t outer = OuterOf(*out.shape, axis);
    if (outer == 0) return absl::OkStatus();
    const int64_t step = out.size / outer;
    int64_t offset = 0;
    for (int i = 0; i < n; ++i) {
      const int64_t run = c.input(i).size / outer;
      CopyRuns(c, c.input(i), 0, run, out, offset, step, outer, run);
      offset += run;
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL(ConcatV2, ConcatKernel, {});

// ---- Unpack, Split, SplitV --------------------------------------------------

// Outputs are consecutive parts of `input` along `axis`, of these sizes. Parts
// that stand one after another in memory are views; where users take strides,
// all are.
void SetParts(LayoutContext& c, int input, int axis,
              absl::Span<const int64_t> sizes, bool keep_axis) {
  const TensorShape& whole = c.input_shape(input);
  const DataType dtype = c.input_dtype(input);
  const bool views = IsPlain(dtype) && OuterOf(whole, axis) == 1;
  const int64_t inner = Product(whole.dims().subspan(axis + 1));
  const bool strided = !views && IsPlain(dtype) && c.may_stride();
  auto strides = Steps(whole);
  if (!keep_axis) strides.erase(strides.begin() + axis);
  int64_t begin = 0;
  for (int i = 0; i < c.num_outputs(); ++i) {
    TensorShape part = whole;
    part.set_dim(axis, sizes[i]);
    if (!keep_axis) part.RemoveDim(axis);
    if (views) {
      c.SetOutputView(i, input, std::move(part),
                      begin * inner * DataTypeSize(dtype));
    } else if (strided) {
      c.SetOutputStrided(i, input, std::move(part),
                         begin * inner * DataTypeSize(dtype), strides);
    } else {
      c.SetOutput(i, std::move(part));
    }
    begin += sizes[i];
  }
}

// Copies consecutive parts of `input` to the outputs.
void CopyParts(KernelContext& c, const TensorRef& input, int axis) {
  const int64_t outer = OuterOf(*input.shape, axis);
  if (outer == 0) return;
  const int64_t step = input.size / outer;
  int64_t offset = 0;
  for (int i = 0; i < c.num_outputs(); ++i) {
    const int64_t run = c.output(i).size / outer;
    CopyRuns(c, input, offset, step, c.output(i), 0, run, outer, run);
    offset += run;
  }
}

class UnpackKernel : public Kernel {
 public:
  explicit UnpackKernel(const KernelInit& init)
      : axis_(init.attrs.Get<int64_t>("axis")) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& value = c.input_shape(0);
    WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axis_, value.rank()));
    if (value.dim(axis) != c.num_outputs()) {
      return InvalidArgument("value is ", value.ToString(), " but axis ", axis,
                             " must have num = ", c.num_outputs(), " entries");
    }
    SetParts(c, 0, axis, IntVector(c.num_outputs(), 1), /*keep_axis=*/false);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(const int axis,
                          NormalizeAxis(axis_, c.input_shape(0).rank()));
    CopyParts(c, c.input(0), axis);
    return absl::OkStatus();
  }

 private:
  const int64_t axis_;
};
WEFT_KERNEL(Unpack, UnpackKernel, {});

class SplitKernel : public Kernel {
 public:
  explicit SplitKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 0, 0, "split_dim"));
    const Tensor* given = c.NeedValue(0);
    if (given == nullptr) return c.Defer();
    const TensorShape& value = c.input_shape(1);
    WEFT_ASSIGN_OR_RETURN(const int axis,
                          NormalizeAxis(ReadInt(*given), value.rank()));
    const int64_t n = c.num_outputs();
    if (value.dim(axis) % n != 0) {
      return InvalidArgument("value is ", value.ToString(), " but axis ", axis,
                             " must be a multiple of num_split = ", n);
    }
    SetParts(c, 1, axis, IntVector(n, value.dim(axis) / n), /*keep_axis=*/true);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(
        const int axis,
        NormalizeAxis(ReadInt(c.input(0)), c.input_shape(1).rank()));
    CopyParts(c, c.input(1), axis);
    return absl::OkStatus();
  }
};
WEFT_KERNEL(Split, SplitKernel, {});

// Fills in the entry of -1, if there is one, so that `sizes` add up to `total`.
absl::Status CompleteSizes(int64_t total, IntVector* sizes) {
  int64_t sum = 0;
  int rest = -1;
  for (size_t i = 0; i < sizes->size(); ++i) {
    const int64_t size = (*sizes)[i];
    if (size == -1 && rest < 0) {
      rest = static_cast<int>(i);
    } else if (size < 0 || __builtin_add_overflow(sum, size, &sum)) {
      return InvalidArgument("size_splits[", i, "] is ", size,
                             " but must be a size, or -1 once");
    }
  }
  if (rest >= 0 ? sum > total : sum != total) {
    return InvalidArgument("size_splits add up to ", sum, " but the axis has ",
                           total, " entries");
  }
  if (rest >= 0) (*sizes)[rest] = total - sum;
  return absl::OkStatus();
}

class SplitVKernel : public Kernel {
 public:
  explicit SplitVKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectVector(c, 1, c.num_outputs(), "size_splits"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 0, "split_dim"));
    const Tensor* size_splits = c.NeedValue(1);
    const Tensor* given = c.NeedValue(2);
    if (size_splits == nullptr || given == nullptr) return c.Defer();
    const TensorShape& value = c.input_shape(0);
    WEFT_ASSIGN_OR_RETURN(const int axis,
                          NormalizeAxis(ReadInt(*given), value.rank()));
    IntVector sizes = ReadInts(*size_splits);
    WEFT_RETURN_IF_ERROR(CompleteSizes(value.dim(axis), &sizes));
    SetParts(c, 0, axis, sizes, /*keep_axis=*/true);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(
        const int axis,
        NormalizeAxis(ReadInt(c.input(2)), c.input_shape(0).rank()));
    CopyParts(c, c.input(0), axis);
    return absl::OkStatus();
  }
};
WEFT_KERNEL(SplitV, SplitVKernel, {});

}  // namespace
}  // namespace weft
