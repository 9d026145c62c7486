#include "runner/tensor_text.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft::runner {
namespace {

TEST(TensorTextTest, ShowsSmallTensorsWhole) {
  EXPECT_EQ(TensorToText(Tensor::Scalar(0.1f), 2), "0.1");
  EXPECT_EQ(TensorToText(Tensor::Scalar(1.0 / 3), 2), "0.333333");
  EXPECT_EQ(TensorToText(Tensor::Of<int32_t>({2, 2}, {1, -2, 3, 4}), 2),
            "[[1, -2],\n   [3, 4]]");
  EXPECT_EQ(TensorToText(Tensor::Of<float>({2, 0}, {}), 0), "[[],\n []]");
  EXPECT_EQ(TensorToText(Tensor::Vector<bool>({true, false}), 0),
            "[true, false]");
  EXPECT_EQ(TensorToText(Tensor::Vector<std::string>({"a\n", "\"\xff"}), 0),
            "[\"a\\n\", \"\\\"\xef\xbf\xbd\"]");
}

TEST(TensorTextTest, ShowsTheEndsOfLargeTensors) {
  const std::vector<int64_t> values(1000, 7);
  EXPECT_EQ(TensorToText(Tensor::Vector<int64_t>(absl::MakeSpan(values)), 0),
            "[7, 7, 7, ..., 7, 7, 7]");
  const std::string text =
      TensorToText(Tensor::Of<int64_t>({10, 100}, absl::MakeSpan(values)), 0);
  EXPECT_EQ(std::count(text.begin(), text.end(), '7'), 36);
}

TEST(TensorTextTest, JsonReadsBackToTheSameBits) {
  const float value = std::nextafter(0.1f, 1.0f);
  EXPECT_EQ(std::stof(TensorToJson(Tensor::Scalar(value))), value);
  EXPECT_EQ(TensorToJson(Tensor::Scalar(0.1f)), "0.1");
  EXPECT_EQ(TensorToJson(Tensor::Scalar(1e30)), "1e+30");
  EXPECT_EQ(TensorToJson(Tensor::Scalar(std::numeric_limits<uint64_t>::max())),
            "18446744073709551615");
  EXPECT_EQ(
      TensorToJson(Tensor::Of<float>({2, 2}, {1, NAN, INFINITY, -INFINITY})),
      "[[1, \"NaN\"], [\"Infinity\", \"-Infinity\"]]");
  EXPECT_EQ(TensorToJson(Tensor::Scalar(ToHalf(1.5f))), "1.5");
}

TEST(TensorTextTest, ShapesMayBeUnknown) {
  EXPECT_EQ(ShapeToJson({-1, 3}), "[-1, 3]");
  EXPECT_EQ(ShapeToJson({}), "[]");
  EXPECT_EQ(ShapeToJson(TensorShape::UnknownRank()), "null");
  EXPECT_EQ(DescribeType(DataType::kFloat, {-1, 3}), "float32 [?, 3]");
}

}  // namespace
}  // namespace weft::runner
