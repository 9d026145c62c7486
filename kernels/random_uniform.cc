// Philox in vectors, for every instruction set: lane i works on block
// first + i.
#include "kernels/random_uniform.h"

#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/random_uniform.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Words = hn::ScalableTag<uint32_t>;
using Floats = hn::ScalableTag<float>;
using WordVector = hn::Vec<Words>;

// The upper halves of the products with `factor`; *low becomes the lower ones.
HWY_INLINE WordVector MulHighLow(WordVector x, uint32_t factor,
                                 WordVector* low) {
  const Words d;
  const hn::Repartition<uint64_t, Words> wide;
  const auto f = hn::Set(d, factor);
  const auto even = hn::MulEven(x, f);
  const auto odd =
      hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, x))), f);
  *low =
      hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
  return hn::OddEven(hn::BitCast(d, odd),
                     hn::BitCast(d, hn::ShiftRight<32>(even)));
}

// Of random bits under the exponent of 1, as FillUniform does it.
HWY_INLINE hn::Vec<Floats> Unit(WordVector x) {
  const Words d;
  const Floats f;
  const auto bits =
      hn::Or(hn::And(x, hn::Set(d, 0x7fffff)), hn::Set(d, 0x3f800000));
  return hn::Sub(hn::BitCast(f, bits), hn::Set(f, 1.0f));
}

// As many blocks as vectors hold, whose counters are `first` and, in their
// lowest word, the next. `out` takes four values of each.
void FillVector(const Philox::Block& first, uint32_t key0, uint32_t key1,
                float* out) {
  const Words d;
  constexpr int kRounds = 10;
  WordVector c0 = hn::Iota(d, first[0]);
  WordVector c1 = hn::Set(d, first[1]);
  WordVector c2 = hn::Set(d, first[2]);
  WordVector c3 = hn::Set(d, first[3]);
  for (int round = 0; round < kRounds; ++round) {
    WordVector low0, low2;
    const WordVector high0 = MulHighLow(c0, 0xD2511F53, &low0);
    const WordVector high2 = MulHighLow(c2, 0xCD9E8D57, &low2);
    c0 = hn::Xor(hn::Xor(high2, c1), hn::Set(d, key0));
    c2 = hn::Xor(hn::Xor(high0, c3), hn::Set(d, key1));
    c1 = low2;
    c3 = low0;
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  hn::StoreInterleaved4(Unit(c0), Unit(c1), Unit(c2), Unit(c3), Floats(), out);
}

// Fills what full vectors fill; returns how many values that are.
int64_t FillVectors(const Philox& stream, uint64_t first_block, float* out,
                    int64_t size) {
  const int64_t blocks = static_cast<int64_t>(hn::Lanes(Words()));
  int64_t done = 0;
  for (; done + 4 * blocks <= size; done += 4 * blocks, first_block += blocks) {
    const Philox::Block first = stream.Counter(first_block);
    // The next word of the counter would have to change within the vector.
    if (first[0] > std::numeric_limits<uint32_t>::max() - blocks) break;
    FillVector(first, stream.key()[0], stream.key()[1], out + done);
  }
  return done;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace weft {
namespace {

HWY_EXPORT(FillVectors);

}  // namespace

void FillUniformFast(const Philox& stream, uint64_t first_block,
                     absl::Span<float> out) {
  const int64_t done = HWY_DYNAMIC_DISPATCH(FillVectors)(
      stream, first_block, out.data(), static_cast<int64_t>(out.size()));
  FillUniform(stream, first_block + done / 4, out.subspan(done));
}

}  // namespace weft

#endif  // HWY_ONCE
