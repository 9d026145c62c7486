// Messages as bytes, and back.
#ifndef WEFT_GRAPH_BINARY_FORMAT_H_
#define WEFT_GRAPH_BINARY_FORMAT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace google::protobuf {
class Message;
}

namespace weft {

// Fills `message`. The error says what is wrong where: "node[17].attr.value at
// byte 1234 has 5000 bytes, but the data ends after 321". DataLoss for what is
// cut off or damaged, InvalidArgument for nesting deeper than 100 and text that
// is not UTF-8, ResourceExhausted for 2 GiB and more.
absl::Status ParseBinary(absl::string_view bytes,
                         google::protobuf::Message* message);

// The bytes of `message`: the same for equal messages. ResourceExhausted for
// 2 GiB and more.
absl::StatusOr<std::string> SerializeBinary(
    const google::protobuf::Message& message);

}  // namespace weft

#endif  // WEFT_GRAPH_BINARY_FORMAT_H_
