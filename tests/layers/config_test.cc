// Layers and models from YAML, JSON and text.
#include "layers/config/config.h"

#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "layers/keras/recurrent.h"
#include "ops/source.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

MATCHER_P(SameConfig, expected, "") {
  *result_listener << arg.DebugString();
  return google::protobuf::util::MessageDifferencer::Equals(arg, expected);
}

LayerConfig Parsed(const std::string& yaml) {
  absl::StatusOr<LayerConfig> config = LayerConfigFromYaml(yaml);
  EXPECT_OK(config) << yaml;
  return config.ok() ? *config : LayerConfig();
}

TEST(ConfigTest, DefaultsAreThoseOfTheDocuments) {
  const proto::LSTMConfig lstm = Parsed("LSTM: {units: 3}").lstm();
  EXPECT_EQ(lstm.units(), 3);
  EXPECT_EQ(lstm.activation(), "tanh");
  EXPECT_EQ(lstm.recurrent_activation(), "hard_sigmoid");
  EXPECT_TRUE(lstm.use_bias());
  EXPECT_TRUE(lstm.unit_forget_bias());
  EXPECT_EQ(lstm.dropout(), 0);
  EXPECT_EQ(lstm.recurrent_dropout(), 0);
  EXPECT_FALSE(lstm.has_kernel_regularizer());
  EXPECT_FALSE(lstm.has_kernel_constraint());
  const proto::RecurrentConfig& recurrent = lstm.recurrent();
  EXPECT_FALSE(recurrent.return_sequences());
  EXPECT_FALSE(recurrent.return_state());
  EXPECT_FALSE(recurrent.go_backwards());
  EXPECT_FALSE(recurrent.stateful());
  EXPECT_FALSE(recurrent.unroll());
  EXPECT_EQ(recurrent.implementation(), 0);
  EXPECT_TRUE(lstm.base().trainable());
  EXPECT_EQ(lstm.base().dtype(), "float32");
  EXPECT_EQ(Parsed("GRU: {units: 3}").gru().recurrent_activation(),
            "hard_sigmoid");
  EXPECT_EQ(Parsed("SimpleRNN: {units: 3}").simplernn().activation(), "tanh");
}

TEST(ConfigTest, AllFormsOfYamlMeanTheSame) {
  const LayerConfig expected = Parsed(
      "GRU: {units: 4, return_sequences: true, name: encoder, "
      "kernel_initializer: {Orthogonal: {gain: 0.5}}}");
  EXPECT_EQ(expected.gru().kernel_initializer().orthogonal().gain(), 0.5);
  for (const char* text :
       {"---\n# a comment\nGRU:\n  units: 4  # more\n"
        "  return_sequences: yes\n  name: encoder\n"
        "  kernel_initializer:\n    Orthogonal:\n      gain: 0.5\n",
        "GRU: {units: 4, return_sequences: True, name: 'encoder',\n"
        "  kernel_initializer: {class_name: Orthogonal, config: {gain: "
        "5e-1}}}",
        "class_name: GRU\nconfig: {units: 4, return_sequences: on, name: "
        "\"encoder\", kernel_initializer: {class_name: orthogonal, config: "
        "{gain: .5}}}",
        // JSON.
        "{\"GRU\": {\"units\": 4, \"return_sequences\": true, \"name\": "
        "\"encoder\", \"kernel_initializer\": {\"Orthogonal\": {\"gain\": "
        "0.5}}}}"}) {
    EXPECT_THAT(Parsed(text), SameConfig(expected)) << text;
  }
}

TEST(ConfigTest, NamesOfNestedObjectsMayStandAlone) {
  const LayerConfig config = Parsed(
      "LSTM: {units: 1, kernel_initializer: glorot_uniform, "
      "recurrent_initializer: Zeros, bias_initializer: null, "
      "kernel_regularizer: L2, recurrent_regularizer: {L1L2: {l1: 1}}, "
      "bias_regularizer: ~, kernel_constraint: NonNeg, "
      "recurrent_constraint: {MaxNorm: {max_value: 3, axis: 1}}}");
  const proto::LSTMConfig& lstm = config.lstm();
  EXPECT_TRUE(lstm.kernel_initializer().has_glorotuniform());
  EXPECT_TRUE(lstm.recurrent_initializer().has_zeros());
  EXPECT_FALSE(lstm.has_bias_initializer());
  EXPECT_EQ(lstm.kernel_regularizer().l2().l(), 0.01);
  EXPECT_EQ(lstm.recurrent_regularizer().l1l2().l1(), 1);
  EXPECT_EQ(lstm.recurrent_regularizer().l1l2().l2(), 0.01);
  EXPECT_FALSE(lstm.has_bias_regularizer());
  EXPECT_TRUE(lstm.kernel_constraint().has_nonneg());
  EXPECT_EQ(lstm.recurrent_constraint().maxnorm().max_value(), 3);
}

TEST(ConfigTest, NoActivationIsLinear) {
  for (const char* none : {"null", "~", ""}) {
    const LayerConfig config =
        Parsed(absl::StrCat("SimpleRNN:\n  units: 2\n  activation: ", none));
    EXPECT_EQ(config.simplernn().activation(), "linear") << none;
  }
}

TEST(ConfigTest, InputShapesMayHaveUnknownSizes) {
  const LayerConfig config =
      Parsed("GRU: {units: 2, batch_input_shape: [32, null, 10]}");
  const auto& shape = config.gru().base().batch_input_shape();
  EXPECT_THAT(std::vector<int64_t>(shape.begin(), shape.end()),
              ::testing::ElementsAre(32, -1, 10));
}

// YAML -> message -> YAML -> message.
TEST(ConfigTest, WhatIsWrittenIsReadBack) {
  for (const char* text :
       {"LSTM: {units: 3, dropout: 0.1, recurrent_dropout: 0.3, "
        "implementation: 2, stateful: true, batch_input_shape: [4, null, 2], "
        "kernel_initializer: {VarianceScaling: {scale: 1e-7, mode: fan_avg}}, "
        "bias_initializer: {Constant: {value: -1.5}}, weights: [a.npy, "
        "'b c.npy'], activation: null}",
        "GRU: {units: 9007199254740993, name: 'true'}",
        "GRU: {units: 1, name: \"a: \\\"b\\\" # \\n \\\\ \xc3\xa4\"}",
        "GRU: {units: 1, name: '12'}", "Flatten", "Flatten: {name: f}",
        "Bidirectional: {layer: {GRU: {units: 2, kernel_constraint: "
        "UnitNorm}}, merge_mode: sum}"}) {
    const LayerConfig config = Parsed(text);
    EXPECT_THAT(Parsed(ToYaml(config)), SameConfig(config)) << ToYaml(config);
  }
  EXPECT_EQ(ToYaml(Parsed("LSTM: {kernel_regularizer: {L2: {l: 0.1}}, units: "
                          "3, return_sequences: true}")),
            "LSTM:\n"
            "  return_sequences: true\n"
            "  units: 3\n"
            "  kernel_regularizer:\n"
            "    L2:\n"
            "      l: 0.1\n");
}

TEST(ConfigTest, AModelIsAListOfLayers) {
  const char* yaml =
      "- Embedding: {input_dim: 50, output_dim: 8, mask_zero: true, "
      "input_length: 6}\n"
      "- LSTM: {units: 4, return_sequences: true}\n"
      "- TimeDistributed: {layer: {Dense: {units: 3}}}\n"
      "- Flatten\n"
      "- Dropout: {rate: 0.25}\n"
      "- Dense: {units: 2, activation: softmax}\n";
  ASSERT_OK_AND_ASSIGN(const ModelConfig config, ModelConfigFromYaml(yaml));
  ASSERT_OK_AND_ASSIGN(const ModelConfig again,
                       ModelConfigFromYaml(ToYaml(config)));
  EXPECT_THAT(again, SameConfig(config));
  Graph g;
  keras::Sequential model(g);
  ASSERT_OK(AddLayers(config, &model));
  EXPECT_EQ(model.output_shape(), (TensorShape{-1, 2}));
  EXPECT_EQ(model.weights().size(), 1u + 3u + 2u + 2u);
}

TEST(ConfigTest, TextFormatIsReadToo) {
  ASSERT_OK_AND_ASSIGN(
      const LayerConfig config,
      LayerConfigFromText("LSTM { units: 3 activation: 'relu' "
                          "recurrent { return_sequences: true } }"));
  EXPECT_THAT(config, SameConfig(Parsed("LSTM: {units: 3, activation: relu, "
                                        "return_sequences: true}")));
  EXPECT_THAT(LayerConfigFromText("LSTM { units: 3 unit: 1 }"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1:")));
  EXPECT_THAT(LayerConfigFromText("LSTM { units: 0 }"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("LSTM/units: must be at least 1, but is 0")));
  EXPECT_THAT(
      LayerConfigFromText("LSTM { units: 1 kernel_initializer {} }"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("InitializerConfig: must be one of its fields")));
  EXPECT_THAT(LayerConfigFromText("LSTM { activation: 'relu' }"), Not(IsOk()));
  EXPECT_OK(ModelConfigFromText(
      "layers { GRU { units: 2 } } layers { Dense { units: 1 } }"));
}

TEST(ConfigTest, TheLayerIsTheOneThatCppMakes) {
  Program p;
  Output x = p.Random({2, 5, 3});
  const std::vector<Tensor> weights = {
      RandomTensor({3, 16}), RandomTensor({4, 16}), RandomTensor({16})};
  keras::LSTM written(4, {.weights = weights,
                          .activation = "softsign",
                          .recurrent_activation = "sigmoid",
                          .go_backwards = true});
  Output expected = written(x);
  ASSERT_OK_AND_ASSIGN(
      const keras::AnyLayer layer,
      MakeLayer(Parsed("LSTM: {units: 4, activation: softsign, "
                       "recurrent_activation: sigmoid, go_backwards: true, "
                       "weights: [k, r, b], trainable: false}"),
                {.read_weights =
                     [&](const std::string& path) -> absl::StatusOr<Tensor> {
                  return weights[path == "k" ? 0 : path == "r" ? 1 : 2];
                }}));
  Output y = (*layer)(x);
  const std::vector<Tensor> values = p.Run({expected, y});
  EXPECT_THAT(values[1], TensorEq(values[0]));
  EXPECT_FALSE(p.graph().FindVariable(layer->weights()[0].name())->trainable);
}

TEST(ConfigTest, RegularizersAndConstraintsReachTheGraph) {
  Program p;
  ASSERT_OK_AND_ASSIGN(
      const keras::AnyLayer layer,
      MakeLayer(Parsed("GRU: {units: 2, kernel_regularizer: {L1: {l: 1}}, "
                       "kernel_initializer: Ones, recurrent_constraint: "
                       "NonNeg, activity_regularizer: L2}")));
  (*layer)(p.Random({1, 2, 3}));
  ASSERT_OK(p.graph().status());
  const Outputs losses = RegularizationLosses(p.graph());
  ASSERT_EQ(losses.size(), 2u);
  EXPECT_EQ(p.Run(losses[0]).scalar<float>(), 3 * 6);
  EXPECT_EQ(p.graph().Collection(kConstraints).size(), 2u);
}

// ---- Mistakes ---------------------------------------------------------------

struct Mistake {
  const char* yaml;
  const char* message;
};

const Mistake kMistakes[] = {
    {"LSTM:\n  units: 3\n  unit: 4\n",
     "line 3, column 3: unknown key 'unit'; there are name, trainable"},
    {"LSTM:\n  units: 3\n  activation: tanh\n  units: 4\n",
     "line 4, column 3: the key 'units' is given twice"},
    {"LSTM: {units: '3'}",
     "line 1, column 15: units: must be an integer, but "
     "is '3'"},
    {"LSTM: {units: 3.5}", "line 1, column 15: units: must be an integer"},
    {"LSTM: {units: 0}",
     "line 1, column 15: units: must be at least 1, but is 0"},
    {"LSTM: {units: -2}", "units: must be at least 1, but is -2"},
    {"LSTM: {units: 99999999999999999999}", "units: must be an integer"},
    {"LSTM: {activation: tanh}", "line 1, column 7: units: must be given"},
    {"LSTM:", "units: must be given"},
    {"LSTM", "line 1, column 1: LSTM lacks its arguments"},
    {"LSTM: {units: null}", "units: must be given"},
    {"LSTM: {units: 2, activation: tan}",
     "line 1, column 30: activation: must be one of softmax, elu, selu, "
     "softplus, softsign, relu, tanh, sigmoid, hard_sigmoid, linear, but is "
     "'tan'"},
    {"GRU: {units: 2, recurrent_activation: 3}",
     "recurrent_activation: must be a string, but is '3'"},
    {"GRU: {units: 2, dropout: 1}", "dropout: must be in [0, 1), but is 1"},
    {"GRU: {units: 2, recurrent_dropout: -0.1}",
     "recurrent_dropout: must be in [0, 1), but is -0.1"},
    {"GRU: {units: 2, dropout: .nan}", "dropout: must be a number"},
    {"GRU: {units: 2, dropout: inf}", "dropout: must be finite"},
    {"GRU: {units: 2, implementation: 3}",
     "implementation: must be 0, 1 or 2, but is 3"},
    {"GRU: {units: 2, use_bias: 1}", "use_bias: must be true or false"},
    {"GRU: {units: 2, use_bias: 'true'}", "use_bias: must be true or false"},
    {"GRU: {units: 2, unit_forget_bias: true}",
     "unknown key 'unit_forget_bias'"},
    {"GRU: {units: 2, kernel_initializer: Glorot}",
     "line 1, column 37: there is no initializer 'Glorot' but Zeros, Ones"},
    {"GRU: {units: 2, kernel_initializer: {Orthogonal: {gian: 1}}}",
     "line 1, column 51: unknown key 'gian'; there are gain, seed"},
    {"GRU: {units: 2, kernel_initializer: {Zeros: {}, Ones: {}}}",
     "must be the name of one initializer, or a mapping with that one key, but "
     "is a mapping of 2 keys"},
    {"GRU: {units: 2, kernel_initializer: [Zeros]}", "but is a list"},
    {"GRU: {units: 2, kernel_regularizer: l2}",
     "there is no regularizer 'l2' but L1, L2, L1L2"},
    {"GRU: {units: 2, kernel_constraint: {MaxNorm: {max_value: -1}}}",
     "max_value: must be at least 0, but is -1"},
    {"GRU: {units: 2, dtype: float16}",
     "dtype: must be one of float32, but is 'float16'"},
    {"GRU: {units: 2, input_shape: 3}", "input_shape: must be a list"},
    {"GRU: {units: 2, input_shape: [3, 0]}",
     "input_shape: must be sizes of at least 1, or -1 for any, but is 0"},
    {"GRU: {units: 2, name: [a]}", "name: must be a string, but is a list"},
    {"GRU: {units: 2, name: yes}", "name: must be a string, but is 'yes'"},
    {"GRU: {units: 2, ? [a] : 1}", "a key must be a name, but is a list"},
    {"GRU: 3", "line 1, column 6: must be a mapping of arguments, but is '3'"},
    {"Recurrent: {return_sequences: true}",
     "line 1, column 1: Recurrent is no layer, but what LSTM, GRU and "
     "SimpleRNN have in common"},
    {"lstm: {units: 3}",
     "there is no layer 'lstm' but SimpleRNN, GRU, LSTM, Embedding"},
    {"GRU: {units: 2}\nLSTM: {units: 2}", "but is a mapping of 2 keys"},
    {"class_name: GRU\nconfg: {units: 2}",
     "line 2, column 1: beside class_name there may be config, but 'confg'"},
    {"class_name: [GRU]", "class_name: must be a string, but is a list"},
    {"- GRU: {units: 2}", "but is a list"},
    {"GRU: {units: 2", "line 1, column 1: no YAML: end of map flow not found"},
    {"GRU: *x", "no YAML: "},
    {"", "must be one YAML document, but there are 0"},
    {"GRU: {units: 2}\n---\nGRU: {units: 2}",
     "must be one YAML document, but there are 2"},
    {"&a {TimeDistributed: {layer: *a}}", "is nested more than 32 deep"},
    {"Dropout: {rate: 1.0}", "rate: must be in [0, 1), but is 1"},
    {"Bidirectional: {layer: {GRU: {units: 1}}, merge_mode: max}",
     "merge_mode: must be one of concat, sum, mul, ave, but is 'max'"},
};

TEST(ConfigTest, MistakesAreNamedWithLineAndColumn) {
  for (const Mistake& m : kMistakes) {
    EXPECT_THAT(
        LayerConfigFromYaml(m.yaml),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(m.message)))
        << m.yaml;
  }
}

TEST(ConfigTest, MistakesInModelsAreNamedToo) {
  EXPECT_THAT(ModelConfigFromYaml("- GRU: {units: 2}\n- GRU: {unit: 2}\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("line 2, column 9: unknown key 'unit'")));
  EXPECT_THAT(ModelConfigFromYaml("GRU: {units: 2}"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("layers: must be a list")));
}

TEST(ConfigTest, MakeLayerRefusesWhatTheLayerDoesNotTake) {
  EXPECT_THAT(MakeLayer(LayerConfig()), Not(IsOk()));
  EXPECT_THAT(MakeLayer(Parsed("Flatten: {weights: [a]}")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("Flatten: there is no argument 'weights'")));
  EXPECT_THAT(
      MakeLayer(Parsed("Dense: {units: 1, input_length: 3}")),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("Dense: there is no argument 'input_length'")));
  EXPECT_THAT(MakeLayer(Parsed("GRU: {units: 2, weights: [a.npy]}")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("files cannot be read here: 'a.npy'")));
  EXPECT_THAT(MakeLayer(Parsed("GRU: {units: 2, inbound_nodes: [a]}")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("inbound_nodes: must be empty")));
}

TEST(ConfigTest, InboundNodesMustBeTheLayerBefore) {
  ASSERT_OK_AND_ASSIGN(
      const ModelConfig right,
      ModelConfigFromYaml("- GRU: {units: 2, name: a, input_dim: 3}\n"
                          "- Dense: {units: 2, inbound_nodes: [a]}\n"));
  ASSERT_OK_AND_ASSIGN(
      const ModelConfig wrong,
      ModelConfigFromYaml("- GRU: {units: 2, name: a, input_dim: 3}\n"
                          "- Dense: {units: 2, inbound_nodes: [b]}\n"));
  Graph g, h;
  keras::Sequential first(g), second(h);
  EXPECT_OK(AddLayers(right, &first));
  EXPECT_THAT(AddLayers(wrong, &second),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("layer 1: inbound_nodes: must be the layer "
                                 "before, but is 'b'")));
}

TEST(ConfigTest, AModelWhoseLayersDoNotFitIsABuildError) {
  // The first LSTM gives its last output alone.
  ASSERT_OK_AND_ASSIGN(
      const ModelConfig config,
      ModelConfigFromYaml("- LSTM: {units: 2, input_shape: [5, 3]}\n"
                          "- LSTM: {units: 2}\n"));
  Graph g;
  keras::Sequential model(g);
  EXPECT_THAT(AddLayers(config, &model),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("x is [?, 2] but must be"),
                             HasSubstr("return_sequences"))));
}

}  // namespace
}  // namespace weft
