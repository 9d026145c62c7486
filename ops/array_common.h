// What the files of the array family share.
#ifndef WEFT_OPS_ARRAY_COMMON_H_
#define WEFT_OPS_ARRAY_COMMON_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/attr.h"
#include "core/data_type.h"
#include "graph/infer.h"
#include "graph/output.h"
#include "ops/array.h"

namespace weft {

namespace infer {

// Output i has these dims; fails if they are no shape.
void SetDims(InferContext& c, int i, absl::Span<const int64_t> dims);
// The shape that a vector of sizes spells: as InferContext::ValueAsShape, but
// negative sizes are a mistake.
TensorShape ValueAsSizes(InferContext& c, int i);
// Output 0 has the elements of input i: for ops that move none.
void KeepValue(InferContext& c, int i);
// Checks that input i is a scalar.
void ExpectScalar(InferContext& c, int i);
// Is input i a scalar or vector whose elements are worth following?
bool IsShortVector(const InferContext& c, int i);

}  // namespace infer

// `xs` as separate inputs.
std::vector<Operand> AsOperands(const Operands& xs);
// Emits a node and returns its outputs: `n` of them, also after a mistake.
Outputs EmitAll(absl::string_view op, const std::vector<Operand>& inputs, int n,
                AttrMap attrs = {}, absl::string_view name = {});
// The name of an argument's constant: "Reshape/shape", or "my_name/shape".
std::string ArgName(absl::string_view op, absl::string_view name,
                    absl::string_view arg);
// An int32 scalar beside `x`.
Operand IntScalar(Operand x, int32_t value, absl::string_view name);

// The shape of `x` as an argument: numbers if it is known while building.
IntsArg ShapeOf(Output x);
// The elements of a small integer tensor if all are known while building.
std::optional<std::vector<int64_t>> KnownInts(Output x);

// The elements of an integer tensor as far as they are known while building:
// also of matrices that are constants, since only vectors are followed further.
PartialValue KnownElements(Output ints);

}  // namespace weft

#endif  // WEFT_OPS_ARRAY_COMMON_H_
