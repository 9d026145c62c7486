// Model: compiling, fitting, predicting.
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/keras/conv_lstm.h"
#include "layers/keras/core.h"
#include "layers/keras/recurrent.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "train/keras_config.h"
#include "train/keras_model.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// Sequences and the sums of their numbers.
struct Sums {
  Tensor x = RandomTensor({64, 5, 1});
  Tensor y = *Tensor::Create(DataType::kFloat, {64, 1});

  Sums() {
    for (int row = 0; row < 64; ++row) {
      for (int t = 0; t < 5; ++t) {
        y.mutable_data<float>()[row] += x.data<float>()[row * 5 + t] / 5;
      }
    }
  }
};

class ModelTest : public ::testing::Test {
 protected:
  std::unique_ptr<Model> Compiled(const CompileOptions& options = {}) {
    absl::StatusOr<std::unique_ptr<Model>> model =
        Model::Compile(&layers_, options);
    EXPECT_OK(model);
    return model.ok() ? *std::move(model) : nullptr;
  }

  Graph g_{{.mode = ModeKeys::kTrain, .seed = 7}};
  keras::Sequential layers_{g_};
  Sums sums_;
};

TEST_F(ModelTest, LearnsToAddUp) {
  layers_.Add(keras::GRU(8, {.input_shape = {-1, 1}}));
  layers_.Add(keras::Dense(1));
  auto model = Compiled({.optimizer = "rmsprop"});
  const double before = *model->Evaluate(sums_.x, sums_.y);
  const auto losses =
      model->Fit(sums_.x, sums_.y, {.batch_size = 16, .epochs = 60});
  ASSERT_OK(losses);
  EXPECT_THAT(*losses, SizeIs(60));
  EXPECT_LT(losses->back(), losses->front() / 10);
  EXPECT_LT(*model->Evaluate(sums_.x, sums_.y), before / 10);
}

TEST_F(ModelTest, PredictsWithoutDropoutInBatchesOfAnySize) {
  layers_.Add(keras::LSTM(4, {.input_shape = {-1, 1}, .dropout = 0.5}));
  layers_.Add(keras::Dropout(0.5));
  auto model = Compiled();
  const auto y = model->Predict(sums_.x);
  ASSERT_OK(y);
  EXPECT_EQ(y->shape(), TensorShape({64, 4}));
  EXPECT_THAT(*model->Predict(sums_.x, 7), TensorNear(*y, 1e-6));
}

TEST_F(ModelTest, LossesHoldThePenalties) {
  layers_.Add(keras::Dense(1, {.input_dim = 5,
                               .kernel_initializer = "ones",
                               .kernel_regularizer = regularizers::L1(1)}));
  auto model = Compiled();
  const Tensor x = *Tensor::Create(DataType::kFloat, {4, 5});
  const Tensor y = *Tensor::Create(DataType::kFloat, {4, 1});
  EXPECT_NEAR(*model->Evaluate(x, y), 5, 1e-6);
}

TEST_F(ModelTest, LossesLeaveMaskedStepsOut) {
  layers_.Add(keras::Masking({.input_shape = {2, 1}}));
  layers_.Add(keras::Dense(1, {.kernel_initializer = "ones"}));
  auto model = Compiled();
  const Tensor x = Tensor::Of<float>({1, 2, 1}, {3, 0});
  const Tensor y = Tensor::Of<float>({1, 2, 1}, {1, 100});
  EXPECT_NEAR(*model->Evaluate(x, y), 4, 1e-5);
}

TEST_F(ModelTest, ConstraintsHoldAfterEveryStep) {
  layers_.Add(keras::Dense(
      3, {.input_dim = 5, .kernel_constraint = constraints::NonNeg()}));
  auto model = Compiled({.optimizer = "sgd"});
  ASSERT_OK(model->Fit(RandomTensor({8, 5}), RandomTensor({8, 3})));
  const auto weights = model->GetWeights();
  ASSERT_OK(weights);
  for (const float w : (*weights)[0].data<float>()) EXPECT_GE(w, 0);
}

TEST_F(ModelTest, ClassesAreGivenAsNumbers) {
  layers_.Add(keras::GRU(6, {.input_shape = {-1, 1}}));
  layers_.Add(keras::Dense(2, {.activation = "softmax"}));
  auto model = Compiled(
      {.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  Tensor labels = *Tensor::Create(DataType::kInt32, {64});
  for (int i = 0; i < 64; ++i) {
    labels.mutable_data<int32_t>()[i] = sums_.y.data<float>()[i] > 0;
  }
  const auto losses =
      model->Fit(sums_.x, labels, {.batch_size = 8, .epochs = 40});
  ASSERT_OK(losses);
  EXPECT_LT(losses->back(), losses->front() / 2);
}

TEST_F(ModelTest, StatesGoOnUntilTheyAreReset) {
  layers_.Add(
      keras::LSTM(3, {.batch_input_shape = {2, 4, 1}, .stateful = true}));
  auto model = Compiled();
  const Tensor x = RandomTensor({2, 4, 1});
  const Tensor first = *model->Predict(x, 2);
  EXPECT_THAT(*model->Predict(x, 2), Not(TensorNear(first, 1e-6)));
  ASSERT_OK(model->ResetStates());
  EXPECT_THAT(*model->Predict(x, 2), TensorEq(first));
  ASSERT_OK(model->ResetStates({RandomTensor({2, 3}), RandomTensor({2, 3})}));
  EXPECT_THAT(*model->Predict(x, 2), Not(TensorNear(first, 1e-6)));
}

TEST_F(ModelTest, StatefulModelsAreNotShuffled) {
  layers_.Add(
      keras::LSTM(1, {.batch_input_shape = {2, 5, 1}, .stateful = true}));
  auto model = Compiled();
  EXPECT_THAT(model->Fit(sums_.x, sums_.y, {.batch_size = 2}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("shuffle is true but must be false")));
  EXPECT_THAT(model->Fit(sums_.x, sums_.y, {.batch_size = 4, .shuffle = false}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("batch_size is 4 for 64 rows but must be 2")));
  EXPECT_OK(model->Fit(sums_.x, sums_.y, {.batch_size = 2, .shuffle = false}));
}

TEST_F(ModelTest, SeedsDecideTheOrder) {
  layers_.Add(keras::Dense(1, {.input_dim = 5}));
  auto model = Compiled();
  const Tensor x = RandomTensor({20, 5});
  const Tensor y = RandomTensor({20, 1}, DataType::kFloat, 2);
  const auto start = model->GetWeights();
  const auto trained = [&](uint64_t seed) {
    EXPECT_OK(model->SetWeights(*start));
    EXPECT_OK(model->Fit(x, y, {.batch_size = 3, .seed = seed}));
    return (*model->GetWeights())[0];
  };
  const Tensor first = trained(1);
  EXPECT_THAT(trained(1), TensorEq(first));
  EXPECT_THAT(trained(2), Not(TensorEq(first)));
}

TEST_F(ModelTest, RefusesWhatItCanNotTrain) {
  EXPECT_THAT(Model::Compile(&layers_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("there are no layers to compile")));
  layers_.Add(keras::Dense(1, {.input_dim = 5}));
  EXPECT_THAT(Model::Compile(&layers_, {.optimizer = "magic"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("magic")));
  EXPECT_THAT(Model::Compile(&layers_, {.loss = "magic"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("magic")));
  auto model = Compiled();
  EXPECT_THAT(model->Fit(RandomTensor({4, 5}), RandomTensor({3, 1})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("x has 4 rows and y 3")));
  EXPECT_THAT(model->Predict(RandomTensor({4, 5}), 0),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("batch_size is 0 but must be at least 1")));
  EXPECT_THAT(model->Predict(Tensor()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must be numbers [rows, ...]")));
  EXPECT_THAT(model->Predict(RandomTensor({4, 6})), Not(IsOk()));
}

TEST_F(ModelTest, NeedsAGraphForTraining) {
  Graph g;
  keras::Sequential layers(g);
  layers.Add(keras::Dense(1, {.input_dim = 5}));
  EXPECT_THAT(Model::Compile(&layers),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the mode of the graph is infer but must be "
                                 "train")));
}

// ---- Keras' configuration --------------------------------------------------

class KerasConfigTest : public ::testing::Test {
 protected:
  absl::Status Load(const std::string& text) {
    const std::string path = ::testing::TempDir() + "/keras.json";
    std::ofstream(path) << text;
    return LoadKerasConfig(g_, path);
  }

  Graph g_;
};

TEST_F(KerasConfigTest, SaysWhereChannelsAre) {
  EXPECT_OK(Load("{\"image_data_format\": \"channels_first\", \"x\": 1}"));
  EXPECT_EQ(keras::ImageDataFormat(g_), "channels_first");
  EXPECT_OK(Load("{}"));
  EXPECT_EQ(keras::ImageDataFormat(g_), "channels_first");
}

TEST_F(KerasConfigTest, RefusesOtherFiles) {
  EXPECT_THAT(Load("{\"image_data_format\": \"th\"}"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("image_data_format is th but must be")));
  EXPECT_THAT(Load("{\"image_data_format\": 3}"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("image_data_format is 3 but must be")));
  for (const std::string& text :
       {std::string("[1]"), std::string("{"), std::string(70000, '[')}) {
    EXPECT_THAT(Load(text), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("is no JSON object")));
  }
  EXPECT_THAT(LoadKerasConfig(g_, "/nowhere/keras.json"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("cannot open")));
  EXPECT_OK(g_.status());
}

}  // namespace
}  // namespace weft
