// Comparison, logic and selection: everything with a bool.
#include <vector>

#include "graph/infer.h"
#include "graph/op.h"
#include "ops/broadcast_gradient.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/types.h"

namespace weft {
namespace {

// Equal and NotEqual may be told to answer for shapes that do not broadcast.
void InferEqual(InferContext& c) {
  const bool fits = BroadcastShapes(c.input(0), c.input(1)).ok();
  if (fits || c.attr<bool>("incompatible_shape_error")) {
    infer::Broadcast(c);
  } else {
    c.SetOutput(0, TensorShape{});
  }
}

void InferSelect(InferContext& c) {
  const TensorShape& condition = c.input(0);
  if (!c.input(1).IsCompatibleWith(c.input(2))) {
    c.Fail("t is ", c.input(1).ToString(), " and e is ", c.input(2).ToString(),
           " but they must have one shape");
    return;
  }
  TensorShape shape = c.input(1).MergedWith(c.input(2));
  const bool is_vector = condition.rank() == 1 && shape.rank() != 1;
  if (is_vector && shape.has_rank()) {
    const TensorShape rows{shape.rank() == 0 ? 0 : shape.dim(0)};
    if (shape.rank() == 0 || !condition.IsCompatibleWith(rows)) {
      c.Fail("condition is ", condition.ToString(),
             " but must be a scalar, like t, ", shape.ToString(),
             ", or a vector with one element per row of t");
      return;
    }
  } else if (!is_vector && condition.has_rank() && !condition.IsScalar()) {
    if (!condition.IsCompatibleWith(shape)) {
      c.Fail("condition is ", condition.ToString(),
             " but must be a scalar or like t, ", shape.ToString());
      return;
    }
    shape = shape.MergedWith(condition);
  }
  c.SetOutput(0, shape);
}

}  // namespace

#define WEFT_COMPARISON_OP(name, types) \
  WEFT_OP(name).Input("x: T").Input("y: T").Output("z: bool").Type("T", types)

WEFT_COMPARISON_OP(Less, types::Numbers())
    .Pointwise("less")
    .Infer(infer::Broadcast)
    .NotDifferentiable();

WEFT_COMPARISON_OP(LessEqual, types::Numbers())
    .Pointwise("less_equal")
    .Infer(infer::Broadcast)
    .NotDifferentiable();

WEFT_COMPARISON_OP(Greater, types::Numbers())
    .Pointwise("greater")
    .Infer(infer::Broadcast)
    .NotDifferentiable();

WEFT_COMPARISON_OP(GreaterEqual, types::Numbers())
    .Pointwise("greater_equal")
    .Infer(infer::Broadcast)
    .NotDifferentiable();

namespace {

std::vector<DataType> EqualTypes() {
  std::vector<DataType> types = types::Numbers();
  types.push_back(DataType::kBool);
  types.push_back(DataType::kUint64);
  types.push_back(DataType::kString);
  return types;
}

}  // namespace

WEFT_COMPARISON_OP(Equal, EqualTypes())
    .Attr("incompatible_shape_error", true)
    .Commutative()
    .Pointwise("equal")
    .Infer(InferEqual)
    .NotDifferentiable();

WEFT_COMPARISON_OP(NotEqual, EqualTypes())
    .Attr("incompatible_shape_error", true)
    .Commutative()
    .Pointwise("not_equal")
    .Infer(InferEqual)
    .NotDifferentiable();

#define WEFT_NUMBER_TEST_OP(name) \
  WEFT_OP(name).Input("x: T").Output("y: bool").Type("T", types::Floats())

WEFT_NUMBER_TEST_OP(IsNan)
    .Pointwise("is_nan")
    .Infer(infer::SameAsInput)
    .NotDifferentiable();

WEFT_NUMBER_TEST_OP(IsInf)
    .Pointwise("is_inf")
    .Infer(infer::SameAsInput)
    .NotDifferentiable();

WEFT_NUMBER_TEST_OP(IsFinite)
    .Pointwise("is_finite")
    .Infer(infer::SameAsInput)
    .NotDifferentiable();

WEFT_OP(LogicalAnd)
    .Input("x: bool")
    .Input("y: bool")
    .Output("z: bool")
    .Commutative()
    .Pointwise("and")
    .Infer(infer::Broadcast)
    .NotDifferentiable();

WEFT_OP(LogicalOr)
    .Input("x: bool")
    .Input("y: bool")
    .Output("z: bool")
    .Commutative()
    .Pointwise("or")
    .Infer(infer::Broadcast)
    .NotDifferentiable();

WEFT_OP(LogicalNot)
    .Input("x: bool")
    .Output("y: bool")
    .Pointwise("not")
    .Infer(infer::SameAsInput)
    .NotDifferentiable();

WEFT_OP(Select)
    .Input("condition: bool")
    .Input("t: T")
    .Input("e: T")
    .Output("output: T")
    .Type("T", types::Plain())
    .Pointwise("select_rows")
    .Infer(InferSelect)
    .Gradient([](const GradContext& g) -> Outputs {
      const Output zeros = ZerosLike(g.dy());
      const Output gt = Select(g.in(0), g.dy(), zeros);
      const Output ge = Select(g.in(0), zeros, g.dy());
      return {Output(), gt, ge};
    });

WEFT_OP(SelectV2)
    .Input("condition: bool")
    .Input("t: T")
    .Input("e: T")
    .Output("output: T")
    .Type("T", types::Plain())
    .Pointwise("select")
    .Infer([](InferContext& c) {
      absl::StatusOr<TensorShape> shape =
          BroadcastShapes(c.input(1), c.input(2));
      if (shape.ok()) shape = BroadcastShapes(c.input(0), *shape);
      if (!shape.ok()) {
        c.Fail(shape.status().message());
        return;
      }
      c.SetOutput(0, *std::move(shape));
    })
    .Gradient([](const GradContext& g) -> Outputs {
      const Output zeros = ZerosLike(g.dy());
      const Output gt = SelectV2(g.in(0), g.dy(), zeros);
      const Output ge = SelectV2(g.in(0), zeros, g.dy());
      return {Output(), SumToShapes(g.in(1), g.out(0), gt, {})[0],
              SumToShapes(g.in(2), g.out(0), ge, {})[0]};
    });

// ---- Functions -------------------------------------------------------------

#define WEFT_UNARY_FUNCTION(name)                       \
  Output name(Operand x, absl::string_view node_name) { \
    return Emit(#name, {x}, {}, node_name);             \
  }
#define WEFT_BINARY_FUNCTION(name)                                 \
  Output name(Operand x, Operand y, absl::string_view node_name) { \
    return Emit(#name, {x, y}, {}, node_name);                     \
  }

WEFT_UNARY_FUNCTION(IsNan)
WEFT_UNARY_FUNCTION(IsInf)
WEFT_UNARY_FUNCTION(IsFinite)
WEFT_BINARY_FUNCTION(Less)
WEFT_BINARY_FUNCTION(LessEqual)
WEFT_BINARY_FUNCTION(Greater)
WEFT_BINARY_FUNCTION(GreaterEqual)
WEFT_BINARY_FUNCTION(Equal)
WEFT_BINARY_FUNCTION(NotEqual)
WEFT_BINARY_FUNCTION(LogicalAnd)
WEFT_BINARY_FUNCTION(LogicalOr)
WEFT_UNARY_FUNCTION(LogicalNot)

Output Select(Operand condition, Operand t, Operand e, absl::string_view name) {
  return Emit("Select", {condition, t, e}, {}, name);
}

Output SelectV2(Operand condition, Operand t, Operand e,
                absl::string_view name) {
  return Emit("SelectV2", {condition, t, e}, {}, name);
}

}  // namespace weft
