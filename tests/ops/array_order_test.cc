// Ops that reorder, repeat and pad.
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/source.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<int64_t> Known(Output x) {
  const PartialValue* value = x.node()->output_value(x.index());
  return value != nullptr ? *value : PartialValue();
}

Output Matrix() { return In({2, 3}, {1, 2, 3, 4, 5, 6}); }

void ExpectRefused(Output output, const char* why) {
  EXPECT_THAT(TryEvaluate(output),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why)));
}

// ---- Transpose, InvertPermutation -------------------------------------------

TEST(TransposeTest, PermutesAxes) {
  EXPECT_THAT(Evaluate(Transpose(Matrix(), {1, 0})),
              TensorEq(Tensor::Of<float>({3, 2}, {1, 4, 2, 5, 3, 6})));
  const Output x = In({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_THAT(Evaluate(Transpose(x, {1, 0, 2})),
              TensorEq(Tensor::Of<float>({2, 2, 2}, {1, 2, 5, 6, 3, 4, 7, 8})));
  EXPECT_THAT(Evaluate(Transpose(x, InInts({2, 1, 0}))),
              TensorEq(Tensor::Of<float>({2, 2, 2}, {1, 5, 3, 7, 2, 6, 4, 8})));
  EXPECT_THAT(Evaluate(Transpose(In({1, 3}, {1, 2, 3}), {1, 0})),
              TensorEq(Tensor::Of<float>({3, 1}, {1, 2, 3})));
  EXPECT_EQ(Transpose(Shaped(DataType::kFloat, {-1, 4, 5}), {1, 0, 2}).shape(),
            TensorShape({4, -1, 5}));
}

TEST(TransposeTest, MovesLargeMatricesOfAllElementSizes) {
  constexpr int64_t kRows = 301, kColumns = 257;  // No multiples of a tile.
  std::vector<double> values(kRows * kColumns);
  std::iota(values.begin(), values.end(), 0);
  const Tensor x = Tensor::Of<double>({kRows, kColumns}, values);
  const Tensor y = Evaluate(Transpose(In(x), {1, 0}));
  ASSERT_EQ(y.shape(), TensorShape({kColumns, kRows}));
  for (int64_t j = 0; j < kColumns; ++j) {
    for (int64_t i = 0; i < kRows; ++i) {
      ASSERT_EQ(y.data<double>()[j * kRows + i],
                x.data<double>()[i * kColumns + j]);
    }
  }
  EXPECT_THAT(Evaluate(Transpose(In(Tensor::Of<uint8_t>({2, 2}, {1, 2, 3, 4})),
                                 {1, 0})),
              TensorEq(Tensor::Of<uint8_t>({2, 2}, {1, 3, 2, 4})));
  EXPECT_THAT(Evaluate(Transpose(In(Tensor::Of<int16_t>({2, 2}, {1, 2, 3, 4})),
                                 {1, 0})),
              TensorEq(Tensor::Of<int16_t>({2, 2}, {1, 3, 2, 4})));
  const Tensor words = Tensor::Of<std::string>({2, 2}, {"a", "b", "c", "d"});
  EXPECT_THAT(Evaluate(Transpose(In(words), {1, 0})),
              TensorEq(Tensor::Of<std::string>({2, 2}, {"a", "c", "b", "d"})));
}

TEST(TransposeTest, WantsAPermutation) {
  ExpectRefused(Transpose(Matrix(), InInts({0, 0})),
                "entry 1 of the permutation is 0 as is entry 0");
  ExpectRefused(Transpose(Matrix(), InInts({0, 2})),
                "is 2 but must be in [0, 2)");
  ExpectRefused(Transpose(Matrix(), InInts({0, -1})),
                "is -1 but must be in [0, 2)");
  ExpectRefused(Transpose(Matrix(), InInts({0})),
                "perm is [1] but must be [2]");
  Transpose(Shaped(DataType::kFloat, {2, 3}), {1, 1});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("entry 1 is 1 as is entry 0")));
}

TEST(InvertPermutationTest, TurnsItAround) {
  EXPECT_THAT(Ints(InvertPermutation(InInts({2, 0, 1}))), ElementsAre(1, 2, 0));
  EXPECT_THAT(Known(InvertPermutation(Const(TestGraph(), {2, 0, 1}))),
              ElementsAre(1, 2, 0));
  ExpectRefused(InvertPermutation(InInts({2, 0, 2})), "is 2 as is entry 0");
  ExpectRefused(InvertPermutation(InInts({3, 0, 1})),
                "is 3 but must be in [0, 3)");
}

// ---- Tile, BroadcastTo ------------------------------------------------------

TEST(TileTest, RepeatsEveryAxis) {
  EXPECT_THAT(Evaluate(Tile(In({2, 2}, {1, 2, 3, 4}), {1, 2})),
              TensorEq(Tensor::Of<float>({2, 4}, {1, 2, 1, 2, 3, 4, 3, 4})));
  EXPECT_THAT(Floats(Tile(In({1, 2}), InInts({3}))),
              ElementsAre(1, 2, 1, 2, 1, 2));
  EXPECT_THAT(Evaluate(Tile(Matrix(), {0, 1})),
              TensorEq(Tensor::Of<float>({0, 3}, {})));
  EXPECT_EQ(Tile(Shaped(DataType::kFloat, {-1, 3}), {2, 2}).shape(),
            TensorShape({-1, 6}));
  EXPECT_THAT(Known(Tile(Const(TestGraph(), {7, 8}), {2})),
              ElementsAre(7, 8, 7, 8));
}

TEST(TileTest, ChecksTheMultiples) {
  ExpectRefused(Tile(Matrix(), InInts({1, -1})),
                "multiples[1] is -1 but must be 0 or more");
  ExpectRefused(Tile(Matrix(), InInts({1})),
                "multiples is [1] but must be [2]");
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  ExpectRefused(Tile(Matrix(), In(Tensor::Vector<int64_t>({1, kHuge}))),
                "the size must fit");
  ExpectRefused(
      Tile(Matrix(), In(Tensor::Vector<int64_t>({kHuge / 4, kHuge / 4}))),
      "overflows");
}

TEST(BroadcastToTest, RepeatsAsNumpyDoes) {
  EXPECT_THAT(Evaluate(BroadcastTo(In({1, 2, 3}), {2, 3})),
              TensorEq(Tensor::Of<float>({2, 3}, {1, 2, 3, 1, 2, 3})));
  EXPECT_THAT(Evaluate(BroadcastTo(In({2, 1}, {1, 2}), InInts({2, 2}))),
              TensorEq(Tensor::Of<float>({2, 2}, {1, 1, 2, 2})));
  EXPECT_THAT(Evaluate(BroadcastTo(In(4.0f), {1, 1})),
              TensorEq(Tensor::Of<float>({1, 1}, {4})));
  EXPECT_EQ(BroadcastTo(Shaped(DataType::kFloat, {1}), {4, 5}).shape(),
            TensorShape({4, 5}));
}

TEST(BroadcastToTest, RefusesShapesThatDoNotFit) {
  ExpectRefused(BroadcastTo(Matrix(), InInts({2, 4})),
                "input [2, 3] does not broadcast to [2, 4]");
  ExpectRefused(BroadcastTo(Matrix(), InInts({3})), "does not broadcast");
  ExpectRefused(BroadcastTo(In(1.0f), InInts({-1})), "sizes must be 0 or more");
}

// ---- Reverse, ReverseSequence -----------------------------------------------

TEST(ReverseV2Test, TurnsAxesAround) {
  EXPECT_THAT(Evaluate(Reverse(Matrix(), {1})),
              TensorEq(Tensor::Of<float>({2, 3}, {3, 2, 1, 6, 5, 4})));
  EXPECT_THAT(Evaluate(Reverse(Matrix(), {0})),
              TensorEq(Tensor::Of<float>({2, 3}, {4, 5, 6, 1, 2, 3})));
  EXPECT_THAT(Evaluate(Reverse(Matrix(), InInts({0, -1}))),
              TensorEq(Tensor::Of<float>({2, 3}, {6, 5, 4, 3, 2, 1})));
  EXPECT_THAT(Floats(Reverse(Matrix(), {})), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(ReverseV2Test, ChecksTheAxes) {
  ExpectRefused(Reverse(Matrix(), InInts({2})),
                "axis is 2 but must be in [-2, 2)");
  ExpectRefused(Reverse(Matrix(), InInts({1, -1})), "axis 1 is given twice");
}

TEST(ReverseSequenceTest, ReversesEachRowToItsLength) {
  const Output x = In({3, 4}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  const Output lengths = InInts({0, 3, 4});
  EXPECT_THAT(Evaluate(ReverseSequence(x, lengths, /*seq_axis=*/1)),
              TensorEq(Tensor::Of<float>(
                  {3, 4}, {1, 2, 3, 4, 7, 6, 5, 8, 12, 11, 10, 9})));
  const Output by_time = Transpose(x, {1, 0});
  EXPECT_THAT(Evaluate(ReverseSequence(by_time, lengths, /*seq_axis=*/0,
                                       /*batch_axis=*/1)),
              TensorEq(Tensor::Of<float>(
                  {4, 3}, {1, 7, 12, 2, 6, 11, 3, 5, 10, 4, 8, 9})));
}

TEST(ReverseSequenceTest, ChecksTheLengths) {
  ExpectRefused(ReverseSequence(Matrix(), InInts({1, 4}), 1),
                "seq_lengths[1] is 4 but must be in [0, 3]");
  ExpectRefused(ReverseSequence(Matrix(), InInts({-1, 3}), 1),
                "seq_lengths[0] is -1");
  ExpectRefused(ReverseSequence(Matrix(), InInts({1, 2, 3}), 1),
                "seq_lengths is [3] but must be [2]");
  ExpectRefused(ReverseSequence(Matrix(), InInts({1, 1}), 1, -3),
                "batch_dim is -3");
  ExpectRefused(ReverseSequence(Matrix(), InInts({1, 1}), 0, 0),
                "must be two axes");
  ReverseSequence(Shaped(DataType::kFloat, {2, 3}), InInts({1, 1}), 5);
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("seq_dim is 5 but must be an axis")));
}

// ---- Pad, MatrixBandPart ----------------------------------------------------

TEST(PadTest, PutsZerosAround) {
  EXPECT_THAT(Evaluate(Pad(In({1, 2}, {1, 2}), {{0, 1}, {1, 0}})),
              TensorEq(Tensor::Of<float>({2, 3}, {0, 1, 2, 0, 0, 0})));
  EXPECT_THAT(Floats(Pad(In({1, 2}), InInts({1, 2}, {2, 0}))),
              ElementsAre(0, 0, 1, 2));
  EXPECT_EQ(Pad(Shaped(DataType::kFloat, {-1, 3}), {{1, 1}, {1, 1}}).shape(),
            TensorShape({-1, 5}));
}

TEST(PadTest, ChecksThePaddings) {
  ExpectRefused(Pad(In({1, 2}), InInts({1, 2}, {-1, 0})),
                "paddings[0][0] is -1");
  ExpectRefused(Pad(In({1, 2}), InInts({2, 1}, {1, 0})),
                "paddings is [2, 1] but must be [1, 2]");
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  ExpectRefused(Pad(In({1, 2}), In(Tensor::Of<int64_t>({1, 2}, {0, kHuge}))),
                "the size must fit");
}

TEST(PadV2Test, PutsAValueAround) {
  EXPECT_THAT(Floats(PadV2(In({1, 2}), {{1, 1}}, In(9.0f))),
              ElementsAre(9, 1, 2, 9));
  ExpectRefused(PadV2(In({1, 2}), {{1, 1}}, In({9})),
                "constant_values is [1] but must be a scalar");
}

TEST(MatrixBandPartTest, KeepsTheBand) {
  const Output x = In({3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const auto band = [&x](int64_t lower, int64_t upper) {
    return Floats(MatrixBandPart(x, In(Tensor::Scalar(lower)),
                                 In(Tensor::Scalar(upper))));
  };
  EXPECT_THAT(band(0, 0), ElementsAre(1, 0, 0, 0, 5, 0, 0, 0, 9));
  EXPECT_THAT(band(-1, 0), ElementsAre(1, 0, 0, 4, 5, 0, 7, 8, 9));
  EXPECT_THAT(band(1, -1), ElementsAre(1, 2, 3, 4, 5, 6, 0, 8, 9));
  EXPECT_THAT(band(std::numeric_limits<int64_t>::max(), 1),
              ElementsAre(1, 2, 0, 4, 5, 6, 7, 8, 9));
  ExpectRefused(MatrixBandPart(In({1, 2}), In(Tensor::Scalar<int64_t>(0)),
                               In(Tensor::Scalar<int64_t>(0))),
                "input is [2] but must have rank 2 or more");
}

}  // namespace
}  // namespace weft
