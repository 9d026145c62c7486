// How the time for large graphs grows: an unrolled LSTM of 2,000 and of 20,000
// steps is built, written, read, planned and run.
//
//   growth [--json] [--steps=N] [--rounds=N]
//
// Each figure is the median of the rounds, in microseconds per node: one for a
// tenth of the steps, one for all.
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "benchmarks/measure.h"
#include "graph/binary_format.h"
#include "graph/export.h"
#include "graph/graph.h"
#include "graph/import.h"
#include "layers/recurrent.h"
#include "ops/source.h"
#include "proto/graph.pb.h"
#include "runtime/session.h"

namespace weft {
namespace {

constexpr std::array<const char*, 4> kPhases = {"build", "write", "read",
                                                "plan_and_first_run"};
using Microseconds = std::array<double, kPhases.size()>;  // Per node.

struct Lstm {
  explicit Lstm(int steps) {
    x = Placeholder(graph, "x", DataType::kFloat, {1, steps, 2});
    y = lstm(x, {.units = 2});
    Must(graph.status());
  }
  Graph graph;
  Output x, y;
};

// Plans without a session's memory of other plans, and runs once.
void RunOnce(const Lstm& model, int steps) {
  auto session = Must(Session::Create(model.graph, {.num_threads = 1}));
  Must(session->Initialize());
  const Tensor x = Must(Tensor::Create(DataType::kFloat, {1, steps, 2}));
  Must(session->Run({{model.x, x}}, {model.y}));
}

Microseconds Measure(int steps) {
  std::unique_ptr<Lstm> model;
  std::string bytes;
  std::array<double, kPhases.size()> seconds = {
      Seconds([&] { model = std::make_unique<Lstm>(steps); }), Seconds([&] {
        bytes = Must(SerializeBinary(Must(ExportGraphDef(model->graph))));
      }),
      Seconds([&] {
        proto::GraphDef def;
        Must(ParseBinary(bytes, &def));
        Must(ImportGraphDef(def));
      }),
      Seconds([&] { RunOnce(*model, steps); })};
  for (double& value : seconds) value *= 1e6 / model->graph.num_nodes();
  return seconds;
}

// Of each phase by itself.
Microseconds MedianOf(int rounds, int steps) {
  std::vector<Microseconds> all;
  for (int i = 0; i < rounds; ++i) all.push_back(Measure(steps));
  Microseconds result;
  for (size_t phase = 0; phase < kPhases.size(); ++phase) {
    size_t round = 0;
    result[phase] = Median(rounds, [&] { return all[round++][phase]; });
  }
  return result;
}

int Main(int argc, char** argv) {
  bool json = false;
  int steps = 20000, rounds = 5;
  for (int i = 1; i < argc; ++i) {
    absl::string_view arg = argv[i];
    if (arg == "--json") {
      json = true;
    } else if (!(absl::ConsumePrefix(&arg, "--steps=") &&
                 absl::SimpleAtoi(arg, &steps) && steps >= 10) &&
               !(absl::ConsumePrefix(&arg, "--rounds=") &&
                 absl::SimpleAtoi(arg, &rounds) && rounds >= 1)) {
      std::fprintf(stderr, "usage: growth [--json] [--steps=N] [--rounds=N]\n");
      return 2;
    }
  }
  const Microseconds small = MedianOf(rounds, steps / 10);
  const Microseconds large = MedianOf(rounds, steps);
  if (json) std::printf("{\"steps\": %d", steps);
  for (size_t i = 0; i < kPhases.size(); ++i) {
    const double ratio = large[i] / small[i];
    if (json) {
      std::printf(
          ", \"%s\": {\"us_per_node_of_a_tenth\": %.3f, \"us_per_node\": %.3f, "
          "\"ratio\": %.2f}",
          kPhases[i], small[i], large[i], ratio);
    } else {
      std::printf("%-20s %7.3f us per node of %d steps, %7.3f of %d: x %.2f\n",
                  kPhases[i], small[i], steps / 10, large[i], steps, ratio);
    }
  }
  if (json) std::printf("}\n");
  return 0;
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) { return weft::Main(argc, argv); }
