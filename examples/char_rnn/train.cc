// Trains a character-level LSTM on a text, and says how well it predicts the
// part of the text that it has not seen.
//
//   char_rnn_train --text FILE --dir DIRECTORY
//
// The directory gets checkpoints, loss.svg, graph.pb (to be run with a
// checkpoint) and frozen.pb (the same with the weights in it). A second call
// goes on where the first one stopped.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "examples/char_rnn/evaluate.h"
#include "examples/char_rnn/export.h"
#include "examples/char_rnn/model.h"
#include "examples/char_rnn/text.h"
#include "examples/char_rnn/trainer.h"
#include "io/atomic_file.h"
#include "io/file.h"
#include "train/curve.h"
#include "train/training_loop.h"

namespace weft::char_rnn {
namespace {

constexpr double kHeldOutShare = 0.1;
constexpr double kBigramSmoothing = 0.1;

struct Flags {
  std::string text = "/usr/share/common-licenses/GPL-3";
  std::string directory = "char_rnn";
  int64_t steps = 1200;
  int64_t evaluate_every = 100;
  int threads = 0;
  bool passes = true;
  TrainerOptions trainer;
};

bool ParseFlags(int argc, char** argv, Flags* flags, int* exit_code) {
  CLI::App app("Trains a character-level LSTM on a text.");
  app.add_option("--text", flags->text, "File to learn")->capture_default_str();
  app.add_option("--dir", flags->directory, "Where results go")
      ->capture_default_str();
  app.add_option("--steps", flags->steps, "Steps in all")
      ->capture_default_str();
  app.add_option("--evaluate-every", flags->evaluate_every,
                 "Steps between looks at the held-out part")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--batch", flags->trainer.batch, "Streams of text")
      ->capture_default_str();
  app.add_option("--time", flags->trainer.time, "Steps of backpropagation")
      ->capture_default_str();
  app.add_option("--units", flags->trainer.model.units, "Units per layer")
      ->capture_default_str();
  app.add_option("--keep-prob", flags->trainer.model.keep_prob,
                 "Dropout keeps this much")
      ->capture_default_str();
  app.add_option("--learning-rate", flags->trainer.learning_rate, "Of Adam")
      ->capture_default_str();
  app.add_option("--seed", flags->trainer.seed, "Of weights and dropout")
      ->capture_default_str();
  app.add_option("--threads", flags->threads, "0: one per core")
      ->capture_default_str();
  app.add_flag("!--no-passes", flags->passes, "Run the graph as it stands");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    *exit_code = app.exit(error);
    return false;
  }
  flags->trainer.session.num_threads = flags->threads;
  flags->trainer.session.passes.enabled = flags->passes;
  return true;
}

// Trains, and looks at the held-out part from time to time.
class Experiment {
 public:
  explicit Experiment(const Flags& flags) : flags_(flags) {}

  absl::Status Run() {
    WEFT_ASSIGN_OR_RETURN(const std::string text, ReadFile(flags_.text));
    const Vocabulary vocabulary(text);
    const Split split = SplitHeldOut(vocabulary.Ids(text), kHeldOutShare);
    if (split.held_out.size() < 2)
      return InvalidArgument(flags_.text, " is too short");
    flags_.trainer.model.vocabulary_size = vocabulary.size();
    std::printf(
        "%s: %zu characters, %lld different; %zu to learn, %zu held out\n",
        flags_.text.c_str(), text.size(),
        static_cast<long long>(vocabulary.size()), split.train.size(),
        split.held_out.size());
    WEFT_ASSIGN_OR_RETURN(trainer_,
                          Trainer::Create(flags_.trainer, split.train));
    WEFT_ASSIGN_OR_RETURN(
        evaluator_,
        Evaluator::Create(flags_.trainer.model, flags_.trainer.session));
    WEFT_ASSIGN_OR_RETURN(const TrainingResult result, TrainModel(split));
    WEFT_RETURN_IF_ERROR(Report(split, vocabulary, result));
    return result.stopped ? absl::CancelledError(
                                "stopped by a signal; run it again to go on")
                          : absl::OkStatus();
  }

 private:
  absl::StatusOr<TrainingResult> TrainModel(const Split& split) {
    WEFT_ASSIGN_OR_RETURN(
        TrainingLoop loop,
        TrainingLoop::Create(
            &trainer_->session(),
            {.steps = flags_.steps,
             .directory = absl::StrCat(flags_.directory, "/checkpoints"),
             .basename = "char_rnn",
             .checkpoint_every = 200,
             .extra = trainer_->extra_state()}));
    if (!loop.resumed_from().empty()) {
      std::printf("going on from %s\n", loop.resumed_from().c_str());
    }
    return loop.Run([&](int64_t step) -> absl::StatusOr<double> {
      if (step % flags_.evaluate_every == 0) {
        WEFT_ASSIGN_OR_RETURN(
            const double bits,
            evaluator_->BitsPerCharacter(trainer_->session(), split.held_out));
        held_out_.points.push_back({static_cast<double>(step), bits});
      }
      return trainer_->Step();
    });
  }

  absl::Status Report(const Split& split, const Vocabulary& vocabulary,
                      const TrainingResult& result) {
    WEFT_ASSIGN_OR_RETURN(
        const double bits,
        evaluator_->BitsPerCharacter(trainer_->session(), split.held_out));
    held_out_.points.push_back({static_cast<double>(result.steps), bits});
    Curve train{.label = "learnt part, with dropout"};
    for (const auto& [step, nats] : result.losses) {
      train.points.push_back({static_cast<double>(step), nats / std::log(2.0)});
    }
    const std::string plot = absl::StrCat(flags_.directory, "/loss.svg");
    WEFT_RETURN_IF_ERROR(WriteFileAtomically(
        plot, DrawCurves({Smoothed(train, 10), held_out_},
                         {.title = "Character-level LSTM",
                          .x_label = "step",
                          .y_label = "bits per character"})));
    WEFT_ASSIGN_OR_RETURN(const ExportedModel exported,
                          ExportModel(flags_.trainer.model, vocabulary,
                                      trainer_->session(), flags_.directory));
    const double bigram = BigramBits(split.train, split.held_out,
                                     vocabulary.size(), kBigramSmoothing);
    std::printf(
        "held-out bits per character: LSTM %.3f, bigram (add-%.1f) %.3f\n",
        bits, kBigramSmoothing, bigram);
    std::printf(
        "plot         %s\ncheckpoint   %s\ngraph        %s\nfrozen graph %s\n",
        plot.c_str(), result.checkpoint.c_str(), exported.graph.c_str(),
        exported.frozen.c_str());
    return absl::OkStatus();
  }

  Flags flags_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Evaluator> evaluator_;
  Curve held_out_{.label = "held-out part"};
};

}  // namespace
}  // namespace weft::char_rnn

int main(int argc, char** argv) {
  weft::char_rnn::Flags flags;
  int exit_code = 0;
  if (!weft::char_rnn::ParseFlags(argc, argv, &flags, &exit_code))
    return exit_code;
  const absl::Status status = weft::char_rnn::Experiment(flags).Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "char_rnn_train: %s\n", status.ToString().c_str());
  return 1;
}
