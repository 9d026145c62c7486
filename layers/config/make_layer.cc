#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/status.h"
#include "layers/config/config.h"
#include "layers/config/rules.h"
#include "layers/keras/core.h"
#include "layers/keras/recurrent.h"
#include "layers/keras/wrappers.h"

namespace weft {
namespace {

using proto::BaseLayerConfig;
using proto::ConstraintConfig;
using proto::InitializerConfig;
using proto::RegularizerConfig;

template <typename Config>
std::optional<int64_t> SeedOf(const Config& config) {
  if (!config.has_seed()) return {};
  return config.seed();
}

// ---- Initializers, regularizers, constraints --------------------------------

initializers::UniformOptions OptionsOf(const proto::UniformConfig& config) {
  return {.minval = config.minval(),
          .maxval = config.maxval(),
          .seed = SeedOf(config)};
}

initializers::NormalOptions OptionsOf(const proto::NormalConfig& config) {
  return {
      .mean = config.mean(), .stddev = config.stddev(), .seed = SeedOf(config)};
}

initializers::SeedOptions OptionsOf(const proto::SeededConfig& config) {
  return {.seed = SeedOf(config)};
}

// `otherwise` if none is given.
Initializer Make(const InitializerConfig& config,
                 const Initializer& otherwise) {
  switch (config.kind_case()) {
    case InitializerConfig::kZeros:
      return initializers::Zeros();
    case InitializerConfig::kOnes:
      return initializers::Ones();
    case InitializerConfig::kConstant:
      return initializers::Constant(config.constant().value());
    case InitializerConfig::kUniform:
      return initializers::Uniform(OptionsOf(config.uniform()));
    case InitializerConfig::kNormal:
      return initializers::Normal(OptionsOf(config.normal()));
    case InitializerConfig::kTruncatedNormal:
      return initializers::TruncatedNormal(OptionsOf(config.truncatednormal()));
    case InitializerConfig::kVarianceScaling: {
      const proto::VarianceScalingConfig& v = config.variancescaling();
      return initializers::VarianceScaling({.scale = v.scale(),
                                            .mode = v.mode(),
                                            .distribution = v.distribution(),
                                            .seed = SeedOf(v)});
    }
    case InitializerConfig::kIdentity:
      return initializers::Identity({.gain = config.identity().gain()});
    case InitializerConfig::kOrthogonal:
      return initializers::Orthogonal({.gain = config.orthogonal().gain(),
                                       .seed = SeedOf(config.orthogonal())});
    case InitializerConfig::kGlorotUniform:
      return initializers::GlorotUniform(OptionsOf(config.glorotuniform()));
    case InitializerConfig::kGlorotNormal:
      return initializers::GlorotNormal(OptionsOf(config.glorotnormal()));
    case InitializerConfig::kHeUniform:
      return initializers::HeUniform(OptionsOf(config.heuniform()));
    case InitializerConfig::kHeNormal:
      return initializers::HeNormal(OptionsOf(config.henormal()));
    case InitializerConfig::kLecunUniform:
      return initializers::LecunUniform(OptionsOf(config.lecununiform()));
    case InitializerConfig::kLecunNormal:
      return initializers::LecunNormal(OptionsOf(config.lecunnormal()));
    case InitializerConfig::KIND_NOT_SET:
      break;
  }
  return otherwise;
}

Regularizer Make(const RegularizerConfig& config) {
  switch (config.kind_case()) {
    case RegularizerConfig::kL1:
      return regularizers::L1(config.l1().l());
    case RegularizerConfig::kL2:
      return regularizers::L2(config.l2().l());
    case RegularizerConfig::kL1L2:
      return regularizers::L1L2(
          {.l1 = config.l1l2().l1(), .l2 = config.l1l2().l2()});
    case RegularizerConfig::KIND_NOT_SET:
      break;
  }
  return kNone;
}

Constraint Make(const ConstraintConfig& config) {
  switch (config.kind_case()) {
    case ConstraintConfig::kMaxNorm:
      return constraints::MaxNorm(
          {.max_value = config.maxnorm().max_value(),
           .axis = static_cast<int>(config.maxnorm().axis())});
    case ConstraintConfig::kNonNeg:
      return constraints::NonNeg();
    case ConstraintConfig::kUnitNorm:
      return constraints::UnitNorm(
          {.axis = static_cast<int>(config.unitnorm().axis())});
    case ConstraintConfig::kMinMaxNorm: {
      const proto::MinMaxNormConfig& c = config.minmaxnorm();
      return constraints::MinMaxNorm({.min_value = c.min_value(),
                                      .max_value = c.max_value(),
                                      .rate = c.rate(),
                                      .axis = static_cast<int>(c.axis())});
    }
    case ConstraintConfig::KIND_NOT_SET:
      break;
  }
  return kNone;
}

// ---- What layers have in common ---------------------------------------------

// Which of the arguments that every layer may be given a layer has.
struct Takes {
  bool trainable = true;
  bool weights = true;
  bool input_shape = true;
  bool input_dim = true;
  bool input_length = true;
};

constexpr Takes kNothingButShapes = {.trainable = false,
                                     .weights = false,
                                     .input_dim = false,
                                     .input_length = false};

absl::Status CheckBase(const char* kind, const BaseLayerConfig& base,
                       const Takes& takes) {
  const auto refuse = [&](bool given, bool taken, const char* argument) {
    return given && !taken ? InvalidArgument(kind, ": there is no argument '",
                                             argument, "'")
                           : absl::OkStatus();
  };
  WEFT_RETURN_IF_ERROR(
      refuse(base.has_trainable(), takes.trainable, "trainable"));
  WEFT_RETURN_IF_ERROR(
      refuse(base.weights_size() > 0, takes.weights, "weights"));
  WEFT_RETURN_IF_ERROR(
      refuse(base.input_shape_size() > 0, takes.input_shape, "input_shape"));
  WEFT_RETURN_IF_ERROR(
      refuse(base.has_input_dim(), takes.input_dim, "input_dim"));
  return refuse(base.has_input_length(), takes.input_length, "input_length");
}

absl::StatusOr<TensorShape> ShapeOf(
    const google::protobuf::RepeatedField<int64_t>& dims) {
  return TensorShape::Create(absl::MakeConstSpan(dims.data(), dims.size()));
}

class Maker {
 public:
  explicit Maker(const MakeLayerOptions& options) : options_(options) {}

  absl::StatusOr<keras::AnyLayer> Make(const LayerConfig& config);

 private:
  absl::StatusOr<std::vector<Tensor>> Weights(const BaseLayerConfig& base) {
    std::vector<Tensor> weights;
    for (const std::string& path : base.weights()) {
      if (!options_.read_weights) {
        return InvalidArgument("weights: files cannot be read here: '",
                               Printable(path), "'");
      }
      WEFT_ASSIGN_OR_RETURN(Tensor value, options_.read_weights(path));
      weights.push_back(std::move(value));
    }
    return weights;
  }

  template <typename Options>
  absl::Status SetShapes(const BaseLayerConfig& base, Options* options) {
    WEFT_ASSIGN_OR_RETURN(options->input_shape, ShapeOf(base.input_shape()));
    WEFT_ASSIGN_OR_RETURN(options->batch_input_shape,
                          ShapeOf(base.batch_input_shape()));
    if (base.has_name()) options->name = base.name();
    return absl::OkStatus();
  }

  // Of simple_rnn, GRU and LSTM.
  template <typename Options, typename Config>
  absl::StatusOr<Options> RecurrentOptions(const char* kind,
                                           const Config& config) {
    WEFT_RETURN_IF_ERROR(CheckBase(kind, config.base(), {}));
    Options o;
    WEFT_RETURN_IF_ERROR(SetShapes(config.base(), &o));
    if (config.base().has_input_dim()) o.input_dim = config.base().input_dim();
    if (config.base().has_input_length()) {
      o.input_length = config.base().input_length();
    }
    WEFT_ASSIGN_OR_RETURN(o.weights, Weights(config.base()));
    o.trainable = config.base().trainable();
    o.activation = config.activation();
    o.use_bias = config.use_bias();
    o.kernel_initializer =
        weft::Make(config.kernel_initializer(), o.kernel_initializer);
    o.recurrent_initializer =
        weft::Make(config.recurrent_initializer(), o.recurrent_initializer);
    o.bias_initializer =
        weft::Make(config.bias_initializer(), o.bias_initializer);
    o.kernel_regularizer = weft::Make(config.kernel_regularizer());
    o.recurrent_regularizer = weft::Make(config.recurrent_regularizer());
    o.bias_regularizer = weft::Make(config.bias_regularizer());
    o.activity_regularizer = weft::Make(config.activity_regularizer());
    o.kernel_constraint = weft::Make(config.kernel_constraint());
    o.recurrent_constraint = weft::Make(config.recurrent_constraint());
    o.bias_constraint = weft::Make(config.bias_constraint());
    o.dropout = config.dropout();
    o.recurrent_dropout = config.recurrent_dropout();
    const proto::RecurrentConfig& r = config.recurrent();
    o.implementation = static_cast<int>(r.implementation());
    o.return_sequences = r.return_sequences();
    o.return_state = r.return_state();
    o.go_backwards = r.go_backwards();
    o.stateful = r.stateful();
    o.unroll = r.unroll();
    return o;
  }

  absl::StatusOr<keras::AnyLayer> MakeFrom(
      const proto::SimpleRNNConfig& config) {
    WEFT_ASSIGN_OR_RETURN(
        const auto o,
        RecurrentOptions<keras::SimpleRNNOptions>("SimpleRNN", config));
    return keras::SimpleRNN(config.units(), o);
  }

  absl::StatusOr<keras::AnyLayer> MakeFrom(const proto::GRUConfig& config) {
    WEFT_ASSIGN_OR_RETURN(auto o,
                          RecurrentOptions<keras::GRUOptions>("GRU", config));
    o.recurrent_activation = config.recurrent_activation();
    return keras::GRU(config.units(), o);
  }

  absl::StatusOr<keras::AnyLayer> MakeFrom(const proto::LSTMConfig& config) {
    WEFT_ASSIGN_OR_RETURN(auto o,
                          RecurrentOptions<keras::LSTMOptions>("LSTM", config));
    o.recurrent_activation = config.recurrent_activation();
    o.unit_forget_bias = config.unit_forget_bias();
    return keras::LSTM(config.units(), o);
  }

  absl::StatusOr<keras::AnyLayer> MakeFrom(
      const proto::EmbeddingConfig& config) {
    const BaseLayerConfig& base = config.base();
    WEFT_RETURN_IF_ERROR(CheckBase("Embedding", base, {.input_shape = false}));
    keras::EmbeddingOptions o;
    if (base.has_name()) o.name = base.name();
    if (base.has_input_length()) o.input_length = base.input_length();
    WEFT_ASSIGN_OR_RETURN(o.batch_input_shape,
                          ShapeOf(base.batch_input_shape()));
    WEFT_ASSIGN_OR_RETURN(o.weights, Weights(base));
    o.trainable = base.trainable();
    o.embeddings_initializer =
        weft::Make(config.embeddings_initializer(), o.embeddings_initializer);
    o.embeddings_regularizer = weft::Make(config.embeddings_regularizer());
    o.embeddings_constraint = weft::Make(config.embeddings_constraint());
    o.activity_regularizer = weft::Make(config.activity_regularizer());
    o.mask_zero = config.mask_zero();
    return keras::Embedding(config.input_dim(), config.output_dim(), o);
  }

  absl::StatusOr<keras::AnyLayer> MakeFrom(const proto::DenseConfig& config) {
    const BaseLayerConfig& base = config.base();
    WEFT_RETURN_IF_ERROR(CheckBase("Dense", base, {.input_length = false}));
    keras::DenseOptions o;
    WEFT_RETURN_IF_ERROR(SetShapes(base, &o));
    if (base.has_input_dim()) o.input_dim = base.input_dim();
    WEFT_ASSIGN_OR_RETURN(o.weights, Weights(base));
    o.trainable = base.trainable();
    o.activation = config.activation();
    o.use_bias = config.use_bias();
    o.kernel_initializer =
        weft::Make(config.kernel_initializer(), o.kernel_initializer);
    o.bias_initializer =
        weft::Make(config.bias_initializer(), o.bias_initializer);
    o.kernel_regularizer = weft::Make(config.kernel_regularizer());
    o.bias_regularizer = weft::Make(config.bias_regularizer());
    o.activity_regularizer = weft::Make(config.activity_regularizer());
    o.kernel_constraint = weft::Make(config.kernel_constraint());
    o.bias_constraint = weft::Make(config.bias_constraint());
    return keras::Dense(config.units(), o);
  }

  absl::StatusOr<keras::AnyLayer> MakeFrom(const proto::MaskingConfig& config) {
    WEFT_RETURN_IF_ERROR(
        CheckBase("Masking", config.base(), kNothingButShapes));
    keras::MaskingOptions o;
    WEFT_RETURN_IF_ERROR(SetShapes(config.base(), &o));
    o.mask_value = config.mask_value();
    return keras::Masking(o);
  }

  absl::StatusOr<keras::AnyLayer> MakeFrom(const proto::DropoutConfig& config) {
    WEFT_RETURN_IF_ERROR(
        CheckBase("Dropout", config.base(), kNothingButShapes));
    keras::DropoutOptions o;
    WEFT_RETURN_IF_ERROR(SetShapes(config.base(), &o));
    o.seed = SeedOf(config);
    return keras::Dropout(config.rate(), o);
  }

  absl::StatusOr<keras::AnyLayer> MakeFrom(const proto::FlattenConfig& config) {
    WEFT_RETURN_IF_ERROR(
        CheckBase("Flatten", config.base(), kNothingButShapes));
    keras::FlattenOptions o;
    WEFT_RETURN_IF_ERROR(SetShapes(config.base(), &o));
    return keras::Flatten(o);
  }

  absl::StatusOr<keras::AnyLayer> MakeFrom(
      const proto::TimeDistributedConfig& config) {
    WEFT_RETURN_IF_ERROR(
        CheckBase("TimeDistributed", config.base(), kNothingButShapes));
    keras::TimeDistributedOptions o;
    WEFT_RETURN_IF_ERROR(SetShapes(config.base(), &o));
    WEFT_ASSIGN_OR_RETURN(keras::AnyLayer inner, Make(config.layer()));
    return keras::TimeDistributed(std::move(inner), o);
  }

  absl::StatusOr<keras::AnyLayer> MakeFrom(
      const proto::BidirectionalConfig& config) {
    Takes takes = kNothingButShapes;
    takes.weights = true;
    WEFT_RETURN_IF_ERROR(CheckBase("Bidirectional", config.base(), takes));
    keras::BidirectionalOptions o;
    WEFT_RETURN_IF_ERROR(SetShapes(config.base(), &o));
    WEFT_ASSIGN_OR_RETURN(o.weights, Weights(config.base()));
    o.merge_mode = config.merge_mode();
    WEFT_ASSIGN_OR_RETURN(keras::AnyLayer inner, Make(config.layer()));
    return keras::Bidirectional(std::move(inner), o);
  }

  const MakeLayerOptions& options_;
};

absl::StatusOr<keras::AnyLayer> Maker::Make(const LayerConfig& config) {
  switch (config.layer_case()) {
    case LayerConfig::kSimpleRNN:
      return MakeFrom(config.simplernn());
    case LayerConfig::kGRU:
      return MakeFrom(config.gru());
    case LayerConfig::kLSTM:
      return MakeFrom(config.lstm());
    case LayerConfig::kEmbedding:
      return MakeFrom(config.embedding());
    case LayerConfig::kDense:
      return MakeFrom(config.dense());
    case LayerConfig::kMasking:
      return MakeFrom(config.masking());
    case LayerConfig::kDropout:
      return MakeFrom(config.dropout());
    case LayerConfig::kFlatten:
      return MakeFrom(config.flatten());
    case LayerConfig::kTimeDistributed:
      return MakeFrom(config.timedistributed());
    case LayerConfig::kBidirectional:
      return MakeFrom(config.bidirectional());
    case LayerConfig::LAYER_NOT_SET:
      break;
  }
  return InvalidArgument("the config has no layer");
}

// What `config` says of any layer.
const BaseLayerConfig& BaseOf(const LayerConfig& config) {
  const auto& r = *config.GetReflection();
  const auto* field = r.GetOneofFieldDescriptor(
      config, LayerConfig::descriptor()->oneof_decl(0));
  const auto& layer = r.GetMessage(config, field);
  const auto* base = layer.GetDescriptor()->FindFieldByName("base");
  return static_cast<const BaseLayerConfig&>(
      layer.GetReflection()->GetMessage(layer, base));
}

}  // namespace

absl::StatusOr<keras::AnyLayer> MakeLayer(const LayerConfig& config,
                                          const MakeLayerOptions& options) {
  const std::string problem = FirstProblem(config);
  if (!problem.empty()) return InvalidArgument(problem);
  if (BaseOf(config).inbound_nodes_size() > 0) {
    return InvalidArgument(
        "inbound_nodes: must be empty for a layer that is not part of a model");
  }
  return Maker(options).Make(config);
}

absl::Status AddLayers(const ModelConfig& config, keras::Sequential* model,
                       const MakeLayerOptions& options) {
  std::string before;
  for (int k = 0; k < config.layers_size(); ++k) {
    LayerConfig layer = config.layers(k);
    const std::string where = absl::StrCat("layer ", k);
    const std::string problem = FirstProblem(layer);
    if (!problem.empty()) return InvalidArgument(where, ": ", problem);
    for (const std::string& node : BaseOf(layer).inbound_nodes()) {
      if (k > 0 && node == before) continue;
      return InvalidArgument(where,
                             ": inbound_nodes: must be the layer before, "
                             "but is '",
                             Printable(node), "'");
    }
    before = BaseOf(layer).name();
    absl::StatusOr<keras::AnyLayer> made = Maker(options).Make(layer);
    if (!made.ok()) return Annotate(made.status(), where);
    model->Add(*std::move(made));
  }
  return model->graph().status();
}

}  // namespace weft
