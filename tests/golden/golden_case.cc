#include "tests/golden/golden_case.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "core/status.h"

namespace weft::golden {
namespace {

using nlohmann::json;

constexpr int64_t kMaxBytes = int64_t{256} << 20;
constexpr int kMaxDepth = 64;

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return NotFound("cannot open ", path);
  const int64_t size = static_cast<int64_t>(file.tellg());
  if (size < 0 || size > kMaxBytes) {
    return InvalidArgument(path, " has ", size, " bytes; at most ", kMaxBytes,
                           " are read");
  }
  std::string text(static_cast<size_t>(size), '\0');
  file.seekg(0);
  file.read(text.data(), size);
  if (!file) return absl::DataLossError(absl::StrCat("cannot read ", path));
  return text;
}

// Is nothing in `text` nested deeper than kMaxDepth?
bool IsShallow(absl::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '{' || c == '[')) {
      if (++depth > kMaxDepth) return false;
    } else if (!quoted && (c == '}' || c == ']')) {
      --depth;
    }
  }
  return true;
}

absl::StatusOr<json> ReadJson(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  if (!IsShallow(text)) return InvalidArgument(path, " is nested too deeply");
  json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return InvalidArgument(path, " is no JSON object");
  return value;
}

const json* Find(const json& object, const char* key) {
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}

absl::StatusOr<std::string> StringIn(const json& object, const char* key) {
  const json* value = Find(object, key);
  if (value == nullptr || !value->is_string()) {
    return InvalidArgument("'", key, "' is no string");
  }
  return value->get<std::string>();
}

absl::StatusOr<std::vector<std::string>> StringsIn(const json& object,
                                                   const char* key) {
  std::vector<std::string> strings;
  const json* value = Find(object, key);
  if (value == nullptr) return strings;
  if (!value->is_array()) return InvalidArgument("'", key, "' is no list");
  for (const json& element : *value) {
    if (!element.is_string()) {
      return InvalidArgument("'", key, "' is no list of strings");
    }
    strings.push_back(element.get<std::string>());
  }
  return strings;
}

template <typename T>
absl::StatusOr<Tensor> Fill(const TensorShape& shape, const json& data) {
  std::vector<T> values;
  for (const json& element : data) {
    if (!element.is_number()) return InvalidArgument("an element is no number");
    values.push_back(static_cast<T>(element.get<double>()));
  }
  if (static_cast<int64_t>(values.size()) != shape.num_elements()) {
    return InvalidArgument(values.size(), " elements for the shape ",
                           shape.ToString());
  }
  return Tensor::Of<T>(shape, absl::Span<const T>(values));
}

absl::StatusOr<Tensor> ReadTensor(const json& value) {
  if (!value.is_object()) return InvalidArgument("is no tensor");
  const json* shape = Find(value, "shape");
  const json* data = Find(value, "data");
  if (shape == nullptr || data == nullptr || !shape->is_array() ||
      !data->is_array()) {
    return InvalidArgument("lacks a shape or data");
  }
  std::vector<int64_t> dims;
  for (const json& dim : *shape) {
    const bool right = dim.is_number_integer() && dim.get<int64_t>() >= 0;
    if (!right) return InvalidArgument("has a wrong shape");
    dims.push_back(dim.get<int64_t>());
  }
  WEFT_ASSIGN_OR_RETURN(const TensorShape full, TensorShape::Create(dims));
  const json* dtype = Find(value, "dtype");
  if (dtype == nullptr || *dtype == "float32") return Fill<float>(full, *data);
  if (*dtype == "int32") return Fill<int32_t>(full, *data);
  return InvalidArgument("has an unknown dtype");
}

absl::StatusOr<Tensors> TensorsIn(const json& object, const char* key) {
  Tensors tensors;
  const json* values = Find(object, key);
  if (values == nullptr) return tensors;
  if (!values->is_object()) return InvalidArgument("'", key, "' is no object");
  for (const auto& [name, value] : values->items()) {
    absl::StatusOr<Tensor> tensor = ReadTensor(value);
    if (!tensor.ok()) {
      return Annotate(tensor.status(),
                      absl::StrCat(key, " '", Printable(name), "'"));
    }
    tensors[name] = *std::move(tensor);
  }
  return tensors;
}

absl::StatusOr<GoldenCase> ParseCase(const json& object) {
  GoldenCase c;
  WEFT_ASSIGN_OR_RETURN(c.name, StringIn(object, "name"));
  WEFT_ASSIGN_OR_RETURN(c.family, StringIn(object, "family"));
  WEFT_ASSIGN_OR_RETURN(c.layer, StringIn(object, "layer"));
  WEFT_ASSIGN_OR_RETURN(c.weights_order, StringsIn(object, "weights_order"));
  WEFT_ASSIGN_OR_RETURN(c.weights, TensorsIn(object, "weights"));
  WEFT_ASSIGN_OR_RETURN(c.inputs, TensorsIn(object, "inputs"));
  WEFT_ASSIGN_OR_RETURN(c.outputs, TensorsIn(object, "outputs"));
  WEFT_ASSIGN_OR_RETURN(c.cotangents, TensorsIn(object, "cotangents"));
  WEFT_ASSIGN_OR_RETURN(c.gradients, TensorsIn(object, "gradients"));
  WEFT_ASSIGN_OR_RETURN(c.tags, StringsIn(object, "requires"));
  const json* config = Find(object, "config");
  if (config == nullptr || !config->is_object()) {
    return InvalidArgument("'config' is no object");
  }
  c.config = *config;
  if (const json* tolerance = Find(object, "tolerance")) {
    if (!tolerance->is_number())
      return InvalidArgument("'tolerance' is no number");
    c.tolerance = tolerance->get<double>();
  }
  return c;
}

}  // namespace

bool GoldenCase::HasTag(absl::string_view tag) const {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

absl::StatusOr<std::vector<ManifestEntry>> ReadManifest(
    const std::string& directory) {
  const std::string path = directory + "/MANIFEST.json";
  WEFT_ASSIGN_OR_RETURN(const json manifest, ReadJson(path));
  const json* cases = Find(manifest, "cases");
  if (cases == nullptr || !cases->is_array()) {
    return InvalidArgument(path, " has no list 'cases'");
  }
  std::vector<ManifestEntry> entries;
  for (const json& entry : *cases) {
    if (!entry.is_object())
      return InvalidArgument(path, ": a case is no object");
    ManifestEntry read;
    WEFT_ASSIGN_OR_RETURN(read.file, StringIn(entry, "file"));
    WEFT_ASSIGN_OR_RETURN(read.name, StringIn(entry, "name"));
    if (absl::StrContains(read.file, '/')) {
      return InvalidArgument(path,
                             " names a file elsewhere: ", Printable(read.file));
    }
    entries.push_back(std::move(read));
  }
  return entries;
}

absl::StatusOr<GoldenCase> ReadCase(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const json object, ReadJson(path));
  absl::StatusOr<GoldenCase> c = ParseCase(object);
  if (!c.ok()) return Annotate(c.status(), path);
  return c;
}

}  // namespace weft::golden
