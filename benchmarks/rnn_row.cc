#include "benchmarks/rnn_row.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "benchmarks/measure.h"
#include "nlohmann/json.hpp"

namespace weft {
namespace {

// Long enough for the workers of the other side to go to sleep.
constexpr auto kPause = std::chrono::milliseconds(10);

// Six digits behind the point: nanoseconds where x is milliseconds.
double Rounded(double x) { return std::round(x * 1e6) / 1e6; }

nlohmann::ordered_json OrNull(double value) {
  return value > 0 && std::isfinite(value)
             ? nlohmann::ordered_json(Rounded(value))
             : nlohmann::ordered_json(nullptr);
}

}  // namespace

Contender InProcess(std::string name, std::function<void()> run) {
  return {std::move(name), [run = std::move(run)] {
            run();
            double best = INFINITY, spent = 0;
            do {
              const double seconds = Seconds(run);
              best = std::min(best, seconds);
              spent += seconds;
            } while (spent < kSecondsPerTurn);
            return best * 1e3;
          }};
}

void MeasureRow(const RnnRow& row, const std::vector<Contender>& contenders,
                int rounds, bool json) {
  std::vector<double> ms(contenders.size(), INFINITY);
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      if (std::isnan(ms[i])) continue;
      std::this_thread::sleep_for(kPause);
      const double turn = contenders[i].turn();
      ms[i] = std::isnan(turn) ? turn : std::min(ms[i], turn);
    }
  }
  double best_peer = INFINITY;
  for (size_t i = 1; i < ms.size(); ++i)
    if (!std::isnan(ms[i])) best_peer = std::min(best_peer, ms[i]);
  const double gflops = row.flops / ms[0] / 1e6;
  const double share = row.bound_seconds * 1e3 / ms[0];
  if (json) {
    nlohmann::ordered_json peers = nlohmann::ordered_json::object();
    for (size_t i = 1; i < ms.size(); ++i)
      if (!std::isnan(ms[i])) peers[contenders[i].name] = Rounded(ms[i]);
    nlohmann::ordered_json object = {
        {"config", row.config},
        {"cell", row.cell},
        {"mode", row.mode},
        {"threads", row.threads},
        {"weft_ms", Rounded(ms[0])},
        {"gflops", OrNull(gflops)},
        {"bound_ms", OrNull(row.bound_seconds * 1e3)},
        {"bound_share", OrNull(share)},
        {"peers", peers},
        {"ratio", OrNull(best_peer / ms[0])},
    };
    if (!std::isnan(row.error)) object["error"] = row.error;
    std::printf("%s\n", object.dump().c_str());
  } else {
    std::printf("%-26s %-15s %-20s %d %10.3f ms", row.config.c_str(),
                row.cell.c_str(), row.mode.c_str(), row.threads, ms[0]);
    if (row.flops > 0) std::printf(" %6.1f GFLOP/s", gflops);
    if (row.bound_seconds > 0) std::printf(" %3.0f %%", share * 100);
    for (size_t i = 1; i < ms.size(); ++i) {
      if (!std::isnan(ms[i]))
        std::printf("  %s %.3f", contenders[i].name.c_str(), ms[i]);
    }
    if (std::isfinite(best_peer))
      std::printf("  ratio %.2f", best_peer / ms[0]);
    if (!std::isnan(row.error)) std::printf("  error %.2g", row.error);
    std::printf("\n");
  }
  std::fflush(stdout);
}

}  // namespace weft
