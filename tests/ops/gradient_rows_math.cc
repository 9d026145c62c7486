#include "ops/math.h"
#include "ops/source.h"
#include "tests/testing/gradient_check.h"

namespace weft {
namespace {

using Xs = const Outputs&;

// Two inputs that broadcast both ways: [2, 1, 3] and [4, 1] make [2, 4, 3].
const std::vector<TensorShape> kBroadcast = {{2, 1, 3}, {4, 1}};
const std::vector<TensorShape> kTwo = {{2, 3}, {2, 3}};

// Constants of the shapes [2, 3], [2] and [2, 1].
Output Mask(Xs x) {
  return Const(x[0].graph(), Tensor::Of<bool>({2, 3}, {true, false, true, false,
                                                       false, true}));
}
Output RowMask(Xs x) {
  return Const(x[0].graph(), Tensor::Vector<bool>({false, true}));
}
Output ColumnMask(Xs x) {
  return Const(x[0].graph(), Tensor::Of<bool>({2, 1}, {false, true}));
}

const GradientRows kBinaryRows({
    {.op = "Add",
     .inputs = kBroadcast,
     .build = [](Xs x) { return x[0] + x[1]; }},
    {.op = "Add",
     .name = "scalar",
     .inputs = {{2, 3}, {}},
     .build = [](Xs x) { return x[0] + x[1]; }},
    {.op = "Add", .name = "itself", .build = [](Xs x) { return x[0] + x[0]; }},
    {.op = "AddV2",
     .inputs = kBroadcast,
     .build =
         [](Xs x) {
           return Output(
               x[0].graph().Add("AddV2", {Operand(x[0]), Operand(x[1])}));
         }},
    {.op = "Sub",
     .inputs = kBroadcast,
     .build = [](Xs x) { return x[0] - x[1]; }},
    {.op = "Mul",
     .inputs = kBroadcast,
     .build = [](Xs x) { return x[0] * x[1]; }},
    {.op = "Mul",
     .name = "rows",
     .inputs = {{4, 3}, {3}},
     .build = [](Xs x) { return x[0] * x[1]; }},
    {.op = "Mul",
     .name = "empty",
     .inputs = {{0, 3}, {3}},
     .build = [](Xs x) { return x[0] * x[1]; }},
    {.op = "RealDiv",
     .inputs = kBroadcast,
     .low = 0.5,
     .high = 2,
     .build = [](Xs x) { return RealDiv(x[0], x[1]); }},
    {.op = "Div",
     .inputs = kBroadcast,
     .low = 0.5,
     .high = 2,
     .build = [](Xs x) { return Div(x[0], x[1]); }},
    {.op = "FloorMod",
     .inputs = {{3}, {3}},
     .low = 1.1,
     .high = 1.9,
     .build = [](Xs x) { return FloorMod(x[0] * 3.0, x[1] + 1.0); }},
    {.op = "Mod",
     .inputs = {{3}, {3}},
     .low = 1.1,
     .high = 1.9,
     .build = [](Xs x) { return Mod(x[0] * -3.0, x[1] + 1.0); }},
    {.op = "Maximum",
     .inputs = kBroadcast,
     .build = [](Xs x) { return Maximum(x[0], x[1]); }},
    {.op = "Minimum",
     .inputs = kBroadcast,
     .build = [](Xs x) { return Minimum(x[0], x[1]); }},
    {.op = "SquaredDifference",
     .inputs = kBroadcast,
     .build = [](Xs x) { return SquaredDifference(x[0], x[1]); }},
    {.op = "DivNoNan",
     .inputs = kBroadcast,
     .low = 0.5,
     .high = 2,
     .build = [](Xs x) { return DivNoNan(x[0], x[1]); }},
    {.op = "Pow",
     .inputs = kBroadcast,
     .low = 0.5,
     .high = 2,
     .build = [](Xs x) { return Pow(x[0], x[1]); }},
    {.op = "AddN",
     .inputs = {{2, 3}, {2, 3}, {2, 3}},
     .build =
         [](Xs x) {
           return AddN({x[0], x[1], x[2], x[0]});
         }},
});

const GradientRows kUnaryRows({
    {.op = "Neg", .build = [](Xs x) { return Neg(x[0]); }},
    {.op = "Abs",
     .away_from_zero = 0.1,
     .build = [](Xs x) { return Abs(x[0]); }},
    {.op = "Square", .build = [](Xs x) { return Square(x[0]); }},
    {.op = "Sqrt",
     .low = 0.5,
     .high = 2,
     .build = [](Xs x) { return Sqrt(x[0]); }},
    {.op = "Rsqrt",
     .low = 0.5,
     .high = 2,
     .build = [](Xs x) { return Rsqrt(x[0]); }},
    {.op = "Reciprocal",
     .low = 0.5,
     .high = 2,
     .build = [](Xs x) { return Reciprocal(x[0]); }},
    {.op = "Inv",
     .low = 0.5,
     .high = 2,
     .build = [](Xs x) { return Inv(x[0]); }},
    {.op = "Exp", .build = [](Xs x) { return Exp(x[0]); }},
    {.op = "Expm1", .build = [](Xs x) { return Expm1(x[0]); }},
    {.op = "Log",
     .low = 0.5,
     .high = 2,
     .build = [](Xs x) { return Log(x[0]); }},
    {.op = "Log1p",
     .low = -0.5,
     .high = 2,
     .build = [](Xs x) { return Log1p(x[0]); }},
    {.op = "Sin", .build = [](Xs x) { return Sin(x[0]); }},
    {.op = "Cos", .build = [](Xs x) { return Cos(x[0]); }},
    {.op = "Erf", .build = [](Xs x) { return Erf(x[0]); }},
    // Through float, whose rounding a wide step does not see.
    {.op = "Cast",
     .build =
         [](Xs x) {
           return Cast(Cast(x[0], DataType::kFloat), DataType::kDouble);
         },
     .second_order = false,
     .step = 1e-1,
     .tolerance = 1e-5},
    {.op = "ClipByValue",
     .inputs = {{8}, {}, {8}},
     .low = 0.1,
     .build =
         [](Xs x) { return ClipByValue(x[0], x[1] - 0.5, x[2] * 0.5 + 0.6); }},
});

const GradientRows kUnaryGradRows({
    {.op = "SqrtGrad",
     .inputs = kTwo,
     .low = 0.5,
     .high = 2,
     .build = [](Xs x) { return SqrtGrad(x[0], x[1]); }},
    {.op = "RsqrtGrad",
     .inputs = kTwo,
     .low = 0.5,
     .high = 2,
     .build = [](Xs x) { return RsqrtGrad(x[0], x[1]); }},
    {.op = "ReciprocalGrad",
     .inputs = kTwo,
     .build = [](Xs x) { return ReciprocalGrad(x[0], x[1]); }},
    {.op = "InvGrad",
     .inputs = kTwo,
     .build = [](Xs x) { return InvGrad(x[0], x[1]); }},
});

const GradientRows kSelectRows({
    {.op = "Select",
     .inputs = kTwo,
     .build = [](Xs x) { return Select(Mask(x), x[0], x[1]); }},
    {.op = "Select",
     .name = "rows",
     .inputs = kTwo,
     .build = [](Xs x) { return Select(RowMask(x), x[0], x[1]); }},
    {.op = "SelectV2",
     .inputs = {{3}, {2, 1, 1}},
     .build = [](Xs x) { return SelectV2(ColumnMask(x), x[0], x[1]); }},
});

}  // namespace
}  // namespace weft
