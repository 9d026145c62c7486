#include "tests/testing/tensor_matchers.h"

#include <cmath>
#include <string>
#include <type_traits>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

double Number(Half value) { return ToFloat(value); }
double Number(Bfloat16 value) { return ToFloat(value); }
template <typename T>
double Number(T value) {
  return static_cast<double>(value);
}

template <typename T>
bool Near(const T& got, const T& expected, double tolerance) {
  // Also where a double is too short for the numbers.
  if (got == expected) return true;
  if constexpr (std::is_same_v<T, std::string>) {
    return false;
  } else {
    const double a = Number(got);
    const double b = Number(expected);
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    if (std::isinf(a) || std::isinf(b)) return a == b;
    return tolerance > 0 && std::abs(a - b) <= tolerance * (1 + std::abs(b));
  }
}

template <typename T>
std::string Text(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return Printable(value);
  } else {
    return ::testing::PrintToString(Number(value));
  }
}

// "[1, 0]": the position of element `i`.
std::string Position(const TensorShape& shape, int64_t i) {
  TensorShape position = shape;
  for (int d = shape.rank() - 1; d >= 0; --d) {
    position.set_dim(d, i % shape.dim(d));
    i /= shape.dim(d);
  }
  return position.ToString();
}

template <typename T>
std::string Difference(const Tensor& got, const Tensor& expected,
                       double tolerance) {
  absl::Span<const T> a = got.data<T>();
  absl::Span<const T> b = expected.data<T>();
  int64_t count = 0;
  size_t first = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Near(a[i], b[i], tolerance)) continue;
    if (count++ == 0) first = i;
  }
  if (count == 0) return "";
  return absl::StrCat("where ", count, " of ", a.size(),
                      " elements differ, first at ",
                      Position(got.shape(), first), ": ", Text(a[first]),
                      " instead of ", Text(b[first]));
}

}  // namespace

void PrintTo(const Tensor& tensor, std::ostream* out) {
  *out << tensor.ToString(64);
}
void PrintTo(const TensorShape& shape, std::ostream* out) {
  *out << shape.ToString();
}
void PrintTo(DataType type, std::ostream* out) { *out << DataTypeName(type); }
void PrintTo(const AttrValue& value, std::ostream* out) {
  *out << value.ToString();
}

std::string TensorDifference(const Tensor& got, const Tensor& expected,
                             double tolerance) {
  if (got.dtype() != expected.dtype()) {
    return absl::StrCat("whose dtype is ", DataTypeName(got.dtype()));
  }
  if (got.shape() != expected.shape()) {
    return absl::StrCat("whose shape is ", got.shape().ToString());
  }
  switch (got.dtype()) {
    case DataType::kFloat:
      return Difference<float>(got, expected, tolerance);
    case DataType::kDouble:
      return Difference<double>(got, expected, tolerance);
    case DataType::kInt32:
      return Difference<int32_t>(got, expected, tolerance);
    case DataType::kUint8:
      return Difference<uint8_t>(got, expected, tolerance);
    case DataType::kInt16:
      return Difference<int16_t>(got, expected, tolerance);
    case DataType::kInt8:
      return Difference<int8_t>(got, expected, tolerance);
    case DataType::kString:
      return Difference<std::string>(got, expected, tolerance);
    case DataType::kInt64:
      return Difference<int64_t>(got, expected, tolerance);
    case DataType::kBool:
      return Difference<bool>(got, expected, tolerance);
    case DataType::kBfloat16:
      return Difference<Bfloat16>(got, expected, tolerance);
    case DataType::kUint16:
      return Difference<uint16_t>(got, expected, tolerance);
    case DataType::kHalf:
      return Difference<Half>(got, expected, tolerance);
    case DataType::kUint32:
      return Difference<uint32_t>(got, expected, tolerance);
    case DataType::kUint64:
      return Difference<uint64_t>(got, expected, tolerance);
    case DataType::kResource:
    case DataType::kVariant:
    case DataType::kInvalid:
      break;
  }
  return "whose elements can not be compared";
}

}  // namespace weft
