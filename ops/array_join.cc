// Ops that join tensors, and that split them.
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
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

using Dims = std::vector<int64_t>;

// What is known of input i, a scalar or vector: its elements, each perhaps
// unknown. None if not even their number is known.
std::optional<PartialValue> Elements(const InferContext& c, int i) {
  if (c.value(i) != nullptr) return *c.value(i);
  const int64_t n = c.input(i).num_elements();
  if (n < 0 || n > TensorShape::kMaxRank) return std::nullopt;
  return PartialValue(n, kUnknownElement);
}

// The elements of inputs [0, n) one after another become those of output 0.
void JoinElements(InferContext& c, int n) {
  if (!IsInteger(c.input_dtype(0))) return;
  PartialValue joined;
  bool known = false;
  for (int i = 0; i < n; ++i) {
    const std::optional<PartialValue> elements = Elements(c, i);
    if (!elements.has_value()) return;
    joined.insert(joined.end(), elements->begin(), elements->end());
    known = known || c.value(i) != nullptr;
  }
  if (known) c.SetOutputValue(0, std::move(joined));
}

// Output i has the elements of input `from` behind those of the outputs before
// it, `sizes[i]` of them.
void SplitElements(InferContext& c, int from, const Dims& sizes) {
  const PartialValue* v = c.value(from);
  if (v == nullptr || c.input(from).rank() != 1) return;
  auto next = v->begin();
  for (int i = 0; i < c.num_outputs(); ++i) {
    if (sizes[i] < 0 || sizes[i] > v->end() - next) return;
    c.SetOutputValue(i, PartialValue(next, next + sizes[i]));
    next += sizes[i];
  }
}

// ---- Pack, Unpack -----------------------------------------------------------

void InferPack(InferContext& c) {
  TensorShape shape = TensorShape::UnknownRank();
  for (int i = 0; i < c.num_inputs(); ++i) {
    if (!shape.IsCompatibleWith(c.input(i))) {
      return c.Fail("values[", i, "] is ", c.input(i).ToString(),
                    " but must be ", shape.ToString(), " like those before it");
    }
    shape = shape.MergedWith(c.input(i));
  }
  if (!shape.has_rank()) return;
  const int axis = c.Axis(c.attr<int64_t>("axis"), shape.rank() + 1);
  if (!c.ok()) return;
  Dims dims(shape.dims().begin(), shape.dims().end());
  dims.insert(dims.begin() + axis, c.num_inputs());
  infer::SetDims(c, 0, dims);
  if (shape.IsScalar()) JoinElements(c, c.num_inputs());
}

void InferUnpack(InferContext& c) {
  const TensorShape& value = c.input(0);
  if (!value.has_rank()) return;
  const int axis = c.Axis(c.attr<int64_t>("axis"), value.rank());
  if (!c.ok()) return;
  if (value.dim(axis) >= 0 && value.dim(axis) != c.num_outputs()) {
    return c.Fail("value is ", value.ToString(), " but axis ", axis,
                  " must have num = ", c.num_outputs(), " entries");
  }
  TensorShape shape = value;
  shape.RemoveDim(axis);
  for (int i = 0; i < c.num_outputs(); ++i) c.SetOutput(i, shape);
  SplitElements(c, 0, Dims(c.num_outputs(), 1));
}

// ---- ConcatV2 ---------------------------------------------------------------

// The common shape of inputs [0, n) but for `axis`, whose sizes are added up.
void InferConcatAlong(InferContext& c, int n, int axis, int rank) {
  Dims dims(rank, TensorShape::kUnknownDim);
  int64_t total = 0;
  for (int i = 0; i < n; ++i) {
    const TensorShape& value = c.input(i);
    const int64_t size =
        value.has_rank() ? value.dim(axis) : TensorShape::kUnknownDim;
    if (size < 0 || total < 0) {
      total = TensorShape::kUnknownDim;
    } else if (__builtin_add_overflow(total, size, &total)) {
      return c.Fail("the sizes along axis ", axis,
                    " add up to more than an int64");
    }
    for (int k = 0; value.has_rank() && k < rank; ++k) {
      if (k == axis || value.dim(k) < 0) continue;
      if (dims[k] >= 0 && dims[k] != value.dim(k)) {
        return c.Fail("values[", i, "] is ", value.ToString(), " but axis ", k,
                      " must have size ", dims[k],
                      " as in the values before it");
      }
      dims[k] = value.dim(k);
    }
  }
  dims[axis] = total;
  infer::SetDims(c, 0, dims);
}

void InferConcat(InferContext& c) {
  const int n = c.num_inputs() - 1;
  infer::ExpectScalar(c, n);
  int rank = -1;
  for (int i = 0; i < n; ++i) {
    if (rank < 0) rank = c.input(i).rank();
    c.ExpectRankAtLeast(i, 1);
    if (c.input(i).has_rank()) c.ExpectRank(i, rank);
  }
  if (!c.ok() || rank < 0) return;
  const std::optional<int64_t> given = c.scalar(n);
  if (!given.has_value()) {
    if (rank > 1)
      return infer::SetDims(c, 0, Dims(rank, TensorShape::kUnknownDim));
  }
  const int axis = c.Axis(given.value_or(0), rank);
  if (!c.ok()) return;
  InferConcatAlong(c, n, axis, rank);
  if (rank == 1) JoinElements(c, n);
}

// The sizes of inputs [0, n) along `axis`, as SplitV takes them.
Output SizesAlong(const GradContext& g, int n, int axis) {
  Outputs sizes;
  Dims known;
  for (int i = 0; i < n; ++i) {
    const TensorShape& shape = g.in(i).shape();
    const bool has_axis = axis < shape.rank() && axis >= -shape.rank();
    known.push_back(has_axis ? shape.dim(axis) : TensorShape::kUnknownDim);
  }
  if (std::find(known.begin(), known.end(), TensorShape::kUnknownDim) ==
      known.end()) {
    return IntsArg(known).AsInput(g.in(0), "sizes");
  }
  for (int i = 0; i < n; ++i) sizes.push_back(DimOf(g.in(i), axis));
  return Pack(sizes);
}

Outputs GradConcat(const GradContext& g) {
  const int n = g.num_inputs() - 1;
  const std::optional<Dims> axis = KnownInts(g.in(n));
  Outputs dxs;
  if (axis.has_value() && axis->size() == 1) {
    const int along = static_cast<int>((*axis)[0]);
    dxs = SplitV(g.dy(), SizesAlong(g, n, along), n, along);
  } else {
    std::vector<Operand> inputs = {Cast(g.in(n), DataType::kInt32)};
    for (int i = 0; i < n; ++i) inputs.emplace_back(Shape(g.in(i)));
    const Outputs offsets = EmitAll("ConcatOffset", inputs, n);
    for (int i = 0; i < n; ++i)
      dxs.push_back(Slice(g.dy(), offsets[i], inputs[i + 1]));
  }
  dxs.push_back(Output());
  return dxs;
}

// ---- Split, SplitV ----------------------------------------------------------

// Outputs are like `value` but for `axis`, which has `sizes`.
void SetParts(InferContext& c, const TensorShape& value, int axis,
              const Dims& sizes) {
  Dims dims(value.dims().begin(), value.dims().end());
  for (int i = 0; i < c.num_outputs(); ++i) {
    dims[axis] = sizes[i];
    infer::SetDims(c, i, dims);
  }
}

// Where the parts' axis is not known.
void SetUnknownParts(InferContext& c, const TensorShape& value) {
  if (!value.has_rank()) return;
  const Dims dims(value.rank(), TensorShape::kUnknownDim);
  for (int i = 0; i < c.num_outputs(); ++i) infer::SetDims(c, i, dims);
}

void InferSplit(InferContext& c) {
  infer::ExpectScalar(c, 0);
  const TensorShape& value = c.input(1);
  if (!value.has_rank() || !c.scalar(0).has_value())
    return SetUnknownParts(c, value);
  const int axis = c.Axis(*c.scalar(0), value.rank());
  if (!c.ok()) return;
  int64_t size = value.dim(axis);
  if (size > 0 && size % c.num_outputs() != 0) {
    return c.Fail("value is ", value.ToString(), " but axis ", axis,
                  " must be a multiple of num_split = ", c.num_outputs());
  }
  if (size > 0) size /= c.num_outputs();
  const Dims sizes(c.num_outputs(), size);
  SetParts(c, value, axis, sizes);
  SplitElements(c, 1, sizes);
}

// The sizes that input 1 of SplitV says, with an entry of -1 filled in from
// `total` where that is known.
Dims PartSizes(InferContext& c, int64_t total) {
  Dims sizes(c.num_outputs(), TensorShape::kUnknownDim);
  const PartialValue* given = c.value(1);
  if (given == nullptr || given->size() != sizes.size()) return sizes;
  int64_t sum = 0;
  int rest = -1;
  int num_missing = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const int64_t size = (*given)[i];
    if (size == -1 || size == kUnknownElement) {
      if (size == -1 && rest >= 0) c.Fail("size_splits has more than one -1");
      if (size == -1) rest = static_cast<int>(i);
      ++num_missing;
    } else if (size < 0 || __builtin_add_overflow(sum, size, &sum)) {
      c.Fail("size_splits[", i, "] is ", size,
             " but must be a size, or -1 once");
      return sizes;
    } else {
      sizes[i] = size;
    }
  }
  if (total >= 0 && (num_missing == 0 ? sum != total : sum > total)) {
    c.Fail("size_splits add up to ", sum, " but the axis has ", total);
  }
  if (total >= 0 && num_missing == 1 && rest >= 0) sizes[rest] = total - sum;
  return sizes;
}

void InferSplitV(InferContext& c) {
  c.Expect(1, {c.num_outputs()});
  infer::ExpectScalar(c, 2);
  const TensorShape& value = c.input(0);
  if (!value.has_rank() || !c.scalar(2).has_value())
    return SetUnknownParts(c, value);
  const int axis = c.Axis(*c.scalar(2), value.rank());
  if (!c.ok()) return;
  const Dims sizes = PartSizes(c, value.dim(axis));
  if (!c.ok()) return;
  SetParts(c, value, axis, sizes);
  SplitElements(c, 0, sizes);
}

Outputs AllDys(const GradContext& g) {
  Outputs dys;
  for (int i = 0; i < g.node()->num_outputs(); ++i) dys.push_back(g.dy(i));
  return dys;
}

}  // namespace

// ---- Ops --------------------------------------------------------------------

WEFT_OP(Pack)
    .Input("values: N*T")
    .Output("output: T")
    .Number("N")
    .Type("T")
    .Attr("axis", 0)
    .Form(OpForm::kPack)
    .Infer(InferPack)
    .Gradient([](const GradContext& g) {
      return Unpack(g.dy(), g.num_inputs(),
                    static_cast<int>(g.attr<int64_t>("axis")));
    });

WEFT_OP(Unpack)
    .Input("value: T")
    .Output("output: num*T")
    .Number("num", 0)
    .Type("T")
    .Attr("axis", 0)
    .Form(OpForm::kUnpack)
    .Infer(InferUnpack)
    .Gradient([](const GradContext& g) -> Outputs {
      if (g.node()->num_outputs() == 0) return {ZerosLike(g.in(0))};
      return {Pack(AllDys(g), static_cast<int>(g.attr<int64_t>("axis")))};
    });

WEFT_OP(ConcatV2)
    .Input("values: N*T")
    .Input("axis: Tidx")
    .Output("output: T")
    .Number("N", 2)
    .Type("T")
    .Type("Tidx", types::Integers(), DataType::kInt32)
    .Form(OpForm::kConcat)
    .Infer(InferConcat)
    .Gradient(GradConcat);

WEFT_OP(Split)
    .Input("split_dim: int32")
    .Input("value: T")
    .Output("output: num_split*T")
    .Number("num_split")
    .Type("T")
    .Form(OpForm::kSplit)
    .Infer(InferSplit)
    .Gradient([](const GradContext& g) -> Outputs {
      return {Output(), Concat(AllDys(g), g.in(0))};
    });

WEFT_OP(SplitV)
    .Input("value: T")
    .Input("size_splits: Tlen")
    .Input("split_dim: int32")
    .Output("output: num_split*T")
    .Number("num_split")
    .Type("T")
    .Type("Tlen", types::Integers(), DataType::kInt64)
    .Infer(InferSplitV)
    .Gradient([](const GradContext& g) -> Outputs {
      return {Concat(AllDys(g), g.in(2)), Output(), Output()};
    });

// ---- Functions --------------------------------------------------------------

Output Pack(const Operands& values, int axis, absl::string_view name) {
  return Emit("Pack", AsOperands(values), {{"axis", axis}}, name);
}

Outputs Unpack(Operand value, int num, int axis, absl::string_view name) {
  const TensorShape& shape = value.shape();
  if (num < 0 && value.output.valid()) {
    const bool has_axis = axis < shape.rank() && axis >= -shape.rank();
    if (!has_axis || shape.dim(axis) < 0 ||
        shape.dim(axis) > value.graph().options().max_nodes) {
      value.graph().Fail(InvalidArgument("Unpack of ", value.output.name(), " ",
                                         shape.ToString(), " along axis ", axis,
                                         ": num must be given"),
                         value.location);
      return {};
    }
    num = static_cast<int>(shape.dim(axis));
  }
  return EmitAll("Unpack", {value}, std::max(num, 0),
                 {{"num", num}, {"axis", axis}}, name);
}

Output Concat(const Operands& values, int axis, absl::string_view name) {
  if (values.outputs.empty()) return {};
  const Operand first(values.outputs[0], values.location);
  return Concat(
      values, IntScalar(first, axis, ArgName("ConcatV2", name, "axis")), name);
}

Output Concat(const Operands& values, Operand axis, absl::string_view name) {
  if (values.outputs.size() == 1) return values.outputs[0];
  std::vector<Operand> inputs = AsOperands(values);
  inputs.push_back(axis);
  return Emit("ConcatV2", inputs, {}, name);
}

Outputs Split(Operand value, int num_split, int axis, absl::string_view name) {
  const Operand split_dim =
      IntScalar(value, axis, ArgName("Split", name, "split_dim"));
  return EmitAll("Split", {split_dim, value}, num_split,
                 {{"num_split", num_split}}, name);
}

Outputs SplitV(Operand value, const std::vector<int64_t>& sizes, int axis,
               absl::string_view name) {
  const Operand sizes_input =
      IntsArg(sizes).AsInput(value, ArgName("SplitV", name, "size_splits"));
  return SplitV(value, sizes_input, static_cast<int>(sizes.size()), axis, name);
}

Outputs SplitV(Operand value, Operand sizes, int num_split, int axis,
               absl::string_view name) {
  const Operand split_dim =
      IntScalar(value, axis, ArgName("SplitV", name, "split_dim"));
  return EmitAll("SplitV", {value, sizes, split_dim}, num_split,
                 {{"num_split", num_split}}, name);
}

}  // namespace weft
