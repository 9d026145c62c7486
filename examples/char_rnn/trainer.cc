#include "examples/char_rnn/trainer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "examples/char_rnn/evaluate.h"

namespace weft::char_rnn {

Trainer::Trainer(const TrainerOptions& options, StreamBatcher batcher)
    : options_(options),
      batcher_(std::move(batcher)),
      graph_({.mode = ModeKeys::kTrain, .seed = options.seed}) {}

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(
    const TrainerOptions& options, std::vector<int32_t> ids) {
  WEFT_ASSIGN_OR_RETURN(
      StreamBatcher batcher,
      StreamBatcher::Create(std::move(ids), options.batch, options.time));
  std::unique_ptr<Trainer> trainer(new Trainer(options, std::move(batcher)));
  WEFT_RETURN_IF_ERROR(trainer->Build());
  return trainer;
}

absl::Status Trainer::Build() {
  model_ = BuildModel(graph_, options_.model);
  Adam adam({.learning_rate = options_.learning_rate});
  const TrainStep step =
      Minimize(model_.loss, adam, {.clip_norm = options_.clip_norm});
  WEFT_ASSIGN_OR_RETURN(session_, Session::Create(graph_, options_.session));
  Signature signature{.feeds = {model_.ids.name(), model_.targets.name()},
                      .fetches = {model_.loss.name()},
                      .targets = {step.node->name()}};
  for (const std::string& name : NamesOf(model_.initial_state)) {
    signature.feeds.push_back(name);
  }
  for (const std::string& name : NamesOf(model_.final_state)) {
    signature.fetches.push_back(name);
  }
  WEFT_ASSIGN_OR_RETURN(step_, session_->Prepare(signature));
  feeds_.resize(signature.feeds.size());
  ResetState();
  return absl::OkStatus();
}

void Trainer::ResetState() {
  const TensorShape shape = {options_.batch, options_.model.units};
  const std::vector<float> zeros(shape.num_elements(), 0.0f);
  for (size_t k = 2; k < feeds_.size(); ++k) {
    feeds_[k] = Tensor::Of<float>(shape, absl::Span<const float>(zeros));
  }
}

absl::StatusOr<double> Trainer::Step() {
  StreamBatch batch = batcher_.Next();
  if (batch.starts) ResetState();
  feeds_[0] = std::move(batch.inputs);
  feeds_[1] = std::move(batch.targets);
  WEFT_RETURN_IF_ERROR(step_->Run(feeds_, &results_));
  // The final states are fed to the next step; their old tensors are written
  // next.
  for (size_t k = 2; k < feeds_.size(); ++k)
    std::swap(feeds_[k], results_[k - 1]);
  return results_[0].scalar<float>();
}

ExtraState Trainer::extra_state() {
  return {.save =
              [this] {
                std::map<std::string, Tensor> extra;
                extra["position"] =
                    Tensor::Scalar<int64_t>(batcher_.position());
                for (size_t k = 2; k < feeds_.size(); ++k) {
                  extra[absl::StrCat("state_", k - 2)] = feeds_[k];
                }
                return extra;
              },
          .restore =
              [this](const std::map<std::string, Tensor>& extra) {
                return RestoreExtra(extra);
              }};
}

absl::Status Trainer::RestoreExtra(const std::map<std::string, Tensor>& extra) {
  const auto position = extra.find("position");
  if (position == extra.end() || position->second.dtype() != DataType::kInt64 ||
      position->second.num_elements() != 1 ||
      position->second.scalar<int64_t>() < 0) {
    return InvalidArgument("the checkpoint has no position in the text");
  }
  for (size_t k = 2; k < feeds_.size(); ++k) {
    const auto state = extra.find(absl::StrCat("state_", k - 2));
    if (state == extra.end() || state->second.dtype() != feeds_[k].dtype() ||
        state->second.shape() != feeds_[k].shape()) {
      return InvalidArgument("the checkpoint has no recurrent state ", k - 2,
                             " of shape ", feeds_[k].shape().ToString());
    }
    feeds_[k] = state->second;
  }
  batcher_.set_position(position->second.scalar<int64_t>());
  return absl::OkStatus();
}

}  // namespace weft::char_rnn
