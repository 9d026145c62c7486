// SavedModel: a model in a directory, with signatures and variables.
//
//   DIR/saved_model.pb        (or .pbtxt) one MetaGraphDef, or several
//   DIR/variables/variables.* a checkpoint
//
// A directory is a model if it has the first file.
#ifndef WEFT_IO_SAVED_MODEL_H_
#define WEFT_IO_SAVED_MODEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/graph.h"
#include "io/bundle_format.h"
#include "io/meta_graph.h"

namespace weft {

namespace proto {
class MetaGraphDef;
class SavedModel;
}  // namespace proto

// The path of the model's file if `directory` is a SavedModel, else "".
std::string FindSavedModelFile(const std::string& directory);
// The prefix of the checkpoint with the values of its variables.
std::string SavedModelVariables(const std::string& directory);

// The message in `bytes`, binary or text. DataLoss, with the place, for what is
// cut off or damaged; InvalidArgument for anything else.
absl::StatusOr<proto::SavedModel> ParseSavedModel(absl::string_view bytes);

// The meta graph that has exactly these tags; without tags the only one, or
// that which is tagged "serve". NotFound, with those there are.
absl::StatusOr<const proto::MetaGraphDef*> FindMetaGraph(
    const proto::SavedModel& model, const std::vector<std::string>& tags);

struct SavedModel {
  MetaGraph meta_graph;
  TensorMap variables;  // Local variables have no value.
};

struct SavedModelOptions {
  std::vector<std::string> tags;  // See FindMetaGraph.
  ImportOptions import;
};

// All of the model, or an error with the file: of reading as BundleReader and
// InputFile, of content as ParseSavedModel, FindMetaGraph, ImportMetaGraph and
// ReadVariableValues.
absl::StatusOr<SavedModel> ReadSavedModel(
    const std::string& directory, const SavedModelOptions& options = {});

// Writes the graph and `variables`, a value for each variable of the graph that
// is not a local one, for weft and for TensorFlow. Without tags the model is
// tagged "serve". Makes the directory if it is not there; the model's file
// comes last, so that there is all of the model or none. AlreadyExists if the
// directory is a model; NotFound or InvalidArgument if the values are not those
// that the graph needs.
absl::Status WriteSavedModel(const std::string& directory, const Graph& graph,
                             const TensorMap& variables,
                             const MetaGraphOptions& options = {});

}  // namespace weft

#endif  // WEFT_IO_SAVED_MODEL_H_
