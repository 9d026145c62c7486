// Conv2D, DepthwiseConv2dNative and their gradients.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/conv_onednn.h"
#include "kernels/conv_shape.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// ---- Element by element -----------------------------------------------------

// Offsets of images of `channels` channels.
struct ImageStrides {
  ImageStrides(bool channels_first, const std::array<int64_t, 2>& space,
               int64_t channels)
      : image(space[0] * space[1] * channels),
        channel(channels_first ? space[0] * space[1] : 1),
        row(channels_first ? space[1] : space[1] * channels),
        column(channels_first ? 1 : channels) {}
  int64_t image, channel, row, column;
};

// Calls body(x, w, y) with the offsets of the first channels for each place of
// the filter's elements in images [begin, end).
template <typename Body>
void ForEachTap(const ConvShape& s, int64_t begin, int64_t end,
                const Body& body) {
  const bool first = s.attrs.channels_first;
  const ImageStrides xs(first, s.in, s.in_channels());
  const ImageStrides ys(first, s.out, s.out_channels());
  const int64_t tap = s.depth * s.out_channels();
  const auto at = [&s](int i, int64_t out, int64_t k) {
    return out * s.attrs.stride[i] - s.before[i] + k * s.attrs.dilation[i];
  };
  for (int64_t n = begin; n < end; ++n) {
    for (int64_t oh = 0; oh < s.out[0]; ++oh) {
      for (int64_t kh = 0; kh < s.size[0]; ++kh) {
        const int64_t ih = at(0, oh, kh);
        if (ih < 0 || ih >= s.in[0]) continue;
        for (int64_t ow = 0; ow < s.out[1]; ++ow) {
          for (int64_t kw = 0; kw < s.size[1]; ++kw) {
            const int64_t iw = at(1, ow, kw);
            if (iw < 0 || iw >= s.in[1]) continue;
            body(n * xs.image + ih * xs.row + iw * xs.column,
                 (kh * s.size[1] + kw) * tap,
                 n * ys.image + oh * ys.row + ow * ys.column);
          }
        }
      }
    }
  }
}

template <ConvDirection direction, typename T>
void PlainConv(const ConvShape& s, T* x, T* w, T* y, ThreadPool& pool) {
  const bool first = s.attrs.channels_first;
  const int64_t x_channel = first ? s.in[0] * s.in[1] : 1;
  const int64_t y_channel = first ? s.out[0] * s.out[1] : 1;
  const auto tap = [&](int64_t x_at, int64_t w_at, int64_t y_at) {
    for (int64_t g = 0; g < s.groups; ++g) {
      for (int64_t d = 0; d < s.depth; ++d) {
        T& xi = x[x_at + (g * s.depth + d) * x_channel];
        T* wi = w + w_at + (d * s.groups + g) * s.units;
        T* yi = y + y_at + g * s.units * y_channel;
        for (int64_t u = 0; u < s.units; ++u) {
          if constexpr (direction == ConvDirection::kForward) {
            yi[u * y_channel] += xi * wi[u];
          } else if constexpr (direction == ConvDirection::kInput) {
            xi += yi[u * y_channel] * wi[u];
          } else {
            wi[u] += xi * yi[u * y_channel];
          }
        }
      }
    }
  };
  // A filter's gradient is a sum over the batch, which is never cut.
  if (direction == ConvDirection::kFilter)
    return ForEachTap(s, 0, s.batch, tap);
  pool.ParallelFor(s.batch, 1, [&](int64_t begin, int64_t end) {
    ForEachTap(s, begin, end, tap);
  });
}

// ---- Kernels ---------------------------------------------------------------

// Are all numbers so small that a library that counts with 32 bits can work
// with them?
bool IsModerate(const ConvShape& s) {
  constexpr int64_t kModerate = 1 << 20;
  bool moderate = s.batch <= kModerate && s.in_channels() <= kModerate &&
                  s.out_channels() <= kModerate;
  for (int i = 0; i < 2; ++i) {
    for (const int64_t number :
         {s.in[i], s.out[i], s.size[i], s.before[i], s.after[i],
          s.attrs.stride[i], s.attrs.dilation[i]})
      moderate &= number <= kModerate;
  }
  return moderate;
}

struct ConvState : public KernelState {
  ConvShape shape;
  std::shared_ptr<const OneDnnConv> conv;  // Of floats, if it can.
};

template <typename T, ConvDirection direction, bool depthwise>
class ConvKernel : public Kernel {
 public:
  explicit ConvKernel(const KernelInit& init)
      : attrs_(WindowAttrs::Read(init.attrs)) {}

  absl::Status Layout(LayoutContext& c) const override {
    if (!attrs_.ok()) return attrs_.status();
    // Of input and filter, the one that is computed comes as its shape.
    TensorShape shapes[2];
    for (int i = 0; i < 2; ++i) {
      shapes[i] = c.input_shape(i);
      if (i != kSizes) continue;
      const absl::string_view name = i == 0 ? "input_sizes" : "filter_sizes";
      WEFT_RETURN_IF_ERROR(ExpectVector(c, i, 4, name));
      const Tensor* sizes = c.NeedValue(i);
      if (sizes == nullptr) return c.Defer();
      WEFT_ASSIGN_OR_RETURN(shapes[i], ShapeOfSizes(ReadInts(*sizes)));
    }
    auto state = std::make_shared<ConvState>();
    WEFT_ASSIGN_OR_RETURN(
        state->shape,
        ConvShape::Create(*attrs_, depthwise, shapes[0], shapes[1]));
    WEFT_ASSIGN_OR_RETURN(const TensorShape result, state->shape.Result());
    if (kSizes >= 0 && c.input_shape(2) != result) {
      return InvalidArgument("out_backprop is ", c.input_shape(2).ToString(),
                             " but must be ", result.ToString());
    }
    if (std::is_same_v<T, float> && !state->shape.IsEmpty() &&
        IsModerate(state->shape)) {
      WEFT_ASSIGN_OR_RETURN(state->conv,
                            OneDnnConv::Create(direction, state->shape));
      c.SetScratch(state->conv->scratch_bytes());
    }
    c.SetOutput(0, kSizes < 0 ? result : shapes[kSizes]);
    c.SetState(std::move(state));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const ConvState& state = c.state<ConvState>();
    T* tensors[3];  // Input, filter and result.
    for (int i = 0; i < c.num_inputs(); ++i)
      tensors[i] = static_cast<T*>(c.input(i).data);
    T* out = c.out<T>(0).data();
    tensors[kSizes < 0 ? 2 : kSizes] = out;
    if (state.shape.IsEmpty()) {
      std::fill_n(out, c.output(0).size, T{0});
      return absl::OkStatus();
    }
    if constexpr (std::is_same_v<T, float>) {
      if (state.conv != nullptr) {
        return state.conv->Run(tensors[0], tensors[1], tensors[2], c.scratch(),
                               c.pool());
      }
    }
    std::fill_n(out, c.output(0).size, T{0});
    PlainConv<direction>(state.shape, tensors[0], tensors[1], tensors[2],
                         c.pool());
    return absl::OkStatus();
  }

 private:
  // The input that is a vector of sizes, if there is one.
  static constexpr int kSizes = direction == ConvDirection::kInput    ? 0
                                : direction == ConvDirection::kFilter ? 1
                                                                      : -1;

  const absl::StatusOr<WindowAttrs> attrs_;
};

template <typename T>
using Conv2DKernel = ConvKernel<T, ConvDirection::kForward, false>;
template <typename T>
using Conv2DInputKernel = ConvKernel<T, ConvDirection::kInput, false>;
template <typename T>
using Conv2DFilterKernel = ConvKernel<T, ConvDirection::kFilter, false>;
template <typename T>
using DepthwiseKernel = ConvKernel<T, ConvDirection::kForward, true>;
template <typename T>
using DepthwiseInputKernel = ConvKernel<T, ConvDirection::kInput, true>;
template <typename T>
using DepthwiseFilterKernel = ConvKernel<T, ConvDirection::kFilter, true>;

}  // namespace

WEFT_KERNEL_FLOATS(Conv2D, Conv2DKernel);
WEFT_KERNEL_FLOATS(Conv2DBackpropInput, Conv2DInputKernel);
WEFT_KERNEL_FLOATS(Conv2DBackpropFilter, Conv2DFilterKernel);
WEFT_KERNEL_FLOATS(DepthwiseConv2dNative, DepthwiseKernel);
WEFT_KERNEL_FLOATS(DepthwiseConv2dNativeBackpropInput, DepthwiseInputKernel);
WEFT_KERNEL_FLOATS(DepthwiseConv2dNativeBackpropFilter, DepthwiseFilterKernel);

}  // namespace weft
