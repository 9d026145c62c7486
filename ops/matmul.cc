#include "ops/matmul.h"

#include <vector>

#include "core/tensor_shape.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/emit.h"
#include "ops/reduction.h"
#include "ops/types.h"

namespace weft {
namespace {

void InferMatMul(InferContext& c) {
  Dim m("m"), k("k"), n("n");
  if (c.attr<bool>("transpose_a")) {
    c.Expect(0, {k, m});
  } else {
    c.Expect(0, {m, k});
  }
  if (c.attr<bool>("transpose_b")) {
    c.Expect(1, {n, k});
  } else {
    c.Expect(1, {k, n});
  }
  c.SetOutput(0, {m, n});
}

// The leading axes of a batch of matrices.
TensorShape BatchOf(const TensorShape& shape) {
  if (!shape.has_rank()) return shape;
  TensorShape batch = shape;
  batch.RemoveDim(batch.rank() - 1);
  batch.RemoveDim(batch.rank() - 1);
  return batch;
}

void InferBatchMatMul(InferContext& c, bool broadcast) {
  c.ExpectRankAtLeast(0, 2);
  c.ExpectRankAtLeast(1, 2);
  if (!c.ok()) return;
  const TensorShape& x = c.input(0);
  const TensorShape& y = c.input(1);
  const bool adj_x = c.attr<bool>("adj_x");
  const bool adj_y = c.attr<bool>("adj_y");
  const int64_t x_k = x.dim(adj_x ? -2 : -1);
  const int64_t y_k = y.dim(adj_y ? -1 : -2);
  if (x_k >= 0 && y_k >= 0 && x_k != y_k) {
    c.Fail("y is ", y.ToString(), " but must have k = ", x_k, ", not ", y_k);
    return;
  }
  const TensorShape x_batch = BatchOf(x), y_batch = BatchOf(y);
  TensorShape shape;
  if (broadcast) {
    absl::StatusOr<TensorShape> batch = BroadcastShapes(x_batch, y_batch);
    if (!batch.ok()) return c.Fail("leading axes: ", batch.status().message());
    shape = *std::move(batch);
  } else {
    if (!x_batch.IsCompatibleWith(y_batch)) {
      return c.Fail("y is ", y.ToString(),
                    " but must have the leading axes of x, ", x.ToString());
    }
    shape = x_batch.MergedWith(y_batch);
  }
  if (!shape.has_rank()) return;
  std::vector<int64_t> dims(shape.dims().begin(), shape.dims().end());
  dims.push_back(x.has_rank() ? x.dim(adj_x ? -1 : -2) : -1);
  dims.push_back(y.has_rank() ? y.dim(adj_y ? -2 : -1) : -1);
  absl::StatusOr<TensorShape> result = TensorShape::Create(dims);
  if (!result.ok()) return c.Fail("output: ", result.status().message());
  c.SetOutput(0, *std::move(result));
}

Outputs MatMulGradient(const GradContext& g) {
  const Output a = g.in(0), b = g.in(1), dy = g.dy();
  const bool ta = g.attr<bool>("transpose_a");
  const bool tb = g.attr<bool>("transpose_b");
  const Output da = ta ? MatMul(b, dy, {.transpose_a = tb, .transpose_b = true})
                       : MatMul(dy, b, {.transpose_b = !tb});
  const Output db = tb ? MatMul(dy, a, {.transpose_a = true, .transpose_b = ta})
                       : MatMul(a, dy, {.transpose_a = !ta});
  return {da, db};
}

// `product` is BatchMatMul or BatchMatMulV2.
template <typename Product>
Outputs BatchMatMulGradient(const GradContext& g, const Product& product) {
  const Output x = g.in(0), y = g.in(1), dz = g.dy();
  const bool ax = g.attr<bool>("adj_x");
  const bool ay = g.attr<bool>("adj_y");
  const Output dx = ax ? product(y, dz, {.adj_x = ay, .adj_y = true})
                       : product(dz, y, {.adj_y = !ay});
  const Output dy = ay ? product(dz, x, {.adj_x = true, .adj_y = ax})
                       : product(x, dz, {.adj_x = !ax});
  return {dx, dy};
}

// `grad`, whose leading axes may be broadcast, summed to the shape of x.
Outputs SumBatchesToShapes(Output x, Output y, Outputs grads) {
  const TensorShape x_batch = BatchOf(x.shape()), y_batch = BatchOf(y.shape());
  if (x_batch.IsFullyDefined() && x_batch == y_batch) return grads;
  if (x.shape().rank() == 2 && y.shape().rank() == 2) return grads;
  const Output x_shape = Shape(x);
  const Output y_shape = Shape(y);
  const auto [x_axes, y_axes] = BroadcastGradientArgs(
      SliceAxis(x_shape, 0, 0, -2), SliceAxis(y_shape, 0, 0, -2));
  const Output gx = Reshape(Sum(grads[0], {.axes = x_axes}), x_shape);
  const Output gy = Reshape(Sum(grads[1], {.axes = y_axes}), y_shape);
  return {gx, gy};
}

}  // namespace

WEFT_OP(MatMul)
    .Input("a: T")
    .Input("b: T")
    .Output("product: T")
    .Attr("transpose_a", false)
    .Attr("transpose_b", false)
    .Type("T", types::Numbers())
    .Attr("grad_a", false)
    .Attr("grad_b", false)
    .Form(OpForm::kMatMul)
    .Infer(InferMatMul)
    .Gradient(MatMulGradient);

WEFT_OP(BatchMatMul)
    .Input("x: T")
    .Input("y: T")
    .Output("output: T")
    .Type("T", types::Numbers())
    .Attr("adj_x", false)
    .Attr("adj_y", false)
    .Attr("grad_x", false)
    .Attr("grad_y", false)
    .Infer([](InferContext& c) { InferBatchMatMul(c, /*broadcast=*/false); })
    .Gradient([](const GradContext& g) {
      return BatchMatMulGradient(g, BatchMatMul);
    });

WEFT_OP(BatchMatMulV2)
    .Input("x: T")
    .Input("y: T")
    .Output("output: T")
    .Type("T", types::Numbers())
    .Attr("adj_x", false)
    .Attr("adj_y", false)
    .Attr("grad_x", false)
    .Attr("grad_y", false)
    .Infer([](InferContext& c) { InferBatchMatMul(c, /*broadcast=*/true); })
    .Gradient([](const GradContext& g) {
      return SumBatchesToShapes(g.in(0), g.in(1),
                                BatchMatMulGradient(g, BatchMatMulV2));
    });

Output MatMul(Operand a, Operand b, const MatMulOptions& options) {
  return Emit("MatMul", {a, b},
              {{"transpose_a", options.transpose_a},
               {"transpose_b", options.transpose_b}},
              options.name);
}

Output BatchMatMul(Operand x, Operand y, const BatchMatMulOptions& options) {
  return Emit("BatchMatMul", {x, y},
              {{"adj_x", options.adj_x}, {"adj_y", options.adj_y}},
              options.name);
}

Output BatchMatMulV2(Operand x, Operand y, const BatchMatMulOptions& options) {
  return Emit("BatchMatMulV2", {x, y},
              {{"adj_x", options.adj_x}, {"adj_y", options.adj_y}},
              options.name);
}

}  // namespace weft
