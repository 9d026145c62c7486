// TensorListConcatV2 and TensorListSplit.
#include <cstdint>
#include <utility>
#include <vector>

#include "core/kernel.h"
#include "core/status.h"
#include "core/tensor_list.h"
#include "kernels/array_copy.h"
#include "kernels/list_shape.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

class ConcatKernel : public Kernel {
 public:
  explicit ConcatKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 1, "leading_dims"));
    WEFT_ASSIGN_OR_RETURN(
        TensorShape element,
        CommonElementShape(c, /*element_shape=*/1, c.outputs()[0].dtype));
    const ListShape& known = c.input_list(0);
    // Where leading_dims say how long elements are that are not set, they may
    // differ.
    if (c.input_shape(2).dim(0) == 0 && known.kind == ListShape::kKnown &&
        known.size >= 0 && element.IsFullyDefined() && element.rank() > 0)
      return SetOutputs(c, element, known.size * element.dim(0), known.size);
    const Tensor* list = c.NeedValue(0);
    const Tensor* leading_dims = c.NeedValue(2);
    if (list == nullptr || leading_dims == nullptr) return c.Defer();
    return LayOutList(c, list->scalar<TensorList>(), std::move(element),
                      *leading_dims);
  }

  absl::Status Compute(KernelContext& c) const override {
    const TensorList& list = c.in<TensorList>(0)[0];
    const TensorRef& out = c.output(0);
    const absl::Span<int64_t> lengths = c.out<int64_t>(1);
    TensorShape element = *out.shape;
    element.RemoveDim(0);
    const int64_t row = element.num_elements();
    const int64_t rows = out.shape->dim(0);
    // What is not set is as long as there is room for it.
    const int64_t unset =
        lengths.empty() ? 0 : rows / static_cast<int64_t>(lengths.size());
    const absl::Span<const int64_t> leading = c.in<int64_t>(2);
    int64_t at = 0;
    for (size_t i = 0; i < lengths.size(); ++i) {
      const int64_t k = static_cast<int64_t>(i);
      lengths[i] = unset;
      if (list.IsSet(k)) {
        WEFT_ASSIGN_OR_RETURN(const Tensor item, list.Get(k));
        lengths[i] = item.dim(0);
      } else if (leading.size() == lengths.size()) {
        lengths[i] = leading[i];
      }
      TensorShape shape = element;
      shape.InsertDim(0, lengths[i]);
      if (lengths[i] < 0 || lengths[i] > rows - at) {
        return InvalidArgument("element ", i, " has ", lengths[i],
                               " rows, which is more than there is room for");
      }
      WEFT_RETURN_IF_ERROR(CopyItem(list, k, out, at * row, shape));
      at += lengths[i];
    }
    return absl::OkStatus();
  }

 private:
  static absl::Status SetOutputs(LayoutContext& c, const TensorShape& element,
                                 int64_t rows, int64_t size) {
    IntVector dims(element.dims().begin(), element.dims().end());
    dims[0] = rows;
    WEFT_ASSIGN_OR_RETURN(TensorShape shape, ShapeOfSizes(dims));
    c.SetOutput(0, std::move(shape));
    c.SetOutput(1, {size});
    return absl::OkStatus();
  }

  static absl::Status LayOutList(LayoutContext& c, const TensorList& list,
                                 TensorShape common,
                                 const Tensor& leading_dims) {
    const absl::Span<const int64_t> leading = leading_dims.data<int64_t>();
    const int64_t num_leading = static_cast<int64_t>(leading.size());
    const int64_t size = IsZeros(list) ? num_leading : list.size();
    int64_t rows = 0;
    for (int64_t i = 0; i < size; ++i) {
      TensorShape shape = IsZeros(list) ? common : list.element_shape();
      if (list.IsSet(i)) {
        WEFT_ASSIGN_OR_RETURN(const Tensor item, list.Get(i));
        shape = item.shape();
      } else if (shape.rank() > 0 && num_leading == size) {
        if (leading[i] < 0) {
          return InvalidArgument("leading_dims[", i, "] is ", leading[i],
                                 " but must be 0 or more");
        }
        IntVector dims(shape.dims().begin(), shape.dims().end());
        dims[0] = leading[i];
        WEFT_ASSIGN_OR_RETURN(shape, TensorShape::Create(dims));
      }
      if (!shape.IsFullyDefined() || shape.rank() == 0) {
        return InvalidArgument(
            "element ", i, " is ", shape.ToString(),
            " but must have a known shape of rank 1 or more to be joined");
      }
      if (__builtin_add_overflow(rows, shape.dim(0), &rows))
        return InvalidArgument("the elements have too many rows");
      shape.set_dim(0, TensorShape::kUnknownDim);
      TensorShape wanted = common;
      if (wanted.rank() > 0) wanted.set_dim(0, TensorShape::kUnknownDim);
      if (!wanted.IsCompatibleWith(shape)) {
        return InvalidArgument("element ", i, " is ", shape.ToString(),
                               " but must be ", wanted.ToString());
      }
      common = wanted.MergedWith(shape);
    }
    if (size == 0 && common.rank() > 0) common.set_dim(0, 0);
    TensorShape rest = common;
    if (rest.rank() > 0) rest.RemoveDim(0);
    if (!rest.IsFullyDefined() || common.rank() == 0) {
      return InvalidArgument(
          "a list without elements can not be joined: of "
          "their shape only ",
          common.ToString(), " is known");
    }
    return SetOutputs(c, common, rows, size);
  }
};
WEFT_KERNEL(TensorListConcatV2, ConcatKernel, {});

class SplitKernel : public Kernel {
 public:
  explicit SplitKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRankAtLeast(c, 0, 1, "tensor"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 1, "lengths"));
    c.SetOutputList(0, {.size = c.input_shape(2).dim(0)});
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const Tensor tensor = c.BorrowInput(0);
    const absl::Span<const int64_t> lengths = c.in<int64_t>(2);
    const int64_t rows = tensor.dim(0);
    TensorShape element = tensor.shape();
    element.set_dim(0, TensorShape::kUnknownDim);
    const int64_t size = static_cast<int64_t>(lengths.size());
    WEFT_ASSIGN_OR_RETURN(
        TensorList list, TensorList::Create(tensor.dtype(), element, size, size,
                                            c.services().allocator()));
    int64_t at = 0;
    for (int64_t i = 0; i < size; ++i) {
      if (lengths[i] < 0 || lengths[i] > rows - at) {
        return InvalidArgument("lengths[", i, "] is ", lengths[i], " but ",
                               rows - at, " of ", rows, " rows are left");
      }
      WEFT_RETURN_IF_ERROR(list.Set(i, tensor.Rows(at, lengths[i])));
      at += lengths[i];
    }
    if (at != rows) {
      return InvalidArgument("lengths add up to ", at, " but tensor has ", rows,
                             " rows");
    }
    c.out<TensorList>(0)[0] = std::move(list);
    return absl::OkStatus();
  }
};
WEFT_KERNEL(TensorListSplit, SplitKernel, {});

}  // namespace
}  // namespace weft
