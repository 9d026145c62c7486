#include "graph/tensor_proto.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/status.h"
#include "proto/graph.pb.h"

namespace weft {
namespace {

// How the elements of one dtype stand in a TensorProto: in which list, and how
// its values are converted.
template <typename T>
struct Field;

#define WEFT_FIELD(type, list)                                                \
  template <>                                                                 \
  struct Field<type> {                                                        \
    static constexpr const char* kName = #list;                               \
    static const auto& List(const proto::TensorProto& p) { return p.list(); } \
    static auto* Mutable(proto::TensorProto* p) {                             \
      return p->mutable_##list();                                             \
    }                                                                         \
  }
WEFT_FIELD(float, float_val);
WEFT_FIELD(double, double_val);
WEFT_FIELD(int32_t, int_val);
WEFT_FIELD(uint8_t, int_val);
WEFT_FIELD(int16_t, int_val);
WEFT_FIELD(int8_t, int_val);
WEFT_FIELD(std::string, string_val);
WEFT_FIELD(int64_t, int64_val);
WEFT_FIELD(bool, bool_val);
WEFT_FIELD(Bfloat16, half_val);
WEFT_FIELD(uint16_t, int_val);
WEFT_FIELD(Half, half_val);
WEFT_FIELD(uint32_t, uint32_val);
WEFT_FIELD(uint64_t, uint64_val);
#undef WEFT_FIELD

// Calls `f` with a T() of the dtype's type.
template <typename F>
auto Dispatch(DataType dtype, F f) -> decltype(f(float())) {
  switch (dtype) {
    case DataType::kFloat:
      return f(float());
    case DataType::kDouble:
      return f(double());
    case DataType::kInt32:
      return f(int32_t());
    case DataType::kUint8:
      return f(uint8_t());
    case DataType::kInt16:
      return f(int16_t());
    case DataType::kInt8:
      return f(int8_t());
    case DataType::kString:
      return f(std::string());
    case DataType::kInt64:
      return f(int64_t());
    case DataType::kBool:
      return f(bool());
    case DataType::kBfloat16:
      return f(Bfloat16());
    case DataType::kUint16:
      return f(uint16_t());
    case DataType::kHalf:
      return f(Half());
    case DataType::kUint32:
      return f(uint32_t());
    case DataType::kUint64:
      return f(uint64_t());
    case DataType::kResource:
    case DataType::kVariant:
    case DataType::kInvalid:
      break;
  }
  return Unimplemented("tensors of dtype ", DataTypeName(dtype),
                       " do not stand in files");
}

template <typename T, typename Stored>
absl::StatusOr<T> FromStored(const Stored& value) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, Bfloat16>) {
    // The bit pattern; some writers extend its sign.
    return T{static_cast<uint16_t>(value)};
  } else if constexpr (std::is_integral_v<T> && sizeof(T) < sizeof(Stored)) {
    if (value < std::numeric_limits<T>::min() ||
        value > std::numeric_limits<T>::max()) {
      return InvalidArgument(Field<T>::kName, " holds ", value,
                             ", which is no ", DataTypeName(DataTypeOf<T>()));
    }
    return static_cast<T>(value);
  } else {
    return T(value);
  }
}

template <typename T>
auto ToStored(const T& value) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, Bfloat16>) {
    return int32_t{value.bits};
  } else {
    return value;
  }
}

absl::Status NotBoth(const char* list) {
  return InvalidArgument("has both tensor_content and ", list);
}

// Values in a list that does not belong to the dtype are a sign of a dtype that
// was altered.
absl::Status CheckOtherLists(const proto::TensorProto& p, absl::string_view own,
                             DataType dtype) {
  const std::pair<const char*, int> lists[] = {
      {"float_val", p.float_val_size()},
      {"double_val", p.double_val_size()},
      {"int_val", p.int_val_size()},
      {"string_val", p.string_val_size()},
      {"scomplex_val", p.scomplex_val_size()},
      {"int64_val", p.int64_val_size()},
      {"bool_val", p.bool_val_size()},
      {"dcomplex_val", p.dcomplex_val_size()},
      {"half_val", p.half_val_size()},
      {"uint32_val", p.uint32_val_size()},
      {"uint64_val", p.uint64_val_size()},
      {"resource_handle_val", p.resource_handle_val_size()},
      {"variant_val", p.variant_val_size()}};
  for (const auto& [name, size] : lists) {
    if (size > 0 && own != name) {
      return InvalidArgument("has ", size, " values in ", name,
                             ", but those of ", DataTypeName(dtype),
                             " stand in ", own);
    }
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status ReadContent(const std::string& content, Tensor* tensor) {
  const int64_t n = tensor->num_elements();
  if (content.size() != tensor->num_bytes()) {
    return InvalidArgument("tensor_content has ", content.size(),
                           " bytes, but shape ", tensor->shape().ToString(),
                           " of ", DataTypeName(tensor->dtype()), " needs ",
                           tensor->num_bytes());
  }
  if constexpr (std::is_same_v<T, bool>) {
    absl::Span<bool> to = tensor->mutable_data<bool>();
    for (int64_t i = 0; i < n; ++i)
      to[i] = content[i] != 0;  // A bool is 0 or 1.
  } else if (n > 0) {
    std::memcpy(tensor->mutable_raw_data(), content.data(), content.size());
  }
  return absl::OkStatus();
}

// The values that are there; the last one fills the rest.
template <typename T>
absl::Status ReadList(const proto::TensorProto& p, Tensor* tensor) {
  const auto& list = Field<T>::List(p);
  absl::Span<T> to = tensor->mutable_data<T>();
  for (int i = 0; i < list.size(); ++i) {
    WEFT_ASSIGN_OR_RETURN(to[i], FromStored<T>(list[i]));
  }
  const T last = list.empty() ? T() : to[list.size() - 1];
  std::fill(to.begin() + list.size(), to.end(), last);
  return absl::OkStatus();
}

// Takes what `n` elements need. The text of strings counts, too: the last one
// may fill any number of elements.
template <typename T>
absl::Status TakeElements(const proto::TensorProto& p, int64_t n,
                          TensorBudget* budget) {
  WEFT_RETURN_IF_ERROR(budget->Take(n, sizeof(T)));
  if constexpr (std::is_same_v<T, std::string>) {
    int64_t text = 0;
    for (const std::string& s : p.string_val())
      text += static_cast<int64_t>(s.size());
    WEFT_RETURN_IF_ERROR(budget->Take(text, 1));
    const int count = p.string_val_size();
    if (count > 0)
      return budget->Take(n - count, p.string_val(count - 1).size());
  }
  return absl::OkStatus();
}

template <typename T>
absl::StatusOr<Tensor> Read(const proto::TensorProto& p,
                            const TensorShape& shape, TensorBudget* budget) {
  constexpr DataType kType = DataTypeOf<T>();
  const int count = Field<T>::List(p).size();
  const std::string& content = p.tensor_content();
  WEFT_RETURN_IF_ERROR(CheckOtherLists(p, Field<T>::kName, kType));
  if (!content.empty() && count > 0) return NotBoth(Field<T>::kName);
  const int64_t n = shape.num_elements();
  if (count > n) {
    return InvalidArgument("has ", count, " values, but shape ",
                           shape.ToString(), " has ", n, " elements");
  }
  if (std::is_same_v<T, std::string> && !content.empty()) {
    return InvalidArgument("has tensor_content, but is a string");
  }
  WEFT_RETURN_IF_ERROR(TakeElements<T>(p, n, budget));
  WEFT_ASSIGN_OR_RETURN(Tensor tensor,
                        Tensor::CreateUninitialized(kType, shape));
  if constexpr (!std::is_same_v<T, std::string>) {
    if (!content.empty()) {
      WEFT_RETURN_IF_ERROR(ReadContent<T>(content, &tensor));
      return tensor;
    }
  }
  WEFT_RETURN_IF_ERROR(ReadList<T>(p, &tensor));
  return tensor;
}

// Are all elements the first one, bit by bit, so that one can stand for all?
// NaNs lose their bits in text, so they are left as they are.
template <typename T>
bool IsSplat(absl::Span<const T> values) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(values[0])) return false;
  }
  for (const T& value : values) {
    if (std::memcmp(&value, &values[0], sizeof(T)) != 0) return false;
  }
  return true;
}

template <typename T>
void Write(const Tensor& tensor, proto::TensorProto* to) {
  absl::Span<const T> values = tensor.data<T>();
  if (values.empty()) return;
  if constexpr (std::is_same_v<T, std::string>) {
    for (const T& value : values) to->add_string_val(value);
  } else if (IsSplat(values)) {
    Field<T>::Mutable(to)->Add(ToStored(values[0]));
  } else {
    to->set_tensor_content(tensor.raw_data(), tensor.num_bytes());
  }
}

}  // namespace

absl::Status TensorBudget::Take(int64_t count, int64_t size) {
  int64_t bytes;
  if (!MultiplyOverflows(count, size, &bytes) && bytes <= left_) {
    left_ -= bytes;
    return absl::OkStatus();
  }
  return ResourceExhausted(
      count, " elements of ", size, " bytes are more than the ", left_,
      " bytes that are left of ", limit_,
      " for the tensors of the graph (ImportOptions.max_tensor_bytes)");
}

absl::StatusOr<DataType> DataTypeFromProto(int number) {
  if (std::optional<DataType> type = DataTypeFromNumber(number)) return *type;
  const std::string& name =
      proto::DataType_Name(static_cast<proto::DataType>(number));
  if (number == 0 || name.empty()) {
    return InvalidArgument(
        "DataType ", number, name.empty() ? "" : " (", name,
        name.empty() ? "" : ")",
        " is no type; types are DT_FLOAT (1), "
        "DT_DOUBLE (2), DT_INT32 (3), DT_STRING (7), DT_INT64 (9), "
        "DT_BOOL (10), ...");
  }
  if (number > 100) {
    return InvalidArgument("DataType ", number, " (", name,
                           ") is a reference to an old-style "
                           "variable; a value or a resource is needed");
  }
  return Unimplemented("DataType ", number, " (", name, ") is not supported");
}

absl::StatusOr<TensorShape> ShapeFromProto(
    const proto::TensorShapeProto& shape) {
  if (shape.unknown_rank()) {
    if (shape.dim_size() > 0) {
      return InvalidArgument("a shape has unknown_rank and ", shape.dim_size(),
                             " dims");
    }
    return TensorShape::UnknownRank();
  }
  if (shape.dim_size() > TensorShape::kMaxRank) {
    return InvalidArgument("a shape's rank is ", shape.dim_size(),
                           " but must be at most ", TensorShape::kMaxRank);
  }
  std::vector<int64_t> dims;
  for (const auto& dim : shape.dim()) dims.push_back(dim.size());
  return TensorShape::Create(dims);
}

void ShapeToProto(const TensorShape& shape, proto::TensorShapeProto* to) {
  if (!shape.has_rank()) to->set_unknown_rank(true);
  for (int64_t dim : shape.dims()) to->add_dim()->set_size(dim);
}

absl::StatusOr<Tensor> TensorFromProto(const proto::TensorProto& tensor,
                                       TensorBudget* budget) {
  WEFT_ASSIGN_OR_RETURN(const DataType dtype,
                        DataTypeFromProto(tensor.dtype()));
  WEFT_ASSIGN_OR_RETURN(const TensorShape shape,
                        ShapeFromProto(tensor.tensor_shape()));
  if (!shape.IsFullyDefined()) {
    return InvalidArgument("a tensor's shape must be known but is ",
                           shape.ToString());
  }
  return Dispatch(dtype, [&](auto t) -> absl::StatusOr<Tensor> {
    return Read<decltype(t)>(tensor, shape, budget);
  });
}

absl::Status TensorToProto(const Tensor& tensor, proto::TensorProto* to) {
  to->set_dtype(static_cast<proto::DataType>(tensor.dtype()));
  ShapeToProto(tensor.shape(), to->mutable_tensor_shape());
  return Dispatch(tensor.dtype(), [&](auto t) -> absl::Status {
    Write<decltype(t)>(tensor, to);
    return absl::OkStatus();
  });
}

}  // namespace weft
