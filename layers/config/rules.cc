#include "layers/config/rules.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "core/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace weft {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

struct IntRule {
  absl::string_view field;
  bool (*right)(int64_t value);
  const char* must;
};

bool IsSize(int64_t value) { return value >= 1; }
bool IsDim(int64_t value) { return value >= 1 || value == -1; }

const IntRule kIntRules[] = {
    {"units", IsSize, "at least 1"},
    {"output_dim", IsSize, "at least 1"},
    {"input_dim", IsSize, "at least 1"},
    {"input_length", IsSize, "at least 1"},
    {"input_shape", IsDim, "sizes of at least 1, or -1 for any"},
    {"batch_input_shape", IsDim, "sizes of at least 1, or -1 for any"},
    {"implementation", [](int64_t value) { return value >= 0 && value <= 2; },
     "0, 1 or 2"},
};

struct NumberRule {
  absl::string_view field;
  bool (*right)(double value);
  const char* must;
};

bool IsRate(double value) { return value >= 0 && value < 1; }
bool IsNotNegative(double value) { return value >= 0; }

const NumberRule kNumberRules[] = {
    {"dropout", IsRate, "in [0, 1)"},
    {"recurrent_dropout", IsRate, "in [0, 1)"},
    {"DropoutConfig.rate", IsRate, "in [0, 1)"},
    {"MinMaxNormConfig.rate",
     [](double value) { return value >= 0 && value <= 1; }, "in [0, 1]"},
    {"stddev", IsNotNegative, "at least 0"},
    {"scale", [](double value) { return value > 0; }, "above 0"},
    {"max_value", IsNotNegative, "at least 0"},
    {"min_value", IsNotNegative, "at least 0"},
};

struct StringRule {
  absl::string_view field;
  std::vector<absl::string_view> allowed;
};

const std::vector<StringRule>& StringRules() {
  static const auto& rules = *new std::vector<StringRule>([] {
    const std::vector<absl::string_view> activations = {
        "softmax", "elu",  "selu",    "softplus",     "softsign",
        "relu",    "tanh", "sigmoid", "hard_sigmoid", "linear"};
    return std::vector<StringRule>{
        {"activation", activations},
        {"recurrent_activation", activations},
        {"dtype", {"float32"}},
        {"mode", {"fan_in", "fan_out", "fan_avg"}},
        {"distribution", {"normal", "uniform"}},
        {"merge_mode", {"concat", "sum", "mul", "ave"}}};
  }());
  return rules;
}

// A rule is for a field's name, or that within one message.
bool IsFor(absl::string_view rule, const FieldDescriptor* field) {
  return rule == field->name() ||
         rule ==
             absl::StrCat(field->containing_type()->name(), ".", field->name());
}

std::string IntProblem(const FieldDescriptor* field, int64_t value) {
  for (const IntRule& rule : kIntRules) {
    if (IsFor(rule.field, field) && !rule.right(value)) {
      return absl::StrCat("must be ", rule.must, ", but is ", value);
    }
  }
  return "";
}

std::string NumberProblem(const FieldDescriptor* field, double value) {
  if (!std::isfinite(value)) {
    return absl::StrCat("must be finite, but is ", value);
  }
  for (const NumberRule& rule : kNumberRules) {
    if (IsFor(rule.field, field) && !rule.right(value)) {
      return absl::StrCat("must be ", rule.must, ", but is ", value);
    }
  }
  return "";
}

std::string StringProblem(const FieldDescriptor* field,
                          const std::string& value) {
  for (const StringRule& rule : StringRules()) {
    if (!IsFor(rule.field, field)) continue;
    const auto& allowed = rule.allowed;
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) {
      continue;
    }
    return absl::StrCat("must be one of ", absl::StrJoin(allowed, ", "),
                        ", but is '", Printable(value), "'");
  }
  return "";
}

// Calls fn(message) for each message that `field` of `message` holds, until one
// gives a problem.
template <typename F>
std::string InEach(const Message& message, const FieldDescriptor* field,
                   const F& fn) {
  const Reflection& r = *message.GetReflection();
  if (!field->is_repeated()) return fn(r.GetMessage(message, field));
  for (int i = 0; i < r.FieldSize(message, field); ++i) {
    const std::string problem = fn(r.GetRepeatedMessage(message, field, i));
    if (!problem.empty()) return problem;
  }
  return "";
}

bool IsGiven(const Message& message, const FieldDescriptor* field) {
  const Reflection& r = *message.GetReflection();
  return field->is_repeated() ? r.FieldSize(message, field) > 0
                              : r.HasField(message, field);
}

}  // namespace

std::string Problem(const Message& message, const FieldDescriptor* field) {
  const Reflection& r = *message.GetReflection();
  const int count = field->is_repeated() ? r.FieldSize(message, field) : 1;
  for (int i = 0; i < count; ++i) {
    std::string problem;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        problem = IntProblem(field, field->is_repeated()
                                        ? r.GetRepeatedInt64(message, field, i)
                                        : r.GetInt64(message, field));
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        problem = NumberProblem(field, r.GetDouble(message, field));
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        problem = StringProblem(
            field, field->is_repeated() ? r.GetRepeatedString(message, field, i)
                                        : r.GetString(message, field));
        break;
      default:
        break;
    }
    if (!problem.empty()) return problem;
  }
  return "";
}

std::string FirstProblem(const Message& message) {
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  if (IsChoice(message) && message.GetReflection()->GetOneofFieldDescriptor(
                               message, type.oneof_decl(0)) == nullptr) {
    return absl::StrCat(type.name(),
                        ": must be one of its fields, but is "
                        "empty");
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (!IsGiven(message, field)) {
      if (!field->is_required()) continue;
      return absl::StrCat(field->name(), ": must be given");
    }
    const bool nested = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    const std::string problem =
        nested ? InEach(message, field, FirstProblem) : Problem(message, field);
    if (problem.empty()) continue;
    return nested ? absl::StrCat(field->name(), "/", problem)
                  : absl::StrCat(field->name(), ": ", problem);
  }
  return "";
}

bool IsFlattened(const FieldDescriptor* field) {
  return field->name() == "base" || field->name() == "recurrent";
}

bool IsChoice(const Message& message) {
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  return type.oneof_decl_count() == 1 &&
         type.oneof_decl(0)->field_count() == type.field_count();
}

}  // namespace weft
