#include "core/range.h"

#include <cmath>
#include <limits>

#include "core/status.h"

namespace weft {
namespace {

template <typename T>
absl::Status CheckDirection(T start, T limit, T delta) {
  if (delta > 0 ? start <= limit : delta < 0 && start >= limit)
    return absl::OkStatus();
  if (delta == 0) return InvalidArgument("delta is 0 but must not be");
  return InvalidArgument("limit is ", limit, " but must be ",
                         delta > 0 ? "at least" : "at most", " start = ", start,
                         " for delta = ", delta);
}

template <typename T>
absl::StatusOr<int64_t> FloatingRangeSize(T start, T limit, T delta) {
  WEFT_RETURN_IF_ERROR(CheckDirection(start, limit, delta));
  const double size = std::ceil((limit - start) / delta);
  constexpr double kLimit = 9.2e18;  // Below 2^63.
  if (!(size < kLimit)) {
    return InvalidArgument("the range from ", start, " to ", limit, " by ",
                           delta, " is too long");
  }
  return static_cast<int64_t>(size);
}

}  // namespace

absl::StatusOr<int64_t> RangeSize(int64_t start, int64_t limit, int64_t delta) {
  WEFT_RETURN_IF_ERROR(CheckDirection(start, limit, delta));
  // Unsigned differences do not overflow.
  const uint64_t from = static_cast<uint64_t>(start);
  const uint64_t to = static_cast<uint64_t>(limit);
  const uint64_t distance = delta > 0 ? to - from : from - to;
  const uint64_t step =
      delta > 0 ? static_cast<uint64_t>(delta) : -static_cast<uint64_t>(delta);
  const uint64_t size = distance / step + (distance % step != 0 ? 1 : 0);
  if (size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return InvalidArgument("the range from ", start, " to ", limit,
                           " is too long");
  }
  return static_cast<int64_t>(size);
}

absl::StatusOr<int64_t> RangeSize(float start, float limit, float delta) {
  return FloatingRangeSize(start, limit, delta);
}

absl::StatusOr<int64_t> RangeSize(double start, double limit, double delta) {
  return FloatingRangeSize(start, limit, delta);
}

}  // namespace weft
