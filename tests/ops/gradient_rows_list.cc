#include "graph/graph.h"
#include "ops/array.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/source.h"
#include "tests/testing/gradient_check.h"

namespace weft {
namespace {

using Xs = const Outputs&;

Output IntIn(Xs x, int32_t value) { return Const(x[0].graph(), value); }

// The rows of x[0] as a list.
Output Rows(Xs x) { return TensorListFromTensor(x[0]); }

Output Item(Output list, int32_t i) {
  return TensorListGetItem(list, Const(list.graph(), i), DataType::kDouble);
}

Output Stack(Output list) { return TensorListStack(list, DataType::kDouble); }

const GradientRows kListRows({
    {.op = "TensorListFromTensor",
     .build = [](Xs x) { return Item(Rows(x), 1); }},
    {.op = "TensorListStack",
     .build = [](Xs x) { return Stack(Rows(x)) * x[0]; }},
    {.op = "TensorListGetItem",
     .inputs = {{3, 2}},
     .build = [](Xs x) -> Outputs {
       const Output list = Rows(x);
       return {Item(list, 2) * Item(list, 0), Item(list, 2)};
     }},
    {.op = "TensorListSetItem",
     .inputs = {{3, 2}, {2}},
     .build =
         [](Xs x) {
           const Output list =
               TensorListSetItem(Rows(x), IntIn(x, 1), x[1] * x[1]);
           return Stack(TensorListSetItem(list, IntIn(x, 0), Item(list, 1)));
         }},
    {.op = "TensorListSetItem",
     .name = "of a reserved list",
     .inputs = {{2}},
     .build =
         [](Xs x) {
           const Output list = TensorListReserve(
               TensorShape::UnknownRank(), IntIn(x, 2), DataType::kDouble);
           const Output first = TensorListSetItem(list, IntIn(x, 0), x[0]);
           return Stack(TensorListSetItem(first, IntIn(x, 1), x[0] * x[0]));
         }},
    {.op = "TensorListPushBack",
     .inputs = {{2, 3}, {3}},
     .build =
         [](Xs x) { return Stack(TensorListPushBack(Rows(x), x[1] * x[1])); }},
    {.op = "TensorListPopBack",
     .inputs = {{3, 2}},
     .build = [](Xs x) -> Outputs {
       const auto [list, item] = TensorListPopBack(Rows(x), DataType::kDouble);
       return {Stack(list), item * item};
     }},
    {.op = "TensorListPopBack",
     .name = "of the item alone",
     .inputs = {{3, 2}},
     .build =
         [](Xs x) {
           return TensorListPopBack(Rows(x), DataType::kDouble).item;
         }},
    {.op = "TensorListGather",
     .inputs = {{3, 2}},
     .build =
         [](Xs x) {
           return TensorListGather(Rows(x), Const(x[0].graph(), {2, 0, 2}),
                                   DataType::kDouble);
         },
     .second_order = false},
    {.op = "TensorListResize",
     .inputs = {{3, 2}},
     .build =
         [](Xs x) { return Stack(TensorListResize(Rows(x), IntIn(x, 2))); }},
    {.op = "AddN",
     .name = "of lists",
     .inputs = {{3, 2}},
     .build =
         [](Xs x) {
           const Output list = Rows(x);
           return Stack(AccumulateLists(
               {list, TensorListSetItem(list, IntIn(x, 0), Item(list, 1))}));
         }},
});

// A list of lists: what loops within loops accumulate.
const GradientRows kNestedRows({
    {.op = "TensorListGetItem",
     .name = "of a list of lists",
     .inputs = {{3, 2}},
     .build =
         [](Xs x) {
           const Output inner = Rows(x);
           const Output outer = TensorListReserve(TensorShape{}, IntIn(x, 2),
                                                  DataType::kVariant);
           const Output first = TensorListSetItem(outer, IntIn(x, 0), inner);
           const Output both = TensorListSetItem(
               first, IntIn(x, 1),
               TensorListSetItem(inner, IntIn(x, 0), Item(inner, 2)));
           const Output back = TensorListGetItem(
               both, IntIn(x, 1), DataType::kVariant, TensorShape{});
           return Stack(back);
         },
     .second_order = false},
});

}  // namespace
}  // namespace weft
