// One row of benchmarks/rnn: who is compared, their turns, and how it is
// printed.
#ifndef WEFT_BENCHMARKS_RNN_ROW_H_
#define WEFT_BENCHMARKS_RNN_ROW_H_

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weft {

// A side's turn in a round.
inline constexpr double kSecondsPerTurn = 0.08;

struct Contender {
  std::string name;
  std::function<double()> turn;  // Milliseconds; NaN: it has failed.
};

// One that runs in this process: the least of all calls within a turn.
Contender InProcess(std::string name, std::function<void()> run);

struct RnnRow {
  std::string config, cell, mode;
  int threads = 1;
  double flops = 0;          // Of one run; 0: not counted.
  double bound_seconds = 0;  // 0: not known.
  // Where weft computes with less precision: the largest difference that it
  // makes. NaN: it does not.
  double error = NAN;
};

// The first contender is weft, the others its peers. They take turns in every
// round; each figure is the least of all. Prints a line, or with `json` an
// object in a line.
void MeasureRow(const RnnRow& row, const std::vector<Contender>& contenders,
                int rounds, bool json);

}  // namespace weft

#endif  // WEFT_BENCHMARKS_RNN_ROW_H_
