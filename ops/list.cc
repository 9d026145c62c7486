#include "ops/list.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/array_common.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

// ---- Inference --------------------------------------------------------------

void InferList(InferContext& c) { c.SetOutput(0, TensorShape{}); }

// A list is made from an element shape, input 0, and a number, input 1.
void InferNewList(InferContext& c) {
  if (c.input(0).has_rank() && c.input(0).rank() > 1) c.ExpectRank(0, 1);
  infer::ExpectScalar(c, 1);
  c.ValueAsShape(0);
  InferList(c);
}

void InferResize(InferContext& c) {
  infer::ExpectScalar(c, 0);
  infer::ExpectScalar(c, 1);
  InferList(c);
}

void InferFromTensor(InferContext& c) {
  c.ExpectRankAtLeast(0, 1);
  const TensorShape element = c.ValueAsShape(1);
  const TensorShape& tensor = c.input(0);
  if (c.ok() && tensor.has_rank()) {
    TensorShape row = tensor;
    row.RemoveDim(0);
    if (!row.IsCompatibleWith(element)) {
      c.Fail("tensor is ", tensor.ToString(), " but its rows must be ",
             element.ToString());
    }
  }
  InferList(c);
}

void InferGetItem(InferContext& c) {
  infer::ExpectScalar(c, 0);
  infer::ExpectScalar(c, 1);
  c.SetOutput(0, c.ValueAsShape(2));
}

void InferSetItem(InferContext& c) {
  infer::ExpectScalar(c, 0);
  if (c.node().op() != "TensorListPushBack") infer::ExpectScalar(c, 1);
  InferList(c);
}

void InferPopBack(InferContext& c) {
  infer::ExpectScalar(c, 0);
  InferList(c);
  c.SetOutput(1, c.ValueAsShape(1));
}

// An element shape with an axis of `size` in front.
void SetStacked(InferContext& c, const TensorShape& element, int64_t size) {
  if (!element.has_rank()) return;
  std::vector<int64_t> dims(element.dims().begin(), element.dims().end());
  dims.insert(dims.begin(), size);
  infer::SetDims(c, 0, dims);
}

void InferStack(InferContext& c) {
  infer::ExpectScalar(c, 0);
  const int64_t size = c.attr<int64_t>("num_elements");
  if (size < -1)
    return c.Fail("num_elements is ", size, " but must be -1 or more");
  SetStacked(c, c.ValueAsShape(1), size);
}

void InferListGather(InferContext& c) {
  infer::ExpectScalar(c, 0);
  c.ExpectRank(1, 1);
  if (c.ok()) SetStacked(c, c.ValueAsShape(2), c.input(1).dim(0));
}

void InferElementShape(InferContext& c) { infer::ExpectScalar(c, 0); }

// ---- Gradients --------------------------------------------------------------

// What is known of a value's shape, as the element shape of the list it comes
// from or goes to.
Output ElementShapeOf(Output x) {
  if (x.shape().IsFullyDefined()) return ElementShape(x.graph(), x.shape());
  return Shape(x);
}

// A list like `list`, of which nothing is set.
Output EmptyLike(Output list, DataType element_dtype) {
  const Output element_shape = TensorListElementShape(list);
  return TensorListReserve(element_shape, TensorListLength(list),
                           element_dtype);
}

DataType ElementType(const GradContext& g) {
  return g.attr<DataType>("element_dtype");
}

Outputs GradFromTensor(const GradContext& g) {
  const TensorShape& tensor = g.in(0).shape();
  TensorShape row = TensorShape::UnknownRank();
  if (tensor.has_rank()) {
    row = tensor;
    row.RemoveDim(0);
  }
  const int64_t size = tensor.has_rank() ? tensor.dim(0) : -1;
  return {TensorListStack(g.dy(), ElementType(g), row, size), Output()};
}

Outputs GradStack(const GradContext& g) {
  return {TensorListFromTensor(g.dy(), g.in(1)), Output()};
}

Outputs GradGetItem(const GradContext& g) {
  const Output zeros = EmptyLike(g.in(0), ElementType(g));
  return {TensorListSetItem(zeros, g.in(1), g.dy()), Output(), Output()};
}

// The item's gradient is read first, so that the list can then be changed in
// place.
Outputs GradSetItem(const GradContext& g) {
  const Output item = g.in(2);
  const Output d_item =
      TensorListGetItem(g.dy(), g.in(1), ElementShapeOf(item), ElementType(g));
  const Output d_list = TensorListSetItem(g.dy(), g.in(1), ZerosLike(item));
  return {d_list, Output(), d_item};
}

Outputs GradPushBack(const GradContext& g) {
  const Outputs popped =
      EmitAll("TensorListPopBack", {g.dy(), ElementShapeOf(g.in(1))}, 2,
              {{"element_dtype", ElementType(g)}});
  return {popped[0], popped[1]};
}

Outputs GradPopBack(const GradContext& g) {
  return {TensorListPushBack(g.dy(0), g.dy(1)), Output()};
}

Outputs GradGather(const GradContext& g) {
  const Output size = TensorListLength(g.in(0));
  const Output rows = UnsortedSegmentSum(g.dy(), g.in(1), size);
  return {TensorListFromTensor(rows, g.in(2)), Output(), Output()};
}

Outputs GradResize(const GradContext& g) {
  return {TensorListResize(g.dy(), TensorListLength(g.in(0))), Output()};
}

}  // namespace

// ---- Ops --------------------------------------------------------------------

WEFT_OP(EmptyTensorList)
    .Input("element_shape: shape_type")
    .Input("max_num_elements: int32")
    .Output("handle: variant")
    .Type("element_dtype")
    .Type("shape_type", types::Integers())
    .Infer(InferNewList)
    .NotDifferentiable();

WEFT_OP(TensorListReserve)
    .Input("element_shape: shape_type")
    .Input("num_elements: int32")
    .Output("handle: variant")
    .Type("element_dtype")
    .Type("shape_type", types::Integers())
    .Form(OpForm::kListReserve)
    .Infer(InferNewList)
    .NotDifferentiable();

WEFT_OP(TensorListFromTensor)
    .Input("tensor: element_dtype")
    .Input("element_shape: shape_type")
    .Output("output_handle: variant")
    .Type("element_dtype")
    .Type("shape_type", types::Integers())
    .Form(OpForm::kListFromTensor)
    .Infer(InferFromTensor)
    .Gradient(GradFromTensor);

WEFT_OP(TensorListStack)
    .Input("input_handle: variant")
    .Input("element_shape: int32")
    .Output("tensor: element_dtype")
    .Type("element_dtype")
    .Attr("num_elements", -1)
    .Form(OpForm::kListStack)
    .Infer(InferStack)
    .Gradient(GradStack);

WEFT_OP(TensorListGetItem)
    .Input("input_handle: variant")
    .Input("index: int32")
    .Input("element_shape: Tshape")
    .Output("item: element_dtype")
    .Type("element_dtype")
    .Type("Tshape", types::Integers(), DataType::kInt32)
    .Form(OpForm::kListGet)
    .Infer(InferGetItem)
    .Gradient(GradGetItem);

WEFT_OP(TensorListSetItem)
    .Input("input_handle: variant")
    .Input("index: int32")
    .Input("item: element_dtype")
    .Output("output_handle: variant")
    .Type("element_dtype")
    .Attr("resize_if_index_out_of_bounds", false)
    .Form(OpForm::kListSet)
    .Infer(InferSetItem)
    .Gradient(GradSetItem);

WEFT_OP(TensorListPushBack)
    .Input("input_handle: variant")
    .Input("tensor: element_dtype")
    .Output("output_handle: variant")
    .Type("element_dtype")
    .Infer(InferSetItem)
    .Gradient(GradPushBack);

WEFT_OP(TensorListPopBack)
    .Input("input_handle: variant")
    .Input("element_shape: int32")
    .Output("output_handle: variant")
    .Output("tensor: element_dtype")
    .Type("element_dtype")
    .Infer(InferPopBack)
    .Gradient(GradPopBack);

WEFT_OP(TensorListLength)
    .Input("input_handle: variant")
    .Output("length: int32")
    .Infer(infer::Scalar)
    .NotDifferentiable();

WEFT_OP(TensorListGather)
    .Input("input_handle: variant")
    .Input("indices: int32")
    .Input("element_shape: int32")
    .Output("values: element_dtype")
    .Type("element_dtype")
    .Infer(InferListGather)
    .Gradient(GradGather);

WEFT_OP(TensorListElementShape)
    .Input("input_handle: variant")
    .Output("element_shape: shape_type")
    .Type("shape_type", types::Integers())
    .Infer(InferElementShape)
    .NotDifferentiable();

WEFT_OP(TensorListResize)
    .Input("input_handle: variant")
    .Input("size: int32")
    .Output("output_handle: variant")
    .Infer(InferResize)
    .Gradient(GradResize);

// ---- Functions --------------------------------------------------------------

Output ElementShape(GraphRef g, const TensorShape& shape) {
  if (!shape.has_rank()) return Const(g, int32_t{-1}, "element_shape");
  std::vector<int32_t> dims;
  for (int64_t dim : shape.dims()) {
    if (dim > INT32_MAX) {
      return {g.graph.Fail(InvalidArgument("element shape ", shape.ToString(),
                                           " has a dim beyond an int32"),
                           g.location)};
    }
    dims.push_back(static_cast<int32_t>(dim));
  }
  return Const<int32_t>(g, {shape.rank()}, std::move(dims), "element_shape");
}

namespace {

// An element shape as an input beside `x`.
Operand ElementShapeFor(Operand x, const TensorShape& shape) {
  if (!x.output.valid()) return x;
  return {ElementShape(GraphRef(x.graph(), x.location), shape), x.location};
}

}  // namespace

Output EmptyTensorList(Operand element_shape, Operand max_num_elements,
                       DataType element_dtype) {
  return Emit("EmptyTensorList", {element_shape, max_num_elements},
              {{"element_dtype", element_dtype}});
}

Output EmptyTensorList(GraphRef g, const TensorShape& element_shape,
                       DataType element_dtype) {
  const Operand shape(ElementShape(g, element_shape), g.location);
  return EmptyTensorList(shape, IntScalar(shape, -1, "max_num_elements"),
                         element_dtype);
}

Output TensorListReserve(Operand element_shape, Operand num_elements,
                         DataType element_dtype) {
  return Emit("TensorListReserve", {element_shape, num_elements},
              {{"element_dtype", element_dtype}});
}

Output TensorListReserve(const TensorShape& element_shape, Operand num_elements,
                         DataType element_dtype) {
  return TensorListReserve(ElementShapeFor(num_elements, element_shape),
                           num_elements, element_dtype);
}

Output TensorListFromTensor(Operand tensor, Operand element_shape) {
  return Emit("TensorListFromTensor", {tensor, element_shape});
}

Output TensorListFromTensor(Operand tensor) {
  TensorShape row = tensor.shape();
  if (row.rank() > 0) row.RemoveDim(0);
  return TensorListFromTensor(tensor, ElementShapeFor(tensor, row));
}

Output TensorListGetItem(Operand list, Operand index, Operand element_shape,
                         DataType element_dtype) {
  return Emit("TensorListGetItem", {list, index, element_shape},
              {{"element_dtype", element_dtype}});
}

Output TensorListGetItem(Operand list, Operand index, DataType element_dtype,
                         const TensorShape& shape) {
  return TensorListGetItem(list, index, ElementShapeFor(list, shape),
                           element_dtype);
}

Output TensorListSetItem(Operand list, Operand index, Operand item) {
  return Emit("TensorListSetItem", {list, index, item});
}

Output TensorListPushBack(Operand list, Operand item) {
  return Emit("TensorListPushBack", {list, item});
}

TensorListPopBackOutputs TensorListPopBack(Operand list, DataType element_dtype,
                                           const TensorShape& shape) {
  const Outputs outputs =
      EmitAll("TensorListPopBack", {list, ElementShapeFor(list, shape)}, 2,
              {{"element_dtype", element_dtype}});
  return {outputs[0], outputs[1]};
}

Output TensorListResize(Operand list, Operand size) {
  return Emit("TensorListResize", {list, size});
}

Output TensorListLength(Operand list) {
  return Emit("TensorListLength", {list});
}

Output TensorListElementShape(Operand list, DataType shape_type) {
  return Emit("TensorListElementShape", {list}, {{"shape_type", shape_type}});
}

Output TensorListStack(Operand list, DataType element_dtype,
                       const TensorShape& shape, int64_t num_elements) {
  return Emit(
      "TensorListStack", {list, ElementShapeFor(list, shape)},
      {{"element_dtype", element_dtype}, {"num_elements", num_elements}});
}

Output TensorListGather(Operand list, Operand indices, DataType element_dtype,
                        const TensorShape& shape) {
  return Emit("TensorListGather", {list, indices, ElementShapeFor(list, shape)},
              {{"element_dtype", element_dtype}});
}

Output AccumulateLists(const Operands& lists) {
  if (lists.outputs.size() == 1) return lists.outputs[0];
  return AddN(lists);
}

}  // namespace weft
