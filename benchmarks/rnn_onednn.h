// oneDNN's own recurrent primitives on the same network, as its users run them:
// for inference with weights that were reordered beforehand; in training with
// all that a step needs besides, since the weights change.
#ifndef WEFT_BENCHMARKS_RNN_ONEDNN_H_
#define WEFT_BENCHMARKS_RNN_ONEDNN_H_

#include <memory>
#include <vector>

#include "benchmarks/rnn_config.h"
#include "core/tensor.h"

namespace weft {

class OneDnnRnn {
 public:
  // x [batch, time, depth]; dy [batch, time, directions * units]. Null, with a
  // line on stderr, if oneDNN does not have it.
  static std::unique_ptr<OneDnnRnn> Create(
      const RnnConfig& config, RnnCell cell, bool training, int threads,
      const std::vector<RnnWeights>& weights, const Tensor& x,
      const Tensor& dy);
  virtual ~OneDnnRnn() = default;

  virtual void Run() = 0;

  // The two halves of a training step, between which a program may compute the
  // gradient of the outputs. Both [time, batch, directions * units].
  virtual void RunForward() = 0;
  virtual void RunBackward() = 0;
  virtual float* y() = 0;
  virtual float* dy() = 0;

  // [batch, time, directions * units], of the last Run.
  virtual std::vector<float> Output() const = 0;
};

}  // namespace weft

#endif  // WEFT_BENCHMARKS_RNN_ONEDNN_H_
