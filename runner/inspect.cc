// weft inspect
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "core/tensor.h"
#include "runner/exit_code.h"
#include "runner/feed.h"
#include "runner/graph_facts.h"
#include "runner/inspect_checkpoint.h"
#include "runner/inspect_format.h"
#include "runner/interface.h"
#include "runner/model.h"
#include "runner/verbs.h"
#include "runtime/session.h"

namespace weft::runner {
namespace {

absl::StatusOr<Outputs> FindOutputs(const Graph& graph, absl::string_view flag,
                                    const std::vector<std::string>& names) {
  Outputs outputs;
  for (const std::string& name : names) {
    const absl::StatusOr<Output> output = graph.FindOutput(name);
    if (!output.ok()) {
      return Annotate(output.status(),
                      absl::StrCat(flag, " '", Printable(name), "'"));
    }
    outputs.push_back(*output);
  }
  return outputs;
}

std::vector<std::string> NamesOf(const Outputs& outputs) {
  std::vector<std::string> names;
  for (const Output& output : outputs) names.push_back(output.name());
  return names;
}

// What to plan for, and, if they are given, the values of its feeds.
struct PlanRequest {
  Signature signature;
  std::vector<Tensor> values;
};

absl::StatusOr<PlanRequest> ReadRequest(const InspectFlags& flags,
                                        const Model& model) {
  const Graph& graph = model.graph();
  WEFT_ASSIGN_OR_RETURN(const Interface interface,
                        Interface::Create(model, flags.signature));
  PlanRequest request;
  std::vector<std::string> names;
  for (const std::string& feed : flags.feeds) {
    WEFT_ASSIGN_OR_RETURN(std::string name,
                          interface.Input(SplitAssignment(feed).name));
    names.push_back(std::move(name));
  }
  std::vector<std::string> wanted =
      flags.fetches.empty() ? interface.Outputs() : flags.fetches;
  for (std::string& name : wanted) {
    WEFT_ASSIGN_OR_RETURN(name, interface.Output(name));
  }
  WEFT_ASSIGN_OR_RETURN(Outputs fetches, FindOutputs(graph, "--fetch", wanted));
  WEFT_ASSIGN_OR_RETURN(Outputs feeds, FindOutputs(graph, "--feed", names));
  if (fetches.empty()) fetches = UnconsumedOutputs(graph);
  if (fetches.empty()) {
    return InvalidArgument("the model has no outputs; name one by --fetch");
  }
  if (std::any_of(flags.feeds.begin(), flags.feeds.end(), [](const auto& feed) {
        return SplitAssignment(feed).has_value;
      })) {
    WEFT_ASSIGN_OR_RETURN(const std::vector<NamedTensor> values,
                          ReadFeeds(graph, interface, flags.feeds));
    for (const NamedTensor& feed : values) request.values.push_back(feed.value);
  }
  if (feeds.empty()) feeds = NeededPlaceholders(fetches, {});
  request.signature = {.feeds = NamesOf(feeds), .fetches = NamesOf(fetches)};
  return request;
}

absl::StatusOr<std::string> DescribePlan(const InspectFlags& flags,
                                         const Model& model,
                                         const Console& console) {
  absl::StatusOr<PlanRequest> request = ReadRequest(flags, model);
  if (!request.ok()) return WithExitCode(request.status(), ExitCode::kFeed);
  const absl::StatusOr<std::unique_ptr<Session>> session = Session::Create(
      model.graph(),
      {.num_threads = 1, .passes = flags.passes, .precision = flags.precision});
  if (!session.ok()) return WithExitCode(session.status(), ExitCode::kModel);
  const absl::StatusOr<std::unique_ptr<Callable>> callable =
      (*session)->Prepare(request->signature);
  if (!callable.ok()) return WithExitCode(callable.status(), ExitCode::kModel);
  if (!model.checkpoint.empty()) {
    WEFT_RETURN_IF_ERROR(RestoreVariables(
        model.checkpoint, flags.checkpoint.empty(), console, session->get()));
  }
  if (!request->values.empty()) {
    std::vector<Tensor> results;
    const absl::Status status = (*callable)->Run(request->values, &results);
    WEFT_RETURN_IF_ERROR(WithExitCode(status, ExitCode::kRun));
  }
  return (*callable)->DescribePlan();
}

}  // namespace

absl::Status Inspect(const InspectFlags& flags, Console& console) {
  const bool wants_plan = !flags.fetches.empty() || !flags.feeds.empty() ||
                          !flags.checkpoint.empty() || !flags.signature.empty();
  if (wants_plan && !flags.plan) {
    return WithExitCode(
        InvalidArgument(
            "--fetch, --feed, --signature and --checkpoint are for --plan"),
        ExitCode::kUsage);
  }
  if (!flags.plan && IsCheckpoint(flags.model))
    return InspectCheckpoint(flags, console);
  WEFT_ASSIGN_OR_RETURN(
      const Model model,
      LoadModel(flags.model,
                {.tags = flags.tags, .checkpoint = flags.checkpoint}));
  const GraphFacts facts = CollectFacts(model.graph());
  std::string plan;
  if (flags.plan) {
    WEFT_ASSIGN_OR_RETURN(plan, DescribePlan(flags, model, console));
  }
  console.Print(flags.json ? FactsAsJson(model, facts, plan)
                           : FactsAsText(model, facts, plan));
  return absl::OkStatus();
}

}  // namespace weft::runner
