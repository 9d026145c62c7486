// Products with a matrix that is packed once and used often.
#ifndef WEFT_KERNELS_PRODUCT_H_
#define WEFT_KERNELS_PRODUCT_H_

#include <cstddef>
#include <cstdint>

#include "core/data_type.h"
#include "core/thread_pool.h"

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
  void* scratch = nullptr;  // ProductScratchBytes.

  // The part of it for rows [begin, end) of c.
  PackedProduct Rows(int64_t begin, int64_t end) const {
    PackedProduct part = *this;
    part.m = end - begin;
    part.a += begin * a_stride;
    part.c += begin * c_stride;
    if (addend != nullptr) part.addend += begin * addend_stride;
    return part;
  }
  // Should threads share its rows, rather than its columns? If each can have
  // all of b in its cache: then the rows that a thread has computed are those
  // that it goes on with.
  bool SharesRows() const {
    constexpr int64_t kCachedBytes = 5 << 18;
    constexpr int64_t kFewRows = 16;
    return m >= kFewRows &&
           k * n * static_cast<int64_t>(sizeof(W)) <= kCachedBytes;
  }
};

// Rows of a product that go together, if threads share them.
inline constexpr int64_t kProductRows = 8;

template <typename W>
size_t ProductScratchBytes(int64_t m, int64_t k);

// Every element is one sum from the first to the last, however the work is cut.
template <typename T, typename W>
void ComputeProduct(const PackedProduct<T, W>& product, ThreadPool& pool);

}  // namespace weft

#endif  // WEFT_KERNELS_PRODUCT_H_
