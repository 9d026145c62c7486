// Changes of some rows of a variable.
#include <cstdint>
#include <vector>

#include "graph/infer.h"
#include "graph/op.h"
#include "ops/emit.h"
#include "ops/types.h"
#include "ops/variable.h"

namespace weft {
namespace {

void InferScatter(InferContext& c) {
  c.ExpectRankAtLeast(0, 1);
  if (!c.ok()) return;
  const TensorShape& params = c.input(0);
  const TensorShape& indices = c.input(1);
  if (!params.has_rank() || !indices.has_rank()) return;
  std::vector<int64_t> dims(indices.dims().begin(), indices.dims().end());
  dims.insert(dims.end(), params.dims().begin() + 1, params.dims().end());
  const absl::StatusOr<TensorShape> wanted = TensorShape::Create(dims);
  if (!wanted.ok()) return c.Fail("updates: ", wanted.status().message());
  if (!wanted->IsCompatibleWith(c.input(2))) {
    c.Fail("updates is ", c.input(2).ToString(), " but must be ",
           wanted->ToString(), ": the shape of indices, then that of a row");
  }
}

#define WEFT_SCATTER_OP(name)                \
  WEFT_OP(name)                              \
      .Input("resource: resource")           \
      .Input("indices: Tindices")            \
      .Input("updates: dtype")               \
      .Type("dtype", types::NativeNumbers()) \
      .Type("Tindices", types::Integers())   \
      .UpdatesVariable(0)                    \
      .FallibleWrite()                       \
      .Infer(InferScatter)                   \
      .NotDifferentiable()

WEFT_SCATTER_OP(ResourceScatterAdd);
WEFT_SCATTER_OP(ResourceScatterSub);
WEFT_SCATTER_OP(ResourceScatterUpdate);

}  // namespace

Node* ResourceScatterAdd(const Variable& var, Operand indices, Operand updates,
                         absl::string_view name) {
  return EmitNode("ResourceScatterAdd",
                  {{var.handle(), indices.location}, indices, updates}, {},
                  name);
}

}  // namespace weft
