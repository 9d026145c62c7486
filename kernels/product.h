// Products with a matrix that is packed once and used often.
#ifndef WEFT_KERNELS_PRODUCT_H_
#define WEFT_KERNELS_PRODUCT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/data_type.h"
#include "core/thread_pool.h"
#include "kernels/crossovers.h"

namespace weft {

// W is how a matrix is kept while it is packed:
//
//   double, float  as it is
//   Bfloat16       rounded to 8 bits of precision
//   int8_t         each column in 127 steps up to its largest element; the rows
//                  of the other matrix are rounded likewise, when they come
//
// Sums are of T in all cases but the last, where they are exact.

// Packed, a matrix [k, n] is a row of panels of so many columns each, with
// zeros behind the last: the columns of row 0, those of row 1, ...; of int8_t:
// see kernels/product_int8.cc.
template <typename W>
int64_t PanelColumns();
// Of all panels.
template <typename W>
int64_t PackedElements(int64_t k, int64_t n);

// Element (i, j) of the matrix is from[i * row_stride + j * column_stride].
template <typename T, typename W>
void PackMatrix(const T* from, int64_t row_stride, int64_t column_stride,
                int64_t k, int64_t n, W* packed);

// c = a b + addend, where rows of a and c have their elements side by side.
template <typename T, typename W = T>
struct PackedProduct {
  int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  int64_t a_stride = 0;  // From row to row; 0: all are the same.
  const W* packed_b = nullptr;
  const T* addend = nullptr;  // Null: zeros.
  int64_t addend_stride = 0;
  T* c = nullptr;
  int64_t c_stride = 0;
  // Panels from the last to the first: what was used last may still be in the
  // cache. Gives the same bits.
  bool backwards = false;
  void* scratch = nullptr;        // ProductScratchBytes,
  int64_t scratch_row_bytes = 0;  // of which each row has its own.

  // The part of it for rows [begin, end) of c.
  PackedProduct Rows(int64_t begin, int64_t end) const {
    PackedProduct part = *this;
    part.m = end - begin;
    part.a += begin * a_stride;
    part.c += begin * c_stride;
    if (addend != nullptr) part.addend += begin * addend_stride;
    part.scratch = static_cast<char*>(scratch) + begin * scratch_row_bytes;
    return part;
  }
  // Should threads share its rows, rather than its columns? If each can have
  // all of b in its cache: then the rows that a thread has computed are those
  // that it goes on with.
  bool SharesRows() const {
    return m >= crossover::kSharedRows &&
           k * n * static_cast<int64_t>(sizeof(W)) <=
               crossover::kSharedMatrixBytes;
  }
};

template <typename W>
size_t ProductScratchBytes(int64_t m, int64_t k);

// How threads share a product: by rows or by panels, so many together. That
// follows from the number of threads, too: the bits do not, as no sum is cut.
struct ProductCut {
  bool by_rows = true;
  int64_t size = 0;  // Rows or panels.
  int64_t grain = 1;
  int64_t panels = 0;

  // `worth`: multiplications that are worth handing to another thread.
  template <typename T, typename W>
  static ProductCut Of(const PackedProduct<T, W>& p, int64_t worth,
                       int num_threads);

  // Calls run(part, begin, end) for panels [begin, end) of parts of `p`.
  template <typename Product, typename RunPanels>
  void Run(const Product& p, ThreadPool& pool, const RunPanels& run) const {
    if (size < 2 * grain) return run(p, int64_t{0}, panels);
    if (by_rows) {
      pool.ParallelFor(size, grain, [&](int64_t begin, int64_t end) {
        run(p.Rows(begin, end), int64_t{0}, panels);
      });
      return;
    }
    pool.ParallelFor(
        size, grain, [&](int64_t begin, int64_t end) { run(p, begin, end); },
        p.backwards ? ThreadPool::Order::kBackwards
                    : ThreadPool::Order::kForwards);
  }
};

template <typename T, typename W>
ProductCut ProductCut::Of(const PackedProduct<T, W>& p, int64_t worth,
                          int num_threads) {
  // What goes together.
  constexpr int64_t kRows = 8, kPanels = 4;
  const int64_t columns = PanelColumns<W>();
  ProductCut cut;
  cut.panels = (p.n + columns - 1) / columns;
  const int64_t work = std::max<int64_t>(
      std::max(p.m, crossover::kLeastRows) * p.k * columns, 1);
  cut.by_rows = p.SharesRows();
  if (!cut.by_rows) {
    cut.size = cut.panels;
    cut.grain = std::max<int64_t>(worth / (kPanels * work), 1) * kPanels;
    return cut;
  }
  cut.size = p.m;
  cut.grain =
      std::max<int64_t>(worth * p.m / (kRows * work * cut.panels), 1) * kRows;
  // A thread that has all its rows at once reads the matrix once.
  if (p.m % (kRows * num_threads) == 0)
    cut.grain = std::max(cut.grain, p.m / num_threads);
  return cut;
}

// Every element is one sum from the first to the last, however the work is cut.
template <typename T, typename W>
void ComputeProduct(const PackedProduct<T, W>& product, ThreadPool& pool);

}  // namespace weft

#endif  // WEFT_KERNELS_PRODUCT_H_
