// The lists of dtypes that schemas share.
#ifndef WEFT_OPS_TYPES_H_
#define WEFT_OPS_TYPES_H_

#include <vector>

#include "core/data_type.h"

namespace weft::types {

inline std::vector<DataType> Floats() {
  return {DataType::kFloat, DataType::kDouble};
}

inline std::vector<DataType> Integers() {
  return {DataType::kInt32, DataType::kInt64};
}

// What arithmetic works on.
inline std::vector<DataType> Numbers() {
  return {DataType::kFloat, DataType::kDouble, DataType::kInt32,
          DataType::kInt64};
}

// What has plain bytes for elements and can be moved.
inline std::vector<DataType> Plain() {
  return {DataType::kFloat, DataType::kDouble,  DataType::kInt32,
          DataType::kInt64, DataType::kBool,    DataType::kUint8,
          DataType::kInt8,  DataType::kInt16,   DataType::kUint16,
          DataType::kHalf,  DataType::kBfloat16};
}

// These, and lists of them.
inline std::vector<DataType> AndLists(std::vector<DataType> types) {
  types.push_back(DataType::kVariant);
  return types;
}

// What can be converted to each other: what is computed with, and what is only
// stored.
inline std::vector<DataType> Convertible() {
  return {DataType::kFloat, DataType::kDouble, DataType::kInt32,
          DataType::kInt64, DataType::kBool,   DataType::kUint8,
          DataType::kInt8,  DataType::kHalf,   DataType::kBfloat16};
}

}  // namespace weft::types

#endif  // WEFT_OPS_TYPES_H_
