// What the values of layers' arguments must be, whatever they were read from.
#ifndef WEFT_LAYERS_CONFIG_RULES_H_
#define WEFT_LAYERS_CONFIG_RULES_H_

#include <string>

namespace google::protobuf {
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace weft {

// "must be at least 1, but is 0": what is wrong with a field that `message`
// has; "" if nothing is. Of a repeated one: with any element.
std::string Problem(const google::protobuf::Message& message,
                    const google::protobuf::FieldDescriptor* field);

// "LSTM/units: must be ...": the first problem of `message` and the messages in
// it, required fields that are missing included; "" if there is none.
std::string FirstProblem(const google::protobuf::Message& message);

// Is it a field whose own fields stand beside it in YAML?
bool IsFlattened(const google::protobuf::FieldDescriptor* field);
// Has the message nothing but one of several alternatives?
bool IsChoice(const google::protobuf::Message& message);

}  // namespace weft

#endif  // WEFT_LAYERS_CONFIG_RULES_H_
