// Shape arithmetic while building: what is known of the elements of small
// integer tensors goes through the ops that compute with shapes.
#ifndef WEFT_OPS_PARTIAL_VALUE_H_
#define WEFT_OPS_PARTIAL_VALUE_H_

#include <cstdint>
#include <optional>

#include "graph/infer.h"

namespace weft {

// A function of integers; nothing if it is not defined or overflows.
using IntUnaryFn = std::optional<int64_t> (*)(int64_t);
using IntBinaryFn = std::optional<int64_t> (*)(int64_t, int64_t);

// Sets output 0's value to `fn` of input 0's, element by element. The shape of
// output 0 must be set.
void SetUnaryValue(InferContext& c, IntUnaryFn fn);
// The same for inputs 0 and 1, scalars or vectors, which broadcast.
void SetBinaryValue(InferContext& c, IntBinaryFn fn);
// Sets output 0, a scalar or a vector of one element, to `start` combined with
// all elements of input 0.
void SetReducedValue(InferContext& c, int64_t start, IntBinaryFn fn);

}  // namespace weft

#endif  // WEFT_OPS_PARTIAL_VALUE_H_
