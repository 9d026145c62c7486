// Kernels of ops that reorder, repeat and pad.
#include <algorithm>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/array_copy.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// The output is input 0 as it is.
absl::Status SetSame(LayoutContext& c, TensorShape shape) {
  c.SetOutputView(0, 0, std::move(shape));
  return absl::OkStatus();
}

// ---- Transpose, InvertPermutation -------------------------------------------

// The inverse of `perm`; InvalidArgument if that is no permutation.
absl::StatusOr<IntVector> Inverse(const IntVector& perm) {
  const int64_t n = static_cast<int64_t>(perm.size());
  IntVector inverse(n, -1);
  for (int64_t i = 0; i < n; ++i) {
    if (perm[i] < 0 || perm[i] >= n) {
      return InvalidArgument("entry ", i, " of the permutation is ", perm[i],
                             " but must be in [0, ", n, ")");
    }
    if (inverse[perm[i]] >= 0) {
      return InvalidArgument("entry ", i, " of the permutation is ", perm[i],
                             " as is entry ", inverse[perm[i]]);
    }
    inverse[perm[i]] = i;
  }
  return inverse;
}

// Elements from entry to entry of each axis.
IntVector StepsOf(const TensorShape& shape, absl::Span<const int64_t> strides) {
  return strides.empty() ? Steps(shape)
                         : IntVector(strides.begin(), strides.end());
}

class TransposeKernel : public Kernel {
 public:
  explicit TransposeKernel(const KernelInit&) {}

  bool TakesStrides(int input) const override { return input == 0; }

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& x = c.input_shape(0);
    WEFT_RETURN_IF_ERROR(ExpectVector(c, 1, x.rank(), "perm"));
    const Tensor* value = c.NeedValue(1);
    if (value == nullptr) return c.Defer();
    const IntVector perm = ReadInts(*value);
    WEFT_RETURN_IF_ERROR(Inverse(perm).status());
    TensorShape shape;
    int64_t last = -1;
    bool in_order = true;  // But for axes of size 1, which do not matter.
    for (int64_t axis : perm) {
      shape.AddDim(x.dim(static_cast<int>(axis)));
      if (x.dim(static_cast<int>(axis)) == 1) continue;
      in_order = in_order && axis > last;
      last = axis;
    }
    const IntVector from = StepsOf(x, c.input_strides(0));
    IntVector strides;
    for (int64_t axis : perm) strides.push_back(from[axis]);
    const bool in_one_piece =
        in_order ? c.input_strides(0).empty() : IsDense(shape.dims(), strides);
    if (in_one_piece) return SetSame(c, std::move(shape));
    if (c.may_stride() && IsPlain(c.input_dtype(0))) {
      c.SetOutputStrided(0, 0, std::move(shape), 0, strides);
    } else {
      c.SetOutput(0, std::move(shape));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& out = c.output(0);
    const IntVector perm = ReadInts(c.input(1));
    const TensorRef& x = c.input(0);
    const IntVector from =
        StepsOf(*x.shape, x.strides == nullptr
                              ? absl::Span<const int64_t>()
                              : absl::MakeConstSpan(x.strides, perm.size()));
    const IntVector to = Steps(*out.shape);
    CopyAxes axes;
    for (size_t i = 0; i < perm.size(); ++i) {
      axes.push_back(
          {out.shape->dim(static_cast<int>(i)), from[perm[i]], to[i]});
    }
    CopyBox(c.pool(), out.dtype, c.input(0).data, out.data, std::move(axes));
    return absl::OkStatus();
  }
};
WEFT_KERNEL(Transpose, TransposeKernel, {});

class InvertPermutationKernel : public Kernel {
 public:
  explicit InvertPermutationKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 0, 1, "x"));
    c.SetOutput(0, c.input_shape(0));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(const IntVector inverse,
                          Inverse(ReadInts(c.input(0))));
    for (size_t i = 0; i < inverse.size(); ++i) {
      if (c.output(0).dtype == DataType::kInt64) {
        c.out<int64_t>(0)[i] = inverse[i];
      } else {
        c.out<int32_t>(0)[i] = static_cast<int32_t>(inverse[i]);
      }
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL(InvertPermutation, InvertPermutationKernel, {});

// ---- Tile, BroadcastTo ------------------------------------------------------

class TileKernel : public Kernel {
 public:
  explicit TileKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& input = c.input_shape(0);
    WEFT_RETURN_IF_ERROR(ExpectVector(c, 1, input.rank(), "multiples"));
    const Tensor* value = c.NeedValue(1);
    if (value == nullptr) return c.Defer();
    IntVector dims(input.dims().begin(), input.dims().end());
    for (size_t i = 0; i < dims.size(); ++i) {
      const int64_t m =
          IntAt(value->raw_data(), value->dtype(), static_cast<int64_t>(i));
      if (m < 0 || MultiplyOverflows(dims[i], m, &dims[i])) {
        return InvalidArgument("multiples[", i, "] is ", m,
                               " but must be 0 or more, and the size must fit");
      }
    }
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(dims));
    if (shape == input) return SetSame(c, std::move(shape));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& out = c.output(0);
    const TensorShape& input = c.input_shape(0);
    const IntVector from = Steps(input);
    const IntVector to = Steps(*out.shape);
    if (out.size == 0) return absl::OkStatus();
    CopyAxes axes;
    for (int i = 0; i < input.rank(); ++i) {
      const int64_t size = input.dim(i);
      axes.push_back({out.shape->dim(i) / size, 0, size * to[i]});
      axes.push_back({size, from[i], to[i]});
    }
    CopyBox(c.pool(), out.dtype, c.input(0).data, out.data, std::move(axes));
    return absl::OkStatus();
  }
};
WEFT_KERNEL(Tile, TileKernel, {});

class BroadcastToKernel : public Kernel {
 public:
  explicit BroadcastToKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 1, "shape"));
    const Tensor* value = c.NeedValue(1);
    if (value == nullptr) return c.Defer();
    const TensorShape& input = c.input_shape(0);
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(ReadInts(*value)));
    bool fits = input.rank() <= shape.rank();
    for (int i = 1; fits && i <= input.rank(); ++i) {
      fits = input.dim(-i) == 1 || input.dim(-i) == shape.dim(-i);
    }
    if (!fits) {
      return InvalidArgument("input ", input.ToString(),
                             " does not broadcast to ", shape.ToString());
    }
    if (shape.num_elements() == input.num_elements())
      return SetSame(c, std::move(shape));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& out = c.output(0);
    const TensorShape& input = c.input_shape(0);
    const IntVector from = Steps(input);
    const IntVector to = Steps(*out.shape);
    const int added = out.shape->rank() - input.rank();
    CopyAxes axes;
    for (int i = 0; i < out.shape->rank(); ++i) {
      const bool repeats = i < added || input.dim(i - added) == 1;
      axes.push_back({out.shape->dim(i), repeats ? 0 : from[i - added], to[i]});
    }
    CopyBox(c.pool(), out.dtype, c.input(0).data, out.data, std::move(axes));
    return absl::OkStatus();
  }
};
WEFT_KERNEL(BroadcastTo, BroadcastToKernel, {});

// ---- ReverseV2, ReverseSequence ---------------------------------------------

// Copies the box of `shape` that begins `offset` elements into input 0 to the
// same place of output 0, backwards along the axes of `axes_mask`. Both tensors
// have these steps.
void CopyReversed(KernelContext& c, const TensorShape& shape,
                  const IntVector& steps, uint64_t axes_mask, int64_t offset) {
  const TensorRef& out = c.output(0);
  CopyAxes axes;
  int64_t from_offset = offset;
  for (int i = 0; i < shape.rank(); ++i) {
    const bool backwards = ((axes_mask >> i) & 1) != 0;
    axes.push_back({shape.dim(i), backwards ? -steps[i] : steps[i], steps[i]});
    if (backwards) from_offset += (shape.dim(i) - 1) * steps[i];
  }
  if (shape.num_elements() == 0) return;
  const void* from =
      At(static_cast<const void*>(c.input(0).data), out.dtype, from_offset);
  CopyBox(c.pool(), out.dtype, from, At(out.data, out.dtype, offset),
          std::move(axes));
}

class ReverseKernel : public Kernel {
 public:
  explicit ReverseKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 1, "axis"));
    if (const Tensor* axes = c.KnownValue(1)) {
      WEFT_RETURN_IF_ERROR(
          Mask(ReadInts(*axes), c.input_shape(0).rank()).status());
    }
    c.SetOutput(0, c.input_shape(0));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorShape& shape = c.input_shape(0);
    WEFT_ASSIGN_OR_RETURN(const uint64_t mask,
                          Mask(ReadInts(c.input(1)), shape.rank()));
    CopyReversed(c, shape, Steps(shape), mask, 0);
    return absl::OkStatus();
  }

 private:
  // A bit for each of `axes`.
  static absl::StatusOr<uint64_t> Mask(const IntVector& axes, int rank) {
    uint64_t mask = 0;
    for (int64_t given : axes) {
      WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(given, rank));
      if (((mask >> axis) & 1) != 0)
        return InvalidArgument("axis ", axis, " is given twice");
      mask |= uint64_t{1} << axis;
    }
    return mask;
  }
};
WEFT_KERNEL(ReverseV2, ReverseKernel, {});

class ReverseSequenceKernel : public Kernel {
 public:
  explicit ReverseSequenceKernel(const KernelInit& init)
      : seq_axis_(init.attrs.Get<int64_t>("seq_dim")),
        batch_axis_(init.attrs.Get<int64_t>("batch_dim")) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& input = c.input_shape(0);
    if (seq_axis_ < 0 || seq_axis_ >= input.rank() || batch_axis_ < 0 ||
        batch_axis_ >= input.rank() || seq_axis_ == batch_axis_) {
      return InvalidArgument(
          "seq_dim is ", seq_axis_, " and batch_dim is ", batch_axis_,
          " but they must be two axes of input ", input.ToString());
    }
    WEFT_RETURN_IF_ERROR(ExpectVector(
        c, 1, input.dim(static_cast<int>(batch_axis_)), "seq_lengths"));
    c.SetOutput(0, input);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorShape& input = c.input_shape(0);
    const int seq_axis = static_cast<int>(seq_axis_);
    const int batch_axis = static_cast<int>(batch_axis_);
    const IntVector steps = Steps(input);
    const TensorRef& lengths = c.input(1);
    const int64_t time = input.dim(seq_axis);
    for (int64_t row = 0; row < lengths.size; ++row) {
      const int64_t length = IntAt(lengths.data, lengths.dtype, row);
      if (length < 0 || length > time) {
        return InvalidArgument("seq_lengths[", row, "] is ", length,
                               " but must be in [0, ", time, "]");
      }
      TensorShape part = input;
      part.set_dim(batch_axis, 1);
      part.set_dim(seq_axis, length);
      CopyReversed(c, part, steps, uint64_t{1} << seq_axis,
                   row * steps[batch_axis]);
      part.set_dim(seq_axis, time - length);
      CopyReversed(c, part, steps, 0,
                   row * steps[batch_axis] + length * steps[seq_axis]);
    }
    return absl::OkStatus();
  }

 private:
  const int64_t seq_axis_;
  const int64_t batch_axis_;
};
WEFT_KERNEL(ReverseSequence, ReverseSequenceKernel, {});

// ---- Pad, PadV2 -------------------------------------------------------------

// With zeros, or with input 2 if there is one.
class PadKernel : public Kernel {
 public:
  explicit PadKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& input = c.input_shape(0);
    const TensorShape& paddings = c.input_shape(1);
    if (paddings.rank() != 2 || paddings.dim(0) != input.rank() ||
        paddings.dim(1) != 2) {
      return InvalidArgument("paddings is ", paddings.ToString(),
                             " but must be [", input.rank(), ", 2]");
    }
    if (c.num_inputs() > 2)
      WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 0, "constant_values"));
    const Tensor* value = c.NeedValue(1);
    if (value == nullptr) return c.Defer();
    const IntVector pads = ReadInts(*value);
    IntVector dims(input.dims().begin(), input.dims().end());
    for (size_t i = 0; i < pads.size(); ++i) {
      if (pads[i] < 0 ||
          __builtin_add_overflow(dims[i / 2], pads[i], &dims[i / 2])) {
        return InvalidArgument("paddings[", i / 2, "][", i % 2, "] is ",
                               pads[i],
                               " but must be 0 or more, and the size must fit");
      }
    }
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(dims));
    if (shape == input) return SetSame(c, std::move(shape));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& out = c.output(0);
    const TensorRef& input = c.input(0);
    if (c.num_inputs() > 2) {
      CopyBox(c.pool(), out.dtype, c.input(2).data, out.data,
              {{out.size, 0, 1}});
    } else {
      ClearElements(out.dtype, out.data, out.size);
    }
    const IntVector from = Steps(*input.shape);
    const IntVector to = Steps(*out.shape);
    CopyAxes axes;
    int64_t offset = 0;
    for (int i = 0; i < input.shape->rank(); ++i) {
      axes.push_back({input.shape->dim(i), from[i], to[i]});
      offset += IntAt(c.input(1).data, c.input(1).dtype, 2 * i) * to[i];
    }
    if (input.size == 0) return absl::OkStatus();
    CopyBox(c.pool(), out.dtype, input.data, At(out.data, out.dtype, offset),
            std::move(axes));
    return absl::OkStatus();
  }
};
WEFT_KERNEL(Pad, PadKernel, {});
WEFT_KERNEL(PadV2, PadKernel, {});

// ---- MatrixBandPart ---------------------------------------------------------

class MatrixBandPartKernel : public Kernel {
 public:
  explicit MatrixBandPartKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRankAtLeast(c, 0, 2, "input"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 0, "num_lower"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 0, "num_upper"));
    c.SetOutput(0, c.input_shape(0));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& out = c.output(0);
    const int64_t rows = out.shape->dim(-2), columns = out.shape->dim(-1);
    const int64_t lower = ReadInt(c.input(1)), upper = ReadInt(c.input(2));
    if (out.size == 0) return absl::OkStatus();
    ClearElements(out.dtype, out.data, out.size);
    for (int64_t row = 0; row < out.size / columns; ++row) {
      const int64_t i = row % rows;
      const int64_t begin =
          lower < 0 || lower > i ? 0 : std::min(i - lower, columns);
      const int64_t end = upper < 0 || upper >= columns
                              ? columns
                              : std::min(i + upper + 1, columns);
      if (begin >= end) continue;
      const int64_t at = row * columns + begin;
      CopyElements(out.dtype,
                   At(static_cast<const void*>(c.input(0).data), out.dtype, at),
                   At(out.data, out.dtype, at), end - begin);
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL(MatrixBandPart, MatrixBandPartKernel, {});

}  // namespace
}  // namespace weft
