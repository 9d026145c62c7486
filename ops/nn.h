// Activations, softmax, cross entropies and what stands at a network's head.
#ifndef WEFT_OPS_NN_H_
#define WEFT_OPS_NN_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "core/data_type.h"
#include "graph/output.h"

namespace weft {

// ---- Activations: elementwise, any shape, floating types -------------------

// 1 / (1 + e^-x).
Output Sigmoid(Operand x, absl::string_view name = {});
Output Tanh(Operand x, absl::string_view name = {});
// max(x, 0); NaN stays.
Output Relu(Operand features, absl::string_view name = {});
// min(max(x, 0), 6).
Output Relu6(Operand features, absl::string_view name = {});

struct LeakyReluOptions {
  float alpha = 0.2f;  // The slope for x < 0.
  std::string name = {};
};

// x where x > 0, else alpha * x.
Output LeakyRelu(Operand features, const LeakyReluOptions& options = {});
// x where x > 0, else e^x - 1.
Output Elu(Operand features, absl::string_view name = {});
// scale * (x where x > 0, else alpha * (e^x - 1)), with the constants for which
// activations normalise themselves (Klambauer et al., 2017).
Output Selu(Operand features, absl::string_view name = {});
// log(1 + e^x).
Output Softplus(Operand features, absl::string_view name = {});
// x / (1 + |x|).
Output Softsign(Operand features, absl::string_view name = {});
// Keras' piecewise linear sigmoid: 0.2 * x + 0.5, clipped to [0, 1].
Output HardSigmoid(Operand x);

// ---- Along the last axis ---------------------------------------------------

// e^x / sum(e^x) along the last axis.
Output Softmax(Operand logits, absl::string_view name = {});
Output LogSoftmax(Operand logits, absl::string_view name = {});

struct BiasAddOptions {
  // "NHWC": bias belongs to the last axis; "NCHW": to axis 1.
  std::string data_format = "NHWC";
  std::string name = {};
};

// `value` [batch, ..., units] plus `bias` [units].
Output BiasAdd(Operand value, Operand bias, const BiasAddOptions& options = {});

// ---- Losses ----------------------------------------------------------------

// Sum(t^2) / 2: a scalar.
Output L2Loss(Operand t, absl::string_view name = {});

struct CrossEntropy {
  Output loss;  // [batch].
  Output
      backprop;  // [batch, classes]: its gradient with respect to the logits.
};

// Of features [batch, classes] and integer labels [batch]: log(sum(e^x)) - x
// of the label. A run fails if a label is not in [0, classes).
CrossEntropy SparseSoftmaxCrossEntropyWithLogits(Operand features,
                                                 Operand labels,
                                                 absl::string_view name = {});
// Of features and label distributions [batch, classes], which broadcast.
CrossEntropy SoftmaxCrossEntropyWithLogits(Operand features, Operand labels,
                                           absl::string_view name = {});

// ---- The largest -----------------------------------------------------------

struct ArgOptions {
  DataType output_type = DataType::kInt64;  // Or kInt32.
  std::string name = {};
};

// The index of the largest (smallest) along an axis, a scalar; the first of
// those that are equal. The axis is removed.
Output ArgMax(Operand input, Operand dimension, const ArgOptions& options = {});
Output ArgMax(Operand input, int dimension, const ArgOptions& options = {});
Output ArgMin(Operand input, Operand dimension, const ArgOptions& options = {});
Output ArgMin(Operand input, int dimension, const ArgOptions& options = {});

struct TopK {
  Output values;   // [..., k], largest first.
  Output indices;  // [..., k], int32.
};

struct TopKV2Options {
  bool sorted = true;
  std::string name = {};
};

// The k largest along the last axis; of equal ones the first come first.
TopK TopKV2(Operand input, Operand k, const TopKV2Options& options = {});
TopK TopKV2(Operand input, int k, const TopKV2Options& options = {});

// ---- For gradients ---------------------------------------------------------

// From the result y and its gradient dy.
Output TanhGrad(Operand y, Operand dy, absl::string_view name = {});
Output SigmoidGrad(Operand y, Operand dy, absl::string_view name = {});
// From the gradient and the features.
Output ReluGrad(Operand gradients, Operand features,
                absl::string_view name = {});
Output Relu6Grad(Operand gradients, Operand features,
                 absl::string_view name = {});
Output LeakyReluGrad(Operand gradients, Operand features,
                     const LeakyReluOptions& options = {});
Output SoftplusGrad(Operand gradients, Operand features,
                    absl::string_view name = {});
Output SoftsignGrad(Operand gradients, Operand features,
                    absl::string_view name = {});
// From the gradient and the result.
Output EluGrad(Operand gradients, Operand outputs, absl::string_view name = {});
Output SeluGrad(Operand gradients, Operand outputs,
                absl::string_view name = {});
// Sums all axes but the one of the bias.
Output BiasAddGrad(Operand out_backprop, const BiasAddOptions& options = {});

}  // namespace weft

#endif  // WEFT_OPS_NN_H_
