#include "ops/sparse.h"

#include <vector>

#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/array_common.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

void InferSparseToDense(InferContext& c) {
  c.ExpectRank(1, 1);
  c.ExpectRank(3, 0);
  const int rank = c.input(0).rank();
  if (rank > 2) {
    return c.Fail("sparse_indices is ", c.input(0).ToString(),
                  " but must be a scalar, a vector or a matrix");
  }
  if (c.input(2).rank() > 1) {
    return c.Fail("sparse_values is ", c.input(2).ToString(),
                  " but must be a scalar or a vector");
  }
  if (c.ok()) c.SetOutput(0, infer::ValueAsSizes(c, 1));
}

// The shape of data behind that of partitions. Fails if it does not begin so.
void InferDynamicPartition(InferContext& c) {
  const TensorShape& data = c.input(0);
  const TensorShape& partitions = c.input(1);
  if (!data.has_rank() || !partitions.has_rank()) return;
  bool fits = data.rank() >= partitions.rank();
  for (int i = 0; fits && i < partitions.rank(); ++i) {
    fits = data.dim(i) < 0 || partitions.dim(i) < 0 ||
           data.dim(i) == partitions.dim(i);
  }
  if (!fits) {
    return c.Fail("data is ", data.ToString(),
                  " but must begin with the shape of partitions, ",
                  partitions.ToString());
  }
  std::vector<int64_t> dims = {-1};
  for (int i = partitions.rank(); i < data.rank(); ++i)
    dims.push_back(data.dim(i));
  for (int i = 0; i < c.num_outputs(); ++i) infer::SetDims(c, i, dims);
}

}  // namespace

WEFT_OP(SparseToDense)
    .Input("sparse_indices: Tindices")
    .Input("output_shape: Tindices")
    .Input("sparse_values: T")
    .Input("default_value: T")
    .Output("dense: T")
    .Attr("validate_indices", true)
    .Type("T")
    .Type("Tindices", types::Integers())
    .Infer(InferSparseToDense)
    .Gradient([](const GradContext& g) -> Outputs {
      // [n, rank], also of a vector of places or a single one.
      const Output rank = Reshape(Size(g.in(1)), {1});
      const Output minus_one = Const<int32_t>(g.node()->graph(), {-1});
      const Output indices = Reshape(g.in(0), Concat({minus_one, rank}, 0));
      const Output at_indices = GatherNd(g.dy(), indices);
      Output to_values = at_indices;
      if (g.in(2).shape().rank() != 1) {
        // One value for all, as far as the rank is known.
        to_values = g.in(2).shape().rank() == 0
                        ? Sum(at_indices)
                        : Sum(Reshape(at_indices,
                                      Concat({minus_one, Shape(g.in(2))}, 0)),
                              {.axes = 0});
      }
      const Output to_default = Sum(g.dy()) - Sum(at_indices);
      return {Output(), Output(), to_values, to_default};
    });

WEFT_OP(DynamicPartition)
    .Input("data: T")
    .Input("partitions: int32")
    .Output("outputs: num_partitions*T")
    .Number("num_partitions")
    .Type("T")
    .Infer(InferDynamicPartition)
    .Gradient([](const GradContext& g) -> Outputs {
      // Each row's gradient goes back to where the row came from.
      const Output partitions = g.in(1);
      const int n = g.node()->num_outputs();
      Graph& graph = g.node()->graph();
      const Output places = Range(Const(graph, int32_t{0}), Size(partitions),
                                  Const(graph, int32_t{1}));
      const Outputs indices =
          DynamicPartition(Reshape(places, Shape(partitions)), partitions, n);
      Outputs at, rows;
      for (int i = 0; i < n; ++i) {
        at.push_back(indices[i]);
        rows.push_back(g.dy(i));
      }
      return {Reshape(DynamicStitch(at, rows), Shape(g.in(0))), Output()};
    });

WEFT_OP(InTopKV2)
    .Input("predictions: float32")
    .Input("targets: T")
    .Input("k: T")
    .Output("precision: bool")
    .Type("T", types::Integers(), DataType::kInt32)
    .Infer([](InferContext& c) {
      Dim batch("batch"), classes("classes");
      c.Expect(0, {batch, classes});
      c.Expect(1, {batch});
      c.Expect(2, {});
      c.SetOutput(0, {batch});
    })
    .NotDifferentiable();

Output SparseToDense(Operand sparse_indices, Operand output_shape,
                     Operand sparse_values, Operand default_value,
                     bool validate_indices, absl::string_view name) {
  return Emit("SparseToDense",
              {sparse_indices, output_shape, sparse_values, default_value},
              {{"validate_indices", validate_indices}}, name);
}

Outputs DynamicPartition(Operand data, Operand partitions, int num_partitions,
                         absl::string_view name) {
  return EmitAll("DynamicPartition", {data, partitions}, num_partitions,
                 {{"num_partitions", num_partitions}}, name);
}

Output InTopKV2(Operand predictions, Operand targets, Operand k,
                absl::string_view name) {
  return Emit("InTopKV2", {predictions, targets, k}, {}, name);
}

}  // namespace weft
