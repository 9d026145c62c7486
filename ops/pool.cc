#include "ops/pool.h"

#include <optional>

#include "graph/infer.h"
#include "graph/op.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/types.h"
#include "ops/window_attrs.h"

namespace weft {
namespace {

// The result of a pool over `input`, of rank 4 or unknown.
std::optional<TensorShape> InferResult(InferContext& c,
                                       const TensorShape& input) {
  const std::optional<WindowAttrs> attrs = ReadWindow(c);
  if (!attrs.has_value()) return std::nullopt;
  return InferPlaces(c, *attrs, input, attrs->size,
                     input.dim(attrs->axes().channels));
}

void InferPool(InferContext& c) {
  c.ExpectRank(0, 4);
  if (!c.ok()) return;
  const std::optional<TensorShape> shape = InferResult(c, c.input(0));
  if (shape.has_value()) c.SetOutput(0, *shape);
}

// Inputs of the pool and its result; the third input is like one of them, and
// the output like the other.
template <bool like_input>
void InferMaxPoolGrad(InferContext& c) {
  for (int i = 0; i < 3; ++i) c.ExpectRank(i, 4);
  if (!c.ok()) return;
  const std::optional<TensorShape> pooled = InferResult(c, c.input(0));
  if (!pooled.has_value()) return;
  if (!c.input(1).IsCompatibleWith(*pooled)) {
    return c.Fail("orig_output is ", c.input(1).ToString(), " but must be ",
                  pooled->ToString());
  }
  const TensorShape& wanted = like_input ? *pooled : c.input(0);
  if (!c.input(2).IsCompatibleWith(wanted)) {
    return c.Fail("grad is ", c.input(2).ToString(), " but must be ",
                  wanted.ToString());
  }
  c.SetOutput(0, like_input ? c.input(0) : pooled->MergedWith(c.input(1)));
}

void InferAvgPoolGrad(InferContext& c) {
  c.Expect(0, {4});
  c.ExpectRank(1, 4);
  if (!c.ok()) return;
  TensorShape shape = c.ValueAsShape(0);
  if (!shape.has_rank()) shape = {-1, -1, -1, -1};
  const std::optional<TensorShape> pooled = InferResult(c, shape);
  if (!pooled.has_value()) return;
  if (!c.input(1).IsCompatibleWith(*pooled)) {
    return c.Fail("grad is ", c.input(1).ToString(), " but must be ",
                  pooled->ToString());
  }
  c.SetOutput(0, shape);
}

AttrMap PoolAttrs(const PoolOptions& options) {
  return {{"ksize", PerImageAxis(options.ksize, options.data_format)},
          {"strides", PerImageAxis(options.strides, options.data_format)},
          {"padding", options.padding},
          {"data_format", options.data_format}};
}

// Those of the node, for a node of its gradient.
AttrMap PoolAttrs(const GradContext& g) {
  AttrMap attrs;
  for (const char* name :
       {"ksize", "strides", "padding", "explicit_paddings", "data_format"}) {
    const AttrValue* value = g.node()->attrs().Find(name);
    if (value != nullptr) attrs.Set(name, *value);
  }
  return attrs;
}

}  // namespace

#define WEFT_POOL_ATTRS                         \
  RequiredAttr("ksize", AttrKind::kInts)        \
      .RequiredAttr("strides", AttrKind::kInts) \
      .Attr("data_format", "NHWC", ImageFormats())

#define WEFT_MAX_POOL_ATTRS                        \
  WEFT_POOL_ATTRS                                  \
      .RequiredAttr("padding", AttrKind::kString,  \
                    {"SAME", "VALID", "EXPLICIT"}) \
      .Attr("explicit_paddings", std::vector<int64_t>{})

WEFT_OP(MaxPool)
    .Input("input: T")
    .Output("output: T")
    .WEFT_MAX_POOL_ATTRS.Type("T", types::Numbers(), DataType::kFloat)
    .Infer(InferPool)
    .Gradient([](const GradContext& g) -> Outputs {
      return {Emit("MaxPoolGrad", {g.in(0), g.out(0), g.dy()}, PoolAttrs(g))};
    });

WEFT_OP(MaxPoolGrad)
    .Input("orig_input: T")
    .Input("orig_output: T")
    .Input("grad: T")
    .Output("output: T")
    .WEFT_MAX_POOL_ATTRS.Type("T", types::Numbers(), DataType::kFloat)
    .Infer(InferMaxPoolGrad<true>)
    .Gradient([](const GradContext& g) -> Outputs {
      // Which element is the largest does not change with small steps.
      AttrMap attrs = PoolAttrs(g);
      attrs.Erase("explicit_paddings");
      return {Output(), Output(),
              Emit("MaxPoolGradGrad", {g.in(0), g.in(1), g.dy()},
                   std::move(attrs))};
    });

WEFT_OP(MaxPoolGradGrad)
    .Input("orig_input: T")
    .Input("orig_output: T")
    .Input("grad: T")
    .Output("output: T")
    .WEFT_POOL_ATTRS
    .RequiredAttr("padding", AttrKind::kString, {"SAME", "VALID"})
    .Type("T", types::Numbers())
    .Infer(InferMaxPoolGrad<false>)
    .Gradient([](const GradContext& g) -> Outputs {
      return {Output(), Output(),
              Emit("MaxPoolGrad", {g.in(0), g.in(1), g.dy()}, PoolAttrs(g))};
    });

WEFT_OP(AvgPool)
    .Input("value: T")
    .Output("output: T")
    .WEFT_POOL_ATTRS
    .RequiredAttr("padding", AttrKind::kString, {"SAME", "VALID"})
    .Type("T", types::Floats())
    .Infer(InferPool)
    .Gradient([](const GradContext& g) -> Outputs {
      return {Emit("AvgPoolGrad", {Shape(g.in(0)), g.dy()}, PoolAttrs(g))};
    });

WEFT_OP(AvgPoolGrad)
    .Input("orig_input_shape: int32")
    .Input("grad: T")
    .Output("output: T")
    .WEFT_POOL_ATTRS
    .RequiredAttr("padding", AttrKind::kString, {"SAME", "VALID"})
    .Type("T", types::Floats())
    .Infer(InferAvgPoolGrad)
    .Gradient([](const GradContext& g) -> Outputs {
      return {Output(), Emit("AvgPool", {g.dy()}, PoolAttrs(g))};
    });

Output MaxPool(Operand input, const PoolOptions& options) {
  return Emit("MaxPool", {input}, PoolAttrs(options), options.name);
}

Output MaxPoolGrad(Operand orig_input, Operand orig_output, Operand grad,
                   const PoolOptions& options) {
  return Emit("MaxPoolGrad", {orig_input, orig_output, grad},
              PoolAttrs(options), options.name);
}

Output MaxPoolGradGrad(Operand orig_input, Operand orig_output, Operand grad,
                       const PoolOptions& options) {
  return Emit("MaxPoolGradGrad", {orig_input, orig_output, grad},
              PoolAttrs(options), options.name);
}

Output AvgPool(Operand value, const PoolOptions& options) {
  return Emit("AvgPool", {value}, PoolAttrs(options), options.name);
}

Output AvgPoolGrad(const IntsArg& orig_input_shape, Operand grad,
                   const PoolOptions& options) {
  return Emit("AvgPoolGrad",
              {orig_input_shape.AsInput(grad, "orig_input_shape"), grad},
              PoolAttrs(options), options.name);
}

}  // namespace weft
