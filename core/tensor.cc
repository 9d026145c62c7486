#include "core/tensor.h"

#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/object_array.h"
#include "core/tensor_list.h"

namespace weft {
namespace {

// Bytes from one element to the next, objects included.
size_t Stride(DataType dtype) {
  if (dtype == DataType::kString) return sizeof(std::string);
  if (dtype == DataType::kVariant) return sizeof(TensorList);
  return DataTypeSize(dtype);
}

// The memory of `size` elements; plain ones are not cleared.
absl::StatusOr<std::shared_ptr<void>> MakeElements(
    DataType dtype, const TensorShape& shape,
    const std::shared_ptr<Allocator>& allocator, void** data) {
  const int64_t size = shape.num_elements();
  if (dtype == DataType::kString) {
    WEFT_ASSIGN_OR_RETURN(auto objects,
                          MakeObjects<std::string>(size, allocator));
    *data = objects.get();
    return objects;
  }
  if (dtype == DataType::kVariant) {
    WEFT_ASSIGN_OR_RETURN(auto objects,
                          MakeObjects<TensorList>(size, allocator));
    *data = objects.get();
    return objects;
  }
  int64_t bytes;
  if (MultiplyOverflows(size, DataTypeSize(dtype), &bytes)) {
    return InvalidArgument("the bytes of a ", DataTypeName(dtype),
                           " tensor of shape ", shape.ToString(), " overflow");
  }
  WEFT_ASSIGN_OR_RETURN(std::shared_ptr<Buffer> buffer,
                        allocator->Allocate(bytes));
  *data = buffer->data();
  return buffer;
}

template <typename T>
void CopyObjects(absl::Span<const T> from, absl::Span<T> to) {
  std::copy(from.begin(), from.end(), to.begin());
}

template <typename T>
std::string ElementToString(const T& value) {
  return absl::StrCat(value);
}
std::string ElementToString(bool value) { return value ? "true" : "false"; }
std::string ElementToString(int8_t value) { return absl::StrCat(int{value}); }
std::string ElementToString(uint8_t value) { return absl::StrCat(int{value}); }
std::string ElementToString(Half value) { return absl::StrCat(ToFloat(value)); }
std::string ElementToString(Bfloat16 value) {
  return absl::StrCat(ToFloat(value));
}
std::string ElementToString(const std::string& value) {
  return absl::StrCat("\"", Printable(value), "\"");
}
std::string ElementToString(const TensorList& list) {
  return absl::StrCat("list of ", list.size(), " ",
                      DataTypeName(list.element_dtype()));
}

template <typename T>
void AppendElements(const Tensor& tensor, int64_t count, std::string* out) {
  absl::Span<const T> values = tensor.data<T>();
  for (int64_t i = 0; i < count; ++i) {
    if (i > 0) out->append(", ");
    out->append(ElementToString(values[i]));
  }
}

void AppendElements(const Tensor& tensor, int64_t count, std::string* out) {
  switch (tensor.dtype()) {
    case DataType::kFloat:
      return AppendElements<float>(tensor, count, out);
    case DataType::kDouble:
      return AppendElements<double>(tensor, count, out);
    case DataType::kInt32:
      return AppendElements<int32_t>(tensor, count, out);
    case DataType::kUint8:
      return AppendElements<uint8_t>(tensor, count, out);
    case DataType::kInt16:
      return AppendElements<int16_t>(tensor, count, out);
    case DataType::kInt8:
      return AppendElements<int8_t>(tensor, count, out);
    case DataType::kString:
      return AppendElements<std::string>(tensor, count, out);
    case DataType::kInt64:
      return AppendElements<int64_t>(tensor, count, out);
    case DataType::kBool:
      return AppendElements<bool>(tensor, count, out);
    case DataType::kBfloat16:
      return AppendElements<Bfloat16>(tensor, count, out);
    case DataType::kUint16:
      return AppendElements<uint16_t>(tensor, count, out);
    case DataType::kHalf:
      return AppendElements<Half>(tensor, count, out);
    case DataType::kVariant:
      return AppendElements<TensorList>(tensor, count, out);
    case DataType::kUint32:
      return AppendElements<uint32_t>(tensor, count, out);
    case DataType::kUint64:
      return AppendElements<uint64_t>(tensor, count, out);
    case DataType::kResource:
    case DataType::kInvalid:
      return;
  }
}

}  // namespace

absl::StatusOr<Tensor> Tensor::CreateUninitialized(
    DataType dtype, const TensorShape& shape,
    const std::shared_ptr<Allocator>& allocator) {
  if (!shape.IsFullyDefined()) {
    return InvalidArgument("a tensor's shape must be fully defined but is ",
                           shape.ToString());
  }
  if (Stride(dtype) == 0) {
    return InvalidArgument("there are no tensors of dtype ",
                           DataTypeName(dtype));
  }
  Tensor t;
  WEFT_ASSIGN_OR_RETURN(t.owner_,
                        MakeElements(dtype, shape, allocator, &t.data_));
  t.dtype_ = dtype;
  t.shape_ = shape;
  t.num_elements_ = shape.num_elements();
  return t;
}

absl::StatusOr<Tensor> Tensor::Create(
    DataType dtype, const TensorShape& shape,
    const std::shared_ptr<Allocator>& allocator) {
  WEFT_ASSIGN_OR_RETURN(Tensor t, CreateUninitialized(dtype, shape, allocator));
  std::memset(t.data_, 0, t.num_bytes());
  return t;
}

Tensor Tensor::MustCreate(DataType dtype, const TensorShape& shape) {
  absl::StatusOr<Tensor> t = CreateUninitialized(dtype, shape);
  WEFT_CHECK(t.ok());
  return *std::move(t);
}

Tensor Tensor::Borrow(DataType dtype, const TensorShape& shape, void* data) {
  WEFT_CHECK(shape.IsFullyDefined());
  Tensor t;
  t.dtype_ = dtype;
  t.shape_ = shape;
  t.num_elements_ = shape.num_elements();
  t.data_ = data;
  return t;
}

Tensor Tensor::Rows(int64_t begin, int64_t size) const {
  const int64_t rows = shape_.dim(0);
  WEFT_CHECK(begin >= 0 && size >= 0 && begin <= rows && size <= rows - begin);
  Tensor t = *this;
  t.shape_.set_dim(0, size);
  const int64_t row_elements = rows == 0 ? 0 : num_elements_ / rows;
  t.num_elements_ = size * row_elements;
  t.data_ = static_cast<char*>(data_) + begin * row_elements * Stride(dtype_);
  return t;
}

Tensor Tensor::Reshaped(const TensorShape& shape) const {
  WEFT_CHECK(shape.num_elements() == num_elements_);
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

absl::StatusOr<Tensor> Tensor::Clone(
    const std::shared_ptr<Allocator>& allocator) const {
  if (!is_valid()) return Tensor();
  WEFT_ASSIGN_OR_RETURN(Tensor t,
                        CreateUninitialized(dtype_, shape_, allocator));
  if (dtype_ == DataType::kString) {
    CopyObjects(data<std::string>(), t.mutable_data<std::string>());
  } else if (dtype_ == DataType::kVariant) {
    CopyObjects(data<TensorList>(), t.mutable_data<TensorList>());
  } else if (num_bytes() > 0) {
    std::memcpy(t.data_, data_, num_bytes());
  }
  return t;
}

std::string Tensor::ToString(int max_elements) const {
  if (!is_valid()) return "invalid";
  std::string result =
      absl::StrCat(DataTypeName(dtype_), " ", shape_.ToString(), " {");
  const int64_t count = std::min<int64_t>(num_elements_, max_elements);
  AppendElements(*this, count, &result);
  if (count < num_elements_) result += count > 0 ? ", ..." : "...";
  return result + "}";
}

}  // namespace weft
