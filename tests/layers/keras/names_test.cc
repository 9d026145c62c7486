// What is public of the graphs of Keras' layers: names, shapes, initial values
// and lists of weights, penalties and constraints.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/keras/conv_lstm.h"
#include "layers/keras/core.h"
#include "layers/keras/recurrent.h"
#include "layers/keras/wrappers.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "tests/layers/keras/layer_models.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class KerasNamesTest : public ::testing::Test {
 protected:
  std::vector<std::string> Names() { return VariableNames(p_.graph()); }
  // The initial value of the first weight whose name ends in `name`.
  Tensor Initial(const std::string& name) {
    p_.Run(x_);
    return *p_.session().GetVariable(name);
  }

  Program p_;
  Output x_ = p_.Random({2, 3, 4});
};

// ---- The golden listing ----------------------------------------------------

TEST_F(KerasNamesTest, RecurrentLayers) {
  keras::SimpleRNN(5)(x_);
  keras::GRU(5)(x_);
  keras::GRU(5, {.reset_after = true})(x_);
  keras::LSTM(5, {.stateful = true})(x_);
  keras::CuDNNGRU(5)(x_);
  keras::CuDNNLSTM(5)(x_);
  EXPECT_THAT(
      Names(),
      ElementsAre(
          "simple_rnn/simple_rnn_cell/kernel [4, 5]",
          "simple_rnn/simple_rnn_cell/recurrent_kernel [5, 5]",
          "simple_rnn/simple_rnn_cell/bias [5]", "gru/gru_cell/kernel [4, 15]",
          "gru/gru_cell/recurrent_kernel [5, 15]", "gru/gru_cell/bias [15]",
          "gru_1/gru_cell/kernel [4, 15]",
          "gru_1/gru_cell/recurrent_kernel [5, 15]", "gru_1/gru_cell/bias [30]",
          "lstm/lstm_cell/kernel [4, 20]",
          "lstm/lstm_cell/recurrent_kernel [5, 20]", "lstm/lstm_cell/bias [20]",
          "lstm/state_0 [2, 5]", "lstm/state_1 [2, 5]",
          "cu_dnngru/cu_dnngru_cell/kernel [4, 15]",
          "cu_dnngru/cu_dnngru_cell/recurrent_kernel [5, 15]",
          "cu_dnngru/cu_dnngru_cell/bias [30]",
          "cu_dnnlstm/cu_dnnlstm_cell/kernel [4, 20]",
          "cu_dnnlstm/cu_dnnlstm_cell/recurrent_kernel [5, 20]",
          "cu_dnnlstm/cu_dnnlstm_cell/bias [40]"));
}

TEST_F(KerasNamesTest, StacksAndWrappers) {
  keras::RNN(Cells(keras::LSTMCell(5, {.use_bias = false}),
                   keras::GRUCell(2, {.use_bias = false})))(x_);
  keras::Bidirectional(keras::LSTM(5, {.use_bias = false, .name = "enc"}))(x_);
  keras::TimeDistributed(keras::Dense(6))(x_);
  EXPECT_THAT(
      Names(),
      ElementsAre(
          "rnn/stacked_rnn_cells/cell_0/lstm_cell/kernel [4, 20]",
          "rnn/stacked_rnn_cells/cell_0/lstm_cell/recurrent_kernel [5, 20]",
          "rnn/stacked_rnn_cells/cell_1/gru_cell/kernel [5, 6]",
          "rnn/stacked_rnn_cells/cell_1/gru_cell/recurrent_kernel [2, 6]",
          "bidirectional/forward_enc/lstm_cell/kernel [4, 20]",
          "bidirectional/forward_enc/lstm_cell/recurrent_kernel [5, 20]",
          "bidirectional/backward_enc/lstm_cell/kernel [4, 20]",
          "bidirectional/backward_enc/lstm_cell/recurrent_kernel [5, 20]",
          "time_distributed/dense/kernel [4, 6]",
          "time_distributed/dense/bias [6]"));
}

TEST_F(KerasNamesTest, OtherLayers) {
  keras::Embedding(6, 3)(p_.Lengths({1, 2}));
  keras::Dense(2)(x_);
  keras::ConvLSTM2D(2, 3)(p_.Random({2, 3, 4, 5, 6}));
  EXPECT_THAT(
      Names(),
      ElementsAre(
          "embedding/embeddings [6, 3]", "dense/kernel [4, 2]",
          "dense/bias [2]",
          "conv_lst_m2d/conv_lst_m2d_cell/kernel [3, 3, 6, 8]",
          "conv_lst_m2d/conv_lst_m2d_cell/recurrent_kernel [3, 3, 2, 8]",
          "conv_lst_m2d/conv_lst_m2d_cell/bias [8]"));
}

TEST_F(KerasNamesTest, DoNotDependOnTheForm) {
  for (const LayerModel& model : LayerModels()) {
    SCOPED_TRACE(model.name);
    LayerProgram loop(model, {});
    LayerProgram other(
        model, {.return_sequences = false, .unroll = true, .dropout = 0.5});
    EXPECT_EQ(VariableNames(loop.p.graph()), VariableNames(other.p.graph()));
  }
}

TEST_F(KerasNamesTest, StatesAreRecordedInPairs) {
  keras::LSTM(3)(x_);
  keras::GRU(3, {.go_backwards = true})(x_);
  EXPECT_THAT(p_.graph().Collection("recurrent_state"),
              ElementsAre("lstm/initial_state_0:0", "lstm/final_state_0:0",
                          "lstm/initial_state_1:0", "lstm/final_state_1:0"));
  EXPECT_THAT(p_.graph().Collection("recurrent_backward"), ElementsAre("gru"));
}

// ---- Initial values --------------------------------------------------------

TEST_F(KerasNamesTest, TheForgetGateStartsOpen) {
  keras::LSTM(2, {.bias_initializer = "ones"})(x_);
  keras::LSTM(2, {.bias_initializer = "ones", .unit_forget_bias = false})(x_);
  keras::CuDNNLSTM(1)(x_);
  EXPECT_THAT(Initial("lstm/lstm_cell/bias"),
              TensorEq(Tensor::Vector<float>({0, 0, 1, 1, 0, 0, 0, 0})));
  EXPECT_THAT(Initial("lstm_1/lstm_cell/bias"),
              TensorEq(Tensor::Vector<float>({1, 1, 1, 1, 1, 1, 1, 1})));
  EXPECT_THAT(Initial("cu_dnnlstm/cu_dnnlstm_cell/bias"),
              TensorEq(Tensor::Vector<float>({0, 0, 0, 0, 0, 1, 0, 0})));
}

TEST_F(KerasNamesTest, RecurrentKernelsAreOrthogonal) {
  keras::LSTM layer(6);
  layer(x_);
  p_.Run(x_);
  const auto r = p_.session().GetVariable("lstm/lstm_cell/recurrent_kernel");
  ASSERT_OK(r);
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 6; ++j) {
      double product = 0;
      for (int k = 0; k < 24; ++k) {
        product += r->data<float>()[i * 24 + k] * r->data<float>()[j * 24 + k];
      }
      EXPECT_NEAR(product, i == j ? 1 : 0, 1e-5);
    }
  }
}

TEST_F(KerasNamesTest, ListsOfWeightsAreTheInitialValues) {
  const std::vector<Tensor> given = {RandomTensor({4, 12}),
                                     RandomTensor({3, 12}), RandomTensor({12})};
  keras::LSTM layer(3, {.weights = given});
  keras::Dense dense(2, {.weights = {RandomTensor({4, 2})}, .use_bias = false});
  layer(x_);
  dense(x_);
  EXPECT_THAT(Initial("lstm/lstm_cell/kernel"), TensorEq(given[0]));
  EXPECT_THAT(Initial("lstm/lstm_cell/bias"), TensorEq(given[2]));
  EXPECT_THAT(Initial("dense/kernel"), TensorEq(RandomTensor({4, 2})));
}

TEST_F(KerasNamesTest, LayersMayBeFrozen) {
  keras::LSTM(3, {.trainable = false})(x_);
  keras::RNN(Cells(keras::GRUCell(2), keras::GRUCell(3)),
             {.trainable = false})(x_);
  keras::Dense(2, {.trainable = false})(x_);
  keras::Bidirectional both(keras::GRU(2));
  both.set_trainable(false);
  both(x_);
  EXPECT_THAT(Names(), SizeIs(3 + 6 + 2 + 6));
  for (const VariableInfo& v : p_.graph().variables()) {
    EXPECT_FALSE(v.trainable) << v.name;
  }
}

// ---- Penalties and constraints ---------------------------------------------

TEST_F(KerasNamesTest, PenaltiesOfAllWeightsJoinTheLoss) {
  keras::GRU layer(3, {.kernel_regularizer = "l2",
                       .recurrent_regularizer = regularizers::L1(0.1),
                       .bias_regularizer = [](Output w) { return Sum(w); }});
  layer(x_);
  keras::RNN of_cells(Cells(keras::LSTMCell(2, {.bias_regularizer = "l1"}),
                            keras::SimpleRNNCell(2)));
  of_cells(x_);
  EXPECT_THAT(layer.losses(), SizeIs(3));
  EXPECT_THAT(of_cells.losses(), SizeIs(1));
  EXPECT_THAT(RegularizationLosses(p_.graph()), SizeIs(4));
  // The bias of an LSTM has as many ones as units: 0.01 * 2.
  EXPECT_FLOAT_EQ(p_.Run(of_cells.losses()[0]).scalar<float>(), 0.02f);
}

TEST_F(KerasNamesTest, ActivityPenaltiesSumOverEveryResult) {
  keras::LSTM layer(3, {.activity_regularizer = regularizers::L2(1),
                        .return_sequences = true,
                        .return_state = true});
  const keras::Result r = layer(x_);
  ASSERT_THAT(layer.losses(), SizeIs(3));
  Outputs fetches = layer.losses();
  for (Output y : r.outputs()) fetches.push_back(Sum(Square(y)));
  const std::vector<Tensor> v = p_.Run(fetches);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FLOAT_EQ(v[i].scalar<float>(), v[3 + i].scalar<float>());
  }
}

TEST_F(KerasNamesTest, ConstraintsAreKeptWithTheGraph) {
  keras::GRU(3, {.kernel_constraint = "max_norm",
                 .bias_constraint = constraints::NonNeg()})(x_);
  EXPECT_THAT(
      p_.graph().Collection(kConstraints),
      ElementsAre("gru/gru_cell/kernel", "gru/gru_cell/kernel/Constraint",
                  "gru/gru_cell/bias", "gru/gru_cell/bias/Constraint"));
}

TEST_F(KerasNamesTest, ImagesHaveAFormatForTheWholeGraph) {
  EXPECT_EQ(keras::ImageDataFormat(p_.graph()), "channels_last");
  keras::SetImageDataFormat(p_.graph(), "channels_first");
  Output y = keras::ConvLSTM2D(2, 3)(p_.Random({2, 3, 6, 5, 4}));
  EXPECT_EQ(y.shape(), TensorShape({2, 2, 3, 2}));
  Output z = keras::ConvLSTM2D(
      2, 3, {.data_format = "channels_last"})(p_.Random({2, 3, 6, 5, 4}));
  EXPECT_EQ(z.shape(), TensorShape({2, 4, 3, 2}));
}

TEST_F(KerasNamesTest, ImagesOfAnySizeAreTaken) {
  Output x = p_.Fed(RandomTensor({2, 3, 6, 5, 1}), {-1, -1, -1, -1, 1});
  keras::ConvLSTM2D layer(2, {2, 3},
                          {.strides = {2, 1}, .return_sequences = true});
  keras::ConvLSTM2D same(2, {2, 3}, {.strides = {2, 1}, .padding = "SAME"});
  Output y = layer(x);
  EXPECT_EQ(y.shape(), TensorShape({-1, -1, -1, -1, 2}));
  const std::vector<Tensor> v = p_.Run({y, same(x)});
  EXPECT_EQ(v[0].shape(), TensorShape({2, 3, 3, 3, 2}));
  EXPECT_EQ(v[1].shape(), TensorShape({2, 3, 5, 2}));
}

}  // namespace
}  // namespace weft
