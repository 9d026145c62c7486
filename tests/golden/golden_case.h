// Golden cases: what a layer is given, and what it must give. See
// data/README.md for the format.
#ifndef WEFT_TESTS_GOLDEN_GOLDEN_CASE_H_
#define WEFT_TESTS_GOLDEN_GOLDEN_CASE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/tensor.h"
#include "nlohmann/json.hpp"

namespace weft::golden {

using Tensors = std::map<std::string, Tensor>;

struct GoldenCase {
  std::string name;
  std::string family;
  std::string layer;
  nlohmann::json config;
  std::vector<std::string> weights_order;
  Tensors weights;
  Tensors inputs;
  Tensors outputs;
  Tensors cotangents;
  Tensors gradients;
  double tolerance = 1e-5;
  std::vector<std::string> tags;

  bool HasTag(absl::string_view tag) const;
};

// One line of a manifest.
struct ManifestEntry {
  std::string file;
  std::string name;
};

// The cases that `directory`/MANIFEST.json lists, in its order.
absl::StatusOr<std::vector<ManifestEntry>> ReadManifest(
    const std::string& directory);

// The case in a file. InvalidArgument if it is not of the format.
absl::StatusOr<GoldenCase> ReadCase(const std::string& path);

}  // namespace weft::golden

#endif  // WEFT_TESTS_GOLDEN_GOLDEN_CASE_H_
