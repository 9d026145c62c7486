#include "core/tensor.h"

#include <limits>
#include <string>

#include "core/tensor_list.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(TensorTest, TheDefaultIsInvalid) {
  const Tensor t;
  EXPECT_FALSE(t.is_valid());
  EXPECT_EQ(t.num_elements(), 0);
  EXPECT_EQ(t.num_bytes(), 0u);
  EXPECT_FALSE(t.IsSoleOwner());
  EXPECT_FALSE(t.IsBorrowed());
  EXPECT_EQ(t.ToString(), "invalid");
}

TEST(TensorTest, HoldsValues) {
  const Tensor t = Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(t.dtype(), DataType::kFloat);
  EXPECT_EQ(t.shape(), TensorShape({2, 3}));
  EXPECT_EQ(t.dim(-1), 3);
  EXPECT_EQ(t.num_bytes(), 24u);
  EXPECT_THAT(t.data<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(Tensor::Scalar(true).scalar<bool>(), true);
  EXPECT_THAT(Tensor::Vector<bool>({true, false}).data<bool>(),
              ElementsAre(true, false));
}

TEST(TensorTest, CreatedTensorsAreZero) {
  ASSERT_OK_AND_ASSIGN(Tensor numbers,
                       Tensor::Create(DataType::kInt64, {3, 5}));
  EXPECT_THAT(numbers.data<int64_t>(), Each(0));
  ASSERT_OK_AND_ASSIGN(Tensor strings, Tensor::Create(DataType::kString, {3}));
  EXPECT_THAT(strings.data<std::string>(), ElementsAre("", "", ""));
  ASSERT_OK_AND_ASSIGN(Tensor lists, Tensor::Create(DataType::kVariant, {}));
  EXPECT_EQ(lists.scalar<TensorList>().size(), 0);
}

TEST(TensorTest, EmptyTensorsAreTensors) {
  ASSERT_OK_AND_ASSIGN(Tensor t, Tensor::Create(DataType::kFloat, {0, kMax}));
  EXPECT_TRUE(t.is_valid());
  EXPECT_EQ(t.num_elements(), 0);
  EXPECT_EQ(t.ToString(), "float32 [0, 9223372036854775807] {}");
  EXPECT_OK(t.Clone());
}

TEST(TensorTest, RefusesWhatIsNotATensor) {
  EXPECT_THAT(Tensor::Create(DataType::kFloat, {-1, 2}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "a tensor's shape must be fully defined but is [?, 2]"));
  EXPECT_THAT(Tensor::Create(DataType::kFloat, TensorShape::UnknownRank()),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Tensor::Create(DataType::kResource, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "there are no tensors of dtype resource"));
  EXPECT_THAT(Tensor::Create(DataType::kInvalid, {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(TensorTest, RefusesBytesThatOverflow) {
  EXPECT_THAT(
      Tensor::Create(DataType::kFloat, {kMax / 2}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "the bytes of a float32 tensor of shape [4611686018427387903] "
               "overflow"));
  EXPECT_THAT(Tensor::Create(DataType::kString, {kMax / 2}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(TensorTest, KeepsToTheBudget) {
  auto allocator = Allocator::Create(/*budget_bytes=*/1 << 20);
  EXPECT_THAT(Tensor::Create(DataType::kFloat, {1 << 19}, allocator),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(Tensor::Create(DataType::kString, {1 << 19}, allocator),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_OK(Tensor::Create(DataType::kFloat, {1 << 17}, allocator));
  EXPECT_EQ(allocator->bytes_in_use(), 0u);
}

TEST(TensorTest, CopiesShareTheElements) {
  Tensor a = Tensor::Vector<int32_t>({1, 2});
  EXPECT_TRUE(a.IsSoleOwner());
  Tensor b = a;
  EXPECT_FALSE(a.IsSoleOwner());
  EXPECT_TRUE(a.SharesMemoryWith(b));
  b.mutable_data<int32_t>()[0] = 7;
  EXPECT_THAT(a.data<int32_t>(), ElementsAre(7, 2));
}

TEST(TensorTest, ClonesDoNot) {
  Tensor a = Tensor::Vector<int32_t>({1, 2});
  ASSERT_OK_AND_ASSIGN(Tensor b, a.Clone());
  b.mutable_data<int32_t>()[0] = 7;
  EXPECT_THAT(a, TensorEq(Tensor::Vector<int32_t>({1, 2})));
  Tensor s = Tensor::Vector<std::string>({"x", "y"});
  ASSERT_OK_AND_ASSIGN(Tensor t, s.Clone());
  t.mutable_data<std::string>()[0] = "z";
  EXPECT_THAT(s.data<std::string>(), ElementsAre("x", "y"));
  EXPECT_THAT(t.data<std::string>(), ElementsAre("z", "y"));
  ASSERT_OK_AND_ASSIGN(Tensor nothing, Tensor().Clone());
  EXPECT_FALSE(nothing.is_valid());
}

TEST(TensorTest, RowsAndReshapedShareTheElements) {
  const Tensor t = Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  const Tensor rows = t.Rows(1, 2);
  EXPECT_THAT(rows, TensorEq(Tensor::Of<float>({2, 2}, {3, 4, 5, 6})));
  EXPECT_TRUE(rows.SharesMemoryWith(t));
  EXPECT_EQ(t.Rows(3, 0).num_elements(), 0);
  EXPECT_THAT(t.Reshaped({2, 3}),
              TensorEq(Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6})));
  const Tensor strings = Tensor::Vector<std::string>({"a", "b", "c"});
  EXPECT_THAT(strings.Rows(1, 1).data<std::string>(), ElementsAre("b"));
  ASSERT_OK_AND_ASSIGN(Tensor empty, Tensor::Create(DataType::kFloat, {0, 2}));
  EXPECT_EQ(empty.Rows(0, 0).shape(), TensorShape({0, 2}));
}

TEST(TensorTest, BorrowedMemoryIsNotOwned) {
  float values[] = {1, 2};
  Tensor t = Tensor::Borrow(DataType::kFloat, {2}, values);
  EXPECT_TRUE(t.IsBorrowed());
  EXPECT_FALSE(t.IsSoleOwner());
  EXPECT_FALSE(t.SharesMemoryWith(t));
  t.mutable_data<float>()[1] = 3;
  EXPECT_EQ(values[1], 3);
}

TEST(TensorTest, PrintsItsFirstElements) {
  EXPECT_EQ(Tensor::Of<float>({2, 2}, {1, 2.5, 3, 4}).ToString(),
            "float32 [2, 2] {1, 2.5, 3, 4}");
  EXPECT_EQ(Tensor::Vector<int32_t>({1, 2, 3}).ToString(2),
            "int32 [3] {1, 2, ...}");
  EXPECT_EQ(Tensor::Scalar(std::string("a\n")).ToString(),
            "string [] {\"a\\n\"}");
  EXPECT_EQ(Tensor::Vector<bool>({true, false}).ToString(),
            "bool [2] {true, false}");
  EXPECT_EQ(Tensor::Vector<int8_t>({65, -1}).ToString(), "int8 [2] {65, -1}");
  EXPECT_EQ(Tensor::Vector<uint8_t>({65}).ToString(), "uint8 [1] {65}");
  EXPECT_EQ(Tensor::Scalar(ToHalf(0.5f)).ToString(), "float16 [] {0.5}");
  EXPECT_EQ(Tensor::Scalar(TensorList()).ToString(),
            "variant [] {list of 0 invalid}");
}

TEST(TensorDeathTest, ElementsHaveOneType) {
  EXPECT_DEATH(Tensor::Scalar(1.0f).data<int32_t>(), "check failed");
  EXPECT_DEATH(Tensor::Vector<float>({1, 2}).scalar<float>(), "check failed");
  EXPECT_DEATH(Tensor::Vector<float>({1, 2}).Reshaped({3}), "check failed");
  EXPECT_DEATH(Tensor::Vector<float>({1, 2}).Rows(1, 2), "check failed");
}

TEST(TensorMatchersTest, SayWhatDiffers) {
  const Tensor a = Tensor::Of<float>({2, 2}, {1, 2, 3, 100});
  EXPECT_THAT(a, TensorNear(Tensor::Of<float>({2, 2}, {1, 2, 3, 101}), 0.01));
  EXPECT_EQ(
      TensorDifference(a, Tensor::Of<float>({2, 2}, {1, 2, 4, 101}), 0.01),
      "where 1 of 4 elements differ, first at [1, 0]: 3 instead of 4");
  EXPECT_EQ(TensorDifference(a, Tensor::Vector<float>({1}), 0),
            "whose shape is [2, 2]");
  EXPECT_EQ(TensorDifference(a, Tensor::Vector<double>({1}), 0),
            "whose dtype is float32");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_THAT(Tensor::Vector<float>({nan, inf}),
              TensorEq(Tensor::Vector<float>({nan, inf})));
  EXPECT_THAT(Tensor::Vector<float>({nan, inf}),
              testing::Not(TensorNear(Tensor::Vector<float>({0, 0}), 1e9)));
  EXPECT_THAT(Tensor::Scalar(std::string("a")),
              testing::Not(TensorEq(Tensor::Scalar(std::string("b")))));
}

}  // namespace
}  // namespace weft
