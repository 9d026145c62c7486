#include "core/widened_kernel.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "core/status.h"

namespace weft {
namespace {

constexpr size_t kAlignment = 64;

size_t Aligned(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

DataType Widened(DataType type) { return ComputedAs(type).value_or(type); }

std::vector<DataType> Widened(absl::Span<const DataType> types) {
  std::vector<DataType> wide;
  for (const DataType type : types) wide.push_back(Widened(type));
  return wide;
}

// ---- Conversions ------------------------------------------------------------

template <typename Narrow, typename Wide>
Wide Widen(Narrow x) {
  if constexpr (std::is_same_v<Wide, float>) {
    return ToFloat(x);
  } else {
    return static_cast<Wide>(x);
  }
}

template <typename Narrow, typename Wide>
Narrow Narrowed(Wide x) {
  if constexpr (std::is_same_v<Narrow, Half>) {
    return ToHalf(x);
  } else if constexpr (std::is_same_v<Narrow, Bfloat16>) {
    return ToBfloat16(x);
  } else {
    return static_cast<Narrow>(x);  // Modulo 2^bits.
  }
}

template <typename Narrow, typename Wide>
void Convert(bool widen, void* narrow, void* wide, int64_t n) {
  Narrow* x = static_cast<Narrow*>(narrow);
  Wide* y = static_cast<Wide*>(wide);
  if (widen) {
    for (int64_t i = 0; i < n; ++i) y[i] = Widen<Narrow, Wide>(x[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) x[i] = Narrowed<Narrow, Wide>(y[i]);
  }
}

// Between n elements of `type` and of the type in which it is computed.
void Convert(DataType type, bool widen, void* narrow, void* wide, int64_t n) {
  switch (type) {
    case DataType::kHalf:
      return Convert<Half, float>(widen, narrow, wide, n);
    case DataType::kBfloat16:
      return Convert<Bfloat16, float>(widen, narrow, wide, n);
    case DataType::kInt8:
      return Convert<int8_t, int32_t>(widen, narrow, wide, n);
    case DataType::kUint8:
      return Convert<uint8_t, int32_t>(widen, narrow, wide, n);
    case DataType::kInt16:
      return Convert<int16_t, int32_t>(widen, narrow, wide, n);
    case DataType::kUint16:
      return Convert<uint16_t, int32_t>(widen, narrow, wide, n);
    case DataType::kUint32:
      return Convert<uint32_t, int64_t>(widen, narrow, wide, n);
    default:
      WEFT_CHECK(!ComputedAs(type).has_value());
  }
}

absl::StatusOr<Tensor> ConvertTensor(const Tensor& from, DataType narrow,
                                     bool widen) {
  WEFT_ASSIGN_OR_RETURN(
      Tensor to, Tensor::CreateUninitialized(widen ? Widened(narrow) : narrow,
                                             from.shape()));
  void* source = const_cast<void*>(from.raw_data());
  void* target = to.mutable_raw_data();
  Convert(narrow, widen, widen ? source : target, widen ? target : source,
          from.num_elements());
  return to;
}

// ---- The kernel -------------------------------------------------------------

// What the layout of the wide kernel found.
struct WidenedState : public KernelState {
  std::shared_ptr<const KernelState> wide;
  size_t scratch_bytes = 0;       // Of the wide kernel.
  std::vector<int> indices;       // 0, 1, ...: of inputs, then outputs.
  std::vector<bool> skip_output;  // A view, or known.
};

// Gives the wide kernel the random stream of the node around it.
class InnerServices : public RunServices {
 public:
  explicit InnerServices(KernelContext& c) : c_(c) {}
  ThreadPool& pool() override { return c_.pool(); }
  const std::shared_ptr<Allocator>& allocator() override {
    return c_.services().allocator();
  }
  uint64_t TakeRandomBlocks(int, uint64_t blocks) override {
    return c_.TakeRandomBlocks(blocks);
  }
  absl::Status CheckStop() override { return c_.services().CheckStop(); }

 private:
  KernelContext& c_;
};

class WidenedKernel : public Kernel {
 public:
  WidenedKernel(const KernelInit& init, std::unique_ptr<Kernel> wide)
      : inputs_(init.input_types.begin(), init.input_types.end()),
        outputs_(init.output_types.begin(), init.output_types.end()),
        wide_outputs_(Widened(outputs_)),
        wide_(std::move(wide)) {}

  absl::Status Layout(LayoutContext& c) const override {
    std::vector<Tensor> values(inputs_.size());
    std::vector<LayoutInput> inputs(inputs_.size());
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const int n = static_cast<int>(i);
      inputs[i] = {.dtype = Widened(inputs_[i]),
                   .shape = c.input_shape(n),
                   .value = c.KnownValue(n)};
      if (inputs[i].value == nullptr || inputs[i].dtype == inputs_[i]) continue;
      WEFT_ASSIGN_OR_RETURN(values[i],
                            ConvertTensor(*inputs[i].value, inputs_[i], true));
      inputs[i].value = &values[i];
    }
    LayoutContext wide(inputs, wide_outputs_);
    WEFT_RETURN_IF_ERROR(wide_->Layout(wide));
    if (wide.deferred()) return c.Defer();
    auto state = std::make_shared<WidenedState>();
    for (size_t i = 0; i < outputs_.size(); ++i) {
      WEFT_ASSIGN_OR_RETURN(const bool skip, SetOutput(static_cast<int>(i),
                                                       wide.outputs()[i], c));
      state->skip_output.push_back(skip);
    }
    for (const auto& [input, output] : wide.in_place()) {
      if (inputs_[input] == Widened(inputs_[input]) &&
          outputs_[output] == wide_outputs_[output])
        c.AllowInPlace(input, output);
    }
    for (size_t i = 0; i < inputs_.size() + outputs_.size(); ++i)
      state->indices.push_back(static_cast<int>(i));
    state->wide = wide.state();
    state->scratch_bytes = wide.scratch_bytes();
    c.SetScratch(ScratchBytes(c, *state));
    c.SetState(std::move(state));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const WidenedState& state = c.state<WidenedState>();
    char* free = static_cast<char*>(c.scratch());
    void* wide_scratch = free;
    free += Aligned(state.scratch_bytes);
    absl::InlinedVector<TensorRef, 8> values;
    const auto place = [&](TensorRef r, bool skip) {
      if (!skip && Widened(r.dtype) != r.dtype) {
        r.dtype = Widened(r.dtype);
        r.data = free;
        free += Aligned(r.size * DataTypeSize(r.dtype));
      }
      values.push_back(r);
    };
    for (int i = 0; i < c.num_inputs(); ++i) {
      place(c.input(i), false);
      if (values.back().dtype == inputs_[i]) continue;
      Convert(inputs_[i], true, c.input(i).data, values.back().data,
              c.input(i).size);
    }
    for (int i = 0; i < c.num_outputs(); ++i)
      place(c.output(i), state.skip_output[i]);

    InnerServices services(c);
    const absl::Span<const int> indices = state.indices;
    KernelContext wide(values.data(), indices.subspan(0, inputs_.size()),
                       indices.subspan(inputs_.size()), &services);
    wide.Place(wide_scratch, state.wide.get(), /*dying_inputs=*/0,
               /*random_counter=*/0);
    WEFT_RETURN_IF_ERROR(wide_->Compute(wide));
    for (int i = 0; i < c.num_outputs(); ++i) {
      const TensorRef& from = values[inputs_.size() + i];
      if (from.dtype == outputs_[i]) continue;
      Convert(outputs_[i], false, c.output(i).data, from.data, from.size);
    }
    return absl::OkStatus();
  }

 private:
  // Output i as the wide kernel laid it out. True if it is not computed.
  absl::StatusOr<bool> SetOutput(int i, const LayoutOutput& wide,
                                 LayoutContext& c) const {
    const bool narrow = outputs_[i] != wide_outputs_[i];
    if (wide.value.is_valid()) {
      Tensor value = wide.value;
      if (narrow) {
        WEFT_ASSIGN_OR_RETURN(value, ConvertTensor(value, outputs_[i], false));
      }
      c.SetOutputValue(i, std::move(value));
      return true;
    }
    if (wide.view_of >= 0) {
      const size_t element = wide.view_offset / DataTypeSize(wide_outputs_[i]);
      c.SetOutputView(i, wide.view_of, wide.shape,
                      element * DataTypeSize(outputs_[i]));
      return true;
    }
    c.SetOutput(i, wide.shape);
    return false;
  }

  size_t ScratchBytes(LayoutContext& c, const WidenedState& state) const {
    size_t bytes = Aligned(state.scratch_bytes);
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const DataType wide = Widened(inputs_[i]);
      if (wide == inputs_[i]) continue;
      bytes += Aligned(c.input_shape(static_cast<int>(i)).num_elements() *
                       DataTypeSize(wide));
    }
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (wide_outputs_[i] == outputs_[i] || state.skip_output[i]) continue;
      bytes += Aligned(c.outputs()[i].shape.num_elements() *
                       DataTypeSize(wide_outputs_[i]));
    }
    return bytes;
  }

  const std::vector<DataType> inputs_;
  const std::vector<DataType> outputs_;
  const std::vector<DataType> wide_outputs_;
  const std::unique_ptr<Kernel> wide_;
};

bool IsNarrow(DataType type) { return ComputedAs(type).has_value(); }

}  // namespace

std::optional<DataType> ComputedAs(DataType type) {
  switch (type) {
    case DataType::kHalf:
    case DataType::kBfloat16:
      return DataType::kFloat;
    case DataType::kInt8:
    case DataType::kUint8:
    case DataType::kInt16:
    case DataType::kUint16:
      return DataType::kInt32;
    case DataType::kUint32:
      return DataType::kInt64;
    default:
      return std::nullopt;
  }
}

absl::StatusOr<std::unique_ptr<Kernel>> CreateWidened(
    const KernelInit& init,
    const std::function<absl::StatusOr<std::unique_ptr<Kernel>>(
        const KernelInit& wide)>& create) {
  bool any_narrow = false, all_plain = true;
  for (const absl::Span<const DataType> types :
       {init.input_types, init.output_types}) {
    any_narrow |= std::any_of(types.begin(), types.end(), IsNarrow);
    all_plain &= std::all_of(types.begin(), types.end(), IsPlain);
  }
  if (!any_narrow || !all_plain) {
    return Unimplemented(any_narrow ? "not all arguments are plain elements"
                                    : "no argument has a narrow type");
  }
  AttrMap attrs;
  for (const auto& [name, value] : init.attrs) {
    const DataType* type = value.get_if<DataType>();
    const auto* list = value.get_if<std::vector<DataType>>();
    attrs.Set(name, type != nullptr   ? AttrValue(Widened(*type))
                    : list != nullptr ? AttrValue(Widened(*list))
                                      : value);
  }
  const std::vector<DataType> inputs = Widened(init.input_types);
  const std::vector<DataType> outputs = Widened(init.output_types);
  WEFT_ASSIGN_OR_RETURN(
      std::unique_ptr<Kernel> wide,
      create({.attrs = attrs, .input_types = inputs, .output_types = outputs}));
  return std::make_unique<WidenedKernel>(init, std::move(wide));
}

}  // namespace weft
