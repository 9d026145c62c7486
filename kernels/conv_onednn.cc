#include "kernels/conv_onednn.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "core/status.h"
#include "kernels/first_error.h"
#include "kernels/one_omp_thread.h"
#include "oneapi/dnnl/dnnl.hpp"

namespace weft {
namespace {

using dnnl::memory;

constexpr size_t kAlignment = 64;
// Multiplications of one image that are worth a call of their own.
constexpr double kWorthACall = 1 << 20;
constexpr int64_t kMaxParts = 16;  // Of a batch; each has scratch memory.

size_t Aligned(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

const dnnl::engine& Engine() {
  static const dnnl::engine& engine =
      *new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

absl::Status ToStatus(const dnnl::error& error) {
  if (error.status == dnnl_out_of_memory) {
    return ResourceExhausted(
        "oneDNN has not enough memory for the convolution");
  }
  return Internal("oneDNN: ", error.what(), " (status ",
                  static_cast<int>(error.status), ")");
}

// All scratch memory comes from the run: oneDNN's own crashes when a primitive
// runs on another thread than the one that made it.
dnnl::primitive_attr UserScratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

// What oneDNN is told of a convolution of `batch` images.
struct Descriptions {
  Descriptions(const ConvShape& s, int64_t batch)
      : strides{s.attrs.stride[0], s.attrs.stride[1]},
        dilations{s.attrs.dilation[0] - 1, s.attrs.dilation[1] - 1},
        before{s.before[0], s.before[1]},
        after{s.after[0], s.after[1]} {
    const auto images = s.attrs.channels_first ? memory::format_tag::nchw
                                               : memory::format_tag::nhwc;
    input = {{batch, s.in_channels(), s.in[0], s.in[1]},
             memory::data_type::f32,
             images};
    result = {{batch, s.out_channels(), s.out[0], s.out[1]},
              memory::data_type::f32,
              images};
    memory::dims dims = {s.units, s.depth, s.size[0], s.size[1]};
    if (s.groups != 1) dims.insert(dims.begin(), s.groups);
    filter = {
        dims, memory::data_type::f32,
        s.groups != 1 ? memory::format_tag::hwigo : memory::format_tag::hwio};
    any_filter = {dims, memory::data_type::f32, memory::format_tag::any};
  }

  memory::desc input, result, filter, any_filter;
  memory::dims strides, dilations, before, after;
};

constexpr auto kDirect = dnnl::algorithm::convolution_direct;

dnnl::convolution_forward::primitive_desc ForwardDesc(const Descriptions& d) {
  const dnnl::convolution_forward::desc desc(
      dnnl::prop_kind::forward_training, kDirect, d.input, d.any_filter,
      d.result, d.strides, d.dilations, d.before, d.after);
  return {desc, UserScratchpad(), Engine()};
}

dnnl::convolution_backward_data::primitive_desc InputDesc(
    const Descriptions& d) {
  const dnnl::convolution_backward_data::desc desc(
      kDirect, d.input, d.any_filter, d.result, d.strides, d.dilations,
      d.before, d.after);
  return {desc, UserScratchpad(), Engine(), ForwardDesc(d)};
}

dnnl::convolution_backward_weights::primitive_desc FilterDesc(
    const Descriptions& d) {
  const dnnl::convolution_backward_weights::desc desc(
      kDirect, d.input, d.any_filter, d.result, d.strides, d.dilations,
      d.before, d.after);
  return {desc, UserScratchpad(), Engine(), ForwardDesc(d)};
}

}  // namespace

class OneDnnConv::Impl {
 public:
  Impl(ConvDirection direction, const ConvShape& s) : direction_(direction) {
    const double work = static_cast<double>(s.out[0]) * s.out[1] * s.size[0] *
                        s.size[1] * s.groups * s.depth * s.units;
    // A filter's gradient is a sum over the batch, which is never cut.
    const bool by_image =
        direction != ConvDirection::kFilter && work >= kWorthACall;
    images_ = by_image ? s.batch : 1;
    grain_ = (images_ + kMaxParts - 1) / kMaxParts;
    const Descriptions d(s, by_image ? 1 : s.batch);
    switch (direction) {
      case ConvDirection::kForward:
        Use<dnnl::convolution_forward>(ForwardDesc(d));
        break;
      case ConvDirection::kInput:
        Use<dnnl::convolution_backward_data>(InputDesc(d));
        break;
      case ConvDirection::kFilter:
        Use<dnnl::convolution_backward_weights>(FilterDesc(d));
        break;
    }
    plain_filter_ = d.filter;
    input_ = d.input;
    result_ = d.result;
    if (filter_ != plain_filter_) MakeReorder();
  }

  size_t scratch_bytes() const {
    const size_t parts = (images_ + grain_ - 1) / grain_;
    return filter_bytes() + parts * part_bytes();
  }

  absl::Status Run(float* input, float* filter, float* result, void* scratch,
                   ThreadPool& pool) const {
    char* bytes = static_cast<char*>(scratch);
    char* parts = bytes + filter_bytes();
    float* packed = filter;
    const bool writes_filter = direction_ == ConvDirection::kFilter;
    if (filter_bytes() != 0) {
      packed = reinterpret_cast<float*>(bytes);
      if (!writes_filter) WEFT_RETURN_IF_ERROR(Reorder(filter, packed, parts));
    }
    FirstError error;
    pool.ParallelFor(images_, grain_, [&](int64_t begin, int64_t end) {
      char* scratchpad = parts + begin / grain_ * part_bytes();
      for (int64_t i = begin; i < end; ++i) {
        error.Update(Execute(
            input + i * (input_.get_size() / sizeof(float)), packed,
            result + i * (result_.get_size() / sizeof(float)), scratchpad));
      }
    });
    WEFT_RETURN_IF_ERROR(error.status());
    if (writes_filter && packed != filter)
      return Reorder(packed, filter, parts);
    return absl::OkStatus();
  }

 private:
  template <typename Primitive>
  void Use(const typename Primitive::primitive_desc& desc) {
    if constexpr (std::is_same_v<Primitive,
                                 dnnl::convolution_backward_weights>) {
      filter_ = desc.diff_weights_desc();
    } else {
      filter_ = desc.weights_desc();
    }
    scratchpad_ = desc.scratchpad_desc();
    primitive_ = Primitive(desc);
  }

  void MakeReorder() {
    const bool writes_filter = direction_ == ConvDirection::kFilter;
    reorder_from_ = writes_filter ? filter_ : plain_filter_;
    reorder_to_ = writes_filter ? plain_filter_ : filter_;
    const dnnl::reorder::primitive_desc desc(Engine(), reorder_from_, Engine(),
                                             reorder_to_, UserScratchpad());
    reorder_scratchpad_ = desc.scratchpad_desc();
    reorder_ = dnnl::reorder(desc);
  }

  size_t filter_bytes() const {
    return filter_ == plain_filter_ ? 0 : Aligned(filter_.get_size());
  }
  size_t part_bytes() const {
    return Aligned(
        std::max(scratchpad_.get_size(), reorder_scratchpad_.get_size()));
  }

  absl::Status Execute(float* input, float* filter, float* result,
                       char* scratchpad) const {
    const OneOmpThread one_thread;
    try {
      memory x(input_, Engine(), input);
      memory w(filter_, Engine(), filter);
      memory y(result_, Engine(), result);
      memory s(scratchpad_, Engine(), scratchpad);
      dnnl::stream stream(Engine());
      switch (direction_) {
        case ConvDirection::kForward:
          primitive_.execute(stream, {{DNNL_ARG_SRC, x},
                                      {DNNL_ARG_WEIGHTS, w},
                                      {DNNL_ARG_DST, y},
                                      {DNNL_ARG_SCRATCHPAD, s}});
          break;
        case ConvDirection::kInput:
          primitive_.execute(stream, {{DNNL_ARG_DIFF_SRC, x},
                                      {DNNL_ARG_WEIGHTS, w},
                                      {DNNL_ARG_DIFF_DST, y},
                                      {DNNL_ARG_SCRATCHPAD, s}});
          break;
        case ConvDirection::kFilter:
          primitive_.execute(stream, {{DNNL_ARG_SRC, x},
                                      {DNNL_ARG_DIFF_WEIGHTS, w},
                                      {DNNL_ARG_DIFF_DST, y},
                                      {DNNL_ARG_SCRATCHPAD, s}});
          break;
      }
      stream.wait();
    } catch (const dnnl::error& error) {
      return ToStatus(error);
    }
    return absl::OkStatus();
  }

  absl::Status Reorder(float* from, float* to, char* scratchpad) const {
    const OneOmpThread one_thread;
    try {
      memory x(reorder_from_, Engine(), from);
      memory y(reorder_to_, Engine(), to);
      memory s(reorder_scratchpad_, Engine(), scratchpad);
      dnnl::stream stream(Engine());
      reorder_.execute(
          stream,
          {{DNNL_ARG_FROM, x}, {DNNL_ARG_TO, y}, {DNNL_ARG_SCRATCHPAD, s}});
      stream.wait();
    } catch (const dnnl::error& error) {
      return ToStatus(error);
    }
    return absl::OkStatus();
  }

  const ConvDirection direction_;
  int64_t images_ = 1;  // Calls, each for one image or for the batch.
  int64_t grain_ = 1;
  memory::desc input_, result_, filter_, plain_filter_, scratchpad_;
  memory::desc reorder_from_, reorder_to_, reorder_scratchpad_;
  dnnl::primitive primitive_;
  dnnl::primitive reorder_;
};

OneDnnConv::OneDnnConv(std::unique_ptr<const Impl> impl)
    : impl_(std::move(impl)) {}
OneDnnConv::~OneDnnConv() = default;

absl::StatusOr<std::shared_ptr<const OneDnnConv>> OneDnnConv::Create(
    ConvDirection direction, const ConvShape& shape) {
  const OneOmpThread one_thread;
  try {
    auto impl = std::make_unique<const Impl>(direction, shape);
    return std::shared_ptr<const OneDnnConv>(new OneDnnConv(std::move(impl)));
  } catch (const dnnl::error& error) {
    return ToStatus(error);
  }
}

size_t OneDnnConv::scratch_bytes() const { return impl_->scratch_bytes(); }

absl::Status OneDnnConv::Run(float* input, float* filter, float* result,
                             void* scratch, ThreadPool& pool) const {
  return impl_->Run(input, filter, result, scratch, pool);
}

}  // namespace weft
