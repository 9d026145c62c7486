#include "ops/reduction.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include "core/tensor.h"
#include "graph/graph.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/partial_value.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

// ---- Inference -------------------------------------------------------------

// The shape of input 0 reduced along the axes of input 1.
void InferReduction(InferContext& c) {
  const TensorShape& x = c.input(0);
  const PartialValue* axes = c.value(1);
  const bool keep_dims = c.attr<bool>("keep_dims");
  if (c.input(1).rank() > 1) {
    return c.Fail("reduction_indices is ", c.input(1).ToString(),
                  " but must be a scalar or a vector");
  }
  if (!x.has_rank()) return;
  const bool known =
      axes != nullptr &&
      std::find(axes->begin(), axes->end(), kUnknownElement) == axes->end();
  TensorShape shape;
  if (!known) {
    if (!keep_dims) return;
    for (int i = 0; i < x.rank(); ++i) shape.AddDim(TensorShape::kUnknownDim);
    return c.SetOutput(0, shape);
  }
  std::vector<bool> reduced(x.rank(), false);
  for (const int64_t axis : *axes) {
    const int i = c.Axis(axis, x.rank());
    if (!c.ok()) return;
    if (reduced[i]) return c.Fail("axis ", i, " is given twice");
    reduced[i] = true;
  }
  for (int i = 0; i < x.rank(); ++i) {
    if (!reduced[i]) {
      shape.AddDim(x.dim(i));
    } else if (keep_dims) {
      shape.AddDim(1);
    }
  }
  c.SetOutput(0, shape);
}

// The same, for numbers that shapes are computed with: `fn` of all elements.
template <int64_t start, IntBinaryFn fn>
void InferIntReduction(InferContext& c) {
  InferReduction(c);
  const PartialValue* axes = c.value(1);
  if (c.ok() && c.input(0).rank() == 1 && axes != nullptr &&
      axes->size() == 1) {
    SetReducedValue(c, start, fn);
  }
}

std::optional<int64_t> IntAdd(int64_t x, int64_t y) {
  int64_t z;
  return __builtin_add_overflow(x, y, &z) ? std::nullopt : std::optional(z);
}

std::optional<int64_t> IntMul(int64_t x, int64_t y) {
  int64_t z;
  return __builtin_mul_overflow(x, y, &z) ? std::nullopt : std::optional(z);
}

// An empty maximum is the lowest number: nothing that a shape is made of.
std::optional<int64_t> IntMax(int64_t x, int64_t y) { return std::max(x, y); }
std::optional<int64_t> IntMin(int64_t x, int64_t y) { return std::min(x, y); }

// ---- Gradients -------------------------------------------------------------

// The axes of a reduction, sorted, if building knows them.
std::optional<std::vector<int>> KnownAxes(const GradContext& g) {
  const Output axes = g.in(1);
  const PartialValue* value = axes.node()->output_value(axes.index());
  const int rank = g.in(0).shape().rank();
  if (value == nullptr || rank < 0) return std::nullopt;
  std::vector<int> result;
  for (const int64_t axis : *value) {
    if (axis == kUnknownElement) return std::nullopt;
    result.push_back(static_cast<int>(axis < 0 ? axis + rank : axis));
  }
  std::sort(result.begin(), result.end());
  return result;
}

// The shape of the input with reduced axes 1, computed by a run.
Output KeptShape(const GradContext& g) {
  const Output x = g.in(0);
  const Output shape = Shape(x);
  const Output rank = Rank(x);
  const Output zero = Const(x.graph(), int32_t{0});
  const Output one = Const(x.graph(), int32_t{1});
  const Output all_axes = Range(zero, rank, one);  // [rank]
  const Output axes = FloorMod(Cast(g.in(1), DataType::kInt32), rank);
  const Output is_reduced =
      Any(Equal(ExpandDims(all_axes, 1), Reshape(axes, {1, -1})),
          {.axes = 1});  // [rank]
  return Select(is_reduced, OnesLike(shape), shape);
}

// `y`, of the shape of the reduction's result, as if keep_dims were set.
Output WithKeptDims(const GradContext& g, Output y) {
  if (g.attr<bool>("keep_dims")) return y;
  const std::optional<std::vector<int>> axes = KnownAxes(g);
  if (!axes.has_value()) return Reshape(y, KeptShape(g));
  if (axes->size() == 1) return ExpandDims(y, (*axes)[0]);
  for (const int axis : *axes) y = ExpandDims(y, axis);
  return y;
}

Output LikeInput(const GradContext& g, Output kept) {
  const TensorShape& shape = g.in(0).shape();
  if (shape.IsFullyDefined()) {
    return BroadcastTo(
        kept, std::vector<int64_t>(shape.dims().begin(), shape.dims().end()));
  }
  return BroadcastTo(kept, Shape(g.in(0)));
}

Output SumGradient(const GradContext& g) {
  return LikeInput(g, WithKeptDims(g, g.dy()));
}

// How many elements went into each of the result.
Output ReducedCount(const GradContext& g) {
  const DataType dtype = g.dy().dtype();
  const TensorShape& shape = g.in(0).shape();
  if (const auto axes = KnownAxes(g); axes.has_value()) {
    double count = 1;
    for (const int axis : *axes) count *= static_cast<double>(shape.dim(axis));
    const bool known = std::all_of(axes->begin(), axes->end(), [&](int axis) {
      return shape.dim(axis) >= 0;
    });
    if (known) return ScalarLike(g.dy(), count);
  }
  const Output one = Const(g.dy().graph(), int64_t{1});
  const Output results = Maximum(Size(g.out(0), DataType::kInt64), one);
  const Output elements = Size(g.in(0), DataType::kInt64);
  return Cast(FloorDiv(elements, results), dtype);
}

// The gradient of Max and Min: shared by all elements that are the extreme.
Outputs ExtremeGradient(const GradContext& g) {
  const Output y = WithKeptDims(g, g.out(0));
  const Output dy = WithKeptDims(g, g.dy());
  const Output is_extreme = Cast(Equal(g.in(0), y), g.dy().dtype());
  const Output count = Sum(is_extreme, {.axes = g.in(1), .keep_dims = true});
  return {is_extreme / count * dy, Output()};
}

Output Cumprod(Output x, int axis, bool reverse) {
  const Output axis_input = Const(x.graph(), static_cast<int32_t>(axis));
  return Emit("Cumprod", {x, axis_input},
              {{"exclusive", true}, {"reverse", reverse}});
}

// Axis by axis, the product of all other elements: right where some are 0.
Outputs ProdGradient(const GradContext& g) {
  const std::optional<std::vector<int>> axes = KnownAxes(g);
  if (!axes.has_value()) {
    Node* error = g.in(0).graph().Fail(Unimplemented(
        g.node()->Describe(),
        ": the gradient needs constant axes and an input of known rank"));
    return {Output(error), Output()};
  }
  Output grad = WithKeptDims(g, g.dy());
  Outputs partial = {
      g.in(0)};  // The input, then reduced along one more axis each.
  for (size_t i = 0; i + 1 < axes->size(); ++i) {
    partial.push_back(
        Prod(partial.back(), {.axes = (*axes)[i], .keep_dims = true}));
  }
  for (size_t i = axes->size(); i-- > 0;) {
    const Output before = Cumprod(partial[i], (*axes)[i], /*reverse=*/false);
    const Output behind = Cumprod(partial[i], (*axes)[i], /*reverse=*/true);
    grad = grad * (before * behind);
  }
  return {grad, Output()};
}

}  // namespace

#define WEFT_REDUCTION_OP(name)         \
  WEFT_OP(name)                         \
      .Input("input: T")                \
      .Input("reduction_indices: Tidx") \
      .Output("output: T")              \
      .Attr("keep_dims", false)         \
      .Type("T", types::Numbers())      \
      .Type("Tidx", types::Integers(), DataType::kInt32)

WEFT_REDUCTION_OP(Sum)
    .Infer(InferIntReduction<0, IntAdd>)
    .Gradient([](const GradContext& g) -> Outputs {
      return {SumGradient(g), Output()};
    });

WEFT_REDUCTION_OP(Mean)
    .Infer(InferReduction)
    .Gradient([](const GradContext& g) -> Outputs {
      const Output kept = WithKeptDims(g, g.dy());
      return {LikeInput(g, kept / ReducedCount(g)), Output()};
    });

WEFT_REDUCTION_OP(Max)
    .Infer(InferIntReduction<kUnknownElement, IntMax>)
    .Gradient(ExtremeGradient);

WEFT_REDUCTION_OP(Min)
    .Infer(InferIntReduction<std::numeric_limits<int64_t>::max(), IntMin>)
    .Gradient(ExtremeGradient);

WEFT_REDUCTION_OP(Prod)
    .Infer(InferIntReduction<1, IntMul>)
    .Gradient(ProdGradient);

#define WEFT_BOOL_REDUCTION_OP(name)    \
  WEFT_OP(name)                         \
      .Input("input: bool")             \
      .Input("reduction_indices: Tidx") \
      .Output("output: bool")           \
      .Attr("keep_dims", false)         \
      .Type("Tidx", types::Integers(), DataType::kInt32)

WEFT_BOOL_REDUCTION_OP(All).Infer(InferReduction).NotDifferentiable();
WEFT_BOOL_REDUCTION_OP(Any).Infer(InferReduction).NotDifferentiable();

namespace {

void InferScan(InferContext& c) {
  c.ExpectRank(1, 0);
  if (!c.ok()) return;
  const std::optional<int64_t> axis = c.scalar(1);
  if (axis.has_value() && c.input(0).has_rank())
    c.Axis(*axis, c.input(0).rank());
  infer::SameAsInput(c);
}

}  // namespace

#define WEFT_SCAN_OP(name)         \
  WEFT_OP(name)                    \
      .Input("x: T")               \
      .Input("axis: Tidx")         \
      .Output("out: T")            \
      .Attr("exclusive", false)    \
      .Attr("reverse", false)      \
      .Type("T", types::Numbers()) \
      .Type("Tidx", types::Integers(), DataType::kInt32)

WEFT_SCAN_OP(Cumsum).Infer(InferScan).Gradient(
    [](const GradContext& g) -> Outputs {
      return {Cumsum(g.dy(), g.in(1),
                     {.exclusive = g.attr<bool>("exclusive"),
                      .reverse = !g.attr<bool>("reverse")}),
              Output()};
    });

WEFT_SCAN_OP(Cumprod).Infer(InferScan).Gradient(
    [](const GradContext& g) -> Outputs {
      const Output products = g.out(0) * g.dy();
      const Output sums = Cumsum(products, g.in(1),
                                 {.exclusive = g.attr<bool>("exclusive"),
                                  .reverse = !g.attr<bool>("reverse")});
      return {sums / g.in(0), Output()};
    });

// ---- Functions -------------------------------------------------------------

Output Axes::AsInput(Operand input) const {
  if (dynamic_) return output_;
  const LocationScope location(input);
  std::vector<int32_t> axes(axes_.begin(), axes_.end());
  if (all_ && !input.shape().has_rank()) {
    const Output zero = Const(input.graph(), int32_t{0});
    const Output one = Const(input.graph(), int32_t{1});
    return Range(zero, Rank(input), one);
  }
  if (all_) {
    axes.resize(input.shape().rank());
    std::iota(axes.begin(), axes.end(), 0);
  }
  return Const(input.graph(), Tensor::Vector<int32_t>(axes), "axes");
}

namespace {

Output Reduce(absl::string_view op, Operand input,
              const ReductionOptions& options) {
  if (!input.output.valid()) return {};
  return Emit(op, {input, {options.axes.AsInput(input), input.location}},
              {{"keep_dims", options.keep_dims}}, options.name);
}

}  // namespace

#define WEFT_REDUCTION_FUNCTION(name)                           \
  Output name(Operand input, const ReductionOptions& options) { \
    return Reduce(#name, input, options);                       \
  }

WEFT_REDUCTION_FUNCTION(Sum)
WEFT_REDUCTION_FUNCTION(Mean)
WEFT_REDUCTION_FUNCTION(Max)
WEFT_REDUCTION_FUNCTION(Min)
WEFT_REDUCTION_FUNCTION(Prod)
WEFT_REDUCTION_FUNCTION(All)
WEFT_REDUCTION_FUNCTION(Any)

Output Cumsum(Operand x, Operand axis, const CumsumOptions& options) {
  return Emit("Cumsum", {x, axis},
              {{"exclusive", options.exclusive}, {"reverse", options.reverse}},
              options.name);
}

Output Cumsum(Operand x, int axis, const CumsumOptions& options) {
  if (!x.output.valid()) return {};
  const Output axis_input =
      Const({x.graph(), x.location}, static_cast<int32_t>(axis), "axis");
  return Cumsum(x, {axis_input, x.location}, options);
}

}  // namespace weft
