#include "io/saved_model.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status.h"
#include "graph/binary_format.h"
#include "graph/graph_def.h"
#include "graph/text_format.h"
#include "io/atomic_file.h"
#include "io/bundle_writer.h"
#include "io/file.h"
#include "io/file_system.h"
#include "io/variable_values.h"
#include "proto/graph.pb.h"
#include "proto/meta_graph.pb.h"

namespace weft {
namespace {

constexpr char kServe[] = "serve";
constexpr int64_t kSchemaVersion = 1;

std::vector<std::string> SortedTags(const proto::MetaGraphDef& graph) {
  std::vector<std::string> tags(graph.meta_info_def().tags().begin(),
                                graph.meta_info_def().tags().end());
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

std::string PrintTags(const std::vector<std::string>& tags) {
  return absl::StrCat("[", Printable(absl::StrJoin(tags, ", ")), "]");
}

absl::StatusOr<proto::SavedModel> ReadFileOf(const std::string& directory,
                                             std::string* path) {
  *path = FindSavedModelFile(directory);
  if (path->empty()) {
    return NotFound(directory,
                    " is not a SavedModel: it has no saved_model.pb");
  }
  WEFT_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(*path));
  absl::StatusOr<proto::SavedModel> model = ParseSavedModel(bytes);
  if (model.ok()) return model;
  return Annotate(model.status(),
                  absl::StrCat(*path, " (", bytes.size(), " bytes)"));
}

absl::Status MakeDirectory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  return error ? ErrnoError(error.value(), path, "cannot make the directory")
               : absl::OkStatus();
}

}  // namespace

std::string FindSavedModelFile(const std::string& directory) {
  for (const char* name : {"saved_model.pb", "saved_model.pbtxt"}) {
    std::string path = absl::StrCat(directory, "/", name);
    std::error_code error;
    if (std::filesystem::exists(path, error)) return path;
  }
  return "";
}

std::string SavedModelVariables(const std::string& directory) {
  return absl::StrCat(directory, "/variables/variables");
}

absl::StatusOr<proto::SavedModel> ParseSavedModel(absl::string_view bytes) {
  proto::SavedModel model;
  if (bytes.empty()) return InvalidArgument("not a SavedModel (it is empty)");
  const absl::Status parsed = LooksLikeText(bytes) ? ParseText(bytes, &model)
                                                   : ParseBinary(bytes, &model);
  if (!parsed.ok()) return Annotate(parsed, "damaged SavedModel");
  if (model.meta_graphs().empty())
    return DataLoss("damaged SavedModel: it has no meta graph");
  if (model.saved_model_schema_version() > kSchemaVersion) {
    return FailedPrecondition("the SavedModel has version ",
                              model.saved_model_schema_version(),
                              "; this reads version ", kSchemaVersion);
  }
  return model;
}

absl::StatusOr<const proto::MetaGraphDef*> FindMetaGraph(
    const proto::SavedModel& model, const std::vector<std::string>& tags) {
  if (tags.empty() && model.meta_graphs_size() == 1)
    return &model.meta_graphs(0);
  std::vector<std::string> wanted = tags;
  if (tags.empty()) wanted = {kServe};
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::vector<std::string> known;
  for (const proto::MetaGraphDef& graph : model.meta_graphs()) {
    const std::vector<std::string> own = SortedTags(graph);
    if (own == wanted) return &graph;
    known.push_back(PrintTags(own));
  }
  return NotFound("there is no meta graph with the tags ", PrintTags(wanted),
                  "; there are ", absl::StrJoin(known, ", "));
}

absl::StatusOr<SavedModel> ReadSavedModel(const std::string& directory,
                                          const SavedModelOptions& options) {
  std::string path;
  WEFT_ASSIGN_OR_RETURN(const proto::SavedModel file,
                        ReadFileOf(directory, &path));
  const auto with_path = [&](const absl::Status& status) {
    return Annotate(status, path);
  };
  const absl::StatusOr<const proto::MetaGraphDef*> def =
      FindMetaGraph(file, options.tags);
  if (!def.ok()) return with_path(def.status());
  absl::StatusOr<MetaGraph> graph = ImportMetaGraph(**def, options.import);
  if (!graph.ok()) return with_path(graph.status());
  SavedModel model = {.meta_graph = *std::move(graph)};
  if (model.meta_graph.graph->variables().empty()) return model;
  const std::string prefix = SavedModelVariables(directory);
  WEFT_ASSIGN_OR_RETURN(VariableValues read,
                        ReadVariableValues(*model.meta_graph.graph, prefix));
  model.variables = std::move(read.values);
  return model;
}

absl::Status WriteSavedModel(const std::string& directory, const Graph& graph,
                             const TensorMap& variables,
                             const MetaGraphOptions& options) {
  if (const std::string path = FindSavedModelFile(directory); !path.empty())
    return absl::AlreadyExistsError(absl::StrCat(path, " exists already"));
  MetaGraphOptions tagged = options;
  if (tagged.tags.empty()) tagged.tags = {kServe};
  proto::SavedModel file;
  file.set_saved_model_schema_version(kSchemaVersion);
  absl::StatusOr<proto::MetaGraphDef> def = ExportMetaGraph(graph, tagged);
  if (!def.ok()) return Annotate(def.status(), directory);
  *file.add_meta_graphs() = *std::move(def);
  const absl::StatusOr<std::string> bytes = SerializeBinary(file);
  if (!bytes.ok()) return Annotate(bytes.status(), directory);
  std::vector<std::string> local = graph.Collection("local_variables");
  local.insert(local.end(), options.local_variables.begin(),
               options.local_variables.end());
  const absl::Status values = CheckVariableValues(graph, variables, local);
  if (!values.ok()) return Annotate(values, directory);

  TensorMap stored;
  for (const VariableInfo& variable : graph.variables()) {
    if (std::find(local.begin(), local.end(), variable.name) == local.end())
      stored[variable.name] = variables.at(variable.name);
  }
  WEFT_RETURN_IF_ERROR(MakeDirectory(absl::StrCat(directory, "/variables")));
  if (!stored.empty()) {
    WEFT_RETURN_IF_ERROR(WriteBundle(SavedModelVariables(directory), stored));
  }
  return WriteFileAtomically(absl::StrCat(directory, "/saved_model.pb"),
                             *bytes);
}

}  // namespace weft
