#include "io/graph_file.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "io/atomic_file.h"
#include "io/file.h"
#include "proto/graph.pb.h"

namespace weft {

absl::StatusOr<proto::GraphDef> ReadGraphDef(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  absl::StatusOr<proto::GraphDef> graph = ParseGraphDef(bytes);
  if (graph.ok()) return graph;
  return Annotate(graph.status(),
                  absl::StrCat(path, " (", bytes.size(), " bytes)"));
}

absl::StatusOr<std::unique_ptr<Graph>> ReadGraph(const std::string& path,
                                                 const ImportOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const proto::GraphDef def, ReadGraphDef(path));
  absl::StatusOr<std::unique_ptr<Graph>> graph = ImportGraphDef(def, options);
  if (graph.ok()) return graph;
  return Annotate(graph.status(), path);
}

GraphFormat FormatOfPath(const std::string& path) {
  const bool is_text =
      absl::EndsWith(path, ".pbtxt") || absl::EndsWith(path, ".txt");
  return is_text ? GraphFormat::kText : GraphFormat::kBinary;
}

absl::Status WriteGraphDef(const std::string& path,
                           const proto::GraphDef& graph, GraphFormat format) {
  const absl::StatusOr<std::string> bytes = SerializeGraphDef(graph, format);
  if (!bytes.ok()) return Annotate(bytes.status(), path);
  return WriteFileAtomically(path, *bytes);
}

absl::Status WriteGraph(const std::string& path, const Graph& graph,
                        const ExportOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const proto::GraphDef def,
                        ExportGraphDef(graph, options));
  return WriteGraphDef(path, def, FormatOfPath(path));
}

}  // namespace weft
