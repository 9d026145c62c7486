// Elementwise functions of two numbers.
#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/broadcast_gradient.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/partial_value.h"
#include "ops/same_shape.h"
#include "ops/types.h"

namespace weft {
namespace {

// ---- What is known of small integers while building ------------------------

template <IntBinaryFn fn>
void InferBinary(InferContext& c) {
  infer::Broadcast(c);
  SetBinaryValue(c, fn);
}

std::optional<int64_t> IntAdd(int64_t x, int64_t y) {
  int64_t z;
  return __builtin_add_overflow(x, y, &z) ? std::nullopt : std::optional(z);
}

std::optional<int64_t> IntSub(int64_t x, int64_t y) {
  int64_t z;
  return __builtin_sub_overflow(x, y, &z) ? std::nullopt : std::optional(z);
}

std::optional<int64_t> IntMul(int64_t x, int64_t y) {
  int64_t z;
  return __builtin_mul_overflow(x, y, &z) ? std::nullopt : std::optional(z);
}

bool Divides(int64_t x, int64_t y) {
  return y != 0 && !(y == -1 && x == std::numeric_limits<int64_t>::min());
}

std::optional<int64_t> IntDiv(int64_t x, int64_t y) {
  if (!Divides(x, y)) return std::nullopt;
  return x / y;
}

std::optional<int64_t> IntMod(int64_t x, int64_t y) {
  if (!Divides(x, y)) return std::nullopt;
  return x % y;
}

std::optional<int64_t> IntFloorMod(int64_t x, int64_t y) {
  if (!Divides(x, y)) return std::nullopt;
  const int64_t r = x % y;
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

std::optional<int64_t> IntFloorDiv(int64_t x, int64_t y) {
  if (!Divides(x, y)) return std::nullopt;
  return x / y - (x % y != 0 && (x < 0) != (y < 0) ? 1 : 0);
}

std::optional<int64_t> IntMax(int64_t x, int64_t y) { return std::max(x, y); }
std::optional<int64_t> IntMin(int64_t x, int64_t y) { return std::min(x, y); }

// ---- Gradients -------------------------------------------------------------

// gx and gy have the shape of the result.
Outputs ToInputs(const GradContext& g, Output gx, Output gy) {
  return SumToShapes(g.in(0), g.in(1), gx, gy);
}

Outputs AddGradient(const GradContext& g) {
  return ToInputs(g, g.dy(), g.dy());
}

Outputs QuotientGradient(const GradContext& g) {
  const Output gx = g.dy() / g.in(1);
  // d(x / y) / dy = -x / y^2, without y^2, which may be too large.
  const Output slope = Neg(g.in(0)) / g.in(1) / g.in(1);
  return ToInputs(g, gx, g.dy() * slope);
}

// The gradient goes to x where `x_wins`, else to y.
Outputs ChoiceGradient(const GradContext& g, Output x_wins) {
  const Output zeros = ZerosLike(g.dy());
  const Output gx = Select(x_wins, g.dy(), zeros);
  const Output gy = Select(x_wins, zeros, g.dy());
  return ToInputs(g, gx, gy);
}

Outputs PowGradient(const GradContext& g) {
  const Output x = g.in(0), y = g.in(1);
  const Output gx = g.dy() * y * Pow(x, y - 1.0);
  // x^y has a slope in y for positive x alone.
  const Output positive = Greater(x, ZerosLike(x));
  const Output safe_x = Select(positive, x, OnesLike(x));
  const Output gy = g.dy() * g.out(0) * Log(safe_x);
  return ToInputs(g, gx, gy);
}

}  // namespace

#define WEFT_BINARY_OP(name, types) \
  WEFT_OP(name).Input("x: T").Input("y: T").Output("z: T").Type("T", types)

namespace {

std::vector<DataType> AddTypes() {
  std::vector<DataType> types = types::Numbers();
  types.push_back(DataType::kString);
  return types;
}

}  // namespace

// Not commutative: strings are joined.
WEFT_BINARY_OP(Add, AddTypes())
    .Pointwise("add")
    .Infer(InferBinary<IntAdd>)
    .Gradient(AddGradient);

WEFT_BINARY_OP(AddV2, types::Numbers())
    .Commutative()
    .Pointwise("add")
    .Infer(InferBinary<IntAdd>)
    .Gradient(AddGradient);

WEFT_BINARY_OP(Sub, types::Numbers())
    .Pointwise("sub")
    .Infer(InferBinary<IntSub>)
    .Gradient([](const GradContext& g) -> Outputs {
      return ToInputs(g, g.dy(), Neg(g.dy()));
    });

WEFT_BINARY_OP(Mul, types::Numbers())
    .Commutative()
    .Pointwise("mul")
    .Infer(InferBinary<IntMul>)
    .Gradient([](const GradContext& g) -> Outputs {
      const Output gx = g.dy() * g.in(1);
      const Output gy = g.dy() * g.in(0);
      return ToInputs(g, gx, gy);
    });

WEFT_BINARY_OP(RealDiv, types::Floats())
    .Pointwise("div")
    .Infer(infer::Broadcast)
    .Gradient(QuotientGradient);

WEFT_BINARY_OP(Div, types::Numbers())
    .Pointwise("div")
    .Infer(InferBinary<IntDiv>)
    .Gradient(QuotientGradient);

WEFT_BINARY_OP(TruncateDiv, types::Integers())
    .Infer(InferBinary<IntDiv>)
    .NotDifferentiable();

WEFT_BINARY_OP(FloorDiv, types::Numbers())
    .Pointwise("floor_div")
    .Infer(InferBinary<IntFloorDiv>)
    .NotDifferentiable();

WEFT_BINARY_OP(FloorMod, types::Numbers())
    .Pointwise("floor_mod")
    .Infer(InferBinary<IntFloorMod>)
    .Gradient([](const GradContext& g) -> Outputs {
      const Output quotient = FloorDiv(g.in(0), g.in(1));
      return ToInputs(g, g.dy(), Neg(g.dy() * quotient));
    });

WEFT_BINARY_OP(Mod, types::Numbers())
    .Pointwise("mod")
    .Infer(InferBinary<IntMod>)
    .Gradient([](const GradContext& g) -> Outputs {
      const Output quotient = (g.in(0) - g.out(0)) / g.in(1);
      return ToInputs(g, g.dy(), Neg(g.dy() * quotient));
    });

WEFT_BINARY_OP(Maximum, types::Numbers())
    .Commutative()
    .Pointwise("max")
    .Infer(InferBinary<IntMax>)
    .Gradient([](const GradContext& g) -> Outputs {
      return ChoiceGradient(g, GreaterEqual(g.in(0), g.in(1)));
    });

WEFT_BINARY_OP(Minimum, types::Numbers())
    .Commutative()
    .Pointwise("min")
    .Infer(InferBinary<IntMin>)
    .Gradient([](const GradContext& g) -> Outputs {
      return ChoiceGradient(g, LessEqual(g.in(0), g.in(1)));
    });

WEFT_BINARY_OP(SquaredDifference, types::Numbers())
    .Commutative()
    .Pointwise("squared_difference")
    .Infer(infer::Broadcast)
    .Gradient([](const GradContext& g) -> Outputs {
      const Output gx = g.dy() * 2.0 * (g.in(0) - g.in(1));
      return ToInputs(g, gx, Neg(gx));
    });

WEFT_BINARY_OP(DivNoNan, types::Floats())
    .Pointwise("div_no_nan")
    .Infer(infer::Broadcast)
    .Gradient([](const GradContext& g) -> Outputs {
      const Output gx = DivNoNan(g.dy(), g.in(1));
      const Output slope = DivNoNan(DivNoNan(Neg(g.in(0)), g.in(1)), g.in(1));
      return ToInputs(g, gx, g.dy() * slope);
    });

WEFT_BINARY_OP(Pow, types::Numbers())
    .Pointwise("pow")
    .Infer(infer::Broadcast)
    .Gradient(PowGradient);

WEFT_OP(AddN)
    .Input("inputs: N*T")
    .Output("sum: T")
    .Number("N")
    .Type("T", types::AndLists(types::Numbers()))
    .Pointwise("add")
    .Infer(infer::SameShapes)
    .Gradient([](const GradContext& g) -> Outputs {
      return Outputs(g.num_inputs(), g.dy());
    });

// ---- Functions -------------------------------------------------------------

#define WEFT_BINARY_FUNCTION(name)                                 \
  Output name(Operand x, Operand y, absl::string_view node_name) { \
    return Emit(#name, {x, y}, {}, node_name);                     \
  }

WEFT_BINARY_FUNCTION(Add)
WEFT_BINARY_FUNCTION(Sub)
WEFT_BINARY_FUNCTION(Mul)
WEFT_BINARY_FUNCTION(RealDiv)
WEFT_BINARY_FUNCTION(Div)
WEFT_BINARY_FUNCTION(TruncateDiv)
WEFT_BINARY_FUNCTION(FloorDiv)
WEFT_BINARY_FUNCTION(FloorMod)
WEFT_BINARY_FUNCTION(Mod)
WEFT_BINARY_FUNCTION(Maximum)
WEFT_BINARY_FUNCTION(Minimum)
WEFT_BINARY_FUNCTION(SquaredDifference)
WEFT_BINARY_FUNCTION(DivNoNan)
WEFT_BINARY_FUNCTION(Pow)

Output AddN(Operands inputs, absl::string_view name) {
  std::vector<Operand> operands;
  for (const Output& x : inputs.outputs)
    operands.emplace_back(x, inputs.location);
  return Emit("AddN", operands, {}, name);
}

}  // namespace weft
