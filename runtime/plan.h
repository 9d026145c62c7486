// Plan: a signature, compiled. Immutable.
#ifndef WEFT_RUNTIME_PLAN_H_
#define WEFT_RUNTIME_PLAN_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/kernel.h"
#include "graph/graph.h"
#include "runtime/passes/passes.h"
#include "runtime/plan_graph.h"
#include "runtime/random_counters.h"
#include "runtime/session.h"
#include "runtime/signature.h"

namespace weft {

struct PlanOptions {
  PassOptions passes = {};
  // False: every node is run by itself, as check_numerics needs it.
  bool rewrites = true;
  // False: no pass takes for granted what only a layout shows.
  bool assumes = true;
  Precision precision = Precision::kFloat32;
  int64_t max_loop_iterations = std::numeric_limits<int64_t>::max();
};

// What a feed must look like.
struct FeedSpec {
  DataType dtype;
  TensorShape shape;
};

class Plan {
 public:
  // Unimplemented lists every op of the signature that weft does not have or
  // has no kernel for, with the fetch that needs it; InvalidArgument names a
  // placeholder that is not fed, and the way to it.
  static absl::StatusOr<std::unique_ptr<Plan>> Create(
      const Graph& graph, const ResolvedSignature& signature,
      const PlanOptions& options, RandomCounters* counters);

  // What is left after the passes, nodes in order.
  const PlanGraph& graph() const { return graph_; }
  const PlanOptions& options() const { return options_; }
  const std::vector<FeedSpec>& feed_specs() const { return feed_specs_; }
  // Of a kCompute node, else null.
  const Kernel* kernel(int node) const { return kernels_[node].get(); }
  // Of a node with a random stream, else -1: into random_counters.
  int random_counter(int node) const { return random_counter_[node]; }
  const std::vector<std::atomic<uint64_t>*>& random_counters() const {
    return counters_;
  }
  // If the results of a node stay the same from run to run while variables do:
  // which variables; else null.
  const std::vector<int>* kept(int node) const {
    return kept_[node].has_value() ? &*kept_[node] : nullptr;
  }
  // Do all users of the value take strides?
  bool may_stride(int value) const { return may_stride_[value]; }
  // Of a kWhile node.
  int64_t max_iterations(int node) const;
  const PassReport& report() const { return report_; }
  // Do the variables have shapes that are not fixed by the graph?
  bool has_flexible_variables() const { return has_flexible_variables_; }
  // Did passes take for granted what only a layout shows, e.g. that all steps
  // of unrolled layers have the same shapes? Then a layout may fail where that
  // of the plan without (PlanOptions::assumes) would not.
  bool has_assumptions() const { return has_assumptions_; }

 private:
  absl::Status Compile(RandomCounters* counters);
  absl::Status MakeKernels();
  void FindStridedValues();
  void FindKept();
  absl::Status CheckPrecision() const;

  PlanOptions options_;
  PlanGraph graph_;
  std::vector<FeedSpec> feed_specs_;
  PassReport report_;
  std::vector<std::unique_ptr<Kernel>> kernels_;       // By node.
  std::vector<bool> may_stride_;                       // By value.
  std::vector<std::optional<std::vector<int>>> kept_;  // By node.
  std::vector<int> random_counter_;                    // By node.
  std::vector<std::atomic<uint64_t>*> counters_;
  bool has_flexible_variables_ = false;
  bool has_assumptions_ = false;
};

// A kernel for a kCompute node. Unimplemented if there is none.
absl::StatusOr<std::unique_ptr<Kernel>> MakeKernel(const PlanGraph& graph,
                                                   int node);

}  // namespace weft

#endif  // WEFT_RUNTIME_PLAN_H_
