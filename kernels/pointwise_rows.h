// Results of a fused program that it writes into rows: see kernels/rows.cc.
#ifndef WEFT_KERNELS_POINTWISE_ROWS_H_
#define WEFT_KERNELS_POINTWISE_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "core/kernel.h"
#include "kernels/array_copy.h"

namespace weft {

// An output that is a part of rows[index] (or rows[:, index]), by what the pass
// has written: the part begins at `column` of `axis`.
struct PointwiseRow {
  int output = -1;
  int input = -1;  // The rows; the index is the input behind them.
  int64_t column = 0;
  int64_t axis = 0;
  bool swapped = false;
  std::string name;  // Of the node that has set the row, for messages.
};

// Where such an output is.
struct PointwiseRowPlace {
  const PointwiseRow* row = nullptr;
  int64_t count = 0;                        // Of rows.
  int64_t step_bytes = 0;                   // From row to row.
  int64_t column_bytes = 0;                 // From the beginning of a row.
  absl::InlinedVector<int64_t, 8> strides;  // Of the part, in elements.
};

// Makes the output, of this shape, a view of its row; nothing if it has to have
// memory of its own.
std::optional<PointwiseRowPlace> LayOutRow(const PointwiseRow& row,
                                           const TensorShape& part,
                                           LayoutContext& c);

// Gives the output the address of its row. OutOfRange if there is no such row.
absl::Status PlaceInRow(const PointwiseRowPlace& place, KernelContext& c);

}  // namespace weft

#endif  // WEFT_KERNELS_POINTWISE_ROWS_H_
