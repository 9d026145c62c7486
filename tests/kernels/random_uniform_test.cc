// Vectors of random numbers are the stream's, number by number.
#include "kernels/random_uniform.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "tests/kernels/instruction_sets.h"

namespace weft {
namespace {

std::vector<float> Fast(const Philox& stream, uint64_t block, int64_t size) {
  std::vector<float> values(size);
  FillUniformFast(stream, block, absl::MakeSpan(values));
  return values;
}

std::vector<float> OneByOne(const Philox& stream, uint64_t block,
                            int64_t size) {
  std::vector<float> values(size);
  FillUniform(stream, block, absl::MakeSpan(values));
  return values;
}

TEST(UniformTest, IsTheStreamForAnySize) {
  for (int64_t set : InstructionSets()) {
    const UseInstructionSet use(set);
    for (int64_t size : {0, 1, 3, 4, 15, 16, 63, 64, 65, 130, 1000}) {
      for (uint64_t block : {0, 1, 7, 1000000}) {
        EXPECT_EQ(Fast(Philox(5, 7), block, size),
                  OneByOne(Philox(5, 7), block, size));
      }
      EXPECT_EQ(Fast(Philox::Stateless(-3, 9), 2, size),
                OneByOne(Philox::Stateless(-3, 9), 2, size));
    }
  }
}

TEST(UniformTest, IsTheStreamWhereTheCounterCarries) {
  for (int64_t set : InstructionSets()) {
    const UseInstructionSet use(set);
    for (uint64_t before = 0; before < 40; ++before) {
      const uint64_t block = (uint64_t{3} << 32) - before;
      EXPECT_EQ(Fast(Philox(1, 2), block, 400),
                OneByOne(Philox(1, 2), block, 400));
    }
  }
}

}  // namespace
}  // namespace weft
