// A training step of a character-level language model, as benchmarks/rnn runs
// it: forward, loss, backward, optimizer.
#ifndef WEFT_BENCHMARKS_RNN_CHAR_H_
#define WEFT_BENCHMARKS_RNN_CHAR_H_

#include <memory>
#include <vector>

#include "benchmarks/rnn_config.h"
#include "benchmarks/rnn_onednn.h"
#include "benchmarks/weft_run.h"
#include "core/tensor.h"
#include "graph/graph.h"

namespace weft {

// The layers are those of `rnn`, whose depth is the embedding's, or without one
// the vocabulary's: characters are one-hot then.
struct CharRnnConfig {
  RnnConfig rnn;
  int64_t vocabulary;
  bool embedding;
  double keep_prob = 1;  // Of the inputs and outputs of each layer.
  double clip_norm = 0;  // 0: gradients are not clipped.
  bool adam = false;     // Else gradient descent.
};

inline constexpr CharRnnConfig kCharRnnConfigs[] = {
    {.rnn = {"char_rnn_32x64x64x256", 32, 64, 64, 256},
     .vocabulary = 64,
     .embedding = false},
    // The step of examples/char_rnn as scripts/demo runs it.
    {.rnn = {"char_rnn_demo_16x64x32x128", 16, 64, 32, 128, 2},
     .vocabulary = 76,
     .embedding = true,
     .keep_prob = 0.7,
     .clip_norm = 5,
     .adam = true},
};

// Multiplications and additions of a step.
inline double CharRnnFlops(const CharRnnConfig& c) {
  return 3 * (ForwardFlops(c.rnn, RnnCell::kLstm) +
              2.0 * c.rnn.batch * c.rnn.time * c.rnn.units * c.vocabulary);
}

// What a step is fed: random characters.
struct CharRnnBatch {
  Tensor ids;      // int32 [batch, time]
  Tensor targets;  // int32 [batch, time]
  Tensor one_hot;  // [batch, time, vocabulary], of ids.
};
CharRnnBatch MakeCharRnnBatch(const CharRnnConfig& config);

class WeftCharRnn {
 public:
  WeftCharRnn(const CharRnnConfig& config, const CharRnnBatch& batch,
              const WeftRunOptions& options);
  void Run() { run_->Run(); }
  // Of the last step, in nats.
  float loss() const { return run_->outputs()[0].scalar<float>(); }

 private:
  Graph graph_;
  std::unique_ptr<WeftRun> run_;
};

// With oneDNN's primitives: of one-hot characters and gradient descent alone.
class OneDnnCharRnn {
 public:
  // Null, with a line on stderr, if oneDNN does not have the layers.
  static std::unique_ptr<OneDnnCharRnn> Create(const CharRnnConfig& config,
                                               const CharRnnBatch& batch,
                                               int threads);
  void Run();
  float loss() const { return loss_; }

 private:
  OneDnnCharRnn(const CharRnnConfig& config, const CharRnnBatch& batch,
                int threads, std::unique_ptr<OneDnnRnn> layers);
  // The gradient of the logits in their place, and the loss.
  void SoftmaxCrossEntropy();

  const int64_t rows_, units_, vocabulary_;
  const int threads_;
  std::unique_ptr<OneDnnRnn> layers_;
  std::vector<int32_t> targets_;  // [time, batch]
  std::vector<float> kernel_, bias_, kernel_gradient_, bias_gradient_, logits_;
  float loss_ = 0;
};

}  // namespace weft

#endif  // WEFT_BENCHMARKS_RNN_CHAR_H_
