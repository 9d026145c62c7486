// What it takes until there is a result, and how much memory: a dynamic LSTM of
// two layers is built, written, read, planned and run.
//
//   startup [--json] [--rounds=N] [--model=PATH]
//
// Milliseconds are the least of the rounds. With --model the graph, frozen, is
// left at PATH, for `weft run PATH --fetch y`.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "benchmarks/measure.h"
#include "benchmarks/weft_run.h"
#include "graph/graph.h"
#include "io/freeze.h"
#include "io/graph_file.h"
#include "layers/recurrent.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "proto/graph.pb.h"
#include "runtime/session.h"
#include "train/optimizers.h"

namespace weft {
namespace {

constexpr int64_t kDepth = 64, kUnits = 128;

struct Settings {
  bool json = false;
  int rounds = 7;
  std::string model;
};

using Figures = std::vector<std::pair<std::string, double>>;

struct Lstm {
  explicit Lstm(ModeKeys mode) : graph({.mode = mode, .seed = 3}) {
    x = Placeholder(graph, "x", DataType::kFloat, {-1, -1, kDepth});
    const Output h = lstm(x, {.units = kUnits,
                              .num_layers = 2,
                              .dynamic = true,
                              .zero_padded = false});
    y = Identity(h, "y");
    if (mode == ModeKeys::kTrain) {
      GradientDescent descent({.learning_rate = 1e-6});
      step = Minimize(Sum(y), descent).node;
    }
    Must(graph.status());
  }
  Graph graph;
  Output x, y;
  weft::Node* step = nullptr;
};

Tensor Zeros(int64_t batch, int64_t time) {
  Tensor x = Must(Tensor::Create(DataType::kFloat, {batch, time, kDepth}));
  for (float& value : x.mutable_data<float>()) value = 0;
  return x;
}

double LeastMilliseconds(const Settings& settings,
                         const std::function<void()>& work) {
  double least = INFINITY;
  for (int i = 0; i < settings.rounds; ++i)
    least = std::min(least, Seconds(work));
  return least * 1e3;
}

void MeasureTimes(const Settings& settings, const std::string& path,
                  Figures* figures) {
  const Tensor x = Zeros(1, 100);
  figures->push_back({"build_ms", LeastMilliseconds(settings, [] {
                        const Lstm model(ModeKeys::kPredict);
                      })});
  const Lstm model(ModeKeys::kPredict);
  figures->push_back(
      {"session_and_first_run_ms", LeastMilliseconds(settings, [&] {
         auto session = Must(Session::Create(model.graph, {.num_threads = 1}));
         Must(session->Initialize());
         Must(session->Run({{model.x, x}}, {model.y}));
       })});
  const Signature signature = {.feeds = {model.x.name()},
                               .fetches = {model.y.name()}};
  WeftRun run(model.graph, signature, {x}, {});
  run.Run();
  figures->push_back(
      {"later_run_ms", LeastMilliseconds(settings, [&] { run.Run(); })});
  const proto::GraphDef frozen = Must(FreezeGraph(
      model.graph, signature.fetches, run.session().GetVariables()));
  figures->push_back({"write_file_ms", LeastMilliseconds(settings, [&] {
                        Must(WriteGraphDef(path, frozen, GraphFormat::kBinary));
                      })});
  figures->push_back({"read_file_ms", LeastMilliseconds(settings, [&] {
                        Must(ReadGraph(path));
                      })});
  const std::unique_ptr<Graph> read = Must(ReadGraph(path));
  figures->push_back({"plan_ms", LeastMilliseconds(settings, [&] {
                        auto session =
                            Must(Session::Create(*read, {.num_threads = 1}));
                        Must(session->Prepare(signature));
                      })});
  figures->push_back(
      {"file_bytes", static_cast<double>(std::filesystem::file_size(path))});
}

// Of runs and variables, at most at a time.
void MeasureMemory(int64_t batch, int64_t time, bool training,
                   Figures* figures) {
  const Lstm model(training ? ModeKeys::kTrain : ModeKeys::kPredict);
  Signature signature = {.feeds = {model.x.name()},
                         .fetches = {model.y.name()}};
  if (training) signature.targets = {model.step->name()};
  WeftRun run(model.graph, signature, {Zeros(batch, time)}, {});
  run.Run();
  figures->push_back({absl::StrCat(training ? "train" : "infer", "_", batch,
                                   "x", time, "_peak_bytes"),
                      static_cast<double>(run.session().stats().peak_bytes)});
}

void Print(const Figures& figures, bool json) {
  if (json) std::printf("{");
  for (size_t i = 0; i < figures.size(); ++i) {
    const auto& [name, value] = figures[i];
    if (json) {
      std::printf("%s\"%s\": %.3f", i == 0 ? "" : ", ", name.c_str(), value);
    } else {
      std::printf("%-28s %14.3f\n", name.c_str(), value);
    }
  }
  if (json) std::printf("}\n");
}

int Main(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    absl::string_view arg = argv[i];
    if (arg == "--json") {
      settings.json = true;
    } else if (absl::ConsumePrefix(&arg, "--model=") && !arg.empty()) {
      settings.model = std::string(arg);
    } else if (!absl::ConsumePrefix(&arg, "--rounds=") ||
               !absl::SimpleAtoi(arg, &settings.rounds) ||
               settings.rounds < 1) {
      std::fprintf(stderr,
                   "usage: startup [--json] [--rounds=N] [--model=PATH]\n");
      return 2;
    }
  }
  namespace fs = std::filesystem;
  const std::string path =
      settings.model.empty()
          ? (fs::temp_directory_path() / "weft_startup_benchmark.pb").string()
          : settings.model;
  Figures figures;
  MeasureTimes(settings, path, &figures);
  if (settings.model.empty()) fs::remove(path);
  for (const bool training : {false, true}) {
    for (const int64_t time : {100, 1000})
      MeasureMemory(32, time, training, &figures);
  }
  Print(figures, settings.json);
  return 0;
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) { return weft::Main(argc, argv); }
