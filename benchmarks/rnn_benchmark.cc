#include "benchmarks/rnn_benchmark.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "benchmarks/measure.h"
#include "benchmarks/rnn_char.h"
#include "benchmarks/rnn_config.h"
#include "benchmarks/rnn_onednn.h"
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

double LargestDifference(absl::Span<const float> ours,
                         absl::Span<const float> theirs) {
  double largest = ours.size() == theirs.size() ? 0 : INFINITY;
  for (size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i)
    largest = std::max<double>(largest, std::fabs(ours[i] - theirs[i]));
  return largest;
}

// Ends the program if the two do not compute the same.
void Compare(const RnnRow& row, absl::Span<const float> ours,
             absl::Span<const float> theirs) {
  const double largest = LargestDifference(ours, theirs);
  if (largest < 1e-4) return;
  std::fprintf(stderr, "%s %s %s: the results differ by up to %g\n",
               row.config.c_str(), row.cell.c_str(), row.mode.c_str(), largest);
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

}  // namespace

RnnBenchmark::RnnBenchmark(RnnSettings settings)
    : settings_(std::move(settings)) {
  for (const PeerOptions& options : settings_.peers)
    peers_.push_back(Must(Peer::Start(options)));
}

bool RnnBenchmark::WantsMode(const RnnMode& mode) const {
  if (!settings_.modes.empty())
    return absl::c_linear_search(settings_.modes, mode.name);
  return Wants(settings_.mode, mode.name) &&
         (mode.has_peers || !Wants(settings_.mode, "infer"));
}

std::vector<RnnConfig> RnnBenchmark::Configs() const {
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

const MachineLimits& RnnBenchmark::Machine(int threads) {
  const auto known = machines_.find(threads);
  if (known != machines_.end()) return known->second;
  return machines_[threads] = MeasureMachine(threads);
}

void RnnBenchmark::AddPeers(const Json& request,
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

void RnnBenchmark::MeasureLayer(const RnnConfig& config, RnnCell cell,
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

void RnnBenchmark::MeasureCharRnn(const CharRnnConfig& config, int threads) {
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

void RnnBenchmark::MeasureCustom(const RnnConfig& config,
                                 const CustomCell& cell, int threads) {
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

void RnnBenchmark::MeasurePrecision(const RnnConfig& config, RnnCell cell,
                                    RnnRow row) {
  row.flops = ForwardFlops(config, cell);
  const Tensor x =
      RandomTensor({config.batch, config.time, config.depth}, 1, 1);
  RnnRunOptions options = {.run = RunOptions(row.threads)};
  WeftRnn exact(config, cell, options, x, {});
  options.run.precision =
      row.mode == "infer_int8" ? Precision::kInt8 : Precision::kBfloat16;
  WeftRnn reduced(config, cell, options, x, {});
  exact.Run();
  reduced.Run();
  row.error = LargestDifference(reduced.output().data<float>(),
                                exact.output().data<float>());
  Measure(row, {InProcess("weft", [&] { reduced.Run(); }),
                InProcess("weft_float32", [&] { exact.Run(); })});
}

void RnnBenchmark::MeasureFrozen(const RnnConfig& config, bool dynamic,
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

void RnnBenchmark::MeasureGraph(const GraphCase& graph_case, int threads) {
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

void RnnBenchmark::PrintMachine() {
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

void RnnBenchmark::Run() {
  if (settings_.machine) return PrintMachine();
  if (!settings_.cases_dir.empty()) {
    for (const GraphCase& graph_case : Must(FindCases(settings_.cases_dir))) {
      if (!Wants(settings_.config, graph_case.name)) continue;
      for (int threads : settings_.threads) MeasureGraph(graph_case, threads);
    }
    return;
  }
  for (const RnnMode& mode : kRnnModes)
    if (WantsMode(mode)) MeasureMode(mode.name);
}

void RnnBenchmark::MeasureAllCharRnns() {
  if (!settings_.shape.empty() || !Wants(settings_.cell, "lstm")) return;
  for (const CharRnnConfig& config : kCharRnnConfigs) {
    if (!Wants(settings_.config, config.rnn.name)) continue;
    for (int threads : settings_.threads) MeasureCharRnn(config, threads);
  }
}

void RnnBenchmark::MeasureAllCustom() {
  for (const RnnConfig& config : Configs()) {
    if (config.layers > 1 || config.directions > 1) continue;
    for (const CustomCell& cell : CustomCells()) {
      if (!Wants(settings_.cell, cell.name)) continue;
      for (int threads : settings_.threads)
        MeasureCustom(config, cell, threads);
    }
  }
}

void RnnBenchmark::MeasureMode(const std::string& mode) {
  if (mode == "train_char_rnn") return MeasureAllCharRnns();
  if (mode == "infer_custom") return MeasureAllCustom();
  const bool frozen = absl::StartsWith(mode, "infer_frozen");
  const bool precision = mode == "infer_bf16" || mode == "infer_int8";
  for (const RnnConfig& config : Configs()) {
    if (frozen && (config.layers > 1 || config.directions > 1)) continue;
    for (RnnCell cell : kRnnCells) {
      const char* name = RnnCellName(cell);
      if (!Wants(settings_.cell, name)) continue;
      if (frozen && cell != RnnCell::kLstm) continue;
      for (int threads : settings_.threads) {
        const RnnRow row = {.config = config.name,
                            .cell = name,
                            .mode = mode,
                            .threads = threads};
        if (frozen) {
          MeasureFrozen(config, mode == "infer_frozen_while", threads);
        } else if (precision) {
          MeasurePrecision(config, cell, row);
        } else {
          MeasureLayer(config, cell, row);
        }
      }
    }
  }
}

}  // namespace weft
