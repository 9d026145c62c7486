#include "ops/array.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/graph.h"
#include "graph/op.h"
#include "ops/array_common.h"
#include "ops/emit.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

bool FitInt32(const std::vector<int64_t>& values) {
  return std::all_of(values.begin(), values.end(), [](int64_t v) {
    return v >= std::numeric_limits<int32_t>::min() &&
           v <= std::numeric_limits<int32_t>::max();
  });
}

// A constant with these elements; int32 if all fit and no type is asked for.
Operand IntConst(Operand x, const TensorShape& shape,
                 const std::vector<int64_t>& values, absl::string_view name,
                 DataType type) {
  if (!x.output.valid()) return x;
  const GraphRef g(x.graph(), x.location);
  if (type == DataType::kInt64 || !FitInt32(values)) {
    return {Const<int64_t>(g, shape, values, name), x.location};
  }
  return {Const<int32_t>(g, shape, {values.begin(), values.end()}, name),
          x.location};
}

}  // namespace

// ---- Arguments --------------------------------------------------------------

Operand IntsArg::AsInput(Operand x, absl::string_view name,
                         DataType type) const {
  if (is_output_) return {output_, x.location};
  return IntConst(x, {static_cast<int64_t>(values_.size())}, values_, name,
                  type);
}

DataType IntsArg::CommonType(std::initializer_list<IntsArg> arguments) {
  DataType type = DataType::kInt32;
  for (const IntsArg& a : arguments) {
    if (a.is_output_) return a.output_.dtype();
    if (!FitInt32(a.values_)) type = DataType::kInt64;
  }
  return type;
}

Operand Paddings::AsInput(Operand x, absl::string_view name) const {
  if (is_output_) return {output_, x.location};
  std::vector<int64_t> flat;
  for (const Pair& pair : values_)
    flat.insert(flat.end(), {pair.first, pair.second});
  return IntConst(x, {static_cast<int64_t>(values_.size()), 2}, flat, name,
                  DataType::kInvalid);
}

IntsArg ShapeOf(Output x) {
  if (x.shape().IsFullyDefined()) return x.shape().dims();
  return Shape(x);
}

std::optional<std::vector<int64_t>> KnownInts(Output x) {
  const PartialValue* v =
      x.valid() ? x.node()->output_value(x.index()) : nullptr;
  if (v == nullptr ||
      std::find(v->begin(), v->end(), kUnknownElement) != v->end()) {
    return std::nullopt;
  }
  return *v;
}

std::vector<Operand> AsOperands(const Operands& xs) {
  std::vector<Operand> result;
  for (const Output& x : xs.outputs) result.emplace_back(x, xs.location);
  return result;
}

Outputs EmitAll(absl::string_view op, const std::vector<Operand>& inputs, int n,
                AttrMap attrs, absl::string_view name) {
  Node* node = EmitNode(op, inputs, std::move(attrs), name);
  Outputs result(std::max(n, 0));  // The schema has refused a negative number.
  for (int i = 0; i < n && node != nullptr; ++i) result[i] = Output(node, i);
  return result;
}

std::string ArgName(absl::string_view op, absl::string_view name,
                    absl::string_view arg) {
  return absl::StrCat(name.empty() ? op : name, "/", arg);
}

Operand IntScalar(Operand x, int32_t value, absl::string_view name) {
  if (!x.output.valid()) return x;
  return {Const(GraphRef(x.graph(), x.location), value, name), x.location};
}

// ---- Inference --------------------------------------------------------------

namespace infer {

void SetDims(InferContext& c, int i, absl::Span<const int64_t> dims) {
  absl::StatusOr<TensorShape> shape = TensorShape::Create(dims);
  if (!shape.ok()) return c.Fail(shape.status().message());
  c.SetOutput(i, *std::move(shape));
}

void KeepValue(InferContext& c, int i) {
  if (const PartialValue* v = c.value(i); v != nullptr) c.SetOutputValue(0, *v);
}

void ExpectScalar(InferContext& c, int i) { c.ExpectRank(i, 0); }

bool IsShortVector(const InferContext& c, int i) {
  return c.value(i) != nullptr && c.input(i).has_rank() &&
         c.input(i).rank() <= 1;
}

}  // namespace infer

namespace {

// What the vector that Shape gives of `shape` holds.
PartialValue DimsAsValue(const TensorShape& shape) {
  PartialValue value(shape.dims().begin(), shape.dims().end());
  std::replace(value.begin(), value.end(), int64_t{TensorShape::kUnknownDim},
               kUnknownElement);
  return value;
}

void InferShapes(InferContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) {
    c.SetOutput(i, {c.input(i).rank()});
    if (c.input(i).has_rank()) c.SetOutputValue(i, DimsAsValue(c.input(i)));
  }
}

void InferSize(InferContext& c) {
  c.SetOutput(0, TensorShape{});
  if (c.input(0).IsFullyDefined())
    c.SetOutputValue(0, {c.input(0).num_elements()});
}

void InferRank(InferContext& c) {
  c.SetOutput(0, TensorShape{});
  if (c.input(0).has_rank()) c.SetOutputValue(0, {c.input(0).rank()});
}

void InferBroadcastArgs(InferContext& c) {
  c.ExpectRank(0, 1);
  c.ExpectRank(1, 1);
  absl::StatusOr<TensorShape> shape =
      BroadcastShapes(c.ValueAsShape(0), c.ValueAsShape(1));
  if (!shape.ok()) return c.Fail(shape.status().message());
  c.SetOutput(0, {shape->rank()});
  if (shape->has_rank()) c.SetOutputValue(0, DimsAsValue(*shape));
}

void InferBroadcastGradientArgs(InferContext& c) {
  c.ExpectRank(0, 1);
  c.ExpectRank(1, 1);
  c.SetOutput(0, {-1});
  c.SetOutput(1, {-1});
}

void InferConcatOffset(InferContext& c) {
  infer::ExpectScalar(c, 0);
  Dim rank("rank");
  for (int i = 1; i < c.num_inputs(); ++i) c.Expect(i, {rank});
  for (int i = 0; i < c.num_outputs(); ++i) c.SetOutput(i, {rank});
}

}  // namespace

// ---- Ops --------------------------------------------------------------------

WEFT_OP(Shape)
    .Input("input: T")
    .Output("output: out_type")
    .Type("T")
    .Type("out_type", types::Integers(), DataType::kInt32)
    .Infer(InferShapes)
    .NotDifferentiable();

WEFT_OP(ShapeN)
    .Input("input: N*T")
    .Output("output: N*out_type")
    .Number("N")
    .Type("T")
    .Type("out_type", types::Integers(), DataType::kInt32)
    .Infer(InferShapes)
    .NotDifferentiable();

WEFT_OP(Size)
    .Input("input: T")
    .Output("output: out_type")
    .Type("T")
    .Type("out_type", types::Integers(), DataType::kInt32)
    .Infer(InferSize)
    .NotDifferentiable();

WEFT_OP(Rank)
    .Input("input: T")
    .Output("output: int32")
    .Type("T")
    .Infer(InferRank)
    .NotDifferentiable();

WEFT_OP(BroadcastArgs)
    .Input("s0: T")
    .Input("s1: T")
    .Output("r0: T")
    .Type("T", types::Integers(), DataType::kInt32)
    .Infer(InferBroadcastArgs)
    .NotDifferentiable();

WEFT_OP(BroadcastGradientArgs)
    .Input("s0: T")
    .Input("s1: T")
    .Output("r0: T")
    .Output("r1: T")
    .Type("T", types::Integers(), DataType::kInt32)
    .Infer(InferBroadcastGradientArgs)
    .NotDifferentiable();

WEFT_OP(ConcatOffset)
    .Input("concat_dim: int32")
    .Input("shape: N*shape_type")
    .Output("offset: N*shape_type")
    .Number("N", 2)
    .Type("shape_type", types::Integers(), DataType::kInt32)
    .Infer(InferConcatOffset)
    .NotDifferentiable();

// ---- Functions --------------------------------------------------------------

Output Shape(Operand x, DataType out_type, absl::string_view name) {
  return Emit("Shape", {x}, {{"out_type", out_type}}, name);
}

Outputs ShapeN(const Operands& xs, DataType out_type) {
  return EmitAll("ShapeN", AsOperands(xs), static_cast<int>(xs.outputs.size()),
                 {{"out_type", out_type}});
}

Output DimOf(Operand x, int axis) {
  const TensorShape& shape = x.shape();
  if (axis >= -shape.rank() && axis < shape.rank()) {
    const int64_t size = shape.dim(axis);
    if (size >= 0 && size <= std::numeric_limits<int32_t>::max()) {
      return IntScalar(x, static_cast<int32_t>(size), "dim");
    }
  }
  return IndexAxis(Operand(Shape(x), x.location), 0, int64_t{axis});
}

Output Size(Operand x, DataType out_type, absl::string_view name) {
  return Emit("Size", {x}, {{"out_type", out_type}}, name);
}

Output Rank(Operand x, absl::string_view name) {
  return Emit("Rank", {x}, {}, name);
}

Output BroadcastArgs(Operand s0, Operand s1) {
  return Emit("BroadcastArgs", {s0, s1});
}

std::pair<Output, Output> BroadcastGradientArgs(Operand s0, Operand s1) {
  const Outputs axes = EmitAll("BroadcastGradientArgs", {s0, s1}, 2);
  return {axes[0], axes[1]};
}

Outputs ConcatOffset(int axis, const Operands& shapes) {
  std::vector<Operand> inputs = AsOperands(shapes);
  const int n = static_cast<int>(inputs.size());
  if (inputs.empty()) return {};
  inputs.insert(inputs.begin(),
                IntScalar(inputs[0], axis, "ConcatOffset/concat_dim"));
  return EmitAll("ConcatOffset", inputs, n);
}

PartialValue KnownElements(Output ints) {
  const Node* node = ints.node();
  const PartialValue* value = node->output_value(ints.index());
  if (value != nullptr) return *value;
  PartialValue result;
  if (node->schema() == nullptr ||
      node->schema()->traits().role != OpRole::kConst)
    return result;
  const Tensor& tensor = node->attrs().Get<Tensor>("value");
  for (int64_t i = 0; i < tensor.num_elements(); ++i) {
    const bool wide = tensor.dtype() == DataType::kInt64;
    result.push_back(wide ? tensor.data<int64_t>()[i]
                          : tensor.data<int32_t>()[i]);
  }
  return result;
}

}  // namespace weft
