// Kernels of ops that give elements another shape, and of new tensors.
#include <cmath>
#include <limits>
#include <utility>

#include "core/kernel.h"
#include "core/range.h"
#include "core/status.h"
#include "kernels/array_copy.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// The output is input 0 under another shape.
absl::Status SetReshaped(LayoutContext& c, const TensorShape& shape) {
  c.SetOutputView(0, 0, shape);
  if (const Tensor* value = c.KnownValue(0))
    c.SetOutputValue(0, value->Reshaped(shape));
  return absl::OkStatus();
}

class ViewKernel : public Kernel {
 public:
  absl::Status Compute(KernelContext&) const override {
    return absl::OkStatus();
  }
};

// ---- Reshape ----------------------------------------------------------------

// `sizes` as a shape of `elements` elements: one size may be -1.
absl::StatusOr<TensorShape> TargetShape(IntVector sizes,
                                        const TensorShape& input) {
  const int64_t elements = input.num_elements();
  int missing = -1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] != -1) continue;
    if (missing >= 0) return InvalidArgument("shape has more than one -1");
    missing = static_cast<int>(i);
    sizes[i] = 1;
  }
  WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(sizes));
  const int64_t rest = shape.num_elements();
  if (missing >= 0 && rest > 0 && elements % rest == 0) {
    shape.set_dim(missing, elements / rest);
    return shape;
  }
  if (missing < 0 && rest == elements) return shape;
  if (missing >= 0) sizes[missing] = -1;
  return InvalidArgument("tensor is ", input.ToString(), " with ", elements,
                         " elements, which do not make [",
                         absl::StrJoin(sizes, ", "), "]");
}

class ReshapeKernel : public ViewKernel {
 public:
  explicit ReshapeKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 1, "shape"));
    const Tensor* sizes = c.NeedValue(1);
    if (sizes == nullptr) return c.Defer();
    WEFT_ASSIGN_OR_RETURN(const TensorShape shape,
                          TargetShape(ReadInts(*sizes), c.input_shape(0)));
    return SetReshaped(c, shape);
  }
};
WEFT_KERNEL(Reshape, ReshapeKernel, {});

// _Like(x, shape): x, which must have that shape. See AssumeShapes.
class LikeKernel : public ViewKernel {
 public:
  explicit LikeKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 1, "shape"));
    const Tensor* sizes = c.NeedValue(1);
    if (sizes == nullptr) return c.Defer();
    WEFT_ASSIGN_OR_RETURN(const TensorShape shape,
                          ShapeOfSizes(ReadInts(*sizes)));
    if (shape != c.input_shape(0)) {
      return InvalidArgument("x is ", c.input_shape(0).ToString(),
                             " but must be ", shape.ToString());
    }
    return SetReshaped(c, shape);
  }
};
WEFT_KERNEL(_Like, LikeKernel, {});

// ---- ExpandDims, Squeeze ----------------------------------------------------

class ExpandDimsKernel : public ViewKernel {
 public:
  explicit ExpandDimsKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    if (c.input_shape(1).num_elements() != 1) return ExpectRank(c, 1, 0, "dim");
    const Tensor* dim = c.NeedValue(1);
    if (dim == nullptr) return c.Defer();
    const TensorShape& input = c.input_shape(0);
    if (input.rank() == TensorShape::kMaxRank)
      return InvalidArgument("input has too many axes");
    WEFT_ASSIGN_OR_RETURN(const int axis,
                          NormalizeAxis(ReadInt(*dim), input.rank() + 1));
    TensorShape shape = input;
    shape.InsertDim(axis, 1);
    return SetReshaped(c, shape);
  }
};
WEFT_KERNEL(ExpandDims, ExpandDimsKernel, {});

class SqueezeKernel : public ViewKernel {
 public:
  explicit SqueezeKernel(const KernelInit& init)
      : axes_(init.attrs.Get<std::vector<int64_t>>("squeeze_dims")) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& input = c.input_shape(0);
    uint64_t drop = 0;  // A bit per axis.
    for (int64_t given : axes_) {
      WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(given, input.rank()));
      if (input.dim(axis) != 1) {
        return InvalidArgument("axis ", axis, " of input ", input.ToString(),
                               " must have size 1");
      }
      drop |= uint64_t{1} << axis;
    }
    TensorShape shape;
    for (int i = 0; i < input.rank(); ++i) {
      const bool drops =
          axes_.empty() ? input.dim(i) == 1 : ((drop >> i) & 1) != 0;
      if (!drops) shape.AddDim(input.dim(i));
    }
    return SetReshaped(c, shape);
  }

 private:
  const std::vector<int64_t> axes_;
};
WEFT_KERNEL(Squeeze, SqueezeKernel, {});

// ---- Fill -------------------------------------------------------------------

class FillKernel : public Kernel {
 public:
  explicit FillKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 0, 1, "dims"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 0, "value"));
    const Tensor* dims = c.NeedValue(0);
    if (dims == nullptr) return c.Defer();
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(ReadInts(*dims)));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& out = c.output(0);
    CopyBox(c.pool(), out.dtype, c.input(1).data, out.data, {{out.size, 0, 1}});
    return absl::OkStatus();
  }
};
WEFT_KERNEL(Fill, FillKernel, {});

// ---- Range ------------------------------------------------------------------

template <typename T>
class RangeKernel : public Kernel {
 public:
  explicit RangeKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const char* const kNames[] = {"start", "limit", "delta"};
    for (int i = 0; i < 3; ++i)
      WEFT_RETURN_IF_ERROR(ExpectRank(c, i, 0, kNames[i]));
    for (int i = 0; i < 3; ++i) {
      if (c.NeedValue(i) == nullptr) return c.Defer();
    }
    using Wide = std::conditional_t<std::is_integral_v<T>, int64_t, T>;
    const Wide start = c.NeedValue(0)->scalar<T>();
    const Wide limit = c.NeedValue(1)->scalar<T>();
    const Wide delta = c.NeedValue(2)->scalar<T>();
    WEFT_ASSIGN_OR_RETURN(const int64_t size, RangeSize(start, limit, delta));
    c.SetOutput(0, {size});
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    absl::Span<T> out = c.out<T>(0);
    T value = c.in<T>(0)[0];
    const T delta = c.in<T>(2)[0];
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = value;
      if (i + 1 < out.size()) value += delta;  // Not beyond the limit.
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL(Range, RangeKernel<float>, {{"Tidx", DataType::kFloat}});
WEFT_KERNEL(Range, RangeKernel<double>, {{"Tidx", DataType::kDouble}});
WEFT_KERNEL(Range, RangeKernel<int32_t>, {{"Tidx", DataType::kInt32}});
WEFT_KERNEL(Range, RangeKernel<int64_t>, {{"Tidx", DataType::kInt64}});

// ---- OneHot -----------------------------------------------------------------

class OneHotKernel : public Kernel {
 public:
  explicit OneHotKernel(const KernelInit& init)
      : axis_(init.attrs.Get<int64_t>("axis")) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 0, "depth"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 0, "on_value"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 3, 0, "off_value"));
    const Tensor* depth = c.NeedValue(1);
    if (depth == nullptr) return c.Defer();
    const TensorShape& indices = c.input_shape(0);
    WEFT_ASSIGN_OR_RETURN(const int axis,
                          NormalizeAxis(axis_, indices.rank() + 1));
    IntVector dims(indices.dims().begin(), indices.dims().end());
    dims.insert(dims.begin() + axis, ReadInt(*depth));
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(dims));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  // An index outside of [0, depth) has no entry.
  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& out = c.output(0);
    const TensorRef& indices = c.input(0);
    CopyBox(c.pool(), out.dtype, c.input(3).data, out.data, {{out.size, 0, 1}});
    WEFT_ASSIGN_OR_RETURN(const int axis,
                          NormalizeAxis(axis_, out.shape->rank()));
    const int64_t depth = out.shape->dim(axis);
    const int64_t inner = Product(out.shape->dims().subspan(axis + 1));
    for (int64_t i = 0; i < indices.size; ++i) {
      const int64_t index = IntAt(indices.data, indices.dtype, i);
      if (index < 0 || index >= depth) continue;
      const int64_t at = (i / inner * depth + index) * inner + i % inner;
      CopyElements(out.dtype, c.input(2).data, At(out.data, out.dtype, at), 1);
    }
    return absl::OkStatus();
  }

 private:
  const int64_t axis_;
};
WEFT_KERNEL(OneHot, OneHotKernel, {});

}  // namespace
}  // namespace weft
