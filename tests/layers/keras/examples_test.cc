// The examples of Keras' documents, line for line.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/keras/conv_lstm.h"
#include "layers/keras/core.h"
#include "layers/keras/recurrent.h"
#include "layers/keras/sequential.h"
#include "layers/keras/wrappers.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"

namespace examples {
namespace {

using namespace weft::keras;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using weft::MatMul;
using weft::Program;

// RNN: a cell as a layer subclass.
class MinimalRNNCell : public Cell {
 public:
  explicit MinimalRNNCell(int64_t units) : units_(units) {}
  std::vector<int64_t> state_size() const override { return {units_}; }

  void Build(const TensorShape& input_shape) override {
    kernel_ = AddWeight({.shape = {input_shape.dim(-1), units_},
                         .initializer = "uniform",
                         .name = "kernel"});
    recurrent_kernel_ = AddWeight({.shape = {units_, units_},
                                   .initializer = "uniform",
                                   .name = "recurrent_kernel"});
  }

  CellResult Call(Output inputs, const Outputs& states) override {
    Output prev_output = states[0];
    Output h = MatMul(inputs, kernel_);
    Output output = h + MatMul(prev_output, recurrent_kernel_);
    return {output, {output}};
  }

 private:
  const int64_t units_;
  Output kernel_;
  Output recurrent_kernel_;
};

class ExamplesTest : public ::testing::Test {
 protected:
  ~ExamplesTest() override { EXPECT_OK(g.status()); }

  Program p_{{.mode = ModeKeys::kTrain, .seed = 7}};
  Graph& g = p_.graph();
};

TEST_F(ExamplesTest, ACellOfOnesOwn) {
  // Let's use this cell in a RNN layer:
  MinimalRNNCell cell(32);
  Output x = Input(g, {.shape = {-1, 5}});
  RNN layer(std::move(cell));
  Output y = layer(x);
  EXPECT_EQ(y.shape(), TensorShape({-1, 32}));
  EXPECT_THAT(
      weft::VariableNames(g),
      ElementsAre("rnn/kernel [5, 32]", "rnn/recurrent_kernel [32, 32]"));

  // Here's how to use the cell to build a stacked RNN:
  std::vector<AnyCell> cells = Cells(MinimalRNNCell(32), MinimalRNNCell(64));
  RNN stacked(std::move(cells));
  Output y2 = stacked(x);
  EXPECT_EQ(y2.shape(), TensorShape({-1, 64}));
  EXPECT_EQ(stacked.weights().size(), 4u);
}

TEST_F(ExamplesTest, StackedCells) {
  const int64_t timesteps = 6;
  const int64_t input_dim = 4;
  const int64_t output_dim = 3;
  Output inputs = Input(g, {.shape = {timesteps, input_dim}});
  Output z = RNN(Cells(LSTMCell(output_dim), LSTMCell(output_dim),
                       LSTMCell(output_dim)))(inputs);
  EXPECT_EQ(z.shape(), TensorShape({-1, 3}));
  // A list in braces copies the cells.
  Output again = RNN({LSTMCell(output_dim), GRUCell(output_dim)})(inputs);
  EXPECT_EQ(again.shape(), TensorShape({-1, 3}));
}

TEST_F(ExamplesTest, TheFirstLayerOfAModel) {
  Graph other;
  // As the first layer in a Sequential model
  Sequential model(other);
  model.Add(LSTM(32, {.input_shape = {10, 64}}));
  // now model.output_shape() is {-1, 32}; -1 is the batch dimension.
  EXPECT_EQ(model.output_shape(), TensorShape({-1, 32}));
  EXPECT_OK(other.status());
  // The document goes on with this line, which fails in Keras as well: the
  // first layer lacks return_sequences.
  model.Add(LSTM(16));
  EXPECT_THAT(other.status(),
              weft::StatusIs(absl::StatusCode::kInvalidArgument,
                             HasSubstr("a recurrent layer gives one with "
                                       "return_sequences")));
}

TEST_F(ExamplesTest, StackedLayers) {
  // To stack recurrent layers, return_sequences on each but the last.
  Sequential model(g);
  model.Add(LSTM(
      64, {.input_dim = 64, .input_length = 10, .return_sequences = true}));
  EXPECT_EQ(model.output_shape(), TensorShape({-1, 10, 64}));
  model.Add(LSTM(32, {.return_sequences = true}));
  model.Add(LSTM(10));
  EXPECT_EQ(model.output_shape(), TensorShape({-1, 10}));
}

TEST_F(ExamplesTest, FlattenAndDenseNeedTheLength) {
  Sequential model(g);
  model.Add(
      GRU(4, {.input_dim = 3, .input_length = 5, .return_sequences = true}));
  model.Add(Flatten());
  model.Add(Dense(2));
  EXPECT_EQ(model.output_shape(), TensorShape({-1, 2}));
  EXPECT_EQ(model.weights()[3].shape(), TensorShape({20, 2}));
}

TEST_F(ExamplesTest, MaskingAndStates) {
  Sequential model(g);
  model.Add(
      Embedding(1000, 64, {.batch_input_shape = {32, 10}, .mask_zero = true}));
  model.Add(GRU(
      32, {.kernel_regularizer = regularizers::L2(0.01f), .stateful = true}));
  model.Add(Dense(3, {.activation = "softmax"}));
  EXPECT_EQ(model.output_shape(), TensorShape({32, 3}));
  EXPECT_EQ(model.state_variables().size(), 1u);
  EXPECT_EQ(model.losses().size(), 1u);
}

TEST_F(ExamplesTest, StatesAndFrames) {
  Output x = Input(g, {.shape = {-1, 5}});
  Result r = LSTM(8, {.return_state = true})(x);
  Output y3 =
      LSTM(8, {.activation = kNone})(x, {.initial_state = {r[1], r[2]}});
  EXPECT_EQ(y3.shape(), TensorShape({-1, 8}));
  Output frames = Input(g, {.batch_shape = {4, -1, 40, 40, 3}});
  Output video = ConvLSTM2D(
      16, {3, 3}, {.padding = "same", .return_sequences = true})(frames);
  EXPECT_EQ(video.shape(), TensorShape({4, -1, 40, 40, 16}));
  Output fast = CuDNNLSTM(32, {.return_sequences = true})(x);
  EXPECT_EQ(fast.shape(), TensorShape({-1, -1, 32}));
}

TEST_F(ExamplesTest, Wrappers) {
  Sequential model(g);
  model.Add(Bidirectional(LSTM(10, {.return_sequences = true}),
                          {.input_shape = {5, 10}}));
  model.Add(Bidirectional(LSTM(10)));
  model.Add(Dense(5, {.activation = "softmax"}));
  EXPECT_EQ(model.output_shape(), TensorShape({-1, 5}));

  Sequential distributed(g,
                         {TimeDistributed(Dense(8), {.input_shape = {10, 16}}),
                          TimeDistributed(Dense(32))});
  EXPECT_EQ(distributed.output_shape(), TensorShape({-1, 10, 32}));
}

TEST_F(ExamplesTest, AModelIsALayer) {
  Sequential inner(
      g,
      {LSTM(6, {.input_shape = {-1, 3}, .return_sequences = true}), Dense(4)});
  Output x = Input(g, {.shape = {-1, 3}});
  Output y = inner(x);
  EXPECT_EQ(y.shape().dim(2), 4);
  EXPECT_EQ(weft::VariableNames(g).size(), 5u);  // Shared.
  Sequential outer(g);
  outer.Add(std::move(inner));
  outer.Add(GRU(2));
  EXPECT_EQ(outer.output_shape(), TensorShape({-1, 2}));
  EXPECT_EQ(outer.weights().size(), 8u);
}

TEST_F(ExamplesTest, LayersThatAreCalledTwiceShareTheirWeights) {
  GRU layer(4);
  Output x = p_.Random({2, 3, 5});
  const std::vector<Tensor> v = p_.Run({layer(x), layer(x)});
  EXPECT_EQ(weft::VariableNames(g).size(), 3u);
  EXPECT_EQ(v[0].ToString(), v[1].ToString());
}

}  // namespace
}  // namespace examples
