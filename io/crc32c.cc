#include "io/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

namespace weft {
namespace {

#ifdef __SSE4_2__

uint32_t Extend(uint32_t state, const char* p, size_t n) {
  uint64_t wide = state;
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t word;
    std::memcpy(&word, p, sizeof(word));
    wide = _mm_crc32_u64(wide, word);
  }
  state = static_cast<uint32_t>(wide);
  for (; n > 0; ++p, --n) state = _mm_crc32_u8(state, static_cast<uint8_t>(*p));
  return state;
}

#else

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table = {};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^
            ((crc & 1) ? 0x82f63b78u : 0);  // The reflected polynomial.
    }
    table[i] = crc;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = MakeTable();

uint32_t Extend(uint32_t state, const char* p, size_t n) {
  for (; n > 0; ++p, --n) {
    state = (state >> 8) ^ kTable[(state ^ static_cast<uint8_t>(*p)) & 0xff];
  }
  return state;
}

#endif

}  // namespace

uint32_t Crc32c(absl::string_view bytes, uint32_t before) {
  return ~Extend(~before, bytes.data(), bytes.size());
}

}  // namespace weft
