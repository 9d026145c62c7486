#include "runner/model.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/status.h"
#include "graph/graph_def.h"
#include "io/checkpoint.h"
#include "io/file.h"
#include "io/saved_model.h"
#include "proto/graph.pb.h"
#include "proto/meta_graph.pb.h"
#include "runner/exit_code.h"

namespace weft::runner {
namespace {

bool IsDirectory(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

// The meta graph in `bytes`; of a GraphDef the graph alone.
absl::StatusOr<proto::MetaGraphDef> ParseModel(const LoadOptions& options,
                                               absl::string_view bytes,
                                               Model* model) {
  if (model->kind == "SavedModel") {
    WEFT_ASSIGN_OR_RETURN(const proto::SavedModel file, ParseSavedModel(bytes));
    WEFT_ASSIGN_OR_RETURN(const proto::MetaGraphDef* def,
                          FindMetaGraph(file, options.tags));
    return *def;
  }
  if (absl::StartsWith(DescribeContent(bytes), "a MetaGraphDef") ||
      absl::EndsWith(model->path, ".meta")) {
    model->kind = "MetaGraphDef";
    return ParseMetaGraphDef(bytes);
  }
  model->kind = "GraphDef";
  proto::MetaGraphDef def;
  WEFT_ASSIGN_OR_RETURN(*def.mutable_graph_def(), ParseGraphDef(bytes));
  return def;
}

absl::StatusOr<Model> TryLoad(const std::string& path,
                              const LoadOptions& options) {
  Model model = {.path = path, .checkpoint = options.checkpoint};
  std::string file = path;
  if (IsDirectory(path)) {
    file = FindSavedModelFile(path);
    if (file.empty()) {
      return InvalidArgument(path,
                             " is a directory without a saved_model.pb; give "
                             "a SavedModel, or the file of a GraphDef");
    }
    model.kind = "SavedModel";
    if (model.checkpoint.empty()) model.checkpoint = SavedModelVariables(path);
  }
  WEFT_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file));
  model.file_bytes = bytes.size();
  const absl::StatusOr<proto::MetaGraphDef> def =
      ParseModel(options, bytes, &model);
  if (!def.ok()) {
    return Annotate(def.status(),
                    absl::StrCat(file, " (", bytes.size(), " bytes)"));
  }
  const proto::GraphDef& graph = def->graph_def();
  model.producer = graph.versions().producer();
  model.min_consumer = graph.versions().min_consumer();
  for (const proto::FunctionDef& function : graph.library().function()) {
    model.functions.emplace_back(function.signature().name(),
                                 function.node_def_size());
  }
  absl::StatusOr<MetaGraph> imported = ImportMetaGraph(*def, options.import);
  if (!imported.ok()) return Annotate(imported.status(), file);
  model.meta_graph = *std::move(imported);
  return model;
}

absl::StatusOr<std::string> TryFindCheckpoint(const std::string& checkpoint,
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

}  // namespace

absl::StatusOr<Model> LoadModel(const std::string& path,
                                const LoadOptions& options) {
  absl::StatusOr<Model> model = TryLoad(path, options);
  if (!model.ok()) return WithExitCode(model.status(), ExitCode::kModel);
  return model;
}

absl::StatusOr<std::string> FindCheckpoint(const std::string& checkpoint,
                                           const Console& console) {
  absl::StatusOr<std::string> prefix = TryFindCheckpoint(checkpoint, console);
  if (!prefix.ok()) return WithExitCode(prefix.status(), ExitCode::kModel);
  return prefix;
}

absl::StatusOr<VariableValues> ReadVariables(const Graph& graph,
                                             const std::string& checkpoint,
                                             const Console& console) {
  if (graph.variables().empty()) return VariableValues{};
  WEFT_ASSIGN_OR_RETURN(const std::string prefix,
                        FindCheckpoint(checkpoint, console));
  absl::StatusOr<VariableValues> values = ReadVariableValues(graph, prefix);
  if (!values.ok()) return WithExitCode(values.status(), ExitCode::kModel);
  return values;
}

absl::Status RestoreVariables(const std::string& checkpoint, bool is_own,
                              const Console& console, Session* session) {
  WEFT_ASSIGN_OR_RETURN(const VariableValues variables,
                        ReadVariables(session->graph(), checkpoint, console));
  if (!variables.missing.empty() && !is_own) {
    console.Warn(absl::StrCat(checkpoint, " has no value for ",
                              absl::StrJoin(variables.missing, ", ")));
  }
  const absl::Status status = session->SetVariables(variables.values);
  const bool lacks_memory = absl::IsResourceExhausted(status);
  return WithExitCode(status, lacks_memory ? ExitCode::kRun : ExitCode::kModel);
}

}  // namespace weft::runner
