// The ops that the tests of graph/ use, under their TensorFlow names, so that
// these tests do not depend on ops/.
#include <vector>

#include "graph/graph.h"
#include "graph/infer.h"
#include "graph/op.h"

namespace weft {
namespace {

const std::vector<DataType> kNumbers = {DataType::kFloat, DataType::kDouble,
                                        DataType::kInt32, DataType::kInt64};

WEFT_OP(Const)
    .Output("output: dtype")
    .RequiredAttr("value", AttrKind::kTensor)
    .Type("dtype")
    .Role(OpRole::kConst)
    .Infer([](InferContext& c) {
      const Tensor& value = c.attr<Tensor>("value");
      c.SetOutput(0, value.shape());
      if (value.dtype() == DataType::kInt32 && value.shape().rank() <= 1) {
        c.SetOutputValue(0, PartialValue(value.data<int32_t>().begin(),
                                         value.data<int32_t>().end()));
      }
    });
WEFT_OP(Placeholder)
    .Output("output: dtype")
    .Type("dtype")
    .Attr("shape", TensorShape::UnknownRank())
    .Role(OpRole::kPlaceholder)
    .Infer([](InferContext& c) {
      c.SetOutput(0, c.attr<TensorShape>("shape"));
    });
WEFT_OP(Identity)
    .Input("input: T")
    .Output("output: T")
    .Type("T")
    .Infer(infer::SameAsInput);
WEFT_OP(IdentityN)
    .Input("input: T[]")
    .Output("output: T[]")
    .TypeList("T", 1)
    .Infer([](InferContext& c) {
      for (int i = 0; i < c.num_inputs(); ++i) c.SetOutput(i, c.input(i));
    });
WEFT_OP(NoOp).Infer(infer::Nothing);
WEFT_OP(AddV2)
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Type("T", kNumbers)
    .Infer(infer::Broadcast);
WEFT_OP(Less)
    .Input("x: T")
    .Input("y: T")
    .Output("z: bool")
    .Type("T", kNumbers)
    .Infer(infer::Broadcast);
WEFT_OP(MatMul)
    .Input("a: T")
    .Input("b: T")
    .Output("product: T")
    .Attr("transpose_a", false)
    .Attr("transpose_b", false)
    .Type("T", {DataType::kFloat, DataType::kDouble})
    .Infer([](InferContext& c) {
      Dim batch("batch"), depth("depth"), units("units");
      c.Expect(0, {batch, depth});
      c.Expect(1, {depth, units});
      c.SetOutput(0, {batch, units});
    });
WEFT_OP(Split)
    .Input("split_dim: int32")
    .Input("value: T")
    .Output("output: num_split*T")
    .Number("num_split")
    .Type("T");
WEFT_OP(ConcatV2)
    .Input("values: N*T")
    .Input("axis: Tidx")
    .Output("output: T")
    .Number("N", 2)
    .Type("T")
    .Type("Tidx", {DataType::kInt32, DataType::kInt64}, DataType::kInt32)
    .Infer([](InferContext& c) {
      // Along axis 0, whose size is then not known.
      TensorShape shape = c.input(0);
      if (shape.rank() > 0) shape.set_dim(0, TensorShape::kUnknownDim);
      c.SetOutput(0, shape);
    });

WEFT_OP(VarHandleOp)
    .Output("resource: resource")
    .Attr("container", "")
    .Attr("shared_name", "")
    .Type("dtype")
    .RequiredAttr("shape", AttrKind::kShape)
    .Role(OpRole::kVariable)
    .Stateful()
    .Infer([](InferContext& c) {
      c.SetOutput(0, c.attr<TensorShape>("shape"));
    });
WEFT_OP(ReadVariableOp)
    .Input("resource: resource")
    .Output("value: dtype")
    .Type("dtype")
    .ReadsVariable(0)
    .Infer(infer::SameAsInput);
WEFT_OP(AssignVariableOp)
    .Input("resource: resource")
    .Input("value: dtype")
    .Type("dtype")
    .WritesVariable(0);

#define WHILE_OP(name)                                       \
  WEFT_OP(name)                                              \
      .Input("input: T[]")                                   \
      .Output("output: T[]")                                 \
      .TypeList("T")                                         \
      .RequiredAttr("cond", AttrKind::kFunction)             \
      .RequiredAttr("body", AttrKind::kFunction)             \
      .Attr("output_shapes", std::vector<TensorShape>{})     \
      .Attr("parallel_iterations", 10)                       \
      .Role(OpRole::kWhile)                                  \
      .Infer([](InferContext& c) {                           \
        const Outputs& args = c.node().body(1).args();       \
        for (size_t i = 0; i < args.size(); ++i) {           \
          c.SetOutput(static_cast<int>(i), args[i].shape()); \
        }                                                    \
      })
WHILE_OP(While).Stateful();
WHILE_OP(StatelessWhile);

#define IF_OP(name)                                                           \
  WEFT_OP(name)                                                               \
      .Input("cond: Tcond")                                                   \
      .Input("input: Tin[]")                                                  \
      .Output("output: Tout[]")                                               \
      .Type("Tcond", {DataType::kBool})                                       \
      .TypeList("Tin")                                                        \
      .TypeList("Tout")                                                       \
      .RequiredAttr("then_branch", AttrKind::kFunction)                       \
      .RequiredAttr("else_branch", AttrKind::kFunction)                       \
      .Attr("output_shapes", std::vector<TensorShape>{})                      \
      .Role(OpRole::kIf)                                                      \
      .Infer([](InferContext& c) {                                            \
        const Outputs& a = c.node().body(0).results();                        \
        const Outputs& b = c.node().body(1).results();                        \
        for (size_t i = 0; i < a.size(); ++i) {                               \
          c.SetOutput(static_cast<int>(i), a[i].shape().Union(b[i].shape())); \
        }                                                                     \
      })
IF_OP(If).Stateful();
IF_OP(StatelessIf);

#define CALL_OP(name)                                           \
  WEFT_OP(name)                                                 \
      .Input("args: Tin[]")                                     \
      .Output("output: Tout[]")                                 \
      .TypeList("Tin")                                          \
      .TypeList("Tout")                                         \
      .RequiredAttr("f", AttrKind::kFunction)                   \
      .Attr("config", "")                                       \
      .Attr("config_proto", "")                                 \
      .Attr("executor_type", "")                                \
      .Role(OpRole::kCall)                                      \
      .Infer([](InferContext& c) {                              \
        const Outputs& results = c.node().body(0).results();    \
        for (size_t i = 0; i < results.size(); ++i) {           \
          c.SetOutput(static_cast<int>(i), results[i].shape()); \
        }                                                       \
      })
CALL_OP(StatefulPartitionedCall).Stateful();
CALL_OP(PartitionedCall);

}  // namespace
}  // namespace weft
