#include "tests/golden/config.h"

#include "core/status.h"

namespace weft::golden {

using nlohmann::json;

const json* Config::Get(const std::string& key) {
  asked_.insert(key);
  const auto it = object_.find(key);
  return it == object_.end() ? nullptr : &*it;
}

void Config::Fail(const std::string& key, const char* expected) {
  if (status_.ok()) {
    status_ = InvalidArgument("config '", Printable(key), "' is no ", expected);
  }
}

int64_t Config::Int(const std::string& key, std::optional<int64_t> otherwise) {
  const json* value = Get(key);
  if (value == nullptr && otherwise) return *otherwise;
  if (value != nullptr && value->is_number_integer())
    return value->get<int64_t>();
  Fail(key, "integer");
  return 1;
}

double Config::Number(const std::string& key, std::optional<double> otherwise) {
  const json* value = Get(key);
  if (value == nullptr && otherwise) return *otherwise;
  if (value != nullptr && value->is_number()) return value->get<double>();
  Fail(key, "number");
  return 1;
}

bool Config::Bool(const std::string& key, bool otherwise) {
  const json* value = Get(key);
  if (value == nullptr) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  Fail(key, "boolean");
  return otherwise;
}

std::string Config::String(const std::string& key,
                           const std::string& otherwise) {
  const json* value = Get(key);
  if (value == nullptr) return otherwise;
  if (value->is_string()) return value->get<std::string>();
  Fail(key, "string");
  return otherwise;
}

Activation Config::ActivationOf(const std::string& key, const char* otherwise) {
  const json* value = Get(key);
  if (value != nullptr && value->is_null()) return kNone;
  return String(key, otherwise);
}

std::optional<ModeKeys> Config::Mode() {
  const std::string name = String("mode", "");
  if (name.empty()) return {};
  for (ModeKeys mode :
       {ModeKeys::kTrain, ModeKeys::kEval, ModeKeys::kPredict}) {
    if (name == ModeKeysName(mode)) return mode;
  }
  Fail("mode", "mode");
  return {};
}

std::vector<double> Config::Numbers(const std::string& key) {
  std::vector<double> numbers;
  const json* value = Get(key);
  if (value == nullptr) return numbers;
  if (!value->is_array()) Fail(key, "list");
  for (const json& element : *value) {
    if (!element.is_number()) {
      Fail(key, "list of numbers");
      return numbers;
    }
    numbers.push_back(element.get<double>());
  }
  return numbers;
}

std::vector<std::string> Config::Strings(const std::string& key) {
  std::vector<std::string> strings;
  const json* value = Get(key);
  if (value == nullptr) return strings;
  if (!value->is_array()) Fail(key, "list");
  for (const json& element : *value) {
    if (!element.is_string()) {
      Fail(key, "list of strings");
      return strings;
    }
    strings.push_back(element.get<std::string>());
  }
  return strings;
}

Config Config::Object(const std::string& key) {
  const json* value = Get(key);
  if (value != nullptr && value->is_object()) return Config(*value);
  Fail(key, "object");
  return Config(json::object());
}

std::vector<Config> Config::Objects(const std::string& key) {
  std::vector<Config> objects;
  const json* value = Get(key);
  if (value == nullptr || !value->is_array()) {
    Fail(key, "list");
    return objects;
  }
  for (const json& element : *value) {
    if (!element.is_object()) {
      Fail(key, "list of objects");
      return objects;
    }
    objects.emplace_back(element);
  }
  return objects;
}

void Config::Include(const Config& object) {
  if (status_.ok()) status_ = object.Finish();
}

absl::Status Config::Finish() const {
  WEFT_RETURN_IF_ERROR(status_);
  for (const auto& [key, value] : object_.items()) {
    if (!asked_.contains(key)) {
      return InvalidArgument("config '", Printable(key), "' is not understood");
    }
  }
  return absl::OkStatus();
}

}  // namespace weft::golden
