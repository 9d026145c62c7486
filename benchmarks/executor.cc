// What the runtime itself costs: instructions, iterations, runs, plans.
//
//   executor [--json] [--passes=none|all] [--rounds=N]
//
// Every figure is the median of the rounds. Runs include everything from
// Callable::Run to its return; one thread; by default the graph runs as it
// stands (--passes=none).
#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "benchmarks/measure.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/source.h"
#include "runtime/session.h"

namespace weft {
namespace {

constexpr int kChain = 1000;
constexpr int kIterations = 10000;
constexpr int kLongChain = 100000;

struct Settings {
  bool json = false;
  bool passes = false;
  int rounds = 15;
};

SessionOptions Options(const Settings& settings) {
  return {.num_threads = 1, .passes = {.enabled = settings.passes}};
}

// Seconds of one run of `fetch`, fed with `value` for `x`.
double SecondsPerRun(const Settings& settings, const Graph& graph, Output x,
                     const Tensor& value, Output fetch, int runs) {
  auto session = Must(Session::Create(graph, Options(settings)));
  auto callable =
      Must(session->Prepare({.feeds = {x.name()}, .fetches = {fetch.name()}}));
  std::vector<Tensor> outputs;
  const std::vector<Tensor> feeds = {value};
  Must(callable->Run(feeds, &outputs));
  return Median(settings.rounds,
                [&] {
                  return Seconds([&] {
                    for (int i = 0; i < runs; ++i)
                      Must(callable->Run(feeds, &outputs));
                  });
                }) /
         runs;
}

Output AddChain(Output x, int length) {
  const Output one = Const(x.graph(), 1.0f);
  for (int i = 0; i < length; ++i) x = Add(x, one);
  return x;
}

double AddChainSeconds(const Settings& settings, int length, int runs) {
  Graph g;
  const Output x = Placeholder(g, "x", DataType::kFloat, {});
  const Output y = AddChain(x, length);
  return SecondsPerRun(settings, g, x, Tensor::Scalar(0.5f), y, runs);
}

double WhileSeconds(const Settings& settings) {
  Graph g;
  const Output n = Placeholder(g, "n", DataType::kInt32, {});
  const Output one = Const(g, 1);
  const Outputs out = While(
      {Const(g, 0)}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) { return Outputs{Add(v[0], one)}; });
  return SecondsPerRun(settings, g, n, Tensor::Scalar<int32_t>(kIterations),
                       out[0], 1);
}

// A loop that writes each step's scalar into a list.
double ListLoopSeconds(const Settings& settings) {
  Graph g;
  const Output n = Placeholder(g, "n", DataType::kInt32, {});
  const Output one = Const(g, 1);
  const Output value = Const(g, 2.0f);
  const Outputs out = While(
      {Const(g, 0), TensorListReserve(TensorShape{}, n, DataType::kFloat)},
      [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        return Outputs{Add(v[0], one), TensorListSetItem(v[1], v[0], value)};
      });
  const Output stacked = TensorListStack(out[1], DataType::kFloat);
  return SecondsPerRun(settings, g, n, Tensor::Scalar<int32_t>(kIterations),
                       stacked, 1);
}

struct PlanTimes {
  double prepare;    // From the signature to the plan.
  double first_run;  // With the layout.
};

PlanTimes PlanSeconds(const Settings& settings) {
  Graph g;
  const Output x = Placeholder(g, "x", DataType::kFloat, {});
  const Output y = AddChain(x, kLongChain);
  std::vector<double> first;
  const double prepare = Median(5, [&] {
    auto session = Must(Session::Create(g, Options(settings)));
    std::unique_ptr<Callable> callable;
    const double seconds = Seconds([&] {
      callable =
          Must(session->Prepare({.feeds = {x.name()}, .fetches = {y.name()}}));
    });
    std::vector<Tensor> outputs;
    first.push_back(Seconds(
        [&] { Must(callable->Run({Tensor::Scalar(0.5f)}, &outputs)); }));
    return seconds;
  });
  std::sort(first.begin(), first.end());
  return {prepare, first[first.size() / 2]};
}

double SessionSeconds(const Settings& settings) {
  Graph g;
  const Output x = Placeholder(g, "x", DataType::kFloat, {});
  const Output y = AddChain(x, kChain);
  return Median(settings.rounds, [&] {
    return Seconds([&] {
      auto session = Must(Session::Create(g, Options(settings)));
      Must(session->Run({{x, Tensor::Scalar(0.5f)}}, {y}));
    });
  });
}

int Main(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view arg = argv[i];
    if (arg == "--json") {
      settings.json = true;
    } else if (arg == "--passes=all" || arg == "--passes=none") {
      settings.passes = arg == "--passes=all";
    } else if (!absl::StartsWith(arg, "--rounds=") ||
               !absl::SimpleAtoi(arg.substr(9), &settings.rounds) ||
               settings.rounds < 1) {
      std::fprintf(
          stderr,
          "usage: executor [--json] [--passes=none|all] [--rounds=N]\n");
      return 2;
    }
  }
  const PlanTimes plan = PlanSeconds(settings);
  const std::vector<std::pair<const char*, double>> figures = {
      {"add_chain_ns_per_op",
       AddChainSeconds(settings, kChain, 50) / kChain * 1e9},
      {"while_ns_per_iteration", WhileSeconds(settings) / kIterations * 1e9},
      {"list_loop_ns_per_iteration",
       ListLoopSeconds(settings) / kIterations * 1e9},
      {"run_of_one_op_ns", AddChainSeconds(settings, 1, 2000) * 1e9},
      {"session_and_first_run_of_1000_ops_us", SessionSeconds(settings) * 1e6},
      {"plan_ns_per_node", plan.prepare / kLongChain * 1e9},
      {"first_run_ns_per_node", plan.first_run / kLongChain * 1e9},
  };
  if (settings.json) std::printf("{");
  for (size_t i = 0; i < figures.size(); ++i) {
    const auto [name, value] = figures[i];
    if (settings.json) {
      std::printf("%s\"%s\": %.1f", i == 0 ? "" : ", ", name, value);
    } else {
      std::printf("%-40s %10.1f\n", name, value);
    }
  }
  if (settings.json) std::printf("}\n");
  return 0;
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) { return weft::Main(argc, argv); }
