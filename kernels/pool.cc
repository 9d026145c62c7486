// MaxPool, AvgPool and their gradients.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "core/window.h"
#include "kernels/elementwise.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// A pool over `images` images of `in` places with `channels` numbers each.
// Channels that come first are images of their own.
struct PoolShape : public KernelState {
  int64_t images = 0;
  int64_t channels = 1;
  std::array<int64_t, 2> in = {0, 0};
  std::array<int64_t, 2> out = {0, 0};
  std::array<int64_t, 2> before = {0, 0};
  WindowAttrs attrs;
  TensorShape result;

  int64_t in_size() const { return in[0] * in[1] * channels; }
  int64_t out_size() const { return out[0] * out[1] * channels; }

  // The elements of window `at` on axis i that are in the image: [begin, end).
  std::pair<int64_t, int64_t> Range(int i, int64_t at) const {
    const int64_t begin = at * attrs.stride[i] - before[i];
    return {std::max<int64_t>(begin, 0),
            std::min(begin + attrs.size[i], in[i])};
  }
};

absl::StatusOr<std::shared_ptr<PoolShape>> PoolOf(
    const absl::StatusOr<WindowAttrs>& attrs, const TensorShape& input) {
  if (!attrs.ok()) return attrs.status();
  if (input.rank() != 4) {
    return InvalidArgument("input is ", input.ToString(),
                           " but must have rank 4");
  }
  auto s = std::make_shared<PoolShape>();
  s->attrs = *attrs;
  const ImageAxes axes = attrs->axes();
  s->images = input.dim(axes.batch);
  s->result = input;
  for (int i = 0; i < 2; ++i) {
    s->in[i] = input.dim(axes.space[i]);
    const absl::StatusOr<WindowPlaces> places =
        PlaceWindow(*attrs, i, s->in[i], attrs->size[i]);
    if (!places.ok())
      return Annotate(places.status(), i == 0 ? "height" : "width");
    s->out[i] = places->count;
    s->before[i] = places->before;
  }
  std::array<int64_t, 4> dims;
  dims[axes.batch] = s->images;
  dims[axes.channels] = input.dim(axes.channels);
  for (int i = 0; i < 2; ++i) dims[axes.space[i]] = s->out[i];
  WEFT_ASSIGN_OR_RETURN(s->result, TensorShape::Create(dims));
  if (attrs->channels_first) {
    s->images *= input.dim(axes.channels);
  } else {
    s->channels = input.dim(axes.channels);
  }
  return s;
}

// Calls body(image, h range, w range, offset of the result in its image) for
// each window, images from several threads.
template <typename Body>
void ForEachWindow(const PoolShape& s, ThreadPool& pool, const Body& body) {
  const double window =
      static_cast<double>(std::min(s.attrs.size[0], s.in[0])) *
      static_cast<double>(std::min(s.attrs.size[1], s.in[1]));
  const double work = static_cast<double>(s.out_size()) * window;
  if (s.images == 0 || s.out_size() == 0) return;
  const int64_t grain =
      static_cast<int64_t>(crossover::kElements / std::max(work, 1.0)) + 1;
  pool.ParallelFor(s.images, grain, [&](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image) {
      for (int64_t h = 0; h < s.out[0]; ++h) {
        for (int64_t w = 0; w < s.out[1]; ++w) {
          body(image, s.Range(0, h), s.Range(1, w),
               (h * s.out[1] + w) * s.channels);
        }
      }
    }
  });
}

using Range = std::pair<int64_t, int64_t>;

absl::Status ExpectShape(const LayoutContext& c, int i, absl::string_view name,
                         const TensorShape& shape) {
  if (c.input_shape(i) == shape) return absl::OkStatus();
  return InvalidArgument(name, " is ", c.input_shape(i).ToString(),
                         " but must be ", shape.ToString());
}

template <typename T>
class MaxPoolKernel : public Kernel {
 public:
  explicit MaxPoolKernel(const KernelInit& init)
      : attrs_(WindowAttrs::Read(init.attrs)) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(auto state, PoolOf(attrs_, c.input_shape(0)));
    c.SetOutput(0, state->result);
    c.SetState(std::move(state));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const PoolShape& s = c.state<PoolShape>();
    const T* x = c.in<T>(0).data();
    T* y = c.out<T>(0).data();
    ForEachWindow(
        s, c.pool(), [&](int64_t image, Range hs, Range ws, int64_t at) {
          T* max = y + image * s.out_size() + at;
          std::fill_n(max, s.channels, Lowest<T>());
          for (int64_t h = hs.first; h < hs.second; ++h) {
            for (int64_t w = ws.first; w < ws.second; ++w) {
              const T* from =
                  x + image * s.in_size() + (h * s.in[1] + w) * s.channels;
              for (int64_t k = 0; k < s.channels; ++k) {
                // NaN comes in, and stays.
                if (from[k] > max[k] || from[k] != from[k]) max[k] = from[k];
              }
            }
          }
        });
    return absl::OkStatus();
  }

 private:
  const absl::StatusOr<WindowAttrs> attrs_;
};

// For each window and channel, move(place of the largest, place of the result).
template <typename T, typename Move>
void ForEachLargest(const PoolShape& s, const T* x, ThreadPool& pool,
                    const Move& move) {
  ForEachWindow(s, pool, [&](int64_t image, Range hs, Range ws, int64_t at) {
    if (hs.first >= hs.second || ws.first >= ws.second) return;
    for (int64_t k = 0; k < s.channels; ++k) {
      const T* from = x + image * s.in_size() + k;
      int64_t best = (hs.first * s.in[1] + ws.first) * s.channels;
      for (int64_t h = hs.first; h < hs.second; ++h) {
        for (int64_t w = ws.first; w < ws.second; ++w) {
          const int64_t place = (h * s.in[1] + w) * s.channels;
          if (from[place] > from[best]) best = place;
        }
      }
      move(image * s.in_size() + best + k, image * s.out_size() + at + k);
    }
  });
}

template <typename T, bool to_input>
class MaxPoolGradsKernel : public Kernel {
 public:
  explicit MaxPoolGradsKernel(const KernelInit& init)
      : attrs_(WindowAttrs::Read(init.attrs)) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& input = c.input_shape(0);
    WEFT_ASSIGN_OR_RETURN(auto state, PoolOf(attrs_, input));
    WEFT_RETURN_IF_ERROR(ExpectShape(c, 1, "orig_output", state->result));
    WEFT_RETURN_IF_ERROR(
        ExpectShape(c, 2, "grad", to_input ? state->result : input));
    c.SetOutput(0, to_input ? input : state->result);
    c.SetState(std::move(state));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const T* grad = c.in<T>(2).data();
    const absl::Span<T> out = c.out<T>(0);
    std::fill(out.begin(), out.end(), T{0});
    ForEachLargest(c.state<PoolShape>(), c.in<T>(0).data(), c.pool(),
                   [&](int64_t largest, int64_t result) {
                     if constexpr (to_input) {
                       out[largest] = WrappingAdd(out[largest], grad[result]);
                     } else {
                       out[result] = grad[largest];
                     }
                   });
    return absl::OkStatus();
  }

 private:
  const absl::StatusOr<WindowAttrs> attrs_;
};

template <typename T>
using MaxPoolGradKernel = MaxPoolGradsKernel<T, true>;
template <typename T>
using MaxPoolGradGradKernel = MaxPoolGradsKernel<T, false>;

template <typename T>
class AvgPoolKernel : public Kernel {
 public:
  explicit AvgPoolKernel(const KernelInit& init)
      : attrs_(WindowAttrs::Read(init.attrs)) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(auto state, PoolOf(attrs_, c.input_shape(0)));
    c.SetOutput(0, state->result);
    c.SetState(std::move(state));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const PoolShape& s = c.state<PoolShape>();
    const T* x = c.in<T>(0).data();
    T* y = c.out<T>(0).data();
    ForEachWindow(
        s, c.pool(), [&](int64_t image, Range hs, Range ws, int64_t at) {
          T* sum = y + image * s.out_size() + at;
          std::fill_n(sum, s.channels, T{0});
          for (int64_t h = hs.first; h < hs.second; ++h) {
            for (int64_t w = ws.first; w < ws.second; ++w) {
              const T* from =
                  x + image * s.in_size() + (h * s.in[1] + w) * s.channels;
              for (int64_t k = 0; k < s.channels; ++k) sum[k] += from[k];
            }
          }
          const T count =
              static_cast<T>((hs.second - hs.first) * (ws.second - ws.first));
          for (int64_t k = 0; k < s.channels; ++k) sum[k] /= count;
        });
    return absl::OkStatus();
  }

 private:
  const absl::StatusOr<WindowAttrs> attrs_;
};

template <typename T>
class AvgPoolGradKernel : public Kernel {
 public:
  explicit AvgPoolGradKernel(const KernelInit& init)
      : attrs_(WindowAttrs::Read(init.attrs)) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectVector(c, 0, 4, "orig_input_shape"));
    const Tensor* sizes = c.NeedValue(0);
    if (sizes == nullptr) return c.Defer();
    WEFT_ASSIGN_OR_RETURN(const TensorShape input,
                          ShapeOfSizes(ReadInts(*sizes)));
    WEFT_ASSIGN_OR_RETURN(auto state, PoolOf(attrs_, input));
    WEFT_RETURN_IF_ERROR(ExpectShape(c, 1, "grad", state->result));
    c.SetOutput(0, input);
    c.SetState(std::move(state));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const PoolShape& s = c.state<PoolShape>();
    const T* grad = c.in<T>(1).data();
    const absl::Span<T> dx = c.out<T>(0);
    std::fill(dx.begin(), dx.end(), T{0});
    ForEachWindow(
        s, c.pool(), [&](int64_t image, Range hs, Range ws, int64_t at) {
          const T* dy = grad + image * s.out_size() + at;
          const T count =
              static_cast<T>((hs.second - hs.first) * (ws.second - ws.first));
          for (int64_t h = hs.first; h < hs.second; ++h) {
            for (int64_t w = ws.first; w < ws.second; ++w) {
              T* to = dx.data() + image * s.in_size() +
                      (h * s.in[1] + w) * s.channels;
              for (int64_t k = 0; k < s.channels; ++k) to[k] += dy[k] / count;
            }
          }
        });
    return absl::OkStatus();
  }

 private:
  const absl::StatusOr<WindowAttrs> attrs_;
};

}  // namespace

WEFT_KERNEL_NUMBERS(MaxPool, MaxPoolKernel);
WEFT_KERNEL_NUMBERS(MaxPoolGrad, MaxPoolGradKernel);
WEFT_KERNEL_NUMBERS(MaxPoolGradGrad, MaxPoolGradGradKernel);
WEFT_KERNEL_FLOATS(AvgPool, AvgPoolKernel);
WEFT_KERNEL_FLOATS(AvgPoolGrad, AvgPoolGradKernel);

}  // namespace weft
