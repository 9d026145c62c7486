#include "runner/tensor_text.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"

namespace weft::runner {
namespace {

constexpr int64_t kMaxElements =
    200;                      // Tensors up to this size are shown whole;
constexpr int64_t kEdge = 3;  // else so many at both ends of each axis.
constexpr int kDigits = 6;

enum class Form { kText, kJson };

template <typename T>
void AppendFloating(T value, Form form, std::string* out) {
  if (form == Form::kJson && !std::isfinite(value)) {
    absl::StrAppend(out, std::isnan(value) ? "\"NaN\""
                         : value > 0       ? "\"Infinity\""
                                           : "\"-Infinity\"");
    return;
  }
  char buffer[64];
  const std::to_chars_result result =
      form == Form::kJson
          ? std::to_chars(buffer, buffer + sizeof(buffer), value)
          : std::to_chars(buffer, buffer + sizeof(buffer), value,
                          std::chars_format::general, kDigits);
  out->append(buffer, result.ptr);
}

void AppendElement(float value, Form form, std::string* out) {
  AppendFloating(value, form, out);
}
void AppendElement(double value, Form form, std::string* out) {
  AppendFloating(value, form, out);
}
void AppendElement(Half value, Form form, std::string* out) {
  AppendFloating(ToFloat(value), form, out);
}
void AppendElement(Bfloat16 value, Form form, std::string* out) {
  AppendFloating(ToFloat(value), form, out);
}
void AppendElement(bool value, Form, std::string* out) {
  absl::StrAppend(out, value ? "true" : "false");
}
void AppendElement(const std::string& value, Form, std::string* out) {
  absl::StrAppend(out, JsonString(value));
}
template <typename T>
requires std::is_integral_v<T>
void AppendElement(T value, Form, std::string* out) {
  absl::StrAppend(out, static_cast<int64_t>(value));
}
void AppendElement(uint64_t value, Form, std::string* out) {
  absl::StrAppend(out, value);
}

using AppendFn = absl::FunctionRef<void(int64_t index, std::string* out)>;

// Calls `use` with a function that appends the element of an index.
template <typename T>
void WithElementsOf(const Tensor& tensor, Form form,
                    absl::FunctionRef<void(AppendFn)> use) {
  const absl::Span<const T> data = tensor.data<T>();
  use([&](int64_t i, std::string* out) { AppendElement(data[i], form, out); });
}

void WithElements(const Tensor& tensor, Form form,
                  absl::FunctionRef<void(AppendFn)> use) {
  switch (tensor.dtype()) {
    case DataType::kFloat:
      return WithElementsOf<float>(tensor, form, use);
    case DataType::kDouble:
      return WithElementsOf<double>(tensor, form, use);
    case DataType::kHalf:
      return WithElementsOf<Half>(tensor, form, use);
    case DataType::kBfloat16:
      return WithElementsOf<Bfloat16>(tensor, form, use);
    case DataType::kInt8:
      return WithElementsOf<int8_t>(tensor, form, use);
    case DataType::kInt16:
      return WithElementsOf<int16_t>(tensor, form, use);
    case DataType::kInt32:
      return WithElementsOf<int32_t>(tensor, form, use);
    case DataType::kInt64:
      return WithElementsOf<int64_t>(tensor, form, use);
    case DataType::kUint8:
      return WithElementsOf<uint8_t>(tensor, form, use);
    case DataType::kUint16:
      return WithElementsOf<uint16_t>(tensor, form, use);
    case DataType::kUint32:
      return WithElementsOf<uint32_t>(tensor, form, use);
    case DataType::kUint64:
      return WithElementsOf<uint64_t>(tensor, form, use);
    case DataType::kBool:
      return WithElementsOf<bool>(tensor, form, use);
    case DataType::kString:
      return WithElementsOf<std::string>(tensor, form, use);
    default:
      return use([form](int64_t, std::string* out) {
        absl::StrAppend(out, form == Form::kJson ? "null" : "<list>");
      });
  }
}

// Writes nested brackets.
class Nesting {
 public:
  Nesting(const TensorShape& shape, Form form, int indent, AppendFn append)
      : shape_(shape),
        form_(form),
        indent_(indent),
        whole_(form == Form::kJson || shape.num_elements() <= kMaxElements),
        append_(append) {}

  // What begins at element `first`, from `axis` on. Depth is bounded by the
  // rank.
  void Append(int axis, int64_t first, std::string* out) const {
    if (axis == shape_.rank()) {
      append_(first, out);
      return;
    }
    int64_t stride = 1;
    for (int i = axis + 1; i < shape_.rank(); ++i) stride *= shape_.dim(i);
    const int64_t size = shape_.dim(axis);
    out->push_back('[');
    for (int64_t i = 0; i < size; ++i) {
      if (i > 0) AppendSeparator(axis, out);
      if (!whole_ && size > 2 * kEdge && i == kEdge) {
        absl::StrAppend(out, "...");
        AppendSeparator(axis, out);
        i = size - kEdge;
      }
      Append(axis + 1, first + i * stride, out);
    }
    out->push_back(']');
  }

 private:
  void AppendSeparator(int axis, std::string* out) const {
    const bool same_line = form_ == Form::kJson || axis + 1 == shape_.rank();
    absl::StrAppend(out, same_line ? ", " : ",\n");
    if (!same_line) out->append(indent_ + axis + 1, ' ');
  }

  const TensorShape& shape_;
  const Form form_;
  const int indent_;
  const bool whole_;
  const AppendFn append_;
};

}  // namespace

std::string TensorToText(const Tensor& tensor, int indent) {
  std::string text;
  WithElements(tensor, Form::kText, [&](AppendFn append) {
    Nesting(tensor.shape(), Form::kText, indent, append).Append(0, 0, &text);
  });
  return text;
}

std::string TensorToJson(const Tensor& tensor) {
  std::string text;
  WithElements(tensor, Form::kJson, [&](AppendFn append) {
    Nesting(tensor.shape(), Form::kJson, 0, append).Append(0, 0, &text);
  });
  return text;
}

std::string JsonString(absl::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', /*ensure_ascii=*/false,
            nlohmann::json::error_handler_t::replace);
}

std::string ShapeToJson(const TensorShape& shape) {
  if (!shape.has_rank()) return "null";
  return absl::StrCat("[", absl::StrJoin(shape.dims(), ", "), "]");
}

std::string DescribeType(DataType dtype, const TensorShape& shape) {
  return absl::StrCat(DataTypeName(dtype), " ", shape.ToString());
}

}  // namespace weft::runner
