// Ops of old files that others have replaced, and some that are a few others.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "graph/expansion.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/array_common.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/sparse.h"
#include "ops/types.h"

namespace weft {
namespace {

using Context = ExpansionContext&;

constexpr int64_t kMaxK = std::numeric_limits<int32_t>::max();

// For ops whose nodes infer their shapes themselves.
void NothingKnown(InferContext&) {}

}  // namespace

#define WEFT_OLD_OP(name, ...)       \
  WEFT_EXPANSION(name, __VA_ARGS__); \
  WEFT_OP(name).NotDifferentiable().NoKernel(kExpanded).Infer(NothingKnown)

WEFT_OLD_OP(Concat,
            [](Context c) -> Outputs {
              return {Concat(c.in(1, c.num_inputs()), c.in(0))};
            })
    .Input("concat_dim: int32")
    .Input("values: N*T")
    .Output("output: T")
    .Number("N", 2)
    .Type("T");

WEFT_OLD_OP(Reverse,
            [](Context c) -> Outputs {
              const Output axes = Reshape(Where(c.in(1)), {-1});
              return {Reverse(c.in(0), axes)};
            })
    .Input("tensor: T")
    .Input("dims: bool")
    .Output("output: T")
    .Type("T");

WEFT_OLD_OP(BiasAddV1,
            [](Context c) -> Outputs { return {BiasAdd(c.in(0), c.in(1))}; })
    .Input("value: T")
    .Input("bias: T")
    .Output("output: T")
    .Type("T", types::Numbers());

WEFT_OLD_OP(Snapshot, [](Context c) -> Outputs { return {c.in(0)}; })
    .Input("input: T")
    .Output("output: T")
    .Type("T");

WEFT_OLD_OP(AccumulateNV2,
            [](Context c) -> Outputs {
              return {AddN(c.in(0, c.num_inputs()))};
            })
    .Input("inputs: N*T")
    .Output("sum: T")
    .Number("N")
    .Type("T", types::Numbers())
    .RequiredAttr("shape", AttrKind::kShape);

WEFT_OLD_OP(MulNoNan,
            [](Context c) -> Outputs {
              const Output product = c.in(0) * c.in(1);
              const Output y = BroadcastTo(c.in(1), Shape(product));
              return {
                  Select(Equal(y, ZerosLike(y)), ZerosLike(product), product)};
            })
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Type("T", types::Floats());

WEFT_OLD_OP(Rint, [](Context c) -> Outputs { return {Round(c.in(0))}; })
    .Input("x: T")
    .Output("y: T")
    .Type("T", types::Floats());

WEFT_OLD_OP(TopK,
            [](Context c) -> Outputs {
              const int64_t k = c.attr<int64_t>("k");
              if (k < 0 || k > kMaxK)
                return c.Fail("attr 'k' is ", k, " but must be in [0, ", kMaxK,
                              "]");
              const TopK top =
                  TopKV2(c.in(0), Const(c.graph(), static_cast<int32_t>(k)),
                         {.sorted = c.attr<bool>("sorted")});
              return {top.values, top.indices};
            })
    .Input("input: T")
    .Output("values: T")
    .Output("indices: int32")
    .RequiredAttr("k", AttrKind::kInt)
    .Attr("sorted", true)
    .Type("T", types::Numbers());

WEFT_OLD_OP(InTopK,
            [](Context c) -> Outputs {
              // More than all is all.
              const int64_t k =
                  std::clamp<int64_t>(c.attr<int64_t>("k"), -1, kMaxK);
              return {InTopKV2(c.in(0), c.in(1),
                               ScalarLike(c.in(1), static_cast<double>(k)))};
            })
    .Input("predictions: float32")
    .Input("targets: T")
    .Output("precision: bool")
    .RequiredAttr("k", AttrKind::kInt)
    .Type("T", types::Integers(), DataType::kInt32);

WEFT_OLD_OP(
    SegmentSum,
    [](Context c) -> Outputs {
      // Ids are sorted: the last is the largest. Without any there are no rows.
      const Output minus_one = ScalarLike(c.in(1), -1);
      const Output last = Max(Concat({Reshape(minus_one, {1}), c.in(1)}, 0));
      return {UnsortedSegmentSum(c.in(0), c.in(1),
                                 Cast(last + 1.0, DataType::kInt32))};
    })
    .Input("data: T")
    .Input("segment_ids: Tindices")
    .Output("output: T")
    .Type("T", types::Numbers())
    .Type("Tindices", types::Integers());

// Row i is x[i] where it is on the diagonal, else 0.
WEFT_OLD_OP(MatrixDiag,
            [](Context c) -> Outputs {
              const Output x = c.in(0);
              const Output n = DimOf(x, -1);
              const Output places = Range(Const(c.graph(), int32_t{0}), n,
                                          Const(c.graph(), int32_t{1}));
              const Output on_diagonal =
                  Equal(ExpandDims(places, 0), ExpandDims(places, 1));
              const Output rows = Concat({Shape(x), Reshape(n, {1})}, 0);
              const Output spread = BroadcastTo(ExpandDims(x, -1), rows);
              return {Select(BroadcastTo(on_diagonal, rows), spread,
                             ZerosLike(spread))};
            })
    .Input("diagonal: T")
    .Output("output: T")
    .Type("T", types::Plain());

WEFT_OLD_OP(
    MatrixDiagPart,
    [](Context c) -> Outputs {
      const Output x = c.in(0);
      const Output rows = DimOf(x, -2);
      const Output columns = DimOf(x, -1);
      const Output n = Minimum(rows, columns);
      // Element (i, i) is number i * (columns + 1) of the matrix.
      const Output zero = Const(c.graph(), int32_t{0});
      const Output places = Range(zero, n, Const(c.graph(), int32_t{1}));
      const Output leading = SliceAxis(Shape(x), 0, 0, -2);
      const Output size = Reshape(rows * columns, {1});
      const Output flat = Reshape(x, Concat({leading, size}, 0));
      const Output picked = Gather(
          Transpose(
              Reshape(flat, Concat({Const<int32_t>(c.graph(), {-1}), size}, 0)),
              {1, 0}),
          places * (columns + 1.0));
      return {Reshape(Transpose(picked, {1, 0}),
                      Concat({leading, Reshape(n, {1})}, 0))};
    })
    .Input("input: T")
    .Output("diagonal: T")
    .Type("T", types::Plain());

WEFT_OLD_OP(
    Diag,
    [](Context c) -> Outputs {
      // The matrix of all elements, under the shape twice.
      const Output x = c.in(0);
      const Output shape = Shape(x);
      const Output flat = Reshape(x, {-1});
      const Output n = Size(x);
      const Output places =
          Range(Const(c.graph(), int32_t{0}), n, Const(c.graph(), int32_t{1}));
      const Output on_diagonal =
          Equal(ExpandDims(places, 0), ExpandDims(places, 1));
      const Output rows = BroadcastTo(ExpandDims(flat, -1), Pack({n, n}));
      const Output matrix = Select(on_diagonal, rows, ZerosLike(rows));
      return {Reshape(matrix, Concat({shape, shape}, 0))};
    })
    .Input("diagonal: T")
    .Output("output: T")
    .Type("T", types::Plain());

WEFT_OLD_OP(ConjugateTranspose,
            [](Context c) -> Outputs { return {Transpose(c.in(0), c.in(1))}; })
    .Input("x: T")
    .Input("perm: Tperm")
    .Output("y: T")
    .Type("T")
    .Type("Tperm", types::Integers(), DataType::kInt32);

}  // namespace weft
