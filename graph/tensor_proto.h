// Tensors as they stand in files.
#ifndef WEFT_GRAPH_TENSOR_PROTO_H_
#define WEFT_GRAPH_TENSOR_PROTO_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/tensor.h"
#include "core/tensor_shape.h"

namespace weft {

namespace proto {
class TensorProto;
class TensorShapeProto;
}  // namespace proto

// Bytes that the tensors of a file may take, all together. A few bytes of a
// file can stand for any number of elements, so this is checked before memory
// is asked for.
class TensorBudget {
 public:
  explicit TensorBudget(int64_t bytes) : limit_(bytes), left_(bytes) {}
  // ResourceExhausted if there are not `count` * `size` bytes left.
  absl::Status Take(int64_t count, int64_t size);

 private:
  int64_t limit_;
  int64_t left_;
};

// InvalidArgument for a dtype that no file may name here (invalid, a reference,
// a number without meaning); Unimplemented for one that weft does not have.
absl::StatusOr<DataType> DataTypeFromProto(int number);

absl::StatusOr<TensorShape> ShapeFromProto(
    const proto::TensorShapeProto& shape);
void ShapeToProto(const TensorShape& shape, proto::TensorShapeProto* to);

// The tensor: from its raw content, or from the list of its dtype, whose last
// value fills the rest. InvalidArgument if the values do not fit the shape;
// Unimplemented for dtypes that weft does not have.
absl::StatusOr<Tensor> TensorFromProto(const proto::TensorProto& tensor,
                                       TensorBudget* budget);

// Equal elements are written as one. InvalidArgument for elements that no file
// can hold: lists.
absl::Status TensorToProto(const Tensor& tensor, proto::TensorProto* to);

}  // namespace weft

#endif  // WEFT_GRAPH_TENSOR_PROTO_H_
