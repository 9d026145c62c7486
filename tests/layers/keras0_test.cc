// The layers of Keras 0.x: what the golden cases do not show.
#include <cmath>
#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/keras/core.h"
#include "layers/keras/sequential.h"
#include "layers/keras0/recurrent.h"
#include "ops/array.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/source.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> WeightNames(const keras::Layer& layer) {
  std::vector<std::string> names;
  for (const Variable& w : layer.weights()) {
    names.push_back(w.name() + " " + w.shape().ToString());
  }
  return names;
}

TEST(Keras0Test, WeightsComeInTheOrderOfTheDocuments) {
  Program p;
  Output x = p.Random({2, 4, 3});
  keras0::SimpleRNN simple(2);
  simple(x);
  EXPECT_THAT(WeightNames(simple),
              ElementsAre("simplernn/W [3, 2]", "simplernn/U [2, 2]",
                          "simplernn/b [2]"));
  keras0::SimpleDeepRNN deep(2, {.depth = 2});
  deep(x);
  EXPECT_THAT(WeightNames(deep),
              ElementsAre("simpledeeprnn/W [3, 2]", "simpledeeprnn/U_1 [2, 2]",
                          "simpledeeprnn/U_2 [2, 2]", "simpledeeprnn/b [2]"));
  keras0::LSTM lstm(2);
  lstm(x);
  EXPECT_THAT(
      WeightNames(lstm),
      ElementsAre("lstm/W_i [3, 2]", "lstm/U_i [2, 2]", "lstm/b_i [2]",
                  "lstm/W_c [3, 2]", "lstm/U_c [2, 2]", "lstm/b_c [2]",
                  "lstm/W_f [3, 2]", "lstm/U_f [2, 2]", "lstm/b_f [2]",
                  "lstm/W_o [3, 2]", "lstm/U_o [2, 2]", "lstm/b_o [2]"));
  keras0::JZS1 jzs1(2, {.name = "jzs1"});
  jzs1(x);
  EXPECT_THAT(WeightNames(jzs1),
              ElementsAre("jzs1/W_z [3, 2]", "jzs1/b_z [2]", "jzs1/W_r [3, 2]",
                          "jzs1/U_r [2, 2]", "jzs1/b_r [2]", "jzs1/U_h [2, 2]",
                          "jzs1/b_h [2]", "jzs1/Pmat [3, 2]"));
  keras0::JZS2 jzs2(2);
  jzs2(x);
  EXPECT_EQ(jzs2.weights().size(), 9);
  keras0::JZS3 jzs3(2);
  jzs3(x);
  EXPECT_EQ(jzs3.weights().size(), 9);
  keras0::GRU gru(2);
  gru(x);
  EXPECT_EQ(gru.weights().size(), 9);
  EXPECT_OK(p.graph().status());
}

// The initial values of a layer's weights.
std::vector<Tensor> InitialValues(keras::Layer& layer, int64_t depth) {
  Program p;
  layer(p.Random({1, 2, depth}));
  Outputs reads;
  for (const Variable& w : layer.weights()) reads.push_back(w.read());
  return p.Run(reads);
}

TEST(Keras0Test, InnerMatricesAreOrthogonalWithScale) {
  keras0::SimpleRNN layer(6);
  const Tensor u = InitialValues(layer, 3)[1];
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 6; ++j) {
      double dot = 0;
      for (int k = 0; k < 6; ++k) {
        dot += u.data<float>()[i * 6 + k] * u.data<float>()[j * 6 + k];
      }
      EXPECT_NEAR(dot, i == j ? 1.1 * 1.1 : 0, 1e-5);
    }
  }
}

TEST(Keras0Test, OnlyTheForgetBiasStartsAtOne) {
  keras0::LSTM layer(3);
  const std::vector<Tensor> values = InitialValues(layer, 2);
  EXPECT_THAT(values[2].data<float>(), Each(0.0f));  // b_i
  EXPECT_THAT(values[5].data<float>(), Each(0.0f));  // b_c
  EXPECT_THAT(values[8].data<float>(), Each(1.0f));  // b_f
  EXPECT_THAT(values[11].data<float>(), Each(0.0f));
  keras0::LSTM zero(3, {.forget_bias_init = "zero"});
  EXPECT_THAT(InitialValues(zero, 2)[8].data<float>(), Each(0.0f));
}

TEST(Keras0Test, PmatIsTheIdentityOrRandomSigns) {
  keras0::JZS1 square(2);
  EXPECT_THAT(InitialValues(square, 2)[7],
              TensorEq(Tensor::Of<float>({2, 2}, {1, 0, 0, 1})));
  keras0::JZS2 other(20);
  const Tensor p = InitialValues(other, 4)[8];
  int positive = 0;
  for (float v : p.data<float>()) {
    EXPECT_EQ(std::abs(v), 0.5f);
    if (v > 0) ++positive;
  }
  EXPECT_GT(positive, 20);
  EXPECT_LT(positive, 60);
}

TEST(Keras0Test, NormalsAreNotCutOff) {
  keras0::SimpleRNN layer(300, {.init = "glorot_normal"});
  const Tensor w = InitialValues(layer, 300)[0];
  const double deviation = std::sqrt(2.0 / 600);
  double square = 0;
  int beyond = 0;
  for (float v : w.data<float>()) {
    square += v * v;
    if (std::abs(v) > 2 * deviation) ++beyond;
  }
  const double n = 300 * 300;
  EXPECT_NEAR(square / n, deviation * deviation, 0.05 * deviation * deviation);
  // 4.55 % of a normal lie beyond two deviations.
  EXPECT_NEAR(beyond / n, 0.0455, 0.005);
}

TEST(Keras0Test, DepthOneWithoutInnerActivationIsSimpleRNN) {
  Program p;
  Output x = p.Random({2, 5, 3});
  const std::vector<Tensor> weights = {RandomTensor({3, 4}),
                                       RandomTensor({4, 4}), RandomTensor({4})};
  Output simple = keras0::SimpleRNN(4, {.weights = weights})(x);
  Output deep = keras0::SimpleDeepRNN(
      4, {.depth = 1, .inner_activation = "linear", .weights = weights})(x);
  const std::vector<Tensor> y = p.Run({simple, deep});
  EXPECT_THAT(y[1], TensorNear(y[0], 1e-6));
}

// Every layer with a mask on the left gives for valid steps what it gives
// without the padding.
TEST(Keras0Test, PaddingInFrontIsForgotten) {
  const auto make = std::vector<std::function<std::unique_ptr<keras::Layer>()>>{
      [] {
        return std::make_unique<keras0::SimpleRNN>(
            3, keras0::SimpleRNNOptions{.return_sequences = true});
      },
      [] {
        return std::make_unique<keras0::SimpleDeepRNN>(
            3, keras0::SimpleDeepRNNOptions{.return_sequences = true});
      },
      [] {
        return std::make_unique<keras0::LSTM>(
            3, keras0::LSTMOptions{.return_sequences = true});
      },
      [] {
        return std::make_unique<keras0::JZS3>(
            3, keras0::JZSOptions{.return_sequences = true});
      }};
  for (const auto& make_layer : make) {
    Program p;
    Output x = p.Random({1, 7, 2});
    const std::unique_ptr<keras::Layer> layer = make_layer();
    Output mask = Const(
        p.graph(), Tensor::Of<bool>(
                       {1, 7}, {false, false, false, true, true, true, true}));
    Output padded = (*layer)(x, {.mask = mask});
    Output bare = (*layer)(SliceAxis(x, 1, 3, 7));
    const std::vector<Tensor> y = p.Run({SliceAxis(padded, 1, 3, 7), bare});
    EXPECT_THAT(y[0], TensorNear(y[1], 1e-6)) << layer->kind();
  }
}

TEST(Keras0Test, AMaskComesFromEmbeddingAndGoesOnWithSequences) {
  Program p;
  Output ids = p.Fed(Tensor::Of<int32_t>({1, 4}, {0, 0, 2, 1}));
  Output x = keras::Embedding(3, 2, {.mask_zero = true})(ids);
  Output all = keras0::GRU(3, {.return_sequences = true})(x);
  Output last = keras0::GRU(3)(all);
  ASSERT_OK(p.graph().status());
  ASSERT_TRUE(keras::MaskOf(all).has_value());
  EXPECT_FALSE(keras::MaskOf(last).has_value());
  EXPECT_THAT(p.Run(*keras::MaskOf(all)),
              TensorEq(Tensor::Of<bool>({1, 4}, {false, false, true, true})));
}

TEST(Keras0Test, StandsInASequential) {
  Graph g;
  keras::Sequential model(g);
  model.Add(keras0::JZS1(
      16, {.input_dim = 8, .input_length = 10, .return_sequences = true}));
  EXPECT_EQ(model.output_shape(), (TensorShape{-1, 10, 16}));
  model.Add(keras::Flatten());
  EXPECT_EQ(model.output_shape(), (TensorShape{-1, 160}));
  EXPECT_OK(g.status());
}

// Gradients go back through the last n steps, as if those before were inputs.
TEST(Keras0Test, TruncateGradientCutsTheSequence) {
  const std::vector<Tensor> weights = {RandomTensor({2, 3}),
                                       RandomTensor({3, 3}), RandomTensor({3})};
  std::vector<Tensor> values[3];
  const int64_t steps[3] = {-1, 2, 100};
  for (int i = 0; i < 3; ++i) {
    Program p;
    Output x = p.Random({2, 5, 2});
    keras0::SimpleRNN layer(3, {.weights = weights,
                                .truncate_gradient = steps[i],
                                .return_sequences = true});
    Output y = layer(x);
    values[i] = p.Run({y, Gradients({y}, {x})[0]});
  }
  EXPECT_THAT(values[1][0], TensorEq(values[0][0]));
  EXPECT_THAT(values[2][1], TensorEq(values[0][1]));
  for (int b = 0; b < 2; ++b) {
    for (int t = 0; t < 5; ++t) {
      for (int i = b * 10 + t * 2; i < b * 10 + t * 2 + 2; ++i) {
        const float all = values[0][1].data<float>()[i];
        // The gradients of the last two steps are those without truncation:
        // nothing behind them is cut.
        EXPECT_EQ(values[1][1].data<float>()[i], t < 3 ? 0 : all);
      }
    }
  }
}

struct WrongCall {
  const char* name;
  std::function<void(Output x)> call;  // x: float [2, 4, 3].
  const char* message;
};

TEST(Keras0Test, WrongArgumentsAreBuildErrors) {
  const std::vector<Tensor> nine(9, Tensor::Vector<float>({0, 0}));
  const std::vector<WrongCall> wrong = {
      {"Units", [](Output x) { keras0::GRU(0)(x); },
       "GRU 'gru': output_dim is 0 but must be at least 1"},
      {"Depth", [](Output x) { keras0::SimpleDeepRNN(2, {.depth = 0})(x); },
       "SimpleDeepRNN 'simpledeeprnn': depth is 0 but must be in [1, 1000]"},
      {"TruncateZero",
       [](Output x) { keras0::LSTM(2, {.truncate_gradient = 0})(x); },
       "LSTM 'lstm': truncate_gradient is 0 but must be -1, for all steps, or "
       "at least 1"},
      {"TruncateNegative",
       [](Output x) { keras0::JZS2(2, {.truncate_gradient = -2})(x); },
       "JZS2 'jzs': truncate_gradient is -2 but must be -1"},
      {"Init", [](Output x) { keras0::GRU(2, {.init = "xavier"})(x); },
       "GRU 'gru': init is 'xavier' but must be"},
      {"InnerInit",
       [](Output x) { keras0::GRU(2, {.inner_init = "zeros"})(x); },
       "inner_init is 'zeros' but must be"},
      {"ForgetBiasInit",
       [](Output x) { keras0::LSTM(2, {.forget_bias_init = "ones"})(x); },
       "forget_bias_init is 'ones' but must be"},
      {"Activation", [](Output x) { keras0::JZS1(2, {.activation = "t"})(x); },
       "JZS1 'jzs': activation is 't' but must be"},
      {"InnerActivation",
       [](Output x) { keras0::JZS3(2, {.inner_activation = "t"})(x); },
       "JZS3 'jzs': inner_activation is 't' but must be"},
      {"WeightsCount",
       [&](Output x) { keras0::SimpleRNN(2, {.weights = nine})(x); },
       "SimpleRNN 'simplernn': weights is"},
      {"WeightsShape", [&](Output x) { keras0::GRU(2, {.weights = nine})(x); },
       "but must be gru/W_z float32 [3, 2], gru/U_z float32 [2, 2], gru/b_z"},
      {"WeightsOfJzs1",
       [&](Output x) { keras0::JZS1(2, {.weights = nine})(x); },
       "weights has 9 arrays but must have 8: W_z, b_z, W_r, U_r, b_r, U_h, "
       "b_h, Pmat. There is no U_z"},
      {"Rank",
       [](Output x) {
         keras0::GRU(2)(Reshape(x, {8, 3}));
       },
       "GRU 'gru': x is [8, 3] but must be [batch, time, depth]"},
      {"InitialState",
       [](Output x) { keras0::GRU(2)(x, {.initial_state = {x}}); },
       "initial_state is given but must be left out"},
      {"Constants", [](Output x) { keras0::GRU(2)(x, {.constants = {x}}); },
       "constants is given but must be left out"},
      {"SequenceLength",
       [](Output x) {
         keras0::GRU(2)(x,
                        {.sequence_length = Const<int32_t>(x.graph(), {1, 2})});
       },
       "sequence_length is given but must be left out"},
      {"Mask", [](Output x) { keras0::GRU(2)(x, {.mask = x}); },
       "mask is float32 [2, 4, 3] but must be bool [2, 4]"},
  };
  for (const WrongCall& w : wrong) {
    Graph g;
    w.call(Placeholder(g, "x", DataType::kFloat, {2, 4, 3}));
    EXPECT_THAT(g.status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr(w.message)))
        << w.name;
  }
}

}  // namespace
}  // namespace weft
