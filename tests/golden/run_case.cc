#include "tests/golden/run_case.h"

#include <cmath>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/status.h"
#include "ops/gradients.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/golden/adapter.h"

namespace weft::golden {
namespace {

// Cases whose values follow the original source where weft follows the
// documents.
struct Quirk {
  const char* family;
  const char* reason;
};

constexpr Quirk kQuirks[] = {
    {"tflearn.simple_rnn",
     "an all-zero step ends the sequence; the source counts the other steps"},
    {"tflearn.lstm",
     "an all-zero step ends the sequence; the source counts the other steps"},
    {"tflearn.gru",
     "an all-zero step ends the sequence; the source counts the other steps"},
    {"polyaxon.bidirectional",
     "dynamic gives the same concatenation as static; the source gives a pair, "
     "or the forward output alone"},
    {"keras2.init",
     "unit_forget_bias forces zeros elsewhere; the source lets "
     "bias_initializer "
     "stand"},
};

// ---- Graphs ----------------------------------------------------------------

// Dims that may differ from run to run are unknown while building: the batch,
// and for a loop the time.
TensorShape PlaceholderShape(const TensorShape& shape, Form form) {
  TensorShape result = shape;
  if (shape.rank() >= 1) result.set_dim(0, TensorShape::kUnknownDim);
  if (shape.rank() >= 3 && form == Form::kLoop) {
    result.set_dim(1, TensorShape::kUnknownDim);
  }
  return result;
}

absl::StatusOr<Output> Differentiable(const CaseGraph& built,
                                      const std::string& name) {
  const auto weight = built.weights.find(name);
  if (weight != built.weights.end()) return weight->second.read();
  const auto input = built.inputs.find(name);
  if (input != built.inputs.end()) return input->second;
  return InvalidArgument("there is no weight or input '", name, "'");
}

// The gradients that the case expects, in its order.
absl::StatusOr<Outputs> GradientsOf(const GoldenCase& c,
                                    const CaseGraph& built) {
  if (c.gradients.empty()) return Outputs{};
  Outputs ys;
  GradientsOptions options{.zeros_if_unconnected = true};
  for (const auto& [name, cotangent] : c.cotangents) {
    const auto y = built.outputs.find(name);
    if (y == built.outputs.end()) {
      return InvalidArgument("there is no output '", name,
                             "' to differentiate");
    }
    ys.push_back(y->second);
    options.grad_ys.push_back(Const(built.graph, cotangent));
  }
  Outputs xs;
  for (const auto& [name, expected] : c.gradients) {
    WEFT_ASSIGN_OR_RETURN(const Output x, Differentiable(built, name));
    xs.push_back(x);
  }
  return Gradients(ys, xs, options);
}

// ---- Runs ------------------------------------------------------------------

template <typename T>
std::string Difference(const Tensor& got, const Tensor& expected,
                       double tolerance) {
  for (int64_t i = 0; i < got.num_elements(); ++i) {
    const double g = static_cast<double>(got.data<T>()[i]);
    const double e = static_cast<double>(expected.data<T>()[i]);
    if (!(std::abs(g - e) <= tolerance * (1 + std::abs(e)))) {
      return absl::StrCat("[", i, "]: got ", g, ", expected ", e);
    }
  }
  return "";
}

}  // namespace

absl::Status Compare(const std::string& what, const Tensor& got,
                     const Tensor& expected, double tolerance) {
  if (got.shape() != expected.shape() || got.dtype() != expected.dtype()) {
    return InvalidArgument(what, ": got ", DataTypeName(got.dtype()), " ",
                           got.shape().ToString(), ", expected ",
                           DataTypeName(expected.dtype()), " ",
                           expected.shape().ToString());
  }
  const std::string difference =
      got.dtype() == DataType::kInt32
          ? Difference<int32_t>(got, expected, tolerance)
          : Difference<float>(got, expected, tolerance);
  if (difference.empty()) return absl::OkStatus();
  return InvalidArgument(what, difference);
}

namespace {

// A tensor that the case expects, and where a run finds it.
struct Expectation {
  std::string what;
  Tensor expected;
  Output fetch;
};

absl::StatusOr<std::vector<Expectation>> ExpectationsOf(
    const GoldenCase& c, const CaseGraph& built) {
  std::vector<Expectation> expectations;
  for (const auto& [name, expected] : c.outputs) {
    if (built.outputs_after.contains(name)) continue;
    const auto y = built.outputs.find(name);
    if (y == built.outputs.end()) {
      return InvalidArgument("there is no output '", name, "'");
    }
    expectations.push_back(
        {absl::StrCat("output ", name), expected, y->second});
  }
  WEFT_ASSIGN_OR_RETURN(const Outputs gradients, GradientsOf(c, built));
  size_t k = 0;
  for (const auto& [name, expected] : c.gradients) {
    expectations.push_back(
        {absl::StrCat("gradient ", name), expected, gradients[k++]});
  }
  return expectations;
}

absl::Status SetWeights(const GoldenCase& c, const CaseGraph& built,
                        Session& session) {
  for (const auto& [name, value] : c.weights) {
    const auto weight = built.weights.find(name);
    if (weight == built.weights.end()) {
      return InvalidArgument("there is no weight '", name, "'");
    }
    WEFT_RETURN_IF_ERROR(session.SetVariable(weight->second.name(), value));
  }
  return absl::OkStatus();
}

absl::Status RunGraph(const GoldenCase& c, CaseGraph& built) {
  WEFT_RETURN_IF_ERROR(built.graph.status());
  WEFT_ASSIGN_OR_RETURN(const std::vector<Expectation> expectations,
                        ExpectationsOf(c, built));
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                        Session::Create(built.graph, {.num_threads = 1}));
  WEFT_RETURN_IF_ERROR(SetWeights(c, built, *session));
  // Those that the case does not give: states, and initial values to compare.
  WEFT_RETURN_IF_ERROR(session->Initialize());
  std::vector<Feed> feeds;
  for (const auto& [name, value] : c.inputs)
    feeds.emplace_back(built.inputs[name], value);
  std::vector<Fetch> fetches;
  for (const Expectation& e : expectations) fetches.emplace_back(e.fetch);
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> got,
                        session->Run(feeds, fetches));
  for (size_t i = 0; i < got.size(); ++i) {
    WEFT_RETURN_IF_ERROR(Compare(expectations[i].what, got[i],
                                 expectations[i].expected, c.tolerance));
  }
  for (const auto& [name, variable] : built.outputs_after) {
    WEFT_ASSIGN_OR_RETURN(const Tensor value,
                          session->GetVariable(variable.name()));
    WEFT_RETURN_IF_ERROR(Compare(absl::StrCat("output ", name), value,
                                 c.outputs.at(name), c.tolerance));
  }
  return absl::OkStatus();
}

std::string OneLine(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"\n", " "}});
}

CaseResult ResultOf(const absl::Status& status, Form form) {
  if (status.ok()) return {};
  return {CaseResult::kFailed,
          absl::StrCat(form == Form::kLoop ? "as a loop: " : "unrolled: ",
                       OneLine(status.message()))};
}

CaseResult RunForm(const GoldenCase& c, const Adapter& adapter, Form form) {
  if (adapter.Runs(c)) return ResultOf(adapter.run(c, form), form);
  Graph graph;
  CaseGraph built{.graph = graph, .form = form};
  for (const auto& [name, value] : c.inputs) {
    built.inputs[name] = Placeholder(graph, name, value.dtype(),
                                     PlaceholderShape(value.shape(), form));
  }
  absl::Status status = adapter.build(c, &built);
  if (absl::IsUnimplemented(status) && graph.status().ok()) {
    return {CaseResult::kSkipped, OneLine(status.message())};
  }
  if (status.ok()) status = RunGraph(c, built);
  return ResultOf(status, form);
}

}  // namespace

CaseResult RunCase(const GoldenCase& c) {
  for (const Quirk& quirk : kQuirks) {
    if (c.family == quirk.family && c.HasTag("source_quirk")) {
      return {CaseResult::kSkipped, quirk.reason};
    }
  }
  const Adapter* adapter = FindAdapter(c.family);
  if (adapter == nullptr) {
    return {CaseResult::kSkipped,
            absl::StrCat("there is no family ", c.family)};
  }
  for (Form form : adapter->forms) {
    const CaseResult result = RunForm(c, *adapter, form);
    if (result.kind != CaseResult::kPassed) return result;
  }
  return {};
}

}  // namespace weft::golden
