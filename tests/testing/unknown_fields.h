// Finds what a message holds that its definition does not know.
#ifndef WEFT_TESTS_TESTING_UNKNOWN_FIELDS_H_
#define WEFT_TESTS_TESTING_UNKNOWN_FIELDS_H_

#include <string>
#include <vector>

#include "google/protobuf/message.h"

namespace weft {

// "NodeDef.17" for each unknown field of `message` and the messages in it.
std::vector<std::string> UnknownFields(
    const google::protobuf::Message& message);

}  // namespace weft

#endif  // WEFT_TESTS_TESTING_UNKNOWN_FIELDS_H_
