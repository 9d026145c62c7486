#include "kernels/pointwise_rows.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// Do neighbours along the last axis that has any stand side by side?
bool HasDenseColumns(const TensorShape& shape,
                     const absl::InlinedVector<int64_t, 8>& strides) {
  for (int a = shape.rank(); a-- > 0;) {
    if (shape.dim(a) != 1) return strides[a] == 1;
  }
  return true;
}

// Is the part as large as the row but for `axis`, and within it there?
bool Fits(const PointwiseRow& row, const TensorShape& part,
          const TensorShape& whole) {
  if (part.rank() != whole.rank()) return false;
  for (int a = 0; a < part.rank(); ++a) {
    const bool fits = a == row.axis ? row.column + part.dim(a) <= whole.dim(a)
                                    : part.dim(a) == whole.dim(a);
    if (!fits) return false;
  }
  return true;
}

}  // namespace

std::optional<PointwiseRowPlace> LayOutRow(const PointwiseRow& row,
                                           const TensorShape& part,
                                           LayoutContext& c) {
  const TensorShape& rows = c.input_shape(row.input);
  const int row_axis = row.swapped ? 1 : 0;
  if (!c.may_move() || !rows.has_rank() || rows.rank() <= row_axis ||
      c.input_shape(row.input + 1).rank() != 0) {
    return std::nullopt;
  }
  TensorShape whole = rows;
  whole.RemoveDim(row_axis);
  if (!Fits(row, part, whole)) return std::nullopt;
  PointwiseRowPlace place = {.row = &row, .count = rows.dim(row_axis)};
  place.strides = Steps(rows);
  const int64_t bytes =
      static_cast<int64_t>(DataTypeSize(c.input_dtype(row.input)));
  place.step_bytes = place.strides[row_axis] * bytes;
  place.strides.erase(place.strides.begin() + row_axis);
  if (row.column > 0)
    place.column_bytes = row.column * place.strides[row.axis] * bytes;
  if (!HasDenseColumns(part, place.strides)) return std::nullopt;
  // Only a _SetRow uses it, which takes strides.
  const bool dense = IsDense(part.dims(), place.strides);
  c.SetOutputMoving(row.output, row.input, part,
                    dense ? absl::Span<const int64_t>() : place.strides);
  return place;
}

absl::Status PlaceInRow(const PointwiseRowPlace& place, KernelContext& c) {
  const PointwiseRow& row = *place.row;
  const int64_t i = ReadInt(c.input(row.input + 1));
  if (i < 0 || i >= place.count) {
    return OutOfRange(row.name, ": index ", i, " must be in [0, ", place.count,
                      ")");
  }
  c.SetOutputAddress(row.output, static_cast<char*>(c.input(row.input).data) +
                                     i * place.step_bytes + place.column_bytes);
  return absl::OkStatus();
}

}  // namespace weft
