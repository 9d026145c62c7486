#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "layers/config/rules.h"
#include "layers/config/yaml.h"
#include "yaml-cpp/yaml.h"

namespace weft {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// An alias may stand within what it stands for: without an end.
constexpr int kMaxDepth = 32;

// "line 3, column 5: ". YAML counts from 0.
std::string Where(const YAML::Mark& mark) {
  if (mark.is_null()) return "";
  return absl::StrCat("line ", mark.line + 1, ", column ", mark.column + 1,
                      ": ");
}

template <typename... What>
absl::Status At(const YAML::Node& node, const What&... what) {
  return InvalidArgument(Where(node.Mark()), what...);
}

// Is it written without quotes, so that it may be a number, a truth or nothing?
bool IsPlain(const YAML::Node& node) {
  return node.IsScalar() && (node.Tag().empty() || node.Tag() == "?");
}

std::optional<bool> BoolIn(const YAML::Node& node) {
  if (!IsPlain(node)) return {};
  const std::string text = absl::AsciiStrToLower(node.Scalar());
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  return {};
}

std::optional<int64_t> IntIn(const YAML::Node& node) {
  int64_t value = 0;
  const bool right = IsPlain(node) && absl::SimpleAtoi(node.Scalar(), &value);
  return right ? std::optional<int64_t>(value) : std::nullopt;
}

std::optional<double> NumberIn(const YAML::Node& node) {
  double value = 0;
  const bool right = IsPlain(node) && absl::SimpleAtod(node.Scalar(), &value);
  return right ? std::optional<double>(value) : std::nullopt;
}

// "an integer", as a message calls what a node is.
std::string Described(const YAML::Node& node) {
  if (node.IsMap()) return "a mapping";
  if (node.IsSequence()) return "a list";
  if (node.IsNull()) return "nothing";
  if (!node.IsDefined()) return "nothing";
  return absl::StrCat("'", Printable(node.Scalar()), "'");
}

std::string Capitalized(absl::string_view snake_case) {
  std::string name;
  for (absl::string_view word : absl::StrSplit(snake_case, '_')) {
    if (word.empty()) continue;
    name.push_back(absl::ascii_toupper(word[0]));
    absl::StrAppend(&name, word.substr(1));
  }
  return name;
}

std::vector<std::string> FieldNames(const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (IsFlattened(field)) {
      for (std::string& name : FieldNames(*field->message_type())) {
        names.push_back(std::move(name));
      }
    } else {
      names.push_back(field->name());
    }
  }
  return names;
}

bool HasRequired(const Descriptor& type) {
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->is_required()) return true;
  }
  return false;
}

// "layer", "initializer": what a message type is for.
std::string KindOf(const Descriptor& type) {
  return absl::AsciiStrToLower(
      absl::string_view(type.name()).substr(0, type.name().size() - 6));
}

absl::Status ReadMessage(const YAML::Node& node, Message* message, int depth);

// ---- Values -----------------------------------------------------------------

absl::Status WrongType(const YAML::Node& node, const FieldDescriptor* field,
                       const char* wanted) {
  return At(node, field->name(), ": must be ", wanted, ", but is ",
            Described(node));
}

absl::Status ReadInt(const YAML::Node& node, const FieldDescriptor* field,
                     Message* message) {
  std::optional<int64_t> value = IntIn(node);
  // In shapes nothing stands for any size.
  if (field->is_repeated() && node.IsNull()) value = -1;
  if (!value.has_value()) return WrongType(node, field, "an integer");
  if (field->is_repeated()) {
    message->GetReflection()->AddInt64(message, field, *value);
  } else {
    message->GetReflection()->SetInt64(message, field, *value);
  }
  return absl::OkStatus();
}

absl::Status ReadString(const YAML::Node& node, const FieldDescriptor* field,
                        Message* message) {
  const bool is_other = BoolIn(node).has_value() || NumberIn(node).has_value();
  if (!node.IsScalar() || is_other) return WrongType(node, field, "a string");
  if (field->is_repeated()) {
    message->GetReflection()->AddString(message, field, node.Scalar());
  } else {
    message->GetReflection()->SetString(message, field, node.Scalar());
  }
  return absl::OkStatus();
}

absl::Status ReadValue(const YAML::Node& node, const FieldDescriptor* field,
                       Message* message, int depth) {
  const auto& r = *message->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64:
      return ReadInt(node, field, message);
    case FieldDescriptor::CPPTYPE_STRING:
      return ReadString(node, field, message);
    case FieldDescriptor::CPPTYPE_BOOL: {
      const std::optional<bool> value = BoolIn(node);
      if (!value.has_value()) return WrongType(node, field, "true or false");
      r.SetBool(message, field, *value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const std::optional<double> value = NumberIn(node);
      if (!value.has_value()) return WrongType(node, field, "a number");
      r.SetDouble(message, field, *value);
      return absl::OkStatus();
    }
    default:
      return ReadMessage(node,
                         field->is_repeated()
                             ? r.AddMessage(message, field)
                             : r.MutableMessage(message, field),
                         depth + 1);
  }
}

absl::Status ReadList(const YAML::Node& node, const FieldDescriptor* field,
                      Message* message, int depth) {
  if (!node.IsSequence()) return WrongType(node, field, "a list");
  for (const YAML::Node& element : node) {
    WEFT_RETURN_IF_ERROR(ReadValue(element, field, message, depth));
  }
  return absl::OkStatus();
}

absl::Status ReadField(const YAML::Node& node, const FieldDescriptor* field,
                       Message* message, int depth) {
  if (node.IsNull()) {
    // No activation is the linear one; of other arguments None is what they
    // are when they are not given.
    if (field->name() == "activation" ||
        field->name() == "recurrent_activation") {
      message->GetReflection()->SetString(message, field, "linear");
    }
    return absl::OkStatus();
  }
  WEFT_RETURN_IF_ERROR(field->is_repeated()
                           ? ReadList(node, field, message, depth)
                           : ReadValue(node, field, message, depth));
  const std::string problem = Problem(*message, field);
  if (problem.empty()) return absl::OkStatus();
  return At(node, field->name(), ": ", problem);
}

// ---- Messages ---------------------------------------------------------------

// The field called `name` of *message, or of a message that is flattened into
// it, which *message then becomes.
const FieldDescriptor* FindField(const std::string& name, Message** message) {
  const Descriptor& type = *(*message)->GetDescriptor();
  const FieldDescriptor* own = type.FindFieldByName(name);
  if (own != nullptr && !IsFlattened(own)) return own;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* part = type.field(i);
    if (!IsFlattened(part)) continue;
    const FieldDescriptor* inner = part->message_type()->FindFieldByName(name);
    if (inner == nullptr) continue;
    *message = (*message)->GetReflection()->MutableMessage(*message, part);
    return inner;
  }
  return nullptr;
}

absl::Status ReadArguments(const YAML::Node& node, Message* message,
                           int depth) {
  const Descriptor& type = *message->GetDescriptor();
  if (!node.IsMap() && !node.IsNull()) {
    return At(node, "must be a mapping of arguments, but is ", Described(node));
  }
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const YAML::Node& key = entry.first;
    if (!key.IsScalar()) {
      return At(key, "a key must be a name, but is ", Described(key));
    }
    const std::string& name = key.Scalar();
    if (!seen.insert(name).second) {
      return At(key, "the key '", Printable(name), "' is given twice");
    }
    Message* owner = message;
    const FieldDescriptor* field = FindField(name, &owner);
    if (field == nullptr) {
      return At(key, "unknown key '", Printable(name), "'; there are ",
                absl::StrJoin(FieldNames(type), ", "));
    }
    WEFT_RETURN_IF_ERROR(ReadField(entry.second, field, owner, depth));
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->is_required() &&
        !message->GetReflection()->HasField(*message, field)) {
      return At(node, field->name(), ": must be given");
    }
  }
  return absl::OkStatus();
}

// The alternative of that name. Names of initializers may be in snake case.
absl::StatusOr<const FieldDescriptor*> FindChoice(const YAML::Node& node,
                                                  const std::string& name,
                                                  const Descriptor& type) {
  const FieldDescriptor* field = type.FindFieldByName(name);
  const std::string kind = KindOf(type);
  if (field == nullptr && kind == "initializer" &&
      absl::AsciiStrToLower(name) == name) {
    field = type.FindFieldByName(Capitalized(name));
  }
  if (field != nullptr) return field;
  if (kind == "layer" && name == "Recurrent") {
    return At(node,
              "Recurrent is no layer, but what LSTM, GRU and SimpleRNN "
              "have in common: use one of these");
  }
  return At(node, "there is no ", kind, " '", Printable(name), "' but ",
            absl::StrJoin(FieldNames(type), ", "));
}

absl::Status ReadChoice(const YAML::Node& node, Message* message, int depth) {
  const Descriptor& type = *message->GetDescriptor();
  const auto& r = *message->GetReflection();
  if (node.IsScalar()) {
    WEFT_ASSIGN_OR_RETURN(const FieldDescriptor* field,
                          FindChoice(node, node.Scalar(), type));
    if (HasRequired(*field->message_type())) {
      return At(node, field->name(), " lacks its arguments");
    }
    r.MutableMessage(message, field);
    return absl::OkStatus();
  }
  if (node.IsMap() && node["class_name"]) {
    for (const auto& entry : node) {
      const bool known =
          entry.first.IsScalar() && (entry.first.Scalar() == "class_name" ||
                                     entry.first.Scalar() == "config");
      if (!known) {
        return At(entry.first, "beside class_name there may be config, but ",
                  Described(entry.first), " is given");
      }
    }
    const YAML::Node name = node["class_name"];
    if (!name.IsScalar()) {
      return At(name, "class_name: must be a string, but is ", Described(name));
    }
    WEFT_ASSIGN_OR_RETURN(const FieldDescriptor* field,
                          FindChoice(name, name.Scalar(), type));
    const YAML::Node config = node["config"];
    return ReadMessage(config.IsDefined() ? config : YAML::Node(),
                       r.MutableMessage(message, field), depth + 1);
  }
  if (!node.IsMap() || node.size() != 1) {
    return At(node, "must be the name of one ", KindOf(type),
              ", or a mapping with that one key, but is ", Described(node),
              node.IsMap() ? absl::StrCat(" of ", node.size(), " keys") : "");
  }
  const auto entry = *node.begin();
  if (!entry.first.IsScalar()) {
    return At(entry.first, "a key must be a name, but is ",
              Described(entry.first));
  }
  WEFT_ASSIGN_OR_RETURN(const FieldDescriptor* field,
                        FindChoice(entry.first, entry.first.Scalar(), type));
  absl::Status status =
      ReadMessage(entry.second, r.MutableMessage(message, field), depth + 1);
  return status;
}

absl::Status ReadMessage(const YAML::Node& node, Message* message, int depth) {
  if (depth > kMaxDepth) {
    return At(node, "is nested more than ", kMaxDepth, " deep");
  }
  return IsChoice(*message) ? ReadChoice(node, message, depth)
                            : ReadArguments(node, message, depth);
}

// The one document in `text`; fn(document).
template <typename F>
absl::Status WithDocument(absl::string_view text, const F& fn) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() != 1) {
      return InvalidArgument("must be one YAML document, but there are ",
                             documents.size());
    }
    return fn(documents[0]);
  } catch (const YAML::Exception& error) {
    return InvalidArgument(Where(error.mark), "no YAML: ", error.msg);
  }
}

}  // namespace

absl::Status ReadYaml(absl::string_view text, Message* message) {
  message->Clear();
  return WithDocument(text, [&](const YAML::Node& document) {
    return ReadMessage(document, message, 0);
  });
}

absl::Status ReadYamlList(absl::string_view text, Message* message,
                          const FieldDescriptor* field) {
  message->Clear();
  return WithDocument(text, [&](const YAML::Node& document) {
    return ReadList(document, field, message, 0);
  });
}

}  // namespace weft
