// The inner loops of products, for every instruction set.
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/product_loops.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace weft {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
using Tag = hn::ScalableTag<T>;
template <typename T>
using Vec = hn::Vec<Tag<T>>;

// How many vectors wide a panel is. Two leave registers for many rows, and a
// panel of some hundred rows in the first cache.
constexpr int kVectors = 2;
// There are 32 registers with AVX-512, else 16.
constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3;
// How many rows have their sums in registers.
constexpr int kMaxRows = kManyRegisters ? 12 : 6;
// How many products are added in one turn of the loop. One row has to wait for
// the memory, which delivers faster the more evenly it is asked.
constexpr int AtOnce(int rows) { return rows == 1 ? 1 : 4; }
// Few rows need several panels at a time: an addition has to wait for the one
// before it.
constexpr int PanelsAtOnce(int rows) {
  if (rows == 1) return 4;
  if (rows == 2) return kManyRegisters ? 4 : 2;
  return rows <= (kManyRegisters ? 6 : 3) ? 2 : 1;
}

template <typename T>
HWY_INLINE int64_t Lanes() {
  return static_cast<int64_t>(hn::Lanes(Tag<T>()));
}

template <typename T>
HWY_INLINE Vec<T> LoadWeights(Tag<T> d, const T* from) {
  return hn::LoadU(d, from);
}
HWY_INLINE Vec<float> LoadWeights(Tag<float> d, const Bfloat16* from) {
  const hn::Rebind<hwy::bfloat16_t, Tag<float>> narrow;
  return hn::PromoteTo(
      d, hn::LoadU(narrow, reinterpret_cast<const hwy::bfloat16_t*>(from)));
}

// Some rows of a, c and the addend, and panels of b, by their first elements.
template <typename T, typename W>
struct Tile {
  const T* a;
  int64_t a_stride;
  const W* b;
  int64_t k;
  const T* addend;  // Null: zeros.
  int64_t addend_stride;
  T* c;
  int64_t c_stride;
  const W* next;  // Half of another panel, to be brought to the second cache.
};

template <typename T, typename W>
HWY_INLINE Tile<T, W> TileAt(const PackedProduct<T, W>& p, int64_t row,
                             int64_t panel, const W* next) {
  const int64_t column = panel * kVectors * Lanes<T>();
  return {
      p.a + row * p.a_stride,
      p.a_stride,
      p.packed_b + column * p.k,
      p.k,
      p.addend == nullptr ? nullptr : p.addend + row * p.addend_stride + column,
      p.addend_stride,
      p.c + row * p.c_stride + column,
      p.c_stride,
      next};
}

// kRows rows times the first kWidth vectors of each of kPanels panels.
template <int kRows, int kPanels, int kWidth = kVectors, typename T, typename W>
void Block(const Tile<T, W>& tile) {
  const Tag<T> d;
  const int64_t lanes = Lanes<T>();
  const int64_t columns = kVectors * lanes;
  constexpr int kSums = kPanels * kWidth;
  // Unrolled at once, all sums are in registers.
  Vec<T> sum[kRows][kSums];
  const T* a[kRows];
  a[0] = tile.a;
  HWY_UNROLL(16)
  for (int r = 1; r < kRows; ++r) a[r] = a[r - 1] + tile.a_stride;
  const int64_t k = tile.k;
  const W* b[kPanels];
  b[0] = tile.b;
  HWY_UNROLL(16)
  for (int q = 1; q < kPanels; ++q) b[q] = b[q - 1] + columns * k;
  if (tile.addend == nullptr) {
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(16)
      for (int s = 0; s < kSums; ++s) sum[r][s] = hn::Zero(d);
    }
  } else {
    const T* addend = tile.addend;
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r, addend += tile.addend_stride) {
      HWY_UNROLL(16)
      for (int s = 0; s < kSums; ++s)
        sum[r][s] = hn::LoadU(d, addend + s * lanes);
    }
  }
  constexpr int64_t kLine = 64 / sizeof(W);
  const W* const next = tile.next;
  const auto add = [&](int64_t i) HWY_ATTR {
    if constexpr (kPanels == 1) __builtin_prefetch(next + i * kLine, 0, 2);
    Vec<T> y[kSums];
    HWY_UNROLL(16)
    for (int q = 0; q < kPanels; ++q) {
      HWY_UNROLL(16)
      for (int v = 0; v < kWidth; ++v) {
        y[q * kWidth + v] = LoadWeights(d, b[q] + i * columns + v * lanes);
      }
    }
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const Vec<T> x = hn::Set(d, a[r][i]);
      HWY_UNROLL(16)
      for (int s = 0; s < kSums; ++s)
        sum[r][s] = hn::MulAdd(x, y[s], sum[r][s]);
    }
  };
  constexpr int kAtOnce = AtOnce(kRows);
  int64_t i = 0;
  for (; i + kAtOnce <= k; i += kAtOnce) {
    HWY_UNROLL(16)
    for (int j = 0; j < kAtOnce; ++j) add(i + j);
  }
  for (; i < k; ++i) add(i);
  T* c = tile.c;
  const int64_t c_stride = tile.c_stride;
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r, c += c_stride) {
    HWY_UNROLL(16)
    for (int s = 0; s < kSums; ++s) hn::StoreU(sum[r][s], d, c + s * lanes);
  }
}

// Full panels [begin, end), kPanels of them at a time, then fewer.
template <int kRows, int kPanels, typename T, typename W>
void FullPanels(const PackedProduct<T, W>& p, int64_t row, int64_t begin,
                int64_t end, const W* next) {
  for (; begin + kPanels <= end; begin += kPanels)
    Block<kRows, kPanels>(TileAt(p, row, begin, next));
  if constexpr (kPanels > 1)
    FullPanels<kRows, kPanels / 2>(p, row, begin, end, next);
}

// The first kWidth vectors of panels [begin, end).
template <int kWidth, int kRows = kMaxRows, typename T, typename W>
void Rows(const PackedProduct<T, W>& p, int64_t row, int rows, int64_t begin,
          int64_t end, const W* next) {
  if constexpr (kRows == 0) {
    return;
  } else if (rows != kRows) {
    Rows<kWidth, kRows - 1>(p, row, rows, begin, end, next);
  } else if constexpr (kWidth == kVectors) {
    FullPanels<kRows, PanelsAtOnce(kRows)>(p, row, begin, end, next);
  } else {
    Block<kRows, 1, kWidth>(TileAt(p, row, begin, next));
  }
}

// One panel that goes beyond the last column: through a full one.
template <typename T, typename W>
void LastPanel(const PackedProduct<T, W>& p, int64_t row, int rows,
               int64_t panel) {
  constexpr int64_t kMaxColumns = kVectors * HWY_MAX_BYTES / sizeof(T);
  HWY_ALIGN T sums[kMaxRows * kMaxColumns];
  const int64_t columns = kVectors * Lanes<T>();
  const int64_t begin = panel * columns;
  const int64_t count = p.n - begin;
  std::fill_n(sums, rows * columns, T{0});
  for (int r = 0; p.addend != nullptr && r < rows; ++r) {
    std::memcpy(sums + r * columns,
                p.addend + (row + r) * p.addend_stride + begin,
                count * sizeof(T));
  }
  PackedProduct<T, W> full = p;
  full.a = p.a + row * p.a_stride;
  full.packed_b = p.packed_b + begin * p.k;
  full.addend = full.c = sums;
  full.addend_stride = full.c_stride = columns;
  Rows<kVectors>(full, 0, rows, 0, 1, full.packed_b);
  for (int r = 0; r < rows; ++r) {
    std::memcpy(p.c + (row + r) * p.c_stride + begin, sums + r * columns,
                count * sizeof(T));
  }
}

// Rows [row, row + rows) of panels [begin, end).
template <typename T, typename W>
void RowsOfPanels(const PackedProduct<T, W>& p, int64_t row, int rows,
                  int64_t begin, int64_t end, const W* next) {
  const int64_t full = std::min(end, p.n / (kVectors * Lanes<T>()));
  Rows<kVectors>(p, row, rows, begin, full, next);
  if (full == end) return;
  if (p.n % (kVectors * Lanes<T>()) == Lanes<T>()) {
    Rows<1>(p, row, rows, full, end, next);
  } else {
    LastPanel(p, row, rows, full);
  }
}

// Panels [begin, end), some at a time, so that they stay in the cache for all
// rows.
template <typename T, typename W>
void Panels(const PackedProduct<T, W>& p, int64_t begin, int64_t end) {
  const int64_t bytes = (end - begin) * kVectors * Lanes<T>() * p.k * sizeof(W);
  if (p.m > crossover::kRowsAtOnce && bytes <= crossover::kPanelsAtOnceBytes) {
    for (int64_t row = 0; row < p.m; row += crossover::kRowsAtOnce) {
      Panels(p.Rows(row, std::min(row + crossover::kRowsAtOnce, p.m)), begin,
             end);
    }
    return;
  }
  // Rows in blocks of about one size.
  const int64_t blocks = (p.m + kMaxRows - 1) / kMaxRows;
  const int64_t least = p.m / blocks;
  const int64_t larger = p.m % blocks;
  const int at_once = PanelsAtOnce(static_cast<int>(least));
  const int64_t groups = (end - begin + at_once - 1) / at_once;
  for (int64_t g = 0; g < groups; ++g) {
    const int64_t first = begin + (p.backwards ? groups - 1 - g : g) * at_once;
    const int64_t last = std::min(end, first + at_once);
    const int64_t panel = kVectors * Lanes<T>() * p.k;
    const W* const next =
        p.packed_b + (p.backwards ? first - at_once : last) * panel;
    int64_t row = 0;
    for (int64_t i = 0; i < blocks; ++i) {
      const int rows = static_cast<int>(i < larger ? least + 1 : least);
      RowsOfPanels(p, row, rows, first, last, next + i % 2 * (panel / 2));
      row += rows;
    }
  }
}

void FloatPanels(const PackedProduct<float>& p, int64_t begin, int64_t end) {
  Panels(p, begin, end);
}
void Bfloat16Panels(const PackedProduct<float, Bfloat16>& p, int64_t begin,
                    int64_t end) {
  Panels(p, begin, end);
}
void DoublePanels(const PackedProduct<double>& p, int64_t begin, int64_t end) {
  Panels(p, begin, end);
}
int64_t FloatColumns() { return kVectors * Lanes<float>(); }
int64_t DoubleColumns() { return kVectors * Lanes<double>(); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace weft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace weft {
namespace {

HWY_EXPORT(FloatPanels);
HWY_EXPORT(Bfloat16Panels);
HWY_EXPORT(DoublePanels);
HWY_EXPORT(FloatColumns);
HWY_EXPORT(DoubleColumns);

void Run(const PackedProduct<float>& p, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(FloatPanels)(p, begin, end);
}
void Run(const PackedProduct<float, Bfloat16>& p, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(Bfloat16Panels)(p, begin, end);
}
void Run(const PackedProduct<double>& p, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(DoublePanels)(p, begin, end);
}

template <typename W, typename T>
W Rounded(T x) {
  if constexpr (std::is_same_v<W, Bfloat16>) {
    return ToBfloat16(x);
  } else {
    return x;
  }
}

}  // namespace

template <typename W>
int64_t PanelColumns() {
  return std::is_same_v<W, double> ? HWY_DYNAMIC_DISPATCH(DoubleColumns)()
                                   : HWY_DYNAMIC_DISPATCH(FloatColumns)();
}

template <typename W>
int64_t PackedElements(int64_t k, int64_t n) {
  const int64_t columns = PanelColumns<W>();
  return (n + columns - 1) / columns * columns * k;
}

template <typename T, typename W>
void PackMatrix(const T* from, int64_t row_stride, int64_t column_stride,
                int64_t k, int64_t n, W* packed) {
  const int64_t columns = PanelColumns<W>();
  for (int64_t begin = 0; begin < n; begin += columns) {
    const int64_t count = std::min(columns, n - begin);
    const T* const first = from + begin * column_stride;
    if (column_stride == 1) {
      for (int64_t i = 0; i < k; ++i) {
        const T* const row = first + i * row_stride;
        for (int64_t j = 0; j < count; ++j)
          packed[i * columns + j] = Rounded<W>(row[j]);
      }
    } else {
      // What stands side by side is read together.
      for (int64_t j = 0; j < count; ++j) {
        const T* const column = first + j * column_stride;
        for (int64_t i = 0; i < k; ++i)
          packed[i * columns + j] = Rounded<W>(column[i * row_stride]);
      }
    }
    for (int64_t i = 0; count < columns && i < k; ++i)
      std::fill_n(packed + i * columns + count, columns - count, W{});
    packed += k * columns;
  }
}

template <typename W>
size_t ProductScratchBytes(int64_t, int64_t) {
  return 0;
}

template <typename T, typename W>
void ComputeProduct(const PackedProduct<T, W>& p, ThreadPool& pool) {
  if (p.m == 0 || p.n == 0) return;
  ProductCut::Of(p, crossover::kFloatProduct, pool.num_threads())
      .Run(p, pool,
           [](const PackedProduct<T, W>& part, int64_t begin, int64_t end) {
             weft::Run(part, begin, end);
           });
}

template int64_t PanelColumns<int8_t>();

#define WEFT_INSTANTIATE(T, W)                                                \
  template int64_t PanelColumns<W>();                                         \
  template int64_t PackedElements<W>(int64_t, int64_t);                       \
  template void PackMatrix(const T*, int64_t, int64_t, int64_t, int64_t, W*); \
  template size_t ProductScratchBytes<W>(int64_t, int64_t);                   \
  template void ComputeProduct(const PackedProduct<T, W>&, ThreadPool&)

WEFT_INSTANTIATE(float, float);
WEFT_INSTANTIATE(float, Bfloat16);
WEFT_INSTANTIATE(double, double);

}  // namespace weft

#endif  // HWY_ONCE
