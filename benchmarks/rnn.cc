// Recurrent networks side by side: weft's portable graphs and the RNN
// primitives of oneDNN, on the same weights and inputs, in one process; and
// other programs that take their turns (benchmarks/peers).
//
//   rnn [--json] [--config=NAME] [--cell=NAME] [--mode=MODE]
//       [--modes=MODE,MODE] [--threads=1,2] [--rounds=N] [--passes=none]
//       [--shape=BxTxIxH[xLAYERS[xDIRECTIONS]]]
//       [--peer=NAME:COMMAND]... [--cases_dir=DIRECTORY] [--machine]
//
// --config, --cell and --mode choose by a part of the name, --modes by whole
// names; --shape measures a network of that batch, time, depth and units in
// place of the usual ones.
// Modes:
//
//   infer, infer_unrolled  lstm, gru, simple_rnn; a while loop or unrolled
//   infer_keras            keras::LSTM, GRU with reset_after, SimpleRNN
//   train, train_unrolled  forward, backward and gradient descent
//   train_char_rnn         a language model: loss and optimizer, too
//
// and, where weft itself takes the place of a peer, those that --mode must name
// ("custom", "frozen", "bf16", "int8") or that have an option:
//
//   infer_custom           cells of one's own, against a built-in one
//   infer_frozen_static, infer_frozen_while
//                          graphs as TensorFlow 1 writes them for an LSTM,
//                          against lstm
//   infer_bf16, infer_int8 weights of less precision, against float; "error" is
//                          the largest difference
//   infer_graph            those below --cases_dir (tests/graphdef/cases.h),
//                          against themselves without passes
//
// The sides take turns in every round; each figure is the least of all rounds,
// in milliseconds. The ratio is the best peer's time over weft's: above 1, weft
// is faster. The per cent are the share of a bound (benchmarks/machine.h). What
// both sides compute is compared before it is timed. With --json: one object
// per line. --machine prints the processor's limits alone.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "benchmarks/peer.h"
#include "benchmarks/rnn_benchmark.h"

namespace weft {
namespace {

bool ParseThreads(absl::string_view text, std::vector<int>* list) {
  list->clear();
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    int& threads = list->emplace_back();
    if (!absl::SimpleAtoi(part, &threads) || threads < 1) return false;
  }
  return true;
}

bool ParseModes(absl::string_view text, std::vector<std::string>* modes) {
  *modes = absl::StrSplit(text, ',');
  return absl::c_all_of(*modes, [](const std::string& name) {
    return absl::c_any_of(
        kRnnModes, [&](const RnnMode& mode) { return name == mode.name; });
  });
}

bool Parse(absl::string_view arg, RnnSettings* settings) {
  if (arg == "--json") return settings->json = true;
  if (arg == "--machine") return settings->machine = true;
  if (arg == "--passes=none") return !(settings->passes = false);
  if (arg == "--passes=all") return settings->passes = true;
  if (absl::ConsumePrefix(&arg, "--rounds="))
    return absl::SimpleAtoi(arg, &settings->rounds) && settings->rounds > 0;
  if (absl::ConsumePrefix(&arg, "--threads="))
    return ParseThreads(arg, &settings->threads);
  if (absl::ConsumePrefix(&arg, "--modes="))
    return ParseModes(arg, &settings->modes);
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
  RnnSettings settings;
  for (int i = 1; i < argc; ++i) {
    if (Parse(argv[i], &settings)) continue;
    std::fprintf(
        stderr,
        "rnn: cannot use '%s'\n"
        "usage: rnn [--json] [--config=NAME] [--cell=NAME] [--mode=MODE] "
        "[--modes=MODE,MODE]\n"
        "           [--threads=1,2] [--rounds=N] [--passes=none] "
        "[--shape=BxTxIxH[xLAYERS[xDIRECTIONS]]]\n"
        "           [--peer=NAME:COMMAND]... [--cases_dir=DIRECTORY] "
        "[--machine]\n",
        argv[i]);
    return 2;
  }
  RnnBenchmark benchmark(std::move(settings));
  benchmark.Run();
  return benchmark.failed() ? 1 : 0;
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) { return weft::Main(argc, argv); }
