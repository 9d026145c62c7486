#include "core/tensor_shape.h"

#include <limits>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(TensorShapeTest, AScalarHasNoDims) {
  const TensorShape scalar;
  EXPECT_TRUE(scalar.IsScalar());
  EXPECT_EQ(scalar.rank(), 0);
  EXPECT_EQ(scalar.num_elements(), 1);
  EXPECT_EQ(scalar.ToString(), "[]");
}

TEST(TensorShapeTest, KnowsItsDims) {
  const TensorShape shape = {2, 3, 4};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_EQ(shape.dim(0), 2);
  EXPECT_EQ(shape.dim(-1), 4);
  EXPECT_EQ(shape.num_elements(), 24);
  EXPECT_TRUE(shape.IsFullyDefined());
  EXPECT_EQ(shape.ToString(), "[2, 3, 4]");
}

TEST(TensorShapeTest, ADimMayBeUnknown) {
  const TensorShape shape = {-1, 28};
  EXPECT_FALSE(shape.IsFullyDefined());
  EXPECT_EQ(shape.num_elements(), -1);
  EXPECT_EQ(shape.ToString(), "[?, 28]");
}

TEST(TensorShapeTest, TheRankMayBeUnknown) {
  const TensorShape shape = TensorShape::UnknownRank();
  EXPECT_FALSE(shape.has_rank());
  EXPECT_FALSE(shape.IsScalar());
  EXPECT_EQ(shape.rank(), -1);
  EXPECT_EQ(shape.dim(5), TensorShape::kUnknownDim);
  EXPECT_EQ(shape.num_elements(), -1);
  EXPECT_EQ(shape.ToString(), "<unknown>");
  EXPECT_NE(shape, TensorShape{});
}

TEST(TensorShapeTest, DimsFromOutsideAreChecked) {
  EXPECT_THAT(TensorShape::Create({2, -2}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "dim 1 is -2 but must be 0 or more, or -1 if unknown"));
  EXPECT_THAT(TensorShape::Create(std::vector<int64_t>(33, 1)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "rank is 33 but must be at most 32"));
  EXPECT_OK(TensorShape::Create(std::vector<int64_t>(32, 1)));
}

TEST(TensorShapeTest, ProductsThatOverflowAreRefused) {
  EXPECT_OK(TensorShape::Create({kMax}));
  EXPECT_OK(TensorShape::Create({int64_t{1} << 31, int64_t{1} << 31}));
  EXPECT_THAT(
      TensorShape::Create({int64_t{1} << 32, int64_t{1} << 31}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "the product of the dims [4294967296, 2147483648] overflows"));
  // Zeros and unknown dims do not hide what the others multiply to.
  EXPECT_THAT(TensorShape::Create({0, kMax, 2}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(TensorShape::Create({kMax, -1, 2}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(TensorShape::Create({0, kMax}), IsOk());
}

TEST(TensorShapeTest, DimsCanBeEdited) {
  TensorShape shape = {2, 3};
  shape.AddDim(5);
  EXPECT_EQ(shape, TensorShape({2, 3, 5}));
  shape.InsertDim(0, -1);
  EXPECT_EQ(shape, TensorShape({-1, 2, 3, 5}));
  shape.set_dim(-1, 7);
  shape.RemoveDim(1);
  EXPECT_EQ(shape, TensorShape({-1, 3, 7}));
}

TEST(TensorShapeTest, CompatibleShapesMerge) {
  const TensorShape a = {-1, 28};
  const TensorShape b = {64, -1};
  EXPECT_TRUE(a.IsCompatibleWith(b));
  EXPECT_EQ(a.MergedWith(b), TensorShape({64, 28}));
  EXPECT_EQ(a.MergedWith(TensorShape::UnknownRank()), a);
  EXPECT_EQ(TensorShape::UnknownRank().MergedWith(a), a);
  EXPECT_FALSE(a.IsCompatibleWith(TensorShape({64, 27})));
  EXPECT_FALSE(a.IsCompatibleWith(TensorShape({28})));
  EXPECT_TRUE(a.IsCompatibleWith(TensorShape::UnknownRank()));
}

TEST(TensorShapeTest, UnionKeepsWhatHoldsForBoth) {
  const TensorShape a = {2, 28};
  EXPECT_EQ(a.Union({3, 28}), TensorShape({-1, 28}));
  EXPECT_EQ(a.Union({-1, 28}), TensorShape({-1, 28}));
  EXPECT_EQ(a.Union(a), a);
  EXPECT_EQ(a.Union({28}), TensorShape::UnknownRank());
  EXPECT_EQ(a.Union(TensorShape::UnknownRank()), TensorShape::UnknownRank());
}

TEST(TensorShapeTest, CopiesAndMovesKeepTheValue) {
  TensorShape many = {1, 2, 3, 4, 5, 6};
  TensorShape moved = std::move(many);
  EXPECT_EQ(moved.rank(), 6);
  moved = TensorShape{};
  EXPECT_TRUE(moved.IsScalar());
  moved = TensorShape::UnknownRank();
  EXPECT_FALSE(moved.has_rank());
}

TEST(TensorShapeDeathTest, ConstantsMustBeValid) {
  EXPECT_DEATH(TensorShape({-2}), "check failed");
  EXPECT_DEATH(TensorShape({2}).dim(1), "check failed");
}

TEST(MultiplyOverflowsTest, TellsAndMultiplies) {
  int64_t product = 0;
  EXPECT_FALSE(MultiplyOverflows(kMax, 1, &product));
  EXPECT_EQ(product, kMax);
  EXPECT_TRUE(MultiplyOverflows(kMax, 2, &product));
  EXPECT_FALSE(MultiplyOverflows(kMax, 0, &product));
  EXPECT_EQ(product, 0);
}

}  // namespace
}  // namespace weft
