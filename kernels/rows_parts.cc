// The parts of a tensor along an axis, as rows, and back. The passes make these
// ops (see runtime/passes):
//
//   _Parts(x)      [n, ...]: parts of x along an axis, one behind the other
//   _Joined(rows)  the rows of [n, ...], side by side along an axis
#include <cstdint>
#include <memory>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/array_copy.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// Where the elements of a result stand in the input, axis by axis. The result
// may have fewer axes, where neighbours are one.
struct BoxLayout : public KernelState {
  IntVector sizes;
  IntVector strides;
};

IntVector StridesOf(const LayoutContext& c) {
  const absl::Span<const int64_t> given = c.input_strides(0);
  const auto dense = Steps(c.input_shape(0));
  return given.empty() ? IntVector(dense.begin(), dense.end())
                       : IntVector(given.begin(), given.end());
}

// The result is a view of the input where that can be, else a copy.
absl::Status SetBox(LayoutContext& c, const IntVector& sizes, IntVector strides,
                    TensorShape shape) {
  const bool same_axes = static_cast<int>(sizes.size()) == shape.rank();
  if (IsDense(sizes, strides)) {
    c.SetOutputView(0, 0, std::move(shape));
  } else if (same_axes && c.may_stride()) {
    c.SetOutputStrided(0, 0, std::move(shape), 0, strides);
  } else {
    c.SetOutput(0, std::move(shape));
    auto layout = std::make_shared<BoxLayout>();
    layout->sizes = sizes;
    layout->strides = std::move(strides);
    c.SetState(std::move(layout));
  }
  return absl::OkStatus();
}

absl::Status CopyInto(KernelContext& c) {
  const BoxLayout& l = c.state<BoxLayout>();
  const TensorRef& out = c.output(0);
  CopyAxes axes(l.sizes.size());
  int64_t step = 1;
  for (size_t a = l.sizes.size(); a-- > 0;) {
    axes[a] = {l.sizes[a], l.strides[a], step};
    step *= l.sizes[a];
  }
  if (out.size > 0)
    CopyBox(c.pool(), out.dtype, c.input(0).data, out.data, std::move(axes));
  return absl::OkStatus();
}

// Attrs: axis; num, how many parts there are, or -1 for as many as the axis has
// entries; at_least, how many there must be; keep_axis, does a part have the
// axis, too?
class PartsKernel : public Kernel {
 public:
  explicit PartsKernel(const KernelInit& init)
      : axis_(init.attrs.Get<int64_t>("axis")),
        num_(init.attrs.Get<int64_t>("num")),
        at_least_(init.attrs.Get<int64_t>("at_least")),
        keep_axis_(init.attrs.Get<bool>("keep_axis")) {}

  bool TakesStrides(int) const override { return true; }

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& x = c.input_shape(0);
    WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axis_, x.rank()));
    const int64_t size = x.dim(axis);
    const int64_t num = num_ >= 0 ? num_ : size;
    const bool fits = num >= at_least_ &&
                      (keep_axis_ ? num > 0 && size % num == 0 : size == num);
    if (!fits) {
      return InvalidArgument("axis ", axis, " of ", x.ToString(),
                             " does not have ", std::max(num, at_least_),
                             " parts");
    }
    IntVector sizes(x.dims().begin(), x.dims().end());
    IntVector strides = StridesOf(c);
    const int64_t part = num == 0 ? 0 : size / num;
    const int64_t stride = strides[axis];
    if (keep_axis_) {
      sizes[axis] = part;
    } else {
      sizes.erase(sizes.begin() + axis);
      strides.erase(strides.begin() + axis);
    }
    sizes.insert(sizes.begin(), num);
    strides.insert(strides.begin(), stride * part);
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(sizes));
    return SetBox(c, sizes, std::move(strides), std::move(shape));
  }

  absl::Status Compute(KernelContext& c) const override { return CopyInto(c); }

 private:
  const int64_t axis_;
  const int64_t num_;
  const int64_t at_least_;
  const bool keep_axis_;
};
WEFT_KERNEL(_Parts, PartsKernel, {});

// Attrs: axis, of the result; new_axis: is that an axis of the rows alone, or
// do the rows have it?
class JoinedKernel : public Kernel {
 public:
  explicit JoinedKernel(const KernelInit& init)
      : axis_(init.attrs.Get<int64_t>("axis")),
        new_axis_(init.attrs.Get<bool>("new_axis")) {}

  bool TakesStrides(int) const override { return true; }

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& rows = c.input_shape(0);
    WEFT_ASSIGN_OR_RETURN(
        const int axis,
        NormalizeAxis(axis_, rows.rank() - (new_axis_ ? 0 : 1)));
    IntVector sizes(rows.dims().begin() + 1, rows.dims().end());
    IntVector strides = StridesOf(c);
    const int64_t stride = strides[0];
    strides.erase(strides.begin());
    IntVector joined = sizes;
    if (new_axis_) {
      joined.insert(joined.begin() + axis, rows.dim(0));
    } else {
      joined[axis] *= rows.dim(0);
    }
    sizes.insert(sizes.begin() + axis, rows.dim(0));
    strides.insert(strides.begin() + axis, stride);
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(joined));
    return SetBox(c, sizes, std::move(strides), std::move(shape));
  }

  absl::Status Compute(KernelContext& c) const override { return CopyInto(c); }

 private:
  const int64_t axis_;
  const bool new_axis_;
};
WEFT_KERNEL(_Joined, JoinedKernel, {});

}  // namespace
}  // namespace weft
