#include "layers/config/config.h"

#include "core/status.h"
#include "graph/text_format.h"
#include "layers/config/rules.h"
#include "layers/config/yaml.h"

namespace weft {
namespace {

const google::protobuf::FieldDescriptor* LayersField() {
  return ModelConfig::descriptor()->FindFieldByName("layers");
}

template <typename Config>
absl::StatusOr<Config> FromText(absl::string_view text) {
  Config config;
  WEFT_RETURN_IF_ERROR(ParseText(text, &config));
  const std::string problem = FirstProblem(config);
  if (!problem.empty()) return InvalidArgument(problem);
  return config;
}

}  // namespace

absl::StatusOr<LayerConfig> LayerConfigFromYaml(absl::string_view text) {
  LayerConfig config;
  WEFT_RETURN_IF_ERROR(ReadYaml(text, &config));
  return config;
}

absl::StatusOr<ModelConfig> ModelConfigFromYaml(absl::string_view text) {
  ModelConfig config;
  WEFT_RETURN_IF_ERROR(ReadYamlList(text, &config, LayersField()));
  return config;
}

absl::StatusOr<LayerConfig> LayerConfigFromText(absl::string_view text) {
  return FromText<LayerConfig>(text);
}

absl::StatusOr<ModelConfig> ModelConfigFromText(absl::string_view text) {
  return FromText<ModelConfig>(text);
}

std::string ToYaml(const LayerConfig& config) { return WriteYaml(config); }

std::string ToYaml(const ModelConfig& config) {
  return WriteYamlList(config, LayersField());
}

}  // namespace weft
