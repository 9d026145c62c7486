// Sequences of different lengths.
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/cells.h"
#include "layers/recurrent.h"
#include "layers/step_through.h"
#include "ops/array.h"
#include "ops/gradients.h"
#include "tests/layers/models.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Ne;

// Row `b`, step `t` of values [batch, time, depth].
std::vector<float> At(const Tensor& values, int64_t b, int64_t t) {
  const int64_t depth = values.dim(2);
  const auto all = values.data<float>();
  const auto begin = all.begin() + (b * values.dim(1) + t) * depth;
  return std::vector<float>(begin, begin + depth);
}

class LengthsTest : public ::testing::TestWithParam<bool> {
 protected:
  bool dynamic() const { return GetParam(); }
  Program p_;
};

INSTANTIATE_TEST_SUITE_P(Forms, LengthsTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "Loop" : "Unrolled";
                         });

TEST_P(LengthsTest, OutputsPastTheEndAreZeroAndTheStateStays) {
  Output x = p_.Random({3, 4, 2});
  const RNNResult short_rows =
      lstm(x, {.units = 5,
               .return_seq = true,
               .return_state = true,
               .dynamic = dynamic(),
               .sequence_length = p_.Lengths({2, 4, 0}),
               .scope = "lstm"});
  const RNNResult two_steps = lstm(SliceAxis(x, 1, 0, 2), {.units = 5,
                                                           .return_seq = true,
                                                           .return_state = true,
                                                           .reuse = true,
                                                           .scope = "lstm"});
  const std::vector<Tensor> v =
      p_.Run({short_rows.output, short_rows.state[0], short_rows.state[1],
              two_steps.state[0], two_steps.state[1]});
  for (int t : {2, 3}) EXPECT_THAT(At(v[0], 0, t), Each(0)) << t;
  for (int t : {0, 1, 2, 3}) EXPECT_THAT(At(v[0], 1, t), Each(Ne(0))) << t;
  for (int t : {0, 1, 2, 3}) EXPECT_THAT(At(v[0], 2, t), Each(0)) << t;
  for (int k : {1, 2}) {
    EXPECT_THAT(v[k].Rows(0, 1), TensorNear(v[k + 2].Rows(0, 1), 1e-6));
    EXPECT_THAT(v[k].Rows(2, 1).data<float>(), Each(0));
  }
}

TEST_P(LengthsTest, TheLastOutputIsThatOfTheLastStepThatCounts) {
  Output x = p_.Random({3, 4, 2});
  Output lengths = p_.Lengths({2, 4, 0});
  LSTM layer({.units = 5, .dynamic = dynamic(), .sequence_length = lengths});
  LSTM all({.units = 5,
            .return_seq = true,
            .dynamic = dynamic(),
            .sequence_length = lengths,
            .reuse = true,
            .scope = "LSTM"});
  const RNNResult last = layer(x);
  const std::vector<Tensor> v = p_.Run({last, all(x)});
  EXPECT_EQ(At(v[0].Reshaped({3, 1, 5}), 0, 0), At(v[1], 0, 1));
  EXPECT_EQ(At(v[0].Reshaped({3, 1, 5}), 1, 0), At(v[1], 1, 3));
  EXPECT_THAT(v[0].Rows(2, 1).data<float>(), Each(0));
}

TEST_P(LengthsTest, NothingFlowsBackFromStepsThatDoNotCount) {
  Output x = p_.Random({2, 4, 3});
  Output y = gru(x, {.units = 3,
                     .return_seq = true,
                     .dynamic = dynamic(),
                     .sequence_length = p_.Lengths({1, 3})});
  const Tensor dx = p_.Run(Gradients({y}, {x})[0]);
  EXPECT_THAT(At(dx, 0, 0), Each(Ne(0)));
  for (int t : {1, 2, 3}) EXPECT_THAT(At(dx, 0, t), Each(0)) << t;
  EXPECT_THAT(At(dx, 1, 2), Each(Ne(0)));
  EXPECT_THAT(At(dx, 1, 3), Each(0));
}

TEST_P(LengthsTest, WhatPaddingHoldsDoesNotMatter) {
  Tensor padded = RandomTensor({2, 3, 2});
  Tensor infinite = *padded.Clone();
  for (int i : {2, 3, 4, 5}) {
    infinite.mutable_data<float>()[i] = std::numeric_limits<float>::infinity();
  }
  Output x = p_.Fed(padded);
  Output z = p_.Fed(infinite);
  SimpleRNN layer({.units = 3,
                   .return_seq = true,
                   .dynamic = dynamic(),
                   .sequence_length = p_.Lengths({1, 3})});
  const std::vector<Tensor> v = p_.Run({layer(x), layer(z)});
  EXPECT_THAT(v[1], TensorEq(v[0]));
}

TEST_P(LengthsTest, AZeroStepEndsAPaddedSequence) {
  Output x = p_.Fed(Tensor::Of<float>({3, 4, 2}, {1, 2, 0, 3, 0, 0, 0, 0,  //
                                                  1, 1, 0, 0, 1, 1, 1, 1,  //
                                                  0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_THAT(p_.Run(LengthsOfZeroPadded(x)).data<int32_t>(),
              ElementsAre(2, 1, 0));
}

TEST_P(LengthsTest, AFullRowHasNoPadding) {
  Output x = p_.Random({2, 3, 2});
  EXPECT_THAT(p_.Run(LengthsOfZeroPadded(x)).data<int32_t>(),
              ElementsAre(3, 3));
}

TEST_P(LengthsTest, OutOfRangeFailsTheRunAndNamesTheRow) {
  for (int32_t wrong : {-1, 5}) {
    Program p;
    Output y = lstm(p.Random({3, 4, 2}),
                    {.units = 2,
                     .dynamic = dynamic(),
                     .sequence_length = p.Lengths({4, wrong, 9})});
    EXPECT_THAT(
        p.TryRun({y}),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr(absl::StrCat(
                     "sequence_length: the first row that is not in [0, "
                     "time] is, int32 [] {1}, of lengths, int32 [3] {4, ",
                     wrong, ", 9}, and time, int32 [] {4}"))));
  }
}

TEST_P(LengthsTest, MayBeInt64) {
  Output x = p_.Random({2, 4, 2});
  Output lengths = p_.Fed(Tensor::Vector<int64_t>({1, 3}));
  Output y =
      gru(x, {.units = 2, .dynamic = dynamic(), .sequence_length = lengths});
  Output z = gru(x, {.units = 2,
                     .dynamic = dynamic(),
                     .sequence_length = p_.Lengths({1, 3}),
                     .reuse = true,
                     .scope = "GRU"});
  const std::vector<Tensor> v = p_.Run({y, z});
  EXPECT_THAT(v[0], TensorEq(v[1]));
}

TEST_P(LengthsTest, BothDirectionsReverseWithinTheLength) {
  // Row 0 padded by two steps must look like the two steps alone.
  Output x = p_.Random({2, 4, 2});
  BidirectionalRNN layer(GRUCell({.units = 3}), GRUCell({.units = 3}),
                         {.return_seq = true,
                          .return_states = true,
                          .dynamic = dynamic(),
                          .sequence_length = p_.Lengths({2, 4})});
  const BiRNNResult padded = layer(x);
  const BiRNNResult alone = bidirectional_rnn(
      SliceAxis(x, 1, 0, 2), GRUCell({.units = 3}), GRUCell({.units = 3}),
      {.return_seq = true,
       .return_states = true,
       .reuse = true,
       .scope = "BiRNN"});
  const std::vector<Tensor> v = p_.Run(
      {padded.output, padded.state_bw[0], alone.output, alone.state_bw[0]});
  for (int t : {0, 1}) {
    const std::vector<float> got = At(v[0], 0, t);
    const std::vector<float> wanted = At(v[2], 0, t);
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(got[i], wanted[i], 1e-6);
  }
  EXPECT_THAT(At(v[0], 0, 2), Each(0));
  EXPECT_THAT(v[1].Rows(0, 1), TensorNear(v[3].Rows(0, 1), 1e-6));
}

TEST(LengthsOfLoopsTest, ALoopStopsAtTheLongestRow) {
  Program p;
  p.set_options({.num_threads = 1, .max_loop_iterations = 3});
  Output x = p.Random({2, 100, 2});
  Output y = lstm(x, {.units = 2,
                      .return_seq = true,
                      .dynamic = true,
                      .sequence_length = p.Lengths({1, 3})});
  EXPECT_EQ(p.Run(y).shape(), TensorShape({2, 100, 2}));
}

TEST(LengthsOfLoopsTest, NoRowsAreLegal) {
  Program p;
  Output x = p.Fed(RandomTensor({0, 4, 2}), {-1, -1, 2});
  Output y = lstm(x, {.units = 3, .return_seq = true, .dynamic = true});
  EXPECT_EQ(p.Run(y).shape(), TensorShape({0, 4, 3}));
}

TEST(LengthsOfLoopsTest, NoStepsAreLegal) {
  Program p;
  Output x = p.Fed(RandomTensor({2, 0, 2}), {-1, -1, 2});
  Output y = lstm(x, {.units = 3, .dynamic = true});
  Output both = bidirectional_rnn(x, GRUCell({.units = 3}),
                                  GRUCell({.units = 3}), {.dynamic = true});
  const std::vector<Tensor> v = p.Run({y, both});
  EXPECT_THAT(v[0], TensorEq(*Tensor::Create(DataType::kFloat, {2, 3})));
  EXPECT_THAT(v[1], TensorEq(*Tensor::Create(DataType::kFloat, {2, 6})));
}

// ---- Every cell ------------------------------------------------------------

class PaddingTest : public ::testing::TestWithParam<CellModel> {};

INSTANTIATE_TEST_SUITE_P(Cells, PaddingTest, ::testing::ValuesIn(CellModels()),
                         [](const auto& info) { return info.param.name; });

// The same sequences with and without two more steps of padding, in kTrain:
// batch statistics are those of the valid rows.
TEST_P(PaddingTest, ItsAmountChangesNoOutput) {
  Program p({.mode = ModeKeys::kTrain, .seed = 7});
  const Tensor long_x = RandomTensor({3, 6, 2});
  Output x = p.Fed(long_x, {-1, -1, 2});
  Output lengths = p.Lengths({4, 1, 2});
  AnyCell cell = GetParam().make();
  const RNNOptions options{.return_seq = true,
                           .return_state = true,
                           .dynamic = true,
                           .sequence_length = lengths};
  const RNNResult padded = rnn(x, *cell, options);
  const RNNResult alone = rnn(SliceAxis(x, 1, 0, 4), *cell, options);
  Outputs of_padded = {SliceAxis(padded.output, 1, 0, 4)};
  Outputs of_alone = {alone.output};
  for (size_t k = 0; k < padded.state.size(); ++k) {
    of_padded.push_back(padded.state[k]);
    of_alone.push_back(alone.state[k]);
  }
  // One after the other: both update the moving statistics.
  const std::vector<Tensor> v = p.Run(of_padded);
  const std::vector<Tensor> w = p.Run(of_alone);
  for (size_t i = 0; i < v.size(); ++i) EXPECT_THAT(v[i], TensorEq(w[i])) << i;
}

}  // namespace
}  // namespace weft
