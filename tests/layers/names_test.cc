// What is public of a layer's graph: names and shapes of weights, collections,
// scopes, the size of the graph.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/cells.h"
#include "layers/core.h"
#include "layers/recurrent.h"
#include "ops/gradients.h"
#include "tests/layers/models.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class NamesTest : public ::testing::Test {
 protected:
  std::vector<std::string> Names() { return VariableNames(p_.graph()); }
  const std::vector<std::string>& Collection(const char* name) {
    return p_.graph().Collection(name);
  }

  Program p_;
  Output x_ = p_.Random({2, 3, 4});
};

// ---- Weights ---------------------------------------------------------------

TEST_F(NamesTest, Lstm) {
  lstm(x_, {.units = 5});
  EXPECT_THAT(Names(), ElementsAre("LSTM/BasicLSTMCell/kernel [9, 20]",
                                   "LSTM/BasicLSTMCell/bias [20]"));
}

TEST_F(NamesTest, StackOfLstms) {
  lstm(x_, {.units = 5, .num_layers = 2, .name = "encoder"});
  EXPECT_THAT(
      Names(),
      ElementsAre("encoder/MultiRNNCell/cell_0/BasicLSTMCell/kernel [9, 20]",
                  "encoder/MultiRNNCell/cell_0/BasicLSTMCell/bias [20]",
                  "encoder/MultiRNNCell/cell_1/BasicLSTMCell/kernel [10, 20]",
                  "encoder/MultiRNNCell/cell_1/BasicLSTMCell/bias [20]"));
}

TEST_F(NamesTest, SimpleRnn) {
  simple_rnn(x_, {.units = 5});
  EXPECT_THAT(Names(), ElementsAre("SimpleRNN/BasicRNNCell/kernel [9, 5]",
                                   "SimpleRNN/BasicRNNCell/bias [5]"));
}

TEST_F(NamesTest, Gru) {
  gru(x_, {.units = 5});
  EXPECT_THAT(Names(), ElementsAre("GRU/GRUCell/gates/kernel [9, 10]",
                                   "GRU/GRUCell/candidate/kernel [9, 5]",
                                   "GRU/GRUCell/gates/bias [10]",
                                   "GRU/GRUCell/candidate/bias [5]"));
}

TEST_F(NamesTest, WithoutBiasThereIsNone) {
  gru(x_, {.units = 5, .bias = false});
  lstm(x_, {.units = 5, .bias = false});
  simple_rnn(x_, {.units = 5, .bias = false});
  EXPECT_THAT(Names(), ElementsAre("GRU/GRUCell/gates/kernel [9, 10]",
                                   "GRU/GRUCell/candidate/kernel [9, 5]",
                                   "LSTM/BasicLSTMCell/kernel [9, 20]",
                                   "SimpleRNN/BasicRNNCell/kernel [9, 5]"));
}

TEST_F(NamesTest, FullLstm) {
  rnn(x_, LSTMCell({.units = 5, .use_peepholes = true, .num_proj = 3}));
  EXPECT_THAT(
      Names(),
      ElementsAre("RNN/LSTMCell/kernel [7, 20]", "RNN/LSTMCell/bias [20]",
                  "RNN/LSTMCell/w_f_diag [5]", "RNN/LSTMCell/w_i_diag [5]",
                  "RNN/LSTMCell/w_o_diag [5]",
                  "RNN/LSTMCell/projection/kernel [5, 3]"));
}

TEST_F(NamesTest, BatchNormalisedLstm) {
  rnn(x_, BasicLSTMCell({.units = 5, .batch_norm = true}));
  EXPECT_THAT(Names(), SizeIs(2 + 5 * 4));
  EXPECT_THAT(Names(), Contains("RNN/BasicLSTMCell/bn_i/gamma [5]"));
  EXPECT_THAT(Names(), Contains("RNN/BasicLSTMCell/bn_c/moving_variance [5]"));
  EXPECT_TRUE(
      p_.graph().FindVariable("RNN/BasicLSTMCell/bn_f/beta")->trainable);
  EXPECT_FALSE(
      p_.graph().FindVariable("RNN/BasicLSTMCell/bn_f/moving_mean")->trainable);
}

TEST_F(NamesTest, BothDirections) {
  bidirectional_rnn(x_, BasicLSTMCell({.units = 5}),
                    GRUCell({.units = 5, .bias = false}));
  EXPECT_THAT(Names(), ElementsAre("BiRNN/fw/BasicLSTMCell/kernel [9, 20]",
                                   "BiRNN/fw/BasicLSTMCell/bias [20]",
                                   "BiRNN/bw/GRUCell/gates/kernel [9, 10]",
                                   "BiRNN/bw/GRUCell/candidate/kernel [9, 5]"));
}

TEST_F(NamesTest, OtherLayers) {
  dense(x_, {.units = 2});
  embedding(p_.Lengths({1, 2}), {.input_dim = 6, .output_dim = 3});
  EXPECT_THAT(Names(), ElementsAre("Dense/kernel [4, 2]", "Dense/bias [2]",
                                   "Embedding/embeddings [6, 3]"));
}

TEST_F(NamesTest, AreMadeUnique) {
  lstm(x_, {.units = 5, .bias = false});
  lstm(x_, {.units = 5, .bias = false});
  EXPECT_THAT(Names(), ElementsAre("LSTM/BasicLSTMCell/kernel [9, 20]",
                                   "LSTM_1/BasicLSTMCell/kernel [9, 20]"));
}

TEST_F(NamesTest, TheFormChangesNothing) {
  Program q;
  Output x = q.Random({2, 3, 4});
  lstm(x_, {.units = 5, .num_layers = 2, .dynamic = true});
  lstm(x, {.units = 5, .num_layers = 2});
  EXPECT_EQ(Names(), VariableNames(q.graph()));
}

// ---- Sharing ---------------------------------------------------------------

TEST_F(NamesTest, AScopeStandsForTheName) {
  gru(x_, {.units = 5, .bias = false, .scope = "encoder", .name = "ignored"});
  EXPECT_THAT(Names(), ElementsAre("encoder/GRUCell/gates/kernel [9, 10]",
                                   "encoder/GRUCell/candidate/kernel [9, 5]"));
}

TEST_F(NamesTest, AScopeIsUsedAgain) {
  for (bool dynamic : {false, true}) {
    Program p;
    Output x = p.Random({2, 3, 4});
    Output y = lstm(x, {.units = 5, .num_layers = 2, .scope = "encoder"});
    Output z = lstm(x, {.units = 5,
                        .num_layers = 2,
                        .dynamic = dynamic,
                        .reuse = true,
                        .scope = "encoder"});
    EXPECT_THAT(p.graph().variables(), SizeIs(4));
    const std::vector<Tensor> v = p.Run({y, z});
    EXPECT_THAT(v[1], TensorNear(v[0], 1e-6));
  }
}

TEST_F(NamesTest, OtherLayersAreUsedAgain) {
  Output ids = p_.Lengths({1, 2});
  const std::vector<Tensor> v = p_.Run(
      {dense(x_, {.units = 2, .scope = "d"}),
       dense(x_, {.units = 2, .reuse = true, .scope = "d"}),
       embedding(ids, {.input_dim = 6, .output_dim = 3, .scope = "e"}),
       embedding(
           ids, {.input_dim = 6, .output_dim = 3, .reuse = true, .scope = "e"}),
       bidirectional_rnn(x_, GRUCell({.units = 2}), GRUCell({.units = 2}),
                         {.scope = "b"}),
       bidirectional_rnn(x_, GRUCell({.units = 2}), GRUCell({.units = 2}),
                         {.reuse = true, .scope = "b"})});
  EXPECT_THAT(p_.graph().variables(), SizeIs(2 + 1 + 8));
  for (int i : {0, 2, 4}) EXPECT_THAT(v[i], TensorEq(v[i + 1]));
}

TEST_F(NamesTest, ALayerObjectSharesItsWeightsBetweenCalls) {
  LSTM layer({.units = 5, .num_layers = 2});
  EXPECT_THAT(layer.weights(), IsEmpty());
  Output y = layer(x_);
  Output z = layer(x_);
  EXPECT_THAT(p_.graph().variables(), SizeIs(4));
  ASSERT_THAT(layer.weights(), SizeIs(4));
  EXPECT_EQ(layer.weights()[2].name(),
            "LSTM/MultiRNNCell/cell_1/BasicLSTMCell/kernel");
  const std::vector<Tensor> v = p_.Run({y, z});
  EXPECT_THAT(v[1], TensorEq(v[0]));
}

TEST_F(NamesTest, WeightsMayBeFrozenAndLeftOutOfRestoring) {
  gru(x_, {.units = 5, .trainable = false, .restore = false});
  for (const VariableInfo& v : p_.graph().variables()) {
    EXPECT_FALSE(v.trainable) << v.name;
    EXPECT_FALSE(v.restore) << v.name;
  }
}

// ---- Collections -----------------------------------------------------------

TEST_F(NamesTest, StatesAreRecordedInPairs) {
  for (bool dynamic : {false, true}) {
    Program p;
    lstm(p.Random({2, 3, 4}), {.units = 5, .dynamic = dynamic});
    EXPECT_THAT(p.graph().Collection("recurrent_state"),
                ElementsAre("LSTM/initial_state_0:0", "LSTM/final_state_0:0",
                            "LSTM/initial_state_1:0", "LSTM/final_state_1:0"));
    EXPECT_THAT(p.graph().Collection("recurrent_backward"), IsEmpty());
  }
}

TEST_F(NamesTest, InitialStatesMayBeFed) {
  gru(x_, {.units = 5, .return_seq = true, .name = "GRU"});
  p_.Run(x_);
  p_.feeds().emplace_back("GRU/initial_state_0:0", RandomTensor({2, 5}));
  EXPECT_OK(p_.session().Run(p_.feeds(), {"GRU/final_state_0:0"}));
}

TEST_F(NamesTest, BothDirectionsCannotBeStreamed) {
  bidirectional_rnn(x_, GRUCell({.units = 5}), GRUCell({.units = 5}));
  EXPECT_THAT(Collection("recurrent_state"), IsEmpty());
  EXPECT_THAT(Collection("recurrent_backward"),
              ElementsAre("BiRNN/fw", "BiRNN/bw"));
}

// ---- The size of the graph -------------------------------------------------

int NodesOfLoop(const CellModel& model, int64_t time) {
  Program p({.mode = ModeKeys::kTrain, .seed = 7});
  Output x = p.Random({2, time, 2});
  AnyCell cell = model.make();
  const RNNResult y = rnn(
      x, *cell, {.return_seq = true, .return_state = true, .dynamic = true});
  Outputs all = {y.output};
  for (const Output& dw : Gradients({y.output}, cell->weights())) {
    if (dw.valid()) all.push_back(dw);  // None of moving statistics.
  }
  EXPECT_OK(p.graph().status());
  return CountNodes(all, IsAny);
}

TEST(GraphSizeTest, OfALoopDoesNotDependOnTheTime) {
  for (const CellModel& model : CellModels()) {
    SCOPED_TRACE(model.name);
    EXPECT_EQ(NodesOfLoop(model, 2), NodesOfLoop(model, 500));
  }
}

}  // namespace
}  // namespace weft
