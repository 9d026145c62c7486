// Finding numbers that are not finite.
#ifndef WEFT_RUNTIME_NUMERICS_H_
#define WEFT_RUNTIME_NUMERICS_H_

#include <string>

#include "core/kernel.h"

namespace weft {

// "NaN at [0, 3]" or "infinite at [2]": the first element of a floating-point
// value that is. "" if there is none.
std::string FindNotFinite(const TensorRef& value);

}  // namespace weft

#endif  // WEFT_RUNTIME_NUMERICS_H_
