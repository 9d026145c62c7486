// Loops, conditionals and calls.
//
//   Output n = Const(g, 10);
//   Outputs last = While({Const(g, 0), x},
//                        [&](const Outputs& v) { return Less(v[0], n); },
//                        [&](const Outputs& v) -> Outputs {
//                          Output next = Tanh(MatMul(v[1], w));
//                          return {v[0] + 1, next};
//                        });
//
// The functions are called once each, to build a body: a graph of its own,
// whose arguments they are given. What is computed from an argument is part of
// the body; outer Outputs (`n`, `w`) may be used beside it and are captured.
// What is computed from outer Outputs alone stays outside.
#ifndef WEFT_OPS_CONTROL_FLOW_H_
#define WEFT_OPS_CONTROL_FLOW_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor_shape.h"
#include "graph/graph.h"
#include "graph/output.h"

namespace weft {

using CondFn = std::function<Output(const Outputs& vars)>;
using BodyFn = std::function<Outputs(const Outputs& vars)>;

struct WhileOptions {
  std::optional<int64_t> max_iterations = {};  // The loop ends after so many.
  // What is known of the variables' shapes in every iteration: one shape per
  // variable, less specific than the initial one where a dim changes. Empty:
  // the initial shapes.
  std::vector<TensorShape> shape_invariants = {};
  int64_t parallel_iterations = 10;  // For TensorFlow; weft has no use for it.
  std::string name = "while";
};

// The final values of `initial` after
//
//   while (cond(vars)) vars = body(vars);
//
// `cond` returns a scalar bool; `body` returns one value per variable, of the
// same type and shape. Both are called once, to build the loop, and may use
// any outer Output. Fails the graph if a variable changes its type or shape.
Outputs While(const Operands& initial, const CondFn& cond, const BodyFn& body,
              const WhileOptions& options = {});

// Gets the branch's arguments, which stand for the inputs of Cond.
using BranchFn = std::function<Outputs(const Outputs& inputs)>;

struct CondOptions {
  std::string name = "cond";
};

// then_fn(inputs) if the scalar bool `pred` is true, else else_fn(inputs); the
// other is not computed. Both return as many values, of the same types; dims in
// which they differ are unknown in the result. Fails the graph otherwise.
Outputs Cond(Operand pred, const Operands& inputs, const BranchFn& then_fn,
             const BranchFn& else_fn, const CondOptions& options = {});
// Without inputs: the functions choose among outer Outputs, or make constants.
Outputs Cond(Operand pred, const std::function<Outputs()>& then_fn,
             const std::function<Outputs()>& else_fn,
             const CondOptions& options = {});

struct CallOptions {
  std::string name = "PartitionedCall";
};

// fn(inputs), as a function of its own in the file.
Outputs Call(const Operands& inputs, const BodyFn& fn,
             const CallOptions& options = {});

}  // namespace weft

#endif  // WEFT_OPS_CONTROL_FLOW_H_
