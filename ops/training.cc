#include "ops/training.h"

#include <vector>

#include "core/status.h"
#include "graph/op.h"
#include "ops/emit.h"
#include "ops/infer_apply.h"
#include "ops/types.h"

namespace weft {
namespace {

WEFT_OP(ResourceApplyGradientDescent)
    .Input("var: resource")
    .Input("alpha: T")
    .Input("delta: T")
    .Type("T", types::NativeFloats())
    .Attr("use_locking", false)
    .UpdatesVariable(0)
    .Infer([](InferContext& c) { infer::Apply(c, 1, 2); })
    .NotDifferentiable();

WEFT_OP(ResourceApplyMomentum)
    .Input("var: resource")
    .Input("accum: resource")
    .Input("lr: T")
    .Input("grad: T")
    .Input("momentum: T")
    .Type("T", types::NativeFloats())
    .Attr("use_locking", false)
    .Attr("use_nesterov", false)
    .UpdatesVariable(0)
    .UpdatesVariable(1)
    .Infer([](InferContext& c) { infer::Apply(c, 2, 3); })
    .NotDifferentiable();

WEFT_OP(ResourceApplyAdam)
    .Input("var: resource")
    .Input("m: resource")
    .Input("v: resource")
    .Input("beta1_power: T")
    .Input("beta2_power: T")
    .Input("lr: T")
    .Input("beta1: T")
    .Input("beta2: T")
    .Input("epsilon: T")
    .Input("grad: T")
    .Type("T", types::NativeFloats())
    .Attr("use_locking", false)
    .Attr("use_nesterov", false)
    .UpdatesVariable(0)
    .UpdatesVariable(1)
    .UpdatesVariable(2)
    .Infer([](InferContext& c) { infer::Apply(c, 3, 9); })
    .NotDifferentiable();

WEFT_OP(ResourceApplyRMSProp)
    .Input("var: resource")
    .Input("ms: resource")
    .Input("mom: resource")
    .Input("lr: T")
    .Input("rho: T")
    .Input("momentum: T")
    .Input("epsilon: T")
    .Input("grad: T")
    .Type("T", types::NativeFloats())
    .Attr("use_locking", false)
    .UpdatesVariable(0)
    .UpdatesVariable(1)
    .UpdatesVariable(2)
    .Infer([](InferContext& c) { infer::Apply(c, 3, 7); })
    .NotDifferentiable();

WEFT_OP(ResourceApplyAdagrad)
    .Input("var: resource")
    .Input("accum: resource")
    .Input("lr: T")
    .Input("grad: T")
    .Type("T", types::NativeFloats())
    .Attr("use_locking", false)
    .Attr("update_slots", true)
    .UpdatesVariable(0)
    .UpdatesVariable(1)
    .Infer([](InferContext& c) { infer::Apply(c, 2, 3); })
    .NotDifferentiable();

// The handles of `vars`, reported from the line of `at`.
std::vector<Operand> Handles(const std::vector<const Variable*>& vars,
                             const Operand& at) {
  std::vector<Operand> handles;
  for (const Variable* var : vars)
    handles.emplace_back(var->handle(), at.location);
  return handles;
}

}  // namespace

Node* ResourceApplyGradientDescent(
    const Variable& var, Operand alpha, Operand delta,
    const ResourceApplyGradientDescentOptions& options) {
  std::vector<Operand> inputs = Handles({&var}, delta);
  inputs.insert(inputs.end(), {alpha, delta});
  return EmitNode("ResourceApplyGradientDescent", inputs, {}, options.name);
}

Node* ResourceApplyMomentum(const Variable& var, const Variable& accum,
                            Operand lr, Operand grad, Operand momentum,
                            const ResourceApplyMomentumOptions& options) {
  std::vector<Operand> inputs = Handles({&var, &accum}, grad);
  inputs.insert(inputs.end(), {lr, grad, momentum});
  return EmitNode("ResourceApplyMomentum", inputs,
                  {{"use_nesterov", options.use_nesterov}}, options.name);
}

Node* ResourceApplyAdam(const Variable& var, const Variable& m,
                        const Variable& v, const AdamScalars& scalars,
                        Operand grad, const ResourceApplyAdamOptions& options) {
  std::vector<Operand> inputs = Handles({&var, &m, &v}, grad);
  for (Output scalar : {scalars.beta1_power, scalars.beta2_power, scalars.lr,
                        scalars.beta1, scalars.beta2, scalars.epsilon}) {
    inputs.emplace_back(scalar, grad.location);
  }
  inputs.push_back(grad);
  return EmitNode("ResourceApplyAdam", inputs,
                  {{"use_nesterov", options.use_nesterov}}, options.name);
}

Node* ResourceApplyRMSProp(const Variable& var, const Variable& ms,
                           const Variable& mom, Operand lr, Operand rho,
                           Operand momentum, Operand epsilon, Operand grad,
                           const ResourceApplyRMSPropOptions& options) {
  std::vector<Operand> inputs = Handles({&var, &ms, &mom}, grad);
  inputs.insert(inputs.end(), {lr, rho, momentum, epsilon, grad});
  return EmitNode("ResourceApplyRMSProp", inputs, {}, options.name);
}

Node* ResourceApplyAdagrad(const Variable& var, const Variable& accum,
                           Operand lr, Operand grad,
                           const ResourceApplyAdagradOptions& options) {
  std::vector<Operand> inputs = Handles({&var, &accum}, grad);
  inputs.insert(inputs.end(), {lr, grad});
  return EmitNode("ResourceApplyAdagrad", inputs,
                  {{"update_slots", options.update_slots}}, options.name);
}

}  // namespace weft
