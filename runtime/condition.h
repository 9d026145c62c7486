// The truth of a scalar.
#ifndef WEFT_RUNTIME_CONDITION_H_
#define WEFT_RUNTIME_CONDITION_H_

#include <cstring>

#include "core/data_type.h"

namespace weft {

// The plain scalar at `data` as the condition of a loop or branch: numbers
// count as true unless they are zero, as in TensorFlow.
inline bool IsTrue(DataType type, const void* data) {
  if (type == DataType::kBool) return *static_cast<const bool*>(data);
  if (type == DataType::kFloat) return *static_cast<const float*>(data) != 0;
  if (type == DataType::kDouble) return *static_cast<const double*>(data) != 0;
  static constexpr char kZeros[16] = {};
  return std::memcmp(data, kZeros, DataTypeSize(type)) != 0;
}

}  // namespace weft

#endif  // WEFT_RUNTIME_CONDITION_H_
