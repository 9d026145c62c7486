// Rows of the gradient table: loops, conditionals, calls.
#include <functional>

#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/testing/gradient_check.h"

namespace weft {
namespace {

using StepFn = std::function<Outputs(Output step, const Outputs& vars)>;

// `vars` after `steps` steps.
Outputs Repeat(int steps, const Outputs& vars, const StepFn& fn) {
  Graph& g = vars[0].graph();
  Outputs all = {Const(g, 0)};
  all.insert(all.end(), vars.begin(), vars.end());
  Outputs last = While(
      all,
      [&](const Outputs& v) { return Less(v[0], ScalarLike(v[0], steps)); },
      [&](const Outputs& v) {
        Outputs next = fn(v[0], Outputs(v.begin() + 1, v.end()));
        next.insert(next.begin(), v[0] + 1.0);
        return next;
      });
  last.erase(last.begin());
  return last;
}

// An assertion that holds: makes the body around `x` stateful.
Output Guarded(Output x) {
  Node* check = Assert(LessEqual(Rank(x), Const(x.graph(), 9)), {Rank(x)});
  ControlScope scope(x.graph(), {check});
  return Identity(x);
}

Output RecurrentStep(Output x, Output h, Output w, Output u) {
  return Tanh(MatMul(x, w) + MatMul(h, u));
}

// h_t = tanh(x_t W + h_{t-1} U) over the rows of x [time, batch, depth]; all h.
Output Recurrence(const Outputs& in) {
  const Output xs = TensorListFromTensor(in[0]);
  const Output time = TensorListLength(xs);
  const Output hs =
      TensorListReserve(TensorShape{-1, 2}, time, DataType::kDouble);
  const Output h0 = MatMul(IndexAxis(in[0], 0, 0), in[1]) * 0.0;
  const Outputs last = While(
      {Const(xs.graph(), 0), hs, h0},
      [&](const Outputs& v) { return Less(v[0], time); },
      [&](const Outputs& v) -> Outputs {
        const Output x =
            TensorListGetItem(xs, v[0], DataType::kDouble, {-1, 3});
        const Output h = RecurrentStep(x, v[2], in[1], in[2]);
        return {v[0] + 1.0, TensorListSetItem(v[1], v[0], h), h};
      });
  return TensorListStack(last[1], DataType::kDouble, {-1, 2});
}

const GradientRows kWhileRows({
    {.op = "StatelessWhile",
     .name = "power",
     .inputs = {{3}},
     .build =
         [](const Outputs& x) {
           return Repeat(3, {x[0]}, [&](Output, const Outputs& v) -> Outputs {
             return {v[0] * x[0]};
           });
         }},
    {.op = "While",
     .name = "guarded",
     .inputs = {{3}},
     .build =
         [](const Outputs& x) {
           return Repeat(3, {x[0]}, [&](Output, const Outputs& v) -> Outputs {
             return {Sin(Guarded(v[0])) * x[0]};
           });
         }},
    {.op = "StatelessWhile",
     .name = "zero_steps",
     .inputs = {{3}, {3}},
     .build =
         [](const Outputs& x) {
           return Repeat(0, {x[0]}, [&](Output, const Outputs& v) -> Outputs {
             return {v[0] * x[1]};
           });
         }},
    {.op = "StatelessWhile",
     .name = "captured_matrix",
     .inputs = {{2, 3}, {3, 3}, {3}},
     .build =
         [](const Outputs& x) {
           return Repeat(4, {x[0]}, [&](Output, const Outputs& v) -> Outputs {
             return {Tanh(MatMul(v[0], x[1]) + x[2])};
           });
         }},
    {.op = "StatelessWhile",
     .name = "two_states",
     .inputs = {{2, 2}, {2, 2}, {2, 2}},
     .build =
         [](const Outputs& x) {
           return Repeat(3, {x[0], x[1]},
                         [&](Output, const Outputs& v) -> Outputs {
                           const Output c = Sigmoid(v[0]) * v[1] + Sin(x[2]);
                           return {Tanh(MatMul(c, x[2])), c};
                         });
         }},
    {.op = "StatelessWhile",
     .name = "overwritten_state",
     .inputs = {{3}, {3}},
     .build =
         [](const Outputs& x) {
           return Repeat(3, {x[0], x[1]},
                         [&](Output, const Outputs& v) -> Outputs {
                           return {v[0] * x[1], Sin(x[1]) + v[0]};
                         });
         }},
    {.op = "StatelessWhile",
     .name = "uses_the_step",
     .inputs = {{3}},
     .build =
         [](const Outputs& x) {
           return Repeat(
               3, {x[0]}, [&](Output step, const Outputs& v) -> Outputs {
                 return {v[0] * (Cast(step, DataType::kDouble) + 1.0) *
                         Sin(v[0])};
               });
         }},
    {.op = "StatelessWhile",
     .name = "value_dependent_length",
     .inputs = {{3}},
     .low = 0.5,
     .high = 0.9,
     .build = [](const Outputs& x) -> Built {
       return While(
           {x[0]},
           [](const Outputs& v) {
             return Less(Sum(v[0]), ScalarLike(v[0], 20));
           },
           [&](const Outputs& v) -> Outputs {
             return {v[0] * 2.0 + Sin(v[0])};
           });
     }},
    {.op = "StatelessWhile",
     .name = "nested",
     .inputs = {{2, 2}, {2, 2}},
     .build =
         [](const Outputs& x) {
           return Repeat(
               3, {x[0]}, [&](Output, const Outputs& outer) -> Outputs {
                 const Output start = Sin(outer[0]);
                 const Output inner = Repeat(
                     2, {start}, [&](Output, const Outputs& v) -> Outputs {
                       return {Tanh(MatMul(v[0], x[1])) + outer[0]};
                     })[0];
                 return {inner * x[1]};
               });
         }},
    {.op = "StatelessWhile",
     .name = "nested_with_changing_length",
     .inputs = {{2}, {2}},
     .build =
         [](const Outputs& x) {
           return Repeat(
               3, {x[0]}, [&](Output step, const Outputs& outer) -> Outputs {
                 return {While(
                     {outer[0], Const(outer[0].graph(), 0)},
                     [&](const Outputs& v) { return Less(v[1], step); },
                     [&](const Outputs& v) -> Outputs {
                       return {Sin(v[0]) * x[1], v[1] + 1.0};
                     })[0]};
               });
         }},
    {.op = "StatelessWhile",
     .name = "three_deep",
     .inputs = {{2}, {2}},
     .build =
         [](const Outputs& x) {
           return Repeat(2, {x[0]}, [&](Output, const Outputs& a) {
             return Repeat(2, {Sin(a[0])}, [&](Output, const Outputs& b) {
               return Repeat(2, {b[0] * x[1]},
                             [&](Output, const Outputs& c) -> Outputs {
                               return {Tanh(c[0]) * b[0] + a[0]};
                             });
             });
           });
         },
     .second_order = false},
    {.op = "StatelessWhile",
     .name = "recurrence_over_lists",
     .inputs = {{4, 2, 3}, {3, 2}, {2, 2}},
     .build = [](const Outputs& x) -> Built { return Recurrence(x); }},
    {.op = "StatelessWhile",
     .name = "pushes",
     .inputs = {{2}, {2}},
     .build = [](const Outputs& x) -> Built {
       const Output list =
           EmptyTensorList(x[0].graph(), {2}, DataType::kDouble);
       const Outputs last =
           Repeat(3, {list, x[0]}, [&](Output, const Outputs& v) -> Outputs {
             const Output next = Sin(v[1]) * x[1];
             return {TensorListPushBack(v[0], next), next};
           });
       return TensorListStack(last[0], DataType::kDouble, {2});
     }},
    {.op = "StatelessWhile",
     .name = "list_read_and_written",
     .inputs = {{3, 2}, {2}},
     .build = [](const Outputs& x) -> Built {
       const Outputs last = Repeat(
           2, {TensorListFromTensor(x[0])},
           [&](Output step, const Outputs& v) -> Outputs {
             const Output a =
                 TensorListGetItem(v[0], step, DataType::kDouble, {2});
             const Output b =
                 TensorListGetItem(v[0], step + 1.0, DataType::kDouble, {2});
             return {TensorListSetItem(v[0], step + 1.0, Sin(a) * b + x[1])};
           });
       return TensorListStack(last[0], DataType::kDouble, {2}, 3);
     }},
    {.op = "StatelessWhile",
     .name = "growing_variable",
     .inputs = {{2, 2}},
     .build = [](const Outputs& x) -> Built {
       return While(
           {x[0], Const(x[0].graph(), 0)},
           [](const Outputs& v) { return Less(v[1], ScalarLike(v[1], 2)); },
           [&](const Outputs& v) -> Outputs {
             return {Concat({Sin(v[0]), x[0]}, 0), v[1] + 1.0};
           },
           {.shape_invariants = {TensorShape{-1, 2}, TensorShape{}}})[0];
     },
     .dynamic = false,
     .second_order = false},
});

Outputs PositiveSum(Output x, const BranchFn& then_fn, const BranchFn& else_fn,
                    const Outputs& inputs) {
  return Cond(Greater(Sum(x), ScalarLike(x, 0)), inputs, then_fn, else_fn);
}

const GradientRows kIfRows({
    {.op = "StatelessIf",
     .name = "both_branches",
     .inputs = {{2, 2}, {2, 2}},
     .build = [](const Outputs& x) -> Built {
       auto square = [](const Outputs& in) -> Outputs {
         return {in[0] * in[0] * in[1]};
       };
       auto sine = [](const Outputs& in) -> Outputs {
         return {Sin(in[0]) + in[1]};
       };
       const Output a = PositiveSum(x[0], square, sine, x)[0];
       const Output b = PositiveSum(-x[0], square, sine, x)[0];
       return Outputs{a, b};
     }},
    {.op = "StatelessIf",
     .name = "unused_in_one_branch",
     .inputs = {{3}, {3}},
     .build = [](const Outputs& x) -> Built {
       auto first = [](const Outputs& in) -> Outputs { return {Sin(in[0])}; };
       auto second = [](const Outputs& in) -> Outputs { return {Cos(in[1])}; };
       return PositiveSum(x[0], first, second, x)[0] *
              PositiveSum(-x[0], first, second, x)[0];
     }},
    {.op = "If",
     .name = "guarded",
     .inputs = {{3}},
     .build = [](const Outputs& x) -> Built {
       auto guarded = [](const Outputs& in) -> Outputs {
         return {Sin(Guarded(in[0]))};
       };
       auto half = [](const Outputs& in) -> Outputs { return {in[0] * 0.5}; };
       return PositiveSum(x[0], guarded, half, x)[0] *
              PositiveSum(-x[0], guarded, half, x)[0];
     }},
    {.op = "StatelessIf",
     .name = "in_a_loop",
     .inputs = {{3}, {3}},
     .build =
         [](const Outputs& x) {
           return Repeat(4, {x[0]}, [&](Output step, const Outputs& v) {
             const Output even = Equal(FloorMod(step, ScalarLike(step, 2)),
                                       ScalarLike(step, 0));
             return Cond(
                 even, {v[0]},
                 [&](const Outputs& in) -> Outputs {
                   return {Sin(in[0]) * x[1]};
                 },
                 [&](const Outputs& in) -> Outputs {
                   return {in[0] + Cos(in[0])};
                 });
           });
         }},
    {.op = "StatelessIf",
     .name = "around_a_loop",
     .inputs = {{3}, {3}},
     .build = [](const Outputs& x) -> Built {
       auto loop = [](const Outputs& in) {
         return Repeat(3, {in[0]}, [&](Output, const Outputs& v) -> Outputs {
           return {Sin(v[0]) * in[1]};
         });
       };
       auto other = [](const Outputs& in) -> Outputs {
         return {in[0] * in[1]};
       };
       return PositiveSum(x[0], loop, other, x)[0] +
              PositiveSum(-x[0], loop, other, x)[0];
     }},
    {.op = "StatelessIf",
     .name = "loop_in_branch_in_loop",
     .inputs = {{2}, {2}},
     .build =
         [](const Outputs& x) {
           return Repeat(3, {x[0]}, [&](Output step, const Outputs& v) {
             return Cond(
                 Equal(step, ScalarLike(step, 1)), {v[0]},
                 [&](const Outputs& in) {
                   return Repeat(2, {in[0]},
                                 [&](Output, const Outputs& w) -> Outputs {
                                   return {Tanh(w[0] * x[1])};
                                 });
                 },
                 [&](const Outputs& in) -> Outputs { return {in[0] * 1.5}; });
           });
         },
     .second_order = false},
});

const GradientRows kCallRows({
    {.op = "PartitionedCall",
     .inputs = {{2, 3}, {3, 2}},
     .build = [](const Outputs& x) -> Built {
       return Call(x, [](const Outputs& in) -> Outputs {
         return {Tanh(MatMul(in[0], in[1])), Sin(in[0])};
       });
     }},
    {.op = "PartitionedCall",
     .name = "with_a_loop",
     .inputs = {{3}, {3}},
     .build = [](const Outputs& x) -> Built {
       return Call({x[0]}, [&](const Outputs& in) {
         return Repeat(2, {in[0]}, [&](Output, const Outputs& v) -> Outputs {
           return {Sin(v[0]) * x[1]};
         });
       });
     }},
    {.op = "StatefulPartitionedCall",
     .inputs = {{3}},
     .build = [](const Outputs& x) -> Built {
       return Call(x, [](const Outputs& in) -> Outputs {
         return {Sin(Guarded(in[0]))};
       });
     }},
});

const GradientRows kSourceRows({
    {.op = "Identity",
     .build = [](const Outputs& x) { return Sin(Identity(x[0])); }},
    {.op = "IdentityN",
     .inputs = {{2}, {3}},
     .build = [](const Outputs& x) -> Built {
       const Outputs y = IdentityN(x);
       return Outputs{Sin(y[0]), Cos(y[1])};
     }},
    {.op = "PlaceholderWithDefault",
     .build =
         [](const Outputs& x) {
           return Sin(PlaceholderWithDefault(x[0], TensorShape::UnknownRank()));
         }},
    // Its gradient is an error, but not where none flows.
    {.op = "PreventGradient",
     .name = "beside_the_way",
     .build =
         [](const Outputs& x) {
           const Output whole = Cast(PreventGradient(x[0]), DataType::kInt32);
           return Sin(x[0]) + Cast(whole, DataType::kDouble);
         }},
    {.op = "CheckNumerics",
     .build = [](const Outputs& x) { return Sin(CheckNumerics(x[0], "x")); }},
});

}  // namespace
}  // namespace weft
