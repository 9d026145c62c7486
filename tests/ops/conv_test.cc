#include "ops/conv.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/testing/value_test.h"

namespace weft {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

WEFT_VALUE_TEST(Conv2DBackpropInput, Conv2DBackpropFilter,
                DepthwiseConv2dNativeBackpropInput,
                DepthwiseConv2dNativeBackpropFilter);

// Rows 1 2 3, 4 5 6, 7 8 9.
Output Image() { return In({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9}); }
// Adds an element, ten times the one to its right, and a hundred times the one
// below.
Output Filter() { return In({2, 2, 1, 1}, {1, 10, 100, 0}); }

TEST(Conv2DTest, ValidStaysInside) {
  EXPECT_THAT(Floats(Conv2D(Image(), Filter(), {.padding = "VALID"})),
              ElementsAre(421, 532, 754, 865));
}

TEST(Conv2DTest, SamePadsBehindFirst) {
  EXPECT_THAT(Floats(Conv2D(Image(), Filter())),
              ElementsAre(421, 532, 603, 754, 865, 906, 87, 98, 9));
}

TEST(Conv2DTest, SkipsPlacesByItsStrides) {
  EXPECT_THAT(Floats(Conv2D(Image(), Filter(), {.strides = {2, 2}})),
              ElementsAre(421, 603, 87, 9));
  EXPECT_THAT(Floats(Conv2D(Image(), Filter(), {.strides = {1, 2}})),
              ElementsAre(421, 603, 754, 906, 87, 9));
}

TEST(Conv2DTest, SpreadsItsFilterByDilations) {
  EXPECT_THAT(Floats(Conv2D(Image(), Filter(),
                            {.padding = "VALID", .dilations = {2, 2}})),
              ElementsAre(731));
}

TEST(Conv2DTest, PadsAsItIsTold) {
  EXPECT_THAT(Floats(Conv2D(
                  Image(), Filter(),
                  {.padding = "EXPLICIT", .explicit_paddings = {1, 0, 0, 0}})),
              ElementsAre(100, 200, 421, 532, 754, 865));
}

TEST(Conv2DTest, SumsOverDepthForEachUnit) {
  const Output x = In({1, 1, 2, 2}, {1, 2, 3, 4});
  const Output filter = In({1, 1, 2, 3}, {1, 10, 0, 100, 1, 1});
  EXPECT_THAT(Floats(Conv2D(x, filter)), ElementsAre(201, 12, 2, 403, 34, 4));
}

TEST(Conv2DTest, TakesChannelsFirst) {
  const Output x = In({1, 2, 1, 2}, {1, 3, 2, 4});
  const Output filter = In({1, 1, 2, 3}, {1, 10, 0, 100, 1, 1});
  EXPECT_THAT(Floats(Conv2D(x, filter, {.data_format = "NCHW"})),
              ElementsAre(201, 403, 12, 34, 2, 4));
}

TEST(Conv2DTest, SplitsDepthIntoGroups) {
  const Output x = In({1, 1, 1, 4}, {1, 2, 3, 4});
  const Output filter = In({1, 1, 2, 2}, {1, 10, 100, 1000});
  // Unit 0 sees channels 0 and 1, unit 1 the others.
  EXPECT_THAT(Floats(Conv2D(x, filter)), ElementsAre(201, 4030));
}

TEST(Conv2DTest, OfNothingIsNothingOrZero) {
  EXPECT_THAT(Floats(Conv2D(In({0, 3, 3, 1}, {}), Filter())), SizeIs(0));
  EXPECT_THAT(Floats(Conv2D(In({1, 2, 2, 0}, {}), In({1, 1, 0, 2}, {}))),
              Each(0));
  EXPECT_THAT(Floats(Conv2DBackpropFilter(In({0, 3, 3, 1}, {}), {2, 2, 1, 1},
                                          In({0, 3, 3, 1}, {}))),
              ElementsAre(0, 0, 0, 0));
}

TEST(Conv2DBackpropInputTest, SpreadsTheFilter) {
  const Output dy = In({1, 2, 2, 1}, {1, 0, 0, 2});
  EXPECT_THAT(Floats(Conv2DBackpropInput({1, 3, 3, 1}, Filter(), dy,
                                         {.padding = "VALID"})),
              ElementsAre(1, 10, 0, 100, 2, 20, 0, 200, 0));
}

TEST(Conv2DBackpropFilterTest, SumsWhatEachElementSaw) {
  const Output dy = In({1, 2, 2, 1}, {1, 0, 0, 10});
  EXPECT_THAT(Floats(Conv2DBackpropFilter(Image(), {2, 2, 1, 1}, dy,
                                          {.padding = "VALID"})),
              ElementsAre(51, 62, 84, 95));
}

TEST(DepthwiseConv2dNativeTest, KeepsChannelsApart) {
  const Output x = In({1, 1, 2, 2}, {1, 2, 3, 4});
  const Output filter = In({1, 1, 2, 2}, {1, 10, 100, 1000});
  EXPECT_THAT(Floats(DepthwiseConv2dNative(x, filter)),
              ElementsAre(1, 10, 200, 2000, 3, 30, 400, 4000));
}

// ---- Float against double ---------------------------------------------------

struct Sizes {
  TensorShape input;  // Channels last.
  TensorShape filter;
  Conv2DOptions options;
  bool depthwise = false;
};

// Small whole numbers, so that sums are exact in both types.
Tensor WholeNumbers(const TensorShape& shape, uint64_t seed) {
  std::vector<float> values(shape.num_elements());
  uint64_t x = seed;
  for (float& value : values) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<float>(static_cast<int64_t>(x >> 60)) - 7;
  }
  return Tensor::Of<float>(shape, values);
}

TensorShape InFormat(const TensorShape& s, const std::string& format) {
  if (format == "NHWC") return s;
  return {s.dim(0), s.dim(3), s.dim(1), s.dim(2)};
}

void ExpectSameAsDoubles(const Sizes& sizes) {
  const bool depthwise = sizes.depthwise;
  for (const std::string format : {"NHWC", "NCHW"}) {
    Conv2DOptions options = sizes.options;
    options.data_format = format;
    const Tensor x = WholeNumbers(InFormat(sizes.input, format), 1);
    const Tensor w = WholeNumbers(sizes.filter, 2);
    Outputs floats, doubles;
    for (const DataType type : {DataType::kFloat, DataType::kDouble}) {
      const Output input = Cast(In(x), type), filter = Cast(In(w), type);
      const Output y = depthwise ? DepthwiseConv2dNative(input, filter, options)
                                 : Conv2D(input, filter, options);
      const Output dx =
          depthwise ? DepthwiseConv2dNativeBackpropInput(Shape(input), filter,
                                                         y, options)
                    : Conv2DBackpropInput(Shape(input), filter, y, options);
      const Output dw =
          depthwise ? DepthwiseConv2dNativeBackpropFilter(input, Shape(filter),
                                                          y, options)
                    : Conv2DBackpropFilter(input, Shape(filter), y, options);
      for (const Output result : {y, dx, dw}) {
        (type == DataType::kFloat ? floats : doubles)
            .push_back(Cast(result, DataType::kDouble));
      }
    }
    for (size_t i = 0; i < floats.size(); ++i) {
      SCOPED_TRACE(absl::StrCat(format, ", result ", i));
      const std::vector<double> expected = Doubles(doubles[i]);
      ASSERT_FALSE(expected.empty());
      EXPECT_EQ(Doubles(floats[i]), expected);
    }
  }
}

TEST(Conv2DTest, OfFloatsAndDoublesAreTheSame) {
  ExpectSameAsDoubles({.input = {2, 7, 6, 3}, .filter = {3, 3, 3, 4}});
  ExpectSameAsDoubles({.input = {3, 9, 8, 16},
                       .filter = {3, 2, 16, 32},
                       .options = {.strides = {2, 3}, .padding = "VALID"}});
  ExpectSameAsDoubles({.input = {1, 9, 10, 8},
                       .filter = {2, 3, 8, 8},
                       .options = {.dilations = {3, 2}}});
  ExpectSameAsDoubles(
      {.input = {2, 5, 6, 4},
       .filter = {3, 3, 2, 6},
       .options = {.padding = "EXPLICIT", .explicit_paddings = {2, 0, 1, 3}}});
  ExpectSameAsDoubles(
      {.input = {5, 32, 32, 8}, .filter = {5, 5, 8, 16}});  // Cut by images.
}

TEST(DepthwiseConv2dNativeTest, OfFloatsAndDoublesAreTheSame) {
  ExpectSameAsDoubles(
      {.input = {2, 7, 6, 3}, .filter = {3, 3, 3, 1}, .depthwise = true});
  ExpectSameAsDoubles({.input = {2, 8, 8, 16},
                       .filter = {3, 3, 16, 2},
                       .options = {.strides = {2, 2}, .padding = "VALID"},
                       .depthwise = true});
}

TEST(Conv2DTest, ReachesFarBeyondTheImage) {
  // Numbers that oneDNN does not count with: below the image there are zeros.
  EXPECT_THAT(Floats(Conv2D(Image(), Filter(),
                            {.strides = {2147483647, 1},
                             .padding = "EXPLICIT",
                             .explicit_paddings = {0, 2000000000, 0, 1},
                             .dilations = {2000000000, 1}})),
              ElementsAre(21, 32, 3));
}

// ---- Mistakes ---------------------------------------------------------------

// Building with these shapes must fail.
void ExpectMistake(const TensorShape& input, const TensorShape& filter,
                   const Conv2DOptions& options, const std::string& message) {
  Conv2D(Shaped(DataType::kFloat, input), Shaped(DataType::kFloat, filter),
         options);
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
}

TEST(Conv2DTest, RefusesAFilterOfOtherDepth) {
  ExpectMistake({1, 3, 3, 2}, {1, 1, 3, 4}, {},
                "filter is [1, 1, 3, 4] but must be [height, width, depth = 2, "
                "units]");
}

TEST(Conv2DTest, RefusesAFilterOfOtherDepthWhileRunning) {
  EXPECT_THAT(TryEvaluate(Conv2D(In({1, 1, 1, 2}, {1, 2}),
                                 In({1, 1, 3, 1}, {1, 2, 3}))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("filter is [1, 1, 3, 1] but must be [height, "
                                 "width, depth = 2, units]")));
}

TEST(Conv2DTest, RefusesAnImageOfOtherRankWhileRunning) {
  EXPECT_THAT(TryEvaluate(Conv2D(In({1, 2}, {1, 2}), Filter())),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("input is [1, 2] and filter is [2, 2, 1, 1] "
                                 "but they must have rank 4")));
}

TEST(Conv2DTest, RefusesAWindowThatDoesNotFit) {
  ExpectMistake({1, 1, 3, 1}, {3, 3, 1, 1}, {.padding = "VALID"},
                "height: the window reaches over 3 elements but the input has "
                "1 on this axis");
}

TEST(Conv2DTest, RefusesSizesThatOverflow) {
  ExpectMistake({int64_t{1} << 40, 3, 3, 1}, {1, 1, 1, int64_t{1} << 40}, {},
                "overflow");
}

TEST(Conv2DTest, RefusesAnEmptyFilter) {
  ExpectMistake({1, 3, 3, 1}, {3, 0, 1, 1}, {},
                "width: the window has no elements");
}

TEST(Conv2DTest, RefusesAStrideOfZero) {
  ExpectMistake({1, 3, 3, 1}, {1, 1, 1, 1}, {.strides = {0, 1}},
                "attr 'strides' is [1, 0, 1, 1] but entries must be in [1, ");
}

TEST(Conv2DTest, RefusesStridesOverTheBatch) {
  const Output x = Shaped(DataType::kFloat, {1, 3, 3, 1});
  Emit("Conv2D", {x, Shaped(DataType::kFloat, {1, 1, 1, 1})},
       {{"strides", std::vector<int64_t>{2, 1, 1, 1}}, {"padding", "SAME"}});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("attr 'strides' is [2, 1, 1, 1] but must be 1 "
                                 "for batch and channels")));
}

TEST(Conv2DTest, RefusesTooFewStrides) {
  ExpectMistake({1, 3, 3, 1}, {1, 1, 1, 1}, {.strides = {1}},
                "attr 'strides' is [1, 1, 1] but must have 4 entries");
}

TEST(Conv2DTest, RefusesNegativePadding) {
  ExpectMistake({1, 3, 3, 1}, {1, 1, 1, 1},
                {.padding = "EXPLICIT", .explicit_paddings = {-1, 0, 0, 0}},
                "attr 'explicit_paddings' is [0, 0, -1, 0, 0, 0, 0, 0] but "
                "entries must be in [0, ");
}

TEST(Conv2DTest, RefusesExplicitPaddingWithSame) {
  ExpectMistake({1, 3, 3, 1}, {1, 1, 1, 1}, {.explicit_paddings = {1, 0, 0, 0}},
                "but must be empty unless attr 'padding' is \"EXPLICIT\"");
}

TEST(Conv2DTest, RefusesDilationsThatReachTooFar) {
  ExpectMistake({1, 3, 3, 1}, {4, 1, 1, 1}, {.dilations = {2147483647, 1}},
                "the window reaches over more than 2147483647 elements");
}

TEST(Conv2DBackpropInputTest, RefusesWrongSizes) {
  const Output dy = In({1, 2, 2, 1}, {1, 2, 3, 4});
  EXPECT_THAT(TryEvaluate(Conv2DBackpropInput(InInts({1, 9, 9, 1}), Filter(),
                                              dy, {.padding = "VALID"})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("out_backprop is [1, 2, 2, 1] but must be [1, "
                                 "8, 8, 1]")));
}

TEST(Conv2DBackpropInputTest, RefusesNegativeSizes) {
  const Output dy = In({1, 2, 2, 1}, {1, 2, 3, 4});
  EXPECT_THAT(
      TryEvaluate(Conv2DBackpropInput(InInts({1, -9, 9, 1}), Filter(), dy)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("sizes must be 0 or more")));
}

TEST(Conv2DBackpropFilterTest, RefusesSizesOfOtherLength) {
  const Output dy = In({1, 2, 2, 1}, {1, 2, 3, 4});
  EXPECT_THAT(TryEvaluate(Conv2DBackpropFilter(Image(), InInts({2, 2}), dy)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("filter_sizes is [2] but must be [4]")));
}

TEST(DepthwiseConv2dNativeTest, RefusesAFilterOfOtherDepth) {
  EXPECT_THAT(TryEvaluate(DepthwiseConv2dNative(In({1, 1, 1, 2}, {1, 2}),
                                                In({1, 1, 1, 1}, {1}))),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("filter is [1, 1, 1, 1] but must be [height, "
                                 "width, depth = 2, multiplier]")));
}

}  // namespace
}  // namespace weft
