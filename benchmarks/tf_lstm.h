// The graphs that TensorFlow 1 writes for an LSTM, node by node, its variables
// frozen to constants: what weft finds in other people's files.
#ifndef WEFT_BENCHMARKS_TF_LSTM_H_
#define WEFT_BENCHMARKS_TF_LSTM_H_

#include <cstdint>

#include "core/tensor.h"
#include "proto/graph.pb.h"

namespace weft {

// BasicLSTMCell's variables: gates i, candidate, f, o. 1 is added to f.
struct TfLstmWeights {
  Tensor kernel;  // [depth + units, 4 * units]
  Tensor bias;    // [4 * units]
};

// Both feed `x` [batch, time, depth] and fetch `y` [batch, time, units].

// tf.nn.static_rnn over tf.unstack(x, time, 1), and tf.stack of its outputs.
proto::GraphDef TfStaticLstm(const TfLstmWeights& weights, int64_t time);
// tf.nn.dynamic_rnn: V1 control flow and tensor arrays.
proto::GraphDef TfDynamicLstm(const TfLstmWeights& weights);

}  // namespace weft

#endif  // WEFT_BENCHMARKS_TF_LSTM_H_
