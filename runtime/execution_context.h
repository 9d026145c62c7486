// ExecutionContext: the memory of one run at a time.
#ifndef WEFT_RUNTIME_EXECUTION_CONTEXT_H_
#define WEFT_RUNTIME_EXECUTION_CONTEXT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/allocator.h"
#include "core/kernel.h"
#include "core/tensor.h"
#include "core/tensor_list.h"
#include "core/thread_pool.h"
#include "runtime/layout.h"
#include "runtime/plan.h"
#include "runtime/session.h"

namespace weft {

// What the runs of a session share.
struct RunResources {
  std::shared_ptr<Allocator> allocator;
  ThreadPool* pool = nullptr;
  // Gives back what is kept for other runs.
  std::function<void()> free_idle_memory;
};

// An arena, the table of all values, and what else a layout needs while it is
// run. Is kept for the next run: then nothing has to be allocated.
class ExecutionContext : public RunServices {
 public:
  ExecutionContext(const Plan& plan, const RunResources& resources)
      : plan_(plan), resources_(resources) {}

  // Makes everything ready for runs of `layout`. ResourceExhausted if there is
  // no memory for the arena.
  absl::Status Bind(std::shared_ptr<const Layout> layout);
  const Layout* layout() const { return layout_.get(); }

  // Sets where the values are that have a place of their own in each run.
  void BindFeed(int feed, const Tensor& tensor);
  void BindVariable(int variable, const Tensor& tensor);
  void BindTarget(int variable, void* data, const TensorShape& shape);
  void BindOutput(int fetch, Tensor* tensor);

  // Of this run.
  void Start(const RunOptions& options);
  void set_stoppable(bool stoppable) { stoppable_ = stoppable; }
  // Drops what the run has made.
  void Clear();

  // ---- For the executor -----------------------------------------------------
  TensorRef* values() { return values_.data(); }
  char* arena() { return arena_data_; }
  std::vector<Tensor>& slots() { return slots_; }
  TensorList& list(int value) { return lists_[layout_->places[value].index]; }
  Tensor& slot(int value) { return slots_[layout_->places[value].index]; }
  bool IsSlot(int value) const {
    return layout_->places[value].storage == Storage::kSlot;
  }
  bool IsList(int value) const {
    return layout_->places[value].storage == Storage::kList;
  }
  // Sets a slot and the value that is in it.
  void SetSlot(int value, Tensor tensor);
  int64_t& iterations(int loop) { return iterations_[loop]; }
  // Is Layout::kept[k] in the arena as an earlier run has left it, and have its
  // variables not changed since then?
  bool Holds(int k) const;
  void Keep(int k);

  // ---- Of the current run, kept for its caller ------------------------------
  std::vector<Tensor> variables;   // As at the start.
  std::vector<uint64_t> versions;  // Of the variables.
  std::vector<Tensor> fresh;    // By variable: what the commit segment writes.
  std::vector<Tensor> outputs;  // By fetch.
  std::vector<int64_t> key;     // Of the feeds' shapes.

  // ---- RunServices ----------------------------------------------------------
  ThreadPool& pool() override { return *resources_.pool; }
  const std::shared_ptr<Allocator>& allocator() override {
    return resources_.allocator;
  }
  uint64_t TakeRandomBlocks(int counter, uint64_t blocks) override;
  absl::Status CheckStop() override;

 private:
  absl::Status FitArena(size_t bytes);
  void FillValues();
  void BindTo(const std::vector<Binding>& bindings, void* data);

  const Plan& plan_;
  const RunResources& resources_;
  std::shared_ptr<const Layout> layout_;
  std::shared_ptr<Buffer> arena_;
  char* arena_data_ = nullptr;
  std::vector<TensorRef> values_;
  std::vector<Tensor> slots_;
  std::vector<TensorList> lists_;
  std::vector<int64_t> iterations_;  // By loop.
  // By kept value: the versions of its variables, and whether it is there.
  std::vector<std::vector<uint64_t>> kept_;
  std::vector<bool> holds_;
  absl::Time deadline_ = absl::InfiniteFuture();
  const CancellationToken* cancellation_ = nullptr;
  bool stoppable_ = true;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_EXECUTION_CONTEXT_H_
