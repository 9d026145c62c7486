#include "runtime/session.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/names.h"
#include "runtime/describe.h"
#include "runtime/plan_runner.h"
#include "runtime/random_counters.h"
#include "runtime/signature.h"
#include "runtime/variables.h"

namespace weft {
namespace {

// Freed memory that is kept for reuse, so that values whose size is only known
// while running do not go to the system each time.
constexpr size_t kCacheBytes = size_t{1} << 30;

class SessionImpl;

class CallableImpl : public Callable {
 public:
  CallableImpl(SessionImpl* session, std::shared_ptr<PlanRunner> runner)
      : session_(session), runner_(std::move(runner)) {}
  absl::Status Run(absl::Span<const Tensor> feeds, std::vector<Tensor>* outputs,
                   const RunOptions& options) const override;
  std::string DescribePlan() const override;

 private:
  SessionImpl* session_;
  std::shared_ptr<PlanRunner> runner_;
};

class SessionImpl : public Session {
 public:
  SessionImpl(const Graph& graph, std::unique_ptr<Graph> owned,
              const SessionOptions& options)
      : graph_(graph),
        owned_(std::move(owned)),
        options_(options),
        pool_(NumThreads(options)) {
    const size_t cache = std::min(kCacheBytes, options.memory_budget_bytes / 8);
    resources_.allocator =
        options.allocator != nullptr
            ? options.allocator
            : Allocator::Create(options.memory_budget_bytes, cache);
    resources_.pool = &pool_;
    resources_.free_idle_memory = [this] { FreeMemory(); };
  }

  // Waits for runs in progress.
  ~SessionImpl() override {
    std::unique_lock<std::mutex> lock(running_mu_);
    destroying_ = true;
    all_done_.wait(lock, [this] { return running_ == 0; });
  }

  const Graph& graph() const override { return graph_; }

  absl::Status Initialize(const RunOptions& options) override;
  absl::StatusOr<std::vector<Tensor>> Run(
      const std::vector<Feed>& feeds, const std::vector<Fetch>& fetches,
      const std::vector<std::string>& targets,
      const RunOptions& options) override;
  absl::StatusOr<std::unique_ptr<Callable>> Prepare(
      const Signature& signature) override;

  absl::StatusOr<Tensor> GetVariable(absl::string_view name) const override;
  absl::Status SetVariable(absl::string_view name,
                           const Tensor& value) override;
  std::map<std::string, Tensor> GetVariables() const override;
  absl::Status SetVariables(
      const std::map<std::string, Tensor>& values) override;

  std::map<std::string, uint64_t> RandomCounters() const override {
    return counters_.Values();
  }
  absl::Status SetRandomCounters(
      const std::map<std::string, uint64_t>& values) override {
    counters_.Set(values);
    return absl::OkStatus();
  }

  Stats stats() const override;

  absl::Status RunPlan(PlanRunner* runner, absl::Span<const Tensor> feeds,
                       std::vector<Tensor>* outputs, const RunOptions& options);
  // Of the plan that the last run of `runner` came to.
  std::string DescribePlan(const PlanRunner& runner) const;

 private:
  static int NumThreads(const SessionOptions& options) {
    if (options.num_threads > 0) return options.num_threads;
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }
  // How a signature is compiled.
  enum class PlanForm {
    kFull,
    kCautious,  // Passes do not assume anything of the shapes.
    kPlain,     // Every node is run by itself.
  };
  static std::string KeyOf(const Signature& signature, PlanForm form);
  absl::StatusOr<std::shared_ptr<PlanRunner>> FindRunner(
      const Signature& signature, PlanForm form = PlanForm::kFull);
  absl::StatusOr<std::shared_ptr<PlanRunner>> MakeRunner(
      const Signature& signature, PlanForm form = PlanForm::kFull);
  absl::Status RunOnce(const Signature& signature, const RunOptions& options);
  absl::Status CheckValue(absl::string_view name, const Tensor& value) const;
  void FreeMemory();

  const Graph& graph_;
  const std::unique_ptr<Graph> owned_;
  const SessionOptions options_;
  mutable ThreadPool pool_;
  RunResources resources_;
  mutable VariableStore store_;
  class RandomCounters counters_;

  mutable std::mutex runners_mu_;
  absl::flat_hash_map<std::string, std::shared_ptr<PlanRunner>>
      runners_;  // Guarded by runners_mu_.

  std::mutex running_mu_;
  std::condition_variable all_done_;
  int running_ = 0;          // Guarded by running_mu_.
  bool destroying_ = false;  // Guarded by running_mu_.
  std::atomic<int64_t> runs_{0};
};

absl::Status CallableImpl::Run(absl::Span<const Tensor> feeds,
                               std::vector<Tensor>* outputs,
                               const RunOptions& options) const {
  return session_->RunPlan(runner_.get(), feeds, outputs, options);
}

std::string CallableImpl::DescribePlan() const {
  return session_->DescribePlan(*runner_);
}

absl::Status SessionImpl::RunPlan(PlanRunner* runner,
                                  absl::Span<const Tensor> feeds,
                                  std::vector<Tensor>* outputs,
                                  const RunOptions& options) {
  {
    std::lock_guard<std::mutex> lock(running_mu_);
    if (destroying_)
      return absl::CancelledError("the session is being destroyed");
    ++running_;
  }
  runs_.fetch_add(1, std::memory_order_relaxed);
  absl::Status status;
  bool fits = true;
  const auto run_as = [&](PlanForm form) {
    auto other = FindRunner(runner->signature(), form);
    return other.ok() ? (*other)->Run(feeds, outputs, options, &fits)
                      : other.status();
  };
  if (options.check_numerics && runner->plan().options().rewrites) {
    // What is rewritten does not say which node it was.
    status = run_as(PlanForm::kPlain);
  } else {
    status = runner->Run(feeds, outputs, options, &fits);
    if (!fits) status = run_as(PlanForm::kCautious);
  }
  std::lock_guard<std::mutex> lock(running_mu_);
  if (--running_ == 0) all_done_.notify_all();
  return status;
}

void SessionImpl::FreeMemory() {
  std::vector<std::shared_ptr<PlanRunner>> runners;
  {
    std::lock_guard<std::mutex> lock(runners_mu_);
    for (const auto& [key, runner] : runners_) runners.push_back(runner);
  }
  for (const auto& runner : runners) runner->DropIdleContexts();
  resources_.allocator->Trim();
}

absl::StatusOr<std::shared_ptr<PlanRunner>> SessionImpl::MakeRunner(
    const Signature& signature, PlanForm form) {
  WEFT_ASSIGN_OR_RETURN(const ResolvedSignature resolved,
                        Resolve(graph_, signature));
  const PlanOptions options = {
      .passes = options_.passes,
      .rewrites = form != PlanForm::kPlain,
      .assumes = form == PlanForm::kFull,
      .precision = options_.precision,
      .max_loop_iterations = options_.max_loop_iterations};
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<const Plan> plan,
                        Plan::Create(graph_, resolved, options, &counters_));
  return std::make_shared<PlanRunner>(std::move(plan), signature, resources_,
                                      &store_, options_.max_layouts);
}

std::string SessionImpl::KeyOf(const Signature& signature, PlanForm form) {
  return absl::StrCat(form == PlanForm::kFull       ? ""
                      : form == PlanForm::kCautious ? "cautious:"
                                                    : "plain:",
                      SignatureKey(signature));
}

std::string SessionImpl::DescribePlan(const PlanRunner& runner) const {
  std::shared_ptr<PlanRunner> cautious;
  if (!runner.fits()) {
    std::lock_guard<std::mutex> lock(runners_mu_);
    const auto found =
        runners_.find(KeyOf(runner.signature(), PlanForm::kCautious));
    if (found != runners_.end()) cautious = found->second;
  }
  return weft::DescribePlan(cautious != nullptr ? *cautious : runner);
}

absl::StatusOr<std::shared_ptr<PlanRunner>> SessionImpl::FindRunner(
    const Signature& signature, PlanForm form) {
  const std::string key = KeyOf(signature, form);
  std::lock_guard<std::mutex> lock(runners_mu_);
  std::shared_ptr<PlanRunner>& runner = runners_[key];
  if (runner == nullptr) {
    absl::StatusOr<std::shared_ptr<PlanRunner>> made =
        MakeRunner(signature, form);
    if (!made.ok()) {
      runners_.erase(key);
      return made.status();
    }
    runner = *std::move(made);
  }
  return runner;
}

absl::Status SessionImpl::Initialize(const RunOptions& options) {
  Signature signature;
  for (const VariableInfo& variable : graph_.variables()) {
    if (variable.initializer == nullptr) continue;
    VariableStore::Cell* cell = store_.Find(variable.name);
    std::lock_guard<std::mutex> lock(store_.mutex());
    if (!cell->value.is_valid())
      signature.targets.push_back(variable.initializer->name());
  }
  const absl::Status status = RunOnce(signature, options);
  if (!absl::IsFailedPrecondition(status) || signature.targets.size() < 2)
    return status;
  // An initial value may depend on variables that were made before.
  for (const std::string& target : signature.targets) {
    WEFT_RETURN_IF_ERROR(RunOnce({.targets = {target}}, options));
  }
  return absl::OkStatus();
}

// The plan is not kept.
absl::Status SessionImpl::RunOnce(const Signature& signature,
                                  const RunOptions& options) {
  if (signature.targets.empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(std::shared_ptr<PlanRunner> runner,
                        MakeRunner(signature));
  std::vector<Tensor> none;
  return RunPlan(runner.get(), {}, &none, options);
}

absl::StatusOr<std::vector<Tensor>> SessionImpl::Run(
    const std::vector<Feed>& feeds, const std::vector<Fetch>& fetches,
    const std::vector<std::string>& targets, const RunOptions& options) {
  Signature signature;
  std::vector<Tensor> values;
  for (const Feed& feed : feeds) {
    signature.feeds.push_back(feed.name);
    values.push_back(feed.value);
  }
  for (const Fetch& fetch : fetches) signature.fetches.push_back(fetch.name);
  signature.targets = targets;
  WEFT_ASSIGN_OR_RETURN(std::shared_ptr<PlanRunner> runner,
                        FindRunner(signature));
  std::vector<Tensor> outputs;
  WEFT_RETURN_IF_ERROR(RunPlan(runner.get(), values, &outputs, options));
  return outputs;
}

absl::StatusOr<std::unique_ptr<Callable>> SessionImpl::Prepare(
    const Signature& signature) {
  WEFT_ASSIGN_OR_RETURN(std::shared_ptr<PlanRunner> runner,
                        FindRunner(signature));
  return std::make_unique<CallableImpl>(this, std::move(runner));
}

absl::StatusOr<Tensor> SessionImpl::GetVariable(absl::string_view name) const {
  VariableStore::Cell* cell = store_.Find(name);
  Tensor value;
  {
    std::lock_guard<std::mutex> lock(store_.mutex());
    value = cell->value;
  }
  if (value.is_valid()) return value.Clone();
  if (graph_.FindVariable(name) != nullptr) {
    return FailedPrecondition("variable '", name, "' has no value");
  }
  std::vector<absl::string_view> names;
  for (const VariableInfo& variable : graph_.variables())
    names.push_back(variable.name);
  return NotFound("there is no variable '", Printable(name), "'",
                  DidYouMean(name, names));
}

absl::Status SessionImpl::CheckValue(absl::string_view name,
                                     const Tensor& value) const {
  const VariableInfo* variable = graph_.FindVariable(name);
  if (variable == nullptr) {
    std::vector<absl::string_view> names;
    for (const VariableInfo& v : graph_.variables()) names.push_back(v.name);
    return NotFound("there is no variable '", Printable(name), "'",
                    DidYouMean(name, names));
  }
  if (value.dtype() == variable->dtype &&
      variable->shape.IsCompatibleWith(value.shape())) {
    return absl::OkStatus();
  }
  return InvalidArgument(
      "variable '", name, "' is ", DataTypeName(variable->dtype), " ",
      variable->shape.ToString(), " but the value is ",
      DataTypeName(value.dtype()), " ", value.shape().ToString());
}

absl::Status SessionImpl::SetVariable(absl::string_view name,
                                      const Tensor& value) {
  return SetVariables({{std::string(name), value}});
}

std::map<std::string, Tensor> SessionImpl::GetVariables() const {
  std::map<std::string, Tensor> values = store_.Snapshot();
  for (auto it = values.begin(); it != values.end();) {
    absl::StatusOr<Tensor> copy = it->second.Clone();
    if (copy.ok()) {
      it->second = *std::move(copy);
      ++it;
    } else {
      it = values.erase(it);
    }
  }
  return values;
}

absl::Status SessionImpl::SetVariables(
    const std::map<std::string, Tensor>& values) {
  std::vector<std::pair<VariableStore::Cell*, Tensor>> copies;
  for (const auto& [name, value] : values) {
    WEFT_RETURN_IF_ERROR(CheckValue(name, value));
    WEFT_ASSIGN_OR_RETURN(Tensor copy, value.Clone(resources_.allocator));
    copies.push_back({store_.Find(name), std::move(copy)});
  }
  VariableStore::Turn turn;
  WEFT_RETURN_IF_ERROR(turn.Take(&store_, [] { return absl::OkStatus(); }));
  std::lock_guard<std::mutex> lock(store_.mutex());
  for (auto& [cell, copy] : copies) {
    cell->value = std::move(copy);
    ++cell->version;
  }
  return absl::OkStatus();
}

Session::Stats SessionImpl::stats() const {
  Stats stats;
  std::lock_guard<std::mutex> lock(runners_mu_);
  stats.plans = static_cast<int64_t>(runners_.size());
  for (const auto& [key, runner] : runners_)
    stats.layouts += runner->layouts_made();
  stats.runs = runs_.load(std::memory_order_relaxed);
  stats.bytes_in_use = resources_.allocator->bytes_in_use();
  stats.peak_bytes = resources_.allocator->peak_bytes();
  return stats;
}

absl::Status CheckOptions(const SessionOptions& options) {
  if (options.precision != Precision::kFloat32 && !options.passes.enabled) {
    return InvalidArgument("SessionOptions.precision is ",
                           PrecisionName(options.precision),
                           " but the passes that make it so are switched off");
  }
  return absl::OkStatus();
}

}  // namespace

const char* PrecisionName(Precision precision) {
  static constexpr const char* kNames[] = {"float32", "bf16", "int8"};
  return kNames[static_cast<int>(precision)];
}

absl::StatusOr<std::unique_ptr<Session>> Session::Create(
    const Graph& graph, const SessionOptions& options) {
  WEFT_RETURN_IF_ERROR(graph.status());
  WEFT_RETURN_IF_ERROR(CheckOptions(options));
  return std::make_unique<SessionImpl>(graph, nullptr, options);
}

absl::StatusOr<std::unique_ptr<Session>> Session::Create(
    std::unique_ptr<Graph> graph, const SessionOptions& options) {
  WEFT_RETURN_IF_ERROR(graph->status());
  WEFT_RETURN_IF_ERROR(CheckOptions(options));
  const Graph& reference = *graph;
  return std::make_unique<SessionImpl>(reference, std::move(graph), options);
}

}  // namespace weft
