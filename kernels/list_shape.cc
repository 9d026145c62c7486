#include "kernels/list_shape.h"

#include <utility>

#include "core/status.h"
#include "kernels/array_copy.h"
#include "kernels/shape_args.h"

namespace weft {

absl::StatusOr<TensorShape> ReadElementShape(const Tensor& value) {
  const IntVector dims = ReadInts(value);
  if (value.shape().rank() == 1) return TensorShape::Create(dims);
  if (value.shape().rank() == 0 && dims[0] == -1)
    return TensorShape::UnknownRank();
  return InvalidArgument("element_shape is ", value.ToString(),
                         " but must be a vector of sizes, or the scalar -1");
}

absl::StatusOr<TensorShape> CommonElementShape(const LayoutContext& c,
                                               int element_shape,
                                               DataType element_dtype) {
  if (element_dtype == DataType::kVariant) return TensorShape{};
  TensorShape wanted = TensorShape::UnknownRank();
  if (const Tensor* value = c.KnownValue(element_shape)) {
    WEFT_ASSIGN_OR_RETURN(wanted, ReadElementShape(*value));
  }
  const ListShape& list = c.input_list(0);
  if (list.kind != ListShape::kKnown) return wanted;
  if (!wanted.IsCompatibleWith(list.element)) {
    return InvalidArgument("element_shape is ", wanted.ToString(),
                           " but the list's elements are ",
                           list.element.ToString());
  }
  return list.element;
}

absl::Status LayOutItem(LayoutContext& c, int element_shape, int output,
                        absl::FunctionRef<int64_t(const TensorList&)> index) {
  WEFT_ASSIGN_OR_RETURN(
      TensorShape shape,
      CommonElementShape(c, element_shape, c.outputs()[output].dtype));
  if (!shape.IsFullyDefined()) {
    // Elements differ, so that only the one itself can tell.
    const Tensor* value = c.NeedValue(0);
    if (value == nullptr) return c.Defer();
    const TensorList& list = value->scalar<TensorList>();
    WEFT_ASSIGN_OR_RETURN(const Tensor item, list.Get(index(list)));
    shape = item.shape();
  }
  if (c.outputs()[output].dtype == DataType::kVariant) {
    const std::shared_ptr<const ListShape>& nested = c.input_list(0).nested;
    c.SetOutputList(output, nested != nullptr ? *nested : ListShape{});
  }
  c.SetOutput(output, std::move(shape));
  return absl::OkStatus();
}

absl::Status CopyItem(const TensorList& list, int64_t index,
                      const TensorRef& to, int64_t offset,
                      const TensorShape& shape) {
  void* place = At(to.data, to.dtype, offset);
  if (IsZeros(list)) {
    ClearElements(to.dtype, place, shape.num_elements());
    return absl::OkStatus();
  }
  if (index < 0 || index >= list.size()) {
    return OutOfRange("index ", index, " must be in [0, ", list.size(), ")");
  }
  if (list.element_dtype() != to.dtype) {
    return InvalidArgument("the list holds ",
                           DataTypeName(list.element_dtype()),
                           " but element_dtype is ", DataTypeName(to.dtype));
  }
  if (!list.IsSet(index)) {
    ClearElements(to.dtype, place, shape.num_elements());
    return absl::OkStatus();
  }
  WEFT_ASSIGN_OR_RETURN(const Tensor item, list.Get(index));
  if (item.shape() != shape) {
    return InvalidArgument("element ", index, " is ", item.shape().ToString(),
                           " but must be ", shape.ToString());
  }
  CopyElements(to.dtype, item.raw_data(), place, item.num_elements());
  return absl::OkStatus();
}

absl::Status CopyItem(const TensorList& list, int64_t index,
                      const TensorRef& to) {
  return CopyItem(list, index, to, 0, *to.shape);
}

}  // namespace weft
