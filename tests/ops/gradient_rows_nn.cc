#include "ops/math.h"
#include "ops/nn.h"
#include "ops/source.h"
#include "tests/testing/gradient_check.h"

namespace weft {
namespace {

using Xs = const Outputs&;

const std::vector<TensorShape> kTwo = {{2, 3}, {2, 3}};

Output Labels(Xs x) { return Const<int32_t>(x[0].graph(), {2}, {2, 0}); }

// Rows that sum to 1, as the second result of a cross entropy expects.
Output Distribution(Output x) { return Softmax(x); }

Outputs Both(const CrossEntropy& entropy) {
  return {entropy.loss, entropy.backprop};
}

const GradientRows kActivationRows({
    {.op = "Sigmoid", .build = [](Xs x) { return Sigmoid(x[0]); }},
    {.op = "Tanh", .build = [](Xs x) { return Tanh(x[0]); }},
    {.op = "Relu",
     .away_from_zero = 0.1,
     .build = [](Xs x) { return Relu(x[0]); }},
    {.op = "Relu6",
     .away_from_zero = 0.1,
     .build = [](Xs x) { return Relu6(x[0] * 20.0); },
     .tolerance = 1e-5},
    {.op = "LeakyRelu",
     .away_from_zero = 0.1,
     .build = [](Xs x) { return LeakyRelu(x[0], {.alpha = 0.5f}); }},
    {.op = "Elu",
     .away_from_zero = 0.1,
     .build = [](Xs x) { return Elu(x[0]); }},
    {.op = "Selu",
     .away_from_zero = 0.1,
     .build = [](Xs x) { return Selu(x[0]); }},
    {.op = "Softplus", .build = [](Xs x) { return Softplus(x[0]); }},
    {.op = "Softsign",
     .away_from_zero = 0.1,
     .build = [](Xs x) { return Softsign(x[0]); }},
});

const GradientRows kActivationGradRows({
    {.op = "TanhGrad",
     .inputs = kTwo,
     .build = [](Xs x) { return TanhGrad(x[0], x[1]); }},
    {.op = "SigmoidGrad",
     .inputs = kTwo,
     .build = [](Xs x) { return SigmoidGrad(x[0], x[1]); }},
    {.op = "ReluGrad",
     .inputs = kTwo,
     .away_from_zero = 0.1,
     .build = [](Xs x) { return ReluGrad(x[0], x[1]); }},
    {.op = "Relu6Grad",
     .inputs = kTwo,
     .away_from_zero = 0.1,
     .build = [](Xs x) { return Relu6Grad(x[0], x[1] * 20.0); }},
    {.op = "LeakyReluGrad",
     .inputs = kTwo,
     .away_from_zero = 0.1,
     .build = [](Xs x) { return LeakyReluGrad(x[0], x[1], {.alpha = 0.5f}); }},
    {.op = "EluGrad",
     .inputs = kTwo,
     .away_from_zero = 0.1,
     .build = [](Xs x) { return EluGrad(x[0], x[1]); }},
    {.op = "SeluGrad",
     .inputs = kTwo,
     .away_from_zero = 0.1,
     .build = [](Xs x) { return SeluGrad(x[0], x[1]); }},
    {.op = "SoftplusGrad",
     .inputs = kTwo,
     .build = [](Xs x) { return SoftplusGrad(x[0], x[1]); }},
    {.op = "SoftsignGrad",
     .inputs = kTwo,
     .away_from_zero = 0.1,
     .build = [](Xs x) { return SoftsignGrad(x[0], x[1]); }},
});

const GradientRows kHeadRows({
    {.op = "Softmax",
     .inputs = {{2, 3, 4}},
     .build = [](Xs x) { return Softmax(x[0]); }},
    {.op = "LogSoftmax",
     .inputs = {{2, 4}},
     .build = [](Xs x) { return LogSoftmax(x[0]); }},
    {.op = "BiasAdd",
     .inputs = {{2, 4, 3}, {3}},
     .build = [](Xs x) { return BiasAdd(x[0], x[1]); }},
    {.op = "BiasAdd",
     .name = "NCHW",
     .inputs = {{2, 3, 4, 2}, {3}},
     .build =
         [](Xs x) { return BiasAdd(x[0], x[1], {.data_format = "NCHW"}); }},
    {.op = "BiasAddGrad",
     .inputs = {{2, 4, 3}},
     .build = [](Xs x) { return BiasAddGrad(x[0]); }},
    {.op = "BiasAddGrad",
     .name = "NCHW",
     .inputs = {{2, 3, 4, 2}},
     .build = [](Xs x) { return BiasAddGrad(x[0], {.data_format = "NCHW"}); }},
    {.op = "L2Loss", .build = [](Xs x) { return L2Loss(x[0]); }},
    {.op = "SparseSoftmaxCrossEntropyWithLogits",
     .inputs = {{2, 3}},
     .build =
         [](Xs x) {
           return SparseSoftmaxCrossEntropyWithLogits(x[0], Labels(x)).loss;
         }},
    {.op = "SparseSoftmaxCrossEntropyWithLogits",
     .name = "both",
     .inputs = {{2, 3}},
     .build =
         [](Xs x) {
           return Both(SparseSoftmaxCrossEntropyWithLogits(x[0], Labels(x)));
         }},
    {.op = "SoftmaxCrossEntropyWithLogits",
     .inputs = kTwo,
     .build =
         [](Xs x) {
           return SoftmaxCrossEntropyWithLogits(x[0], Distribution(x[1])).loss;
         }},
    {.op = "SoftmaxCrossEntropyWithLogits",
     .name = "both",
     .inputs = kTwo,
     .build =
         [](Xs x) {
           return Both(SoftmaxCrossEntropyWithLogits(x[0], Distribution(x[1])));
         }},
    {.op = "SoftmaxCrossEntropyWithLogits",
     .name = "broadcast",
     .inputs = {{4, 3}, {1, 3}},
     .build =
         [](Xs x) {
           return SoftmaxCrossEntropyWithLogits(x[0], Distribution(x[1])).loss;
         }},
    {.op = "TopKV2",
     .inputs = {{2, 5}},
     .build = [](Xs x) { return TopKV2(x[0], 3).values; }},
});

}  // namespace
}  // namespace weft
