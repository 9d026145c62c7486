// A graph with what is needed to use it: signatures, collections, and the
// definitions of variables. TensorFlow's MetaGraphDef, alone in a file (.meta,
// beside a checkpoint) or as part of a SavedModel (see saved_model.h).
#ifndef WEFT_IO_META_GRAPH_H_
#define WEFT_IO_META_GRAPH_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/data_type.h"
#include "core/tensor_shape.h"
#include "graph/export.h"
#include "graph/graph.h"
#include "graph/import.h"

namespace weft {

namespace proto {
class MetaGraphDef;
}

// What a signature says of an input or an output.
struct TensorInfo {
  std::string name;  // "node:k". Empty: a sparse tensor, which weft has not.
  DataType dtype = DataType::kInvalid;
  TensorShape shape;
};
TensorInfo TensorInfoOf(const Output& output);

inline constexpr char kPredictMethod[] = "tensorflow/serving/predict";
inline constexpr char kDefaultSignature[] = "serving_default";

// A way to use a model: inputs and outputs by the names that callers know.
struct ModelSignature {
  std::map<std::string, TensorInfo> inputs;
  std::map<std::string, TensorInfo> outputs;
  std::string method_name = kPredictMethod;
};
using ModelSignatures = std::map<std::string, ModelSignature>;

struct MetaGraph {
  std::vector<std::string> tags;
  std::string tensorflow_version;  // Of the program that wrote it; may be "".
  ModelSignatures signatures;
  std::unique_ptr<Graph> graph;
};

// The graph, checked as by ImportGraphDef, without the nodes that TensorFlow's
// Saver has added: weft reads checkpoints itself. Of the collections, lists of
// names are kept, and those of variables as lists of variable names.
// InvalidArgument if a signature names an output that the graph does not have,
// or has with another dtype.
absl::StatusOr<MetaGraph> ImportMetaGraph(const proto::MetaGraphDef& def,
                                          const ImportOptions& options = {});

struct MetaGraphOptions {
  ExportOptions graph;
  std::vector<std::string> tags;
  // Variables that checkpoints do not hold, beside those of the collection of
  // that name.
  std::vector<std::string> local_variables;
  ModelSignatures signatures;
};

// What ImportMetaGraph reads, with all that TensorFlow's loader needs: the
// nodes of a Saver, collections, for every variable its definition, with an
// initializer (zeros, if the graph has none). InvalidArgument as for
// ImportMetaGraph.
absl::StatusOr<proto::MetaGraphDef> ExportMetaGraph(
    const Graph& graph, const MetaGraphOptions& options = {});

// The message in `bytes`, binary or text. Errors as ParseGraphDef.
absl::StatusOr<proto::MetaGraphDef> ParseMetaGraphDef(absl::string_view bytes);

// Written whole or not at all: see AtomicFile. Text for paths that end in
// .pbtxt or .txt, else binary.
absl::Status WriteMetaGraph(const std::string& path, const Graph& graph,
                            const MetaGraphOptions& options = {});

}  // namespace weft

#endif  // WEFT_IO_META_GRAPH_H_
