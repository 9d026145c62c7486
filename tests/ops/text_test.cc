#include "ops/text.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/math.h"
#include "ops/source.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Output InString(const std::string& text) {
  return In(Tensor::Scalar<std::string>(text));
}

std::string StringOf(Output output) {
  const Tensor value = Evaluate(output);
  return value.is_valid() ? value.data<std::string>()[0] : "";
}

void ExpectMistake(Output y, const std::string& message) {
  EXPECT_THAT(TryEvaluate(y),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
}

TEST(StringJoinTest, JoinsOneByOne) {
  const Output names = In(Tensor::Vector<std::string>({"a", "b"}));
  const Tensor joined =
      Evaluate(StringJoin({InString("model"), names}, /*separator=*/"/"));
  ASSERT_EQ(joined.num_elements(), 2);
  EXPECT_THAT(joined.data<std::string>(), ElementsAre("model/a", "model/b"));
}

TEST(StringJoinTest, RefusesOtherShapes) {
  ExpectMistake(StringJoin({In(Tensor::Vector<std::string>({"a", "b"})),
                            In(Tensor::Vector<std::string>({"a", "b", "c"}))}),
                "input 1 is [3] but must be [2] or a scalar");
}

TEST(StringCompareTest, ComparesAndBroadcasts) {
  const Output x = In(Tensor::Vector<std::string>({"a", "b", "a"}));
  EXPECT_THAT(Bools(Equal(x, InString("a"))), ElementsAre(true, false, true));
  EXPECT_THAT(Bools(NotEqual(InString("b"), x)),
              ElementsAre(true, false, true));
}

TEST(StringAddTest, JoinsAndBroadcasts) {
  const Output x = In(Tensor::Vector<std::string>({"a", "b"}));
  const Output dot = InString(".");
  EXPECT_THAT(Evaluate(Add(x, dot)).data<std::string>(),
              ElementsAre("a.", "b."));
  // Which comes first matters.
  EXPECT_EQ(StringOf(Add(Add(dot, InString("!")), Add(InString("!"), dot))),
            ".!!.");
}

TEST(AsStringTest, WritesNumbers) {
  const auto text = [](const Tensor& x, const AsStringOptions& options = {}) {
    return StringOf(AsString(In(x), options));
  };
  EXPECT_EQ(text(Tensor::Scalar<int32_t>(-5)), "-5");
  EXPECT_EQ(text(Tensor::Scalar<int64_t>(std::numeric_limits<int64_t>::min())),
            "-9223372036854775808");
  EXPECT_EQ(text(Tensor::Scalar(true)), "true");
  // The examples of TensorFlow's documentation.
  EXPECT_EQ(text(Tensor::Scalar<float>(3.1415926f), {.precision = 2}), "3.14");
  EXPECT_EQ(text(Tensor::Scalar<double>(0.5)), "0.500000");
  EXPECT_EQ(text(Tensor::Scalar<double>(0.5), {.shortest = true}), "0.5");
  EXPECT_EQ(text(Tensor::Scalar<double>(1500), {.scientific = true}),
            "1.500000e+03");
  EXPECT_EQ(text(Tensor::Scalar<int32_t>(7), {.width = 3, .fill = "0"}), "007");
  EXPECT_EQ(text(Tensor::Scalar<int32_t>(7), {.width = 3, .fill = "-"}), "7  ");
  EXPECT_THAT(Evaluate(AsString(InInts({3, 2}))).data<std::string>(),
              ElementsAre("3", "2"));
}

TEST(AsStringTest, RefusesFormatsThatThereAreNot) {
  const auto mistake = [](DataType dtype, const AsStringOptions& options) {
    Graph g;
    AsString(Placeholder(g, "x", dtype, {}), options);
    return std::string(g.status().message());
  };
  EXPECT_THAT(mistake(DataType::kFloat, {.scientific = true, .shortest = true}),
              HasSubstr("scientific and shortest cannot both be set"));
  EXPECT_THAT(mistake(DataType::kFloat, {.fill = "00"}),
              HasSubstr("fill is '00' but must be one of ' ', '+', '-', '0' "
                        "and '#'"));
  EXPECT_THAT(mistake(DataType::kInt32, {.precision = 2}),
              HasSubstr("precision, scientific and shortest are for floats "
                        "alone, but input is int32"));
  EXPECT_THAT(mistake(DataType::kFloat, {.width = 1 << 20}),
              HasSubstr("width is 1048576 but must be -1 to 1024"));
}

TEST(ShardedFilenameTest, CountsWithFiveDigits) {
  EXPECT_EQ(StringOf(ShardedFilename(InString("model"),
                                     In(Tensor::Scalar<int32_t>(3)),
                                     In(Tensor::Scalar<int32_t>(12)))),
            "model-00003-of-00012");
}

TEST(ShardedFilenameTest, RefusesVectors) {
  ExpectMistake(ShardedFilename(InString("model"), InInts({1, 2}),
                                In(Tensor::Scalar<int32_t>(12))),
                "shard is [2] but must be a scalar");
}

TEST(PrintTest, WritesItsDataAndGivesItsInput) {
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(
      Floats(Print(In({1, 2}), {InInts({7, 8})}, {.message = "here: "})),
      ElementsAre(1, 2));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("here: [int32 [2] {7, 8}]"));
}

TEST(PrintTest, StopsAfterTheFirstN) {
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(Floats(Print(In({1, 2}), {}, {.message = "x", .first_n = 0})),
              ElementsAre(1, 2));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

// The bytes of a summary, as protobuf's encoding has them: see
// https://protobuf.dev/programming-guides/encoding.
TEST(ScalarSummaryTest, IsAMessage) {
  const std::string expected("\x0a\x0b\x0a\x04loss\x15\x00\x00\x80\x3f", 13);
  EXPECT_EQ(StringOf(ScalarSummary(InString("loss"), In(1))), expected);
  EXPECT_EQ(
      StringOf(ScalarSummary(InString("loss"), In(Tensor::Scalar<int32_t>(1)))),
      expected);
}

TEST(ScalarSummaryTest, RefusesOtherShapes) {
  ExpectMistake(ScalarSummary(InString("loss"), In({1, 2})),
                "values is [2] but must be like tags, []");
}

TEST(HistogramSummaryTest, HoldsTheNumbers) {
  const std::string summary =
      StringOf(HistogramSummary(InString("h"), In({0, 0, 0})));
  // min, max, num = 3, sum and sum of squares as fixed64, after the tag.
  EXPECT_THAT(summary, HasSubstr(std::string("\x0a\x01h\x2a", 4)));
  EXPECT_THAT(summary, HasSubstr(std::string(
                           "\x19\x00\x00\x00\x00\x00\x00\x08\x40", 9)));
  // Three buckets are left: empty ones below, ours, and empty ones above.
  EXPECT_THAT(summary, HasSubstr(std::string("\x32\x18", 2)));
  EXPECT_THAT(summary, HasSubstr(std::string("\x3a\x18", 2)));
}

TEST(HistogramSummaryTest, RefusesNan) {
  ExpectMistake(HistogramSummary(InString("h"), In({0, std::nanf("")})),
                "values[1] is NaN");
}

TEST(MergeSummaryTest, IsOneMessage) {
  EXPECT_EQ(StringOf(MergeSummary({InString("ab"), InString("c")})), "abc");
}

}  // namespace
}  // namespace weft
