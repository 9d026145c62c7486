#include "kernels/array_copy.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>

#include "core/tensor_list.h"

namespace weft {
namespace {

constexpr int64_t kGrainElements = 1
                                   << 14;  // What is worth a thread of its own.
constexpr int64_t kTile = 16;  // Of a transpose: stays in the L1 cache.

// The innermost two axes of a box, as loops.
struct Inner {
  CopyAxis rows;  // Of size 1 if the box is a single run.
  CopyAxis columns;
};

template <typename T>
void CopyRun(const T* from, T* to, const CopyAxis& axis) {
  if (axis.from_step == 1 && axis.to_step == 1) {
    std::copy(from, from + axis.size, to);
    return;
  }
  if (axis.from_step == 0 && axis.to_step == 1) {
    std::fill(to, to + axis.size, *from);
    return;
  }
  for (int64_t i = 0; i < axis.size; ++i) {
    to[i * axis.to_step] = from[i * axis.from_step];
  }
}

// Copies a tile through a buffer: what is read and what is written then each
// stand close together.
template <typename T, bool kWhole>
void CopyTile(const T* __restrict from, T* __restrict to, const CopyAxis& rows,
              const CopyAxis& columns) {
  const int64_t num_rows = kWhole ? kTile : rows.size;
  const int64_t num_columns = kWhole ? kTile : columns.size;
  T tile[kTile * kTile];
  for (int64_t j = 0; j < num_columns; ++j) {
    for (int64_t i = 0; i < num_rows; ++i) {
      tile[j * kTile + i] = from[j * columns.from_step + i];
    }
  }
  for (int64_t i = 0; i < num_rows; ++i) {
    for (int64_t j = 0; j < num_columns; ++j) {
      to[i * rows.to_step + j * columns.to_step] = tile[j * kTile + i];
    }
  }
}

// A matrix whose rows become columns: neighbours where it comes from are in one
// column.
template <typename T>
void CopyTransposed(const T* from, T* to, const Inner& inner) {
  const auto [rows, columns] = inner;
  for (int64_t i = 0; i < rows.size; i += kTile) {
    for (int64_t j = 0; j < columns.size; j += kTile) {
      const T* tile_from = from + i + j * columns.from_step;
      T* tile_to = to + i * rows.to_step + j * columns.to_step;
      CopyAxis tile_rows = rows, tile_columns = columns;
      tile_rows.size = std::min(kTile, rows.size - i);
      tile_columns.size = std::min(kTile, columns.size - j);
      if (tile_rows.size == kTile && tile_columns.size == kTile) {
        CopyTile<T, true>(tile_from, tile_to, tile_rows, tile_columns);
      } else {
        CopyTile<T, false>(tile_from, tile_to, tile_rows, tile_columns);
      }
    }
  }
}

template <typename T>
void CopyInner(const T* from, T* to, const Inner& inner) {
  if constexpr (std::is_trivially_copyable_v<T>) {
    if (inner.rows.from_step == 1 && inner.columns.from_step != 1) {
      return CopyTransposed(from, to, inner);
    }
  }
  for (int64_t i = 0; i < inner.rows.size; ++i) {
    CopyRun(from + i * inner.rows.from_step, to + i * inner.rows.to_step,
            inner.columns);
  }
}

// Copies the boxes numbered [begin, end) of those that `outer` counts.
template <typename T>
void CopyBoxes(const T* from, T* to, absl::Span<const CopyAxis> outer,
               const Inner& inner, int64_t begin, int64_t end) {
  absl::InlinedVector<int64_t, 8> at(outer.size());
  int64_t rest = begin;
  for (int k = static_cast<int>(outer.size()) - 1; k >= 0; --k) {
    at[k] = rest % outer[k].size;
    rest /= outer[k].size;
    from += at[k] * outer[k].from_step;
    to += at[k] * outer[k].to_step;
  }
  for (int64_t i = begin; i < end; ++i) {
    CopyInner(from, to, inner);
    for (int k = static_cast<int>(outer.size()) - 1; k >= 0; --k) {
      from += outer[k].from_step;
      to += outer[k].to_step;
      if (++at[k] < outer[k].size) break;
      from -= at[k] * outer[k].from_step;
      to -= at[k] * outer[k].to_step;
      at[k] = 0;
    }
  }
}

// Drops axes of size 1 and joins neighbours that are one axis on both sides.
// False if there is nothing to copy.
bool Simplify(CopyAxes* axes) {
  size_t n = 0;
  for (const CopyAxis& axis : *axes) {
    if (axis.size == 0) return false;
    if (axis.size == 1) continue;
    CopyAxis* last = n > 0 ? &(*axes)[n - 1] : nullptr;
    if (last != nullptr && last->from_step == axis.from_step * axis.size &&
        last->to_step == axis.to_step * axis.size) {
      *last = {last->size * axis.size, axis.from_step, axis.to_step};
    } else {
      (*axes)[n++] = axis;
    }
  }
  axes->resize(n);
  return true;
}

template <typename T>
void CopyBoxOf(ThreadPool& pool, const void* from, void* to,
               const CopyAxes& axes) {
  const size_t n = axes.size();
  Inner inner;
  if (n >= 1) inner.columns = axes[n - 1];
  if (n >= 2) inner.rows = axes[n - 2];
  const absl::Span<const CopyAxis> outer(axes.data(), n >= 2 ? n - 2 : 0);
  int64_t count = 1;
  for (const CopyAxis& axis : outer) count *= axis.size;
  const int64_t elements = inner.rows.size * inner.columns.size;
  const auto copy = [&](int64_t begin, int64_t end) {
    CopyBoxes(static_cast<const T*>(from), static_cast<T*>(to), outer, inner,
              begin, end);
  };
  if (count * elements <= kGrainElements) return copy(0, count);
  if (count == 1) {
    // One large matrix: its rows are shared out.
    const int64_t grain =
        std::max<int64_t>(kTile, kGrainElements / inner.columns.size);
    return pool.ParallelFor(
        inner.rows.size, grain, [&](int64_t begin, int64_t end) {
          Inner part = inner;
          part.rows.size = end - begin;
          CopyInner(static_cast<const T*>(from) + begin * inner.rows.from_step,
                    static_cast<T*>(to) + begin * inner.rows.to_step, part);
        });
  }
  pool.ParallelFor(count, std::max<int64_t>(1, kGrainElements / elements),
                   copy);
}

}  // namespace

size_t ElementStride(DataType dtype) {
  if (dtype == DataType::kString) return sizeof(std::string);
  if (dtype == DataType::kVariant) return sizeof(TensorList);
  return DataTypeSize(dtype);
}

const void* At(const void* data, DataType dtype, int64_t elements) {
  return static_cast<const char*>(data) +
         elements * static_cast<int64_t>(ElementStride(dtype));
}

void* At(void* data, DataType dtype, int64_t elements) {
  return static_cast<char*>(data) +
         elements * static_cast<int64_t>(ElementStride(dtype));
}

void CopyElements(DataType dtype, const void* from, void* to, int64_t n) {
  if (n == 0) return;
  if (dtype == DataType::kString) {
    std::copy_n(static_cast<const std::string*>(from), n,
                static_cast<std::string*>(to));
  } else if (dtype == DataType::kVariant) {
    std::copy_n(static_cast<const TensorList*>(from), n,
                static_cast<TensorList*>(to));
  } else {
    std::memcpy(to, from, n * DataTypeSize(dtype));
  }
}

void ClearElements(DataType dtype, void* to, int64_t n) {
  if (n == 0) return;
  if (dtype == DataType::kString) {
    std::fill_n(static_cast<std::string*>(to), n, std::string());
  } else if (dtype == DataType::kVariant) {
    std::fill_n(static_cast<TensorList*>(to), n, TensorList());
  } else {
    std::memset(to, 0, n * DataTypeSize(dtype));
  }
}

void CopyBox(ThreadPool& pool, DataType dtype, const void* from, void* to,
             CopyAxes axes) {
  if (!Simplify(&axes)) return;
  if (dtype == DataType::kString)
    return CopyBoxOf<std::string>(pool, from, to, axes);
  if (dtype == DataType::kVariant)
    return CopyBoxOf<TensorList>(pool, from, to, axes);
  switch (DataTypeSize(dtype)) {
    case 1:
      return CopyBoxOf<uint8_t>(pool, from, to, axes);
    case 2:
      return CopyBoxOf<uint16_t>(pool, from, to, axes);
    case 4:
      return CopyBoxOf<uint32_t>(pool, from, to, axes);
    default:
      return CopyBoxOf<uint64_t>(pool, from, to, axes);
  }
}

absl::InlinedVector<int64_t, 8> Steps(const TensorShape& shape) {
  absl::InlinedVector<int64_t, 8> steps(shape.rank());
  int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    steps[i] = step;
    step *= shape.dim(i);
  }
  return steps;
}

bool IsDense(absl::Span<const int64_t> sizes,
             absl::Span<const int64_t> strides) {
  int64_t step = 1;
  for (size_t a = sizes.size(); a-- > 0;) {
    if (sizes[a] != 1 && strides[a] != step) return false;
    step *= sizes[a];
  }
  return true;
}

}  // namespace weft
