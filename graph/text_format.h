// Messages as text, and back.
#ifndef WEFT_GRAPH_TEXT_FORMAT_H_
#define WEFT_GRAPH_TEXT_FORMAT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace google::protobuf {
class Message;
}

namespace weft {

// Fills `message`. InvalidArgument with line and column: "3:15: ...". The only
// way in which weft reads text: protobuf's own defaults let nested messages use
// up the stack.
absl::Status ParseText(absl::string_view text,
                       google::protobuf::Message* message);

// Text that ParseText reads back. For messages that weft made or has read; of
// others not even the depth is known.
std::string PrintText(const google::protobuf::Message& message);

}  // namespace weft

#endif  // WEFT_GRAPH_TEXT_FORMAT_H_
