// Steps of optimizers with averages of the gradient: centred RMSProp, Adadelta.
#include "graph/op.h"
#include "ops/infer_apply.h"
#include "ops/types.h"

namespace weft {

WEFT_OP(ResourceApplyCenteredRMSProp)
    .Input("var: resource")
    .Input("mg: resource")
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
    .UpdatesVariable(3)
    .Infer([](InferContext& c) { infer::Apply(c, 4, 8); })
    .NotDifferentiable();

WEFT_OP(ResourceApplyAdadelta)
    .Input("var: resource")
    .Input("accum: resource")
    .Input("accum_update: resource")
    .Input("lr: T")
    .Input("rho: T")
    .Input("epsilon: T")
    .Input("grad: T")
    .Type("T", types::NativeFloats())
    .Attr("use_locking", false)
    .UpdatesVariable(0)
    .UpdatesVariable(1)
    .UpdatesVariable(2)
    .Infer([](InferContext& c) { infer::Apply(c, 3, 6); })
    .NotDifferentiable();

}  // namespace weft
