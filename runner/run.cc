// weft run
#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status.h"
#include "io/npy.h"
#include "runner/exit_code.h"
#include "runner/feed.h"
#include "runner/graph_facts.h"
#include "runner/interface.h"
#include "runner/interrupt.h"
#include "runner/model.h"
#include "runner/tensor_text.h"
#include "runner/verbs.h"
#include "runtime/session.h"

namespace weft::runner {
namespace {

struct FetchTarget {
  std::string name;   // As it was asked for.
  std::string file;   // Empty: to print.
  std::string value;  // What it is called in the graph.
};

std::string JoinNames(const Outputs& outputs) {
  return absl::StrJoin(outputs, ", ",
                       [](std::string* out, const Output& output) {
                         absl::StrAppend(out, output.name());
                       });
}

absl::StatusOr<std::vector<FetchTarget>> ReadFetches(
    const std::vector<std::string>& fetches) {
  std::vector<FetchTarget> targets;
  std::set<std::string> files;
  for (const std::string& text : fetches) {
    Assignment fetch = SplitAssignment(text);
    if (fetch.name.empty() ||
        (fetch.has_value && !absl::EndsWith(fetch.value, ".npy"))) {
      return WithExitCode(InvalidArgument("--fetch '", Printable(text),
                                          "' must be NAME or NAME=FILE.npy"),
                          ExitCode::kUsage);
    }
    if (fetch.has_value && !files.insert(fetch.value).second) {
      return WithExitCode(InvalidArgument("two fetches are to be written to '",
                                          Printable(fetch.value), "'"),
                          ExitCode::kUsage);
    }
    targets.push_back({fetch.name, std::move(fetch.value), fetch.name});
  }
  return targets;
}

// What nobody uses, as far as the feeds are enough for it; else all of it, for
// the run to say what is missing.
std::vector<FetchTarget> DefaultFetches(const Graph& graph,
                                        const std::vector<NamedTensor>& feeds,
                                        const Console& console) {
  Outputs fed;
  for (const NamedTensor& feed : feeds)
    fed.push_back(*graph.FindOutput(feed.name));
  const Outputs all = UnconsumedOutputs(graph);
  const std::vector<bool> missing = DependOnMissingFeeds(graph, fed);
  Outputs ready;
  Outputs left_out;
  for (const Output& output : all) {
    (missing[output.node()->id()] ? left_out : ready).push_back(output);
  }
  if (!ready.empty() && !left_out.empty()) {
    console.Note(absl::StrCat("not fetched, since ",
                              JoinNames(NeededPlaceholders(left_out, fed)),
                              " is not fed: ", JoinNames(left_out)));
  }
  std::vector<FetchTarget> targets;
  for (const Output& output : ready.empty() ? all : ready)
    targets.push_back({output.name(), "", output.name()});
  return targets;
}

// One run of the command.
class Runner {
 public:
  Runner(const RunFlags& flags, Console& console)
      : flags_(flags), console_(console) {}

  absl::Status Execute() {
    WEFT_ASSIGN_OR_RETURN(fetches_, ReadFetches(flags_.fetches));
    LoadOptions options = {.tags = flags_.tags,
                           .checkpoint = flags_.checkpoint};
    options.import.max_tensor_bytes = static_cast<int64_t>(std::min<size_t>(
        flags_.memory, static_cast<size_t>(options.import.max_tensor_bytes)));
    WEFT_ASSIGN_OR_RETURN(Model model, LoadModel(flags_.model, options));
    WEFT_ASSIGN_OR_RETURN(const Interface names,
                          Interface::Create(model, flags_.signature));
    WEFT_ASSIGN_OR_RETURN(feeds_,
                          ReadFeeds(model.graph(), names, flags_.feeds));
    for (const std::string& name :
         fetches_.empty() ? names.Outputs() : std::vector<std::string>{})
      fetches_.push_back({name, "", name});
    for (FetchTarget& fetch : fetches_) {
      WEFT_ASSIGN_OR_RETURN(fetch.value, names.Output(fetch.name));
    }
    if (fetches_.empty())
      fetches_ = DefaultFetches(model.graph(), feeds_, console_);
    if (fetches_.empty()) {
      return WithExitCode(
          InvalidArgument(model.path, " has no outputs; name one by --fetch"),
          ExitCode::kFeed);
    }
    WEFT_RETURN_IF_ERROR(OpenSession(std::move(model)));
    WEFT_RETURN_IF_ERROR(Prepare());
    WEFT_RETURN_IF_ERROR(RunAll());
    WEFT_RETURN_IF_ERROR(WriteFiles());
    console_.Print(flags_.json ? ResultsAsJson() : ResultsAsText());
    return absl::OkStatus();
  }

 private:
  absl::Status OpenSession(Model model);
  absl::Status Prepare();
  absl::Status RunAll();
  absl::Status Explain(absl::Status status, bool interrupted) const;
  void ReportTimes() const;
  absl::Status WriteFiles() const;
  std::string ResultsAsText() const;
  std::string ResultsAsJson() const;

  const RunFlags& flags_;
  Console& console_;
  std::string checkpoint_;
  std::vector<FetchTarget> fetches_;
  std::vector<NamedTensor> feeds_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Callable> callable_;
  std::vector<Tensor> results_;  // By fetch.
  std::vector<double> milliseconds_;
};

absl::Status Runner::OpenSession(Model model) {
  checkpoint_ = model.checkpoint;
  absl::StatusOr<std::unique_ptr<Session>> session = Session::Create(
      std::move(model.meta_graph.graph), {.num_threads = flags_.threads,
                                          .memory_budget_bytes = flags_.memory,
                                          .passes = flags_.passes,
                                          .precision = flags_.precision});
  if (!session.ok()) {
    return WithExitCode(Annotate(session.status(), model.path),
                        ExitCode::kModel);
  }
  session_ = *std::move(session);
  if (checkpoint_.empty()) return absl::OkStatus();
  return RestoreVariables(checkpoint_, flags_.checkpoint.empty(), console_,
                          session_.get());
}

absl::Status Runner::Prepare() {
  Signature signature;
  for (const NamedTensor& feed : feeds_) signature.feeds.push_back(feed.name);
  for (const FetchTarget& fetch : fetches_)
    signature.fetches.push_back(fetch.value);
  absl::StatusOr<std::unique_ptr<Callable>> callable =
      session_->Prepare(signature);
  if (!callable.ok()) {
    const bool cannot_run = absl::IsUnimplemented(callable.status());
    return WithExitCode(callable.status(),
                        cannot_run ? ExitCode::kModel : ExitCode::kFeed);
  }
  callable_ = *std::move(callable);
  return absl::OkStatus();
}

absl::Status Runner::RunAll() {
  std::vector<Tensor> values;
  for (const NamedTensor& feed : feeds_) values.push_back(feed.value);
  const InterruptScope interrupt;
  const weft::RunOptions options = {.timeout = flags_.timeout,
                                    .cancellation = &interrupt.token(),
                                    .check_numerics = flags_.check_numerics};
  for (int i = 0; i < flags_.repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const absl::Status status = callable_->Run(values, &results_, options);
    if (!status.ok()) return Explain(status, interrupt.token().cancelled());
    const std::chrono::duration<double, std::milli> time =
        std::chrono::steady_clock::now() - start;
    milliseconds_.push_back(time.count());
  }
  if (flags_.repeat > 1) ReportTimes();
  return absl::OkStatus();
}

absl::Status Runner::Explain(absl::Status status, bool interrupted) const {
  if (absl::IsCancelled(status) && interrupted) {
    status = absl::CancelledError("stopped by a signal");
  }
  if (absl::IsFailedPrecondition(status) && checkpoint_.empty() &&
      !session_->graph().variables().empty()) {
    status = FailedPrecondition(
        status.message(),
        "; the graph has variables: give their values by --checkpoint");
  }
  return WithExitCode(std::move(status), ExitCode::kRun);
}

void Runner::ReportTimes() const {
  std::vector<double> sorted = milliseconds_;
  std::sort(sorted.begin(), sorted.end());
  console_.Note(absl::StrCat(
      sorted.size(), " runs: first ", milliseconds_.front(), " ms, median ",
      sorted[sorted.size() / 2], " ms, best ", sorted.front(), " ms"));
}

absl::Status Runner::WriteFiles() const {
  for (size_t i = 0; i < fetches_.size(); ++i) {
    if (fetches_[i].file.empty()) continue;
    const absl::Status status = WriteNpy(fetches_[i].file, results_[i]);
    if (!status.ok()) {
      return WithExitCode(
          Annotate(status, absl::StrCat("--fetch ", fetches_[i].name)),
          ExitCode::kOutput);
    }
  }
  return absl::OkStatus();
}

std::string Runner::ResultsAsText() const {
  std::string text;
  for (size_t i = 0; i < fetches_.size(); ++i) {
    const Tensor& value = results_[i];
    absl::StrAppend(&text, fetches_[i].name, "  ",
                    DescribeType(value.dtype(), value.shape()));
    if (fetches_[i].file.empty()) {
      absl::StrAppend(&text, "\n  ", TensorToText(value, 2), "\n");
    } else {
      absl::StrAppend(&text, "  -> ", fetches_[i].file, "\n");
    }
  }
  return text;
}

std::string Runner::ResultsAsJson() const {
  std::string text = "{\"outputs\": [";
  for (size_t i = 0; i < fetches_.size(); ++i) {
    const Tensor& value = results_[i];
    absl::StrAppend(&text, i == 0 ? "\n" : ",\n",
                    "  {\"name\": ", JsonString(fetches_[i].name),
                    ", \"dtype\": \"", DataTypeName(value.dtype()),
                    "\", \"shape\": ", ShapeToJson(value.shape()));
    if (fetches_[i].file.empty()) {
      absl::StrAppend(&text, ", \"values\": ", TensorToJson(value), "}");
    } else {
      absl::StrAppend(&text, ", \"file\": ", JsonString(fetches_[i].file), "}");
    }
  }
  return text + "\n]}\n";
}

}  // namespace

absl::Status Run(const RunFlags& flags, Console& console) {
  return Runner(flags, console).Execute();
}

}  // namespace weft::runner
