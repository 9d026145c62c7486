// Activations and the ops that their gradients are made of.
#include "graph/graph.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/same_shape.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {

WEFT_OP(Sigmoid)
    .Input("x: T")
    .Output("y: T")
    .Type("T", types::Floats())
    .Pointwise("sigmoid")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {SigmoidGrad(g.out(0), g.dy())};
    });

WEFT_OP(Tanh)
    .Input("x: T")
    .Output("y: T")
    .Type("T", types::Floats())
    .Pointwise("tanh")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {TanhGrad(g.out(0), g.dy())};
    });

#define WEFT_ACTIVATION_OP(name, micro_op) \
  WEFT_OP(name)                            \
      .Input("features: T")                \
      .Output("activations: T")            \
      .Pointwise(micro_op)                 \
      .Infer(infer::SameAsInput)           \
      .Type("T", types::Floats())

WEFT_ACTIVATION_OP(Relu, "relu").Gradient([](const GradContext& g) -> Outputs {
  return {ReluGrad(g.dy(), g.out(0))};
});

WEFT_ACTIVATION_OP(Relu6, "relu6")
    .Gradient([](const GradContext& g) -> Outputs {
      return {Relu6Grad(g.dy(), g.out(0))};
    });

WEFT_ACTIVATION_OP(Elu, "elu").Gradient([](const GradContext& g) -> Outputs {
  return {EluGrad(g.dy(), g.out(0))};
});

WEFT_ACTIVATION_OP(Selu, "selu").Gradient([](const GradContext& g) -> Outputs {
  return {SeluGrad(g.dy(), g.out(0))};
});

WEFT_ACTIVATION_OP(Softplus, "softplus")
    .Gradient([](const GradContext& g) -> Outputs {
      return {SoftplusGrad(g.dy(), g.in(0))};
    });

WEFT_ACTIVATION_OP(Softsign, "softsign")
    .Gradient([](const GradContext& g) -> Outputs {
      return {SoftsignGrad(g.dy(), g.in(0))};
    });

WEFT_OP(LeakyRelu)
    .Input("features: T")
    .Output("activations: T")
    .Attr("alpha", 0.2f)
    .Type("T", types::Floats(), DataType::kFloat)
    .Pointwise("leaky_relu")
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      return {
          LeakyReluGrad(g.dy(), g.in(0), {.alpha = g.attr<float>("alpha")})};
    });

// ---- Gradients as ops of their own ------------------------------------------

WEFT_OP(TanhGrad)
    .Input("y: T")
    .Input("dy: T")
    .Output("z: T")
    .Type("T", types::Floats())
    .Pointwise("tanh_grad")
    .Infer(infer::SameShapes)
    .Gradient([](const GradContext& g) -> Outputs {
      // z = dy (1 - y^2)
      return {g.dy() * g.in(1) * g.in(0) * -2.0, TanhGrad(g.in(0), g.dy())};
    });

WEFT_OP(SigmoidGrad)
    .Input("y: T")
    .Input("dy: T")
    .Output("z: T")
    .Type("T", types::Floats())
    .Pointwise("sigmoid_grad")
    .Infer(infer::SameShapes)
    .Gradient([](const GradContext& g) -> Outputs {
      // z = dy y (1 - y)
      return {g.dy() * g.in(1) * (1.0 - g.in(0) * 2.0),
              SigmoidGrad(g.in(0), g.dy())};
    });

#define WEFT_ACTIVATION_GRAD_OP(name, second, micro_op) \
  WEFT_OP(name)                                         \
      .Input("gradients: T")                            \
      .Input(second ": T")                              \
      .Output("backprops: T")                           \
      .Pointwise(micro_op)                              \
      .Infer(infer::SameShapes)                         \
      .Type("T", types::Floats())

WEFT_ACTIVATION_GRAD_OP(ReluGrad, "features", "relu_grad")
    .Gradient([](const GradContext& g) -> Outputs {
      return {ReluGrad(g.dy(), g.in(1)), Output()};
    });

WEFT_ACTIVATION_GRAD_OP(Relu6Grad, "features", "relu6_grad")
    .Gradient([](const GradContext& g) -> Outputs {
      return {Relu6Grad(g.dy(), g.in(1)), Output()};
    });

namespace {

// z = gradients where outputs > 0, else gradients * (outputs + a constant).
Output SlopeInOutputs(const GradContext& g) {
  const Output zeros = ZerosLike(g.in(1));
  return Select(Less(g.in(1), zeros), g.dy() * g.in(0), zeros);
}

}  // namespace

WEFT_ACTIVATION_GRAD_OP(EluGrad, "outputs", "elu_grad")
    .Gradient([](const GradContext& g) -> Outputs {
      return {EluGrad(g.dy(), g.in(1)), SlopeInOutputs(g)};
    });

WEFT_ACTIVATION_GRAD_OP(SeluGrad, "outputs", "selu_grad")
    .Gradient([](const GradContext& g) -> Outputs {
      return {SeluGrad(g.dy(), g.in(1)), SlopeInOutputs(g)};
    });

WEFT_ACTIVATION_GRAD_OP(SoftplusGrad, "features", "softplus_grad")
    .Gradient([](const GradContext& g) -> Outputs {
      // z = gradients * Sigmoid(features)
      const Output slope = SigmoidGrad(Sigmoid(g.in(1)), g.in(0));
      return {SoftplusGrad(g.dy(), g.in(1)), g.dy() * slope};
    });

WEFT_ACTIVATION_GRAD_OP(SoftsignGrad, "features", "softsign_grad")
    .Gradient([](const GradContext& g) -> Outputs {
      // z = gradients / (1 + |features|)^2
      const Output slope =
          g.out(0) * Sign(g.in(1)) / (Abs(g.in(1)) + 1.0) * -2.0;
      return {SoftsignGrad(g.dy(), g.in(1)), g.dy() * slope};
    });

WEFT_OP(LeakyReluGrad)
    .Input("gradients: T")
    .Input("features: T")
    .Output("backprops: T")
    .Attr("alpha", 0.2f)
    .Type("T", types::Floats(), DataType::kFloat)
    .Pointwise("leaky_relu_grad")
    .Infer(infer::SameShapes)
    .Gradient([](const GradContext& g) -> Outputs {
      return {LeakyReluGrad(g.dy(), g.in(1), {.alpha = g.attr<float>("alpha")}),
              Output()};
    });

// ---- Functions -------------------------------------------------------------

#define WEFT_ACTIVATION_FUNCTION(name)                  \
  Output name(Operand x, absl::string_view node_name) { \
    return Emit(#name, {x}, {}, node_name);             \
  }
#define WEFT_ACTIVATION_GRAD_FUNCTION(name)                        \
  Output name(Operand a, Operand b, absl::string_view node_name) { \
    return Emit(#name, {a, b}, {}, node_name);                     \
  }

WEFT_ACTIVATION_FUNCTION(Sigmoid)
WEFT_ACTIVATION_FUNCTION(Tanh)
WEFT_ACTIVATION_FUNCTION(Relu)
WEFT_ACTIVATION_FUNCTION(Relu6)
WEFT_ACTIVATION_FUNCTION(Elu)
WEFT_ACTIVATION_FUNCTION(Selu)
WEFT_ACTIVATION_FUNCTION(Softplus)
WEFT_ACTIVATION_FUNCTION(Softsign)
WEFT_ACTIVATION_GRAD_FUNCTION(TanhGrad)
WEFT_ACTIVATION_GRAD_FUNCTION(SigmoidGrad)
WEFT_ACTIVATION_GRAD_FUNCTION(ReluGrad)
WEFT_ACTIVATION_GRAD_FUNCTION(Relu6Grad)
WEFT_ACTIVATION_GRAD_FUNCTION(EluGrad)
WEFT_ACTIVATION_GRAD_FUNCTION(SeluGrad)
WEFT_ACTIVATION_GRAD_FUNCTION(SoftplusGrad)
WEFT_ACTIVATION_GRAD_FUNCTION(SoftsignGrad)

Output LeakyRelu(Operand features, const LeakyReluOptions& options) {
  return Emit("LeakyRelu", {features}, {{"alpha", options.alpha}},
              options.name);
}

Output LeakyReluGrad(Operand gradients, Operand features,
                     const LeakyReluOptions& options) {
  return Emit("LeakyReluGrad", {gradients, features},
              {{"alpha", options.alpha}}, options.name);
}

Output HardSigmoid(Operand x) {
  const LocationScope location(x);
  return Minimum(Maximum(x * 0.2 + 0.5, ScalarLike(x, 0)), ScalarLike(x, 1));
}

}  // namespace weft
