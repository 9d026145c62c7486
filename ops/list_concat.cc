#include "ops/list_concat.h"

#include <vector>

#include "graph/graph.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/array_common.h"
#include "ops/emit.h"
#include "ops/list.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

void InferConcat(InferContext& c) {
  infer::ExpectScalar(c, 0);
  c.ExpectRank(2, 1);
  if (!c.ok()) return;
  c.SetOutput(1, {-1});
  const TensorShape element = c.ValueAsShape(1);
  if (!c.ok() || !element.has_rank()) return;
  if (element.rank() == 0)
    return c.Fail("element_shape is [] but elements must have rank 1 or more");
  std::vector<int64_t> dims(element.dims().begin(), element.dims().end());
  dims[0] = -1;
  infer::SetDims(c, 0, dims);
}

}  // namespace

WEFT_OP(TensorListConcatV2)
    .Input("input_handle: variant")
    .Input("element_shape: shape_type")
    .Input("leading_dims: int64")
    .Output("tensor: element_dtype")
    .Output("lengths: int64")
    .Type("element_dtype")
    .Type("shape_type", types::Integers())
    .Infer(InferConcat)
    .Gradient([](const GradContext& g) -> Outputs {
      return {
          TensorListSplit(g.dy(0), TensorListElementShape(g.in(0)), g.out(1)),
          Output(), Output()};
    });

WEFT_OP(TensorListSplit)
    .Input("tensor: element_dtype")
    .Input("element_shape: shape_type")
    .Input("lengths: int64")
    .Output("output_handle: variant")
    .Type("element_dtype")
    .Type("shape_type", types::Integers())
    .Infer([](InferContext& c) {
      c.ExpectRankAtLeast(0, 1);
      c.ExpectRank(2, 1);
      c.SetOutput(0, {});
    })
    .Gradient([](const GradContext& g) -> Outputs {
      TensorShape shape = g.in(0).shape();
      if (shape.rank() > 0) shape.set_dim(0, -1);
      Node* node =
          EmitNode("TensorListConcatV2",
                   {g.dy(), ElementShape(g.node()->graph(), shape), g.in(2)},
                   {{"element_dtype", g.attr<DataType>("element_dtype")}});
      return {Output(node, 0), Output(), Output()};
    });

TensorListConcatOutputs TensorListConcat(Operand list, DataType element_dtype,
                                         const TensorShape& shape) {
  if (!list.output.valid()) return {list, list};
  const Output leading_dims = Const<int64_t>({list.graph(), list.location}, {});
  Node* node = EmitNode(
      "TensorListConcatV2",
      {list, ElementShape({list.graph(), list.location}, shape), leading_dims},
      {{"element_dtype", element_dtype}});
  if (node == nullptr) return {};
  return {Output(node, 0), Output(node, 1)};
}

Output TensorListSplit(Operand tensor, Operand element_shape, Operand lengths) {
  return Emit("TensorListSplit", {tensor, element_shape, lengths});
}

}  // namespace weft
