// Kernels of ops that read lists, and that add them up.
#include <memory>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "core/tensor_list.h"
#include "kernels/array_copy.h"
#include "kernels/list_shape.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

const TensorList& ListInput(const KernelContext& c) {
  return c.in<TensorList>(0)[0];
}

// ---- One element ------------------------------------------------------------

class GetItemKernel : public Kernel {
 public:
  explicit GetItemKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 0, "index"));
    const Tensor* index = c.KnownValue(1);
    return LayOutItem(c, /*element_shape=*/2, /*output=*/0,
                      [index](const TensorList&) {
                        return index != nullptr ? ReadInt(*index) : -1;
                      });
  }

  absl::Status Compute(KernelContext& c) const override {
    return CopyItem(ListInput(c), ReadInt(c.input(1)), c.output(0));
  }
};
WEFT_KERNEL(TensorListGetItem, GetItemKernel, {});

// ---- Many elements ----------------------------------------------------------

// [size] + element.
absl::StatusOr<TensorShape> Stacked(int64_t size, const TensorShape& element) {
  IntVector dims = {size};
  dims.insert(dims.end(), element.dims().begin(), element.dims().end());
  return ShapeOfSizes(dims);
}

// The list input 0 where it must be there for a layout; null if it is not yet.
const TensorList* KnownList(const LayoutContext& c) {
  const Tensor* value = c.NeedValue(0);
  return value != nullptr ? &value->scalar<TensorList>() : nullptr;
}

// Lays out output 0 as `size` elements with a new axis in front; size -1: the
// list's. Defers if something is not known yet.
absl::Status LayOutElements(LayoutContext& c, int element_shape, int64_t size) {
  WEFT_ASSIGN_OR_RETURN(
      TensorShape element,
      CommonElementShape(c, element_shape, c.outputs()[0].dtype));
  const TensorList* list = KnownList(c);
  if (size < 0) size = list != nullptr ? list->size() : c.input_list(0).size;
  if (size < 0) return c.Defer();
  if (!element.IsFullyDefined()) {
    if (list == nullptr) return c.Defer();
    return InvalidArgument("a list of ", size,
                           " elements can not be stacked: of their shape only ",
                           element.ToString(), " is common");
  }
  WEFT_ASSIGN_OR_RETURN(TensorShape shape, Stacked(size, element));
  c.SetOutput(0, std::move(shape));
  return absl::OkStatus();
}

class StackKernel : public Kernel {
 public:
  explicit StackKernel(const KernelInit& init)
      : num_elements_(init.attrs.Get<int64_t>("num_elements")) {}

  absl::Status Layout(LayoutContext& c) const override {
    return LayOutElements(c, /*element_shape=*/1, num_elements_);
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorList& list = ListInput(c);
    const TensorRef& out = c.output(0);
    if (list.size() != out.shape->dim(0) && !IsZeros(list)) {
      return InvalidArgument(
          "the list has ", list.size(),
          " elements but must have num_elements = ", out.shape->dim(0));
    }
    TensorShape element = *out.shape;
    element.RemoveDim(0);
    if (list.element_dtype() == out.dtype && list.element_shape() == element) {
      WEFT_ASSIGN_OR_RETURN(const Tensor rows,
                            list.Stack(c.services().allocator()));
      CopyElements(out.dtype, rows.raw_data(), out.data, out.size);
      return absl::OkStatus();
    }
    const int64_t row = element.num_elements();
    for (int64_t i = 0; i < out.shape->dim(0); ++i) {
      WEFT_RETURN_IF_ERROR(CopyItem(list, i, out, i * row, element));
    }
    return absl::OkStatus();
  }

 private:
  const int64_t num_elements_;
};
WEFT_KERNEL(TensorListStack, StackKernel, {});

class ListGatherKernel : public Kernel {
 public:
  explicit ListGatherKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 1, "indices"));
    return LayOutElements(c, /*element_shape=*/2, c.input_shape(1).dim(0));
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorRef& out = c.output(0);
    TensorShape element = *out.shape;
    element.RemoveDim(0);
    const int64_t row = element.num_elements();
    const TensorRef& indices = c.input(1);
    for (int64_t i = 0; i < indices.size; ++i) {
      const int64_t index = IntAt(indices.data, indices.dtype, i);
      WEFT_RETURN_IF_ERROR(
          CopyItem(ListInput(c), index, out, i * row, element));
    }
    return absl::OkStatus();
  }
};
WEFT_KERNEL(TensorListGather, ListGatherKernel, {});

// ---- Facts ------------------------------------------------------------------

class LengthKernel : public Kernel {
 public:
  explicit LengthKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    const int64_t size = c.input_list(0).size;
    if (size >= 0) {
      c.SetOutputValue(0, Tensor::Scalar(static_cast<int32_t>(size)));
    } else {
      c.SetOutput(0, {});
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    c.out<int32_t>(0)[0] = static_cast<int32_t>(ListInput(c).size());
    return absl::OkStatus();
  }
};
WEFT_KERNEL(TensorListLength, LengthKernel, {});

class ElementShapeKernel : public Kernel {
 public:
  explicit ElementShapeKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    TensorShape shape = c.input_list(0).element;
    if (c.input_list(0).kind != ListShape::kKnown) {
      const TensorList* list = KnownList(c);
      if (list == nullptr) return c.Defer();
      shape = list->element_shape();
    }
    const IntVector dims =
        shape.has_rank() ? IntVector(shape.dims().begin(), shape.dims().end())
                         : IntVector{-1};
    const TensorShape result =
        shape.has_rank() ? TensorShape{static_cast<int64_t>(dims.size())}
                         : TensorShape{};
    if (c.outputs()[0].dtype == DataType::kInt64) {
      c.SetOutputValue(0, Tensor::Of<int64_t>(result, dims));
      return absl::OkStatus();
    }
    const absl::InlinedVector<int32_t, 8> narrow(dims.begin(), dims.end());
    c.SetOutputValue(0, Tensor::Of<int32_t>(result, narrow));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext&) const override {
    return absl::OkStatus();
  }
};
WEFT_KERNEL(TensorListElementShape, ElementShapeKernel, {});

}  // namespace
}  // namespace weft
