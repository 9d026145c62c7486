#include "runtime/evaluate.h"

#include <exception>
#include <new>
#include <utility>

#include "core/status.h"

namespace weft {
namespace {

// What kernels are offered while planning.
class PlanningServices : public RunServices {
 public:
  ThreadPool& pool() override {
    // One thread: starts none.
    static ThreadPool& pool = *new ThreadPool(1);
    return pool;
  }
  const std::shared_ptr<Allocator>& allocator() override {
    return Allocator::Default();
  }
  uint64_t TakeRandomBlocks(int, uint64_t) override { return 0; }
  absl::Status CheckStop() override { return absl::OkStatus(); }
};

TensorRef RefOf(const Tensor& tensor) {
  return {const_cast<void*>(tensor.raw_data()), tensor.num_elements(),
          &tensor.shape(), tensor.dtype()};
}

// The inputs as Layout sees them. `borrowed` keeps their values.
std::vector<LayoutInput> LayoutInputs(const KernelCall& call,
                                      std::vector<Tensor>* borrowed) {
  std::vector<LayoutInput> inputs(call.inputs.size());
  borrowed->resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorRef& ref = call.values[call.inputs[i]];
    inputs[i].dtype = ref.dtype;
    inputs[i].shape = *ref.shape;
    if (ref.strides != nullptr) {
      inputs[i].strides = {ref.strides, static_cast<size_t>(ref.shape->rank())};
    }
    if (ref.dtype == DataType::kVariant) {
      inputs[i].list = ListShapeOf(*static_cast<const TensorList*>(ref.data));
    }
    if (ref.strides != nullptr) continue;
    (*borrowed)[i] = Tensor::Borrow(ref.dtype, *ref.shape, ref.data);
    inputs[i].value = &(*borrowed)[i];
  }
  return inputs;
}

// An input that dies and whose memory nobody else holds, for output `i`.
Tensor* InPlaceOwner(const KernelCall& call, const LayoutContext& context,
                     int i, const LayoutOutput& output) {
  for (const auto& [input, out] : context.in_place()) {
    if (out != i || input >= 64 || (call.dying >> input & 1) == 0) continue;
    Tensor* owner = call.owners[input];
    if (owner == nullptr || !owner->IsSoleOwner() ||
        owner->dtype() != output.dtype)
      continue;
    if (owner->num_elements() == output.shape.num_elements()) return owner;
  }
  return nullptr;
}

absl::StatusOr<Tensor> MakeResult(const KernelCall& call,
                                  const LayoutContext& context, int i,
                                  const LayoutOutput& output) {
  // A value that the kernel has made. One that is borrowed is an input, and
  // goes with it.
  if (output.value.is_valid() && !output.value.IsBorrowed())
    return output.value;
  if (!output.shape.IsFullyDefined()) {
    return Internal("the kernel leaves the shape of output ", i,
                    " open: ", output.shape.ToString());
  }
  if (output.view_of >= 0) {
    const Tensor* owner = call.owners[output.view_of];
    if (owner != nullptr)
      return ViewOf(*owner, output.view_offset, output.shape);
    const TensorRef& ref = call.values[call.inputs[output.view_of]];
    const Tensor whole = Tensor::Borrow(ref.dtype, *ref.shape, ref.data);
    return ViewOf(whole, output.view_offset, output.shape)
        .Clone(call.services->allocator());
  }
  if (output.value.is_valid())
    return output.value.Clone(call.services->allocator());
  if (Tensor* owner = InPlaceOwner(call, context, i, output)) {
    return owner->Reshaped(output.shape);
  }
  if (IsPlain(output.dtype)) {
    return Tensor::CreateUninitialized(output.dtype, output.shape,
                                       call.services->allocator());
  }
  return Tensor::Create(output.dtype, output.shape, call.services->allocator());
}

}  // namespace

ListShape ListShapeOf(const TensorList& list) {
  ListShape shape;
  shape.size = list.size();
  shape.element = list.element_shape();
  shape.kind =
      shape.element.IsFullyDefined() ? ListShape::kKnown : ListShape::kUnknown;
  return shape;
}

Tensor ViewOf(const Tensor& tensor, size_t byte_offset,
              const TensorShape& shape) {
  const int64_t size = shape.num_elements();
  if (size == tensor.num_elements() && byte_offset == 0)
    return tensor.Reshaped(shape);
  const size_t element = tensor.dtype() == DataType::kString
                             ? sizeof(std::string)
                             : DataTypeSize(tensor.dtype());
  const Tensor flat = tensor.Reshaped({tensor.num_elements()});
  return flat.Rows(static_cast<int64_t>(byte_offset / element), size)
      .Reshaped(shape);
}

absl::Status LayOutAndCompute(const KernelCall& call) {
  std::vector<Tensor> borrowed;
  const std::vector<LayoutInput> inputs = LayoutInputs(call, &borrowed);
  std::vector<DataType> types;
  for (int output : call.outputs) types.push_back(call.values[output].dtype);
  LayoutContext context(inputs, types);
  WEFT_RETURN_IF_ERROR(call.kernel->Layout(context));
  if (context.deferred())
    return Internal("the kernel can not be laid out with all values known");
  bool computes = call.outputs.empty();
  for (size_t i = 0; i < call.outputs.size(); ++i) {
    const LayoutOutput& output = context.outputs()[i];
    computes |= !output.value.is_valid() && output.view_of < 0;
    if (call.results[i] == nullptr) continue;
    WEFT_ASSIGN_OR_RETURN(
        Tensor result, MakeResult(call, context, static_cast<int>(i), output));
    if (result.dtype() != types[i]) {
      return Internal("the kernel gives output ", i, " as ",
                      DataTypeName(result.dtype()), " instead of ",
                      DataTypeName(types[i]));
    }
    *call.results[i] = std::move(result);
    call.values[call.outputs[i]] = RefOf(*call.results[i]);
  }
  if (!computes) return absl::OkStatus();
  std::shared_ptr<Buffer> scratch;
  if (context.scratch_bytes() > 0) {
    WEFT_ASSIGN_OR_RETURN(
        scratch, call.services->allocator()->Allocate(context.scratch_bytes()));
  }
  KernelContext kernel_context(call.values, call.inputs, call.outputs,
                               call.services);
  kernel_context.Place(scratch != nullptr ? scratch->data() : nullptr,
                       context.state().get(), call.dying, call.random_counter);
  return call.kernel->Compute(kernel_context);
}

namespace {

// Has the kernel plain outputs of no more than `max_bytes` in all?
absl::StatusOr<bool> IsSmall(const Kernel& kernel,
                             absl::Span<const Tensor> inputs,
                             absl::Span<const DataType> output_types,
                             size_t max_bytes) {
  std::vector<LayoutInput> layout_inputs;
  for (const Tensor& input : inputs) {
    layout_inputs.push_back(
        {.dtype = input.dtype(), .shape = input.shape(), .value = &input});
  }
  LayoutContext context(layout_inputs, output_types);
  WEFT_RETURN_IF_ERROR(kernel.Layout(context));
  if (context.deferred()) return false;
  size_t bytes = 0;
  for (const LayoutOutput& output : context.outputs()) {
    const int64_t elements = output.shape.num_elements();
    if (!IsPlain(output.dtype) || elements < 0) return false;
    if (static_cast<uint64_t>(elements) > max_bytes) return false;
    bytes += elements * DataTypeSize(output.dtype);
  }
  return bytes <= max_bytes;
}

}  // namespace

absl::StatusOr<std::optional<std::vector<Tensor>>> Evaluate(
    const Kernel& kernel, absl::Span<const Tensor> inputs,
    absl::Span<const DataType> output_types, size_t max_bytes) try {
  WEFT_ASSIGN_OR_RETURN(const bool small,
                        IsSmall(kernel, inputs, output_types, max_bytes));
  if (!small) return std::nullopt;
  std::vector<TensorRef> values;
  std::vector<int> ids;
  std::vector<Tensor> owned(inputs.begin(), inputs.end());
  std::vector<Tensor> results(output_types.size());
  std::vector<Tensor*> owners, result_places;
  for (Tensor& input : owned) {
    values.push_back(RefOf(input));
    owners.push_back(&input);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    values.push_back({.dtype = output_types[i]});
    result_places.push_back(&results[i]);
  }
  for (size_t i = 0; i < values.size(); ++i) ids.push_back(static_cast<int>(i));
  PlanningServices services;
  KernelCall call = {.kernel = &kernel, .values = values.data()};
  call.inputs = absl::MakeConstSpan(ids).subspan(0, inputs.size());
  call.outputs = absl::MakeConstSpan(ids).subspan(inputs.size());
  call.owners = owners;
  call.results = result_places;
  call.services = &services;
  WEFT_RETURN_IF_ERROR(LayOutAndCompute(call));
  return results;
} catch (const std::exception& e) {
  return Internal("the kernel threw: ", e.what());
}

}  // namespace weft
