// Products with a matrix that is packed once and used often.
#ifndef WEFT_KERNELS_PRODUCT_H_
#define WEFT_KERNELS_PRODUCT_H_

#include <cstdint>

#include "core/thread_pool.h"

namespace weft {

// Packed, a matrix [k, n] is a row of panels of some columns each, with zeros
// behind the last: the columns of row 0, those of row 1, ...
template <typename T>
int64_t PanelColumns();
template <typename T>
int64_t PackedElements(int64_t k, int64_t n) {
  const int64_t columns = PanelColumns<T>();
  return (n + columns - 1) / columns * columns * k;
}

// Element (i, j) of the matrix is from[i * row_stride + j * column_stride].
template <typename T>
void PackMatrix(const T* from, int64_t row_stride, int64_t column_stride,
                int64_t k, int64_t n, T* packed);

// c = a b + addend, where rows of a and c have their elements side by side.
template <typename T>
struct PackedProduct {
  int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  int64_t a_stride = 0;  // From row to row; 0: all are the same.
  const T* packed_b = nullptr;
  const T* addend = nullptr;  // Null: zeros.
  int64_t addend_stride = 0;
  T* c = nullptr;
  int64_t c_stride = 0;
  // Panels from the last to the first: what was used last may still be in the
  // cache. Gives the same bits.
  bool backwards = false;
};

// Every element is one sum from the first to the last, however the work is cut.
template <typename T>
void ComputeProduct(const PackedProduct<T>& product, ThreadPool& pool);

}  // namespace weft

#endif  // WEFT_KERNELS_PRODUCT_H_
