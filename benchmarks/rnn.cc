// Recurrent networks side by side: weft's portable graphs and the RNN
// primitives of oneDNN, on the same weights and inputs, in one process; and
// other programs that take their turns (benchmarks/peers).
//
//   rnn [--json] [--config=NAME] [--cell=NAME] [--mode=MODE] [--threads=1,2]
//       [--rounds=N] [--passes=none] [--shape=BxTxIxH[xLAYERS[xDIRECTIONS]]]
//       [--peer=NAME:COMMAND]... [--cases_dir=DIRECTORY] [--machine]
//
// --config, --cell and --mode choose by a part of the name; --shape measures a
// network of that batch, time, depth and units in place of the usual ones.
// Modes:
//
//   infer, infer_unrolled  lstm, gru, simple_rnn; a while loop or unrolled
//   infer_keras            keras::LSTM, GRU with reset_after, SimpleRNN
//   train, train_unrolled  forward, backward and gradient descent
//   train_char_rnn         a language model: loss and optimizer, too
//
// and, where weft's own layer takes the place of a peer, those that --mode must
// name ("custom", "frozen") or that have an option:
//
//   infer_custom           cells of one's own
//   infer_frozen_static, infer_frozen_while
//                          graphs as TensorFlow 1 writes them for an LSTM
//   infer_graph            those below --cases_dir (tests/graphdef/cases.h),
//                          against themselves without passes
//
// The sides take turns in every round; each figure is the least of all rounds,
// in milliseconds. The ratio is the best peer's time over weft's: above 1, weft
// is faster. The per cent are the share of a bound (benchmarks/machine.h). What
// both sides compute is compared before it is timed. With --json: one object
// per line. --machine prints the processor's limits alone.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "benchmarks/machine.h"
#include "benchmarks/measure.h"
#include "benchmarks/peer.h"
#include "benchmarks/rnn_char.h"
#include "benchmarks/rnn_config.h"
#include "benchmarks/rnn_onednn.h"
#include "benchmarks/rnn_row.h"
#include "benchmarks/rnn_weft.h"
#include "benchmarks/tf_lstm.h"
#include "benchmarks/weft_run.h"
#include "graph/import.h"
#include "io/graph_file.h"
#include "io/npy.h"
#include "nlohmann/json.hpp"
#include "tests/graphdef/cases.h"

namespace weft {
namespace {

using Json = nlohmann::ordered_json;

struct Settings {
  bool json = false;
  bool machine = false;
  bool passes = true;
  std::string config, cell, mode, shape, cases_dir;
  std::vector<int> threads = {1, 2};
  std::vector<PeerOptions> peers;
  int rounds = 7;
};

bool Wants(const std::string& part, absl::string_view name) {
  return absl::StrContains(name, part);
}

Tensor RandomTensor(const TensorShape& shape, int seed, float scale) {
  Tensor tensor = Must(Tensor::Create(DataType::kFloat, shape));
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-scale, scale);
  for (float& value : tensor.mutable_data<float>()) value = uniform(random);
  return tensor;
}

// Ends the program if the two do not compute the same.
void Compare(const RnnRow& row, absl::Span<const float> ours,
             absl::Span<const float> theirs) {
  double worst = ours.size() == theirs.size() ? 0 : INFINITY;
  for (size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i)
    worst = std::max<double>(worst, std::fabs(ours[i] - theirs[i]));
  if (worst < 1e-4) return;
  std::fprintf(stderr, "%s %s %s: the results differ by up to %g\n",
               row.config.c_str(), row.cell.c_str(), row.mode.c_str(), worst);
  std::exit(1);
}

Json RequestFor(const RnnRow& row, const RnnConfig& c) {
  return {{"config", row.config},
          {"cell", row.cell},
          {"mode", row.mode},
          {"threads", row.threads},
          {"batch", c.batch},
          {"time", c.time},
          {"depth", c.depth},
          {"units", c.units},
          {"layers", c.layers},
          {"directions", c.directions},
          {"reset_after", row.mode == "infer_keras"},
          {"seconds", kSecondsPerTurn}};
}

class Benchmark {
 public:
  explicit Benchmark(Settings settings) : settings_(std::move(settings)) {
    for (const PeerOptions& options : settings_.peers)
      peers_.push_back(Must(Peer::Start(options)));
  }

  void Run();
  // Has a peer failed?
  bool failed() const { return failed_; }

 private:
  bool WantsMode(absl::string_view mode, bool by_default) const {
    return Wants(settings_.mode, mode) &&
           (by_default || !Wants(settings_.mode, "infer"));
  }
  std::vector<RnnConfig> Configs() const;
  WeftRunOptions RunOptions(int threads) const {
    return {.threads = threads, .passes = settings_.passes};
  }
  const MachineLimits& Machine(int threads);
  // For each cell, configuration and number of threads that is wanted.
  void MeasureLayers(const std::string& mode);
  void MeasureLayer(const RnnConfig& config, RnnCell cell, RnnRow row);
  void MeasureCharRnn(const CharRnnConfig& config, int threads);
  void MeasureCustom(const RnnConfig& config, const CustomCell& cell,
                     int threads);
  void MeasureFrozen(const RnnConfig& config, bool dynamic, int threads);
  void MeasureGraph(const GraphCase& graph_case, int threads);
  void PrintMachine();
  // The peers that have what is requested, ready.
  void AddPeers(const Json& request, std::vector<Contender>* contenders);
  void Measure(const RnnRow& row, const std::vector<Contender>& contenders) {
    MeasureRow(row, contenders, settings_.rounds, settings_.json);
  }

  const Settings settings_;
  std::list<std::unique_ptr<Peer>> peers_;
  std::map<int, MachineLimits> machines_;
  bool failed_ = false;
};

std::vector<RnnConfig> Benchmark::Configs() const {
  if (settings_.shape.empty()) {
    std::vector<RnnConfig> configs;
    for (const RnnConfig& config : kRnnConfigs)
      if (Wants(settings_.config, config.name)) configs.push_back(config);
    return configs;
  }
  RnnConfig config = {settings_.shape.c_str(), 0, 0, 0, 0};
  std::vector<int64_t> sizes;
  for (absl::string_view part : absl::StrSplit(settings_.shape, 'x'))
    if (!absl::SimpleAtoi(part, &sizes.emplace_back())) sizes.back() = 0;
  sizes.resize(std::max<size_t>(sizes.size(), 4), 0);
  const bool positive =
      std::all_of(sizes.begin(), sizes.end(), [](int64_t n) { return n > 0; });
  if (sizes.size() > 6 || !positive || (sizes.size() == 6 && sizes[5] > 2) ||
      (sizes.size() == 6 && sizes[4] > 1 && sizes[5] == 2)) {
    std::fprintf(stderr,
                 "rnn: --shape=%s must be BxTxIxH, with xLAYERS or "
                 "x1xDIRECTIONS (1 or 2) behind it\n",
                 settings_.shape.c_str());
    std::exit(2);
  }
  config.batch = sizes[0];
  config.time = sizes[1];
  config.depth = sizes[2];
  config.units = sizes[3];
  if (sizes.size() > 4) config.layers = static_cast<int>(sizes[4]);
  if (sizes.size() > 5) config.directions = static_cast<int>(sizes[5]);
  return {config};
}

const MachineLimits& Benchmark::Machine(int threads) {
  const auto known = machines_.find(threads);
  if (known != machines_.end()) return known->second;
  return machines_[threads] = MeasureMachine(threads);
}

void Benchmark::AddPeers(const Json& request,
                         std::vector<Contender>* contenders) {
  const auto report = [this](const absl::Status& status) {
    failed_ = true;
    std::fprintf(stderr, "rnn: %s\n", std::string(status.message()).c_str());
  };
  for (auto it = peers_.begin(); it != peers_.end();) {
    Peer& peer = **it;
    const absl::StatusOr<bool> ready = peer.Prepare(request.dump());
    if (!ready.ok()) {
      report(ready.status());
      it = peers_.erase(it);
      continue;
    }
    ++it;
    if (!*ready) continue;
    contenders->push_back({peer.name(), [&peer, report] {
                             const absl::StatusOr<double> ms = peer.Turn();
                             if (!ms.ok()) report(ms.status());
                             return ms.ok() ? *ms : NAN;
                           }});
  }
}

void Benchmark::MeasureLayer(const RnnConfig& config, RnnCell cell,
                             RnnRow row) {
  const RnnRunOptions options = {
      .form = row.mode == "infer_unrolled" ? RnnForm::kUnrolled
              : row.mode == "infer_keras"  ? RnnForm::kKeras
                                           : RnnForm::kLoop,
      .training = absl::StartsWith(row.mode, "train"),
      .run = RunOptions(row.threads)};
  if (options.form == RnnForm::kKeras && cell == RnnCell::kGru)
    cell = RnnCell::kGruResetAfter;
  row.flops = ForwardFlops(config, cell) * (options.training ? 3 : 1);
  row.bound_seconds =
      BoundSeconds(Machine(row.threads), config, cell, options.training);
  const Tensor x =
      RandomTensor({config.batch, config.time, config.depth}, 1, 1);
  const Tensor dy = RandomTensor(
      {config.batch, config.time, config.units * config.directions}, 2, 1e-3f);
  WeftRnn ours(config, cell, options, x, dy);
  const std::unique_ptr<OneDnnRnn> onednn = OneDnnRnn::Create(
      config, cell, options.training, row.threads, ours.Weights(), x, dy);
  std::vector<Contender> contenders = {InProcess("weft", [&] { ours.Run(); })};
  if (onednn != nullptr) {
    ours.Run();
    onednn->Run();
    Compare(row, ours.output().data<float>(), onednn->Output());
    contenders.push_back(InProcess("onednn", [&] { onednn->Run(); }));
  }
  AddPeers(RequestFor(row, config), &contenders);
  Measure(row, contenders);
}

void Benchmark::MeasureLayers(const std::string& mode) {
  for (const RnnConfig& config : Configs()) {
    for (RnnCell cell : kRnnCells) {
      if (!Wants(settings_.cell, RnnCellName(cell))) continue;
      for (int threads : settings_.threads) {
        MeasureLayer(config, cell,
                     {.config = config.name,
                      .cell = RnnCellName(cell),
                      .mode = mode,
                      .threads = threads});
      }
    }
  }
}

void Benchmark::MeasureCharRnn(const CharRnnConfig& config, int threads) {
  const RnnRow row = {.config = config.rnn.name,
                      .cell = "lstm",
                      .mode = "train_char_rnn",
                      .threads = threads,
                      .flops = CharRnnFlops(config)};
  const CharRnnBatch batch = MakeCharRnnBatch(config);
  WeftCharRnn ours(config, batch, RunOptions(threads));
  std::vector<Contender> contenders = {InProcess("weft", [&] { ours.Run(); })};
  std::unique_ptr<OneDnnCharRnn> onednn;
  if (!config.embedding) onednn = OneDnnCharRnn::Create(config, batch, threads);
  if (onednn != nullptr) {
    ours.Run();
    onednn->Run();
    // Different weights, of one scale: both know nothing yet.
    if (std::fabs(ours.loss() - onednn->loss()) > 0.1 * ours.loss()) {
      std::fprintf(stderr, "%s: the losses are %g and %g\n", config.rnn.name,
                   ours.loss(), onednn->loss());
      std::exit(1);
    }
    contenders.push_back(InProcess("onednn", [&] { onednn->Run(); }));
  }
  Json request = RequestFor(row, config.rnn);
  request.update({{"vocabulary", config.vocabulary},
                  {"embedding", config.embedding},
                  {"keep_prob", config.keep_prob},
                  {"clip_norm", config.clip_norm},
                  {"optimizer", config.adam ? "adam" : "sgd"}});
  AddPeers(request, &contenders);
  Measure(row, contenders);
}

void Benchmark::MeasureCustom(const RnnConfig& config, const CustomCell& cell,
                              int threads) {
  RnnRunOptions options = {.run = RunOptions(threads)};
  const Tensor x =
      RandomTensor({config.batch, config.time, config.depth}, 1, 1);
  WeftRnn built_in(config, cell.like, options, x, {});
  options.custom = &cell;
  WeftRnn custom(config, cell.like, options, x, {});
  const RnnRow row = {.config = config.name,
                      .cell = cell.name,
                      .mode = "infer_custom",
                      .threads = threads};
  Measure(row, {InProcess("weft", [&] { custom.Run(); }),
                InProcess(std::string("weft_") + RnnCellName(cell.like),
                          [&] { built_in.Run(); })});
}

void Benchmark::MeasureFrozen(const RnnConfig& config, bool dynamic,
                              int threads) {
  const RnnRow row = {
      .config = config.name,
      .cell = "lstm",
      .mode = dynamic ? "infer_frozen_while" : "infer_frozen_static",
      .threads = threads,
      .flops = ForwardFlops(config, RnnCell::kLstm),
      .bound_seconds =
          BoundSeconds(Machine(threads), config, RnnCell::kLstm, false)};
  const Tensor x =
      RandomTensor({config.batch, config.time, config.depth}, 1, 1);
  WeftRnn layer(config, RnnCell::kLstm, {.run = RunOptions(threads)}, x, {});
  const std::vector<Tensor> variables = layer.Variables();
  const TfLstmWeights weights = {variables[0], variables[1]};
  const std::unique_ptr<Graph> graph = Must(ImportGraphDef(
      dynamic ? TfDynamicLstm(weights) : TfStaticLstm(weights, config.time)));
  WeftRun frozen(*graph, {.feeds = {"x:0"}, .fetches = {"y:0"}}, {x},
                 RunOptions(threads));
  layer.Run();
  frozen.Run();
  Compare(row, frozen.outputs()[0].data<float>(), layer.output().data<float>());
  Measure(row, {InProcess("weft", [&] { frozen.Run(); }),
                InProcess("weft_lstm", [&] { layer.Run(); })});
}

void Benchmark::MeasureGraph(const GraphCase& graph_case, int threads) {
  const RnnRow row = {.config = graph_case.name,
                      .cell = "graph",
                      .mode = "infer_graph",
                      .threads = threads};
  const std::unique_ptr<Graph> graph = Must(ReadGraph(graph_case.graph));
  Signature signature;
  std::vector<Tensor> feeds;
  for (const auto& [name, path] : graph_case.inputs) {
    signature.feeds.push_back(name);
    feeds.push_back(Must(ReadNpy(path)));
  }
  for (const auto& [name, path] : graph_case.outputs)
    signature.fetches.push_back(name);
  WeftRun with(*graph, signature, feeds, RunOptions(threads));
  WeftRun without(*graph, signature, feeds,
                  {.threads = threads, .passes = false});
  with.Run();
  size_t output = 0;
  for (const auto& [name, path] : graph_case.outputs) {
    Must(CompareTensors(with.outputs()[output++], Must(ReadNpy(path)),
                        graph_case.rtol, graph_case.atol));
  }
  Measure(row, {InProcess("weft", [&] { with.Run(); }),
                InProcess("weft_without_passes", [&] { without.Run(); })});
}

void Benchmark::PrintMachine() {
  for (int threads : settings_.threads) {
    const MachineLimits& machine = Machine(threads);
    Json object = {{"threads", threads},
                   {"gflops", std::round(machine.flops_per_second / 1e8) / 10}};
    for (const MachineLimits::Level& level : machine.levels) {
      object[std::string(level.name) + "_gb_per_s"] =
          std::round(level.bytes_per_second / 1e8) / 10;
    }
    std::printf("%s\n", object.dump().c_str());
  }
}

void Benchmark::Run() {
  if (settings_.machine) return PrintMachine();
  if (!settings_.cases_dir.empty()) {
    for (const GraphCase& graph_case : Must(FindCases(settings_.cases_dir))) {
      if (!Wants(settings_.config, graph_case.name)) continue;
      for (int threads : settings_.threads) MeasureGraph(graph_case, threads);
    }
    return;
  }
  for (const char* mode :
       {"infer", "infer_unrolled", "infer_keras", "train", "train_unrolled"})
    if (WantsMode(mode, true)) MeasureLayers(mode);
  if (WantsMode("train_char_rnn", true) && Wants(settings_.cell, "lstm") &&
      settings_.shape.empty()) {
    for (const CharRnnConfig& config : kCharRnnConfigs) {
      if (!Wants(settings_.config, config.rnn.name)) continue;
      for (int threads : settings_.threads) MeasureCharRnn(config, threads);
    }
  }
  for (const RnnConfig& config : Configs()) {
    if (config.layers > 1 || config.directions > 1) continue;
    for (int threads : settings_.threads) {
      for (const CustomCell& cell : CustomCells()) {
        if (WantsMode("infer_custom", false) &&
            Wants(settings_.cell, cell.name)) {
          MeasureCustom(config, cell, threads);
        }
      }
      for (bool dynamic : {false, true}) {
        if (WantsMode(dynamic ? "infer_frozen_while" : "infer_frozen_static",
                      false) &&
            Wants(settings_.cell, "lstm")) {
          MeasureFrozen(config, dynamic, threads);
        }
      }
    }
  }
}

// ---- Command line -----------------------------------------------------------

bool ParseThreads(absl::string_view text, std::vector<int>* list) {
  list->clear();
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    int& threads = list->emplace_back();
    if (!absl::SimpleAtoi(part, &threads) || threads < 1) return false;
  }
  return true;
}

bool Parse(absl::string_view arg, Settings* settings) {
  if (arg == "--json") return settings->json = true;
  if (arg == "--machine") return settings->machine = true;
  if (arg == "--passes=none") return !(settings->passes = false);
  if (arg == "--passes=all") return settings->passes = true;
  if (absl::ConsumePrefix(&arg, "--rounds="))
    return absl::SimpleAtoi(arg, &settings->rounds) && settings->rounds > 0;
  if (absl::ConsumePrefix(&arg, "--threads="))
    return ParseThreads(arg, &settings->threads);
  if (absl::ConsumePrefix(&arg, "--peer=")) {
    absl::StatusOr<PeerOptions> peer = ParsePeer(arg);
    if (peer.ok()) settings->peers.push_back(*std::move(peer));
    return peer.ok();
  }
  const std::pair<const char*, std::string*> texts[] = {
      {"--config=", &settings->config},
      {"--cell=", &settings->cell},
      {"--mode=", &settings->mode},
      {"--shape=", &settings->shape},
      {"--cases_dir=", &settings->cases_dir}};
  for (const auto& [prefix, text] : texts) {
    if (!absl::ConsumePrefix(&arg, prefix)) continue;
    *text = std::string(arg);
    return true;
  }
  return false;
}

int Main(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    if (Parse(argv[i], &settings)) continue;
    std::fprintf(
        stderr,
        "rnn: cannot use '%s'\n"
        "usage: rnn [--json] [--config=NAME] [--cell=NAME] [--mode=MODE] "
        "[--threads=1,2]\n"
        "           [--rounds=N] [--passes=none] "
        "[--shape=BxTxIxH[xLAYERS[xDIRECTIONS]]]\n"
        "           [--peer=NAME:COMMAND]... [--cases_dir=DIRECTORY] "
        "[--machine]\n",
        argv[i]);
    return 2;
  }
  Benchmark benchmark(std::move(settings));
  benchmark.Run();
  return benchmark.failed() ? 1 : 0;
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) { return weft::Main(argc, argv); }
