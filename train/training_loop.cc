#include "train/training_loop.h"

#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/status.h"
#include "io/checkpoint.h"
#include "train/checkpointing.h"
#include "train/progress.h"
#include "train/stop_signals.h"

namespace weft {
namespace {

constexpr char kExtraPrefix[] = "loop/";
constexpr char kGlobalStep[] = "global_step";

}  // namespace

absl::StatusOr<TrainingLoop> TrainingLoop::Create(Session* session,
                                                  TrainingOptions options) {
  if (options.steps < 0 || options.checkpoint_every < 1) {
    return InvalidArgument("training: steps is ", options.steps,
                           ", checkpoint_every ", options.checkpoint_every,
                           " but they must be at least 0 and 1");
  }
  TrainingLoop loop(session, std::move(options));
  WEFT_RETURN_IF_ERROR(session->Initialize());
  if (loop.options_.resume && !loop.options_.directory.empty()) {
    WEFT_RETURN_IF_ERROR(loop.Resume());
  }
  return loop;
}

absl::Status TrainingLoop::Resume() {
  absl::StatusOr<LatestCheckpointResult> latest =
      LatestCheckpoint(options_.directory);
  if (absl::IsNotFound(latest.status()))
    return absl::OkStatus();  // A first run.
  WEFT_RETURN_IF_ERROR(latest.status());
  if (options_.progress != nullptr) {
    for (const absl::Status& damage : latest->skipped) {
      std::fprintf(options_.progress, "passed over: %s\n",
                   std::string(damage.message()).c_str());
    }
  }
  return Restore(latest->prefix);
}

absl::Status TrainingLoop::Restore(const std::string& prefix) {
  WEFT_ASSIGN_OR_RETURN(const auto state, RestoreCheckpoint(prefix));
  std::map<std::string, Tensor> unused;
  WEFT_RETURN_IF_ERROR(
      Annotate(RestoreSessionState(state, session_, &unused), prefix));
  const auto step = unused.find(kGlobalStep);
  if (step == unused.end() || step->second.dtype() != DataType::kInt64 ||
      step->second.num_elements() != 1) {
    return InvalidArgument(prefix, ": there is no int64 scalar '", kGlobalStep,
                           "', so training cannot go on from it");
  }
  if (options_.extra.restore) {
    std::map<std::string, Tensor> extra;
    for (const auto& [key, value] : unused) {
      absl::string_view name = key;
      if (absl::ConsumePrefix(&name, kExtraPrefix))
        extra[std::string(name)] = value;
    }
    WEFT_RETURN_IF_ERROR(Annotate(options_.extra.restore(extra), prefix));
  }
  first_step_ = step->second.scalar<int64_t>();
  resumed_from_ = prefix;
  return absl::OkStatus();
}

absl::StatusOr<std::string> TrainingLoop::Save(int64_t steps) const {
  if (options_.directory.empty()) return std::string();
  std::map<std::string, Tensor> state = SessionState(*session_);
  state[kGlobalStep] = Tensor::Scalar<int64_t>(steps);
  if (options_.extra.save) {
    for (auto& [name, value] : options_.extra.save()) {
      state[absl::StrCat(kExtraPrefix, name)] = value;
    }
  }
  return SaveCheckpoint(options_.directory, options_.basename, steps,
                        TensorMap(state.begin(), state.end()),
                        {.keep = options_.keep});
}

absl::StatusOr<TrainingResult> TrainingLoop::Run(const StepFn& step) {
  StopSignals signals(options_.stop_on_signals);
  std::optional<Progress> progress;
  if (options_.progress != nullptr) {
    progress.emplace(ProgressOptions{.first_step = first_step_,
                                     .total_steps = options_.steps,
                                     .stream = options_.progress});
  }
  TrainingResult result{.steps = first_step_, .checkpoint = resumed_from_};
  int64_t saved_steps = resumed_from_.empty() ? -1 : first_step_;
  while (result.steps < options_.steps && signals.received() == 0) {
    WEFT_ASSIGN_OR_RETURN(const double loss, step(result.steps));
    if (!std::isfinite(loss)) {
      return FailedPrecondition("training: the loss is ", loss, " in step ",
                                result.steps);
    }
    result.losses.push_back({result.steps, loss});
    ++result.steps;
    if (progress.has_value()) progress->Step(result.steps, loss);
    if (result.steps % options_.checkpoint_every == 0) {
      WEFT_ASSIGN_OR_RETURN(result.checkpoint, Save(result.steps));
      saved_steps = result.steps;
    }
  }
  result.signal = signals.received();
  result.stopped = result.steps < options_.steps;
  if (saved_steps != result.steps) {
    WEFT_ASSIGN_OR_RETURN(result.checkpoint, Save(result.steps));
  }
  if (result.stopped && progress.has_value()) {
    progress->Note(absl::StrCat("stopped by signal ", result.signal,
                                " after step ", result.steps, "; saved ",
                                result.checkpoint));
  }
  first_step_ = result.steps;
  resumed_from_ = result.checkpoint;
  return result;
}

}  // namespace weft
