// Masks: where they come from, how far they go, what they do.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/keras/core.h"
#include "layers/keras/recurrent.h"
#include "layers/keras/sequential.h"
#include "layers/keras/wrappers.h"
#include "ops/math.h"
#include "ops/source.h"
#include "tests/layers/program.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

class MasksTest : public ::testing::Test {
 protected:
  Output Ids(std::vector<int32_t> ids, int64_t batch, int64_t time) {
    return p_.Fed(Tensor::Of<int32_t>({batch, time}, ids));
  }
  std::vector<int> MaskValues(Output x) {
    const std::optional<Output> mask = keras::MaskOf(x);
    if (!mask.has_value()) return {};
    const Tensor value = p_.Run(Cast(*mask, DataType::kInt32));
    return {value.data<int32_t>().begin(), value.data<int32_t>().end()};
  }

  Program p_;
  keras::Embedding embedding_{5, 3, {.mask_zero = true}};
};

TEST_F(MasksTest, EmbeddingMarksTheZeros) {
  Output y = embedding_(Ids({3, 0, 1, 2, 2, 0}, 2, 3));
  Output other = keras::Embedding(5, 3)(Ids({1, 0}, 1, 2));
  EXPECT_FALSE(keras::MaskOf(other).has_value());
  EXPECT_THAT(MaskValues(y), ::testing::ElementsAre(1, 0, 1, 1, 1, 0));
}

TEST_F(MasksTest, MaskingMarksStepsOfOneValueAndZeroesThem) {
  Output x = p_.Fed(Tensor::Of<float>({1, 3, 2}, {5, 5, 5, 1, 2, 5}));
  Output y = keras::Masking({.mask_value = 5})(x);
  Output mask = Cast(*keras::MaskOf(y), DataType::kInt32);
  const std::vector<Tensor> v = p_.Run({y, mask});
  EXPECT_THAT(v[0], TensorEq(Tensor::Of<float>({1, 3, 2}, {0, 0, 5, 1, 2, 5})));
  EXPECT_THAT(v[1], TensorEq(Tensor::Of<int32_t>({1, 3}, {0, 1, 1})));
}

TEST_F(MasksTest, GoOnWithSequencesAlone) {
  Output x = embedding_(Ids({3, 0, 1}, 1, 3));
  const std::optional<Output> mask = keras::MaskOf(x);
  Output all = keras::LSTM(2, {.return_sequences = true})(x);
  EXPECT_EQ(keras::MaskOf(all), mask);
  EXPECT_FALSE(keras::MaskOf(keras::LSTM(2)(x)).has_value());
  Output both =
      keras::Bidirectional(keras::GRU(2, {.return_sequences = true}))(all);
  EXPECT_EQ(keras::MaskOf(both), mask);
  EXPECT_FALSE(
      keras::MaskOf(keras::Bidirectional(keras::GRU(2))(all)).has_value());
  Output at_each = keras::TimeDistributed(keras::Dense(2))(both);
  EXPECT_EQ(keras::MaskOf(at_each), mask);
  EXPECT_EQ(keras::MaskOf(keras::Dense(2)(at_each)), mask);
  EXPECT_EQ(keras::MaskOf(keras::Dropout(0.5)(at_each)), mask);
  EXPECT_FALSE(keras::MaskOf(keras::Flatten()(at_each)).has_value());
}

TEST_F(MasksTest, StatesHaveNone) {
  Output x = embedding_(Ids({3, 0, 1}, 1, 3));
  const keras::Result r =
      keras::GRU(2, {.return_sequences = true, .return_state = true})(x);
  EXPECT_TRUE(keras::MaskOf(r[0]).has_value());
  EXPECT_FALSE(keras::MaskOf(r[1]).has_value());
}

TEST_F(MasksTest, AreReversedWithTheOutputs) {
  Output x = embedding_(Ids({3, 0, 0}, 1, 3));
  Output y = keras::GRU(2, {.return_sequences = true, .go_backwards = true})(x);
  EXPECT_THAT(MaskValues(y), ::testing::ElementsAre(0, 0, 1));
}

TEST_F(MasksTest, OfACallStayWithThatCall) {
  Output x = p_.Random({1, 2, 3});
  Output mask = p_.Fed(*Tensor::Create(DataType::kBool, {1, 2}));
  Output y = keras::Dropout(0.5)(x, {.mask = mask});
  EXPECT_EQ(keras::MaskOf(y), mask);
  EXPECT_FALSE(keras::MaskOf(x).has_value());
}

TEST_F(MasksTest, LengthsAreMasksOfTheFirstSteps) {
  Output x = p_.Random({2, 3, 4});
  Tensor first = *Tensor::Create(DataType::kBool, {2, 3});
  for (const int i : {0, 3, 4}) first.mutable_data<bool>()[i] = true;
  keras::LSTM layer(3, {.return_sequences = true});
  const std::vector<Tensor> v =
      p_.Run({layer(x, {.sequence_length = p_.Lengths({1, 2})}),
              layer(x, {.mask = p_.Fed(first)})});
  EXPECT_THAT(v[0], TensorEq(v[1]));
}

TEST_F(MasksTest, ARowWithoutAnyStepGivesItsInitialState) {
  Output x = p_.Random({2, 3, 4});
  Output h = p_.Random({2, 3});
  Output lengths = p_.Lengths({0, 3});
  keras::GRU layer(3);
  const std::vector<Tensor> v =
      p_.Run({layer(x, {.initial_state = {h}, .sequence_length = lengths}), h});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(v[0].data<float>()[i], v[1].data<float>()[i]);
  }
}

}  // namespace
}  // namespace weft
