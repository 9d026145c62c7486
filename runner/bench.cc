// weft bench
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/status.h"
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

constexpr double kSeconds = 1;
constexpr int kFewestRuns = 3;

double MillisecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - start)
      .count();
}

// Values for a placeholder that nobody feeds. Axes of unknown size have the
// given sizes.
absl::StatusOr<Tensor> MakeUp(const Output& input, const BenchFlags& flags,
                              std::mt19937* random) {
  TensorShape shape = input.shape();
  bool is_known = shape.has_rank();
  for (int axis = 0; is_known && axis < shape.rank(); ++axis) {
    if (shape.dim(axis) >= 0) continue;
    is_known = axis < 2;
    shape.set_dim(axis, axis == 0 ? flags.batch : flags.time);
  }
  if (!is_known) {
    return InvalidArgument(input.name(), " is ", input.shape().ToString(),
                           ": give it by --feed, since --batch and --time do "
                           "not say how large it is");
  }
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(input.dtype(), shape));
  std::uniform_real_distribution<float> uniform(-1, 1);
  if (input.dtype() == DataType::kFloat) {
    for (float& x : tensor.mutable_data<float>()) x = uniform(*random);
  } else if (input.dtype() == DataType::kDouble) {
    for (double& x : tensor.mutable_data<double>()) x = uniform(*random);
  }
  return tensor;
}

// A session, ready to run, and what its runs gave and took.
struct Side {
  std::unique_ptr<Session> session;
  std::unique_ptr<Callable> callable;
  std::vector<Tensor> results;
  double first_ms = 0;
  std::vector<double> ms;  // But the first.

  double median() const {
    std::vector<double> sorted = ms;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
  double best() const { return *std::min_element(ms.begin(), ms.end()); }
};

// How far apart the elements of two results are.
struct Difference {
  double largest = 0;
  double root_mean_square = 0;
  double root_mean_square_of_values = 0;
};

template <typename T>
Difference Compare(const Tensor& got, const Tensor& wanted) {
  Difference d;
  double errors = 0, values = 0;
  const absl::Span<const T> a = got.data<T>(), b = wanted.data<T>();
  for (size_t i = 0; i < b.size(); ++i) {
    const double x = a[i], y = b[i];
    // Infinities of one sign are equal; NaN is far from everything else.
    const double error =
        x == y || (std::isnan(x) && std::isnan(y)) ? 0 : std::fabs(x - y);
    if (!(error <= d.largest)) d.largest = error;
    errors += error * error;
    values += y * y;
  }
  const double n = std::max<double>(static_cast<double>(b.size()), 1);
  d.root_mean_square = std::sqrt(errors / n);
  d.root_mean_square_of_values = std::sqrt(values / n);
  return d;
}

class BenchRun {
 public:
  BenchRun(const BenchFlags& flags, Console& console)
      : flags_(flags), console_(console) {}

  absl::Status Execute() {
    WEFT_ASSIGN_OR_RETURN(
        model_, LoadModel(flags_.model, {.tags = flags_.tags,
                                         .checkpoint = flags_.checkpoint}));
    WEFT_RETURN_IF_ERROR(WithExitCode(ChooseValues(), ExitCode::kFeed));
    WEFT_RETURN_IF_ERROR(Open(flags_.passes, flags_.precision, &side_));
    if (flags_.verify) {
      WEFT_RETURN_IF_ERROR(
          Open(IsReduced() ? flags_.passes : PassOptions{.enabled = false},
               Precision::kFloat32, &reference_));
      WEFT_RETURN_IF_ERROR(
          reference_.session->SetVariables(side_.session->GetVariables()));
    }
    WEFT_RETURN_IF_ERROR(WithExitCode(RunAll(), ExitCode::kRun));
    console_.Print(flags_.json ? AsJson() : AsText());
    return absl::OkStatus();
  }

 private:
  absl::Status ChooseValues() {
    const Graph& graph = model_.graph();
    WEFT_ASSIGN_OR_RETURN(const Interface names,
                          Interface::Create(model_, flags_.signature));
    WEFT_ASSIGN_OR_RETURN(const std::vector<NamedTensor> feeds,
                          ReadFeeds(graph, names, flags_.feeds));
    Outputs fed, fetched;
    for (const NamedTensor& feed : feeds) {
      signature_.feeds.push_back(feed.name);
      values_.push_back(feed.value);
      WEFT_ASSIGN_OR_RETURN(const Output output, graph.FindOutput(feed.name));
      fed.push_back(output);
    }
    for (const std::string& name :
         flags_.fetches.empty() ? names.Outputs() : flags_.fetches) {
      WEFT_ASSIGN_OR_RETURN(const std::string in_graph, names.Output(name));
      WEFT_ASSIGN_OR_RETURN(const Output output, graph.FindOutput(in_graph));
      fetched.push_back(output);
    }
    if (fetched.empty()) fetched = UnconsumedOutputs(graph);
    if (fetched.empty()) {
      return InvalidArgument(model_.path,
                             " has no outputs; name one by --fetch");
    }
    for (const Output& output : fetched)
      signature_.fetches.push_back(output.name());
    std::mt19937 random(1);
    for (const Output& input : NeededPlaceholders(fetched, fed)) {
      WEFT_ASSIGN_OR_RETURN(Tensor value, MakeUp(input, flags_, &random));
      signature_.feeds.push_back(input.name());
      values_.push_back(std::move(value));
    }
    return absl::OkStatus();
  }

  bool IsReduced() const { return flags_.precision != Precision::kFloat32; }

  absl::Status Open(const PassOptions& passes, Precision precision,
                    Side* side) {
    absl::StatusOr<std::unique_ptr<Session>> session =
        Session::Create(model_.graph(), {.num_threads = flags_.threads,
                                         .passes = passes,
                                         .precision = precision});
    if (!session.ok()) {
      return WithExitCode(Annotate(session.status(), model_.path),
                          ExitCode::kModel);
    }
    side->session = *std::move(session);
    absl::StatusOr<std::unique_ptr<Callable>> callable =
        side->session->Prepare(signature_);
    if (!callable.ok())
      return WithExitCode(callable.status(), ExitCode::kModel);
    side->callable = *std::move(callable);
    if (!model_.checkpoint.empty()) {
      return RestoreVariables(model_.checkpoint, flags_.checkpoint.empty(),
                              console_, side->session.get());
    }
    return WithExitCode(side->session->Initialize(), ExitCode::kRun);
  }

  absl::Status RunAll() {
    const InterruptScope interrupt;
    const weft::RunOptions options = {.cancellation = &interrupt.token()};
    const auto turn = [&](Side* side, bool is_first) -> absl::Status {
      const auto start = std::chrono::steady_clock::now();
      WEFT_RETURN_IF_ERROR(
          side->callable->Run(values_, &side->results, options));
      const double ms = MillisecondsSince(start);
      if (is_first) {
        side->first_ms = ms;
      } else {
        side->ms.push_back(ms);
      }
      return absl::OkStatus();
    };
    const auto start = std::chrono::steady_clock::now();
    for (int run = 0;
         run <= kFewestRuns || run <= flags_.repeat ||
         (flags_.repeat == 0 && MillisecondsSince(start) < kSeconds * 1000);
         ++run) {
      if (flags_.repeat > 0 && run > flags_.repeat) break;
      WEFT_RETURN_IF_ERROR(turn(&side_, run == 0));
      if (flags_.verify) WEFT_RETURN_IF_ERROR(turn(&reference_, run == 0));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Difference> DifferenceOf(size_t fetch) const {
    const Tensor& got = side_.results[fetch];
    const Tensor& wanted = reference_.results[fetch];
    if (got.dtype() == DataType::kFloat) return Compare<float>(got, wanted);
    if (got.dtype() == DataType::kDouble) return Compare<double>(got, wanted);
    return Unimplemented("only numbers of float and double are compared");
  }

  std::string AsText() const {
    std::string text = absl::StrCat(
        "precision ", PrecisionName(flags_.precision), ", ", side_.ms.size(),
        " runs: first ", side_.first_ms, " ms, median ", side_.median(),
        " ms, best ", side_.best(), " ms\n");
    if (!flags_.verify) return text;
    absl::StrAppend(&text, IsReduced() ? "float32" : "as it stands", ": first ",
                    reference_.first_ms, " ms, median ", reference_.median(),
                    " ms, best ", reference_.best(), " ms; ",
                    reference_.best() / side_.best(), " times as long\n");
    for (size_t i = 0; i < signature_.fetches.size(); ++i) {
      const absl::StatusOr<Difference> d = DifferenceOf(i);
      absl::StrAppend(
          &text, signature_.fetches[i], "  ",
          DescribeType(side_.results[i].dtype(), side_.results[i].shape()));
      if (d.ok()) {
        absl::StrAppend(&text, "  largest error ", d->largest,
                        ", root mean square ", d->root_mean_square, " of ",
                        d->root_mean_square_of_values, "\n");
      } else {
        absl::StrAppend(&text, "  ", d.status().message(), "\n");
      }
    }
    return text;
  }

  std::string AsJson() const {
    std::string text = absl::StrCat(
        "{\"precision\": \"", PrecisionName(flags_.precision),
        "\", \"runs\": ", side_.ms.size(), ", \"first_ms\": ", side_.first_ms,
        ", \"median_ms\": ", side_.median(), ", \"best_ms\": ", side_.best());
    if (!flags_.verify) return text + "}\n";
    absl::StrAppend(&text, ", \"reference_median_ms\": ", reference_.median(),
                    ", \"reference_best_ms\": ", reference_.best(),
                    ", \"outputs\": [");
    for (size_t i = 0; i < signature_.fetches.size(); ++i) {
      const absl::StatusOr<Difference> d = DifferenceOf(i);
      absl::StrAppend(&text, i == 0 ? "\n" : ",\n",
                      "  {\"name\": ", JsonString(signature_.fetches[i]));
      if (d.ok()) {
        absl::StrAppend(
            &text, ", \"max_error\": ", JsonNumber(d->largest),
            ", \"rms_error\": ", JsonNumber(d->root_mean_square),
            ", \"rms\": ", JsonNumber(d->root_mean_square_of_values));
      }
      text += "}";
    }
    return text + "\n]}\n";
  }

  static std::string JsonNumber(double x) {
    return std::isfinite(x) ? absl::StrCat(x) : "null";
  }

  const BenchFlags& flags_;
  Console& console_;
  Model model_;
  Signature signature_;
  std::vector<Tensor> values_;  // By feed.
  Side side_, reference_;
};

}  // namespace

absl::Status Bench(const BenchFlags& flags, Console& console) {
  return BenchRun(flags, console).Execute();
}

}  // namespace weft::runner
