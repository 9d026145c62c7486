// Philox 4x32-10: the counter-based random numbers of TensorFlow's random ops.
// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#ifndef WEFT_CORE_PHILOX_H_
#define WEFT_CORE_PHILOX_H_

#include <array>
#include <cstdint>

#include "absl/types/span.h"
#include "core/data_type.h"

namespace weft {

// A stream of blocks of four 32-bit words; every block can be had at once.
class Philox {
 public:
  using Block = std::array<uint32_t, 4>;

  // The stream of a stateful op with attrs `seed` and `seed2`, not both 0: then
  // the op asks for seeds that nobody can foretell.
  Philox(int64_t seed, int64_t seed2);
  // The stream of a stateless op with these two seeds.
  static Philox Stateless(int64_t seed0, int64_t seed1);

  // The block numbered `index`.
  Block At(uint64_t index) const { return Generate(Counter(index), key_); }
  // What it is generated from.
  Block Counter(uint64_t index) const {
    return {static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
            high_counter_[0], high_counter_[1]};
  }
  const std::array<uint32_t, 2>& key() const { return key_; }

  // The function behind all blocks: ten rounds over a counter.
  static Block Generate(Block counter, std::array<uint32_t, 2> key);

 private:
  Philox() = default;

  std::array<uint32_t, 2> key_ = {0, 0};
  std::array<uint32_t, 2> high_counter_ = {0, 0};
};

// Fill `out` as TensorFlow's ops do, from the stream's block `first_block` on.
// Uniform: in [0, 1). Normal: mean 0, deviation 1, by Box-Muller. Truncated
// normal: redrawn where beyond two deviations.
//
// A block gives 4 values, or 2 of 64 bits, so a part of an output that begins
// at a multiple of that can be filled by itself. Groups of as many truncated
// normals begin at every 256th block, or 128th for 64 bits.
void FillUniform(const Philox& stream, uint64_t first_block,
                 absl::Span<float> out);
void FillUniform(const Philox& stream, uint64_t first_block,
                 absl::Span<double> out);
void FillUniform(const Philox& stream, uint64_t first_block,
                 absl::Span<Half> out);
void FillUniform(const Philox& stream, uint64_t first_block,
                 absl::Span<Bfloat16> out);
void FillNormal(const Philox& stream, uint64_t first_block,
                absl::Span<float> out);
void FillNormal(const Philox& stream, uint64_t first_block,
                absl::Span<double> out);
void FillNormal(const Philox& stream, uint64_t first_block,
                absl::Span<Half> out);
void FillNormal(const Philox& stream, uint64_t first_block,
                absl::Span<Bfloat16> out);
void FillTruncatedNormal(const Philox& stream, uint64_t first_block,
                         absl::Span<float> out);
void FillTruncatedNormal(const Philox& stream, uint64_t first_block,
                         absl::Span<double> out);
void FillTruncatedNormal(const Philox& stream, uint64_t first_block,
                         absl::Span<Half> out);
void FillTruncatedNormal(const Philox& stream, uint64_t first_block,
                         absl::Span<Bfloat16> out);
// Integers in [minval, maxval); minval < maxval.
void FillUniformInt(const Philox& stream, uint64_t first_block, int32_t minval,
                    int32_t maxval, absl::Span<int32_t> out);
void FillUniformInt(const Philox& stream, uint64_t first_block, int64_t minval,
                    int64_t maxval, absl::Span<int64_t> out);

}  // namespace weft

#endif  // WEFT_CORE_PHILOX_H_
