#include "runner/model.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/status.h"
#include "graph/graph_def.h"
#include "io/bundle_reader.h"
#include "io/checkpoint.h"
#include "io/file.h"
#include "proto/graph.pb.h"
#include "runner/exit_code.h"

namespace weft::runner {
namespace {

bool IsDirectory(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

absl::StatusOr<std::string> ReadModelFile(const std::string& path) {
  if (!IsDirectory(path)) return ReadFile(path);
  if (Exists(absl::StrCat(path, "/saved_model.pb")) ||
      Exists(absl::StrCat(path, "/saved_model.pbtxt"))) {
    return Unimplemented(
        path,
        " is a SavedModel directory, which is not supported; give the "
        "file of a GraphDef (.pb or .pbtxt)");
  }
  return InvalidArgument(
      path, " is a directory; give the file of a GraphDef (.pb or .pbtxt)");
}

absl::StatusOr<Model> TryLoad(const std::string& path,
                              const ImportOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const std::string bytes, ReadModelFile(path));
  Model model = {.path = path, .file_bytes = bytes.size()};
  const absl::StatusOr<proto::GraphDef> def = ParseGraphDef(bytes);
  if (!def.ok()) {
    return Annotate(def.status(),
                    absl::StrCat(path, " (", bytes.size(), " bytes)"));
  }
  model.producer = def->versions().producer();
  model.min_consumer = def->versions().min_consumer();
  for (const proto::FunctionDef& function : def->library().function()) {
    model.functions.emplace_back(function.signature().name(),
                                 function.node_def_size());
  }
  absl::StatusOr<std::unique_ptr<Graph>> graph = ImportGraphDef(*def, options);
  if (!graph.ok()) return Annotate(graph.status(), path);
  model.graph = *std::move(graph);
  return model;
}

// The prefix of the files of `checkpoint`.
absl::StatusOr<std::string> FindPrefix(const std::string& checkpoint,
                                       const Console& console) {
  if (!IsDirectory(checkpoint)) {
    return std::string(absl::StripSuffix(checkpoint, ".index"));
  }
  WEFT_ASSIGN_OR_RETURN(const LatestCheckpointResult latest,
                        LatestCheckpoint(checkpoint));
  for (const absl::Status& skipped : latest.skipped) {
    console.Warn(
        absl::StrCat("skipped a damaged checkpoint: ", skipped.message()));
  }
  return latest.prefix;
}

absl::StatusOr<VariableValues> TryReadVariables(const Graph& graph,
                                                const std::string& checkpoint,
                                                const Console& console) {
  WEFT_ASSIGN_OR_RETURN(const std::string prefix,
                        FindPrefix(checkpoint, console));
  WEFT_ASSIGN_OR_RETURN(const BundleReader bundle, BundleReader::Open(prefix));
  VariableValues result;
  for (const VariableInfo& variable : graph.variables()) {
    const BundleEntry* entry = bundle.Find(variable.name);
    if (entry == nullptr) {
      result.missing.push_back(variable.name);
      continue;
    }
    if (entry->dtype != variable.dtype ||
        !variable.shape.IsCompatibleWith(entry->shape)) {
      return InvalidArgument(
          prefix, ": '", variable.name, "' is ", DataTypeName(entry->dtype),
          " ", entry->shape.ToString(), " but the variable of the graph is ",
          DataTypeName(variable.dtype), " ", variable.shape.ToString());
    }
    WEFT_ASSIGN_OR_RETURN(result.values[variable.name],
                          bundle.Read(variable.name));
  }
  return result;
}

}  // namespace

absl::StatusOr<Model> LoadModel(const std::string& path,
                                const ImportOptions& options) {
  absl::StatusOr<Model> model = TryLoad(path, options);
  if (!model.ok()) return WithExitCode(model.status(), ExitCode::kModel);
  return model;
}

absl::StatusOr<VariableValues> ReadVariables(const Graph& graph,
                                             const std::string& checkpoint,
                                             const Console& console) {
  absl::StatusOr<VariableValues> values =
      TryReadVariables(graph, checkpoint, console);
  if (!values.ok()) return WithExitCode(values.status(), ExitCode::kModel);
  return values;
}

absl::Status RestoreVariables(const std::string& checkpoint,
                              const Console& console, Session* session) {
  WEFT_ASSIGN_OR_RETURN(const VariableValues variables,
                        ReadVariables(session->graph(), checkpoint, console));
  if (!variables.missing.empty()) {
    console.Warn(absl::StrCat(checkpoint, " has no value for ",
                              absl::StrJoin(variables.missing, ", ")));
  }
  const absl::Status status = session->SetVariables(variables.values);
  const bool lacks_memory = absl::IsResourceExhausted(status);
  return WithExitCode(status, lacks_memory ? ExitCode::kRun : ExitCode::kModel);
}

}  // namespace weft::runner
