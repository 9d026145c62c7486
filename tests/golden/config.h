// The arguments of a layer, as a golden case gives them.
#ifndef WEFT_TESTS_GOLDEN_CONFIG_H_
#define WEFT_TESTS_GOLDEN_CONFIG_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "graph/mode_keys.h"
#include "layers/arguments.h"
#include "nlohmann/json.hpp"

namespace weft::golden {

// Reads each key that is asked for; the first mistake sticks. Keys that nobody
// asked for are a mistake as well: an argument must not be overlooked.
class Config {
 public:
  explicit Config(const nlohmann::json& object) : object_(object) {}

  bool Has(const std::string& key) const { return object_.contains(key); }
  int64_t Int(const std::string& key, std::optional<int64_t> otherwise = {});
  double Number(const std::string& key, std::optional<double> otherwise = {});
  bool Bool(const std::string& key, bool otherwise);
  std::string String(const std::string& key, const std::string& otherwise);
  Activation ActivationOf(const std::string& key, const char* otherwise);
  // "train", "eval", "infer"; none if it is not given.
  std::optional<ModeKeys> Mode();
  // A list of numbers; empty if it is not given.
  std::vector<double> Numbers(const std::string& key);
  // A list of strings; empty if it is not given.
  std::vector<std::string> Strings(const std::string& key);
  // An object, and a list of objects.
  Config Object(const std::string& key);
  std::vector<Config> Objects(const std::string& key);

  // Takes over the first mistake of `object`, a part of this one, when all that
  // it may hold has been asked for.
  void Include(const Config& object);

  // The first mistake, or a key that was not asked for.
  absl::Status Finish() const;

 private:
  // Null if it is not given.
  const nlohmann::json* Get(const std::string& key);
  void Fail(const std::string& key, const char* expected);

  nlohmann::json object_;
  std::set<std::string> asked_;
  absl::Status status_;
};

}  // namespace weft::golden

#endif  // WEFT_TESTS_GOLDEN_CONFIG_H_
