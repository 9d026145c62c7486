// Any bytes as a graph: ParseGraphDef, ImportGraphDef, and for what they take
// both ways of writing it again.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "graph/export.h"
#include "graph/graph_def.h"
#include "graph/import.h"
#include "proto/graph.pb.h"

namespace weft {
namespace {

void TryImport(absl::string_view bytes) {
  const absl::StatusOr<proto::GraphDef> def = ParseGraphDef(bytes);
  if (!def.ok()) return;
  ImportOptions options;
  options.graph.max_nodes = 1000;
  options.max_tensor_bytes = 1 << 20;
  options.max_outputs = 1000;
  const absl::StatusOr<std::unique_ptr<Graph>> graph =
      ImportGraphDef(*def, options);
  if (!graph.ok()) return;
  for (const bool v1 : {false, true}) {
    const absl::StatusOr<proto::GraphDef> again =
        ExportGraphDef(**graph, {.v1_control_flow = v1, .aliases = true});
    // It may be refused, since frames take more nodes than functions.
    if (again.ok()) (void)ImportGraphDef(*again, options);
  }
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::TryImport({reinterpret_cast<const char*>(data), size});
  return 0;
}
