// Lists whose elements are joined along their first axis, and their reverse.
#ifndef WEFT_OPS_LIST_CONCAT_H_
#define WEFT_OPS_LIST_CONCAT_H_

#include "core/data_type.h"
#include "core/tensor_shape.h"
#include "graph/output.h"

namespace weft {

struct TensorListConcatOutputs {
  Output tensor;   // [sum of lengths, ...].
  Output lengths;  // int64 [size of the list].
};

// The elements of `list` one after another along axis 0, in which they may
// differ. `shape` is what is known of all of them.
TensorListConcatOutputs TensorListConcat(
    Operand list, DataType element_dtype,
    const TensorShape& shape = TensorShape::UnknownRank());

// The list of the pieces of `tensor` that are `lengths`, an int64 vector, long.
// InvalidArgument unless they are all of it.
Output TensorListSplit(Operand tensor, Operand element_shape, Operand lengths);

}  // namespace weft

#endif  // WEFT_OPS_LIST_CONCAT_H_
