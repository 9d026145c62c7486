// What the tests of graph/ share: graphs from text, and graphs as text.
#ifndef WEFT_TESTS_GRAPH_GRAPH_TESTING_H_
#define WEFT_TESTS_GRAPH_GRAPH_TESTING_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/graph.h"
#include "graph/import.h"
#include "proto/graph.pb.h"

namespace weft {

// The GraphDef in `text`. A mistake in it fails the test.
proto::GraphDef GraphDefOf(absl::string_view text);

// The graph in `text`.
absl::StatusOr<std::unique_ptr<Graph>> Import(
    absl::string_view text, const ImportOptions& options = {});

// One node, as text of a GraphDef. `inputs`
// are separated by spaces, `attrs` by semicolons: "T = type: DT_FLOAT; N = i:
// 2".
std::string NodeText(absl::string_view name, absl::string_view op,
                     absl::string_view inputs = "",
                     absl::string_view attrs = "");

// Everything there is to a graph, one line per node, bodies indented. Equal for
// graphs that are alike.
std::string Dump(const Graph& graph);

}  // namespace weft

#endif  // WEFT_TESTS_GRAPH_GRAPH_TESTING_H_
