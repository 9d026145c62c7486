// The nodes with which TensorFlow saves and restores variables. weft reads and
// writes checkpoints itself, and needs none; TensorFlow's loader does.
#ifndef WEFT_IO_SAVER_H_
#define WEFT_IO_SAVER_H_

#include <vector>

#include "absl/types/span.h"
#include "graph/graph.h"

namespace weft {

namespace proto {
class GraphDef;
class MetaGraphDef;
class SaverDef;
}  // namespace proto

// Adds the nodes that save and restore `variables`, which are resources, under
// a name that is free ("save", "save_1", ...), and says what they are called.
// A variable's key in the checkpoint is its name.
proto::SaverDef AddSaver(absl::Span<const VariableInfo> variables,
                         proto::GraphDef* graph);

// The graph of `meta` without the nodes of its Savers: those that saver_def and
// the collection "savers" name, and what nothing else needs. Variables stay.
proto::GraphDef WithoutSavers(const proto::MetaGraphDef& meta);

}  // namespace weft

#endif  // WEFT_IO_SAVER_H_
