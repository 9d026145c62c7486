#include "ops/source.h"

#include <cstdint>
#include <utility>

#include "core/status.h"
#include "graph/op.h"
#include "ops/emit.h"
#include "ops/types.h"

namespace weft {
namespace {

// Longer constants are no shapes or axes, so nobody asks for their elements
// while building.
constexpr int64_t kMaxPartialElements = 64;
// Zeros() and Ones() of more elements are made by the run, not kept in the
// file.
constexpr int64_t kMaxConstElements = 1024;

template <typename T>
PartialValue ElementsOf(const Tensor& t) {
  return PartialValue(t.data<T>().begin(), t.data<T>().end());
}

void InferConst(InferContext& c) {
  const Tensor& value = c.attr<Tensor>("value");
  const DataType dtype = c.attr<DataType>("dtype");
  if (value.dtype() != dtype) {
    c.Fail("attr 'value' is ", DataTypeName(value.dtype()),
           " but attr 'dtype' is ", DataTypeName(dtype));
    return;
  }
  c.SetOutput(0, value.shape());
  if (value.shape().rank() > 1 || value.num_elements() > kMaxPartialElements)
    return;
  if (dtype == DataType::kInt32)
    c.SetOutputValue(0, ElementsOf<int32_t>(value));
  if (dtype == DataType::kInt64)
    c.SetOutputValue(0, ElementsOf<int64_t>(value));
}

void InferIdentity(InferContext& c) {
  c.SetOutput(0, c.input(0));
  if (c.value(0) != nullptr) c.SetOutputValue(0, *c.value(0));
}

void InferPlaceholderWithDefault(InferContext& c) {
  const TensorShape& shape = c.attr<TensorShape>("shape");
  if (!shape.IsCompatibleWith(c.input(0))) {
    c.Fail("input is ", c.input(0).ToString(), " but attr 'shape' is ",
           shape.ToString());
  }
  c.SetOutput(0,
              shape);  // What is fed may be less than the input's shape says.
}

Outputs PassGradient(const GradContext& g) { return {g.raw_dy(0)}; }

WEFT_OP(Const)
    .Output("output: dtype")
    .RequiredAttr("value", AttrKind::kTensor)
    .Type("dtype")
    .Role(OpRole::kConst)
    .Infer(InferConst)
    .NotDifferentiable()
    .NoKernel("plans hold the value");

WEFT_OP(Placeholder)
    .Output("output: dtype")
    .Type("dtype")
    .Attr("shape", TensorShape::UnknownRank())
    .Role(OpRole::kPlaceholder)
    .Infer([](InferContext& c) {
      c.SetOutput(0, c.attr<TensorShape>("shape"));
    })
    .NotDifferentiable()
    .NoKernel("runs are given the value");

WEFT_OP(PlaceholderWithDefault)
    .Input("input: dtype")
    .Output("output: dtype")
    .Type("dtype")
    .RequiredAttr("shape", AttrKind::kShape)
    .Role(OpRole::kPlaceholderWithDefault)
    .Infer(InferPlaceholderWithDefault)
    .Gradient(PassGradient);

WEFT_OP(Identity)
    .Input("input: T")
    .Output("output: T")
    .Type("T")
    .Role(OpRole::kIdentity)
    .Infer(InferIdentity)
    .Gradient(PassGradient);

WEFT_OP(IdentityN)
    .Input("input: T[]")
    .Output("output: T[]")
    .TypeList("T", 1)
    .Infer([](InferContext& c) {
      for (int i = 0; i < c.num_inputs(); ++i) {
        c.SetOutput(i, c.input(i));
        if (c.value(i) != nullptr) c.SetOutputValue(i, *c.value(i));
      }
    })
    .Gradient([](const GradContext& g) -> Outputs {
      Outputs dxs;
      for (int i = 0; i < g.num_inputs(); ++i) dxs.push_back(g.raw_dy(i));
      return dxs;
    });

WEFT_OP(StopGradient)
    .Input("input: T")
    .Output("output: T")
    .Type("T")
    .Role(OpRole::kIdentity)
    .Infer(InferIdentity)
    .NotDifferentiable();

WEFT_OP(PreventGradient)
    .Input("input: T")
    .Output("output: T")
    .Type("T")
    .Attr("message", "")
    .Role(OpRole::kIdentity)
    .Infer(InferIdentity)
    .Gradient([](const GradContext& g) -> Outputs {
      const std::string& message = g.attr<std::string>("message");
      return {g.node()->graph().Fail(
          InvalidArgument(g.node()->Describe(),
                          ": there is no gradient through here",
                          message.empty() ? "" : ": ", message),
          g.node()->location())};
    });

WEFT_OP(NoOp)
    .Role(OpRole::kNoOp)
    .Infer(infer::Nothing)
    .NotDifferentiable()
    .NoKernel("computes nothing");

WEFT_OP(Assert)
    .Input("condition: bool")
    .Input("data: T[]")
    .TypeList("T", 1)
    .Attr("summarize", 3)
    .Asserts()
    .Infer([](InferContext& c) { c.Expect(0, {}); })
    .NotDifferentiable();

WEFT_OP(CheckNumerics)
    .Input("tensor: T")
    .Output("output: T")
    .Type("T", types::Floats())
    .RequiredAttr("message", AttrKind::kString)
    .Asserts()
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {CheckNumerics(g.dy(), absl::StrCat(g.attr<std::string>("message"),
                                                 " (in its gradient)"))};
    });

Tensor Filled(DataType dtype, const TensorShape& shape, int value) {
  absl::StatusOr<Tensor> t = Tensor::Create(dtype, shape);
  if (!t.ok()) return Tensor();
  auto fill = [&](auto one) {
    for (auto& element : t->mutable_data<decltype(one)>()) element = one;
  };
  if (value == 0) return *std::move(t);  // Create has done it.
  switch (dtype) {
    case DataType::kFloat:
      fill(1.0f);
      break;
    case DataType::kDouble:
      fill(1.0);
      break;
    case DataType::kInt32:
      fill(int32_t{1});
      break;
    case DataType::kInt64:
      fill(int64_t{1});
      break;
    case DataType::kUint8:
      fill(uint8_t{1});
      break;
    case DataType::kInt16:
      fill(int16_t{1});
      break;
    case DataType::kInt8:
      fill(int8_t{1});
      break;
    case DataType::kUint16:
      fill(uint16_t{1});
      break;
    case DataType::kUint32:
      fill(uint32_t{1});
      break;
    case DataType::kUint64:
      fill(uint64_t{1});
      break;
    case DataType::kBool:
      fill(true);
      break;
    case DataType::kHalf:
      fill(ToHalf(1.0f));
      break;
    case DataType::kBfloat16:
      fill(ToBfloat16(1.0f));
      break;
    default:
      return Tensor();  // No number: there is no one.
  }
  return *std::move(t);
}

Output FilledOutput(GraphRef g, DataType dtype, const TensorShape& shape,
                    int value, absl::string_view name) {
  if (!shape.IsFullyDefined() || !IsPlain(dtype)) {
    return {g.graph.Fail(
        InvalidArgument("'", name, "': a constant of shape ", shape.ToString(),
                        " and type ", DataTypeName(dtype), " cannot be made"),
        g.location)};
  }
  if (shape.num_elements() <= kMaxConstElements) {
    return Const(g, Filled(dtype, shape, value), name);
  }
  const Tensor dims = Tensor::Vector<int64_t>(shape.dims());
  const Operand dims_in(Const(g, dims, absl::StrCat(name, "/shape")),
                        g.location);
  const Operand value_in(
      Const(g, Filled(dtype, {}, value), absl::StrCat(name, "/value")),
      g.location);
  return Emit("Fill", {dims_in, value_in}, {}, name);
}

std::vector<Operand> ToOperands(const Operands& xs) {
  std::vector<Operand> operands;
  for (const Output& x : xs.outputs) operands.emplace_back(x, xs.location);
  return operands;
}

}  // namespace

Output Const(GraphRef g, const Tensor& value, absl::string_view name) {
  if (!value.is_valid()) {
    return {g.graph.Fail(
        InvalidArgument("Const '", name, "': the value is no tensor"),
        g.location)};
  }
  return {g.graph.Add("Const", {}, {{"value", value}, {"dtype", value.dtype()}},
                      {.name = std::string(name), .location = g.location})};
}

Output Zeros(GraphRef g, DataType dtype, const TensorShape& shape,
             absl::string_view name) {
  return FilledOutput(g, dtype, shape, 0, name);
}

Output Ones(GraphRef g, DataType dtype, const TensorShape& shape,
            absl::string_view name) {
  return FilledOutput(g, dtype, shape, 1, name);
}

Output Placeholder(GraphRef g, absl::string_view name, DataType dtype,
                   const TensorShape& shape) {
  return {g.graph.Add("Placeholder", {}, {{"dtype", dtype}, {"shape", shape}},
                      {.name = std::string(name), .location = g.location})};
}

Output PlaceholderWithDefault(Operand input, const TensorShape& shape,
                              absl::string_view name) {
  return Emit("PlaceholderWithDefault", {input}, {{"shape", shape}}, name);
}

Output Identity(Operand x, absl::string_view name) {
  return Emit("Identity", {x}, {}, name);
}

Outputs IdentityN(const Operands& xs, absl::string_view name) {
  Node* node = EmitNode("IdentityN", ToOperands(xs), {}, name);
  Outputs outputs;
  for (size_t i = 0; i < xs.outputs.size(); ++i) {
    outputs.push_back(node == nullptr ? Output()
                                      : Output(node, static_cast<int>(i)));
  }
  return outputs;
}

Output StopGradient(Operand x, absl::string_view name) {
  return Emit("StopGradient", {x}, {}, name);
}

Output PreventGradient(Operand x, absl::string_view message,
                       absl::string_view name) {
  return Emit("PreventGradient", {x}, {{"message", std::string(message)}},
              name);
}

Node* NoOp(GraphRef g, absl::string_view name) { return Group(g, {}, name); }

Node* Group(GraphRef g, const std::vector<Node*>& nodes,
            absl::string_view name) {
  std::vector<Node*> control_inputs;
  for (Node* node : nodes) {
    // A node that was not made has failed the graph already.
    if (node != nullptr && !g.graph.IsErrorNode(node))
      control_inputs.push_back(node);
  }
  return g.graph.Add("NoOp", {}, {},
                     {.name = std::string(name),
                      .control_inputs = std::move(control_inputs),
                      .location = g.location});
}

Node* Assert(Operand condition, const Operands& data,
             const AssertOptions& options) {
  std::vector<Operand> inputs = ToOperands(data);
  inputs.insert(inputs.begin(), condition);
  return EmitNode("Assert", inputs, {{"summarize", options.summarize}},
                  options.name);
}

Output CheckNumerics(Operand x, absl::string_view message,
                     absl::string_view name) {
  return Emit("CheckNumerics", {x}, {{"message", std::string(message)}}, name);
}

}  // namespace weft
