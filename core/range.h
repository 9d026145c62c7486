// The size of an arithmetic progression.
#ifndef WEFT_CORE_RANGE_H_
#define WEFT_CORE_RANGE_H_

#include <cstdint>

#include "absl/status/statusor.h"

namespace weft {

// How many of start, start + delta, ... lie below `limit`, or above it for a
// negative delta. InvalidArgument if delta is 0 (or not a number), if it leads
// away from `limit`, or if there are more than an int64_t counts. Floating
// types are rounded as TensorFlow does.
absl::StatusOr<int64_t> RangeSize(int64_t start, int64_t limit, int64_t delta);
absl::StatusOr<int64_t> RangeSize(float start, float limit, float delta);
absl::StatusOr<int64_t> RangeSize(double start, double limit, double delta);

}  // namespace weft

#endif  // WEFT_CORE_RANGE_H_
