// The lists of dtypes that schemas share.
#ifndef WEFT_OPS_TYPES_H_
#define WEFT_OPS_TYPES_H_

#include <vector>

#include "core/data_type.h"

namespace weft::types {

// Floating types that have kernels of their own: for what cannot be computed
// behind a conversion, e.g. updates of variables.
inline std::vector<DataType> NativeFloats() {
  return {DataType::kFloat, DataType::kDouble};
}

// These, and those computed in float (see core/widened_kernel.h).
inline std::vector<DataType> Floats() {
  return {DataType::kFloat, DataType::kDouble, DataType::kHalf,
          DataType::kBfloat16};
}

inline std::vector<DataType> Integers() {
  return {DataType::kInt32, DataType::kInt64};
}

// Number types that have kernels of their own.
inline std::vector<DataType> NativeNumbers() {
  return {DataType::kFloat, DataType::kDouble, DataType::kInt32,
          DataType::kInt64};
}

// What arithmetic works on: these, and those computed in a wider one.
inline std::vector<DataType> Numbers() {
  return {DataType::kFloat, DataType::kDouble, DataType::kInt32,
          DataType::kInt64, DataType::kHalf,   DataType::kBfloat16,
          DataType::kUint8, DataType::kInt8,   DataType::kUint16,
          DataType::kInt16, DataType::kUint32};
}

// What has plain bytes for elements and can be moved.
inline std::vector<DataType> Plain() {
  return {DataType::kFloat,   DataType::kDouble, DataType::kInt32,
          DataType::kInt64,   DataType::kBool,   DataType::kUint8,
          DataType::kInt8,    DataType::kInt16,  DataType::kUint16,
          DataType::kUint32,  DataType::kUint64, DataType::kHalf,
          DataType::kBfloat16};
}

// These, and lists of them.
inline std::vector<DataType> AndLists(std::vector<DataType> types) {
  types.push_back(DataType::kVariant);
  return types;
}

// What can be converted to each other.
inline std::vector<DataType> Convertible() { return Plain(); }

}  // namespace weft::types

#endif  // WEFT_OPS_TYPES_H_
