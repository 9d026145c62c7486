#include "core/data_type.h"

#include <cstring>

namespace weft {
namespace {

struct TypeInfo {
  DataType type;
  absl::string_view name;
  absl::string_view proto_name;
  size_t size;
};

constexpr TypeInfo kTypes[] = {
    {DataType::kFloat, "float32", "DT_FLOAT", 4},
    {DataType::kDouble, "float64", "DT_DOUBLE", 8},
    {DataType::kInt32, "int32", "DT_INT32", 4},
    {DataType::kUint8, "uint8", "DT_UINT8", 1},
    {DataType::kInt16, "int16", "DT_INT16", 2},
    {DataType::kInt8, "int8", "DT_INT8", 1},
    {DataType::kString, "string", "DT_STRING", 0},
    {DataType::kInt64, "int64", "DT_INT64", 8},
    {DataType::kBool, "bool", "DT_BOOL", 1},
    {DataType::kBfloat16, "bfloat16", "DT_BFLOAT16", 2},
    {DataType::kUint16, "uint16", "DT_UINT16", 2},
    {DataType::kHalf, "float16", "DT_HALF", 2},
    {DataType::kResource, "resource", "DT_RESOURCE", 0},
    {DataType::kVariant, "variant", "DT_VARIANT", 0},
    {DataType::kUint32, "uint32", "DT_UINT32", 4},
    {DataType::kUint64, "uint64", "DT_UINT64", 8},
};

const TypeInfo* Find(DataType type) {
  for (const TypeInfo& info : kTypes) {
    if (info.type == type) return &info;
  }
  return nullptr;
}

uint32_t BitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

float FloatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// `bits` without its lowest `count` bits, rounded to nearest even. A carry out
// of the mantissa moves on into the exponent, as it should.
uint32_t RoundedShift(uint32_t bits, int count) {
  const uint32_t half_minus_one = (uint32_t{1} << (count - 1)) - 1;
  const uint32_t is_odd = (bits >> count) & 1;
  return (bits + half_minus_one + is_odd) >> count;
}

}  // namespace

float ToFloat(Half value) {
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000) << 16;
  const uint32_t exponent = (value.bits >> 10) & 0x1f;
  const uint32_t mantissa = value.bits & 0x3ff;
  if (exponent == 0) {  // Zero or subnormal: mantissa * 2^-24.
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return FloatOf(BitsOf(magnitude) | sign);
  }
  if (exponent == 0x1f) return FloatOf(sign | 0x7f800000 | (mantissa << 13));
  return FloatOf(sign | ((exponent + 127 - 15) << 23) | (mantissa << 13));
}

float ToFloat(Bfloat16 value) {
  return FloatOf(static_cast<uint32_t>(value.bits) << 16);
}

Half ToHalf(float value) {
  const uint32_t bits = BitsOf(value);
  const uint16_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  uint32_t result;
  if (magnitude > 0x7f800000) {
    result = 0x7e00 | ((magnitude >> 13) & 0x3ff);  // NaN, made quiet.
  } else if (magnitude >= BitsOf(65520.0f)) {
    result = 0x7c00;  // Nearer to 2^16, which is infinity, than to 65504.
  } else if (magnitude >= BitsOf(0x1p-14f)) {
    result = RoundedShift(magnitude - ((127 - 15) << 23), 13);
  } else if (magnitude <= BitsOf(0x1p-25f)) {
    result = 0;  // The tie goes to zero, which is even.
  } else {       // Subnormal: a multiple of 2^-24.
    const int exponent = static_cast<int>(magnitude >> 23);
    const uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000;
    result = RoundedShift(mantissa, 126 - exponent);
  }
  return Half{static_cast<uint16_t>(sign | result)};
}

Bfloat16 ToBfloat16(float value) {
  const uint32_t bits = BitsOf(value);
  if ((bits & 0x7fffffff) > 0x7f800000) {
    return Bfloat16{
        static_cast<uint16_t>((bits >> 16) | 0x40)};  // NaN, made quiet.
  }
  return Bfloat16{static_cast<uint16_t>(RoundedShift(bits, 16))};
}

absl::string_view DataTypeName(DataType type) {
  const TypeInfo* info = Find(type);
  return info != nullptr ? info->name : "invalid";
}

absl::string_view DataTypeProtoName(DataType type) {
  const TypeInfo* info = Find(type);
  return info != nullptr ? info->proto_name : "DT_INVALID";
}

std::optional<DataType> DataTypeFromName(absl::string_view name) {
  for (const TypeInfo& info : kTypes) {
    if (info.name == name || info.proto_name == name) return info.type;
  }
  return std::nullopt;
}

std::optional<DataType> DataTypeFromNumber(int number) {
  const TypeInfo* info = Find(static_cast<DataType>(number));
  if (info == nullptr) return std::nullopt;
  return info->type;
}

size_t DataTypeSize(DataType type) {
  const TypeInfo* info = Find(type);
  return info != nullptr ? info->size : 0;
}

bool IsFloating(DataType type) {
  return type == DataType::kHalf || type == DataType::kBfloat16 ||
         type == DataType::kFloat || type == DataType::kDouble;
}

bool IsInteger(DataType type) {
  return IsPlain(type) && !IsFloating(type) && type != DataType::kBool;
}

}  // namespace weft
