#include "runtime/plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "runtime/diagnose.h"
#include "runtime/import_graph.h"
#include "runtime/variable_access.h"

namespace weft {

absl::StatusOr<std::unique_ptr<Kernel>> MakeKernel(const PlanGraph& graph,
                                                   int node) {
  const PlanNode& n = graph.nodes[node];
  const OpSchema* schema = n.schema();
  if (schema == nullptr) return Unimplemented("weft does not have this op");
  // A variable's handle counts as such, whatever stands for it in the plan.
  std::vector<DataType> inputs, outputs;
  for (const Output& input : n.source->inputs())
    inputs.push_back(input.dtype());
  for (int i = 0; i < n.source->num_outputs(); ++i)
    outputs.push_back(n.source->output_dtype(i));
  if (!schema->no_kernel_reason().empty() &&
      !KernelRegistry::Global().Has(n.source->op())) {
    return Unimplemented("the op is not run by weft: ",
                         schema->no_kernel_reason());
  }
  return KernelRegistry::Global().Create(n.source->op(),
                                         {.attrs = n.source->attrs(),
                                          .input_types = inputs,
                                          .output_types = outputs});
}

absl::StatusOr<std::unique_ptr<Plan>> Plan::Create(
    const Graph& graph, const ResolvedSignature& signature,
    const PlanOptions& options, RandomCounters* counters) {
  auto plan = std::unique_ptr<Plan>(new Plan);
  plan->options_ = options;
  for (const Output& feed : signature.feeds) {
    plan->feed_specs_.push_back({feed.dtype(), feed.shape()});
  }
  WEFT_ASSIGN_OR_RETURN(plan->graph_, ImportGraph(graph, signature));
  WEFT_RETURN_IF_ERROR(plan->Compile(counters));
  return plan;
}

absl::Status Plan::Compile(RandomCounters* counters) {
  WEFT_RETURN_IF_ERROR(RunPasses(options_.passes, &graph_, &report_));
  WEFT_RETURN_IF_ERROR(BindVariables(&graph_));
  Prune(&graph_, nullptr);  // Handles and what carried them.
  WEFT_RETURN_IF_ERROR(OrderNodes(&graph_));
  WEFT_RETURN_IF_ERROR(CheckPlaceholders(graph_));
  WEFT_RETURN_IF_ERROR(MakeKernels());
  random_counter_.assign(graph_.nodes.size(), -1);
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    if (!graph_.nodes[n].traits().random_stream) continue;
    random_counter_[n] = static_cast<int>(counters_.size());
    counters_.push_back(counters->Get(graph_.PathOf(static_cast<int>(n))));
  }
  for (const PlanVariable& variable : graph_.variables) {
    has_flexible_variables_ |= !variable.shape->IsFullyDefined();
  }
  return absl::OkStatus();
}

absl::Status Plan::MakeKernels() {
  kernels_.resize(graph_.nodes.size());
  std::vector<MissingKernel> missing;
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    if (graph_.nodes[n].role != OpRole::kCompute) continue;
    const int node = static_cast<int>(n);
    absl::StatusOr<std::unique_ptr<Kernel>> kernel = MakeKernel(graph_, node);
    if (kernel.ok()) {
      kernels_[n] = *std::move(kernel);
    } else if (absl::IsUnimplemented(kernel.status())) {
      missing.push_back({node, std::string(kernel.status().message())});
    } else {
      return Annotate(kernel.status(), graph_.Describe(node));
    }
  }
  return missing.empty() ? absl::OkStatus() : ReportMissing(graph_, missing);
}

int64_t Plan::max_iterations(int node) const {
  const Node* source = graph_.nodes[node].source;
  const AttrValue* limit = source->attrs().Find("_max_iterations");
  const int64_t* own = limit != nullptr ? limit->get_if<int64_t>() : nullptr;
  return own != nullptr ? *own : options_.max_loop_iterations;
}

}  // namespace weft
