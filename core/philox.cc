#include "core/philox.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace weft {
namespace {

using Block = Philox::Block;

uint32_t Low(int64_t value) { return static_cast<uint32_t>(value); }
uint32_t High(int64_t value) {
  return static_cast<uint32_t>(static_cast<uint64_t>(value) >> 32);
}

// Random mantissa bits under the exponent of 1: in [1, 2).
float UnitFloat(uint32_t x) {
  const uint32_t bits = (x & 0x7fffff) | 0x3f800000;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value - 1.0f;
}

double UnitDouble(uint32_t high, uint32_t low) {
  const uint64_t bits =
      uint64_t{1023} << 52 | static_cast<uint64_t>(high & 0xfffff) << 32 | low;
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value - 1.0;
}

Half UnitHalf(uint32_t x) {
  const Half in_1_2{static_cast<uint16_t>((x & 0x3ff) | 15 << 10)};
  return ToHalf(ToFloat(in_1_2) - 1.0f);
}

Bfloat16 UnitBfloat16(uint32_t x) {
  const Bfloat16 in_1_2{static_cast<uint16_t>((x & 0x7f) | 127 << 7)};
  return ToBfloat16(ToFloat(in_1_2) - 1.0f);
}

constexpr double kTwoPi = 6.283185307179586;
constexpr double kSmallestUniform = 1e-7;  // Keeps the logarithm finite.

// Two independent normal values.
template <typename T>
struct Pair {
  T first, second;
};

Pair<float> BoxMuller(uint32_t x0, uint32_t x1) {
  const float u = std::max(UnitFloat(x0), static_cast<float>(kSmallestUniform));
  const float angle = static_cast<float>(kTwoPi * UnitFloat(x1));
  const float radius = std::sqrt(-2.0f * std::log(u));
  return {std::sin(angle) * radius, std::cos(angle) * radius};
}

Pair<double> BoxMuller(uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3) {
  const double u = std::max(UnitDouble(x0, x1), kSmallestUniform);
  const double angle = kTwoPi * UnitDouble(x2, x3);
  const double radius = std::sqrt(-2.0 * std::log(u));
  return {std::sin(angle) * radius, std::cos(angle) * radius};
}

// How the values of each type come from the words.
template <typename T>
struct Values;

template <>
struct Values<float> {
  static std::array<float, 4> Uniform(const Block& b) {
    return {UnitFloat(b[0]), UnitFloat(b[1]), UnitFloat(b[2]), UnitFloat(b[3])};
  }
  static std::array<float, 4> Normal(const Block& b) {
    const Pair<float> p = BoxMuller(b[0], b[1]);
    const Pair<float> q = BoxMuller(b[2], b[3]);
    return {p.first, p.second, q.first, q.second};
  }
};

template <>
struct Values<double> {
  static std::array<double, 2> Uniform(const Block& b) {
    return {UnitDouble(b[0], b[1]), UnitDouble(b[2], b[3])};
  }
  static std::array<double, 2> Normal(const Block& b) {
    const Pair<double> p = BoxMuller(b[0], b[1], b[2], b[3]);
    return {p.first, p.second};
  }
};

template <>
struct Values<Half> {
  static std::array<Half, 4> Uniform(const Block& b) {
    return {UnitHalf(b[0]), UnitHalf(b[1]), UnitHalf(b[2]), UnitHalf(b[3])};
  }
  static std::array<Half, 4> Normal(const Block& b) {
    const std::array<float, 4> f = Values<float>::Normal(b);
    return {ToHalf(f[0]), ToHalf(f[1]), ToHalf(f[2]), ToHalf(f[3])};
  }
};

template <>
struct Values<Bfloat16> {
  static std::array<Bfloat16, 4> Uniform(const Block& b) {
    return {UnitBfloat16(b[0]), UnitBfloat16(b[1]), UnitBfloat16(b[2]),
            UnitBfloat16(b[3])};
  }
  static std::array<Bfloat16, 4> Normal(const Block& b) {
    const std::array<float, 4> f = Values<float>::Normal(b);
    return {ToBfloat16(f[0]), ToBfloat16(f[1]), ToBfloat16(f[2]),
            ToBfloat16(f[3])};
  }
};

// One block after another goes through `values`.
template <typename T, typename ValuesOfBlock>
void Fill(const Philox& stream, uint64_t block, absl::Span<T> out,
          const ValuesOfBlock& values) {
  constexpr size_t kPerBlock = std::tuple_size_v<decltype(values(Block{}))>;
  size_t i = 0;
  for (; i + kPerBlock <= out.size(); i += kPerBlock) {
    const auto v = values(stream.At(block++));
    std::copy(v.begin(), v.end(), out.begin() + i);
  }
  if (i < out.size()) {
    const auto v = values(stream.At(block));
    std::copy(v.begin(), v.begin() + (out.size() - i), out.begin() + i);
  }
}

// Fills one group of truncated normals from the blocks at `block`.
template <typename T, typename NormalOfBlock>
void FillTruncatedGroup(const Philox& stream, uint64_t block,
                        absl::Span<T> group, const NormalOfBlock& normal) {
  size_t found = 0;
  while (true) {
    for (const auto value : normal(stream.At(block++))) {
      if (std::abs(value) >= 2) continue;
      if constexpr (std::is_same_v<T, Half>) {
        group[found++] = ToHalf(value);
      } else if constexpr (std::is_same_v<T, Bfloat16>) {
        group[found++] = ToBfloat16(value);
      } else {
        group[found++] = value;
      }
      if (found == group.size()) return;
    }
  }
}

// Precision is that of the computation: float for the 16-bit types.
template <typename Precision, typename T>
void FillTruncated(const Philox& stream, uint64_t first_block,
                   absl::Span<T> out) {
  constexpr size_t kGroup = sizeof(Precision) == 8 ? 2 : 4;
  constexpr uint64_t kBlocksPerGroup = 64 * kGroup;
  for (size_t i = 0; i < out.size(); i += kGroup) {
    FillTruncatedGroup(stream, first_block + i / kGroup * kBlocksPerGroup,
                       out.subspan(i, kGroup), Values<Precision>::Normal);
  }
}

}  // namespace

Philox::Philox(int64_t seed, int64_t seed2)
    : key_{Low(seed), High(seed)}, high_counter_{Low(seed2), High(seed2)} {}

Philox Philox::Stateless(int64_t seed0, int64_t seed1) {
  // Scrambled, so that neither seed has to be strong.
  const Block mix = Generate({Low(seed0), High(seed0), Low(seed1), High(seed1)},
                             {0x3ec8f720, 0x02461e29});
  Philox stream;
  stream.key_ = {mix[0], mix[1]};
  stream.high_counter_ = {mix[2], mix[3]};
  return stream;
}

Philox::Block Philox::Generate(Block counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

void FillUniform(const Philox& stream, uint64_t first_block,
                 absl::Span<float> out) {
  Fill(stream, first_block, out, Values<float>::Uniform);
}
void FillUniform(const Philox& stream, uint64_t first_block,
                 absl::Span<double> out) {
  Fill(stream, first_block, out, Values<double>::Uniform);
}
void FillUniform(const Philox& stream, uint64_t first_block,
                 absl::Span<Half> out) {
  Fill(stream, first_block, out, Values<Half>::Uniform);
}
void FillUniform(const Philox& stream, uint64_t first_block,
                 absl::Span<Bfloat16> out) {
  Fill(stream, first_block, out, Values<Bfloat16>::Uniform);
}

void FillNormal(const Philox& stream, uint64_t first_block,
                absl::Span<float> out) {
  Fill(stream, first_block, out, Values<float>::Normal);
}
void FillNormal(const Philox& stream, uint64_t first_block,
                absl::Span<double> out) {
  Fill(stream, first_block, out, Values<double>::Normal);
}
void FillNormal(const Philox& stream, uint64_t first_block,
                absl::Span<Half> out) {
  Fill(stream, first_block, out, Values<Half>::Normal);
}
void FillNormal(const Philox& stream, uint64_t first_block,
                absl::Span<Bfloat16> out) {
  Fill(stream, first_block, out, Values<Bfloat16>::Normal);
}

void FillTruncatedNormal(const Philox& stream, uint64_t first_block,
                         absl::Span<float> out) {
  FillTruncated<float>(stream, first_block, out);
}
void FillTruncatedNormal(const Philox& stream, uint64_t first_block,
                         absl::Span<double> out) {
  FillTruncated<double>(stream, first_block, out);
}
void FillTruncatedNormal(const Philox& stream, uint64_t first_block,
                         absl::Span<Half> out) {
  FillTruncated<float>(stream, first_block, out);
}
void FillTruncatedNormal(const Philox& stream, uint64_t first_block,
                         absl::Span<Bfloat16> out) {
  FillTruncated<float>(stream, first_block, out);
}

void FillUniformInt(const Philox& stream, uint64_t first_block, int32_t minval,
                    int32_t maxval, absl::Span<int32_t> out) {
  // Unsigned: the range may be wider than an int32_t can say.
  const uint32_t low = static_cast<uint32_t>(minval);
  const uint32_t range = static_cast<uint32_t>(maxval) - low;
  const auto to_range = [=](uint32_t x) {
    return static_cast<int32_t>(low + x % range);
  };
  Fill(stream, first_block, out, [&](const Block& b) {
    return std::array<int32_t, 4>{to_range(b[0]), to_range(b[1]),
                                  to_range(b[2]), to_range(b[3])};
  });
}

void FillUniformInt(const Philox& stream, uint64_t first_block, int64_t minval,
                    int64_t maxval, absl::Span<int64_t> out) {
  const uint64_t low = static_cast<uint64_t>(minval);
  const uint64_t range = static_cast<uint64_t>(maxval) - low;
  const auto to_range = [=](uint32_t x0, uint32_t x1) {
    const uint64_t x = static_cast<uint64_t>(x1) << 32 | x0;
    return static_cast<int64_t>(low + x % range);
  };
  Fill(stream, first_block, out, [&](const Block& b) {
    return std::array<int64_t, 2>{to_range(b[0], b[1]), to_range(b[2], b[3])};
  });
}

}  // namespace weft
