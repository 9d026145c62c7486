// What the processor can do at best, measured: rnn's bounds are made of it.
#ifndef WEFT_BENCHMARKS_MACHINE_H_
#define WEFT_BENCHMARKS_MACHINE_H_

#include <cstdint>
#include <vector>

#include "benchmarks/rnn_config.h"

namespace weft {

struct MachineLimits {
  struct Level {
    const char* name;         // "L1", "L2", "L3", "memory"
    int64_t bytes;            // Of one core; the largest number for memory.
    double bytes_per_second;  // Read by all threads together.
  };
  int threads;
  double flops_per_second;  // Multiplications and additions in float.
  std::vector<Level> levels;
};

// Takes about half a second.
MachineLimits MeasureMachine(int threads);

// The least seconds of one forward pass or training step: products at the peak
// rate, but those of a step not before its recurrent weights are read from the
// smallest cache that holds a thread's part of them. A kernel that keeps a part
// of larger weights in a smaller cache beats it.
double BoundSeconds(const MachineLimits& machine, const RnnConfig& config,
                    RnnCell cell, bool training);

}  // namespace weft

#endif  // WEFT_BENCHMARKS_MACHINE_H_
