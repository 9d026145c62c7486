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
#include "io/bundle_format.h"
#include "runner/console.h"
#include "runtime/session.h"

namespace weft::runner {

struct Model {
  std::string path;
  uint64_t file_bytes = 0;
  int producer = 0;      // Version of the program that wrote it.
  int min_consumer = 0;  // Version that a reader must have.
  std::vector<std::pair<std::string, int>>
      functions;  // With their number of nodes.
  std::unique_ptr<Graph> graph;
};

// The model in a file. Errors have the exit code kModel.
absl::StatusOr<Model> LoadModel(const std::string& path,
                                const ImportOptions& options = {});

struct VariableValues {
  TensorMap values;
  std::vector<std::string> missing;  // Variables that the checkpoint has not.
};

// The values of the graph's variables in a checkpoint: PREFIX of its files, or
// a directory, of which the newest that is whole is taken; newer ones that are
// damaged are warned of. Errors have the exit code kModel.
absl::StatusOr<VariableValues> ReadVariables(const Graph& graph,
                                             const std::string& checkpoint,
                                             const Console& console);

// Gives the session's variables their values in `checkpoint`, and warns of
// those that it does not have. Errors as ReadVariables; kRun if there is not
// enough memory.
absl::Status RestoreVariables(const std::string& checkpoint,
                              const Console& console, Session* session);

}  // namespace weft::runner

#endif  // WEFT_RUNNER_MODEL_H_
