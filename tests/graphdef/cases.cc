#include "tests/graphdef/cases.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status.h"
#include "graph/export.h"
#include "graph/graph_def.h"
#include "graph/import.h"
#include "io/graph_file.h"
#include "io/npy.h"
#include "nlohmann/json.hpp"
#include "proto/graph.pb.h"
#include "runtime/session.h"

namespace weft {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

absl::StatusOr<std::map<std::string, std::string>> Paths(
    const Json& json, const char* key, const std::string& directory) {
  std::map<std::string, std::string> paths;
  if (!json.contains(key)) return paths;
  if (!json[key].is_object())
    return InvalidArgument("'", key, "' is no object");
  for (const auto& [name, file] : json[key].items()) {
    if (!file.is_string())
      return InvalidArgument("'", key, "': '", name, "' is no file");
    paths[name] = absl::StrCat(directory, "/", file.get<std::string>());
  }
  return paths;
}

absl::StatusOr<GraphCase> ReadCase(const fs::path& path, const fs::path& root) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const Json json =
      Json::parse(text.str(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return InvalidArgument("is no JSON object");
  GraphCase result;
  result.directory = path.parent_path().string();
  result.name = fs::relative(path.parent_path(), root).string();
  result.graph =
      absl::StrCat(result.directory, "/", json.value("graph", "graph.pb"));
  WEFT_ASSIGN_OR_RETURN(result.inputs, Paths(json, "inputs", result.directory));
  WEFT_ASSIGN_OR_RETURN(result.outputs,
                        Paths(json, "outputs", result.directory));
  result.rtol = json.value("rtol", 1e-5);
  result.atol = json.value("atol", 1e-6);
  return result;
}

// The elements as doubles; empty if they are no numbers.
std::vector<double> Numbers(const Tensor& tensor) {
  std::vector<double> numbers;
  auto add = [&](auto values) {
    for (const auto& value : values)
      numbers.push_back(static_cast<double>(value));
  };
  auto add_halves = [&](auto values) {
    for (const auto& value : values) numbers.push_back(ToFloat(value));
  };
  switch (tensor.dtype()) {
    case DataType::kFloat:
      add(tensor.data<float>());
      break;
    case DataType::kDouble:
      add(tensor.data<double>());
      break;
    case DataType::kHalf:
      add_halves(tensor.data<Half>());
      break;
    case DataType::kBfloat16:
      add_halves(tensor.data<Bfloat16>());
      break;
    case DataType::kBool:
      add(tensor.data<bool>());
      break;
    case DataType::kInt8:
      add(tensor.data<int8_t>());
      break;
    case DataType::kInt16:
      add(tensor.data<int16_t>());
      break;
    case DataType::kInt32:
      add(tensor.data<int32_t>());
      break;
    case DataType::kInt64:
      add(tensor.data<int64_t>());
      break;
    case DataType::kUint8:
      add(tensor.data<uint8_t>());
      break;
    case DataType::kUint16:
      add(tensor.data<uint16_t>());
      break;
    case DataType::kUint32:
      add(tensor.data<uint32_t>());
      break;
    case DataType::kUint64:
      add(tensor.data<uint64_t>());
      break;
    default:
      break;
  }
  return numbers;
}

bool IsNear(double got, double expected, double rtol, double atol) {
  if (std::isnan(expected)) return std::isnan(got);
  if (std::isinf(expected)) return got == expected;
  return std::abs(got - expected) <= atol + rtol * std::abs(expected);
}

// The graph after it was written and read again, and the names that outputs
// called
// `*names` have in it.
absl::StatusOr<std::unique_ptr<Graph>> RoundTrip(
    const Graph& graph, const std::string& kind,
    std::map<std::string, std::string>* names) {
  for (auto& [name, now] : *names) {
    WEFT_ASSIGN_OR_RETURN(const Output output, graph.FindOutput(name));
    now = output.name();
  }
  WEFT_ASSIGN_OR_RETURN(
      const proto::GraphDef def,
      ExportGraphDef(graph, {.v1_control_flow = kind == "v1"}));
  const GraphFormat format =
      kind == "text" ? GraphFormat::kText : GraphFormat::kBinary;
  WEFT_ASSIGN_OR_RETURN(const std::string bytes,
                        SerializeGraphDef(def, format));
  WEFT_ASSIGN_OR_RETURN(const proto::GraphDef again, ParseGraphDef(bytes));
  absl::StatusOr<std::unique_ptr<Graph>> result = ImportGraphDef(again);
  if (!result.ok())
    return Annotate(result.status(), absl::StrCat("read again as ", kind));
  return result;
}

absl::StatusOr<std::vector<Tensor>> RunGraph(
    const Graph& graph, const GraphCase& graph_case,
    const std::map<std::string, std::string>& names,
    const CaseOptions& options) {
  SessionOptions session_options;
  session_options.passes.enabled = options.passes;
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                        Session::Create(graph, session_options));
  WEFT_RETURN_IF_ERROR(session->Initialize());
  std::vector<Feed> feeds;
  for (const auto& [name, path] : graph_case.inputs) {
    WEFT_ASSIGN_OR_RETURN(Tensor value, ReadNpy(path));
    feeds.emplace_back(names.at(name), std::move(value));
  }
  std::vector<Fetch> fetches;
  for (const auto& [name, path] : graph_case.outputs)
    fetches.emplace_back(names.at(name));
  return session->Run(feeds, fetches);
}

}  // namespace

absl::StatusOr<std::vector<GraphCase>> FindCases(const std::string& directory) {
  std::error_code error;
  std::set<fs::path> files;
  for (fs::recursive_directory_iterator it(directory, error), end;
       !error && it != end; it.increment(error)) {
    if (it->path().filename() == "case.json") files.insert(it->path());
  }
  if (error) return NotFound("'", directory, "': ", error.message());
  std::vector<GraphCase> cases;
  for (const fs::path& file : files) {
    absl::StatusOr<GraphCase> graph_case = ReadCase(file, directory);
    if (!graph_case.ok()) return Annotate(graph_case.status(), file.string());
    cases.push_back(*std::move(graph_case));
  }
  return cases;
}

absl::Status CompareTensors(const Tensor& got, const Tensor& expected,
                            double rtol, double atol) {
  // Numbers may have been recorded in another precision.
  const bool same_kind =
      got.dtype() == expected.dtype() ||
      (IsFloating(got.dtype()) && IsFloating(expected.dtype()));
  if (!same_kind || got.shape() != expected.shape()) {
    return InvalidArgument("is ", DataTypeName(got.dtype()), " ",
                           got.shape().ToString(), " but must be ",
                           DataTypeName(expected.dtype()), " ",
                           expected.shape().ToString());
  }
  const std::vector<double> got_numbers = Numbers(got);
  const std::vector<double> expected_numbers = Numbers(expected);
  if (static_cast<int64_t>(got_numbers.size()) != got.num_elements()) {
    return Unimplemented("elements that are ", DataTypeName(got.dtype()),
                         " cannot be compared");
  }
  size_t wrong = 0;
  size_t first = 0;
  for (size_t i = 0; i < got_numbers.size(); ++i) {
    if (IsNear(got_numbers[i], expected_numbers[i], rtol, atol)) continue;
    if (wrong++ == 0) first = i;
  }
  if (wrong == 0) return absl::OkStatus();
  return InvalidArgument(wrong, " of ", got_numbers.size(),
                         " elements differ, first number ", first, ": ",
                         got_numbers[first], " but must be ",
                         expected_numbers[first]);
}

std::vector<std::string> MissingOps(const Graph& graph,
                                    const std::vector<std::string>& fetches) {
  std::set<std::string> missing;
  absl::flat_hash_set<const Node*> seen;
  std::vector<const Node*> open;
  auto add = [&](const Node* node) {
    if (seen.insert(node).second) open.push_back(node);
  };
  for (const std::string& fetch : fetches) {
    const absl::StatusOr<Output> output = graph.FindOutput(fetch);
    if (output.ok()) add(output->node());
  }
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    if (node->schema() == nullptr) missing.insert(node->op());
    for (const Output& input : node->inputs()) add(input.node());
    for (const Node* control : node->control_inputs()) add(control);
    for (int b = 0; b < node->num_bodies(); ++b) {
      for (const Output& result : node->body(b).results()) add(result.node());
    }
  }
  return {missing.begin(), missing.end()};
}

absl::Status RunCase(const GraphCase& graph_case, const CaseOptions& options) {
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Graph> graph,
                        ReadGraph(graph_case.graph));
  std::map<std::string, std::string> names;
  std::vector<std::string> fetches;
  for (const auto& [name, path] : graph_case.inputs) names[name] = name;
  for (const auto& [name, path] : graph_case.outputs) {
    names[name] = name;
    fetches.push_back(name);
  }
  const std::vector<std::string> missing = MissingOps(*graph, fetches);
  if (!missing.empty())
    return Unimplemented("missing ops: ", absl::StrJoin(missing, ", "));
  if (!options.round_trip.empty()) {
    WEFT_ASSIGN_OR_RETURN(graph, RoundTrip(*graph, options.round_trip, &names));
  }
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> got,
                        RunGraph(*graph, graph_case, names, options));
  size_t i = 0;
  for (const auto& [name, path] : graph_case.outputs) {
    WEFT_ASSIGN_OR_RETURN(const Tensor expected, ReadNpy(path));
    const absl::Status status =
        CompareTensors(got[i++], expected, graph_case.rtol, graph_case.atol);
    if (!status.ok()) return Annotate(status, absl::StrCat("'", name, "'"));
  }
  return absl::OkStatus();
}

}  // namespace weft
