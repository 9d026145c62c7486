// The streams of random ops.
#ifndef WEFT_KERNELS_RANDOM_STREAM_H_
#define WEFT_KERNELS_RANDOM_STREAM_H_

#include <cstdint>
#include <random>

#include "core/kernel.h"
#include "core/philox.h"

namespace weft {

// The stream of a stateful op, by its attrs seed and seed2. Without seeds, one
// that nobody can foretell.
inline Philox StreamOf(const KernelInit& init) {
  const int64_t seed = init.attrs.Get<int64_t>("seed");
  const int64_t seed2 = init.attrs.Get<int64_t>("seed2");
  if (seed != 0 || seed2 != 0) return Philox(seed, seed2);
  std::random_device system;
  const auto draw = [&system] {
    return static_cast<int64_t>(uint64_t{system()} << 32 | system());
  };
  return Philox(draw(), draw() | 1);
}

}  // namespace weft

#endif  // WEFT_KERNELS_RANDOM_STREAM_H_
