// Messages as YAML, by the names of their fields. See proto/layer_config.proto
// for how the two correspond. JSON is YAML, too.
#ifndef WEFT_LAYERS_CONFIG_YAML_H_
#define WEFT_LAYERS_CONFIG_YAML_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace google::protobuf {
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace weft {

// Fills `message` from one document. InvalidArgument with line and column for
// text that is no YAML, keys that are unknown or given twice, values of another
// type than the field's, or against its rules.
absl::Status ReadYaml(absl::string_view text,
                      google::protobuf::Message* message);
// The same from a document that is a list of such messages.
absl::Status ReadYamlList(absl::string_view text,
                          google::protobuf::Message* message,
                          const google::protobuf::FieldDescriptor* field);

// What ReadYaml and ReadYamlList read back as the same message. Fields that are
// not given are left out.
std::string WriteYaml(const google::protobuf::Message& message);
std::string WriteYamlList(const google::protobuf::Message& message,
                          const google::protobuf::FieldDescriptor* field);

}  // namespace weft

#endif  // WEFT_LAYERS_CONFIG_YAML_H_
