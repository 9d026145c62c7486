#include <cmath>

#include "ops/source.h"

namespace weft {
namespace {

// `value` as a scalar of `dtype`; invalid if that is no number type.
Tensor ScalarOf(DataType dtype, double value) {
  switch (dtype) {
    case DataType::kFloat:
      return Tensor::Scalar(static_cast<float>(value));
    case DataType::kDouble:
      return Tensor::Scalar(value);
    case DataType::kInt32:
      return Tensor::Scalar(static_cast<int32_t>(value));
    case DataType::kInt64:
      return Tensor::Scalar(static_cast<int64_t>(value));
    case DataType::kUint8:
      return Tensor::Scalar(static_cast<uint8_t>(value));
    case DataType::kInt8:
      return Tensor::Scalar(static_cast<int8_t>(value));
    case DataType::kInt16:
      return Tensor::Scalar(static_cast<int16_t>(value));
    case DataType::kUint16:
      return Tensor::Scalar(static_cast<uint16_t>(value));
    case DataType::kUint32:
      return Tensor::Scalar(static_cast<uint32_t>(value));
    case DataType::kUint64:
      return Tensor::Scalar(static_cast<uint64_t>(value));
    case DataType::kHalf:
      return Tensor::Scalar(ToHalf(static_cast<float>(value)));
    case DataType::kBfloat16:
      return Tensor::Scalar(ToBfloat16(static_cast<float>(value)));
    default:
      return Tensor();
  }
}

}  // namespace

Output ScalarLike(Operand x, double value) {
  if (!x.output.valid() || x.graph().IsErrorNode(x.output.node())) return x;
  const Tensor scalar = ScalarOf(x.dtype(), value);
  if (scalar.is_valid()) return Const({x.graph(), x.location}, scalar);
  return Output(x.graph().Fail(
      InvalidArgument(x.output.name(), " is ", DataTypeName(x.dtype()),
                      ", which has no scalar ", value),
      x.location));
}

}  // namespace weft
