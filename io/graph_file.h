// Graphs in files, binary (.pb) or text (.pbtxt).
#ifndef WEFT_IO_GRAPH_FILE_H_
#define WEFT_IO_GRAPH_FILE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/export.h"
#include "graph/graph.h"
#include "graph/graph_def.h"
#include "graph/import.h"

namespace weft {

// The GraphDef in the file at `path`, in either format. Errors of reading as
// InputFile::Open, of content as ParseGraphDef, all with the path.
absl::StatusOr<proto::GraphDef> ReadGraphDef(const std::string& path);
// The graph itself: all of it, or an error.
absl::StatusOr<std::unique_ptr<Graph>> ReadGraph(
    const std::string& path, const ImportOptions& options = {});

// Text for paths that end in .pbtxt or .txt, else binary.
GraphFormat FormatOfPath(const std::string& path);

// Written whole or not at all: see AtomicFile.
absl::Status WriteGraphDef(const std::string& path,
                           const proto::GraphDef& graph, GraphFormat format);
absl::Status WriteGraph(const std::string& path, const Graph& graph,
                        const ExportOptions& options = {});

}  // namespace weft

#endif  // WEFT_IO_GRAPH_FILE_H_
