#include "runner/literal.h"

#include <cmath>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft::runner {
namespace {

using ::testing::HasSubstr;

// The error's text, or "".
std::string Problem(absl::string_view text, DataType dtype) {
  const absl::StatusOr<Tensor> tensor = ParseLiteral(text, dtype);
  return std::string(tensor.status().message());
}

Tensor Parse(absl::string_view text, DataType dtype) {
  absl::StatusOr<Tensor> tensor = ParseLiteral(text, dtype);
  EXPECT_OK(tensor);
  return tensor.ok() ? *std::move(tensor) : Tensor();
}

TEST(LiteralTest, HasTheShapeOfItsLists) {
  EXPECT_THAT(Parse("3", DataType::kFloat), TensorEq(Tensor::Scalar(3.0f)));
  EXPECT_THAT(Parse(" [1, 2.5 ,-3e1]", DataType::kFloat),
              TensorEq(Tensor::Vector<float>({1, 2.5, -30})));
  EXPECT_THAT(Parse("[[[1],[2]]]", DataType::kInt64),
              TensorEq(Tensor::Of<int64_t>({1, 2, 1}, {1, 2})));
  EXPECT_EQ(Parse("[]", DataType::kFloat).shape(), (TensorShape{0}));
  EXPECT_EQ(Parse("[[], []]", DataType::kFloat).shape(), (TensorShape{2, 0}));
}

TEST(LiteralTest, HasTheTypeThatIsWanted) {
  EXPECT_THAT(Parse("[true, false]", DataType::kBool),
              TensorEq(Tensor::Vector<bool>({true, false})));
  EXPECT_THAT(Parse("[\"a\", \"b,]\\\"\\u00e9\"]", DataType::kString),
              TensorEq(Tensor::Vector<std::string>({"a", "b,]\"\xc3\xa9"})));
  EXPECT_THAT(Parse("18446744073709551615", DataType::kUint64),
              TensorEq(Tensor::Scalar(std::numeric_limits<uint64_t>::max())));
  EXPECT_THAT(Parse("-128", DataType::kInt8),
              TensorEq(Tensor::Scalar(int8_t{-128})));
  EXPECT_THAT(Parse("0.1", DataType::kDouble), TensorEq(Tensor::Scalar(0.1)));
  EXPECT_EQ(Parse("1.5", DataType::kHalf).scalar<Half>(), ToHalf(1.5f));
  EXPECT_EQ(Parse("1.5", DataType::kBfloat16).scalar<Bfloat16>(),
            ToBfloat16(1.5f));
}

TEST(LiteralTest, FloatsMayBeNoNumbers) {
  const Tensor values =
      Parse("[NaN, \"NaN\", \"-Infinity\", inf]", DataType::kFloat);
  EXPECT_TRUE(std::isnan(values.data<float>()[0]));
  EXPECT_TRUE(std::isnan(values.data<float>()[1]));
  EXPECT_EQ(values.data<float>()[2], -std::numeric_limits<float>::infinity());
  EXPECT_EQ(values.data<float>()[3], std::numeric_limits<float>::infinity());
}

TEST(LiteralTest, ValuesAreNeverBentToFit) {
  for (const char* text :
       {"300", "-1", "1.5", "1e1", "true", "\"1\"", "NaN", "0x10", "--1"}) {
    EXPECT_THAT(Problem(text, DataType::kUint8),
                HasSubstr("is not an integer of type uint8"))
        << text;
  }
  for (const char* text : {"1e39", "\"1\"", "one", "1.5.2", "true", "0x1p3"}) {
    EXPECT_THAT(Problem(text, DataType::kFloat),
                HasSubstr("is not a number of type float32"))
        << text;
  }
  EXPECT_THAT(Problem("70000", DataType::kHalf), HasSubstr("float16"));
  EXPECT_THAT(Problem("1", DataType::kBool), HasSubstr("is not true or false"));
  EXPECT_THAT(Problem("a", DataType::kString),
              HasSubstr("a string in double quotes"));
  EXPECT_THAT(Problem("\"\\x\"", DataType::kString),
              HasSubstr("a string in double quotes"));
  EXPECT_THAT(Problem("[1, [2]]", DataType::kFloat),
              HasSubstr("different depths"));
  EXPECT_THAT(Problem("1", DataType::kResource),
              HasSubstr("can not be written down"));
}

TEST(LiteralTest, ListsAreWhole) {
  for (const char* text : {"[[1], 2]", "[1, [2]]", "[[], 1]", "[1, []]"}) {
    EXPECT_THAT(Problem(text, DataType::kFloat), HasSubstr("different depths"))
        << text;
  }
  for (const char* text : {"[[1], [2, 3]]", "[[], [1]]", "[[[]], []]"}) {
    EXPECT_THAT(Problem(text, DataType::kFloat),
                HasSubstr("lists of one level have"))
        << text;
  }
  for (const char* text : {"", "[", "[1,]", "[,1]", "[1 2]", "[1", "]"}) {
    EXPECT_THAT(Problem(text, DataType::kFloat), HasSubstr("expected "))
        << text;
  }
  EXPECT_EQ(Problem("1]", DataType::kFloat),
            "there is more after the value: ']'");
  EXPECT_EQ(Problem("\"a", DataType::kString),
            "a string lacks its closing quote");
  EXPECT_EQ(Problem("\"a\\", DataType::kString),
            "a string lacks its closing quote");
  EXPECT_THAT(Problem(std::string(100000, '['), DataType::kFloat),
              HasSubstr("nested more than"));
}

}  // namespace
}  // namespace weft::runner
