// PlanRunner: runs a plan, from any number of threads.
#ifndef WEFT_RUNTIME_PLAN_RUNNER_H_
#define WEFT_RUNTIME_PLAN_RUNNER_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/tensor.h"
#include "runtime/execution_context.h"
#include "runtime/layout.h"
#include "runtime/plan.h"
#include "runtime/session.h"
#include "runtime/variables.h"

namespace weft {

// Keeps layouts for the sets of shapes that came last, and contexts for the
// next runs. A run goes through these steps:
//
//   check the feeds; lease a context; take a snapshot of the variables;
//   find or make the layout; run the main part; copy what is fetched;
//   commit the variables.
class PlanRunner {
 public:
  PlanRunner(std::unique_ptr<const Plan> plan, Signature signature,
             const RunResources& resources, VariableStore* store,
             int max_layouts);

  // *fits becomes false, and nothing is run, if what the plan assumes does not
  // hold for shapes such as these, or if there is not enough memory for it: the
  // plan without that is to be run.
  absl::Status Run(absl::Span<const Tensor> feeds, std::vector<Tensor>* outputs,
                   const RunOptions& options, bool* fits);

  const Plan& plan() const { return *plan_; }
  const Signature& signature() const { return signature_; }
  int64_t layouts_made() const {
    return layouts_made_.load(std::memory_order_relaxed);
  }
  // Did the plan fit in the run that came last?
  bool fits() const { return fits_.load(std::memory_order_relaxed); }
  // The layout that was used last; null before the first run.
  std::shared_ptr<const Layout> last_layout() const;
  // Gives back the memory that is kept for the next runs.
  void DropIdleContexts();

 private:
  struct KeptLayout {
    std::shared_ptr<const Layout> layout;  // Null: there is none.
    uint64_t last_used = 0;
    std::vector<int64_t> key;
  };
  class Lease;

  absl::Status CheckFeeds(absl::Span<const Tensor> feeds) const;
  absl::Status RunLeased(absl::Span<const Tensor> feeds,
                         std::vector<Tensor>* outputs,
                         const RunOptions& options, ExecutionContext* context,
                         bool* fits);
  absl::Status CheckVariables(const ExecutionContext& context) const;
  absl::Status BindLayout(absl::Span<const Tensor> feeds,
                          ExecutionContext* context, bool* fits);
  // Null if the plan does not fit.
  absl::StatusOr<std::shared_ptr<const Layout>> FindLayout(
      absl::Span<const Tensor> feeds, const ExecutionContext& context);
  absl::StatusOr<std::shared_ptr<const Layout>> MakeLayout(
      absl::Span<const Tensor> feeds, const ExecutionContext& context) const;
  absl::Status BindValues(absl::Span<const Tensor> feeds,
                          std::vector<Tensor>* outputs,
                          const RunOptions& options,
                          ExecutionContext* context) const;
  absl::Status PrepareOutput(size_t fetch, absl::Span<const Tensor> feeds,
                             std::vector<Tensor>* outputs,
                             ExecutionContext* context) const;
  static void GiveBack(ExecutionContext* context, std::vector<Tensor>* outputs);
  absl::Status CollectFetches(ExecutionContext* context) const;

  const std::unique_ptr<const Plan> plan_;
  const Signature signature_;
  const RunResources& resources_;
  VariableStore* const store_;
  const int max_layouts_;
  std::vector<VariableStore::Cell*> cells_;  // By variable of the plan.

  mutable std::mutex contexts_mu_;
  std::vector<std::unique_ptr<ExecutionContext>>
      idle_;  // Guarded by contexts_mu_.

  mutable std::mutex layouts_mu_;
  std::vector<KeptLayout> layouts_;  // Guarded by layouts_mu_.
  uint64_t ticks_ = 0;               // Guarded by layouts_mu_.
  std::atomic<int64_t> layouts_made_{0};
  std::atomic<bool> fits_{true};
};

}  // namespace weft

#endif  // WEFT_RUNTIME_PLAN_RUNNER_H_
