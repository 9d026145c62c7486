#include "graph/graph.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/testing/gradient_check.h"

namespace weft {
namespace {

using Xs = const Outputs&;

const std::vector<TensorShape> kThreeAxes = {{2, 3, 4}};

// The axes -1 and 0, hidden from building, which does not compute with doubles.
Output HiddenAxes(Xs x) {
  return Cast(Const<double>(x[0].graph(), {-1, 0}), DataType::kInt32);
}

Output Cumprod(Output x, int axis, bool exclusive, bool reverse) {
  return {x.graph().Add(
      "Cumprod",
      {Operand(x), Operand(Const(x.graph(), static_cast<int32_t>(axis)))},
      {{"exclusive", exclusive}, {"reverse", reverse}})};
}

const GradientRows kSumRows({
    {.op = "Sum",
     .inputs = kThreeAxes,
     .build = [](Xs x) { return Sum(x[0]); }},
    {.op = "Sum",
     .name = "axes",
     .inputs = kThreeAxes,
     .build =
         [](Xs x) {
           return Sum(x[0], {.axes = {-1, 0}});
         }},
    {.op = "Sum",
     .name = "kept",
     .inputs = kThreeAxes,
     .build = [](Xs x) { return Sum(x[0], {.axes = 1, .keep_dims = true}); }},
    {.op = "Sum",
     .name = "no_axes",
     .inputs = kThreeAxes,
     .build = [](Xs x) { return Sum(x[0], {.axes = {}}); }},
    {.op = "Sum",
     .name = "hidden_axes",
     .inputs = kThreeAxes,
     .build = [](Xs x) { return Sum(x[0], {.axes = HiddenAxes(x)}); }},
    {.op = "Sum",
     .name = "empty",
     .inputs = {{2, 0, 3}},
     .build = [](Xs x) { return Sum(x[0], {.axes = 2}); }},
    {.op = "Mean",
     .inputs = kThreeAxes,
     .build = [](Xs x) { return Mean(x[0]); }},
    {.op = "Mean",
     .name = "axes",
     .inputs = kThreeAxes,
     .build =
         [](Xs x) {
           return Mean(x[0], {.axes = {0, 2}});
         }},
    {.op = "Mean",
     .name = "kept",
     .inputs = kThreeAxes,
     .build = [](Xs x) { return Mean(x[0], {.axes = -1, .keep_dims = true}); }},
    {.op = "Mean",
     .name = "hidden_axes",
     .inputs = kThreeAxes,
     .build = [](Xs x) { return Mean(x[0], {.axes = HiddenAxes(x)}); }},
});

const GradientRows kOtherRows({
    {.op = "Max",
     .inputs = kThreeAxes,
     .build = [](Xs x) { return Max(x[0], {.axes = 1}); }},
    {.op = "Max",
     .name = "kept",
     .inputs = kThreeAxes,
     .build =
         [](Xs x) {
           return Max(x[0], {.axes = {0, 2}, .keep_dims = true});
         }},
    {.op = "Min",
     .inputs = kThreeAxes,
     .build =
         [](Xs x) {
           return Min(x[0], {.axes = {1, 2}});
         }},
    {.op = "Min",
     .name = "hidden_axes",
     .inputs = kThreeAxes,
     .build = [](Xs x) { return Min(x[0], {.axes = HiddenAxes(x)}); }},
    // The axes must be known, and so must the rank. Second derivatives divide
    // by the elements.
    {.op = "Prod",
     .inputs = kThreeAxes,
     .low = 0.5,
     .high = 2,
     .build =
         [](Xs x) {
           return Prod(x[0], {.axes = {0, -1}});
         },
     .dynamic = false},
    {.op = "Prod",
     .name = "zeros",
     .inputs = {{2, 3}},
     .build =
         [](Xs x) {
           const Output mask =
               Const<double>(x[0].graph(), {2, 3}, {1, 0, 1, 0, 0, 1});
           return Prod(x[0] * mask, {.axes = 1});
         },
     .dynamic = false,
     .second_order = false},
    {.op = "Cumsum",
     .inputs = kThreeAxes,
     .build = [](Xs x) { return Cumsum(x[0], 1); }},
    {.op = "Cumsum",
     .name = "exclusive_reverse",
     .inputs = kThreeAxes,
     .build =
         [](Xs x) {
           return Cumsum(x[0], -1, {.exclusive = true, .reverse = true});
         }},
    {.op = "Cumprod",
     .inputs = kThreeAxes,
     .low = 0.5,
     .high = 2,
     .build = [](Xs x) { return Cumprod(x[0], 1, false, false); }},
    {.op = "Cumprod",
     .name = "exclusive_reverse",
     .inputs = kThreeAxes,
     .low = 0.5,
     .high = 2,
     .build = [](Xs x) { return Cumprod(x[0], 0, true, true); }},
});

}  // namespace
}  // namespace weft
