// Layers and models from text: Polyaxon's schemas.
//
//   LSTM:
//     units: 3
//     activation: tanh
//
// is a LayerConfig, and a list of layers is a ModelConfig:
//
//   - Embedding: {input_dim: 1000, output_dim: 64, mask_zero: true}
//   - LSTM: {units: 32, dropout: 0.2}
//   - Dense: {units: 3, activation: softmax}
//
// proto/layer_config.proto holds all layers, their arguments and defaults.
// Initializers, regularizers and constraints are written as a name
// (Orthogonal), with arguments (Orthogonal: {gain: 0.5}), or as
// {class_name: Orthogonal, config: {gain: 0.5}}; names of initializers may be
// in snake case (glorot_uniform).
#ifndef WEFT_LAYERS_CONFIG_CONFIG_H_
#define WEFT_LAYERS_CONFIG_CONFIG_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/tensor.h"
#include "layers/keras/layer.h"
#include "layers/keras/sequential.h"
#include "proto/layer_config.pb.h"

namespace weft {

using proto::LayerConfig;
using proto::ModelConfig;

// From YAML or JSON. A mistake is an InvalidArgument with line and column.
absl::StatusOr<LayerConfig> LayerConfigFromYaml(absl::string_view text);
absl::StatusOr<ModelConfig> ModelConfigFromYaml(absl::string_view text);

// From protobuf's text format.
absl::StatusOr<LayerConfig> LayerConfigFromText(absl::string_view text);
absl::StatusOr<ModelConfig> ModelConfigFromText(absl::string_view text);

// What LayerConfigFromYaml and ModelConfigFromYaml read back as the same.
std::string ToYaml(const LayerConfig& config);
std::string ToYaml(const ModelConfig& config);

struct MakeLayerOptions {
  // Reads a file that `weights` names: ReadNpy of io/npy.h. Without it such
  // files are a mistake.
  std::function<absl::StatusOr<Tensor>(const std::string& path)> read_weights =
      {};
};

// The layer. InvalidArgument for a config that breaks the rules, or has an
// argument that its layer does not take.
absl::StatusOr<keras::AnyLayer> MakeLayer(const LayerConfig& config,
                                          const MakeLayerOptions& options = {});

// Adds the layers to `model`, whose graph says what does not fit together.
absl::Status AddLayers(const ModelConfig& config, keras::Sequential* model,
                       const MakeLayerOptions& options = {});

}  // namespace weft

#endif  // WEFT_LAYERS_CONFIG_CONFIG_H_
