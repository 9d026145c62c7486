#include "train/checkpointing.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/core.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "train/optimizers.h"

namespace weft {
namespace {

TEST(CheckpointingTest, WhatIsNotRestoredIsSavedAllTheSame) {
  Graph g({.seed = 7});
  Output x = Placeholder(g, "x", DataType::kFloat, {-1, 2});
  Output h = dense(x, {.units = 2, .name = "body"});
  dense(h, {.units = 2, .restore = false, .name = "head"});
  ASSERT_OK_AND_ASSIGN(auto trained, Session::Create(g));
  ASSERT_OK(trained->Initialize());
  const Tensor ones = Tensor::Of<float>({2, 2}, {1, 1, 1, 1});
  ASSERT_OK(trained->SetVariable("body/kernel", ones));
  ASSERT_OK(trained->SetVariable("head/kernel", ones));
  const std::map<std::string, Tensor> state = SessionState(*trained);
  EXPECT_EQ(state.count("head/kernel"), 1u);

  ASSERT_OK_AND_ASSIGN(auto fresh, Session::Create(g));
  ASSERT_OK(fresh->Initialize());
  ASSERT_OK_AND_ASSIGN(const Tensor head, fresh->GetVariable("head/kernel"));
  ASSERT_OK(RestoreSessionState(state, fresh.get()));
  ASSERT_OK_AND_ASSIGN(const Tensor body, fresh->GetVariable("body/kernel"));
  EXPECT_THAT(body, TensorEq(ones));
  ASSERT_OK_AND_ASSIGN(const Tensor after, fresh->GetVariable("head/kernel"));
  EXPECT_THAT(after, TensorEq(head));
}

// A checkpoint of a model with another head fits.
TEST(CheckpointingTest, WhatIsNotRestoredMayBeMissing) {
  Graph g({.seed = 7});
  Output x = Placeholder(g, "x", DataType::kFloat, {-1, 2});
  dense(x, {.units = 2, .restore = false, .name = "head"});
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g));
  ASSERT_OK(session->Initialize());
  EXPECT_OK(RestoreSessionState({}, session.get()));
}

TEST(CheckpointingTest, TrainableVariablesAreThoseOfLayersThatTrain) {
  Graph g({.seed = 7});
  Output x = Placeholder(g, "x", DataType::kFloat, {-1, 2});
  Output h = dense(x, {.units = 2, .trainable = false, .name = "fixed"});
  dense(h, {.units = 2, .bias = false, .name = "trained"});
  const std::vector<Variable> variables = TrainableVariables(g);
  ASSERT_EQ(variables.size(), 1u);
  EXPECT_EQ(variables[0].name(), "trained/kernel");
}

}  // namespace
}  // namespace weft
