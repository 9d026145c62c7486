// Layers whose states last from run to run.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/keras/core.h"
#include "layers/keras/recurrent.h"
#include "layers/keras/sequential.h"
#include "layers/keras/wrappers.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "tests/layers/keras/layer_models.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "train/layer_values.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class StatefulTest : public ::testing::TestWithParam<LayerModel> {};

INSTANTIATE_TEST_SUITE_P(Layers, StatefulTest,
                         ::testing::ValuesIn(LayerModels()),
                         [](const auto& info) { return info.param.name; });

// Rows [begin, end) of the axis of time.
Tensor Chunk(const Tensor& x, int64_t begin, int64_t end) {
  TensorShape shape = x.shape();
  const int64_t time = shape.dim(1);
  shape.set_dim(1, end - begin);
  Tensor chunk = *Tensor::Create(x.dtype(), shape);
  const int64_t step = x.num_elements() / x.dim(0) / time;
  for (int64_t b = 0; b < x.dim(0); ++b) {
    for (int64_t i = 0; i < (end - begin) * step; ++i) {
      chunk.mutable_data<float>()[b * (end - begin) * step + i] =
          x.data<float>()[(b * time + begin) * step + i];
    }
  }
  return chunk;
}

TEST_P(StatefulTest, ChunksGiveWhatTheWholeGives) {
  if (!GetParam().one_way) GTEST_SKIP() << "it goes both ways";
  LayerForm form = {.return_sequences = false};
  LayerProgram whole(GetParam(), form);
  const std::vector<Tensor> expected = whole.p.Run(whole.result.outputs());
  const Tensor x = whole.p.feeds()[0].value;
  form.stateful = true;
  Program p;
  TensorShape shape = x.shape();
  shape.set_dim(1, TensorShape::kUnknownDim);
  Output fed = p.Fed(Chunk(x, 0, 2), shape);
  keras::AnyLayer layer = GetParam().make(form);
  const keras::Result result = (*layer)(fed);
  p.Run(result.outputs());
  p.feeds()[0].value = Chunk(x, 2, 5);
  const std::vector<Tensor> got = p.Run(result.outputs());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_THAT(got[i], TensorNear(expected[i], 1e-6)) << i;
  }
  // From zeros again.
  ASSERT_OK(ResetStates(p.session(), *layer));
  p.feeds()[0].value = x;
  const std::vector<Tensor> again = p.Run(result.outputs());
  EXPECT_THAT(again[0], TensorNear(expected[0], 1e-6));
  EXPECT_THAT(p.Run(result[0]), Not(TensorNear(expected[0], 1e-6)));
}

class StatesTest : public ::testing::Test {
 protected:
  Program p_;
  Output x_ = p_.Random({2, 3, 4});
};

TEST_F(StatesTest, AreVariablesThatNobodyTrains) {
  keras::LSTM layer(3, {.stateful = true});
  layer(x_);
  ASSERT_THAT(layer.state_variables(), SizeIs(2));
  EXPECT_EQ(layer.state_variables()[1].name(), "lstm/state_1");
  EXPECT_EQ(layer.state_variables()[1].shape(), TensorShape({2, 3}));
  EXPECT_FALSE(p_.graph().FindVariable("lstm/state_1")->trainable);
  EXPECT_THAT(layer.weights(), SizeIs(3));
}

TEST_F(StatesTest, AreSetByResetting) {
  keras::GRU layer(3, {.stateful = true});
  Output h = p_.Random({2, 3});
  Output y = layer(x_);
  Output z = layer(x_, {.initial_state = {h}});
  const Tensor state = p_.feeds()[1].value;
  const Tensor expected = p_.Run(z);
  ASSERT_OK(ResetStates(p_.session(), layer, {state}));
  EXPECT_THAT(p_.Run(y), TensorNear(expected, 1e-6));
}

TEST_F(StatesTest, AreConstantsForGradients) {
  keras::GRU layer(3, {.stateful = true});
  Output y = layer(x_);
  const Outputs gradients = Gradients({y}, {layer.weights()[0].read(), x_});
  p_.Run(y);
  const std::vector<Tensor> v = p_.Run(gradients);
  EXPECT_EQ(v[1].shape(), TensorShape({2, 3, 4}));
}

TEST_F(StatesTest, LieStillWhenNobodyWantsTheOutput) {
  keras::GRU layer(3, {.stateful = true});
  layer(x_);
  p_.Run(x_);
  const auto state = p_.session().GetVariable("gru/state_0");
  ASSERT_OK(state);
  EXPECT_THAT(*state, TensorEq(*Tensor::Create(DataType::kFloat, {2, 3})));
}

TEST_F(StatesTest, OfAModelAreThoseOfAllItsLayers) {
  keras::Sequential model(p_.graph());
  model.Add(keras::LSTM(3, {.batch_input_shape = {2, -1, 4},
                            .return_sequences = true,
                            .stateful = true}));
  model.Add(keras::Bidirectional(
      keras::SimpleRNN(2, {.return_sequences = true, .stateful = true})));
  model.Add(keras::GRU(3, {.stateful = true}));
  EXPECT_THAT(model.state_variables(), SizeIs(2 + 2 + 1));
  p_.feeds().clear();
  p_.feeds().emplace_back(model.input(), RandomTensor({2, 5, 4}));
  const Tensor first = p_.Run(model.output());
  EXPECT_THAT(p_.Run(model.output()), Not(TensorNear(first, 1e-6)));
  ASSERT_OK(ResetStates(p_.session(), model));
  EXPECT_THAT(p_.Run(model.output()), TensorEq(first));
}

TEST_F(StatesTest, ThatDoNotFitAreRefused) {
  keras::LSTM layer(3, {.stateful = true});
  keras::LSTM forgetful(3);
  layer(x_);
  forgetful(x_);
  p_.Run(x_);
  EXPECT_THAT(
      ResetStates(p_.session(), forgetful),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               HasSubstr("LSTM 'lstm': there is no state to reset: no layer is "
                         "stateful")));
  EXPECT_THAT(ResetStates(p_.session(), layer, {RandomTensor({2, 3})}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("states are float32 [2, 3] but must be"),
                             HasSubstr("lstm/state_1 float32 [2, 3]"))));
  EXPECT_THAT(ResetStates(p_.session(), layer,
                          {RandomTensor({2, 3}), RandomTensor({2, 4})}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("float32 [2, 4] but must be")));
}

TEST_F(StatesTest, WeightsAreReadAndSetInOrder) {
  keras::LSTM layer(3);
  Output y = layer(x_);
  const Tensor before = p_.Run(y);
  const auto weights = GetWeights(p_.session(), layer);
  ASSERT_OK(weights);
  ASSERT_THAT(*weights, SizeIs(3));
  EXPECT_EQ((*weights)[1].shape(), TensorShape({3, 12}));
  ASSERT_OK(SetWeights(
      p_.session(), layer,
      {RandomTensor({4, 12}), RandomTensor({3, 12}), RandomTensor({12})}));
  EXPECT_THAT(p_.Run(y), Not(TensorNear(before, 1e-6)));
  ASSERT_OK(SetWeights(p_.session(), layer, *weights));
  EXPECT_THAT(p_.Run(y), TensorEq(before));
  EXPECT_THAT(
      SetWeights(p_.session(), layer, {RandomTensor({4, 12})}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("weights are float32 [4, 12] but must be"),
                     HasSubstr("lstm/lstm_cell/bias float32 [12]"))));
}

}  // namespace
}  // namespace weft
