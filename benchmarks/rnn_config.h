// What benchmarks/rnn measures: which networks, and their weights in the order
// in which peers take them.
#ifndef WEFT_BENCHMARKS_RNN_CONFIG_H_
#define WEFT_BENCHMARKS_RNN_CONFIG_H_

#include <cstdint>
#include <vector>

namespace weft {

struct RnnConfig {
  const char* name;
  int64_t batch, time, depth, units;
  int layers = 1;
  int directions = 1;
};

inline constexpr RnnConfig kRnnConfigs[] = {
    {"tiny_1x50x8x16", 1, 50, 8, 16},
    {"lat_1x100x64x128", 1, 100, 64, 128},
    {"lat_1x100x256x512", 1, 100, 256, 512},
    {"med_32x100x128x256", 32, 100, 128, 256},
    {"large_64x50x512x1024", 64, 50, 512, 1024},
    {"stack2_32x100x128x256", 32, 100, 128, 256, 2},
    {"bidi_32x100x128x256", 32, 100, 128, 256, 1, 2},
};

// kGru applies the reset gate before the product, kGruResetAfter after it.
enum class RnnCell { kLstm, kGru, kRnn, kGruResetAfter };
inline constexpr RnnCell kRnnCells[] = {RnnCell::kLstm, RnnCell::kGru,
                                        RnnCell::kRnn};

inline const char* RnnCellName(RnnCell cell) {
  return cell == RnnCell::kLstm  ? "lstm"
         : cell == RnnCell::kRnn ? "rnn"
                                 : "gru";
}

inline int NumGates(RnnCell cell) {
  return cell == RnnCell::kLstm ? 4 : cell == RnnCell::kRnn ? 1 : 3;
}

// kGruResetAfter has a bias within what the reset gate is multiplied with, too.
inline int NumBiases(RnnCell cell) {
  return NumGates(cell) + (cell == RnnCell::kGruResetAfter ? 1 : 0);
}

// Multiplications and additions of one forward pass.
inline double ForwardFlops(const RnnConfig& c, RnnCell cell) {
  double flops = 0;
  for (int layer = 0; layer < c.layers; ++layer) {
    const int64_t depth = layer == 0 ? c.depth : c.units * c.directions;
    flops += 2.0 * c.batch * c.time * (depth + c.units) * c.units *
             NumGates(cell) * c.directions;
  }
  return flops;
}

// Of one layer in one direction, row-major. Gates: LSTM i, f, candidate, o;
// GRU update, reset, candidate, and of the biases the candidate's second one.
struct RnnWeights {
  std::vector<float> input;      // [depth, gates, units]
  std::vector<float> recurrent;  // [units, gates, units]
  std::vector<float> bias;       // [biases, units]
};

}  // namespace weft

#endif  // WEFT_BENCHMARKS_RNN_CONFIG_H_
