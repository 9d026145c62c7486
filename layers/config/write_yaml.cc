#include <charconv>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "layers/config/rules.h"
#include "layers/config/yaml.h"

namespace weft {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Does YAML read `text` back as a string if it stands there without quotes?
bool IsPlainString(const std::string& text) {
  if (text.empty() || !(absl::ascii_isalpha(text[0]) || text[0] == '_')) {
    return false;
  }
  for (char c : text) {
    if (!absl::ascii_isalnum(c) && c != '_' && c != '/' && c != '.') {
      return false;
    }
  }
  const std::string lower = absl::AsciiStrToLower(text);
  for (const char* word :
       {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}) {
    if (lower == word) return false;
  }
  double number;
  return !absl::SimpleAtod(text, &number);  // inf, nan
}

std::string Quoted(const std::string& text) {
  return IsPlainString(text)
             ? text
             : absl::StrCat("\"", absl::Utf8SafeCHexEscape(text), "\"");
}

// The shortest number that is read back as `value`.
std::string Number(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, end.ptr);
}

std::string Scalar(const Message& m, const FieldDescriptor* field, int i) {
  const auto& r = *m.GetReflection();
  const bool repeated = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(repeated ? r.GetRepeatedInt64(m, field, i)
                                   : r.GetInt64(m, field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return r.GetBool(m, field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Number(r.GetDouble(m, field));
    default:
      return Quoted(repeated ? r.GetRepeatedString(m, field, i)
                             : r.GetString(m, field));
  }
}

class Writer {
 public:
  // The fields of `m`, a line each; none: nothing.
  void Fields(const Message& m, int indent) {
    const auto& type = *m.GetDescriptor();
    const auto& r = *m.GetReflection();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor* field = type.field(i);
      if (field->is_repeated()) {
        if (r.FieldSize(m, field) > 0) List(m, field, indent);
      } else if (r.HasField(m, field)) {
        Field(m, field, indent);
      }
    }
  }

  std::string Take() { return std::move(text_); }
  void Append(absl::string_view text) { absl::StrAppend(&text_, text); }

 private:
  void Key(const FieldDescriptor* field, int indent) {
    absl::StrAppend(&text_, std::string(indent, ' '), field->name(), ":");
  }

  void List(const Message& m, const FieldDescriptor* field, int indent) {
    Key(field, indent);
    text_ += " [";
    for (int i = 0; i < m.GetReflection()->FieldSize(m, field); ++i) {
      absl::StrAppend(&text_, i == 0 ? "" : ", ", Scalar(m, field, i));
    }
    text_ += "]\n";
  }

  void Field(const Message& m, const FieldDescriptor* field, int indent) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      Key(field, indent);
      absl::StrAppend(&text_, " ", Scalar(m, field, 0), "\n");
      return;
    }
    const Message& inner = m.GetReflection()->GetMessage(m, field);
    if (IsFlattened(field)) {
      Fields(inner, indent);
      return;
    }
    Key(field, indent);
    Writer below;
    below.Fields(inner, indent + 2);
    const std::string text = below.Take();
    if (text.empty()) {
      text_ += " {}\n";
    } else {
      absl::StrAppend(&text_, "\n", text);
    }
  }

  std::string text_;
};

}  // namespace

std::string WriteYaml(const Message& message) {
  Writer writer;
  writer.Fields(message, 0);
  std::string text = writer.Take();
  return text.empty() ? "{}\n" : text;
}

std::string WriteYamlList(const Message& message,
                          const FieldDescriptor* field) {
  const auto& r = *message.GetReflection();
  std::string text;
  for (int i = 0; i < r.FieldSize(message, field); ++i) {
    Writer writer;
    writer.Fields(r.GetRepeatedMessage(message, field, i), 2);
    // The dash takes the place of the first line's indentation.
    absl::StrAppend(&text, "- ", absl::string_view(writer.Take()).substr(2));
  }
  return text.empty() ? "[]\n" : text;
}

}  // namespace weft
