// Ops that read and write by index.
#include <algorithm>
#include <optional>
#include <utility>

#include "core/status.h"
#include "graph/graph.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/array_common.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/types.h"

namespace weft {
namespace {

using Dims = std::vector<int64_t>;

// ---- Gather, GatherV2 -------------------------------------------------------

// The elements that indices input 1 takes from vector input 0.
void GatherElements(InferContext& c) {
  const PartialValue* params = c.value(0);
  const PartialValue* indices = c.value(1);
  if (params == nullptr || indices == nullptr || c.input(0).rank() != 1) return;
  PartialValue result;
  for (int64_t i : *indices) {
    const bool known = i >= 0 && i < static_cast<int64_t>(params->size());
    result.push_back(known ? (*params)[i] : kUnknownElement);
  }
  c.SetOutputValue(0, std::move(result));
}

void InferGatherAlong(InferContext& c, int axis, int batch_dims) {
  const TensorShape& params = c.input(0);
  const TensorShape& indices = c.input(1);
  if (batch_dims > axis) {
    return c.Fail("batch_dims is ", batch_dims,
                  " but must be at most axis = ", axis);
  }
  for (int i = 0; i < batch_dims; ++i) {
    const int64_t p = params.dim(i), n = indices.dim(i);
    if (p >= 0 && n >= 0 && p != n) {
      return c.Fail("params is ", params.ToString(), " and indices is ",
                    indices.ToString(), " but their first ", batch_dims,
                    " axes must be the same");
    }
  }
  Dims dims(params.dims().begin(), params.dims().begin() + axis);
  dims.insert(dims.end(), indices.dims().begin() + batch_dims,
              indices.dims().end());
  dims.insert(dims.end(), params.dims().begin() + axis + 1,
              params.dims().end());
  infer::SetDims(c, 0, dims);
  GatherElements(c);
}

void InferGather(InferContext& c) {
  c.ExpectRankAtLeast(0, 1);
  if (!c.ok() || !c.input(0).has_rank() || !c.input(1).has_rank()) return;
  InferGatherAlong(c, 0, 0);
}

void InferGatherV2(InferContext& c) {
  const TensorShape& params = c.input(0);
  const TensorShape& indices = c.input(1);
  c.ExpectRankAtLeast(0, 1);
  infer::ExpectScalar(c, 2);
  if (!c.ok() || !indices.has_rank()) return;
  int64_t batch_dims = c.attr<int64_t>("batch_dims");
  if (batch_dims < -indices.rank() || batch_dims > indices.rank()) {
    return c.Fail("batch_dims is ", batch_dims, " but indices is ",
                  indices.ToString());
  }
  if (batch_dims < 0) batch_dims += indices.rank();
  if (!params.has_rank()) return;
  if (!c.scalar(2).has_value()) {
    const int64_t rank = params.rank() - 1 + indices.rank() - batch_dims;
    if (rank >= 0) infer::SetDims(c, 0, Dims(rank, TensorShape::kUnknownDim));
    return;
  }
  const int axis = c.Axis(*c.scalar(2), params.rank());
  if (c.ok()) InferGatherAlong(c, axis, static_cast<int>(batch_dims));
}

// Rows of dy added up at the indices they were taken from.
Output GradRows(Operand params, Operand indices, Operand dy) {
  return UnsortedSegmentSum(dy, indices, DimOf(params, 0));
}

// The same along another axis: with the indices' axes moved to the front.
Output GradAlong(const GradContext& g, int axis) {
  const int r = g.in(1).shape().rank();
  const int rank = g.dy().shape().rank();
  Dims to_front;
  for (int i = axis; i < axis + r; ++i) to_front.push_back(i);
  for (int i = 0; i < rank; ++i) {
    if (i < axis || i >= axis + r) to_front.push_back(i);
  }
  const Output moved = Transpose(g.dy(), to_front);
  const Output sum = UnsortedSegmentSum(moved, g.in(1), DimOf(g.in(0), axis));
  Dims back;
  for (int i = 0; i < rank - r + 1; ++i) back.push_back(i < axis ? i + 1 : i);
  back[axis] = 0;
  return Transpose(sum, back);
}

Outputs GradGather(const GradContext& g) {
  return {GradRows(g.in(0), g.in(1), g.dy()), Output()};
}

Outputs GradGatherV2(const GradContext& g) {
  const std::optional<Dims> given = KnownInts(g.in(2));
  const bool ranked = g.in(0).shape().has_rank() && g.in(1).shape().has_rank();
  if (!given.has_value() || g.attr<int64_t>("batch_dims") != 0 ||
      (!ranked && (*given)[0] != 0)) {
    g.node()->graph().Fail(
        Unimplemented(g.node()->Describe(),
                      ": its gradient needs an axis and ranks that are ",
                      "known while building, and batch_dims = 0"),
        g.node()->location());
    return Outputs(3);
  }
  int axis = static_cast<int>((*given)[0]);
  if (axis < 0) axis += g.in(0).shape().rank();
  const Output dx =
      axis == 0 ? GradRows(g.in(0), g.in(1), g.dy()) : GradAlong(g, axis);
  return {dx, Output(), Output()};
}

// ---- GatherNd, ScatterNd ----------------------------------------------------

// The shape indices.shape[:-1] + whole.shape[length of a tuple:] of the parts
// that tuples of indices name; unknown if something is missing for it.
TensorShape PartsShape(InferContext& c, const TensorShape& whole,
                       const TensorShape& indices) {
  if (!indices.has_rank()) return TensorShape::UnknownRank();
  const int64_t tuple = indices.dim(-1);
  if (!whole.has_rank() || tuple < 0) return TensorShape::UnknownRank();
  if (tuple > whole.rank()) {
    c.Fail("indices is ", indices.ToString(),
           " but its last axis must be at most ", whole.rank(), " for ",
           whole.ToString());
    return TensorShape::UnknownRank();
  }
  Dims dims(indices.dims().begin(), indices.dims().end() - 1);
  dims.insert(dims.end(), whole.dims().begin() + tuple, whole.dims().end());
  absl::StatusOr<TensorShape> shape = TensorShape::Create(dims);
  if (shape.ok()) return *std::move(shape);
  c.Fail(shape.status().message());
  return TensorShape::UnknownRank();
}

void InferGatherNd(InferContext& c) {
  c.ExpectRankAtLeast(1, 1);
  if (c.ok()) c.SetOutput(0, PartsShape(c, c.input(0), c.input(1)));
}

void InferScatterNd(InferContext& c) {
  c.ExpectRankAtLeast(0, 1);
  c.ExpectRank(2, 1);
  if (!c.ok()) return;
  const TensorShape whole = infer::ValueAsSizes(c, 2);
  if (!c.ok()) return;
  const TensorShape parts = PartsShape(c, whole, c.input(0));
  if (c.ok() && !parts.IsCompatibleWith(c.input(1))) {
    c.Fail("updates is ", c.input(1).ToString(), " but must be ",
           parts.ToString());
  }
  c.SetOutput(0, whole);
}

// ---- UnsortedSegmentSum -----------------------------------------------------

void InferUnsortedSegmentSum(InferContext& c) {
  infer::ExpectScalar(c, 2);
  const TensorShape& data = c.input(0);
  const TensorShape& ids = c.input(1);
  const int64_t num_segments = c.scalar(2).value_or(TensorShape::kUnknownDim);
  if (c.scalar(2).has_value() && num_segments < 0) {
    return c.Fail("num_segments is ", num_segments, " but must be 0 or more");
  }
  if (!c.ok() || !data.has_rank() || !ids.has_rank()) return;
  bool fits = ids.rank() <= data.rank();
  for (int i = 0; fits && i < ids.rank(); ++i) {
    fits = data.dim(i) < 0 || ids.dim(i) < 0 || data.dim(i) == ids.dim(i);
  }
  if (!fits) {
    return c.Fail("segment_ids is ", ids.ToString(), " but data, ",
                  data.ToString(), ", must begin with its shape");
  }
  Dims dims = {num_segments};
  dims.insert(dims.end(), data.dims().begin() + ids.rank(), data.dims().end());
  infer::SetDims(c, 0, dims);
}

// dy[segment_ids], and zeros where the id is negative.
Outputs GradUnsortedSegmentSum(const GradContext& g) {
  const Output ids = g.in(1);
  if (!ids.shape().has_rank() || !g.in(0).shape().has_rank()) {
    g.node()->graph().Fail(
        Unimplemented(g.node()->Describe(), ": its gradient needs ranks that ",
                      "are known while building"),
        g.node()->location());
    return Outputs(3);
  }
  const Output zero = ZerosLike(ids);
  const Output rows = Gather(g.dy(), Maximum(ids, zero));
  Output taken = GreaterEqual(ids, zero);
  for (int i = ids.shape().rank(); i < g.in(0).shape().rank(); ++i)
    taken = ExpandDims(taken, -1);
  return {SelectV2(taken, rows, ZerosLike(rows)), Output(), Output()};
}

// ---- DynamicStitch ----------------------------------------------------------

// The number of rows: one more than the largest index, if all are known.
int64_t StitchedRows(const InferContext& c, int n) {
  int64_t rows = 0;
  for (int i = 0; i < n; ++i) {
    const PartialValue* indices = c.value(i);
    if (indices == nullptr) return TensorShape::kUnknownDim;
    for (int64_t index : *indices) {
      if (index == kUnknownElement) return TensorShape::kUnknownDim;
      rows = std::max(rows, index + 1);
    }
  }
  return rows;
}

void StitchElements(InferContext& c, int n, int64_t rows) {
  if (rows < 0 || rows > TensorShape::kMaxRank) return;
  PartialValue merged(rows, kUnknownElement);
  for (int i = 0; i < n; ++i) {
    const PartialValue& indices = *c.value(i);
    const PartialValue* data = c.value(n + i);
    for (size_t k = 0; k < indices.size(); ++k) {
      if (indices[k] < 0) return;
      const bool known = data != nullptr && k < data->size();
      merged[indices[k]] = known ? (*data)[k] : kUnknownElement;
    }
  }
  c.SetOutputValue(0, std::move(merged));
}

void InferDynamicStitch(InferContext& c) {
  const int n = c.num_inputs() / 2;
  TensorShape rest = TensorShape::UnknownRank();
  for (int i = 0; i < n; ++i) {
    const TensorShape& indices = c.input(i);
    const TensorShape& data = c.input(n + i);
    if (!indices.has_rank() || !data.has_rank()) continue;
    TensorShape row;
    const bool is_prefix = indices.rank() <= data.rank() &&
                           indices.IsCompatibleWith(*TensorShape::Create(
                               data.dims().first(indices.rank())));
    if (is_prefix)
      row = *TensorShape::Create(data.dims().subspan(indices.rank()));
    if (!is_prefix || !rest.IsCompatibleWith(row)) {
      return c.Fail("data[", i, "] is ", data.ToString(),
                    " but must begin with the shape ", indices.ToString(),
                    " of indices[", i, "] and go on with ", rest.ToString());
    }
    rest = rest.MergedWith(row);
  }
  const int64_t rows = StitchedRows(c, n);
  if (!rest.has_rank()) return;
  Dims dims(rest.dims().begin(), rest.dims().end());
  dims.insert(dims.begin(), rows);
  infer::SetDims(c, 0, dims);
  if (rest.IsScalar() && IsInteger(c.input_dtype(n)))
    StitchElements(c, n, rows);
}

Outputs GradDynamicStitch(const GradContext& g) {
  const int n = g.num_inputs() / 2;
  Outputs dxs(g.num_inputs());
  for (int i = 0; i < n; ++i) dxs[n + i] = Gather(g.dy(), g.in(i));
  return dxs;
}

// ---- Where, Unique ----------------------------------------------------------

void InferWhere(InferContext& c) { c.SetOutput(0, {-1, c.input(0).rank()}); }

void InferUnique(InferContext& c) {
  c.ExpectRank(0, 1);
  if (!c.ok()) return;
  c.SetOutput(0, TensorShape{-1});
  c.SetOutput(1, c.input(0).MergedWith(TensorShape{-1}));
}

}  // namespace

// ---- Ops --------------------------------------------------------------------

WEFT_OP(Gather)
    .Input("params: Tparams")
    .Input("indices: Tindices")
    .Output("output: Tparams")
    .Attr("validate_indices", true)
    .Type("Tparams")
    .Type("Tindices", types::Integers())
    .Infer(InferGather)
    .Gradient(GradGather);

WEFT_OP(GatherV2)
    .Input("params: Tparams")
    .Input("indices: Tindices")
    .Input("axis: Taxis")
    .Output("output: Tparams")
    .Attr("batch_dims", 0)
    .Type("Tparams")
    .Type("Tindices", types::Integers())
    .Type("Taxis", types::Integers())
    .Infer(InferGatherV2)
    .Gradient(GradGatherV2);

WEFT_OP(GatherNd)
    .Input("params: Tparams")
    .Input("indices: Tindices")
    .Output("output: Tparams")
    .Type("Tparams")
    .Type("Tindices", types::Integers())
    .Attr("bad_indices_policy", "", {"", "DEFAULT", "ERROR"})
    .Infer(InferGatherNd)
    .Gradient([](const GradContext& g) -> Outputs {
      return {ScatterNd(g.in(1), g.dy(), Shape(g.in(0), g.in(1).dtype())),
              Output()};
    });

WEFT_OP(ScatterNd)
    .Input("indices: Tindices")
    .Input("updates: T")
    .Input("shape: Tindices")
    .Output("output: T")
    .Type("T", types::Numbers())
    .Type("Tindices", types::Integers())
    .Attr("bad_indices_policy", "", {"", "DEFAULT", "ERROR"})
    .Infer(InferScatterNd)
    .Gradient([](const GradContext& g) -> Outputs {
      return {Output(), GatherNd(g.dy(), g.in(0)), Output()};
    });

WEFT_OP(UnsortedSegmentSum)
    .Input("data: T")
    .Input("segment_ids: Tindices")
    .Input("num_segments: Tnumsegments")
    .Output("output: T")
    .Type("T", types::Numbers())
    .Type("Tindices", types::Integers())
    .Type("Tnumsegments", types::Integers(), DataType::kInt32)
    .Infer(InferUnsortedSegmentSum)
    .Gradient(GradUnsortedSegmentSum);

WEFT_OP(DynamicStitch)
    .Input("indices: N*int32")
    .Input("data: N*T")
    .Output("merged: T")
    .Number("N")
    .Type("T")
    .Infer(InferDynamicStitch)
    .Gradient(GradDynamicStitch);

WEFT_OP(Where)
    .Input("input: T")
    .Output("index: int64")
    .Type("T", types::Plain(), DataType::kBool)
    .Infer(InferWhere)
    .NotDifferentiable();

WEFT_OP(Unique)
    .Input("x: T")
    .Output("y: T")
    .Output("idx: out_idx")
    .Type("T", {DataType::kFloat, DataType::kDouble, DataType::kInt32,
                DataType::kInt64, DataType::kUint8, DataType::kBool,
                DataType::kString})
    .Type("out_idx", types::Integers(), DataType::kInt32)
    .Infer(InferUnique)
    .NotDifferentiable();

// ---- Functions --------------------------------------------------------------

Output Gather(Operand params, Operand indices, int axis, int batch_dims,
              absl::string_view name) {
  const Operand along =
      IntScalar(params, axis, ArgName("GatherV2", name, "axis"));
  return Emit("GatherV2", {params, indices, along},
              {{"batch_dims", batch_dims}}, name);
}

Output GatherNd(Operand params, Operand indices, absl::string_view name) {
  return Emit("GatherNd", {params, indices}, {}, name);
}

Output ScatterNd(Operand indices, Operand updates, Operand shape,
                 absl::string_view name) {
  return Emit("ScatterNd", {indices, updates, shape}, {}, name);
}

Output UnsortedSegmentSum(Operand data, Operand segment_ids,
                          Operand num_segments, absl::string_view name) {
  return Emit("UnsortedSegmentSum", {data, segment_ids, num_segments}, {},
              name);
}

Output DynamicStitch(const Operands& indices, const Operands& data,
                     absl::string_view name) {
  std::vector<Operand> inputs = AsOperands(indices);
  const int64_t n = static_cast<int64_t>(inputs.size());
  for (const Operand& d : AsOperands(data)) inputs.push_back(d);
  return Emit("DynamicStitch", inputs, {{"N", n}}, name);
}

Output Where(Operand x, absl::string_view name) {
  return Emit("Where", {x}, {}, name);
}

UniqueOutputs Unique(Operand x, absl::string_view name) {
  const Outputs outputs = EmitAll("Unique", {x}, 2, {}, name);
  return {outputs[0], outputs[1]};
}

}  // namespace weft
