// TensorList ops: lists of tensors as values, which is how loops accumulate.
//
//   Output list = TensorListReserve(element_shape, num_elements,
//   DataType::kFloat); list = TensorListSetItem(list, step, y_t);       // In
//   every step. Output ys = TensorListStack(list, DataType::kFloat);  // After
//   the loop.
//
// A list is a variant scalar. The executor changes it in place where it is the
// last to use it. Lists of lists have elements of dtype kVariant and shape [].
//
// An element shape is an int32 vector, where -1 is an unknown dim, or the
// scalar -1 if not even the rank is known.
#ifndef WEFT_OPS_LIST_H_
#define WEFT_OPS_LIST_H_

#include <cstdint>

#include "core/data_type.h"
#include "core/tensor_shape.h"
#include "graph/output.h"

namespace weft {

// `shape` as list ops take it: a constant.
Output ElementShape(GraphRef g, const TensorShape& shape);

// ---- New lists --------------------------------------------------------------

// A list without elements, to be pushed to. max_num_elements -1: no limit.
Output EmptyTensorList(Operand element_shape, Operand max_num_elements,
                       DataType element_dtype);
Output EmptyTensorList(GraphRef g, const TensorShape& element_shape,
                       DataType element_dtype);
// A list of `num_elements` elements that are not set yet.
Output TensorListReserve(Operand element_shape, Operand num_elements,
                         DataType element_dtype);
Output TensorListReserve(const TensorShape& element_shape, Operand num_elements,
                         DataType element_dtype);
// The rows of `tensor` [size, ...].
Output TensorListFromTensor(Operand tensor, Operand element_shape);
Output TensorListFromTensor(Operand tensor);

// ---- Elements ---------------------------------------------------------------

// Element `index`, an int32 scalar. OutOfRange for an index below 0 or beyond
// the size; one that was never set is zeros if its shape is known. The forms
// without `element_shape` take `shape` for what is known of it while building.
Output TensorListGetItem(Operand list, Operand index, Operand element_shape,
                         DataType element_dtype);
Output TensorListGetItem(Operand list, Operand index, DataType element_dtype,
                         const TensorShape& shape = TensorShape::UnknownRank());
// The list with `item` as element `index`.
Output TensorListSetItem(Operand list, Operand index, Operand item);
// The list with `item` behind the others.
Output TensorListPushBack(Operand list, Operand item);
// The list without its last element, and that.
struct TensorListPopBackOutputs {
  Output list;
  Output item;
};
TensorListPopBackOutputs TensorListPopBack(
    Operand list, DataType element_dtype,
    const TensorShape& shape = TensorShape::UnknownRank());
// The list with another number of elements: cut, or with elements not yet set.
Output TensorListResize(Operand list, Operand size);

// ---- The whole list ---------------------------------------------------------

// The number of elements: an int32 scalar.
Output TensorListLength(Operand list);
// What is known of the elements' shape: int32, or int64.
Output TensorListElementShape(Operand list,
                              DataType shape_type = DataType::kInt32);
// All elements along a new axis 0: [size, ...]. If `num_elements` is not -1 the
// list must be of that size.
Output TensorListStack(Operand list, DataType element_dtype,
                       const TensorShape& shape = TensorShape::UnknownRank(),
                       int64_t num_elements = -1);
// The elements `indices`, a vector, along a new axis 0.
Output TensorListGather(Operand list, Operand indices, DataType element_dtype,
                        const TensorShape& shape = TensorShape::UnknownRank());

// The list whose elements are the sums of those of `lists`, all of one size.
// An element that is not set counts as zeros. This is how gradients that reach
// a list on several ways come together.
Output AccumulateLists(const Operands& lists);

}  // namespace weft

#endif  // WEFT_OPS_LIST_H_
