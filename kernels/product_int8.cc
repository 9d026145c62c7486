// Products of small integers.
//
// A panel of a packed matrix holds its columns four rows at a time: four of
// column 0, four of column 1, ...; then, for each column, what one step is
// worth (float), and -128 times the sum of its steps (int32). Rows of the other
// matrix become steps from 1 to 255, where 128 is zero, so that sums begin with
// that. With AVX-512 VNNI four products and their sum are one
// instruction; other instruction sets compute the same numbers with products of
// 16 bits.
#define HWY_WANT_AVX3_DL
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "absl/base/casts.h"
#include "kernels/product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/product_int8.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#ifndef WEFT_KERNELS_PRODUCT_INT8_CC_
#define WEFT_KERNELS_PRODUCT_INT8_CC_

namespace weft {

using SmallProduct = PackedProduct<float, int8_t>;

inline int64_t RoundedUp(int64_t n, int64_t to) {
  return (n + to - 1) / to * to;
}
inline int64_t PanelBytes(int64_t k, int64_t columns) {
  return columns * (RoundedUp(k, 4) + 8);
}

// Rows as steps, in SmallProduct::scratch: behind those of a row stands what
// one of them is worth.
struct SmallRows {
  explicit SmallRows(const SmallProduct& p)
      : k(RoundedUp(p.k, 4)),
        stride(RowBytes(p.k)),
        steps(static_cast<uint8_t*>(p.scratch)) {}

  static int64_t RowBytes(int64_t k) {
    return RoundedUp(k, 4) + static_cast<int64_t>(sizeof(float));
  }
  float worth(int64_t row) const {
    float value;
    std::memcpy(&value, steps + row * stride + k, sizeof(value));
    return value;
  }
  void set_worth(int64_t row, float value) const {
    std::memcpy(steps + row * stride + k, &value, sizeof(value));
  }

  int64_t k;
  int64_t stride;
  uint8_t* steps;
};

}  // namespace weft

#endif  // WEFT_KERNELS_PRODUCT_INT8_CC_

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using I32 = hn::RebindToSigned<F>;
using I16 = hn::Repartition<int16_t, I32>;
using I8 = hn::Repartition<int8_t, I32>;

// As in kernels/product_loops.cc.
constexpr int kVectors = 2;
constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3;
constexpr int kMaxRows = kManyRegisters ? 12 : 4;
constexpr int PanelsAtOnce(int rows) {
  if (rows == 1) return kManyRegisters ? 4 : 2;
  return rows <= (kManyRegisters ? 4 : 2) ? 2 : 1;
}

HWY_INLINE int64_t Columns() {
  return kVectors * static_cast<int64_t>(hn::Lanes(F()));
}

// ---- Rows as steps ----------------------------------------------------------

// The largest element but for its sign; NaN if one is not a number, or
// infinite: without their signs, floats are ordered like their bits, and those
// come last.
float LargestOf(const float* x, int64_t n) {
  const F d;
  const I32 di;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto magnitude = hn::Set(di, 0x7fffffff);
  auto largest = hn::Zero(di);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bits = hn::BitCast(di, hn::LoadU(d, x + i));
    largest = hn::Max(largest, hn::And(bits, magnitude));
  }
  int32_t result = hn::GetLane(hn::MaxOfLanes(di, largest));
  for (; i < n; ++i)
    result = std::max(result, absl::bit_cast<int32_t>(std::fabs(x[i])));
  constexpr int32_t kInfinity = 0x7f800000;
  return result < kInfinity ? absl::bit_cast<float>(result)
                            : std::numeric_limits<float>::quiet_NaN();
}

// Rounds steps from -127 to 127, as they are multiplied with, from 1 on.
HWY_INLINE void StoreSteps(hn::Vec<F> steps, uint8_t* to) {
#if HWY_TARGET <= HWY_AVX3
  // Without what NearestInt and DemoteTo do for numbers that are too large.
  const __m128i all = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(steps.raw));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm_xor_si128(all, _mm_set1_epi8(-128)));
#else
  const hn::Rebind<uint8_t, F> bytes;
  const auto v = hn::Add(hn::NearestInt(steps), hn::Set(I32(), 128));
  hn::StoreU(hn::DemoteTo(bytes, v), bytes, to);
#endif
}

void TakeSteps(const SmallProduct& p) {
  const SmallRows rows(p);
  const F d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t r = 0; r < p.m; ++r) {
    const float* x = p.a + r * p.a_stride;
    uint8_t* to = rows.steps + r * rows.stride;
    const float largest = LargestOf(x, p.k);
    // Below, nothing is left.
    const bool is_zero = largest < 1e-30f;
    rows.set_worth(r, is_zero ? 0.0f : largest / 127);
    const float steps = is_zero || std::isnan(largest) ? 0 : 127 / largest;
    const auto factor = hn::Set(d, steps);
    int64_t i = 0;
    for (; i + lanes <= p.k; i += lanes) {
      StoreSteps(hn::Mul(hn::LoadU(d, x + i), factor), to + i);
    }
    for (; i < p.k; ++i) {
      const float v = std::isnan(largest) ? 0 : x[i] * steps;
      to[i] = static_cast<uint8_t>(std::lrint(v) + 128);
    }
    std::memset(to + p.k, 128, rows.k - p.k);
  }
}

// ---- Sums -------------------------------------------------------------------

// Four columns' worth of weights, ready to be used for several rows.
struct Weights {
#if HWY_TARGET <= HWY_AVX3_DL
  hn::Vec<I8> all;
#else
  hn::Vec<I16> even, odd;
#endif
};

HWY_INLINE Weights LoadWeights(const int8_t* from) {
  const auto all = hn::LoadU(I8(), from);
#if HWY_TARGET <= HWY_AVX3_DL
  return {all};
#else
  const auto pairs = hn::BitCast(I16(), all);
  return {hn::ShiftRight<8>(hn::ShiftLeft<8>(pairs)), hn::ShiftRight<8>(pairs)};
#endif
}

// sum + the products of each column's four elements with the four of `steps`.
HWY_INLINE hn::Vec<I32> AddProducts(hn::Vec<I32> sum, int32_t steps,
                                    const Weights& w) {
  const auto four = hn::Set(I32(), steps);
#if HWY_TARGET <= HWY_AVX3_DL
  // Highway does not allow the intrinsic here.
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(four.raw), "v"(w.all.raw));
  return sum;
#else
  const I16 d;
  const auto even = hn::And(hn::BitCast(d, four), hn::Set(d, 0xFF));
  const auto odd = hn::BitCast(
      d, hn::ShiftRight<8>(hn::BitCast(hn::RebindToUnsigned<I16>(), four)));
  auto rest = hn::Zero(I32());
  sum = hn::ReorderWidenMulAccumulate(I32(), even, w.even, sum, rest);
  return hn::ReorderWidenMulAccumulate(I32(), odd, w.odd, sum, rest);
#endif
}

template <int kRows, int kPanels>
void Block(const SmallProduct& p, int64_t row, int64_t panel) {
  const F d;
  const I32 di;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t columns = kVectors * lanes;
  const SmallRows rows(p);
  constexpr int kSums = kPanels * kVectors;
  const int8_t* b[kPanels];
  HWY_UNROLL(16)
  for (int q = 0; q < kPanels; ++q)
    b[q] = p.packed_b + (panel + q) * PanelBytes(p.k, columns);
  // What the columns are worth, and how their sums begin.
  const float* scales[kSums];
  hn::Vec<I32> begin[kSums];
  HWY_UNROLL(16)
  for (int s = 0; s < kSums; ++s) {
    const int8_t* end =
        b[s / kVectors] + rows.k * columns + s % kVectors * lanes * 4;
    scales[s] = reinterpret_cast<const float*>(end);
    begin[s] =
        hn::LoadU(di, reinterpret_cast<const int32_t*>(end + columns * 4));
  }
  // Unrolled at once, all sums are in registers.
  hn::Vec<I32> sum[kRows][kSums];
  const uint8_t* a[kRows];
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    a[r] = rows.steps + (row + r) * rows.stride;
    HWY_UNROLL(16)
    for (int s = 0; s < kSums; ++s) sum[r][s] = begin[s];
  }
  for (int64_t i = 0; i < rows.k; i += 4) {
    Weights y[kSums];
    HWY_UNROLL(16)
    for (int q = 0; q < kPanels; ++q) {
      HWY_UNROLL(16)
      for (int v = 0; v < kVectors; ++v)
        y[q * kVectors + v] = LoadWeights(b[q] + v * lanes * 4);
      b[q] += columns * 4;
    }
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      int32_t steps;
      std::memcpy(&steps, a[r] + i, sizeof(steps));
      HWY_UNROLL(16)
      for (int s = 0; s < kSums; ++s)
        sum[r][s] = AddProducts(sum[r][s], steps, y[s]);
    }
  }
  HWY_UNROLL(16)
  for (int s = 0; s < kSums; ++s) {
    const auto scale = hn::LoadU(d, scales[s]);
    const int64_t column = panel * columns + s * lanes;
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const auto worth = hn::Mul(scale, hn::Set(d, rows.worth(row + r)));
      const auto steps = hn::ConvertTo(d, sum[r][s]);
      const auto addend =
          p.addend == nullptr
              ? hn::Zero(d)
              : hn::LoadU(d, p.addend + (row + r) * p.addend_stride + column);
      hn::StoreU(hn::MulAdd(steps, worth, addend), d,
                 p.c + (row + r) * p.c_stride + column);
    }
  }
}

// Full panels [begin, end), kPanels of them at a time, then fewer.
template <int kRows, int kPanels>
void FullPanels(const SmallProduct& p, int64_t row, int64_t begin,
                int64_t end) {
  for (; begin + kPanels <= end; begin += kPanels)
    Block<kRows, kPanels>(p, row, begin);
  if constexpr (kPanels > 1) FullPanels<kRows, kPanels / 2>(p, row, begin, end);
}

template <int kRows = kMaxRows>
void Rows(const SmallProduct& p, int64_t row, int rows, int64_t begin,
          int64_t end) {
  if constexpr (kRows == 0) {
    return;
  } else if (rows == kRows) {
    FullPanels<kRows, PanelsAtOnce(kRows)>(p, row, begin, end);
  } else {
    Rows<kRows - 1>(p, row, rows, begin, end);
  }
}

// One panel that goes beyond the last column: row by row, through a full one.
void LastPanel(const SmallProduct& p, int64_t row, int rows, int64_t panel) {
  HWY_ALIGN float sums[kVectors * HWY_MAX_BYTES / sizeof(float)];
  const int64_t columns = Columns();
  const int64_t begin = panel * columns;
  const size_t bytes = (p.n - begin) * sizeof(float);
  for (int64_t r = row; r < row + rows; ++r) {
    std::fill_n(sums, columns, 0.0f);
    if (p.addend != nullptr)
      std::memcpy(sums, p.addend + r * p.addend_stride + begin, bytes);
    SmallProduct full = p;
    full.addend = sums - r * columns - begin;
    full.c = sums - r * columns - begin;
    full.addend_stride = full.c_stride = columns;
    Block<1, 1>(full, r, panel);
    std::memcpy(p.c + r * p.c_stride + begin, sums, bytes);
  }
}

void Panels(const SmallProduct& p, int64_t begin, int64_t end) {
  const int64_t full_panels = p.n / Columns();
  const int64_t blocks = (p.m + kMaxRows - 1) / kMaxRows;
  const int at_once = PanelsAtOnce(static_cast<int>(p.m / blocks));
  const int64_t groups = (end - begin + at_once - 1) / at_once;
  for (int64_t g = 0; g < groups; ++g) {
    const int64_t first = begin + (p.backwards ? groups - 1 - g : g) * at_once;
    const int64_t last = std::min(end, first + at_once);
    for (int64_t i = 0; i < blocks; ++i) {
      const int64_t row = i * p.m / blocks;
      const int rows = static_cast<int>((i + 1) * p.m / blocks - row);
      Rows(p, row, rows, first, std::min(last, full_panels));
      if (last > full_panels) LastPanel(p, row, rows, full_panels);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace weft {
namespace {

HWY_EXPORT(TakeSteps);
HWY_EXPORT(Panels);

// One column of a panel.
void PackColumn(const float* from, int64_t row_stride, int64_t k,
                int64_t columns, int64_t column, int8_t* panel) {
  float largest = 0, check = 0;
  for (int64_t i = 0; i < k; ++i) {
    largest = std::max(largest, std::fabs(from[i * row_stride]));
    check += from[i * row_stride] * 0.0f;
  }
  const bool is_zero = largest < 1e-30f;
  const bool is_number = check == 0;
  const float steps = is_zero || !is_number ? 0 : 127 / largest;
  int32_t sum = 0;
  for (int64_t i = 0; i < k; ++i) {
    const float x = is_number ? from[i * row_stride] * steps : 0;
    const int8_t step = static_cast<int8_t>(std::lrint(x));
    panel[(i / 4 * columns + column) * 4 + i % 4] = step;
    sum += step;
  }
  const float scale = !is_number ? std::numeric_limits<float>::quiet_NaN()
                      : is_zero  ? 0
                                 : largest / 127;
  int8_t* const end = panel + RoundedUp(k, 4) * columns;
  const int32_t begin = -128 * sum;
  std::memcpy(end + column * 4, &scale, sizeof(scale));
  std::memcpy(end + (columns + column) * 4, &begin, sizeof(begin));
}

}  // namespace

template <>
int64_t PackedElements<int8_t>(int64_t k, int64_t n) {
  const int64_t columns = PanelColumns<int8_t>();
  return (n + columns - 1) / columns * PanelBytes(k, columns);
}

template <>
void PackMatrix(const float* from, int64_t row_stride, int64_t column_stride,
                int64_t k, int64_t n, int8_t* packed) {
  const int64_t columns = PanelColumns<int8_t>();
  std::fill_n(packed, PackedElements<int8_t>(k, n), int8_t{0});
  for (int64_t j = 0; j < n; ++j) {
    PackColumn(from + j * column_stride, row_stride, k, columns, j % columns,
               packed + j / columns * PanelBytes(k, columns));
  }
}

template <>
size_t ProductScratchBytes<int8_t>(int64_t m, int64_t k) {
  return m * SmallRows::RowBytes(k);
}

template <>
void ComputeProduct(const SmallProduct& product, ThreadPool& pool) {
  if (product.m == 0 || product.n == 0) return;
  SmallProduct p = product;
  p.scratch_row_bytes = SmallRows::RowBytes(p.k);
  const ProductCut cut =
      ProductCut::Of(p, crossover::kInt8Product, pool.num_threads());
  if (!cut.by_rows) HWY_DYNAMIC_DISPATCH(TakeSteps)(p);
  cut.Run(p, pool, [&](const SmallProduct& part, int64_t begin, int64_t end) {
    if (cut.by_rows) HWY_DYNAMIC_DISPATCH(TakeSteps)(part);
    HWY_DYNAMIC_DISPATCH(Panels)(part, begin, end);
  });
}

}  // namespace weft

#endif  // HWY_ONCE
