// GraphDef messages from the bytes of a file, and back.
#ifndef WEFT_GRAPH_GRAPH_DEF_H_
#define WEFT_GRAPH_GRAPH_DEF_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weft {

namespace proto {
class GraphDef;
}

enum class GraphFormat { kBinary, kText };

// The message in `bytes`, which may be of either format. InvalidArgument "not a
// GraphDef (looks like ...)" for anything else, DataLoss for one that is cut
// off or damaged; as ParseBinary and ParseText. What the nodes say is not
// checked here but by ImportGraphDef.
absl::StatusOr<proto::GraphDef> ParseGraphDef(absl::string_view bytes);

// The same bytes for equal messages.
absl::StatusOr<std::string> SerializeGraphDef(const proto::GraphDef& graph,
                                              GraphFormat format);

// Are these bytes a text?
bool LooksLikeText(absl::string_view bytes);

// What the bytes of a file look like, for messages: "a SavedModel", "a zip
// archive", "text". A guess.
std::string DescribeContent(absl::string_view bytes);

}  // namespace weft

#endif  // WEFT_GRAPH_GRAPH_DEF_H_
