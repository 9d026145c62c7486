// Bits taken for values of another type.
#ifndef WEFT_OPS_BITCAST_H_
#define WEFT_OPS_BITCAST_H_

#include "absl/strings/string_view.h"
#include "core/data_type.h"
#include "graph/output.h"

namespace weft {

// The bytes of `input` as they lie in memory (little-endian), as values of
// `type`. Where these are smaller by a factor n there is another axis of n
// behind the others; where they are larger, the last axis must be n, and goes.
Output Bitcast(Operand input, DataType type, absl::string_view name = {});

}  // namespace weft

#endif  // WEFT_OPS_BITCAST_H_
