// Elementwise functions of one number.
#include <cmath>
#include <limits>
#include <optional>

#include "graph/infer.h"
#include "graph/op.h"
#include "ops/broadcast_gradient.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/partial_value.h"
#include "ops/same_shape.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

constexpr double kTwoOverSqrtPi = 1.12837916709551257390;

template <IntUnaryFn fn>
void InferUnary(InferContext& c) {
  infer::SameAsInput(c);
  SetUnaryValue(c, fn);
}

std::optional<int64_t> IntNeg(int64_t x) {
  return -x;
}  // INT64_MIN is never known.
std::optional<int64_t> IntAbs(int64_t x) { return x < 0 ? -x : x; }
std::optional<int64_t> IntSign(int64_t x) { return (x > 0) - (x < 0); }
std::optional<int64_t> IntSame(int64_t x) { return x; }

std::optional<int64_t> IntSquare(int64_t x) {
  int64_t y;
  return __builtin_mul_overflow(x, x, &y) ? std::nullopt : std::optional(y);
}

}  // namespace

#define WEFT_UNARY_OP(name, types) \
  WEFT_OP(name).Input("x: T").Output("y: T").Type("T", types)

WEFT_UNARY_OP(Neg, types::Numbers())
    .Pointwise("neg")
    .Infer(InferUnary<IntNeg>)
    .Gradient([](const GradContext& g) -> Outputs { return {Neg(g.dy())}; });

WEFT_UNARY_OP(Abs, types::Numbers())
    .Pointwise("abs")
    .Infer(InferUnary<IntAbs>)
    .Gradient([](const GradContext& g) -> Outputs {
      return {g.dy() * Sign(g.in(0))};
    });

WEFT_UNARY_OP(Sign, types::Numbers())
    .Pointwise("sign")
    .Infer(InferUnary<IntSign>)
    .NotDifferentiable();

WEFT_UNARY_OP(Square, types::Numbers())
    .Pointwise("square")
    .Infer(InferUnary<IntSquare>)
    .Gradient([](const GradContext& g) -> Outputs {
      return {g.dy() * (g.in(0) * 2.0)};
    });

WEFT_UNARY_OP(Sqrt, types::Floats())
    .Pointwise("sqrt")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {SqrtGrad(g.out(0), g.dy())};
    });

WEFT_UNARY_OP(Rsqrt, types::Floats())
    .Pointwise("rsqrt")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {RsqrtGrad(g.out(0), g.dy())};
    });

WEFT_UNARY_OP(Reciprocal, types::Floats())
    .Pointwise("reciprocal")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {ReciprocalGrad(g.out(0), g.dy())};
    });

WEFT_UNARY_OP(Inv, types::Floats())
    .Pointwise("reciprocal")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {ReciprocalGrad(g.out(0), g.dy())};
    });

WEFT_UNARY_OP(Exp, types::Floats())
    .Pointwise("exp")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {g.dy() * g.out(0)};
    });

WEFT_UNARY_OP(Expm1, types::Floats())
    .Pointwise("expm1")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {g.dy() * Exp(g.in(0))};
    });

WEFT_UNARY_OP(Log, types::Floats())
    .Pointwise("log")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {g.dy() / g.in(0)};
    });

WEFT_UNARY_OP(Log1p, types::Floats())
    .Pointwise("log1p")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {g.dy() / (g.in(0) + 1.0)};
    });

WEFT_UNARY_OP(Sin, types::Floats())
    .Pointwise("sin")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {g.dy() * Cos(g.in(0))};
    });

WEFT_UNARY_OP(Cos, types::Floats())
    .Pointwise("cos")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {Neg(g.dy() * Sin(g.in(0)))};
    });

WEFT_UNARY_OP(Floor, types::Floats())
    .Pointwise("floor")
    .Infer(infer::SameAsInput)
    .NotDifferentiable();

WEFT_UNARY_OP(Ceil, types::Floats())
    .Pointwise("ceil")
    .Infer(infer::SameAsInput)
    .NotDifferentiable();

WEFT_UNARY_OP(Round, types::Numbers())
    .Pointwise("round")
    .Infer(InferUnary<IntSame>)
    .NotDifferentiable();

WEFT_UNARY_OP(Erf, types::Floats())
    .Pointwise("erf")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {g.dy() * (Exp(Neg(Square(g.in(0)))) * kTwoOverSqrtPi)};
    });

WEFT_OP(Cast)
    .Input("x: SrcT")
    .Output("y: DstT")
    .Type("SrcT", types::Convertible())
    .Type("DstT", types::Convertible())
    .Attr("Truncate", false)
    .Pointwise("cast")
    .Infer(InferUnary<IntSame>)
    .Gradient([](const GradContext& g) -> Outputs {
      const bool flows =
          IsFloating(g.in(0).dtype()) && IsFloating(g.dy().dtype());
      return {flows ? Cast(g.dy(), g.in(0).dtype()) : Output()};
    });

WEFT_UNARY_OP(ZerosLike, types::AndLists(types::Plain()))
    .Infer(InferUnary<[](int64_t) -> std::optional<int64_t> { return 0; }>)
    .NotDifferentiable();

WEFT_UNARY_OP(OnesLike, types::Plain())
    .Infer(InferUnary<[](int64_t) -> std::optional<int64_t> { return 1; }>)
    .NotDifferentiable();

WEFT_OP(ClipByValue)
    .Input("t: T")
    .Input("clip_value_min: T")
    .Input("clip_value_max: T")
    .Output("output: T")
    .Type("T", types::Numbers())
    .Infer([](InferContext& c) {
      TensorShape shape = c.input(0);
      for (int i = 1; i < 3; ++i) {
        if (c.input(i).IsScalar()) continue;
        if (!c.input(i).IsCompatibleWith(c.input(0))) {
          c.Fail(i == 1 ? "clip_value_min is " : "clip_value_max is ",
                 c.input(i).ToString(), " but must be a scalar or like t, ",
                 c.input(0).ToString());
          return;
        }
      }
      c.SetOutput(0, shape);
    })
    .Gradient([](const GradContext& g) -> Outputs {
      const Output t = g.in(0), low = g.in(1), high = g.in(2);
      const Output zeros = ZerosLike(g.dy());
      const Output below = Less(t, low);
      const Output above = Greater(t, high);
      const Output outside = LogicalOr(below, above);
      const Output to_low = Select(below, g.dy(), zeros);
      const Output to_high = Select(above, g.dy(), zeros);
      return {Select(outside, zeros, g.dy()),
              SumToShapes(low, t, to_low, {})[0],
              SumToShapes(high, t, to_high, {})[0]};
    });

// ---- Of results: for gradients ----------------------------------------------

#define WEFT_UNARY_GRAD_OP(name)                                  \
  WEFT_OP(name).Input("y: T").Input("dy: T").Output("z: T").Type( \
      "T", types::Floats())

WEFT_UNARY_GRAD_OP(SqrtGrad)
    .Pointwise("sqrt_grad")
    .Infer(infer::SameShapes)
    .Gradient([](const GradContext& g) -> Outputs {
      // z = dy / (2 y)
      return {Neg(g.dy() * g.out(0) / g.in(0)), SqrtGrad(g.in(0), g.dy())};
    });

WEFT_UNARY_GRAD_OP(RsqrtGrad)
    .Pointwise("rsqrt_grad")
    .Infer(infer::SameShapes)
    .Gradient([](const GradContext& g) -> Outputs {
      // z = -dy y^3 / 2
      return {g.dy() * g.in(1) * Square(g.in(0)) * -1.5,
              RsqrtGrad(g.in(0), g.dy())};
    });

namespace {

Outputs ReciprocalGradGradient(const GradContext& g) {
  // z = -dy y^2
  return {g.dy() * g.in(1) * g.in(0) * -2.0, ReciprocalGrad(g.in(0), g.dy())};
}

}  // namespace

WEFT_UNARY_GRAD_OP(ReciprocalGrad)
    .Pointwise("reciprocal_grad")
    .Infer(infer::SameShapes)
    .Gradient(ReciprocalGradGradient);

WEFT_UNARY_GRAD_OP(InvGrad)
    .Pointwise("reciprocal_grad")
    .Infer(infer::SameShapes)
    .Gradient(ReciprocalGradGradient);

// ---- Functions -------------------------------------------------------------

#define WEFT_UNARY_FUNCTION(name)                       \
  Output name(Operand x, absl::string_view node_name) { \
    return Emit(#name, {x}, {}, node_name);             \
  }
#define WEFT_UNARY_GRAD_FUNCTION(name)                              \
  Output name(Operand y, Operand dy, absl::string_view node_name) { \
    return Emit(#name, {y, dy}, {}, node_name);                     \
  }

WEFT_UNARY_FUNCTION(Neg)
WEFT_UNARY_FUNCTION(Abs)
WEFT_UNARY_FUNCTION(Sign)
WEFT_UNARY_FUNCTION(Square)
WEFT_UNARY_FUNCTION(Sqrt)
WEFT_UNARY_FUNCTION(Rsqrt)
WEFT_UNARY_FUNCTION(Reciprocal)
WEFT_UNARY_FUNCTION(Inv)
WEFT_UNARY_FUNCTION(Exp)
WEFT_UNARY_FUNCTION(Expm1)
WEFT_UNARY_FUNCTION(Log)
WEFT_UNARY_FUNCTION(Log1p)
WEFT_UNARY_FUNCTION(Sin)
WEFT_UNARY_FUNCTION(Cos)
WEFT_UNARY_FUNCTION(Floor)
WEFT_UNARY_FUNCTION(Ceil)
WEFT_UNARY_FUNCTION(Round)
WEFT_UNARY_FUNCTION(Erf)
WEFT_UNARY_FUNCTION(ZerosLike)
WEFT_UNARY_FUNCTION(OnesLike)
WEFT_UNARY_GRAD_FUNCTION(SqrtGrad)
WEFT_UNARY_GRAD_FUNCTION(RsqrtGrad)
WEFT_UNARY_GRAD_FUNCTION(ReciprocalGrad)
WEFT_UNARY_GRAD_FUNCTION(InvGrad)

Output Cast(Operand x, DataType dtype, absl::string_view name) {
  if (x.dtype() == dtype) return x;
  return Emit("Cast", {x}, {{"DstT", dtype}}, name);
}

Output ClipByValue(Operand t, Operand clip_value_min, Operand clip_value_max,
                   absl::string_view name) {
  return Emit("ClipByValue", {t, clip_value_min, clip_value_max}, {}, name);
}

Output ClipByValue(Operand t, double clip_value_min, double clip_value_max,
                   absl::string_view name) {
  const Output low = ScalarLike(t, clip_value_min);
  const Output high = ScalarLike(t, clip_value_max);
  return ClipByValue(t, {low, t.location}, {high, t.location}, name);
}

}  // namespace weft
