// A recurrent network of weft, as benchmarks/rnn runs it: what lstm, gru,
// simple_rnn and bidirectional_rnn make, nothing else.
#ifndef WEFT_BENCHMARKS_RNN_WEFT_H_
#define WEFT_BENCHMARKS_RNN_WEFT_H_

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/rnn_config.h"
#include "core/tensor.h"
#include "graph/graph.h"
#include "runtime/session.h"

namespace weft {

struct RnnRunOptions {
  bool dynamic = true;  // A while loop; else unrolled.
  bool training = false;
  bool passes = true;
  int threads = 1;
};

// Ends the program if something fails.
class WeftRnn {
 public:
  // x [batch, time, depth]; dy [batch, time, directions * units], the gradient
  // of the outputs in training.
  WeftRnn(const RnnConfig& config, RnnCell cell, const RnnRunOptions& options,
          Tensor x, Tensor dy);

  // All outputs; or one training step: forward, backward and gradient descent.
  void Run();

  // [batch, time, directions * units], of the last Run.
  const Tensor& output() const { return outputs_[0]; }

  // Layer by layer, forward before backward, as they are now.
  std::vector<RnnWeights> Weights() const;

 private:
  Graph graph_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Callable> callable_;
  std::vector<std::string> weight_names_;
  std::vector<Tensor> feeds_;
  std::vector<Tensor> outputs_;
  RnnConfig config_;
  RnnCell cell_;
};

}  // namespace weft

#endif  // WEFT_BENCHMARKS_RNN_WEFT_H_
