#include "ops/batch_norm.h"

#include <vector>

#include "graph/expansion.h"
#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/types.h"

namespace weft {
namespace {

bool ChannelsFirst(const std::string& data_format) {
  return data_format == "NCHW";
}

// All axes but that of the channels.
std::vector<int> OtherAxes(const std::string& data_format) {
  if (ChannelsFirst(data_format)) return {0, 2, 3};
  return {0, 1, 2};
}

// A vector over channels so that it broadcasts to images.
Output AlongChannels(Output v, const std::string& data_format) {
  return ChannelsFirst(data_format) ? Reshape(v, {-1, 1, 1}) : v;
}

// How many numbers of each channel there are, of `type`.
Output CountPerChannel(Output x, Output channels, DataType type) {
  return Cast(Size(x), type) / Cast(Size(channels), type);
}

}  // namespace

BatchNormOutputs FusedBatchNorm(Output x, Output scale, Output offset,
                                Output mean, Output variance,
                                const BatchNormOptions& options) {
  const DataType type = scale.dtype();
  const std::vector<int> axes = OtherAxes(options.data_format);
  const Output wide = x.dtype() == type ? x : Cast(x, type);
  BatchNormOutputs out;
  out.saved_mean = Identity(mean);
  out.saved_variance = Identity(variance);
  out.batch_mean = out.saved_mean;
  out.batch_variance = out.saved_variance;
  if (options.is_training) {
    out.saved_mean = Mean(wide, {.axes = axes});
    const Output centered =
        wide - AlongChannels(out.saved_mean, options.data_format);
    out.saved_variance = Mean(Square(centered), {.axes = axes});
    const Output n = CountPerChannel(x, scale, type);
    const Output one = ScalarLike(n, 1);
    const Output unbiased = out.saved_variance * (n / Maximum(n - 1.0, one));
    out.batch_mean = out.saved_mean;
    out.batch_variance = unbiased;
    const double factor = options.exponential_avg_factor;
    if (factor != 1) {
      const Output old_mean = mean * (1 - factor);
      const Output old_variance = variance * (1 - factor);
      out.batch_mean = old_mean + out.saved_mean * factor;
      out.batch_variance = old_variance + unbiased * factor;
    }
  }
  const Output slope =
      scale * Rsqrt(out.saved_variance + static_cast<double>(options.epsilon));
  const Output centered =
      wide - AlongChannels(out.saved_mean, options.data_format);
  const Output scaled = centered * AlongChannels(slope, options.data_format);
  const Output y = scaled + AlongChannels(offset, options.data_format);
  out.y = x.dtype() == type ? y : Cast(y, x.dtype());
  return out;
}

namespace {

void InferBatchNorm(InferContext& c) {
  c.ExpectRank(0, 4);
  if (!c.ok()) return;
  const bool first = ChannelsFirst(c.attr<std::string>("data_format"));
  Dim channels("channels", c.input(0).dim(first ? 1 : 3));
  c.Expect(1, {channels});
  c.Expect(2, {channels});
  // Averages may be empty where nothing reads them.
  const bool training = c.attr<bool>("is_training");
  const AttrValue* factor = c.node().attrs().Find("exponential_avg_factor");
  const bool reads =
      !training || (factor != nullptr && *factor->get_if<float>() != 1);
  for (int i = 3; i < 5; ++i) {
    if (reads) {
      c.Expect(i, {channels});
    } else {
      c.ExpectRank(i, 1);
    }
  }
  if (!c.ok()) return;
  c.SetOutput(0, c.input(0));
  for (int i = 1; i < 5; ++i) c.SetOutput(i, {channels});
  if (c.num_outputs() > 5) c.SetOutput(5, TensorShape{0});
}

Outputs ExpandBatchNorm(ExpansionContext& c) {
  BatchNormOptions options;
  options.epsilon = c.attr<float>("epsilon");
  options.exponential_avg_factor = c.attr<float>("exponential_avg_factor");
  options.data_format = c.attr<std::string>("data_format");
  options.is_training = c.attr<bool>("is_training");
  const BatchNormOutputs out =
      FusedBatchNorm(c.in(0), c.in(1), c.in(2), c.in(3), c.in(4), options);
  return {out.y, out.batch_mean, out.batch_variance, out.saved_mean,
          out.saved_variance};
}

// y_backprop, x, scale and what the forward op saved: mean and variance.
Outputs ExpandBatchNormGrad(ExpansionContext& c) {
  const std::string& format = c.attr<std::string>("data_format");
  const std::vector<int> axes = OtherAxes(format);
  const Output dy0 = c.in(0), x0 = c.in(1), scale = c.in(2);
  const Output mean = c.in(3), variance = c.in(4);
  const DataType type = scale.dtype();
  const Output dy = dy0.dtype() == type ? dy0 : Cast(dy0, type);
  const Output x = x0.dtype() == type ? x0 : Cast(x0, type);
  const Output inverse =
      Rsqrt(variance + static_cast<double>(c.attr<float>("epsilon")));
  const Output centered = x - AlongChannels(mean, format);
  const Output normal = centered * AlongChannels(inverse, format);
  const Output to_offset = Sum(dy, {.axes = axes});
  const Output to_scale = Sum(dy * normal, {.axes = axes});
  Output rest = dy;
  if (c.attr<bool>("is_training")) {
    // Mean and variance of the batch depend on x, too.
    const Output n = CountPerChannel(x, scale, type);
    const Output through_mean = AlongChannels(to_offset / n, format);
    const Output through_variance =
        normal * AlongChannels(to_scale / n, format);
    rest = dy - through_mean - through_variance;
  }
  const Output dx = rest * AlongChannels(scale * inverse, format);
  const Output empty = Zeros(c.graph(), type, {0});
  return {x0.dtype() == type ? dx : Cast(dx, x0.dtype()), to_scale, to_offset,
          empty, empty};
}

std::vector<AttrValue> Formats() { return {"NHWC", "NCHW"}; }

void InferBatchNormGrad(InferContext& c) {
  c.ExpectRank(0, 4);
  c.ExpectRank(1, 4);
  if (!c.ok()) return;
  if (!c.input(0).IsCompatibleWith(c.input(1))) {
    return c.Fail("y_backprop is ", c.input(0).ToString(),
                  " but must be like x, ", c.input(1).ToString());
  }
  const bool first = ChannelsFirst(c.attr<std::string>("data_format"));
  Dim channels("channels", c.input(1).dim(first ? 1 : 3));
  for (int i = 2; i < 5; ++i) c.Expect(i, {channels});
  if (!c.ok()) return;
  c.SetOutput(0, c.input(1));
  c.SetOutput(1, {channels});
  c.SetOutput(2, {channels});
  c.SetOutput(3, TensorShape{0});
  c.SetOutput(4, TensorShape{0});
}

}  // namespace

#define WEFT_BATCH_NORM_ATTRS                 \
  Attr("epsilon", 1e-4f)                      \
      .Attr("data_format", "NHWC", Formats()) \
      .Attr("is_training", true)              \
      .NotDifferentiable()                    \
      .NoKernel(kExpanded)

// `u` is the type of all but images: "T" or "U".
#define WEFT_BATCH_NORM_OP(name, u)         \
  WEFT_OP(name)                             \
      .Input("x: T")                        \
      .Input("scale: " u)                   \
      .Input("offset: " u)                  \
      .Input("mean: " u)                    \
      .Input("variance: " u)                \
      .Output("y: T")                       \
      .Output("batch_mean: " u)             \
      .Output("batch_variance: " u)         \
      .Output("reserve_space_1: " u)        \
      .Output("reserve_space_2: " u)        \
      .Attr("exponential_avg_factor", 1.0f) \
      .WEFT_BATCH_NORM_ATTRS.Infer(InferBatchNorm)

WEFT_BATCH_NORM_OP(FusedBatchNorm, "T").Type("T", types::Floats());
WEFT_BATCH_NORM_OP(FusedBatchNormV2, "U")
    .Type("T", types::Floats())
    .Type("U", types::Floats());
WEFT_BATCH_NORM_OP(FusedBatchNormV3, "U")
    .Output("reserve_space_3: U")
    .Type("T", types::Floats())
    .Type("U", types::Floats());

WEFT_EXPANSION(FusedBatchNorm, ExpandBatchNorm);
WEFT_EXPANSION(FusedBatchNormV2, ExpandBatchNorm);
WEFT_EXPANSION(FusedBatchNormV3, [](ExpansionContext& c) -> Outputs {
  Outputs out = ExpandBatchNorm(c);
  out.push_back(Zeros(c.graph(), out[1].dtype(), {0}));
  return out;
});

WEFT_OP(FusedBatchNormGrad)
    .Input("y_backprop: T")
    .Input("x: T")
    .Input("scale: T")
    .Input("reserve_space_1: T")
    .Input("reserve_space_2: T")
    .Output("x_backprop: T")
    .Output("scale_backprop: T")
    .Output("offset_backprop: T")
    .Output("reserve_space_3: T")
    .Output("reserve_space_4: T")
    .Type("T", types::Floats())
    .WEFT_BATCH_NORM_ATTRS.Infer(InferBatchNormGrad);
WEFT_EXPANSION(FusedBatchNormGrad, ExpandBatchNormGrad);

#define WEFT_BATCH_NORM_GRAD_OP(name) \
  WEFT_OP(name)                       \
      .Input("y_backprop: T")         \
      .Input("x: T")                  \
      .Input("scale: float32")        \
      .Input("reserve_space_1: U")    \
      .Input("reserve_space_2: U")    \
      .Output("x_backprop: T")        \
      .Output("scale_backprop: U")    \
      .Output("offset_backprop: U")   \
      .Type("T", types::Floats())     \
      .Type("U", {DataType::kFloat})  \
      .WEFT_BATCH_NORM_ATTRS.Infer(InferBatchNormGrad)

WEFT_BATCH_NORM_GRAD_OP(FusedBatchNormGradV2)
    .Output("reserve_space_3: U")
    .Output("reserve_space_4: U");
WEFT_EXPANSION(FusedBatchNormGradV2, ExpandBatchNormGrad);

WEFT_BATCH_NORM_GRAD_OP(FusedBatchNormGradV3)
    .Input("reserve_space_3: U")
    .Output("reserve_space_4: U")
    .Output("reserve_space_5: U");
WEFT_EXPANSION(FusedBatchNormGradV3, ExpandBatchNormGrad);

}  // namespace weft
