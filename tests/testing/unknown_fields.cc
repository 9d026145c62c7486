#include "tests/testing/unknown_fields.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/unknown_field_set.h"

namespace weft {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::google::protobuf::UnknownFieldSet;

std::vector<std::string> UnknownFields(const Message& message) {
  std::vector<std::string> found;
  std::vector<const Message*> todo = {&message};
  while (!todo.empty()) {
    const Message& m = *todo.back();
    todo.pop_back();
    const Reflection& reflection = *m.GetReflection();
    const UnknownFieldSet& unknown = reflection.GetUnknownFields(m);
    for (int i = 0; i < unknown.field_count(); ++i) {
      found.push_back(absl::StrCat(m.GetDescriptor()->name(), ".",
                                   unknown.field(i).number()));
    }
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(m, &fields);
    for (const FieldDescriptor* field : fields) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      if (!field->is_repeated()) {
        todo.push_back(&reflection.GetMessage(m, field));
        continue;
      }
      for (int i = 0; i < reflection.FieldSize(m, field); ++i) {
        todo.push_back(&reflection.GetRepeatedMessage(m, field, i));
      }
    }
  }
  return found;
}

}  // namespace weft
