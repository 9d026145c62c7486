// Ops on images that are a few others.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "graph/expansion.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/array_common.h"
#include "ops/conv.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/source.h"
#include "ops/types.h"
#include "ops/window_attrs.h"

namespace weft {
namespace {

using Context = ExpansionContext&;

void InferImage(InferContext& c) { c.ExpectRank(0, 4); }

Output Constant(const ExpansionContext& c, int32_t value) {
  return Const(c.graph(), value);
}

// 0, 1, ..., n - 1 for an int32 scalar n.
Output Count(const ExpansionContext& c, Output n) {
  return Range(Constant(c, 0), n, Constant(c, 1));
}

}  // namespace

#define WEFT_IMAGE_OP(name, ...)     \
  WEFT_EXPANSION(name, __VA_ARGS__); \
  WEFT_OP(name).NotDifferentiable().NoKernel(kExpanded).Infer(InferImage)

// ---- Pools ------------------------------------------------------------------

WEFT_IMAGE_OP(
    MaxPoolV2,
    [](Context c) -> Outputs {
      AttrMap attrs = {{"padding", c.attr<std::string>("padding")},
                       {"data_format", c.attr<std::string>("data_format")}};
      const char* const names[] = {"", "ksize", "strides"};
      for (int i = 1; i < 3; ++i) {
        const PartialValue value = KnownElements(c.in(i));
        for (const int64_t v : value) {
          if (v != kUnknownElement) continue;
          return c.FailUnimplemented(names[i], " must be a constant");
        }
        if (value.empty())
          return c.FailUnimplemented(names[i], " must be a constant");
        attrs.Set(names[i], std::vector<int64_t>(value.begin(), value.end()));
      }
      return {Emit("MaxPool", {Operand(c.in(0), {})}, std::move(attrs))};
    })
    .Input("input: T")
    .Input("ksize: int32")
    .Input("strides: int32")
    .Output("output: T")
    .RequiredAttr("padding", AttrKind::kString, {"SAME", "VALID"})
    .Attr("data_format", "NHWC", ImageFormats())
    .Type("T", types::Numbers(), DataType::kFloat);

// ---- Normalisation ----------------------------------------------------------

WEFT_IMAGE_OP(BatchNormWithGlobalNormalization,
              [](Context c) -> Outputs {
                const double epsilon = c.attr<float>("variance_epsilon");
                Output slope = Rsqrt(c.in(2) + epsilon);
                if (c.attr<bool>("scale_after_normalization"))
                  slope = slope * c.in(4);
                const Output centered = c.in(0) - c.in(1);
                return {centered * slope + c.in(3)};
              })
    .Input("t: T")
    .Input("m: T")
    .Input("v: T")
    .Input("beta: T")
    .Input("gamma: T")
    .Output("result: T")
    .RequiredAttr("variance_epsilon", AttrKind::kFloat)
    .RequiredAttr("scale_after_normalization", AttrKind::kBool)
    .Type("T", types::Floats());

// x / (bias + alpha * sum)^beta, with the sum of squares of the channels that
// are at most depth_radius away: a product with a band of ones.
WEFT_IMAGE_OP(
    LRN,
    [](Context c) -> Outputs {
      const Output x = c.in(0);
      const Output channels = DimOf(x, -1);
      const Output radius = Const(c.graph(), c.attr<int64_t>("depth_radius"));
      const Output ones = Fill(Pack({channels, channels}), ScalarLike(x, 1));
      Node* band = c.graph().Add(
          "MatrixBandPart",
          {Operand(ones, {}), Operand(radius, {}), Operand(radius, {})});
      const Output rows = Reshape(Square(x), Pack({Constant(c, -1), channels}));
      const Output sums = Reshape(MatMul(rows, band->output(0)), Shape(x));
      const Output base = sums * static_cast<double>(c.attr<float>("alpha")) +
                          static_cast<double>(c.attr<float>("bias"));
      const Output beta = ScalarLike(x, c.attr<float>("beta"));
      return {x / Pow(base, beta)};
    })
    .Input("input: T")
    .Output("output: T")
    .Attr("depth_radius", 5)
    .Attr("bias", 1.0f)
    .Attr("alpha", 1.0f)
    .Attr("beta", 0.5f)
    .Type("T", types::Floats(), DataType::kFloat);

// ---- Resizing ---------------------------------------------------------------

namespace {

// Where the entries of a resized axis come from.
struct Sources {
  Output lower, upper;  // int32.
  Output weight;        // Of the upper one, float.
};

Sources SourcesOf(const ExpansionContext& c, Output in_size, Output out_size) {
  const Output in = Cast(in_size, DataType::kFloat);
  const Output out = Cast(out_size, DataType::kFloat);
  const Output places = Cast(Count(c, out_size), DataType::kFloat);
  Output scale = in / out;
  if (c.attr<bool>("align_corners")) {
    const Output one = ScalarLike(out, 1);
    const Output between = (in - 1.0) / Maximum(out - 1.0, one);
    scale = Select(Greater(out, one), between, scale);
  }
  const Output at = c.attr<bool>("half_pixel_centers")
                        ? (places + 0.5) * scale - 0.5
                        : places * scale;
  const Output below = Floor(at);
  const Output last = in_size - 1.0;
  const Output first = Constant(c, 0);
  const Output lower = Cast(below, DataType::kInt32);
  return {Minimum(Maximum(lower, first), last),
          Minimum(Maximum(lower + 1.0, first), last), at - below};
}

// Along `axis`, with what is between two entries in between them.
Output Blend(Output x, const Sources& from, int axis) {
  const Output low = Gather(x, from.lower, axis);
  const Output high = Gather(x, from.upper, axis);
  Output weight = from.weight;
  for (int i = axis + 1; i < 4; ++i) weight = ExpandDims(weight, -1);
  return low + (high - low) * weight;
}

}  // namespace

WEFT_IMAGE_OP(ResizeBilinear,
              [](Context c) -> Outputs {
                if (c.attr<bool>("align_corners") &&
                    c.attr<bool>("half_pixel_centers")) {
                  return c.Fail(
                      "attrs 'align_corners' and 'half_pixel_centers' exclude "
                      "each other");
                }
                const Output x = Cast(c.in(0), DataType::kFloat);
                const Outputs size = Unpack(c.in(1), 2);
                const Output rows =
                    Blend(x, SourcesOf(c, DimOf(x, 1), size[0]), 1);
                return {Blend(rows, SourcesOf(c, DimOf(x, 2), size[1]), 2)};
              })
    .Input("images: T")
    .Input("size: int32")
    .Output("resized_images: float32")
    .Attr("align_corners", false)
    .Attr("half_pixel_centers", false)
    .Type("T", types::Numbers());

// ---- Patches ----------------------------------------------------------------

// A convolution whose unit k gives element k of the patch.
WEFT_IMAGE_OP(
    ExtractImagePatches,
    [](Context c) -> Outputs {
      const Output x = c.in(0);
      const int64_t depth = x.shape().dim(-1);
      const auto& sizes = c.attr<std::vector<int64_t>>("ksizes");
      if (sizes.size() != 4 || sizes[0] != 1 || sizes[3] != 1 || sizes[1] < 1 ||
          sizes[2] < 1) {
        return c.Fail(
            "attr 'ksizes' must be [1, rows, columns, 1], with 1 or more "
            "rows and columns");
      }
      if (depth < 0)
        return c.FailUnimplemented("the depth of images must be known");
      // Of what no program asks for, the filter would be too large.
      constexpr int64_t kMost = 1 << 14;
      int64_t size;
      if (MultiplyOverflows(sizes[1], sizes[2], &size) ||
          MultiplyOverflows(size, depth, &size) || size > kMost) {
        return c.FailUnimplemented("patches of more than ", kMost, " elements");
      }
      const Output count = Count(c, Constant(c, static_cast<int32_t>(size)));
      const Output eye = OneHot(count, size, x.dtype());
      const Output filter = Reshape(eye, {sizes[1], sizes[2], depth, size});
      return {Emit("Conv2D", {Operand(x, {}), Operand(filter, {})},
                   {{"strides", c.attr<std::vector<int64_t>>("strides")},
                    {"dilations", c.attr<std::vector<int64_t>>("rates")},
                    {"padding", c.attr<std::string>("padding")}})};
    })
    .Input("images: T")
    .Output("patches: T")
    .RequiredAttr("ksizes", AttrKind::kInts)
    .RequiredAttr("strides", AttrKind::kInts)
    .RequiredAttr("rates", AttrKind::kInts)
    .RequiredAttr("padding", AttrKind::kString, {"SAME", "VALID"})
    .Type("T", types::Floats());

}  // namespace weft
