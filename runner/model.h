// Models as the command's verbs take them.
#ifndef WEFT_RUNNER_MODEL_H_
#define WEFT_RUNNER_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "graph/import.h"
#include "io/meta_graph.h"
#include "io/variable_values.h"
#include "runner/console.h"
#include "runtime/session.h"

namespace weft::runner {

struct Model {
  std::string path;
  std::string kind;  // "GraphDef", "MetaGraphDef" or "SavedModel".
  uint64_t file_bytes = 0;
  int producer = 0;      // Version of the program that wrote it.
  int min_consumer = 0;  // Version that a reader must have.
  std::vector<std::pair<std::string, int>>
      functions;  // With their number of nodes.
  std::string
      checkpoint;        // With the values of variables; empty: none is known.
  MetaGraph meta_graph;  // Of a GraphDef: the graph alone.

  const Graph& graph() const { return *meta_graph.graph; }
};

struct LoadOptions {
  std::vector<std::string> tags;  // Of the meta graph in a SavedModel.
  std::string checkpoint;         // Empty: that of the SavedModel.
  ImportOptions import;
};

// The model in a file, or in the directory of a SavedModel. Errors have the
// exit code kModel.
absl::StatusOr<Model> LoadModel(const std::string& path,
                                const LoadOptions& options = {});

// The prefix of the files of `checkpoint`: a prefix, the path of an index, or a
// directory, of which the newest that is whole is taken; newer ones that are
// damaged are warned of. Errors have the exit code kModel.
absl::StatusOr<std::string> FindCheckpoint(const std::string& checkpoint,
                                           const Console& console);

// The values of the graph's variables in a checkpoint, which may be anything
// that FindCheckpoint takes. Errors have the exit code kModel.
absl::StatusOr<VariableValues> ReadVariables(const Graph& graph,
                                             const std::string& checkpoint,
                                             const Console& console);

// Gives the session's variables their values in `checkpoint`, and warns of
// those that it does not have, unless it is the model's own. Errors as
// ReadVariables; kRun if there is not enough memory.
absl::Status RestoreVariables(const std::string& checkpoint, bool is_own,
                              const Console& console, Session* session);

}  // namespace weft::runner

#endif  // WEFT_RUNNER_MODEL_H_
