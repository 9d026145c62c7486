#include "ops/nn.h"

#include <optional>
#include <string>

#include "core/tensor.h"
#include "graph/graph.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/broadcast_gradient.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

void InferAlongLastAxis(InferContext& c) {
  c.ExpectRankAtLeast(0, 1);
  infer::SameAsInput(c);
}

std::vector<AttrValue> DataFormats() { return {"NHWC", "NCHW"}; }

// The axis of the channels in a value of this rank.
int ChannelAxis(const std::string& data_format, int rank) {
  return data_format == "NCHW" ? 1 : rank - 1;
}

void InferBiasAdd(InferContext& c) {
  c.ExpectRankAtLeast(0, 2);
  c.ExpectRank(1, 1);
  if (!c.ok()) return;
  TensorShape shape = c.input(0);
  const int64_t units = c.input(1).dim(0);
  if (shape.has_rank() && units >= 0) {
    const int axis =
        ChannelAxis(c.attr<std::string>("data_format"), shape.rank());
    if (shape.dim(axis) >= 0 && shape.dim(axis) != units) {
      return c.Fail("bias is ", c.input(1).ToString(),
                    " but must be [units = ", shape.dim(axis), "]");
    }
    if (shape.dim(axis) < 0) shape.set_dim(axis, units);
  }
  c.SetOutput(0, shape);
}

// `bias` [units] so that it broadcasts to `value`.
Output AlongChannels(Output bias, Output value,
                     const std::string& data_format) {
  if (data_format != "NCHW") return bias;
  if (value.shape().has_rank()) {
    for (int i = 2; i < value.shape().rank(); ++i) bias = ExpandDims(bias, -1);
    return bias;
  }
  // [units, 1, ..., 1] with one axis less than `value`, whose rank a run knows.
  const Output one = Const(value.graph(), int32_t{1});
  const Output ones = Fill(Reshape(Rank(value) - 2.0, {1}), one);
  return Reshape(bias, Concat({Shape(bias), ones}, 0));
}

Output BroadcastLike(Output x, Output like) {
  return BroadcastTo(x, Shape(like));
}

}  // namespace

// ---- Along the last axis ---------------------------------------------------

WEFT_OP(Softmax)
    .Input("logits: T")
    .Output("softmax: T")
    .Type("T", types::Floats())
    .Infer(InferAlongLastAxis)
    .Gradient([](const GradContext& g) -> Outputs {
      // dx = (dy - sum(dy y)) y
      const Output y = g.out(0);
      const Output sum = Sum(g.dy() * y, {.axes = -1, .keep_dims = true});
      return {(g.dy() - sum) * y};
    });

WEFT_OP(LogSoftmax)
    .Input("logits: T")
    .Output("logsoftmax: T")
    .Type("T", types::Floats())
    .Infer(InferAlongLastAxis)
    .Gradient([](const GradContext& g) -> Outputs {
      // dx = dy - softmax sum(dy)
      const Output sum = Sum(g.dy(), {.axes = -1, .keep_dims = true});
      const Output softmax = Exp(g.out(0));
      return {g.dy() - sum * softmax};
    });

WEFT_OP(BiasAdd)
    .Input("value: T")
    .Input("bias: T")
    .Output("output: T")
    .Type("T", types::Numbers())
    .Attr("data_format", "NHWC", DataFormats())
    .Form(OpForm::kBiasAdd)
    .Infer(InferBiasAdd)
    .Gradient([](const GradContext& g) -> Outputs {
      return {g.dy(),
              BiasAddGrad(g.dy(),
                          {.data_format = g.attr<std::string>("data_format")})};
    });

WEFT_OP(BiasAddGrad)
    .Input("out_backprop: T")
    .Output("output: T")
    .Type("T", types::Numbers())
    .Attr("data_format", "NHWC", DataFormats())
    .Infer([](InferContext& c) {
      c.ExpectRankAtLeast(0, 2);
      if (!c.ok()) return;
      const TensorShape& shape = c.input(0);
      if (!shape.has_rank()) return c.SetOutput(0, {-1});
      const int axis =
          ChannelAxis(c.attr<std::string>("data_format"), shape.rank());
      c.SetOutput(0, {shape.dim(axis)});
    })
    .Gradient([](const GradContext& g) -> Outputs {
      const Output along =
          AlongChannels(g.dy(), g.in(0), g.attr<std::string>("data_format"));
      return {BroadcastLike(along, g.in(0))};
    });

// ---- Losses ----------------------------------------------------------------

WEFT_OP(L2Loss)
    .Input("t: T")
    .Output("output: T")
    .Type("T", types::Floats())
    .Infer(infer::Scalar)
    .Gradient([](const GradContext& g) -> Outputs {
      return {g.in(0) * g.dy()};
    });

namespace {

// The gradient of both results with respect to the logits. The second, softmax
// minus labels, is what a first gradient is made of; its own counts in second
// derivatives.
Output CrossEntropyGradient(const GradContext& g) {
  Output grad;
  if (g.has_dy(0)) grad = ExpandDims(g.dy(0), -1) * g.out(1);
  if (!g.has_dy(1)) return grad;
  const Output softmax = Softmax(g.in(0));
  const Output sum = Sum(g.dy(1) * softmax, {.axes = -1, .keep_dims = true});
  const Output second = (g.dy(1) - sum) * softmax;
  return grad.valid() ? grad + second : second;
}

}  // namespace

WEFT_OP(SparseSoftmaxCrossEntropyWithLogits)
    .Input("features: T")
    .Input("labels: Tlabels")
    .Output("loss: T")
    .Output("backprop: T")
    .Type("T", types::Floats())
    .Type("Tlabels", types::Integers(), DataType::kInt64)
    .Infer([](InferContext& c) {
      Dim batch("batch"), classes("classes");
      c.Expect(0, {batch, classes});
      c.Expect(1, {batch});
      c.SetOutput(0, {batch});
      c.SetOutput(1, {batch, classes});
    })
    .Gradient([](const GradContext& g) -> Outputs {
      return {CrossEntropyGradient(g), Output()};
    });

WEFT_OP(SoftmaxCrossEntropyWithLogits)
    .Input("features: T")
    .Input("labels: T")
    .Output("loss: T")
    .Output("backprop: T")
    .Type("T", types::Floats())
    .Infer([](InferContext& c) {
      absl::StatusOr<TensorShape> shape =
          BroadcastShapes(c.input(0), c.input(1));
      if (!shape.ok()) return c.Fail(shape.status().message());
      if (!shape->has_rank()) {
        c.SetOutput(0, {-1});
        return c.SetOutput(1, {-1, -1});
      }
      if (shape->rank() != 2) {
        return c.Fail("features and labels are ", shape->ToString(),
                      " but must be [batch, classes]");
      }
      c.SetOutput(0, {shape->dim(0)});
      c.SetOutput(1, *shape);
    })
    .Gradient([](const GradContext& g) -> Outputs {
      const Output features = g.in(0), labels = g.in(1);
      const Output to_features = CrossEntropyGradient(g);
      Output to_labels;
      if (g.has_dy(0))
        to_labels = Neg(ExpandDims(g.dy(0), -1) * LogSoftmax(features));
      if (g.has_dy(1))
        to_labels = to_labels.valid() ? to_labels - g.dy(1) : Neg(g.dy(1));
      return SumToShapes(features, labels, to_features, to_labels);
    });

// ---- The largest -----------------------------------------------------------

namespace {

void InferArg(InferContext& c) {
  c.ExpectRank(1, 0);
  c.ExpectRankAtLeast(0, 1);
  if (!c.ok() || !c.input(0).has_rank()) return;
  TensorShape shape = c.input(0);
  const std::optional<int64_t> axis = c.scalar(1);
  if (axis.has_value()) {
    shape.RemoveDim(c.Axis(*axis, shape.rank()));
  } else {
    const int rank = shape.rank() - 1;
    shape = TensorShape{};
    for (int i = 0; i < rank; ++i) shape.AddDim(TensorShape::kUnknownDim);
  }
  c.SetOutput(0, shape);
}

void InferTopK(InferContext& c) {
  c.ExpectRank(1, 0);
  c.ExpectRankAtLeast(0, 1);
  if (!c.ok() || !c.input(0).has_rank()) return;
  TensorShape shape = c.input(0);
  const int64_t size = shape.dim(-1);
  const int64_t k = c.scalar(1).value_or(TensorShape::kUnknownDim);
  if (c.scalar(1).has_value() && (k < 0 || (size >= 0 && k > size))) {
    return c.Fail("k is ", k, " but must be in [0, ",
                  size < 0 ? "?" : absl::StrCat(size),
                  "], the size of the last axis");
  }
  shape.RemoveDim(shape.rank() - 1);
  std::vector<int64_t> dims(shape.dims().begin(), shape.dims().end());
  dims.push_back(k);
  absl::StatusOr<TensorShape> result = TensorShape::Create(dims);
  if (!result.ok()) return c.Fail(result.status().message());
  c.SetOutput(0, *result);
  c.SetOutput(1, *result);
}

}  // namespace

WEFT_OP(ArgMax)
    .Input("input: T")
    .Input("dimension: Tidx")
    .Output("output: output_type")
    .Type("T", types::Numbers())
    .Type("Tidx", types::Integers(), DataType::kInt32)
    .Type("output_type", types::Integers(), DataType::kInt64)
    .Infer(InferArg)
    .NotDifferentiable();

WEFT_OP(ArgMin)
    .Input("input: T")
    .Input("dimension: Tidx")
    .Output("output: output_type")
    .Type("T", types::Numbers())
    .Type("Tidx", types::Integers(), DataType::kInt32)
    .Type("output_type", types::Integers(), DataType::kInt64)
    .Infer(InferArg)
    .NotDifferentiable();

WEFT_OP(TopKV2)
    .Input("input: T")
    .Input("k: Tk")
    .Output("values: T")
    .Output("indices: index_type")
    .Attr("sorted", true)
    .Type("T", types::Numbers())
    .Type("Tk", types::Integers(), DataType::kInt32)
    .Type("index_type", types::Integers(), DataType::kInt32)
    .Infer(InferTopK)
    .Gradient([](const GradContext& g) -> Outputs {
      // Each value's gradient goes to where it came from.
      const Output input = g.in(0);
      const Output one = ScalarLike(g.dy(0), 1);
      const Output zero = ScalarLike(g.dy(0), 0);
      const Output came_from =
          OneHot(g.out(1), DimOf(input, -1), one, zero);  // [..., k, size]
      const Output spread = came_from * ExpandDims(g.dy(0), -1);
      return {Sum(spread, {.axes = -2}), Output()};
    });

// ---- Functions -------------------------------------------------------------

Output Softmax(Operand logits, absl::string_view name) {
  return Emit("Softmax", {logits}, {}, name);
}

Output LogSoftmax(Operand logits, absl::string_view name) {
  return Emit("LogSoftmax", {logits}, {}, name);
}

Output BiasAdd(Operand value, Operand bias, const BiasAddOptions& options) {
  return Emit("BiasAdd", {value, bias}, {{"data_format", options.data_format}},
              options.name);
}

Output BiasAddGrad(Operand out_backprop, const BiasAddOptions& options) {
  return Emit("BiasAddGrad", {out_backprop},
              {{"data_format", options.data_format}}, options.name);
}

Output L2Loss(Operand t, absl::string_view name) {
  return Emit("L2Loss", {t}, {}, name);
}

CrossEntropy SparseSoftmaxCrossEntropyWithLogits(Operand features,
                                                 Operand labels,
                                                 absl::string_view name) {
  Node* node = EmitNode("SparseSoftmaxCrossEntropyWithLogits",
                        {features, labels}, {}, name);
  if (node == nullptr) return {};
  return {Output(node, 0), Output(node, 1)};
}

CrossEntropy SoftmaxCrossEntropyWithLogits(Operand features, Operand labels,
                                           absl::string_view name) {
  Node* node =
      EmitNode("SoftmaxCrossEntropyWithLogits", {features, labels}, {}, name);
  if (node == nullptr) return {};
  return {Output(node, 0), Output(node, 1)};
}

namespace {

// The int32 constant `value` beside `x`.
Operand IntBeside(Operand x, int value, absl::string_view name) {
  if (!x.output.valid()) return x;
  return {Const({x.graph(), x.location}, static_cast<int32_t>(value), name),
          x.location};
}

}  // namespace

Output ArgMax(Operand input, Operand dimension, const ArgOptions& options) {
  return Emit("ArgMax", {input, dimension},
              {{"output_type", options.output_type}}, options.name);
}

Output ArgMax(Operand input, int dimension, const ArgOptions& options) {
  return ArgMax(input, IntBeside(input, dimension, "dimension"), options);
}

Output ArgMin(Operand input, Operand dimension, const ArgOptions& options) {
  return Emit("ArgMin", {input, dimension},
              {{"output_type", options.output_type}}, options.name);
}

Output ArgMin(Operand input, int dimension, const ArgOptions& options) {
  return ArgMin(input, IntBeside(input, dimension, "dimension"), options);
}

TopK TopKV2(Operand input, Operand k, const TopKV2Options& options) {
  Node* node = EmitNode("TopKV2", {input, k}, {{"sorted", options.sorted}},
                        options.name);
  if (node == nullptr) return {};
  return {Output(node, 0), Output(node, 1)};
}

TopK TopKV2(Operand input, int k, const TopKV2Options& options) {
  return TopKV2(input, IntBeside(input, k, "k"), options);
}

}  // namespace weft
