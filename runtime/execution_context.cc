#include "runtime/execution_context.h"

#include <utility>

#include "absl/time/clock.h"
#include "core/status.h"

namespace weft {
namespace {

constexpr size_t kSmallArena = 4096;

}  // namespace

absl::Status ExecutionContext::Bind(std::shared_ptr<const Layout> layout) {
  if (layout == layout_) return absl::OkStatus();
  layout_ = nullptr;
  WEFT_RETURN_IF_ERROR(FitArena(layout->arena_bytes));
  layout_ = std::move(layout);
  const Layout& l = *layout_;
  slots_.clear();
  slots_.resize(l.num_slots);
  lists_.clear();
  lists_.resize(l.num_lists);
  iterations_.assign(l.loops.size(), 0);
  kept_.assign(l.kept.size(), {});
  holds_.assign(l.kept.size(), false);
  variables.resize(plan_.graph().variables.size());
  fresh.resize(variables.size());
  outputs.resize(l.fetches.size());
  FillValues();
  return absl::OkStatus();
}

absl::Status ExecutionContext::FitArena(size_t bytes) {
  const bool fits = arena_ != nullptr && arena_->size() >= bytes;
  // One that is much too large is given back.
  if (fits && arena_->size() / 4 <= bytes + kSmallArena)
    return absl::OkStatus();
  arena_ = nullptr;  // First: both may not fit.
  absl::StatusOr<std::shared_ptr<Buffer>> arena =
      resources_.allocator->Allocate(bytes);
  if (!arena.ok() && resources_.free_idle_memory != nullptr) {
    resources_.free_idle_memory();
    arena = resources_.allocator->Allocate(bytes);
  }
  if (!arena.ok()) return arena.status();
  arena_ = *std::move(arena);
  arena_data_ = static_cast<char*>(arena_->data());
  return absl::OkStatus();
}

void ExecutionContext::FillValues() {
  const Layout& layout = *layout_;
  values_.assign(layout.places.size(), {});
  for (size_t v = 0; v < values_.size(); ++v) {
    const Place& place = layout.places[v];
    TensorRef& ref = values_[v];
    ref.dtype = place.dtype;
    ref.shape = &place.shape;
    ref.size = place.has_shape ? place.shape.num_elements() : 0;
    if (!place.strides.empty()) ref.strides = place.strides.data();
    if (place.storage == Storage::kArena) {
      ref.data = arena_data_ + place.offset;
    } else if (place.storage == Storage::kKnown) {
      ref.data = static_cast<char*>(
                     const_cast<void*>(layout.known[place.index].raw_data())) +
                 place.offset;
    } else if (place.storage == Storage::kList) {
      ref.data = &lists_[place.index];
    }
  }
}

void ExecutionContext::BindTo(const std::vector<Binding>& bindings,
                              void* data) {
  for (const Binding& binding : bindings) {
    values_[binding.value].data = static_cast<char*>(data) + binding.offset;
  }
}

void ExecutionContext::BindFeed(int feed, const Tensor& tensor) {
  if (tensor.dtype() == DataType::kVariant) {
    // A copy, which shares storage: the run may move it on.
    for (const Binding& binding : layout_->feed_bindings[feed]) {
      list(binding.value) = tensor.scalar<TensorList>();
    }
    return;
  }
  BindTo(layout_->feed_bindings[feed], const_cast<void*>(tensor.raw_data()));
}

void ExecutionContext::BindVariable(int variable, const Tensor& tensor) {
  BindTo(layout_->variable_bindings[variable],
         const_cast<void*>(tensor.raw_data()));
}

void ExecutionContext::BindTarget(int variable, void* data,
                                  const TensorShape& shape) {
  BindTo(layout_->target_bindings[variable], data);
  for (const Binding& binding : layout_->target_bindings[variable]) {
    if (layout_->places[binding.value].has_shape) continue;
    values_[binding.value].shape = &shape;
    values_[binding.value].size = shape.num_elements();
  }
}

void ExecutionContext::BindOutput(int fetch, Tensor* tensor) {
  BindTo(layout_->output_bindings[fetch], tensor->mutable_raw_data());
}

void ExecutionContext::SetSlot(int value, Tensor tensor) {
  Tensor& place = slot(value);
  place = std::move(tensor);
  values_[value] = {place.mutable_raw_data(), place.num_elements(),
                    &place.shape(), place.dtype()};
}

bool ExecutionContext::Holds(int k) const {
  if (!holds_[k]) return false;
  const std::vector<int>& from = layout_->kept[k];
  for (size_t i = 0; i < from.size(); ++i) {
    if (kept_[k][i] != versions[from[i]]) return false;
  }
  return true;
}

void ExecutionContext::Keep(int k) {
  kept_[k].clear();
  for (int variable : layout_->kept[k]) kept_[k].push_back(versions[variable]);
  holds_[k] = true;
}

void ExecutionContext::Start(const RunOptions& options) {
  deadline_ = options.timeout == absl::InfiniteDuration()
                  ? absl::InfiniteFuture()
                  : absl::Now() + options.timeout;
  cancellation_ = options.cancellation;
  stoppable_ = true;
}

void ExecutionContext::Clear() {
  for (Tensor& tensor : slots_) tensor = {};
  for (TensorList& list : lists_) list = {};
  for (Tensor& tensor : variables) tensor = {};
  for (Tensor& tensor : fresh) tensor = {};
  for (Tensor& tensor : outputs) tensor = {};
}

uint64_t ExecutionContext::TakeRandomBlocks(int counter, uint64_t blocks) {
  // Only nodes that draw have a counter: see OpSchema::RandomStream.
  if (counter < 0) return 0;
  return plan_.random_counters()[counter]->fetch_add(blocks,
                                                     std::memory_order_relaxed);
}

absl::Status ExecutionContext::CheckStop() {
  if (!stoppable_) return absl::OkStatus();
  if (cancellation_ != nullptr && cancellation_->cancelled()) {
    return absl::CancelledError("the run was cancelled");
  }
  if (deadline_ != absl::InfiniteFuture() && absl::Now() >= deadline_) {
    return absl::DeadlineExceededError(
        "the run's time is up (RunOptions.timeout)");
  }
  return absl::OkStatus();
}

}  // namespace weft
