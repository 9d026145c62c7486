// The steps of the optimizers, each one op that changes variables in place.
//
// Scalars (`lr`, ...) and `grad` have the variable's dtype; `grad` and slots
// have its shape. The change is made when the run ends well.
#ifndef WEFT_OPS_TRAINING_H_
#define WEFT_OPS_TRAINING_H_

#include <string>

#include "graph/output.h"
#include "ops/variable.h"

namespace weft {

struct ResourceApplyGradientDescentOptions {
  std::string name = "ResourceApplyGradientDescent";
};

// var -= alpha * delta
Node* ResourceApplyGradientDescent(
    const Variable& var, Operand alpha, Operand delta,
    const ResourceApplyGradientDescentOptions& options = {});

struct ResourceApplyMomentumOptions {
  bool use_nesterov = false;
  std::string name = "ResourceApplyMomentum";
};

// accum = momentum * accum + grad
// var -= lr * accum                      or, with Nesterov's correction,
// var -= lr * (grad + momentum * accum)
Node* ResourceApplyMomentum(const Variable& var, const Variable& accum,
                            Operand lr, Operand grad, Operand momentum,
                            const ResourceApplyMomentumOptions& options = {});

// The scalars of Adam (Kingma and Ba, 2014); beta1_power = beta1^t in step t.
struct AdamScalars {
  Output beta1_power;
  Output beta2_power;
  Output lr;
  Output beta1;
  Output beta2;
  Output epsilon;
};

struct ResourceApplyAdamOptions {
  bool use_nesterov = false;
  std::string name = "ResourceApplyAdam";
};

// lr_t = lr * sqrt(1 - beta2_power) / (1 - beta1_power)
// m += (1 - beta1) * (grad - m)
// v += (1 - beta2) * (grad^2 - v)
// var -= lr_t * m / (sqrt(v) + epsilon)
// With Nesterov's correction beta1 * m + (1 - beta1) * grad stands for m in the
// last line.
Node* ResourceApplyAdam(const Variable& var, const Variable& m,
                        const Variable& v, const AdamScalars& scalars,
                        Operand grad,
                        const ResourceApplyAdamOptions& options = {});

struct ResourceApplyRMSPropOptions {
  std::string name = "ResourceApplyRMSProp";
};

// ms += (1 - rho) * (grad^2 - ms)
// mom = momentum * mom + lr * grad / sqrt(ms + epsilon)
// var -= mom
Node* ResourceApplyRMSProp(const Variable& var, const Variable& ms,
                           const Variable& mom, Operand lr, Operand rho,
                           Operand momentum, Operand epsilon, Operand grad,
                           const ResourceApplyRMSPropOptions& options = {});

struct ResourceApplyAdagradOptions {
  bool update_slots = true;  // False: accum stays as it is.
  std::string name = "ResourceApplyAdagrad";
};

// accum += grad^2
// var -= lr * grad / sqrt(accum)
Node* ResourceApplyAdagrad(const Variable& var, const Variable& accum,
                           Operand lr, Operand grad,
                           const ResourceApplyAdagradOptions& options = {});

}  // namespace weft

#endif  // WEFT_OPS_TRAINING_H_
