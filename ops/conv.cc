#include "ops/conv.h"

#include <array>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array_common.h"
#include "ops/emit.h"
#include "ops/types.h"
#include "ops/window_attrs.h"

namespace weft {
namespace {

// ---- Inference -------------------------------------------------------------

// The channels of the result; -1 if they are not known. Fails if `filter` does
// not go with `depth` channels.
int64_t UnitsOf(InferContext& c, const TensorShape& filter, int64_t depth,
                bool depthwise) {
  const int64_t filter_depth = filter.dim(2);
  const int64_t last = filter.dim(3);
  if (depth >= 0 && filter_depth >= 0) {
    const bool fits =
        depthwise ? depth == filter_depth
                  : filter_depth == depth ||
                        (filter_depth > 0 && depth % filter_depth == 0 &&
                         (last < 0 || last % (depth / filter_depth) == 0));
    if (!fits) {
      c.Fail("filter is ", filter.ToString(),
             " but must be [height, width, depth = ", depth,
             depthwise ? ", multiplier]" : ", units]");
      return -1;
    }
  }
  if (!depthwise) return last;
  int64_t product;
  if (filter_depth < 0 || last < 0) return -1;
  if (MultiplyOverflows(filter_depth, last, &product)) {
    c.Fail("filter is ", filter.ToString(), ", which is too much");
    return -1;
  }
  return product;
}

// The result of a convolution of these shapes, of rank 4 or unknown.
std::optional<TensorShape> InferResult(InferContext& c,
                                       const TensorShape& input,
                                       const TensorShape& filter,
                                       bool depthwise) {
  const std::optional<WindowAttrs> attrs = ReadWindow(c);
  if (!attrs.has_value()) return std::nullopt;
  const int64_t depth = input.dim(attrs->axes().channels);
  const int64_t units = UnitsOf(c, filter, depth, depthwise);
  if (!c.ok()) return std::nullopt;
  return InferPlaces(c, *attrs, input, {filter.dim(0), filter.dim(1)}, units);
}

template <bool depthwise>
void InferConv(InferContext& c) {
  c.ExpectRank(0, 4);
  c.ExpectRank(1, 4);
  if (!c.ok()) return;
  const auto shape = InferResult(c, c.input(0), c.input(1), depthwise);
  if (shape.has_value()) c.SetOutput(0, *shape);
}

// The shape that input i, a vector of 4 sizes, spells.
TensorShape SizesArg(InferContext& c, int i, absl::string_view name) {
  c.ExpectRank(i, 1);
  if (!c.ok()) return TensorShape::UnknownRank();
  const TensorShape shape = c.ValueAsShape(i);
  if (c.input(i).dim(0) >= 0 && c.input(i).dim(0) != 4) {
    c.Fail(name, " has ", c.input(i).dim(0), " entries but must have 4");
  }
  return shape.has_rank() ? shape : TensorShape{-1, -1, -1, -1};
}

// Input 2 must be the gradient of a convolution of `input` and `filter`.
void ExpectGradientOf(InferContext& c, const TensorShape& input,
                      const TensorShape& filter, bool depthwise) {
  const auto shape = InferResult(c, input, filter, depthwise);
  if (shape.has_value() && !shape->IsCompatibleWith(c.input(2))) {
    c.Fail("out_backprop is ", c.input(2).ToString(), " but must be ",
           shape->ToString());
  }
}

template <bool depthwise>
void InferBackpropInput(InferContext& c) {
  const TensorShape input = SizesArg(c, 0, "input_sizes");
  c.ExpectRank(1, 4);
  c.ExpectRank(2, 4);
  if (!c.ok()) return;
  ExpectGradientOf(c, input, c.input(1), depthwise);
  const std::optional<WindowAttrs> attrs = ReadWindow(c);
  if (!c.ok() || !attrs.has_value()) return;
  std::vector<int64_t> dims(input.dims().begin(), input.dims().end());
  if (dims[0] < 0) dims[0] = c.input(2).dim(0);
  int64_t& depth = dims[attrs->axes().channels];
  if (depthwise && depth < 0) depth = c.input(1).dim(2);
  infer::SetDims(c, 0, dims);
}

template <bool depthwise>
void InferBackpropFilter(InferContext& c) {
  const TensorShape filter = SizesArg(c, 1, "filter_sizes");
  c.ExpectRank(0, 4);
  c.ExpectRank(2, 4);
  if (!c.ok()) return;
  ExpectGradientOf(c, c.input(0), filter, depthwise);
  c.SetOutput(0, filter);
}

// ---- Functions -------------------------------------------------------------

// The attrs of a convolution, from which those of its gradients are the same.
AttrMap ConvAttrs(const GradContext& g) {
  AttrMap attrs;
  for (const char* name :
       {"strides", "padding", "explicit_paddings", "data_format", "dilations"})
    attrs.Set(name, *g.node()->attrs().Find(name));
  return attrs;
}

AttrMap ConvAttrs(const Conv2DOptions& options) {
  std::vector<int64_t> explicit_paddings = options.explicit_paddings;
  if (!explicit_paddings.empty()) {
    // Nothing around batch and channels.
    explicit_paddings.insert(explicit_paddings.begin(),
                             options.data_format == "NCHW" ? 4 : 2, 0);
    if (options.data_format != "NCHW")
      explicit_paddings.insert(explicit_paddings.end(), 2, 0);
  }
  return {{"strides", PerImageAxis(options.strides, options.data_format)},
          {"padding", options.padding},
          {"explicit_paddings", std::move(explicit_paddings)},
          {"data_format", options.data_format},
          {"dilations", PerImageAxis(options.dilations, options.data_format)}};
}

// The three ops of a kind of convolution.
struct ConvOps {
  const char* forward;
  const char* backprop_input;
  const char* backprop_filter;
};
constexpr ConvOps kConv2D = {"Conv2D", "Conv2DBackpropInput",
                             "Conv2DBackpropFilter"};
constexpr ConvOps kDepthwise = {"DepthwiseConv2dNative",
                                "DepthwiseConv2dNativeBackpropInput",
                                "DepthwiseConv2dNativeBackpropFilter"};

// Each of the three is linear in both of its tensors, and the derivatives are
// the other two.
template <const ConvOps& ops>
Outputs ConvGradient(const GradContext& g) {
  const Output x = g.in(0), filter = g.in(1), dy = g.dy();
  const Output dx =
      Emit(ops.backprop_input, {Shape(x), filter, dy}, ConvAttrs(g));
  const Output dfilter =
      Emit(ops.backprop_filter, {x, Shape(filter), dy}, ConvAttrs(g));
  return {dx, dfilter};
}

template <const ConvOps& ops>
Outputs BackpropInputGradient(const GradContext& g) {
  const Output filter = g.in(1), dy = g.in(2), ddx = g.dy();
  const Output dfilter =
      Emit(ops.backprop_filter, {ddx, Shape(filter), dy}, ConvAttrs(g));
  const Output ddy = Emit(ops.forward, {ddx, filter}, ConvAttrs(g));
  return {{}, dfilter, ddy};
}

template <const ConvOps& ops>
Outputs BackpropFilterGradient(const GradContext& g) {
  const Output x = g.in(0), dy = g.in(2), ddfilter = g.dy();
  const Output dx =
      Emit(ops.backprop_input, {Shape(x), ddfilter, dy}, ConvAttrs(g));
  const Output ddy = Emit(ops.forward, {x, ddfilter}, ConvAttrs(g));
  return {dx, {}, ddy};
}

}  // namespace

#define WEFT_CONV_ATTRS                                    \
  RequiredAttr("strides", AttrKind::kInts)                 \
      .RequiredAttr("padding", AttrKind::kString,          \
                    {"SAME", "VALID", "EXPLICIT"})         \
      .Attr("explicit_paddings", std::vector<int64_t>{})   \
      .Attr("data_format", "NHWC", ImageFormats())         \
      .Attr("dilations", std::vector<int64_t>{1, 1, 1, 1}) \
      .Type("T", types::Floats())

WEFT_OP(Conv2D)
    .Input("input: T")
    .Input("filter: T")
    .Output("output: T")
    .WEFT_CONV_ATTRS.Attr("use_cudnn_on_gpu", true)
    .Infer(InferConv<false>)
    .Gradient(ConvGradient<kConv2D>);

WEFT_OP(Conv2DBackpropInput)
    .Input("input_sizes: int32")
    .Input("filter: T")
    .Input("out_backprop: T")
    .Output("output: T")
    .WEFT_CONV_ATTRS.Attr("use_cudnn_on_gpu", true)
    .Infer(InferBackpropInput<false>)
    .Gradient(BackpropInputGradient<kConv2D>);

WEFT_OP(Conv2DBackpropFilter)
    .Input("input: T")
    .Input("filter_sizes: int32")
    .Input("out_backprop: T")
    .Output("output: T")
    .WEFT_CONV_ATTRS.Attr("use_cudnn_on_gpu", true)
    .Infer(InferBackpropFilter<false>)
    .Gradient(BackpropFilterGradient<kConv2D>);

WEFT_OP(DepthwiseConv2dNative)
    .Input("input: T")
    .Input("filter: T")
    .Output("output: T")
    .WEFT_CONV_ATTRS.Infer(InferConv<true>)
    .Gradient(ConvGradient<kDepthwise>);

WEFT_OP(DepthwiseConv2dNativeBackpropInput)
    .Input("input_sizes: int32")
    .Input("filter: T")
    .Input("out_backprop: T")
    .Output("output: T")
    .WEFT_CONV_ATTRS.Infer(InferBackpropInput<true>)
    .Gradient(BackpropInputGradient<kDepthwise>);

WEFT_OP(DepthwiseConv2dNativeBackpropFilter)
    .Input("input: T")
    .Input("filter_sizes: int32")
    .Input("out_backprop: T")
    .Output("output: T")
    .WEFT_CONV_ATTRS.Infer(InferBackpropFilter<true>)
    .Gradient(BackpropFilterGradient<kDepthwise>);

Output Conv2D(Operand input, Operand filter, const Conv2DOptions& options) {
  return Emit(kConv2D.forward, {input, filter}, ConvAttrs(options),
              options.name);
}

Output Conv2DBackpropInput(const IntsArg& input_sizes, Operand filter,
                           Operand out_backprop, const Conv2DOptions& options) {
  return Emit(
      kConv2D.backprop_input,
      {input_sizes.AsInput(filter, "input_sizes"), filter, out_backprop},
      ConvAttrs(options), options.name);
}

Output Conv2DBackpropFilter(Operand input, const IntsArg& filter_sizes,
                            Operand out_backprop,
                            const Conv2DOptions& options) {
  return Emit(
      kConv2D.backprop_filter,
      {input, filter_sizes.AsInput(input, "filter_sizes"), out_backprop},
      ConvAttrs(options), options.name);
}

Output DepthwiseConv2dNative(Operand input, Operand filter,
                             const Conv2DOptions& options) {
  return Emit(kDepthwise.forward, {input, filter}, ConvAttrs(options),
              options.name);
}

Output DepthwiseConv2dNativeBackpropInput(const IntsArg& input_sizes,
                                          Operand filter, Operand out_backprop,
                                          const Conv2DOptions& options) {
  return Emit(
      kDepthwise.backprop_input,
      {input_sizes.AsInput(filter, "input_sizes"), filter, out_backprop},
      ConvAttrs(options), options.name);
}

Output DepthwiseConv2dNativeBackpropFilter(Operand input,
                                           const IntsArg& filter_sizes,
                                           Operand out_backprop,
                                           const Conv2DOptions& options) {
  return Emit(
      kDepthwise.backprop_filter,
      {input, filter_sizes.AsInput(input, "filter_sizes"), out_backprop},
      ConvAttrs(options), options.name);
}

}  // namespace weft
