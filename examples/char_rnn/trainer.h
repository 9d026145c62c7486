// Trains the model by truncated backpropagation through time.
#ifndef WEFT_EXAMPLES_CHAR_RNN_TRAINER_H_
#define WEFT_EXAMPLES_CHAR_RNN_TRAINER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/char_rnn/model.h"
#include "runtime/session.h"
#include "train/optimizers.h"
#include "train/stream_batcher.h"
#include "train/training_loop.h"

namespace weft::char_rnn {

struct TrainerOptions {
  ModelOptions model;
  int64_t batch = 16;
  int64_t time = 64;  // Steps that gradients reach back.
  double learning_rate = 0.003;
  double clip_norm = 5;
  int64_t seed = 7;
  SessionOptions session;
};

class Trainer {
 public:
  static absl::StatusOr<std::unique_ptr<Trainer>> Create(
      const TrainerOptions& options, std::vector<int32_t> ids);

  // One batch: its loss, in nats. The state goes on from the batch before.
  absl::StatusOr<double> Step();

  // The carried state and the position in the text, for checkpoints.
  ExtraState extra_state();
  Session& session() { return *session_; }

 private:
  Trainer(const TrainerOptions& options, StreamBatcher batcher);
  absl::Status Build();
  void ResetState();
  absl::Status RestoreExtra(const std::map<std::string, Tensor>& extra);

  TrainerOptions options_;
  StreamBatcher batcher_;
  Graph graph_;
  Model model_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Callable> step_;
  std::vector<Tensor> feeds_;    // ids, targets, states.
  std::vector<Tensor> results_;  // loss, states.
};

}  // namespace weft::char_rnn

#endif  // WEFT_EXAMPLES_CHAR_RNN_TRAINER_H_
