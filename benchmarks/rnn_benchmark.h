// What benchmarks/rnn measures, row by row.
#ifndef WEFT_BENCHMARKS_RNN_BENCHMARK_H_
#define WEFT_BENCHMARKS_RNN_BENCHMARK_H_

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/machine.h"
#include "benchmarks/peer.h"
#include "benchmarks/rnn_char.h"
#include "benchmarks/rnn_config.h"
#include "benchmarks/rnn_row.h"
#include "benchmarks/rnn_weft.h"
#include "benchmarks/weft_run.h"
#include "nlohmann/json_fwd.hpp"
#include "tests/graphdef/cases.h"

namespace weft {

struct RnnMode {
  const char* name;
  bool has_peers = true;  // Else weft is compared with itself.
};
inline constexpr RnnMode kRnnModes[] = {{"infer"},
                                        {"infer_unrolled"},
                                        {"infer_keras"},
                                        {"train"},
                                        {"train_unrolled"},
                                        {"train_char_rnn"},
                                        {"infer_custom", false},
                                        {"infer_frozen_static", false},
                                        {"infer_frozen_while", false},
                                        {"infer_bf16", false},
                                        {"infer_int8", false}};

// See rnn.cc.
struct RnnSettings {
  bool json = false;
  bool machine = false;
  bool passes = true;
  std::string config, cell, mode;  // Parts of names.
  std::vector<std::string> modes;
  std::string shape, cases_dir;
  std::vector<int> threads = {1, 2};
  std::vector<PeerOptions> peers;
  int rounds = 7;
};

// What fails in this process ends the program.
class RnnBenchmark {
 public:
  explicit RnnBenchmark(RnnSettings settings);

  void Run();
  // Has a peer failed?
  bool failed() const { return failed_; }

 private:
  bool WantsMode(const RnnMode& mode) const;
  std::vector<RnnConfig> Configs() const;
  WeftRunOptions RunOptions(int threads) const {
    return {.threads = threads, .passes = settings_.passes};
  }
  const MachineLimits& Machine(int threads);

  void MeasureMode(const std::string& mode);
  void MeasureAllCharRnns();
  void MeasureAllCustom();
  void MeasureLayer(const RnnConfig& config, RnnCell cell, RnnRow row);
  void MeasureCharRnn(const CharRnnConfig& config, int threads);
  void MeasureCustom(const RnnConfig& config, const CustomCell& cell,
                     int threads);
  void MeasurePrecision(const RnnConfig& config, RnnCell cell, RnnRow row);
  void MeasureFrozen(const RnnConfig& config, bool dynamic, int threads);
  void MeasureGraph(const GraphCase& graph_case, int threads);
  void PrintMachine();
  // The peers that have what is requested, ready.
  void AddPeers(const nlohmann::ordered_json& request,
                std::vector<Contender>* contenders);
  void Measure(const RnnRow& row, const std::vector<Contender>& contenders) {
    MeasureRow(row, contenders, settings_.rounds, settings_.json);
  }

  const RnnSettings settings_;
  std::list<std::unique_ptr<Peer>> peers_;
  std::map<int, MachineLimits> machines_;
  bool failed_ = false;
};

}  // namespace weft

#endif  // WEFT_BENCHMARKS_RNN_BENCHMARK_H_
