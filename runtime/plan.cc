#include "runtime/plan.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/unknown_op.h"
#include "runtime/diagnose.h"
#include "runtime/import_graph.h"
#include "runtime/variable_access.h"

namespace weft {

namespace {

// Why the node has no schema.
std::string WhyUnknown(const PlanNode& node) {
  const AttrValue* attr = node.source != nullptr
                              ? node.source->attrs().Find(kUnsupportedAttr)
                              : nullptr;
  const std::string* reason =
      attr != nullptr ? attr->get_if<std::string>() : nullptr;
  return reason != nullptr ? *reason : "weft does not have this op";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> MakeKernel(const PlanGraph& graph,
                                                   int node) {
  const PlanNode& n = graph.nodes[node];
  if (n.made != nullptr) {
    return KernelRegistry::Global().Create(
        n.made->op, {.attrs = n.made->attrs,
                     .input_types = n.made->input_types,
                     .output_types = n.made->output_types});
  }
  const OpSchema* schema = n.schema();
  if (schema == nullptr) return Unimplemented(WhyUnknown(n));
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
  if (options_.passes.enabled && options_.rewrites) {
    WEFT_RETURN_IF_ERROR(RunRewrites(
        {.assumes = options_.assumes, .precision = options_.precision}, &graph_,
        &report_));
    if (!options_.passes.generated_code) InterpretPrograms(&graph_, &report_);
  }
  WEFT_RETURN_IF_ERROR(MakeKernels());
  FindStridedValues();
  FindKept();
  WEFT_RETURN_IF_ERROR(CheckPrecision());
  random_counter_.assign(graph_.nodes.size(), -1);
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    if (!graph_.nodes[n].traits().random_stream) continue;
    random_counter_[n] = static_cast<int>(counters_.size());
    counters_.push_back(counters->Get(graph_.PathOf(static_cast<int>(n))));
  }
  for (const PlanVariable& variable : graph_.variables) {
    has_flexible_variables_ |= !variable.shape->IsFullyDefined();
  }
  has_assumptions_ = std::any_of(
      graph_.nodes.begin(), graph_.nodes.end(), [](const PlanNode& node) {
        return node.made != nullptr && node.made->assumes;
      });
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

void Plan::FindStridedValues() {
  may_stride_.assign(graph_.values.size(), true);
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const PlanNode& node = graph_.nodes[n];
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (kernels_[n] == nullptr ||
          !kernels_[n]->TakesStrides(static_cast<int>(i))) {
        may_stride_[node.inputs[i]] = false;
      }
    }
  }
  for (const PlanFrame& frame : graph_.frames) {
    for (int result : frame.results) may_stride_[result] = false;
  }
}

void Plan::FindKept() {
  kept_.resize(graph_.nodes.size());
  absl::flat_hash_map<int, int> start_of;  // By value: the variable.
  for (size_t v = 0; v < graph_.variables.size(); ++v) {
    if (graph_.variables[v].start >= 0)
      start_of[graph_.variables[v].start] = static_cast<int>(v);
  }
  // Adds the variables that `value` is read from; false if it is made in
  // another way.
  auto trace = [&](int value, std::vector<int>* variables) {
    while (true) {
      const auto start = start_of.find(value);
      if (start != start_of.end()) {
        variables->push_back(start->second);
        return true;
      }
      const int maker = graph_.values[value].node;
      if (maker < 0) return false;
      const PlanNode& node = graph_.nodes[maker];
      if (node.role == OpRole::kConst) return true;
      const bool reads =
          node.role == OpRole::kCompute && !node.traits().variables.empty() &&
          node.phase == WritePhase::kNone && node.inputs.size() == 1;
      if (!reads && node.role != OpRole::kIdentity) return false;
      value = node.inputs[0];
    }
  };
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const PlanNode& node = graph_.nodes[n];
    if (node.made == nullptr || !node.made->may_be_kept || node.frame != 0)
      continue;
    std::vector<int> variables;
    bool keeps = true;
    for (int input : node.inputs) keeps = keeps && trace(input, &variables);
    if (keeps) kept_[n] = std::move(variables);
  }
}

// Who changes weights in the run that uses them trains.
absl::Status Plan::CheckPrecision() const {
  if (options_.precision == Precision::kFloat32) return absl::OkStatus();
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    if (!kept_[n].has_value()) continue;
    for (int v : *kept_[n]) {
      const PlanVariable& variable = graph_.variables[v];
      if (variable.target < 0 && variable.shadow < 0) continue;
      return InvalidArgument(
          "variable '", variable.name, "' is changed, but its products at ",
          graph_.Describe(static_cast<int>(n)), " are of precision ",
          PrecisionName(options_.precision), ", which is for inference alone");
    }
  }
  return absl::OkStatus();
}

int64_t Plan::max_iterations(int node) const {
  const AttrValue* limit = graph_.nodes[node].attrs().Find("_max_iterations");
  const int64_t* own = limit != nullptr ? limit->get_if<int64_t>() : nullptr;
  return own != nullptr ? *own : options_.max_loop_iterations;
}

}  // namespace weft
