// The training loop: steps, progress, checkpoints, resuming, stopping.
//
//   WEFT_ASSIGN_OR_RETURN(TrainingLoop loop,
//                         TrainingLoop::Create(session.get(), {.steps = 1000,
//                                                              .directory =
//                                                              "run"}));
//   WEFT_ASSIGN_OR_RETURN(TrainingResult result, loop.Run([&](int64_t step) {
//     return TrainOneBatch(step);  // absl::StatusOr<double>: the loss.
//   }));
#ifndef WEFT_TRAIN_TRAINING_LOOP_H_
#define WEFT_TRAIN_TRAINING_LOOP_H_

#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/tensor.h"
#include "runtime/session.h"

namespace weft {

// State of the program beside that of the session, such as the position in the
// data: kept in the checkpoints under "loop/" + key.
struct ExtraState {
  std::function<std::map<std::string, Tensor>()> save;
  std::function<absl::Status(const std::map<std::string, Tensor>&)> restore;
};

struct TrainingOptions {
  int64_t steps = 0;  // In all, with those of the runs that are resumed.
  std::string directory = {};  // Of the checkpoints. Empty: none are written.
  std::string basename = "model";
  int64_t checkpoint_every = 500;  // Steps; there is one at the end, too.
  int keep = 5;                    // Checkpoints.
  bool resume = true;              // From the newest checkpoint that is whole.
  bool stop_on_signals = true;     // SIGINT, SIGTERM: save, then return.
  ExtraState extra = {};
  FILE* progress = stderr;  // Null: silent.
};

struct TrainingResult {
  int64_t steps = 0;       // Done in all.
  bool stopped = false;    // By a signal, before all steps were done.
  int signal = 0;          // Which.
  std::string checkpoint;  // The newest one's path without suffix; may be "".
  std::vector<std::pair<int64_t, double>> losses;  // (step, loss) of this run.
};

class TrainingLoop {
 public:
  // Makes one step, numbered from 0, and returns its loss.
  using StepFn = std::function<absl::StatusOr<double>(int64_t step)>;

  // Initializes the session's variables, or restores the newest checkpoint.
  static absl::StatusOr<TrainingLoop> Create(Session* session,
                                             TrainingOptions options);

  // Steps until all are done or a signal comes. An error of `step` ends the
  // loop and is returned; checkpoints stay as they are. So does a loss that is
  // not finite: FailedPrecondition.
  absl::StatusOr<TrainingResult> Run(const StepFn& step);

  int64_t first_step() const { return first_step_; }
  // The checkpoint that it was resumed from; "" if none.
  const std::string& resumed_from() const { return resumed_from_; }

 private:
  TrainingLoop(Session* session, TrainingOptions options)
      : session_(session), options_(std::move(options)) {}
  absl::Status Resume();
  absl::Status Restore(const std::string& prefix);
  absl::StatusOr<std::string> Save(int64_t steps) const;

  Session* session_;
  TrainingOptions options_;
  int64_t first_step_ = 0;
  std::string resumed_from_;
};

}  // namespace weft

#endif  // WEFT_TRAIN_TRAINING_LOOP_H_
