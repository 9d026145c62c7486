#include "layers/keras/gates.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "layers/dropout.h"
#include "layers/initializers.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/source.h"

namespace weft::keras {
namespace {

// Ones of the shape of one step of `x` [batch, time, ...]; or of x itself, if
// it is one step.
Output OnesLikeAStep(Output x, int rank) {
  Output shape = Shape(x);
  if (x.shape().rank() > rank) {
    Output batch = SliceAxis(shape, 0, 0, 1);
    Output rest = SliceAxis(shape, 0, 2, x.shape().rank());
    shape = Concat({batch, rest}, 0);
  }
  return Fill(shape, ScalarLike(x, 1));
}

}  // namespace

void GateWeights::MakeFrom(const CellWeights& scope, GateArguments arguments,
                           const Shapes& shapes) {
  const ArgumentChecker& check = scope.check();
  for (Initializer* initializer :
       {&arguments.kernel_initializer, &arguments.recurrent_initializer,
        &arguments.bias_initializer}) {
    *initializer = initializer->In(KerasInitializerNames());
  }
  const GateArguments& a = arguments;
  check.Known("kernel_initializer", a.kernel_initializer);
  check.Known("recurrent_initializer", a.recurrent_initializer);
  check.Known("bias_initializer", a.bias_initializer);
  check.Known("kernel_regularizer", a.kernel_regularizer);
  check.Known("recurrent_regularizer", a.recurrent_regularizer);
  check.Known("bias_regularizer", a.bias_regularizer);
  check.Known("kernel_constraint", a.kernel_constraint);
  check.Known("recurrent_constraint", a.recurrent_constraint);
  check.Known("bias_constraint", a.bias_constraint);
  if (!scope.ok()) return;
  kernel_ = scope.Make({.name = "kernel",
                        .shape = shapes.kernel,
                        .initializer = a.kernel_initializer,
                        .regularizer = a.kernel_regularizer,
                        .constraint = a.kernel_constraint});
  recurrent_ = scope.Make({.name = "recurrent_kernel",
                           .shape = shapes.recurrent,
                           .initializer = a.recurrent_initializer.Or(
                               weft::initializers::Orthogonal()),
                           .regularizer = a.recurrent_regularizer,
                           .constraint = a.recurrent_constraint});
  if (shapes.bias.rank() == 0) return;
  bias_ = scope.Make(
      {.name = "bias",
       .shape = shapes.bias,
       .initializer = a.bias_initializer.Or(weft::initializers::Zeros()),
       .regularizer = a.bias_regularizer,
       .constraint = a.bias_constraint});
}

std::vector<Variable> GateWeights::list() const {
  std::vector<Variable> weights;
  for (const Variable& w : {kernel_, recurrent_, bias_}) {
    if (w.valid()) weights.push_back(w);
  }
  return weights;
}

Initializer UnitForgetBias(int64_t units, int biases) {
  return Initializer(
      [units, biases](Graph& g, const TensorShape&, DataType dtype) {
        const auto filled = [&](int64_t size, double value) {
          return Fill({size}, Cast(Const(g, value), dtype));
        };
        Output before = filled((4 * (biases - 1) + 1) * units, 0);
        Output forget = filled(units, 1);
        Output after = filled(2 * units, 0);
        return Concat({before, forget, after}, 0);
      });
}

void CheckRates(const ArgumentChecker& check, double dropout,
                double recurrent_dropout) {
  check.IsDropRate("dropout", dropout);
  check.IsDropRate("recurrent_dropout", recurrent_dropout);
}

void CheckImplementation(const ArgumentChecker& check, int implementation) {
  check.Expect(implementation >= 0 && implementation <= 2, "implementation",
               implementation, "0, 1 or 2");
}

Outputs GateDropout::Draw(const CallContext& call, const RNNCell& cell) const {
  Outputs drawn;
  if (call.ModeOf({}) != ModeKeys::kTrain) return drawn;
  if (input == 0 && recurrent == 0) return drawn;
  Graph& g = call.x.graph();
  Output seed = DrawSequenceSeed(g, g.name_scope(), {});
  const auto draw = [&](Output ones, double rate, int64_t first) {
    for (int64_t k = 0; k < masks; ++k) {
      Output number = Const(g, first + k);
      drawn.push_back(ApplyDropout(ones, 1 - rate, seed, number));
    }
  };
  if (input > 0) draw(OnesLikeAStep(call.x, input_rank), input, 0);
  if (recurrent > 0) {
    draw(OnesLike(cell.ZeroState(call.x)[0]), recurrent, masks);
  }
  return drawn;
}

GateMasks::GateMasks(const GateDropout& dropout,
                     absl::Span<const Output> drawn) {
  if (drawn.empty()) return;
  const size_t of_input = dropout.input > 0 ? dropout.masks : 0;
  input = drawn.subspan(0, of_input);
  recurrent = drawn.subspan(of_input);
}

Output Masked(Output v, absl::Span<const Output> masks, int gate) {
  if (masks.empty()) return v;
  return v * masks[masks.size() == 1 ? 0 : gate];
}

Output GateProduct(Output v, Output kernel, absl::Span<const Output> masks,
                   int gates, const ProductFn& product, int axis) {
  if (masks.size() <= 1) return product(Masked(v, masks, 0), kernel);
  const Outputs blocks = Split(kernel, gates, -1);
  Outputs products;
  for (int gate = 0; gate < gates; ++gate) {
    products.push_back(product(Masked(v, masks, gate), blocks[gate]));
  }
  return Concat(products, axis);
}

Output GateProduct(Output v, Output kernel, absl::Span<const Output> masks,
                   int gates) {
  const ProductFn product = [](Output a, Output b) { return MatMul(a, b); };
  return GateProduct(v, kernel, masks, gates, product, 1);
}

Outputs LSTMStates(const Outputs& gates, Output c, const Activation& a,
                   const Activation& s) {
  Output i = s(gates[0]);
  Output f = s(gates[1]);
  Output kept = f * c;
  Output added = i * a(gates[2]);
  Output next = kept + added;
  Output o = s(gates[3]);
  Output h = o * a(next);
  return {h, next};
}

}  // namespace weft::keras
