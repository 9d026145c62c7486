// What the benchmarks share.
#ifndef WEFT_BENCHMARKS_MEASURE_H_
#define WEFT_BENCHMARKS_MEASURE_H_

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weft {

// The value; an error ends the program.
template <typename T>
T Must(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
  std::exit(1);
}

inline void Must(const absl::Status& status) {
  Must(status.ok() ? absl::StatusOr<int>(0) : status);
}

inline double Seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

// The median of what `measure` gives in the rounds.
inline double Median(int rounds, const std::function<double()>& measure) {
  std::vector<double> values;
  for (int i = 0; i < rounds; ++i) values.push_back(measure());
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace weft

#endif  // WEFT_BENCHMARKS_MEASURE_H_
