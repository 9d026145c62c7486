#include "graph/attr_proto.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/status.h"
#include "proto/graph.pb.h"

namespace weft {
namespace {

constexpr int kMaxDepth = 32;       // Of functions in attrs of functions.
constexpr size_t kMaxAttrs = 1024;  // Of one function in an attr.

// The elements of one list, each converted by `convert`, which returns a
// StatusOr<T>.
template <typename T, typename List, typename Convert>
absl::StatusOr<AttrValue> ReadEach(const List& list, Convert convert) {
  std::vector<T> values;
  values.reserve(list.size());
  for (const auto& element : list) {
    WEFT_ASSIGN_OR_RETURN(T value, convert(element));
    values.push_back(std::move(value));
  }
  return AttrValue(std::move(values));
}

template <typename T, typename List>
AttrValue CopyEach(const List& list) {
  return AttrValue(std::vector<T>(list.begin(), list.end()));
}

absl::Status WriteFunction(const FunctionName& function,
                           proto::NameAttrList* to) {
  to->set_name(function.name);
  if (function.attrs == nullptr) return absl::OkStatus();
  for (const auto& [name, value] : *function.attrs) {
    WEFT_RETURN_IF_ERROR(AttrToProto(value, &(*to->mutable_attr())[name]));
  }
  return absl::OkStatus();
}

// One overload per alternative of AttrVariant.
struct AttrWriter {
  proto::AttrValue* to;

  absl::Status operator()(int64_t v) { return to->set_i(v), absl::OkStatus(); }
  absl::Status operator()(float v) { return to->set_f(v), absl::OkStatus(); }
  absl::Status operator()(bool v) { return to->set_b(v), absl::OkStatus(); }
  absl::Status operator()(const std::string& v) {
    return to->set_s(v), absl::OkStatus();
  }
  absl::Status operator()(DataType v) {
    to->set_type(static_cast<proto::DataType>(v));
    return absl::OkStatus();
  }
  absl::Status operator()(const TensorShape& v) {
    ShapeToProto(v, to->mutable_shape());
    return absl::OkStatus();
  }
  absl::Status operator()(const Tensor& v) {
    return TensorToProto(v, to->mutable_tensor());
  }
  absl::Status operator()(const FunctionName& v) {
    return WriteFunction(v, to->mutable_func());
  }

  template <typename T>
  absl::Status operator()(const std::vector<T>& values) {
    proto::AttrValue::ListValue* list = to->mutable_list();
    for (const T& value : values) WEFT_RETURN_IF_ERROR(Add(value, list));
    return absl::OkStatus();
  }
  using List = proto::AttrValue::ListValue;
  absl::Status Add(int64_t v, List* list) {
    return list->add_i(v), absl::OkStatus();
  }
  absl::Status Add(float v, List* list) {
    return list->add_f(v), absl::OkStatus();
  }
  absl::Status Add(bool v, List* list) {
    return list->add_b(v), absl::OkStatus();
  }
  absl::Status Add(const std::string& v, List* list) {
    return list->add_s(v), absl::OkStatus();
  }
  absl::Status Add(DataType v, List* list) {
    list->add_type(static_cast<proto::DataType>(v));
    return absl::OkStatus();
  }
  absl::Status Add(const TensorShape& v, List* list) {
    ShapeToProto(v, list->add_shape());
    return absl::OkStatus();
  }
  absl::Status Add(const Tensor& v, List* list) {
    return TensorToProto(v, list->add_tensor());
  }
  absl::Status Add(const FunctionName& v, List* list) {
    return WriteFunction(v, list->add_func());
  }
};

}  // namespace

absl::StatusOr<AttrValue> AttrReader::Read(const proto::AttrValue& attr) const {
  return ReadAt(attr, 0);
}

absl::StatusOr<FunctionName> AttrReader::ReadFunction(
    const proto::NameAttrList& function) const {
  return ReadFunctionAt(function, 0);
}

absl::StatusOr<AttrValue> AttrReader::ReadAt(const proto::AttrValue& attr,
                                             int depth) const {
  switch (attr.value_case()) {
    case proto::AttrValue::kS:
      return AttrValue(attr.s());
    case proto::AttrValue::kI:
      return AttrValue(static_cast<int64_t>(attr.i()));
    case proto::AttrValue::kF:
      return AttrValue(attr.f());
    case proto::AttrValue::kB:
      return AttrValue(attr.b());
    case proto::AttrValue::kType:
      return DataTypeFromProto(attr.type());
    case proto::AttrValue::kShape:
      return ShapeFromProto(attr.shape());
    case proto::AttrValue::kTensor:
      return TensorFromProto(attr.tensor(), budget_);
    case proto::AttrValue::kFunc:
      return ReadFunctionAt(attr.func(), depth);
    case proto::AttrValue::kList:
      return ReadList(attr, depth);
    case proto::AttrValue::kPlaceholder:
      break;
    case proto::AttrValue::VALUE_NOT_SET:
      return InvalidArgument("has no value");
  }
  const std::string& name = attr.placeholder();
  if (function_attrs_ == nullptr) {
    return InvalidArgument("stands for the attr '", Printable(name),
                           "' of a function, but is not in one");
  }
  const AttrValue* value = function_attrs_->Find(name);
  if (value == nullptr) {
    return InvalidArgument("stands for the attr '", Printable(name),
                           "' of the function, which the call does not give");
  }
  return *value;
}

absl::StatusOr<FunctionName> AttrReader::ReadFunctionAt(
    const proto::NameAttrList& function, int depth) const {
  if (depth >= kMaxDepth)
    return InvalidArgument("has functions nested too deep");
  FunctionName result{function.name(), nullptr};
  if (function.attr().empty()) return result;
  if (function.attr().size() > kMaxAttrs) {
    return InvalidArgument("has a function with ", function.attr().size(),
                           " attrs but at most ", kMaxAttrs, " are allowed");
  }
  auto attrs = std::make_shared<AttrMap>();
  for (const auto& [name, attr] : function.attr()) {
    absl::StatusOr<AttrValue> value = ReadAt(attr, depth + 1);
    if (!value.ok()) {
      return Annotate(value.status(),
                      absl::StrCat("function '", Printable(function.name()),
                                   "': attr '", Printable(name), "'"));
    }
    attrs->Set(name, *std::move(value));
  }
  result.attrs = std::move(attrs);
  return result;
}

absl::StatusOr<AttrValue> AttrReader::ReadList(const proto::AttrValue& attr,
                                               int depth) const {
  const proto::AttrValue::ListValue& list = attr.list();
  const int sizes[] = {list.s_size(),      list.i_size(),    list.f_size(),
                       list.b_size(),      list.type_size(), list.shape_size(),
                       list.tensor_size(), list.func_size()};
  int used = 0;
  for (int size : sizes) used += size > 0;
  if (used > 1)
    return InvalidArgument("is a list of values of ", used, " kinds");
  if (list.s_size() > 0) return CopyEach<std::string>(list.s());
  if (list.f_size() > 0) return CopyEach<float>(list.f());
  if (list.b_size() > 0) return CopyEach<bool>(list.b());
  if (list.type_size() > 0)
    return ReadEach<DataType>(list.type(), DataTypeFromProto);
  if (list.shape_size() > 0)
    return ReadEach<TensorShape>(list.shape(), ShapeFromProto);
  if (list.tensor_size() > 0) {
    return ReadEach<Tensor>(list.tensor(),
                            [this](const proto::TensorProto& tensor) {
                              return TensorFromProto(tensor, budget_);
                            });
  }
  if (list.func_size() > 0) {
    return ReadEach<FunctionName>(list.func(),
                                  [&](const proto::NameAttrList& function) {
                                    return ReadFunctionAt(function, depth);
                                  });
  }
  return CopyEach<int64_t>(list.i());
}

absl::Status AttrToProto(const AttrValue& value, proto::AttrValue* to) {
  return std::visit(AttrWriter{to}, value.variant());
}

}  // namespace weft
