// What TensorFlow's Saver puts into a graph. weft knows what these ops take and
// give, but does not run them: a graph touches no files.
#include "graph/infer.h"
#include "graph/op.h"

namespace weft {
namespace {

constexpr char kNoFiles[] =
    "graphs touch no files; read and write checkpoints by the session, or "
    "weft's --checkpoint";

}  // namespace

#define WEFT_SAVER_OP(name) \
  WEFT_OP(name).Stateful().NotDifferentiable().NoKernel(kNoFiles)

WEFT_SAVER_OP(SaveV2)
    .Input("prefix: string")
    .Input("tensor_names: string")
    .Input("shape_and_slices: string")
    .Input("tensors: dtypes[]")
    .TypeList("dtypes", 1)
    .Infer([](InferContext& c) {
      const Dim tensors("tensors");
      c.Expect(0, {});
      c.Expect(1, {tensors});
      c.Expect(2, {tensors});
    });

WEFT_SAVER_OP(RestoreV2)
    .Input("prefix: string")
    .Input("tensor_names: string")
    .Input("shape_and_slices: string")
    .Output("tensors: dtypes[]")
    .TypeList("dtypes", 1)
    .Infer([](InferContext& c) {
      const Dim tensors("tensors");
      c.Expect(0, {});
      c.Expect(1, {tensors});
      c.Expect(2, {tensors});
    });

WEFT_SAVER_OP(MergeV2Checkpoints)
    .Input("checkpoint_prefixes: string")
    .Input("destination_prefix: string")
    .Attr("delete_old_dirs", true)
    .Attr("allow_missing_files", false)
    .Infer([](InferContext& c) {
      c.ExpectRank(0, 1);
      c.Expect(1, {});
    });

}  // namespace weft
