#include "runtime/plan_runner.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "runtime/commit.h"
#include "runtime/evaluate.h"
#include "runtime/executor.h"
#include "runtime/numerics.h"

namespace weft {
namespace {

// Contexts that are kept for later runs of one plan.
constexpr size_t kMaxIdleContexts = 64;

void AppendShape(const TensorShape& shape, std::vector<int64_t>* key) {
  key->push_back(shape.rank());
  for (int64_t dim : shape.dims()) key->push_back(dim);
}

// Numbers that tell sets of shapes apart.
void MakeKey(const Plan& plan, absl::Span<const Tensor> feeds,
             absl::Span<const Tensor> variables, std::vector<int64_t>* key) {
  key->clear();
  for (const Tensor& feed : feeds) {
    if (feed.dtype() != DataType::kVariant) {
      AppendShape(feed.shape(), key);
      continue;
    }
    const ListShape list = ListShapeOf(feed.scalar<TensorList>());
    key->push_back(list.kind);
    key->push_back(list.size);
    AppendShape(list.element, key);
  }
  if (!plan.has_flexible_variables()) return;
  for (const Tensor& variable : variables) AppendShape(variable.shape(), key);
}

bool Overlap(const Tensor& a, const Tensor& b) {
  const char* a_begin = static_cast<const char*>(a.raw_data());
  const char* b_begin = static_cast<const char*>(b.raw_data());
  return a_begin < b_begin + b.num_bytes() && b_begin < a_begin + a.num_bytes();
}

bool IsMisaligned(const Tensor& tensor) {
  const size_t size = std::max<size_t>(DataTypeSize(tensor.dtype()), 1);
  return reinterpret_cast<uintptr_t>(tensor.raw_data()) % size != 0;
}

}  // namespace

// A context for one run, which goes back at its end.
class PlanRunner::Lease {
 public:
  explicit Lease(PlanRunner* runner) : runner_(runner) {
    {
      std::lock_guard<std::mutex> lock(runner->contexts_mu_);
      if (!runner->idle_.empty()) {
        context_ = std::move(runner->idle_.back());
        runner->idle_.pop_back();
      }
    }
    if (context_ == nullptr) {
      context_ = std::make_unique<ExecutionContext>(*runner->plan_,
                                                    runner->resources_);
    }
  }
  ~Lease() {
    context_->Clear();
    std::lock_guard<std::mutex> lock(runner_->contexts_mu_);
    if (runner_->idle_.size() < kMaxIdleContexts)
      runner_->idle_.push_back(std::move(context_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ExecutionContext* get() const { return context_.get(); }

 private:
  PlanRunner* runner_;
  std::unique_ptr<ExecutionContext> context_;
};

PlanRunner::PlanRunner(std::unique_ptr<const Plan> plan, Signature signature,
                       const RunResources& resources, VariableStore* store,
                       int max_layouts)
    : plan_(std::move(plan)),
      signature_(std::move(signature)),
      resources_(resources),
      store_(store),
      max_layouts_(std::max(max_layouts, 1)) {
  for (const PlanVariable& variable : plan_->graph().variables) {
    cells_.push_back(store->Find(variable.name));
  }
}

absl::Status PlanRunner::Run(absl::Span<const Tensor> feeds,
                             std::vector<Tensor>* outputs,
                             const RunOptions& options, bool* fits) {
  *fits = true;
  WEFT_RETURN_IF_ERROR(CheckFeeds(feeds));
  const bool misaligned = std::any_of(feeds.begin(), feeds.end(), IsMisaligned);
  std::vector<Tensor> aligned;
  if (misaligned) {
    for (const Tensor& feed : feeds) {
      WEFT_ASSIGN_OR_RETURN(Tensor copy, feed.Clone(resources_.allocator));
      aligned.push_back(std::move(copy));
    }
    feeds = aligned;
  }
  Lease lease(this);
  const absl::Status status =
      RunLeased(feeds, outputs, options, lease.get(), fits);
  if (!status.ok()) GiveBack(lease.get(), outputs);
  return status;
}

// After an error the caller gets the tensors back that he brought.
void PlanRunner::GiveBack(ExecutionContext* context,
                          std::vector<Tensor>* outputs) {
  for (size_t k = 0; k < std::min(context->outputs.size(), outputs->size());
       ++k) {
    if (!(*outputs)[k].is_valid())
      (*outputs)[k] = std::move(context->outputs[k]);
  }
}

absl::Status PlanRunner::CheckFeeds(absl::Span<const Tensor> feeds) const {
  const std::vector<std::string>& names = signature_.feeds;
  if (feeds.size() != names.size()) {
    return InvalidArgument(
        feeds.size(), " feeds are given, but the signature has ", names.size());
  }
  for (size_t i = 0; i < feeds.size(); ++i) {
    const FeedSpec& spec = plan_->feed_specs()[i];
    if (feeds[i].dtype() == spec.dtype &&
        spec.shape.IsCompatibleWith(feeds[i].shape()))
      continue;
    return InvalidArgument(
        "feed '", names[i], "' is ", DataTypeName(feeds[i].dtype()), " ",
        feeds[i].shape().ToString(), " but must be ", DataTypeName(spec.dtype),
        " ", spec.shape.ToString());
  }
  return absl::OkStatus();
}

absl::Status PlanRunner::RunLeased(absl::Span<const Tensor> feeds,
                                   std::vector<Tensor>* outputs,
                                   const RunOptions& options,
                                   ExecutionContext* context, bool* fits) {
  const Plan& plan = *plan_;
  context->Start(options);
  WEFT_RETURN_IF_ERROR(context->CheckStop());
  auto check_stop = [context] { return context->CheckStop(); };
  VariableStore::Turn turn;
  if (MakesShadows(plan)) WEFT_RETURN_IF_ERROR(turn.Take(store_, check_stop));
  context->variables.resize(cells_.size());
  if (!cells_.empty()) {
    store_->Snapshot(cells_, &context->variables, &context->versions);
    WEFT_RETURN_IF_ERROR(CheckVariables(*context));
  }
  WEFT_RETURN_IF_ERROR(BindLayout(feeds, context, fits));
  fits_.store(*fits, std::memory_order_relaxed);
  if (!*fits) return absl::OkStatus();
  WEFT_RETURN_IF_ERROR(BindValues(feeds, outputs, options, context));
  WEFT_RETURN_IF_ERROR(Execute(plan, context, 0, context->layout()->main_end,
                               options.check_numerics));
  WEFT_RETURN_IF_ERROR(CollectFetches(context));
  if (WritesVariables(plan)) {
    if (!turn.taken()) WEFT_RETURN_IF_ERROR(turn.Take(store_, check_stop));
    WEFT_RETURN_IF_ERROR(context->CheckStop());
    WEFT_RETURN_IF_ERROR(Commit(plan, cells_, *store_, context));
  }
  outputs->resize(context->outputs.size());
  for (size_t k = 0; k < outputs->size(); ++k)
    (*outputs)[k] = std::move(context->outputs[k]);
  return absl::OkStatus();
}

absl::Status PlanRunner::CheckVariables(const ExecutionContext& context) const {
  for (size_t v = 0; v < cells_.size(); ++v) {
    const PlanVariable& variable = plan_->graph().variables[v];
    const Tensor& value = context.variables[v];
    if (!value.is_valid()) {
      if (!variable.must_exist) continue;
      return FailedPrecondition(
          "variable '", variable.name,
          "' has no value: initialize or restore it before it is used");
    }
    if (value.dtype() != variable.dtype ||
        !variable.shape->IsCompatibleWith(value.shape())) {
      return FailedPrecondition(
          "variable '", variable.name, "' holds ", DataTypeName(value.dtype()),
          " ", value.shape().ToString(), " but the graph declares ",
          DataTypeName(variable.dtype), " ", variable.shape->ToString());
    }
  }
  return absl::OkStatus();
}

absl::Status PlanRunner::BindLayout(absl::Span<const Tensor> feeds,
                                    ExecutionContext* context, bool* fits) {
  MakeKey(*plan_, feeds, context->variables, &context->key);
  if (context->layout() != nullptr && context->layout()->key == context->key) {
    return absl::OkStatus();
  }
  WEFT_ASSIGN_OR_RETURN(std::shared_ptr<const Layout> layout,
                        FindLayout(feeds, *context));
  *fits = layout != nullptr;
  if (!*fits) return absl::OkStatus();
  const absl::Status bound = context->Bind(std::move(layout));
  // What assumes shapes also stores more.
  *fits = !absl::IsResourceExhausted(bound) || !plan_->has_assumptions();
  return *fits ? bound : absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Layout>> PlanRunner::FindLayout(
    absl::Span<const Tensor> feeds, const ExecutionContext& context) {
  // Held while a layout is made: others that need the same wait for it.
  std::lock_guard<std::mutex> lock(layouts_mu_);
  ++ticks_;
  for (KeptLayout& kept : layouts_) {
    if (kept.key != context.key) continue;
    kept.last_used = ticks_;
    return kept.layout;
  }
  absl::StatusOr<std::shared_ptr<const Layout>> made =
      MakeLayout(feeds, context);
  if (!made.ok() && !plan_->has_assumptions()) return made.status();
  const std::shared_ptr<const Layout> layout = made.ok() ? *made : nullptr;
  layouts_made_.fetch_add(layout != nullptr, std::memory_order_relaxed);
  if (layouts_.size() < static_cast<size_t>(max_layouts_)) {
    layouts_.push_back({layout, ticks_, context.key});
  } else {
    auto oldest =
        std::min_element(layouts_.begin(), layouts_.end(),
                         [](const KeptLayout& a, const KeptLayout& b) {
                           return a.last_used < b.last_used;
                         });
    *oldest = {layout, ticks_, context.key};
  }
  return layout;
}

absl::StatusOr<std::shared_ptr<const Layout>> PlanRunner::MakeLayout(
    absl::Span<const Tensor> feeds, const ExecutionContext& context) const {
  std::vector<TensorShape> feed_shapes, variable_shapes;
  std::vector<ListShape> feed_lists(feeds.size());
  for (size_t i = 0; i < feeds.size(); ++i) {
    feed_shapes.push_back(feeds[i].shape());
    if (feeds[i].dtype() == DataType::kVariant) {
      feed_lists[i] = ListShapeOf(feeds[i].scalar<TensorList>());
    }
  }
  for (size_t v = 0; v < cells_.size(); ++v) {
    const Tensor& value = context.variables[v];
    variable_shapes.push_back(
        value.is_valid() ? value.shape() : *plan_->graph().variables[v].shape);
  }
  return Layout::Create(*plan_, feed_shapes, feed_lists, variable_shapes,
                        context.key);
}

absl::Status PlanRunner::BindValues(absl::Span<const Tensor> feeds,
                                    std::vector<Tensor>* outputs,
                                    const RunOptions& options,
                                    ExecutionContext* context) const {
  for (size_t i = 0; i < feeds.size(); ++i) {
    if (options.check_numerics) {
      const std::string problem = FindNotFinite(
          {const_cast<void*>(feeds[i].raw_data()), feeds[i].num_elements(),
           &feeds[i].shape(), feeds[i].dtype()});
      if (!problem.empty()) {
        return InvalidArgument("check_numerics: feed '", signature_.feeds[i],
                               "' is ", problem);
      }
    }
    context->BindFeed(static_cast<int>(i), feeds[i]);
  }
  for (size_t v = 0; v < cells_.size(); ++v) {
    context->BindVariable(static_cast<int>(v), context->variables[v]);
  }
  for (size_t k = 0; k < context->outputs.size(); ++k) {
    WEFT_RETURN_IF_ERROR(PrepareOutput(k, feeds, outputs, context));
  }
  return absl::OkStatus();
}

// Finds the memory for a fetch of known shape: what the caller brought, if it
// fits and nobody else sees it, else new.
absl::Status PlanRunner::PrepareOutput(size_t k, absl::Span<const Tensor> feeds,
                                       std::vector<Tensor>* outputs,
                                       ExecutionContext* context) const {
  const FetchPlan& fetch = context->layout()->fetches[k];
  if (fetch.kind != FetchPlan::kPlaced && fetch.kind != FetchPlan::kCopied) {
    return absl::OkStatus();
  }
  const Place& place = context->layout()->places[fetch.value];
  Tensor& output = context->outputs[k];
  if (k < outputs->size()) {
    Tensor& brought = (*outputs)[k];
    const bool fits =
        brought.dtype() == place.dtype && brought.shape() == place.shape &&
        brought.IsSoleOwner() && IsPlain(place.dtype) &&
        std::none_of(feeds.begin(), feeds.end(), [&](const Tensor& feed) {
          return Overlap(feed, brought);
        });
    if (fits) output = std::exchange(brought, Tensor());
  }
  if (!output.is_valid()) {
    WEFT_ASSIGN_OR_RETURN(
        output,
        IsPlain(place.dtype)
            ? Tensor::CreateUninitialized(place.dtype, place.shape,
                                          resources_.allocator)
            : Tensor::Create(place.dtype, place.shape, resources_.allocator));
  }
  if (fetch.kind == FetchPlan::kPlaced)
    context->BindOutput(static_cast<int>(k), &output);
  return absl::OkStatus();
}

absl::Status PlanRunner::CollectFetches(ExecutionContext* context) const {
  const Layout& layout = *context->layout();
  for (size_t k = 0; k < layout.fetches.size(); ++k) {
    const FetchPlan& fetch = layout.fetches[k];
    const TensorRef& ref = context->values()[fetch.value];
    Tensor& output = context->outputs[k];
    if (fetch.kind == FetchPlan::kCopied && IsPlain(ref.dtype)) {
      if (output.num_bytes() > 0)
        std::memcpy(output.mutable_raw_data(), ref.data, output.num_bytes());
    } else if (fetch.kind == FetchPlan::kList) {
      WEFT_ASSIGN_OR_RETURN(
          output, Tensor::Create(DataType::kVariant, {}, resources_.allocator));
      output.mutable_data<TensorList>()[0] = context->list(fetch.value);
    } else if (fetch.kind == FetchPlan::kSlot && fetch.takes &&
               context->slot(fetch.value).IsSoleOwner()) {
      output = std::move(context->slot(fetch.value));
    } else if (fetch.kind != FetchPlan::kPlaced) {
      const Tensor value = Tensor::Borrow(ref.dtype, *ref.shape, ref.data);
      WEFT_ASSIGN_OR_RETURN(output, value.Clone(resources_.allocator));
    }
  }
  return absl::OkStatus();
}

std::shared_ptr<const Layout> PlanRunner::last_layout() const {
  std::lock_guard<std::mutex> lock(layouts_mu_);
  const auto last =
      std::max_element(layouts_.begin(), layouts_.end(),
                       [](const KeptLayout& a, const KeptLayout& b) {
                         return a.last_used < b.last_used;
                       });
  return last == layouts_.end() ? nullptr : last->layout;
}

void PlanRunner::DropIdleContexts() {
  std::vector<std::unique_ptr<ExecutionContext>> idle;
  std::lock_guard<std::mutex> lock(contexts_mu_);
  idle.swap(idle_);
}

}  // namespace weft
