// The element types of tensors, numbered as in TensorFlow's DataType.
#ifndef WEFT_CORE_DATA_TYPE_H_
#define WEFT_CORE_DATA_TYPE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace weft {

enum class DataType : int {
  kInvalid = 0,
  kFloat = 1,
  kDouble = 2,
  kInt32 = 3,
  kUint8 = 4,
  kInt16 = 5,
  kInt8 = 6,
  kString = 7,
  kInt64 = 9,
  kBool = 10,
  kBfloat16 = 14,
  kUint16 = 17,
  kHalf = 19,
  kResource = 20,  // A variable.
  kVariant = 21,   // A TensorList.
  kUint32 = 22,
  kUint64 = 23,
};

// Storage of the 16-bit floating types: the bit pattern. Arithmetic on them is
// done by converting to float.
struct Half {
  uint16_t bits = 0;
  friend bool operator==(Half a, Half b) { return a.bits == b.bits; }
};
struct Bfloat16 {
  uint16_t bits = 0;
  friend bool operator==(Bfloat16 a, Bfloat16 b) { return a.bits == b.bits; }
};

float ToFloat(Half value);
float ToFloat(Bfloat16 value);
Half ToHalf(float value);          // Rounds to nearest even.
Bfloat16 ToBfloat16(float value);  // Rounds to nearest even.

// "float32", "int64", ...; "invalid" for anything that is not a DataType.
absl::string_view DataTypeName(DataType type);
// TensorFlow's spelling: "DT_FLOAT", "DT_INT64", ...
absl::string_view DataTypeProtoName(DataType type);
// The type that either of the two spellings means.
std::optional<DataType> DataTypeFromName(absl::string_view name);
// The type numbered `number` in a file, if weft has it.
std::optional<DataType> DataTypeFromNumber(int number);

// Bytes of one element; 0 for string, resource and variant, whose elements are
// objects.
size_t DataTypeSize(DataType type);
// Are the elements plain bytes?
inline bool IsPlain(DataType type) { return DataTypeSize(type) != 0; }
bool IsFloating(DataType type);  // half, bfloat16, float, double
bool IsInteger(DataType type);   // signed and unsigned, not bool

class TensorList;

// DataTypeOf<float>() is kFloat, and so on.
template <typename T>
constexpr DataType DataTypeOf();
template <>
constexpr DataType DataTypeOf<float>() {
  return DataType::kFloat;
}
template <>
constexpr DataType DataTypeOf<double>() {
  return DataType::kDouble;
}
template <>
constexpr DataType DataTypeOf<int32_t>() {
  return DataType::kInt32;
}
template <>
constexpr DataType DataTypeOf<uint8_t>() {
  return DataType::kUint8;
}
template <>
constexpr DataType DataTypeOf<int16_t>() {
  return DataType::kInt16;
}
template <>
constexpr DataType DataTypeOf<int8_t>() {
  return DataType::kInt8;
}
template <>
constexpr DataType DataTypeOf<std::string>() {
  return DataType::kString;
}
template <>
constexpr DataType DataTypeOf<int64_t>() {
  return DataType::kInt64;
}
template <>
constexpr DataType DataTypeOf<bool>() {
  return DataType::kBool;
}
template <>
constexpr DataType DataTypeOf<Bfloat16>() {
  return DataType::kBfloat16;
}
template <>
constexpr DataType DataTypeOf<uint16_t>() {
  return DataType::kUint16;
}
template <>
constexpr DataType DataTypeOf<Half>() {
  return DataType::kHalf;
}
template <>
constexpr DataType DataTypeOf<TensorList>() {
  return DataType::kVariant;
}
template <>
constexpr DataType DataTypeOf<uint32_t>() {
  return DataType::kUint32;
}
template <>
constexpr DataType DataTypeOf<uint64_t>() {
  return DataType::kUint64;
}

}  // namespace weft

#endif  // WEFT_CORE_DATA_TYPE_H_
