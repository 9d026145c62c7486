// Reference variables, TensorFlow's first kind, as resource variables.
//
// A reference stands in the graph as a read of its variable. Ops that change
// what it refers to become those of resource variables, and a read behind them.
#include <string>
#include <utility>
#include <vector>

#include "core/tensor_shape.h"
#include "graph/expansion.h"
#include "graph/graph.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/emit.h"
#include "ops/types.h"
#include "ops/variable.h"

namespace weft {
namespace {

// ---- Variables --------------------------------------------------------------

Outputs ExpandVariable(ExpansionContext& c) {
  const std::string& shared = c.attr<std::string>("shared_name");
  const DataType dtype = c.attr<DataType>("dtype");
  // Not within the control inputs, if it has any: a handle is no action.
  Node* handle =
      c.graph().Add("VarHandleOp", {},
                    {{"dtype", dtype},
                     {"shape", c.attr<TensorShape>("shape")},
                     {"container", c.attr<std::string>("container")},
                     {"shared_name", shared.empty() ? c.name() : shared}});
  c.SetReference(0, {handle->output(0)});
  return {ReadVariable({handle->output(0), {}}, dtype)};
}

void InferVariable(InferContext& c) {
  // Before version 1.0 a variable without a shape was written as a scalar's.
  c.SetOutput(0, c.attr<TensorShape>("shape"));
}

// ---- Changes ----------------------------------------------------------------

// The attrs of the node that `op` has, too.
AttrMap SharedAttrs(const ExpansionContext& c, const char* op) {
  AttrMap attrs;
  const OpSchema* schema = OpRegistry::Global().Find(op);
  for (const auto& [name, value] : c.attrs()) {
    const AttrSpec* spec = schema->FindAttr(name);
    if (spec != nullptr && spec->kind != AttrKind::kType)
      attrs.Set(name, value);
  }
  return attrs;
}

// `op` on the variables that the first `references` inputs refer to, and on the
// other inputs; then the first variable's value.
ExpansionFn Change(const char* op, int references) {
  return [op, references](ExpansionContext& c) -> Outputs {
    std::vector<Operand> inputs;
    // What changed the same variables before.
    std::vector<Node*> changes;
    for (int i = 0; i < c.num_inputs(); ++i) {
      const Output input = i < references ? c.handle(i) : c.in(i);
      if (!input.valid()) return {};  // A mistake has been recorded.
      inputs.emplace_back(input, SourceLocation{});
      if (i < references && c.behind(i) != nullptr)
        changes.push_back(c.behind(i));
    }
    const ControlScope in_order(c.graph(), changes);
    Node* change = c.graph().Add(op, inputs, SharedAttrs(c, op));
    const Output handle = c.handle(0);
    const ControlScope behind(c.graph(), {change});
    c.SetReference(0, {handle, change});
    return {ReadVariable({handle, {}}, c.attr<DataType>("T"))};
  };
}

void InferAssign(InferContext& c) {
  const bool checks = c.node().attrs().Find("validate_shape") == nullptr ||
                      c.attr<bool>("validate_shape");
  if (checks && !c.input(0).IsCompatibleWith(c.input(1))) {
    return c.Fail("value is ", c.input(1).ToString(), " but the variable is ",
                  c.input(0).ToString());
  }
  c.SetOutput(0, c.input(0));
}

}  // namespace

#define WEFT_REF_VARIABLE_OP(name)             \
  WEFT_OP(name)                                \
      .Output("ref: dtype")                    \
      .RequiredAttr("shape", AttrKind::kShape) \
      .Type("dtype")                           \
      .Attr("container", "")                   \
      .Attr("shared_name", "")                 \
      .Stateful()                              \
      .Infer(InferVariable)                    \
      .NotDifferentiable()                     \
      .NoKernel(kExpanded)

WEFT_REF_VARIABLE_OP(Variable);
WEFT_REF_VARIABLE_OP(VariableV2);
WEFT_EXPANSION(Variable, ExpandVariable);
WEFT_EXPANSION(VariableV2, ExpandVariable);

WEFT_OP(IsVariableInitialized)
    .Input("ref: dtype")
    .Output("is_initialized: bool")
    .Type("dtype")
    .Stateful()
    .Infer(infer::Scalar)
    .NotDifferentiable()
    .NoKernel(kExpanded);
WEFT_EXPANSION(IsVariableInitialized, [](ExpansionContext& c) -> Outputs {
  const Output handle = c.handle(0);
  if (!handle.valid()) return {};
  return {Emit("VarIsInitializedOp", {Operand(handle, SourceLocation{})})};
});

WEFT_OP(RefIdentity)
    .Input("input: T")
    .Output("output: T")
    .Type("T")
    .Infer(infer::SameAsInput)
    .NotDifferentiable()
    .NoKernel(kExpanded);
WEFT_EXPANSION(RefIdentity, [](ExpansionContext& c) -> Outputs {
  const Output handle = c.handle(0);
  if (!handle.valid()) return {};
  c.SetReference(0, {handle, c.behind(0)});
  return {c.in(0)};
});

// An op that changes the variables behind its first inputs.
#define WEFT_REF_OP(name, resource_op, references)                        \
  WEFT_EXPANSION(name, Change(#resource_op, references));                 \
  WEFT_OP(name).Stateful().NotDifferentiable().NoKernel(kExpanded).Infer( \
      infer::SameAsInput)

WEFT_REF_OP(Assign, AssignVariableOp, 1)
    .Input("ref: T")
    .Input("value: T")
    .Output("output_ref: T")
    .Type("T")
    .Attr("validate_shape", true)
    .Attr("use_locking", true)
    .Infer(InferAssign);

#define WEFT_REF_UPDATE_OP(name, resource_op) \
  WEFT_REF_OP(name, resource_op, 1)           \
      .Input("ref: T")                        \
      .Input("value: T")                      \
      .Output("output_ref: T")                \
      .Type("T", types::NativeNumbers())      \
      .Attr("use_locking", false)             \
      .Infer(InferAssign)
WEFT_REF_UPDATE_OP(AssignAdd, AssignAddVariableOp);
WEFT_REF_UPDATE_OP(AssignSub, AssignSubVariableOp);

#define WEFT_REF_SCATTER_OP(name, resource_op, locking) \
  WEFT_REF_OP(name, resource_op, 1)                     \
      .Input("ref: T")                                  \
      .Input("indices: Tindices")                       \
      .Input("updates: T")                              \
      .Output("output_ref: T")                          \
      .Type("T", types::NativeNumbers())                \
      .Type("Tindices", types::Integers())              \
      .Attr("use_locking", locking)
WEFT_REF_SCATTER_OP(ScatterAdd, ResourceScatterAdd, false);
WEFT_REF_SCATTER_OP(ScatterSub, ResourceScatterSub, false);
WEFT_REF_SCATTER_OP(ScatterUpdate, ResourceScatterUpdate, true);

// ---- Steps of optimizers ----------------------------------------------------

#define WEFT_REF_APPLY_OP(name, references)     \
  WEFT_REF_OP(name, Resource##name, references) \
      .Output("out: T")                         \
      .Type("T", types::NativeFloats())         \
      .Attr("use_locking", false)

WEFT_REF_APPLY_OP(ApplyGradientDescent, 1)
    .Input("var: T")
    .Input("alpha: T")
    .Input("delta: T");

WEFT_REF_APPLY_OP(ApplyMomentum, 2)
    .Input("var: T")
    .Input("accum: T")
    .Input("lr: T")
    .Input("grad: T")
    .Input("momentum: T")
    .Attr("use_nesterov", false);

WEFT_REF_APPLY_OP(ApplyAdam, 3)
    .Input("var: T")
    .Input("m: T")
    .Input("v: T")
    .Input("beta1_power: T")
    .Input("beta2_power: T")
    .Input("lr: T")
    .Input("beta1: T")
    .Input("beta2: T")
    .Input("epsilon: T")
    .Input("grad: T")
    .Attr("use_nesterov", false);

WEFT_REF_APPLY_OP(ApplyRMSProp, 3)
    .Input("var: T")
    .Input("ms: T")
    .Input("mom: T")
    .Input("lr: T")
    .Input("rho: T")
    .Input("momentum: T")
    .Input("epsilon: T")
    .Input("grad: T");

WEFT_REF_APPLY_OP(ApplyCenteredRMSProp, 4)
    .Input("var: T")
    .Input("mg: T")
    .Input("ms: T")
    .Input("mom: T")
    .Input("lr: T")
    .Input("rho: T")
    .Input("momentum: T")
    .Input("epsilon: T")
    .Input("grad: T");

WEFT_REF_APPLY_OP(ApplyAdagrad, 2)
    .Input("var: T")
    .Input("accum: T")
    .Input("lr: T")
    .Input("grad: T")
    .Attr("update_slots", true);

WEFT_REF_APPLY_OP(ApplyAdadelta, 3)
    .Input("var: T")
    .Input("accum: T")
    .Input("accum_update: T")
    .Input("lr: T")
    .Input("rho: T")
    .Input("epsilon: T")
    .Input("grad: T");

}  // namespace weft
