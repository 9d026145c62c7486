#include "ops/bitcast.h"

#include <algorithm>
#include <vector>

#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array_common.h"
#include "ops/emit.h"
#include "ops/types.h"

namespace weft {
namespace {

// All but bool, of which not every bit pattern is a value.
std::vector<DataType> Types() {
  std::vector<DataType> types = types::Plain();
  types.erase(std::find(types.begin(), types.end(), DataType::kBool));
  return types;
}

void InferBitcast(InferContext& c) {
  const TensorShape& input = c.input(0);
  if (!input.has_rank()) return;
  const int64_t from = static_cast<int64_t>(DataTypeSize(c.input_dtype(0)));
  const DataType type = c.attr<DataType>("type");
  const int64_t to = static_cast<int64_t>(DataTypeSize(type));
  std::vector<int64_t> dims(input.dims().begin(), input.dims().end());
  if (from > to) dims.push_back(from / to);
  if (from < to) {
    if (dims.empty() || (dims.back() >= 0 && dims.back() != to / from)) {
      return c.Fail("input is ", input.ToString(),
                    " but its last axis must be ", to / from,
                    ", which make one ", DataTypeName(type));
    }
    dims.pop_back();
  }
  infer::SetDims(c, 0, dims);
}

}  // namespace

WEFT_OP(Bitcast)
    .Input("input: T")
    .Output("output: type")
    .Type("T", Types())
    .Type("type", Types())
    .Infer(InferBitcast)
    .NotDifferentiable();

Output Bitcast(Operand input, DataType type, absl::string_view name) {
  return Emit("Bitcast", {input}, {{"type", type}}, name);
}

}  // namespace weft
