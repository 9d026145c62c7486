// Recurrent networks side by side: weft's portable graphs and the RNN
// primitives of oneDNN, on the same weights and inputs, in one process.
//
//   rnn [--json] [--config=NAME] [--cell=lstm|gru|rnn] [--mode=MODE]
//       [--threads=1,2] [--rounds=N] [--passes=none]
//
// NAME and MODE choose by a part of the name. Modes: infer (a while loop),
// infer_unrolled, train (forward, backward and gradient descent),
// train_unrolled. The sides take turns in every round; each figure is the least
// of all rounds, in milliseconds. The ratio is the best peer's time over
// weft's: above 1, weft is faster. Before it is timed, what both compute is
// compared. With --json: one object per line.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "benchmarks/measure.h"
#include "benchmarks/rnn_config.h"
#include "benchmarks/rnn_onednn.h"
#include "benchmarks/rnn_weft.h"

namespace weft {
namespace {

constexpr const char* kModes[] = {"infer", "infer_unrolled", "train",
                                  "train_unrolled"};

// Long enough for the workers of the other side to go to sleep.
constexpr auto kPause = std::chrono::milliseconds(10);
// A side's turn in a round.
constexpr double kSecondsPerTurn = 0.08;

struct Settings {
  bool json = false;
  bool passes = true;
  std::string config, cell, mode;
  std::vector<int> threads = {1, 2};
  int rounds = 7;
};

bool Wants(const std::string& part, const char* name) {
  return absl::StrContains(name, part);
}

Tensor RandomTensor(const TensorShape& shape, int seed, float scale) {
  Tensor tensor = Must(Tensor::Create(DataType::kFloat, shape));
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-scale, scale);
  for (float& value : tensor.mutable_data<float>()) value = uniform(random);
  return tensor;
}

// Seconds of one call, the least of one turn.
double Turn(const std::function<void()>& run) {
  std::this_thread::sleep_for(kPause);
  run();
  double best = INFINITY, spent = 0;
  do {
    const double seconds = Seconds(run);
    best = std::min(best, seconds);
    spent += seconds;
  } while (spent < kSecondsPerTurn);
  return best;
}

// Ends the program if the two do not compute the same.
void Compare(const RnnConfig& config, RnnCell cell, const Tensor& ours,
             const std::vector<float>& theirs) {
  double worst = 0;
  for (int64_t i = 0; i < ours.num_elements(); ++i) {
    worst =
        std::max<double>(worst, std::fabs(ours.data<float>()[i] - theirs[i]));
  }
  if (worst < 1e-4) return;
  std::fprintf(stderr, "%s %s: the results differ by up to %g\n", config.name,
               RnnCellName(cell), worst);
  std::exit(1);
}

void MeasureCase(const Settings& settings, const RnnConfig& config,
                 RnnCell cell, const std::string& mode, int threads) {
  const RnnRunOptions options = {.dynamic = !absl::EndsWith(mode, "unrolled"),
                                 .training = absl::StartsWith(mode, "train"),
                                 .passes = settings.passes,
                                 .threads = threads};
  const Tensor x =
      RandomTensor({config.batch, config.time, config.depth}, 1, 1);
  const Tensor dy = RandomTensor(
      {config.batch, config.time, config.units * config.directions}, 2, 1e-3f);
  WeftRnn ours(config, cell, options, x, dy);
  const std::unique_ptr<OneDnnRnn> onednn = OneDnnRnn::Create(
      config, cell, options.training, threads, ours.Weights(), x, dy);
  ours.Run();
  if (onednn != nullptr) {
    onednn->Run();
    Compare(config, cell, ours.output(), onednn->Output());
  }
  double weft_seconds = INFINITY, onednn_seconds = INFINITY;
  for (int round = 0; round < settings.rounds; ++round) {
    weft_seconds = std::min(weft_seconds, Turn([&] { ours.Run(); }));
    if (onednn == nullptr) continue;
    onednn_seconds = std::min(onednn_seconds, Turn([&] { onednn->Run(); }));
  }
  const double flops = ForwardFlops(config, cell) * (options.training ? 3 : 1);
  const double gflops = flops / weft_seconds / 1e9;
  if (!settings.json) {
    std::printf("%-22s %-4s %-14s %d  %9.3f ms %7.1f GFLOP/s", config.name,
                RnnCellName(cell), mode.c_str(), threads, weft_seconds * 1e3,
                gflops);
    if (onednn != nullptr) {
      std::printf("   oneDNN %9.3f ms   ratio %5.2f", onednn_seconds * 1e3,
                  onednn_seconds / weft_seconds);
    }
    std::printf("\n");
  } else {
    std::printf(
        "{\"config\": \"%s\", \"cell\": \"%s\", \"mode\": \"%s\", "
        "\"threads\": %d, \"weft_ms\": %.6f, \"gflops\": %.2f, ",
        config.name, RnnCellName(cell), mode.c_str(), threads,
        weft_seconds * 1e3, gflops);
    if (onednn == nullptr) {
      std::printf("\"peers\": {}, \"ratio\": null}\n");
    } else {
      std::printf("\"peers\": {\"onednn\": %.6f}, \"ratio\": %.4f}\n",
                  onednn_seconds * 1e3, onednn_seconds / weft_seconds);
    }
  }
  std::fflush(stdout);
}

bool Parse(absl::string_view arg, Settings* settings) {
  if (arg == "--json") return settings->json = true;
  if (arg == "--passes=none") return !(settings->passes = false);
  if (arg == "--passes=all") return settings->passes = true;
  if (absl::ConsumePrefix(&arg, "--rounds=")) {
    return absl::SimpleAtoi(arg, &settings->rounds) && settings->rounds > 0;
  }
  if (absl::ConsumePrefix(&arg, "--threads=")) {
    settings->threads.clear();
    for (absl::string_view part : absl::StrSplit(arg, ',')) {
      int& threads = settings->threads.emplace_back();
      if (!absl::SimpleAtoi(part, &threads) || threads < 1) return false;
    }
    return true;
  }
  std::string* filter = absl::ConsumePrefix(&arg, "--config=")
                            ? &settings->config
                        : absl::ConsumePrefix(&arg, "--cell=") ? &settings->cell
                        : absl::ConsumePrefix(&arg, "--mode=") ? &settings->mode
                                                               : nullptr;
  if (filter == nullptr) return false;
  *filter = std::string(arg);
  return true;
}

int Main(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    if (Parse(argv[i], &settings)) continue;
    std::fprintf(stderr,
                 "usage: rnn [--json] [--config=NAME] [--cell=lstm|gru|rnn] "
                 "[--mode=MODE] [--threads=1,2] [--rounds=N] "
                 "[--passes=none]\n");
    return 2;
  }
  for (const char* mode : kModes) {
    if (!Wants(settings.mode, mode)) continue;
    for (const RnnConfig& config : kRnnConfigs) {
      if (!Wants(settings.config, config.name)) continue;
      for (RnnCell cell : kRnnCells) {
        if (!Wants(settings.cell, RnnCellName(cell))) continue;
        for (int threads : settings.threads)
          MeasureCase(settings, config, cell, mode, threads);
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) { return weft::Main(argc, argv); }
