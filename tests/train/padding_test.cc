#include "train/padding.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "train/bucket_batcher.h"

namespace weft {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::vector<Tensor> Sequences() {
  return {Tensor::Vector<int32_t>({1, 2, 3}), Tensor::Vector<int32_t>({4}),
          Tensor::Of<int32_t>({0}, {})};
}

TEST(PaddingTest, FillsUpToTheLongest) {
  ASSERT_OK_AND_ASSIGN(const PaddedBatch batch,
                       PadSequences(Sequences(), {.value = -1}));
  EXPECT_THAT(batch.values, TensorEq(Tensor::Of<int32_t>(
                                {3, 3}, {1, 2, 3, 4, -1, -1, -1, -1, -1})));
  EXPECT_THAT(batch.lengths, TensorEq(Tensor::Vector<int32_t>({3, 1, 0})));
}

TEST(PaddingTest, PadsAndCutsAtTheFrontOnRequest) {
  ASSERT_OK_AND_ASSIGN(
      const PaddedBatch batch,
      PadSequences(Sequences(), {.length = 2, .at_front = true}));
  EXPECT_THAT(batch.values,
              TensorEq(Tensor::Of<int32_t>({3, 2}, {2, 3, 0, 4, 0, 0})));
  EXPECT_THAT(batch.lengths, TensorEq(Tensor::Vector<int32_t>({2, 1, 0})));
  ASSERT_OK_AND_ASSIGN(const PaddedBatch behind,
                       PadSequences(Sequences(), {.length = 2}));
  EXPECT_THAT(behind.values,
              TensorEq(Tensor::Of<int32_t>({3, 2}, {1, 2, 4, 0, 0, 0})));
}

TEST(PaddingTest, KeepsTheOtherAxes) {
  const std::vector<Tensor> sequences = {
      Tensor::Of<double>({1, 2}, {1, 2}),
      Tensor::Of<double>({2, 2}, {3, 4, 5, 6})};
  ASSERT_OK_AND_ASSIGN(const PaddedBatch batch, PadBatch(sequences, {1, 0, 1}));
  EXPECT_THAT(batch.values,
              TensorEq(Tensor::Of<double>(
                  {3, 2, 2}, {3, 4, 5, 6, 1, 2, 0, 0, 3, 4, 5, 6})));
}

TEST(PaddingTest, RefusesWhatDoesNotFitTogether) {
  EXPECT_THAT(PadSequences({}), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("no sequences")));
  EXPECT_THAT(PadSequences({Tensor::Of<float>({1, 2}, {1, 2}),
                            Tensor::Of<float>({1, 1}, {1})}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("float32 [1, 2] and float32 [1, 1]")));
  EXPECT_THAT(PadSequences({Tensor::Scalar(1.0f)}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(PadSequences({Tensor::Vector<bool>({true})}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("bool but must be float")));
  EXPECT_THAT(PadSequences(Sequences(), {.length = -2}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is -2 but must be at least 0")));
  EXPECT_THAT(PadBatch(Sequences(), {3}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no sequence 3 among 3")));
}

TEST(BucketBatcherTest, PutsSequencesOfSimilarLengthTogether) {
  const std::vector<int64_t> lengths = {1, 9, 2, 8, 3, 30, 10, 4};
  ASSERT_OK_AND_ASSIGN(
      BucketBatcher batcher,
      BucketBatcher::Create(
          lengths, {.batch = 2, .boundaries = {4, 10}, .shuffle = false}));
  EXPECT_EQ(batcher.batches_per_epoch(), 5);
  EXPECT_THAT(batcher.Next(), ElementsAre(0, 2));
  EXPECT_THAT(batcher.Next(), ElementsAre(1, 3));
  EXPECT_THAT(batcher.Next(), ElementsAre(4, 7));
  EXPECT_THAT(batcher.Next(), ElementsAre(6));
  EXPECT_THAT(batcher.Next(), ElementsAre(5));
  EXPECT_EQ(batcher.epoch(), 1);
}

TEST(BucketBatcherTest, EachEpochHasEverySequenceOnceInAnotherOrder) {
  ASSERT_OK_AND_ASSIGN(
      BucketBatcher batcher,
      BucketBatcher::Create(std::vector<int64_t>(50, 1), {.batch = 7}));
  std::vector<std::vector<int64_t>> epochs(2);
  for (std::vector<int64_t>& epoch : epochs) {
    for (int64_t i = 0; i < batcher.batches_per_epoch(); ++i) {
      for (int64_t row : batcher.Next()) epoch.push_back(row);
    }
    EXPECT_THAT(epoch, SizeIs(50));
    EXPECT_THAT(std::set<int64_t>(epoch.begin(), epoch.end()), SizeIs(50));
  }
  EXPECT_NE(epochs[0], epochs[1]);
}

TEST(BucketBatcherTest, APositionLeadsBackToTheSameBatch) {
  const std::vector<int64_t> lengths(20, 5);
  ASSERT_OK_AND_ASSIGN(BucketBatcher batcher,
                       BucketBatcher::Create(lengths, {.batch = 3, .seed = 4}));
  for (int i = 0; i < 9; ++i) batcher.Next();
  const int64_t position = batcher.position();
  const std::vector<int64_t> expected = batcher.Next();
  ASSERT_OK_AND_ASSIGN(BucketBatcher again,
                       BucketBatcher::Create(lengths, {.batch = 3, .seed = 4}));
  again.set_position(position);
  EXPECT_EQ(again.Next(), expected);
  ASSERT_OK_AND_ASSIGN(BucketBatcher other,
                       BucketBatcher::Create(lengths, {.batch = 3, .seed = 5}));
  other.set_position(position);
  EXPECT_NE(other.Next(), expected);
}

TEST(BucketBatcherTest, CanLeaveOutWhatIsNotFull) {
  ASSERT_OK_AND_ASSIGN(
      BucketBatcher batcher,
      BucketBatcher::Create(std::vector<int64_t>(10, 1),
                            {.batch = 4, .drop_remainder = true}));
  EXPECT_EQ(batcher.batches_per_epoch(), 2);
  EXPECT_THAT(std::vector({batcher.Next(), batcher.Next(), batcher.Next()}),
              Each(SizeIs(4)));
}

TEST(BucketBatcherTest, RefusesWhatGivesNoBatch) {
  EXPECT_THAT(
      BucketBatcher::Create({1}, {.batch = 0}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("batch is 0")));
  EXPECT_THAT(BucketBatcher::Create({1}, {.boundaries = {5, 5}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("boundaries must rise, but 5 comes after 5")));
  EXPECT_THAT(
      BucketBatcher::Create({1, 2}, {.batch = 4, .drop_remainder = true}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("2 sequences make no batch of 4")));
}

}  // namespace
}  // namespace weft
