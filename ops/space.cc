#include "ops/space.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array_common.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

// ---- Blocks -----------------------------------------------------------------

constexpr int64_t kUnknown = TensorShape::kUnknownDim;

// Element i of an integer input; nothing if it is not known.
std::optional<int64_t> ElementOf(const PartialValue& value, int64_t i) {
  if (i >= static_cast<int64_t>(value.size()) || value[i] == kUnknownElement)
    return std::nullopt;
  return value[i];
}

// An even share of `size`. Fails if there is none.
int64_t Share(InferContext& c, const char* what, int64_t size, int64_t parts) {
  if (size % parts == 0) return size / parts;
  c.Fail(what, " is ", size, " but must be a multiple of ", parts);
  return kUnknown;
}

// Input 1 is the block's shape, input 2 what is padded, or cropped.
template <bool to_batch>
void InferBlocks(InferContext& c) {
  Dim space("space");
  c.Expect(1, {space});
  c.Expect(2, {space, 2});
  if (!c.ok() || space.size() < 0) return;
  const TensorShape& input = c.input(0);
  c.ExpectRankAtLeast(
      0, static_cast<int>(std::min<int64_t>(space.size() + 1, 1000)));
  if (!c.ok() || !input.has_rank()) return;
  std::vector<int64_t> dims(input.dims().begin(), input.dims().end());
  const PartialValue blocks = KnownElements(c.node().input(1));
  const PartialValue pads = KnownElements(c.node().input(2));
  int64_t product = 1;  // -1: not known.
  for (int64_t i = 0; i < space.size(); ++i) {
    const std::optional<int64_t> block = ElementOf(blocks, i);
    const std::optional<int64_t> before = ElementOf(pads, 2 * i);
    const std::optional<int64_t> after = ElementOf(pads, 2 * i + 1);
    if (block.has_value() && *block < 1) {
      return c.Fail("block_shape[", i, "] is ", *block,
                    " but must be 1 or more");
    }
    for (const auto& pad : {before, after}) {
      if (pad.has_value() && *pad < 0) {
        return c.Fail(to_batch ? "paddings[" : "crops[", i, "] has ", *pad,
                      " but must be 0 or more");
      }
    }
    if (!block.has_value()) {
      product = kUnknown;
    } else if (product >= 0 && MultiplyOverflows(product, *block, &product)) {
      return c.Fail("block_shape is too large");
    }
    int64_t& dim = dims[i + 1];
    if (dim < 0 || !block.has_value() || !before.has_value() ||
        !after.has_value()) {
      dim = kUnknown;
      continue;
    }
    if (to_batch) {
      if (__builtin_add_overflow(dim, *before, &dim) ||
          __builtin_add_overflow(dim, *after, &dim))
        return c.Fail("paddings[", i, "] is too large");
      dim = Share(c, "the padded size", dim, *block);
    } else {
      if (MultiplyOverflows(dim, *block, &dim))
        return c.Fail("block_shape[", i, "] is too large");
      if (*before > dim || *after > dim - *before)
        return c.Fail("crops[", i, "] cuts more than the ", dim, " there are");
      dim -= *before + *after;
    }
    if (!c.ok()) return;
  }
  if (dims[0] >= 0 && product >= 0) {
    if (to_batch) {
      if (MultiplyOverflows(dims[0], product, &dims[0]))
        return c.Fail("block_shape is too large");
    } else {
      dims[0] = Share(c, "batch", dims[0], product);
    }
  } else {
    dims[0] = kUnknown;
  }
  if (c.ok()) infer::SetDims(c, 0, dims);
}

// ---- Mirrors ----------------------------------------------------------------

// Output 0 is input 0 and its paddings, or without them.
template <int sign>
void InferMirror(InferContext& c) {
  Dim rank("rank", c.input(0).rank());
  c.Expect(1, {rank, 2});
  if (!c.ok() || rank.size() < 0) return;
  if (rank.size() > TensorShape::kMaxRank)
    return c.Fail("rank ", rank.size(), " is too large");
  const bool symmetric = c.attr<std::string>("mode") == "SYMMETRIC";
  const PartialValue pads = KnownElements(c.node().input(1));
  std::vector<int64_t> dims(rank.size(), kUnknown);
  for (int i = 0; i < static_cast<int>(dims.size()); ++i) {
    const int64_t dim = c.input(0).dim(i);
    const std::optional<int64_t> before_pad = ElementOf(pads, 2 * i);
    const std::optional<int64_t> after_pad = ElementOf(pads, 2 * i + 1);
    if (dim < 0 || !before_pad.has_value() || !after_pad.has_value()) continue;
    const int64_t before = *before_pad, after = *after_pad;
    // The size of the mirrored tensor.
    int64_t inner = dim;
    if (sign < 0 && before >= 0 && after >= 0 && before <= dim &&
        after <= dim - before)
      inner = dim - before - after;
    const int64_t limit = symmetric ? inner : inner - 1;
    if (before < 0 || after < 0 || before > std::max<int64_t>(limit, 0) ||
        after > std::max<int64_t>(limit, 0)) {
      return c.Fail("paddings[", i, "] is [", before, ", ", after,
                    "] but must be in [0, ", std::max<int64_t>(limit, 0),
                    "] for an axis of ", inner);
    }
    dims[i] = sign > 0 ? dim + before + after : inner;
  }
  infer::SetDims(c, 0, dims);
}

}  // namespace

WEFT_OP(SpaceToBatchND)
    .Input("input: T")
    .Input("block_shape: Tblock_shape")
    .Input("paddings: Tpaddings")
    .Output("output: T")
    .Type("T")
    .Type("Tblock_shape", types::Integers(), DataType::kInt32)
    .Type("Tpaddings", types::Integers(), DataType::kInt32)
    .Infer(InferBlocks<true>)
    .Gradient([](const GradContext& g) -> Outputs {
      return {BatchToSpaceND(g.dy(), g.in(1), g.in(2)), Output(), Output()};
    });

WEFT_OP(BatchToSpaceND)
    .Input("input: T")
    .Input("block_shape: Tblock_shape")
    .Input("crops: Tcrops")
    .Output("output: T")
    .Type("T")
    .Type("Tblock_shape", types::Integers(), DataType::kInt32)
    .Type("Tcrops", types::Integers(), DataType::kInt32)
    .Infer(InferBlocks<false>)
    .Gradient([](const GradContext& g) -> Outputs {
      return {SpaceToBatchND(g.dy(), g.in(1), g.in(2)), Output(), Output()};
    });

WEFT_OP(MirrorPad)
    .Input("input: T")
    .Input("paddings: Tpaddings")
    .Output("output: T")
    .Type("T")
    .Type("Tpaddings", types::Integers(), DataType::kInt32)
    .RequiredAttr("mode", AttrKind::kString, {"REFLECT", "SYMMETRIC"})
    .Infer(InferMirror<1>)
    .Gradient([](const GradContext& g) -> Outputs {
      return {
          MirrorPadGrad(g.dy(), g.in(1), {.mode = g.attr<std::string>("mode")}),
          Output()};
    });

WEFT_OP(MirrorPadGrad)
    .Input("input: T")
    .Input("paddings: Tpaddings")
    .Output("output: T")
    .Type("T", types::Numbers())
    .Type("Tpaddings", types::Integers(), DataType::kInt32)
    .RequiredAttr("mode", AttrKind::kString, {"REFLECT", "SYMMETRIC"})
    .Infer(InferMirror<-1>)
    .Gradient([](const GradContext& g) -> Outputs {
      return {MirrorPad(g.dy(), g.in(1), {.mode = g.attr<std::string>("mode")}),
              Output()};
    });

WEFT_OP(LinSpace)
    .Input("start: T")
    .Input("stop: T")
    .Input("num: Tidx")
    .Output("output: T")
    .Type("T", types::Floats())
    .Type("Tidx", types::Integers(), DataType::kInt32)
    .Infer([](InferContext& c) {
      for (int i = 0; i < 3; ++i) c.Expect(i, {});
      const std::optional<int64_t> num = c.scalar(2);
      if (num.has_value() && *num < 1)
        return c.Fail("num is ", *num, " but must be 1 or more");
      c.SetOutput(0, {num.value_or(kUnknown)});
    })
    .Gradient([](const GradContext& g) -> Outputs {
      // y_k = start + (stop - start) w_k, with w from 0 to 1.
      const Output zero = ScalarLike(g.dy(), 0);
      const Output one = ScalarLike(g.dy(), 1);
      const Output weights = LinSpace(zero, one, g.in(2));
      const Output to_stop = Sum(g.dy() * weights);
      return {Sum(g.dy()) - to_stop, to_stop, Output()};
    });

Output SpaceToBatchND(Operand input, const IntsArg& block_shape,
                      const Paddings& paddings, absl::string_view name) {
  return Emit("SpaceToBatchND",
              {input, block_shape.AsInput(input, "block_shape"),
               paddings.AsInput(input, "paddings")},
              {}, name);
}

Output BatchToSpaceND(Operand input, const IntsArg& block_shape,
                      const Paddings& crops, absl::string_view name) {
  return Emit("BatchToSpaceND",
              {input, block_shape.AsInput(input, "block_shape"),
               crops.AsInput(input, "crops")},
              {}, name);
}

Output MirrorPad(Operand input, const Paddings& paddings,
                 const MirrorPadOptions& options) {
  return Emit("MirrorPad", {input, paddings.AsInput(input, "paddings")},
              {{"mode", options.mode}}, options.name);
}

Output MirrorPadGrad(Operand input, const Paddings& paddings,
                     const MirrorPadOptions& options) {
  return Emit("MirrorPadGrad", {input, paddings.AsInput(input, "paddings")},
              {{"mode", options.mode}}, options.name);
}

Output LinSpace(Operand start, Operand stop, Operand num,
                absl::string_view name) {
  return Emit("LinSpace", {start, stop, num}, {}, name);
}

}  // namespace weft
