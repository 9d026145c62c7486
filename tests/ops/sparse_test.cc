#include "ops/sparse.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void ExpectRefused(Output y, absl::StatusCode code,
                   const std::string& message) {
  EXPECT_THAT(TryEvaluate(y), StatusIs(code, HasSubstr(message)));
}

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kOutOfRange = absl::StatusCode::kOutOfRange;

TEST(SparseToDenseTest, PutsValuesAtTheirPlaces) {
  EXPECT_THAT(Floats(SparseToDense(InInts({2, 2}, {0, 1, 1, 2}), InInts({2, 3}),
                                   In({5, 6}), In(-1))),
              ElementsAre(-1, 5, -1, -1, -1, 6));
  EXPECT_THAT(Floats(SparseToDense(InInts({0, 2}), InInts({3}), In(7), In(0))),
              ElementsAre(7, 0, 7));
  EXPECT_THAT(Floats(SparseToDense(In(Tensor::Scalar<int32_t>(1)), InInts({2}),
                                   In(7), In(0))),
              ElementsAre(0, 7));
}

TEST(SparseToDenseTest, RefusesWrongPlaces) {
  const Output shape = InInts({3});
  ExpectRefused(SparseToDense(InInts({3}), shape, In({1}), In(0)), kOutOfRange,
                "sparse_indices[0, 0] is 3 but must be in [0, 3)");
  ExpectRefused(SparseToDense(InInts({-1}), shape, In({1}), In(0)), kOutOfRange,
                "sparse_indices[0, 0] is -1");
  ExpectRefused(SparseToDense(InInts({1, 1}), shape, In(1), In(0)), kInvalid,
                "sparse_indices[1] is there twice");
  ExpectRefused(SparseToDense(InInts({2, 1}), shape, In(1), In(0)), kInvalid,
                "sparse_indices[1] is not in ascending order");
  EXPECT_THAT(Floats(SparseToDense(InInts({2, 1}), shape, In({1, 2}), In(0),
                                   /*validate_indices=*/false)),
              ElementsAre(0, 2, 1));
  ExpectRefused(SparseToDense(InInts({0, 1}), shape, In({1, 2, 3}), In(0)),
                kInvalid, "sparse_values is [3] but must be a scalar or [2]");
  ExpectRefused(SparseToDense(InInts({1, 2}, {0, 0}), shape, In(1), In(0)),
                kInvalid,
                "sparse_indices is [1, 2] but must have 1 numbers for each "
                "place");
  ExpectRefused(SparseToDense(InInts({0}), InInts({-2}), In(1), In(0)),
                kInvalid, "sizes must be 0 or more");
}

TEST(DynamicPartitionTest, SortsRowsByNumber) {
  const Outputs parts =
      DynamicPartition(In({3, 2}, {1, 2, 3, 4, 5, 6}), InInts({1, 0, 1}), 3);
  EXPECT_THAT(Floats(parts[0]), ElementsAre(3, 4));
  EXPECT_THAT(Evaluate(parts[1]),
              TensorEq(Tensor::Of<float>({2, 2}, {1, 2, 5, 6})));
  EXPECT_THAT(Floats(parts[2]), IsEmpty());
}

TEST(DynamicPartitionTest, TakesNumbersForElements) {
  const Outputs parts = DynamicPartition(In({2, 2}, {1, 2, 3, 4}),
                                         InInts({2, 2}, {0, 1, 1, 0}), 2);
  EXPECT_THAT(Floats(parts[0]), ElementsAre(1, 4));
  EXPECT_THAT(Floats(parts[1]), ElementsAre(2, 3));
}

TEST(DynamicPartitionTest, RefusesOtherNumbersAndShapes) {
  ExpectRefused(DynamicPartition(In({1, 2}), InInts({0, 2}), 2)[0], kOutOfRange,
                "partitions, element 1, is 2 but must be in [0, 2)");
  ExpectRefused(DynamicPartition(In({1, 2}), InInts({0, -1}), 2)[0],
                kOutOfRange, "partitions, element 1, is -1");
  ExpectRefused(DynamicPartition(In({1, 2}), InInts({0, 1, 1}), 2)[0], kInvalid,
                "data is [2] but must begin with the shape of partitions, [3]");
}

TEST(InTopKV2Test, CountsWhatIsLarger) {
  const Output predictions = In({3, 3}, {1, 3, 2, 1, 3, 2, 2, 2, 1});
  const Output targets = InInts({2, 0, 1});
  const auto top = [&](int k) {
    return Bools(
        InTopKV2(predictions, targets, In(Tensor::Scalar<int32_t>(k))));
  };
  EXPECT_THAT(top(1), ElementsAre(false, false, true));
  EXPECT_THAT(top(2), ElementsAre(true, false, true));
  EXPECT_THAT(top(3), ElementsAre(true, true, true));
}

TEST(InTopKV2Test, IsFalseForWhatIsNoRanking) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  EXPECT_THAT(
      Bools(InTopKV2(In({3, 2}, {1, kInf, 1, 2, 1, 2}), InInts({0, 2, -1}),
                     In(Tensor::Scalar<int32_t>(2)))),
      ElementsAre(false, false, false));
}

TEST(InTopKV2Test, RefusesOtherShapes) {
  ExpectRefused(InTopKV2(In({1, 2}, {1, 2}), InInts({0, 1}),
                         In(Tensor::Scalar<int32_t>(2))),
                kInvalid, "targets is [2] but must be [1]");
}

}  // namespace
}  // namespace weft
