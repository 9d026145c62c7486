// Kernels of ops that take a part of a tensor by position.
#include <optional>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "core/strided_slice.h"
#include "kernels/array_copy.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

using Axis = StridedSliceDims::Axis;
using Axes = absl::Span<const Axis>;

// The elements before the first of a part of `whole`.
int64_t Offset(const TensorShape& whole, Axes axes) {
  const IntVector steps = Steps(whole);
  int64_t offset = 0;
  for (int i = 0; i < whole.rank(); ++i) offset += axes[i].begin * steps[i];
  return offset;
}

// Do the elements of the part stand one after another?
bool IsContiguous(const TensorShape& whole, Axes axes) {
  bool full = true;  // All axes further in are taken whole.
  for (int i = whole.rank() - 1; i >= 0; --i) {
    if (axes[i].size == 1) {
      full = full && whole.dim(i) == 1;
      continue;
    }
    if (!full || axes[i].stride != 1) return false;
    full = axes[i].size == whole.dim(i);
  }
  return true;
}

// The output is this part of input 0: a view of it if possible.
void SetPart(LayoutContext& c, TensorShape shape, Axes axes) {
  const TensorShape& whole = c.input_shape(0);
  for (const Axis& axis : axes) {
    if (!axis.placed) return c.SetOutput(0, std::move(shape));
  }
  if (shape.num_elements() == 0 || !IsPlain(c.input_dtype(0)) ||
      !IsContiguous(whole, axes)) {
    return c.SetOutput(0, std::move(shape));
  }
  const size_t offset = Offset(whole, axes) * DataTypeSize(c.input_dtype(0));
  c.SetOutputView(0, 0, std::move(shape), offset);
}

// Copies a part of `whole` out, or into it.
void CopyPart(KernelContext& c, const TensorShape& whole, Axes axes,
              const TensorRef& from, const TensorRef& to, bool into) {
  const IntVector steps = Steps(whole);
  CopyAxes copy(axes.size());
  int64_t step = 1;
  for (int i = whole.rank() - 1; i >= 0; --i) {
    // The stride between the entries of a single one may be anything.
    const int64_t in_whole = axes[i].size > 1 ? steps[i] * axes[i].stride : 0;
    copy[i] = {axes[i].size, into ? step : in_whole, into ? in_whole : step};
    step *= axes[i].size;
  }
  if (step == 0) return;
  const int64_t offset = Offset(whole, axes);
  const void* source =
      At(static_cast<const void*>(from.data), from.dtype, into ? 0 : offset);
  CopyBox(c.pool(), to.dtype, source, At(to.data, to.dtype, into ? offset : 0),
          std::move(copy));
}

// ---- Slice ------------------------------------------------------------------

// The part that `begin` and `size` say; entries that are not known are null.
absl::StatusOr<StridedSliceDims> ResolveSlice(const TensorShape& input,
                                              const IntVector* begin,
                                              const IntVector* size) {
  StridedSliceDims part;
  IntVector dims;
  for (int i = 0; i < input.rank(); ++i) {
    Axis axis{.begin = 0, .stride = 1, .size = -1, .placed = begin != nullptr};
    if (begin != nullptr) axis.begin = (*begin)[i];
    if (axis.begin < 0 || axis.begin > input.dim(i)) {
      return InvalidArgument("begin[", i, "] is ", axis.begin,
                             " but must be in [0, ", input.dim(i), "]");
    }
    const int64_t rest = input.dim(i) - axis.begin;
    if (size != nullptr) axis.size = (*size)[i];
    if (axis.size < -1 || axis.size > rest) {
      return InvalidArgument("size[", i, "] is ", axis.size, " but axis ", i,
                             " of ", input.ToString(), " has ", rest,
                             " entries from begin on");
    }
    if (axis.size == -1 && size != nullptr && begin != nullptr)
      axis.size = rest;
    part.axes.push_back(axis);
    dims.push_back(axis.size);
  }
  WEFT_ASSIGN_OR_RETURN(part.shape, TensorShape::Create(dims));
  return part;
}

class SliceKernel : public Kernel {
 public:
  explicit SliceKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& input = c.input_shape(0);
    WEFT_RETURN_IF_ERROR(ExpectVector(c, 1, input.rank(), "begin"));
    WEFT_RETURN_IF_ERROR(ExpectVector(c, 2, input.rank(), "size"));
    const Tensor* begin_value = c.KnownValue(1);
    const Tensor* size_value = c.NeedValue(2);
    if (size_value == nullptr) return c.Defer();
    const IntVector begin =
        begin_value != nullptr ? ReadInts(*begin_value) : IntVector();
    const IntVector size = ReadInts(*size_value);
    WEFT_ASSIGN_OR_RETURN(
        StridedSliceDims part,
        ResolveSlice(input, begin_value != nullptr ? &begin : nullptr, &size));
    if (!part.shape.IsFullyDefined()) return c.Defer();
    SetPart(c, part.shape, part.axes);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const IntVector begin = ReadInts(c.input(1));
    const IntVector size = ReadInts(c.input(2));
    WEFT_ASSIGN_OR_RETURN(const StridedSliceDims part,
                          ResolveSlice(c.input_shape(0), &begin, &size));
    CopyPart(c, c.input_shape(0), part.axes, c.input(0), c.output(0),
             /*into=*/false);
    return absl::OkStatus();
  }
};
WEFT_KERNEL(Slice, SliceKernel, {});

// ---- StridedSlice -----------------------------------------------------------

class StridedSliceBase : public Kernel {
 public:
  explicit StridedSliceBase(const KernelInit& init) {
    masks_.begin_mask = init.attrs.Get<int64_t>("begin_mask");
    masks_.end_mask = init.attrs.Get<int64_t>("end_mask");
    masks_.ellipsis_mask = init.attrs.Get<int64_t>("ellipsis_mask");
    masks_.new_axis_mask = init.attrs.Get<int64_t>("new_axis_mask");
    masks_.shrink_axis_mask = init.attrs.Get<int64_t>("shrink_axis_mask");
  }

 protected:
  // The slice as inputs 1 to 3 say, as far as they are known.
  absl::StatusOr<StridedSliceSpec> KnownSpec(const LayoutContext& c) const {
    const char* const kNames[] = {"begin", "end", "strides"};
    StridedSliceSpec spec = masks_;
    StridedSliceSpec::Values* const values[] = {&spec.begin, &spec.end,
                                                &spec.strides};
    for (int i = 0; i < 3; ++i) {
      WEFT_RETURN_IF_ERROR(ExpectRank(c, 1 + i, 1, kNames[i]));
      const Tensor* known = c.KnownValue(1 + i);
      for (int64_t k = 0; k < c.input_shape(1 + i).dim(0); ++k) {
        std::optional<int64_t> value;
        if (known != nullptr)
          value = IntAt(known->raw_data(), known->dtype(), k);
        values[i]->push_back(value);
      }
    }
    return spec;
  }

  StridedSliceSpec Spec(const KernelContext& c) const {
    StridedSliceSpec spec = masks_;
    StridedSliceSpec::Values* const values[] = {&spec.begin, &spec.end,
                                                &spec.strides};
    for (int i = 0; i < 3; ++i) {
      const TensorRef& input = c.input(1 + i);
      for (int64_t k = 0; k < input.size; ++k) {
        values[i]->push_back(IntAt(input.data, input.dtype, k));
      }
    }
    return spec;
  }

 private:
  StridedSliceSpec masks_;  // Without entries.
};

class StridedSliceKernel : public StridedSliceBase {
 public:
  using StridedSliceBase::StridedSliceBase;

  // A slice of which only the position is not known, like x[t], has a known
  // shape, so that a loop over t needs one layout.
  absl::Status Layout(LayoutContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(const StridedSliceSpec spec, KnownSpec(c));
    WEFT_ASSIGN_OR_RETURN(StridedSliceDims part,
                          ResolveStridedSlice(c.input_shape(0), spec));
    if (!part.shape.IsFullyDefined()) return c.Defer();
    SetPart(c, part.shape, part.axes);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(const StridedSliceDims part,
                          ResolveStridedSlice(c.input_shape(0), Spec(c)));
    CopyPart(c, c.input_shape(0), part.axes, c.input(0), c.output(0),
             /*into=*/false);
    return absl::OkStatus();
  }
};
WEFT_KERNEL(StridedSlice, StridedSliceKernel, {});

class StridedSliceGradKernel : public StridedSliceBase {
 public:
  using StridedSliceBase::StridedSliceBase;

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 0, 1, "shape"));
    const Tensor* sizes = c.NeedValue(0);
    if (sizes == nullptr) return c.Defer();
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(ReadInts(*sizes)));
    WEFT_RETURN_IF_ERROR(KnownSpec(c).status());
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorShape& whole = c.output_shape(0);
    WEFT_ASSIGN_OR_RETURN(const StridedSliceDims part,
                          ResolveStridedSlice(whole, Spec(c)));
    if (part.shape != c.input_shape(4)) {
      return InvalidArgument("dy is ", c.input_shape(4).ToString(),
                             " but must be ", part.shape.ToString());
    }
    ClearElements(c.output(0).dtype, c.output(0).data, c.output(0).size);
    CopyPart(c, whole, part.axes, c.input(4), c.output(0), /*into=*/true);
    return absl::OkStatus();
  }
};
WEFT_KERNEL(StridedSliceGrad, StridedSliceGradKernel, {});

}  // namespace
}  // namespace weft
