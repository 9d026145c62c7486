#include "core/strided_slice.h"

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>

#include "core/range.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

constexpr std::optional<int64_t> kNotKnown = std::nullopt;

StridedSliceSpec Spec(StridedSliceSpec::Values begin,
                      StridedSliceSpec::Values end,
                      StridedSliceSpec::Values strides) {
  StridedSliceSpec spec;
  spec.begin = std::move(begin);
  spec.end = std::move(end);
  spec.strides = std::move(strides);
  return spec;
}

TEST(StridedSliceTest, ResolvesRangesOfKnownAxes) {
  ASSERT_OK_AND_ASSIGN(
      const StridedSliceDims slice,
      ResolveStridedSlice({5, 4}, Spec({-3, 3}, {5, 0}, {2, -1})));
  EXPECT_EQ(slice.shape, TensorShape({2, 3}));
  EXPECT_EQ(slice.axes[0].begin, 2);
  EXPECT_EQ(slice.axes[0].stride, 2);
  EXPECT_EQ(slice.axes[1].begin, 3);
  EXPECT_EQ(slice.axes[1].size, 3);
}

TEST(StridedSliceTest, ASingleIndexHasAShapeBeforeItIsKnown) {
  StridedSliceSpec spec = Spec({kNotKnown}, {kNotKnown}, {1});
  spec.shrink_axis_mask = 1;
  ASSERT_OK_AND_ASSIGN(const StridedSliceDims slice,
                       ResolveStridedSlice({5, 4}, spec));
  EXPECT_EQ(slice.shape, TensorShape({4}));
  EXPECT_FALSE(slice.axes[0].placed);
  EXPECT_TRUE(slice.axes[1].placed);
}

TEST(StridedSliceTest, ARangeThatIsNotKnownHasNoSize) {
  ASSERT_OK_AND_ASSIGN(
      const StridedSliceDims slice,
      ResolveStridedSlice({5, -1}, Spec({kNotKnown, 0}, {3, 2}, {1, 1})));
  EXPECT_EQ(slice.shape, TensorShape({-1, -1}));
  ASSERT_OK_AND_ASSIGN(
      const StridedSliceDims unranked,
      ResolveStridedSlice(TensorShape::UnknownRank(), Spec({0}, {1}, {1})));
  EXPECT_FALSE(unranked.shape.has_rank());
}

TEST(StridedSliceTest, RefusesWhatIsNoSlice) {
  EXPECT_THAT(ResolveStridedSlice({5}, Spec({0}, {1}, {0})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("strides[0] is 0")));
  EXPECT_THAT(
      ResolveStridedSlice({5}, Spec({0, 0}, {1, 1}, {1, 1})),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("names 2 axes")));
  EXPECT_THAT(
      ResolveStridedSlice({5}, Spec({0}, {1, 2}, {1})),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("equally many")));
}

TEST(RangeSizeTest, CountsUpAndDown) {
  EXPECT_EQ(RangeSize(int64_t{0}, int64_t{7}, int64_t{3}).value(), 3);
  EXPECT_EQ(RangeSize(int64_t{7}, int64_t{0}, int64_t{-7}).value(), 1);
  EXPECT_EQ(RangeSize(0.0f, 0.3f, 0.1f).value(), 3);
}

TEST(RangeSizeTest, RefusesWhatDoesNotEnd) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_THAT(
      RangeSize(kMin, kMax, int64_t{1}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("too long")));
  EXPECT_EQ(RangeSize(kMax, kMin, kMin).value(), 2);
  EXPECT_THAT(
      RangeSize(0.0, std::numeric_limits<double>::infinity(), 1.0),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("too long")));
  EXPECT_THAT(RangeSize(0.0, 1.0, std::numeric_limits<double>::quiet_NaN()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace weft
