// Ops that give elements another shape, and new tensors of a given shape.
#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "core/range.h"
#include "core/status.h"
#include "graph/graph.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/array_common.h"
#include "ops/emit.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {

namespace infer {

TensorShape ValueAsSizes(InferContext& c, int i) {
  if (const PartialValue* v = c.value(i); v != nullptr) {
    for (int64_t size : *v) {
      if (size < 0 && size != kUnknownElement) {
        c.Fail("size ", size, " must be 0 or more");
        return TensorShape::UnknownRank();
      }
    }
  }
  return c.ValueAsShape(i);
}

}  // namespace infer

namespace {

// The size of the one dim of `target` that is not known, from `elements`.
void InferMissingDim(InferContext& c, int64_t elements, TensorShape* target) {
  int missing = -1;
  int64_t rest = 1;
  for (int i = 0; i < target->rank(); ++i) {
    const int64_t dim = target->dim(i);
    if (dim != TensorShape::kUnknownDim) {
      rest *= dim;  // Fits: it is part of a valid shape, or 0.
    } else if (missing >= 0) {
      return;
    } else {
      missing = i;
    }
  }
  const bool fits = missing < 0 ? rest == elements
                    : rest == 0 ? elements == 0
                                : elements % rest == 0;
  if (!fits) {
    return c.Fail("tensor is ", c.input(0).ToString(), " with ", elements,
                  " elements, which do not make ", target->ToString());
  }
  if (missing >= 0 && rest != 0) target->set_dim(missing, elements / rest);
}

void InferReshape(InferContext& c) {
  c.ExpectRank(1, 1);
  if (!c.ok()) return;
  if (const PartialValue* v = c.value(1);
      v != nullptr && std::count(v->begin(), v->end(), -1) > 1) {
    return c.Fail("shape has more than one -1");
  }
  TensorShape target = c.ValueAsShape(1);
  const int64_t elements = c.input(0).num_elements();
  if (c.ok() && target.has_rank() && elements >= 0)
    InferMissingDim(c, elements, &target);
  if (!c.ok()) return;
  c.SetOutput(0, std::move(target));
  infer::KeepValue(c, 0);
}

void InferExpandDims(InferContext& c) {
  const TensorShape& input = c.input(0);
  if (c.input(1).has_rank() && c.input(1).rank() > 1) return c.ExpectRank(1, 0);
  if (!input.has_rank()) return;
  const std::optional<int64_t> dim = c.scalar(1);
  std::vector<int64_t> dims(input.dims().begin(), input.dims().end());
  if (dim.has_value()) {
    const int axis = c.Axis(*dim, input.rank() + 1);
    if (!c.ok()) return;
    dims.insert(dims.begin() + axis, 1);
  } else {
    dims.assign(input.rank() + 1, TensorShape::kUnknownDim);
  }
  infer::SetDims(c, 0, dims);
  infer::KeepValue(c, 0);
}

void InferSqueeze(InferContext& c) {
  const TensorShape& input = c.input(0);
  if (!input.has_rank()) return;
  const auto& axes = c.attr<std::vector<int64_t>>("squeeze_dims");
  std::vector<bool> drop(input.rank(), false);
  for (int64_t given : axes) {
    const int axis = c.Axis(given, input.rank());
    if (!c.ok()) return;
    if (input.dim(axis) > 1 || input.dim(axis) == 0) {
      return c.Fail("axis ", axis, " of input ", input.ToString(),
                    " must have size 1");
    }
    drop[axis] = true;
  }
  std::vector<int64_t> dims;
  for (int i = 0; i < input.rank(); ++i) {
    // Whether an axis of unknown size goes is not known.
    if (axes.empty() && input.dim(i) == TensorShape::kUnknownDim) return;
    if (axes.empty() ? input.dim(i) != 1 : !drop[i])
      dims.push_back(input.dim(i));
  }
  infer::SetDims(c, 0, dims);
  infer::KeepValue(c, 0);
}

void InferFill(InferContext& c) {
  c.ExpectRank(0, 1);
  infer::ExpectScalar(c, 1);
  const TensorShape shape = infer::ValueAsSizes(c, 0);
  c.SetOutput(0, shape);
  const int64_t n = shape.num_elements();
  if (n >= 0 && n <= TensorShape::kMaxRank && c.value(1) != nullptr &&
      c.value(1)->size() == 1) {
    c.SetOutputValue(0, PartialValue(n, (*c.value(1))[0]));
  }
}

// start + i * delta, which fits although the product may not.
int64_t RangeElement(int64_t start, int64_t delta, int64_t i) {
  return static_cast<int64_t>(static_cast<uint64_t>(start) +
                              static_cast<uint64_t>(i) *
                                  static_cast<uint64_t>(delta));
}

void InferRange(InferContext& c) {
  for (int i = 0; i < 3; ++i) infer::ExpectScalar(c, i);
  c.SetOutput(0, {-1});
  const std::optional<int64_t> start = c.scalar(0), limit = c.scalar(1),
                               delta = c.scalar(2);
  if (delta == 0) return c.Fail("delta is 0");
  if (!IsInteger(c.input_dtype(0)) || !start || !limit || !delta) return;
  absl::StatusOr<int64_t> size = RangeSize(*start, *limit, *delta);
  if (!size.ok()) return c.Fail(size.status().message());
  c.SetOutput(0, {*size});
  if (*size > TensorShape::kMaxRank) return;
  PartialValue values;
  for (int64_t i = 0; i < *size; ++i)
    values.push_back(RangeElement(*start, *delta, i));
  c.SetOutputValue(0, std::move(values));
}

void InferOneHot(InferContext& c) {
  for (int i = 1; i < 4; ++i) infer::ExpectScalar(c, i);
  const TensorShape& indices = c.input(0);
  const int64_t depth = c.scalar(1).value_or(TensorShape::kUnknownDim);
  if (c.scalar(1).has_value() && depth < 0) {
    return c.Fail("depth is ", depth, " but must be 0 or more");
  }
  if (!indices.has_rank()) return;
  const int axis = c.Axis(c.attr<int64_t>("axis"), indices.rank() + 1);
  if (!c.ok()) return;
  std::vector<int64_t> dims(indices.dims().begin(), indices.dims().end());
  dims.insert(dims.begin() + axis, depth);
  infer::SetDims(c, 0, dims);
}

Outputs GradReshapedBack(const GradContext& g) {
  Outputs dxs(g.num_inputs());
  dxs[0] = Reshape(g.dy(), ShapeOf(g.in(0)));
  return dxs;
}

}  // namespace

// ---- Ops --------------------------------------------------------------------

WEFT_OP(Reshape)
    .Input("tensor: T")
    .Input("shape: Tshape")
    .Output("output: T")
    .Type("T")
    .Type("Tshape", types::Integers(), DataType::kInt32)
    .Infer(InferReshape)
    .Gradient(GradReshapedBack);

WEFT_OP(ExpandDims)
    .Input("input: T")
    .Input("dim: Tdim")
    .Output("output: T")
    .Type("T")
    .Type("Tdim", types::Integers(), DataType::kInt32)
    .Infer(InferExpandDims)
    .Gradient(GradReshapedBack);

WEFT_OP(Squeeze)
    .Input("input: T")
    .Output("output: T")
    .Type("T")
    .Attr("squeeze_dims", std::vector<int64_t>{})
    .Form(OpForm::kSqueeze)
    .Infer(InferSqueeze)
    .Gradient(GradReshapedBack);

WEFT_OP(Fill)
    .Input("dims: index_type")
    .Input("value: T")
    .Output("output: T")
    .Type("T")
    .Type("index_type", types::Integers(), DataType::kInt32)
    .Infer(InferFill)
    .Gradient([](const GradContext& g) -> Outputs {
      return {Output(), Sum(g.dy())};
    });

WEFT_OP(Range)
    .Input("start: Tidx")
    .Input("limit: Tidx")
    .Input("delta: Tidx")
    .Output("output: Tidx")
    .Type("Tidx",
          {DataType::kFloat, DataType::kDouble, DataType::kInt32,
           DataType::kInt64},
          DataType::kInt32)
    .Infer(InferRange)
    .NotDifferentiable();

WEFT_OP(OneHot)
    .Input("indices: TI")
    .Input("depth: int32")
    .Input("on_value: T")
    .Input("off_value: T")
    .Output("output: T")
    .Attr("axis", -1)
    .Type("T")
    .Type("TI", {DataType::kUint8, DataType::kInt32, DataType::kInt64},
          DataType::kInt64)
    .Infer(InferOneHot)
    .NotDifferentiable();

// ---- Functions --------------------------------------------------------------

Output Reshape(Operand x, const IntsArg& shape, absl::string_view name) {
  return Emit("Reshape",
              {x, shape.AsInput(x, ArgName("Reshape", name, "shape"))}, {},
              name);
}

Output ExpandDims(Operand x, int axis, absl::string_view name) {
  return ExpandDims(x, IntScalar(x, axis, ArgName("ExpandDims", name, "dim")),
                    name);
}

Output ExpandDims(Operand x, Operand axis, absl::string_view name) {
  return Emit("ExpandDims", {x, axis}, {}, name);
}

Output Squeeze(Operand x, const std::vector<int64_t>& axes,
               absl::string_view name) {
  return Emit("Squeeze", {x}, {{"squeeze_dims", axes}}, name);
}

Output Fill(const IntsArg& dims, Operand value, absl::string_view name) {
  return Emit("Fill",
              {dims.AsInput(value, ArgName("Fill", name, "dims")), value}, {},
              name);
}

Output Range(Operand start, Operand limit, Operand delta,
             absl::string_view name) {
  return Emit("Range", {start, limit, delta}, {}, name);
}

Output OneHot(Operand indices, Operand depth, Operand on_value,
              Operand off_value, int axis, absl::string_view name) {
  return Emit("OneHot", {indices, depth, on_value, off_value}, {{"axis", axis}},
              name);
}

Output OneHot(Operand indices, int64_t depth, DataType dtype, int axis,
              absl::string_view name) {
  if (!indices.output.valid()) return {};
  const GraphRef g(indices.graph(), indices.location);
  if (depth < 0 || depth > std::numeric_limits<int32_t>::max()) {
    return {g.graph.Fail(InvalidArgument("OneHot: depth is ", depth,
                                         " but must be an int32, 0 or more"),
                         g.location)};
  }
  const Operand depth_input = IntScalar(indices, static_cast<int32_t>(depth),
                                        ArgName("OneHot", name, "depth"));
  const Output on = Ones(g, dtype, {}, ArgName("OneHot", name, "on_value"));
  const Output off = Zeros(g, dtype, {}, ArgName("OneHot", name, "off_value"));
  return OneHot(indices, depth_input, {on, indices.location},
                {off, indices.location}, axis, name);
}

}  // namespace weft
