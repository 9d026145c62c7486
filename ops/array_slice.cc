// Ops that take a part of a tensor by position.
#include <algorithm>
#include <optional>
#include <utility>

#include "core/strided_slice.h"
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

// ---- Slice ------------------------------------------------------------------

// The element at `k` of a vector input, if known.
std::optional<int64_t> ElementOf(const InferContext& c, int input, size_t k) {
  const PartialValue* v = c.value(input);
  if (v == nullptr || k >= v->size() || (*v)[k] == kUnknownElement)
    return std::nullopt;
  return (*v)[k];
}

// The size of axis k of a Slice, -1 if not known.
int64_t SliceSize(InferContext& c, int k, int64_t dim) {
  const std::optional<int64_t> begin = ElementOf(c, 1, k);
  const std::optional<int64_t> size = ElementOf(c, 2, k);
  if (begin.has_value() && (*begin < 0 || (dim >= 0 && *begin > dim))) {
    c.Fail("begin[", k, "] is ", *begin, " but must be in [0, ",
           dim >= 0 ? dim : INT64_MAX, "]");
    return -1;
  }
  if (!size.has_value()) return -1;
  const int64_t rest = dim >= 0 && begin.has_value() ? dim - *begin : -1;
  if (*size == -1) return rest;
  if (*size < -1 || (rest >= 0 && *size > rest)) {
    c.Fail("size[", k, "] is ", *size, " but axis ", k, " of ",
           c.input(0).ToString(), " has ", rest >= 0 ? rest : dim,
           " entries from begin on");
  }
  return *size;
}

void InferSlice(InferContext& c) {
  Dim rank("rank", c.input(0).rank());
  c.Expect(1, {rank});
  c.Expect(2, {rank});
  if (!c.ok() || rank.size() < 0) return;
  Dims dims;
  for (int k = 0; k < rank.size() && c.ok(); ++k) {
    dims.push_back(SliceSize(c, k, c.input(0).dim(k)));
  }
  if (!c.ok()) return;
  infer::SetDims(c, 0, dims);
  const std::optional<int64_t> begin = ElementOf(c, 1, 0);
  const PartialValue* v = c.value(0);
  if (rank.size() != 1 || v == nullptr || !begin.has_value() || dims[0] < 0)
    return;
  c.SetOutputValue(
      0, PartialValue(v->begin() + *begin, v->begin() + *begin + dims[0]));
}

// dy in the place of the part; zeros elsewhere.
Outputs GradSlice(const GradContext& g) {
  const Output begin = g.in(1);
  const Output end = begin + Shape(g.dy(), begin.dtype());
  const Output strides = OnesLike(begin);
  return {StridedSliceGrad(Shape(g.in(0), begin.dtype()), begin, end, strides,
                           g.dy()),
          Output(), Output()};
}

// ---- StridedSlice -----------------------------------------------------------

StridedSliceMasks MasksOf(const AttrMap& attrs) {
  return {.begin_mask = attrs.Get<int64_t>("begin_mask"),
          .end_mask = attrs.Get<int64_t>("end_mask"),
          .ellipsis_mask = attrs.Get<int64_t>("ellipsis_mask"),
          .new_axis_mask = attrs.Get<int64_t>("new_axis_mask"),
          .shrink_axis_mask = attrs.Get<int64_t>("shrink_axis_mask")};
}

AttrMap MasksAsAttrs(const StridedSliceMasks& masks) {
  return {{"begin_mask", masks.begin_mask},
          {"end_mask", masks.end_mask},
          {"ellipsis_mask", masks.ellipsis_mask},
          {"new_axis_mask", masks.new_axis_mask},
          {"shrink_axis_mask", masks.shrink_axis_mask}};
}

// The slice that inputs first .. first + 2 say; none if not even the number of
// its entries is known.
std::optional<StridedSliceSpec> SpecOf(InferContext& c, int first) {
  Dim entries("entries");
  for (int i = 0; i < 3; ++i) c.Expect(first + i, {entries});
  if (!c.ok() || entries.size() < 0 || entries.size() > TensorShape::kMaxRank) {
    if (entries.size() > TensorShape::kMaxRank) {
      c.Fail("begin has ", entries.size(), " entries but must have at most ",
             TensorShape::kMaxRank);
    }
    return std::nullopt;
  }
  const StridedSliceMasks masks = MasksOf(c.node().attrs());
  StridedSliceSpec spec;
  spec.begin_mask = masks.begin_mask;
  spec.end_mask = masks.end_mask;
  spec.ellipsis_mask = masks.ellipsis_mask;
  spec.new_axis_mask = masks.new_axis_mask;
  spec.shrink_axis_mask = masks.shrink_axis_mask;
  for (int64_t k = 0; k < entries.size(); ++k) {
    spec.begin.push_back(ElementOf(c, first, k));
    spec.end.push_back(ElementOf(c, first + 1, k));
    spec.strides.push_back(ElementOf(c, first + 2, k));
  }
  return spec;
}

void InferStridedSlice(InferContext& c) {
  const std::optional<StridedSliceSpec> spec = SpecOf(c, 1);
  if (!spec.has_value()) return;
  absl::StatusOr<StridedSliceDims> slice =
      ResolveStridedSlice(c.input(0), *spec);
  if (!slice.ok()) return c.Fail(slice.status().message());
  c.SetOutput(0, slice->shape);
  const PartialValue* v = c.value(0);
  if (v == nullptr || slice->axes.size() != 1) return;
  const StridedSliceDims::Axis& axis = slice->axes[0];
  if (axis.size < 0 || !axis.placed) return;
  PartialValue part;
  for (int64_t i = 0; i < axis.size; ++i)
    part.push_back((*v)[axis.begin + i * axis.stride]);
  c.SetOutputValue(0, std::move(part));
}

void InferStridedSliceGrad(InferContext& c) {
  const TensorShape shape = infer::ValueAsSizes(c, 0);
  const std::optional<StridedSliceSpec> spec = SpecOf(c, 1);
  c.SetOutput(0, shape);
  if (!c.ok() || !spec.has_value()) return;
  absl::StatusOr<StridedSliceDims> slice = ResolveStridedSlice(shape, *spec);
  if (!slice.ok()) return c.Fail(slice.status().message());
  if (!slice->shape.IsCompatibleWith(c.input(4))) {
    c.Fail("dy is ", c.input(4).ToString(), " but must be ",
           slice->shape.ToString());
  }
}

Outputs GradStridedSlice(const GradContext& g) {
  const StridedSliceMasks masks = MasksOf(g.node()->attrs());
  const Output shape = Shape(g.in(0), g.in(1).dtype());
  Outputs dxs(4);
  dxs[0] = StridedSliceGrad(shape, g.in(1), g.in(2), g.in(3), g.dy(), masks);
  return dxs;
}

Outputs GradStridedSliceGrad(const GradContext& g) {
  const StridedSliceMasks masks = MasksOf(g.node()->attrs());
  Outputs dxs(5);
  dxs[4] = StridedSlice(g.dy(), g.in(1), g.in(2), g.in(3), masks);
  return dxs;
}

// ---- One axis ---------------------------------------------------------------

// A slice of one axis and all of the others: the numbers of its entries.
struct AxisSlice {
  StridedSliceMasks masks;
  int position = 0;  // Of the entry for the axis.
  int entries = 0;
};

AxisSlice SliceOfAxis(Operand x, int axis) {
  const int rank = x.shape().rank();
  axis = std::clamp(axis, -TensorShape::kMaxRank, TensorShape::kMaxRank);
  if (axis < 0 && axis >= -rank) axis += rank;
  AxisSlice slice;
  if (axis >= 0) {
    slice.position = axis;
    slice.entries = axis + 1;
  } else {
    slice.masks.ellipsis_mask = 1;
    slice.position = 1;
    slice.entries = 1 - axis;
  }
  for (int i = 0; i < slice.entries; ++i) {
    if (i == slice.position) continue;
    slice.masks.begin_mask |= int64_t{1} << i;
    slice.masks.end_mask |= int64_t{1} << i;
  }
  return slice;
}

// `value` at the position of the axis among zeros.
IntsArg Entries(const AxisSlice& slice, int64_t value, int64_t others) {
  Dims entries(slice.entries, others);
  entries[slice.position] = value;
  return entries;
}

Output Entries(const AxisSlice& slice, Operand value) {
  Outputs packed(slice.entries, value);
  for (int i = 0; i < slice.entries; ++i) {
    if (i != slice.position) packed[i] = ZerosLike(value);
  }
  return Pack({packed, value.location});
}

}  // namespace

// ---- Ops --------------------------------------------------------------------

WEFT_OP(Slice)
    .Input("input: T")
    .Input("begin: Index")
    .Input("size: Index")
    .Output("output: T")
    .Type("T")
    .Type("Index", types::Integers())
    .Infer(InferSlice)
    .Gradient(GradSlice);

WEFT_OP(StridedSlice)
    .Input("input: T")
    .Input("begin: Index")
    .Input("end: Index")
    .Input("strides: Index")
    .Output("output: T")
    .Type("T")
    .Type("Index", types::Integers())
    .Attr("begin_mask", 0)
    .Attr("end_mask", 0)
    .Attr("ellipsis_mask", 0)
    .Attr("new_axis_mask", 0)
    .Attr("shrink_axis_mask", 0)
    .Form(OpForm::kStridedSlice)
    .Infer(InferStridedSlice)
    .Gradient(GradStridedSlice);

WEFT_OP(StridedSliceGrad)
    .Input("shape: Index")
    .Input("begin: Index")
    .Input("end: Index")
    .Input("strides: Index")
    .Input("dy: T")
    .Output("output: T")
    .Type("T")
    .Type("Index", types::Integers())
    .Attr("begin_mask", 0)
    .Attr("end_mask", 0)
    .Attr("ellipsis_mask", 0)
    .Attr("new_axis_mask", 0)
    .Attr("shrink_axis_mask", 0)
    .Infer(InferStridedSliceGrad)
    .Gradient(GradStridedSliceGrad);

// ---- Functions --------------------------------------------------------------

Output Slice(Operand x, const IntsArg& begin, const IntsArg& size,
             absl::string_view name) {
  const DataType type = IntsArg::CommonType({begin, size});
  return Emit("Slice",
              {x, begin.AsInput(x, ArgName("Slice", name, "begin"), type),
               size.AsInput(x, ArgName("Slice", name, "size"), type)},
              {}, name);
}

Output StridedSlice(Operand x, const IntsArg& begin, const IntsArg& end,
                    const IntsArg& strides, const StridedSliceMasks& masks,
                    absl::string_view name) {
  const DataType type = IntsArg::CommonType({begin, end, strides});
  return Emit(
      "StridedSlice",
      {x, begin.AsInput(x, ArgName("StridedSlice", name, "begin"), type),
       end.AsInput(x, ArgName("StridedSlice", name, "end"), type),
       strides.AsInput(x, ArgName("StridedSlice", name, "strides"), type)},
      MasksAsAttrs(masks), name);
}

Output StridedSliceGrad(Operand shape, Operand begin, Operand end,
                        Operand strides, Operand dy,
                        const StridedSliceMasks& masks,
                        absl::string_view name) {
  return Emit("StridedSliceGrad", {shape, begin, end, strides, dy},
              MasksAsAttrs(masks), name);
}

Output IndexAxis(Operand x, int axis, int64_t index, absl::string_view name) {
  AxisSlice slice = SliceOfAxis(x, axis);
  slice.masks.shrink_axis_mask = int64_t{1} << slice.position;
  const int64_t end = index < INT64_MAX ? index + 1 : index;
  return StridedSlice(x, Entries(slice, index, 0), Entries(slice, end, 0),
                      Entries(slice, 1, 1), slice.masks, name);
}

Output IndexAxis(Operand x, int axis, Operand index, absl::string_view name) {
  return Gather(x, index, axis, /*batch_dims=*/0, name);
}

Output SliceAxis(Operand x, int axis, int64_t begin, int64_t end,
                 absl::string_view name) {
  const AxisSlice slice = SliceOfAxis(x, axis);
  return StridedSlice(x, Entries(slice, begin, 0), Entries(slice, end, 0),
                      Entries(slice, 1, 1), slice.masks, name);
}

Output SliceAxis(Operand x, int axis, Operand begin, Operand end,
                 absl::string_view name) {
  const AxisSlice slice = SliceOfAxis(x, axis);
  const Output from = Entries(slice, begin);
  const Output to = Entries(slice, end);
  return StridedSlice(x, from, to, Entries(slice, 1, 1), slice.masks, name);
}

}  // namespace weft
