// Rows of the gradient table: reads of variables. As the table's functions are
// of placeholders, these are gradients with respect to a variable as functions
// of x. That such gradients have the right values is tested in
// variable_test.cc.
#include "graph/graph.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "tests/testing/gradient_check.h"

namespace weft {
namespace {

// A variable of the graph of `x`, and the node that gives it its value.
struct Assigned {
  Variable variable;
  Node* assign;
};

Assigned MakeVariable(Output x) {
  Graph& g = x.graph();
  const Variable v(g, {.name = "v", .shape = {3}, .dtype = DataType::kDouble});
  return {v, Assign(v, Const<double>(g, {3}, {0.5, -0.25, 0.75}))};
}

const GradientRows kRows({
    {.op = "ReadVariableOp",
     .inputs = {{3}},
     .build = [](const Outputs& x) -> Built {
       const Assigned v = MakeVariable(x[0]);
       ControlScope scope(x[0].graph(), {v.assign});
       const Output read = ReadVariable(v.variable.handle(), DataType::kDouble);
       return Gradients({Sin(read * x[0])}, {v.variable.handle()})[0];
     },
     .dynamic = false},
    {.op = "ResourceGather",
     .inputs = {{4}},
     .build = [](const Outputs& x) -> Built {
       const Assigned v = MakeVariable(x[0]);
       ControlScope scope(x[0].graph(), {v.assign});
       const Output rows =
           ResourceGather(v.variable, Const(x[0].graph(), {2, 0, 0, 1}));
       return Gradients({Sin(rows * x[0])}, {v.variable.handle()})[0];
     },
     .dynamic = false},
});

}  // namespace
}  // namespace weft
