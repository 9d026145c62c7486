// Ops that reorder, repeat and pad.
#include <algorithm>
#include <optional>
#include <utility>

#include "graph/graph.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/array_common.h"
#include "ops/broadcast_gradient.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

using Dims = std::vector<int64_t>;

// The dims of input i; of `rank` unknown ones if its rank is not known.
Dims DimsOf(const InferContext& c, int i, int64_t rank) {
  if (!c.input(i).has_rank()) return Dims(rank, TensorShape::kUnknownDim);
  return Dims(c.input(i).dims().begin(), c.input(i).dims().end());
}

// Checks that vector input i has one entry per axis of input 0, and returns how
// many; -1 if that is not known.
int64_t ExpectOnePerAxis(InferContext& c, int i) {
  Dim rank("rank", c.input(0).rank());
  c.Expect(i, {rank});
  if (rank.size() > TensorShape::kMaxRank)
    c.Fail("rank ", rank.size(), " is too large");
  return c.ok() ? rank.size() : -1;
}

// The inverse of a permutation; fails if it is none. Unknown elements stay out.
PartialValue Inverse(InferContext& c, const PartialValue& perm) {
  const int64_t n = static_cast<int64_t>(perm.size());
  PartialValue inverse(n, kUnknownElement);
  for (int64_t i = 0; i < n; ++i) {
    if (perm[i] == kUnknownElement) continue;
    if (perm[i] < 0 || perm[i] >= n) {
      c.Fail("entry ", i, " is ", perm[i], " but must be in [0, ", n, ")");
      return inverse;
    }
    if (inverse[perm[i]] != kUnknownElement) {
      c.Fail("entry ", i, " is ", perm[i], " as is entry ", inverse[perm[i]]);
      return inverse;
    }
    inverse[perm[i]] = i;
  }
  return inverse;
}

void InferTranspose(InferContext& c) {
  const int64_t rank = ExpectOnePerAxis(c, 1);
  if (rank < 0) return;
  const Dims x = DimsOf(c, 0, rank);
  Dims dims(rank, TensorShape::kUnknownDim);
  if (const PartialValue* perm = c.value(1); perm != nullptr) {
    Inverse(c, *perm);
    if (!c.ok()) return;
    for (int64_t i = 0; i < rank; ++i) {
      if ((*perm)[i] != kUnknownElement) dims[i] = x[(*perm)[i]];
    }
  } else if (rank == 1) {
    dims = x;
  }
  infer::SetDims(c, 0, dims);
  if (rank <= 1) infer::KeepValue(c, 0);
}

void InferInvertPermutation(InferContext& c) {
  c.ExpectRank(0, 1);
  if (!c.ok()) return;
  c.SetOutput(0, c.input(0).MergedWith(TensorShape{-1}));
  if (const PartialValue* perm = c.value(0); perm != nullptr) {
    PartialValue inverse = Inverse(c, *perm);
    if (c.ok()) c.SetOutputValue(0, std::move(inverse));
  }
}

void InferTile(InferContext& c) {
  const int64_t rank = ExpectOnePerAxis(c, 1);
  if (rank < 0) return;
  Dims dims = DimsOf(c, 0, rank);
  const PartialValue* multiples = c.value(1);
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t m = multiples != nullptr ? (*multiples)[i] : kUnknownElement;
    if (m == kUnknownElement || dims[i] < 0) {
      dims[i] = TensorShape::kUnknownDim;
    } else if (m < 0 || __builtin_mul_overflow(dims[i], m, &dims[i])) {
      return c.Fail("multiples[", i, "] is ", m,
                    " but must be 0 or more, and the product fit");
    }
  }
  infer::SetDims(c, 0, dims);
  const PartialValue* v = c.value(0);
  if (rank != 1 || v == nullptr || dims[0] < 0 ||
      dims[0] > TensorShape::kMaxRank)
    return;
  PartialValue tiled;
  while (static_cast<int64_t>(tiled.size()) < dims[0]) {
    tiled.insert(tiled.end(), v->begin(), v->end());
  }
  c.SetOutputValue(0, std::move(tiled));
}

void InferBroadcastTo(InferContext& c) {
  c.ExpectRank(1, 1);
  const TensorShape shape = infer::ValueAsSizes(c, 1);
  const TensorShape& input = c.input(0);
  c.SetOutput(0, shape);
  if (!c.ok() || !shape.has_rank() || !input.has_rank()) return;
  bool fits = input.rank() <= shape.rank();
  for (int i = 1; fits && i <= input.rank(); ++i) {
    const int64_t from = input.dim(-i);
    const int64_t to = shape.dim(-i);
    fits = from == 1 || from < 0 || to < 0 || from == to;
  }
  if (!fits)
    c.Fail("input ", input.ToString(), " does not broadcast to ",
           shape.ToString());
}

void InferReverse(InferContext& c) {
  c.ExpectRank(1, 1);
  c.SetOutput(0, c.input(0));
  const PartialValue* axes = c.value(1);
  const int rank = c.input(0).rank();
  if (!c.ok() || axes == nullptr || rank < 0) return;
  std::vector<bool> seen(rank, false);
  for (int64_t given : *axes) {
    if (given == kUnknownElement) return;
    const int axis = c.Axis(given, rank);
    if (!c.ok()) return;
    if (seen[axis]) return c.Fail("axis ", axis, " is given twice");
    seen[axis] = true;
  }
  if (rank != 1 || c.value(0) == nullptr) return;
  PartialValue v = *c.value(0);
  if (seen[0]) std::reverse(v.begin(), v.end());
  c.SetOutputValue(0, std::move(v));
}

void InferReverseSequence(InferContext& c) {
  const int64_t seq_dim = c.attr<int64_t>("seq_dim");
  const int64_t batch_dim = c.attr<int64_t>("batch_dim");
  const TensorShape& input = c.input(0);
  c.ExpectRank(1, 1);
  c.SetOutput(0, input);
  if (!c.ok() || !input.has_rank()) return;
  for (const auto& [name, axis] :
       {std::pair("seq_dim", seq_dim), {"batch_dim", batch_dim}}) {
    if (axis < 0 || axis >= input.rank()) {
      return c.Fail(name, " is ", axis, " but must be an axis of input ",
                    input.ToString());
    }
  }
  if (seq_dim == batch_dim)
    return c.Fail("seq_dim and batch_dim are both ", seq_dim);
  Dim batch("batch", input.dim(static_cast<int>(batch_dim)));
  c.Expect(1, {batch});
  TensorShape output = input;
  output.set_dim(static_cast<int>(batch_dim), batch.size());
  c.SetOutput(0, output);
}

void InferPad(InferContext& c) {
  Dim rank("rank", c.input(0).rank());
  c.Expect(1, {rank, 2});
  if (c.num_inputs() > 2) infer::ExpectScalar(c, 2);
  if (rank.size() > TensorShape::kMaxRank)
    c.Fail("rank ", rank.size(), " is too large");
  if (!c.ok() || rank.size() < 0) return;
  Dims dims = DimsOf(c, 0, rank.size());
  PartialValue paddings = KnownElements(c.node().input(1));
  paddings.resize(2 * rank.size(), kUnknownElement);
  for (int64_t i = 0; i < 2 * rank.size(); ++i) {
    const int64_t pad = paddings[i];
    int64_t& dim = dims[i / 2];
    if (pad != kUnknownElement && pad < 0) {
      return c.Fail("paddings[", i / 2, "][", i % 2, "] is ", pad,
                    " but must be 0 or more");
    }
    if (pad == kUnknownElement || dim < 0) {
      dim = TensorShape::kUnknownDim;
    } else if (__builtin_add_overflow(dim, pad, &dim)) {
      return c.Fail("axis ", i / 2, " becomes longer than an int64");
    }
  }
  infer::SetDims(c, 0, dims);
}

void InferMatrixBandPart(InferContext& c) {
  c.ExpectRankAtLeast(0, 2);
  infer::ExpectScalar(c, 1);
  infer::ExpectScalar(c, 2);
  c.SetOutput(0, c.input(0));
}

// ---- Gradients --------------------------------------------------------------

Outputs GradTranspose(const GradContext& g) {
  const std::optional<Dims> perm = KnownInts(g.in(1));
  if (!perm.has_value())
    return {Transpose(g.dy(), InvertPermutation(g.in(1))), Output()};
  Dims inverse(perm->size());
  for (size_t i = 0; i < perm->size(); ++i)
    inverse[(*perm)[i]] = static_cast<int64_t>(i);
  return {Transpose(g.dy(), inverse), Output()};
}

// Each axis of dy is multiples[i] copies of one of x: under a shape that has
// two axes for each, those of the copies are summed.
Outputs GradTile(const GradContext& g) {
  const Output x = g.in(0);
  const std::optional<Dims> multiples = KnownInts(g.in(1));
  if (multiples.has_value() && x.shape().IsFullyDefined()) {
    Dims shape;
    std::vector<int> axes;
    for (size_t i = 0; i < multiples->size(); ++i) {
      axes.push_back(static_cast<int>(shape.size()));
      shape.insert(shape.end(),
                   {(*multiples)[i], x.shape().dim(static_cast<int>(i))});
    }
    if (shape.size() <= TensorShape::kMaxRank) {
      return {Sum(Reshape(g.dy(), shape), {.axes = axes}), Output()};
    }
  }
  const Output pairs = Pack({g.in(1), Shape(x, g.in(1).dtype())}, /*axis=*/1);
  const Output shape = Reshape(pairs, {-1});
  const Output axes =
      Range(IntScalar(x, 0, "start"), Size(shape), IntScalar(x, 2, "delta"));
  return {Sum(Reshape(g.dy(), shape), {.axes = axes}), Output()};
}

Output GradPadded(const GradContext& g) {
  const Output x = g.in(0);
  const PartialValue paddings = KnownElements(g.in(1));
  const DataType type = g.in(1).dtype();
  const bool known = std::find(paddings.begin(), paddings.end(),
                               kUnknownElement) == paddings.end();
  if (paddings.empty() || !known) {
    return Slice(g.dy(), IndexAxis(g.in(1), 1, int64_t{0}), Shape(x, type));
  }
  Dims begin;
  for (size_t i = 0; i < paddings.size(); i += 2) begin.push_back(paddings[i]);
  if (x.shape().IsFullyDefined()) return Slice(g.dy(), begin, x.shape().dims());
  return Slice(g.dy(), begin, Shape(x, type));
}

Outputs GradPadV2(const GradContext& g) {
  const Output dx = GradPadded(g);
  const Output all = Sum(g.dy());
  const Output inside = Sum(dx);
  return {dx, Output(), all - inside};
}

}  // namespace

// ---- Ops --------------------------------------------------------------------

WEFT_OP(Transpose)
    .Input("x: T")
    .Input("perm: Tperm")
    .Output("y: T")
    .Type("T")
    .Type("Tperm", types::Integers(), DataType::kInt32)
    .Form(OpForm::kTranspose)
    .Infer(InferTranspose)
    .Gradient(GradTranspose);

WEFT_OP(InvertPermutation)
    .Input("x: T")
    .Output("y: T")
    .Type("T", types::Integers(), DataType::kInt32)
    .Infer(InferInvertPermutation)
    .NotDifferentiable();

WEFT_OP(Tile)
    .Input("input: T")
    .Input("multiples: Tmultiples")
    .Output("output: T")
    .Type("T")
    .Type("Tmultiples", types::Integers(), DataType::kInt32)
    .Infer(InferTile)
    .Gradient(GradTile);

WEFT_OP(BroadcastTo)
    .Input("input: T")
    .Input("shape: Tidx")
    .Output("output: T")
    .Type("T")
    .Type("Tidx", types::Integers(), DataType::kInt32)
    .Infer(InferBroadcastTo)
    .Gradient([](const GradContext& g) -> Outputs {
      return {SumToShapes(g.in(0), g.out(0), g.dy(), Output())[0], Output()};
    });

WEFT_OP(ReverseV2)
    .Input("tensor: T")
    .Input("axis: Tidx")
    .Output("output: T")
    .Type("Tidx", types::Integers(), DataType::kInt32)
    .Type("T")
    .Infer(InferReverse)
    .Gradient([](const GradContext& g) -> Outputs {
      return {Reverse(g.dy(), g.in(1)), Output()};
    });

WEFT_OP(ReverseSequence)
    .Input("input: T")
    .Input("seq_lengths: Tlen")
    .Output("output: T")
    .RequiredAttr("seq_dim", AttrKind::kInt)
    .Attr("batch_dim", 0)
    .Type("T")
    .Type("Tlen", types::Integers(), DataType::kInt64)
    .Infer(InferReverseSequence)
    .Gradient([](const GradContext& g) -> Outputs {
      return {ReverseSequence(g.dy(), g.in(1),
                              static_cast<int>(g.attr<int64_t>("seq_dim")),
                              static_cast<int>(g.attr<int64_t>("batch_dim"))),
              Output()};
    });

WEFT_OP(Pad)
    .Input("input: T")
    .Input("paddings: Tpaddings")
    .Output("output: T")
    .Type("T")
    .Type("Tpaddings", types::Integers(), DataType::kInt32)
    .Infer(InferPad)
    .Gradient([](const GradContext& g) -> Outputs {
      return {GradPadded(g), Output()};
    });

WEFT_OP(PadV2)
    .Input("input: T")
    .Input("paddings: Tpaddings")
    .Input("constant_values: T")
    .Output("output: T")
    .Type("T")
    .Type("Tpaddings", types::Integers(), DataType::kInt32)
    .Infer(InferPad)
    .Gradient(GradPadV2);

WEFT_OP(MatrixBandPart)
    .Input("input: T")
    .Input("num_lower: Tindex")
    .Input("num_upper: Tindex")
    .Output("band: T")
    .Type("T")
    .Type("Tindex", types::Integers(), DataType::kInt64)
    .Infer(InferMatrixBandPart)
    .Gradient([](const GradContext& g) -> Outputs {
      return {MatrixBandPart(g.dy(), g.in(1), g.in(2)), Output(), Output()};
    });

// ---- Functions --------------------------------------------------------------

Output Transpose(Operand x, const IntsArg& perm, absl::string_view name) {
  return Emit("Transpose",
              {x, perm.AsInput(x, ArgName("Transpose", name, "perm"))}, {},
              name);
}

Output InvertPermutation(Operand x, absl::string_view name) {
  return Emit("InvertPermutation", {x}, {}, name);
}

Output Tile(Operand x, const IntsArg& multiples, absl::string_view name) {
  return Emit("Tile",
              {x, multiples.AsInput(x, ArgName("Tile", name, "multiples"))}, {},
              name);
}

Output BroadcastTo(Operand x, const IntsArg& shape, absl::string_view name) {
  return Emit("BroadcastTo",
              {x, shape.AsInput(x, ArgName("BroadcastTo", name, "shape"))}, {},
              name);
}

Output Reverse(Operand x, const IntsArg& axes, absl::string_view name) {
  return Emit("ReverseV2",
              {x, axes.AsInput(x, ArgName("ReverseV2", name, "axis"))}, {},
              name);
}

Output ReverseSequence(Operand x, Operand seq_lengths, int seq_axis,
                       int batch_axis, absl::string_view name) {
  const int rank = x.shape().rank();
  if (seq_axis < 0 && rank > 0) seq_axis += rank;
  if (batch_axis < 0 && rank > 0) batch_axis += rank;
  return Emit("ReverseSequence", {x, seq_lengths},
              {{"seq_dim", seq_axis}, {"batch_dim", batch_axis}}, name);
}

Output Pad(Operand x, const Paddings& paddings, absl::string_view name) {
  return Emit("Pad", {x, paddings.AsInput(x, ArgName("Pad", name, "paddings"))},
              {}, name);
}

Output PadV2(Operand x, const Paddings& paddings, Operand value,
             absl::string_view name) {
  return Emit(
      "PadV2",
      {x, paddings.AsInput(x, ArgName("PadV2", name, "paddings")), value}, {},
      name);
}

Output MatrixBandPart(Operand x, Operand num_lower, Operand num_upper,
                      absl::string_view name) {
  return Emit("MatrixBandPart", {x, num_lower, num_upper}, {}, name);
}

}  // namespace weft
