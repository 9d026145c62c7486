#include "core/data_type.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "gtest/gtest.h"

namespace weft {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

float FromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

uint16_t HalfBits(float value) { return ToHalf(value).bits; }
uint16_t Bfloat16Bits(float value) { return ToBfloat16(value).bits; }

TEST(DataTypeTest, BothSpellingsMeanTheType) {
  EXPECT_EQ(DataTypeName(DataType::kFloat), "float32");
  EXPECT_EQ(DataTypeProtoName(DataType::kHalf), "DT_HALF");
  EXPECT_EQ(DataTypeFromName("int64"), DataType::kInt64);
  EXPECT_EQ(DataTypeFromName("DT_INT64"), DataType::kInt64);
  EXPECT_EQ(DataTypeFromName("float99"), std::nullopt);
  EXPECT_EQ(DataTypeFromName("invalid"), std::nullopt);
}

TEST(DataTypeTest, NumbersFromFilesAreChecked) {
  EXPECT_EQ(DataTypeFromNumber(1), DataType::kFloat);
  EXPECT_EQ(DataTypeFromNumber(21), DataType::kVariant);
  for (int number :
       {0, 8, 18, 101, 9999, -1}) {  // 8: complex, 101: a reference.
    EXPECT_EQ(DataTypeFromNumber(number), std::nullopt) << number;
  }
  EXPECT_EQ(DataTypeName(static_cast<DataType>(9999)), "invalid");
  EXPECT_EQ(DataTypeSize(static_cast<DataType>(9999)), 0u);
}

TEST(DataTypeTest, EveryNumberedTypeHasItsNames) {
  int count = 0;
  for (int number = 0; number < 200; ++number) {
    const std::optional<DataType> type = DataTypeFromNumber(number);
    if (!type.has_value()) continue;
    ++count;
    EXPECT_EQ(DataTypeFromName(DataTypeName(*type)), type);
    EXPECT_EQ(DataTypeFromName(DataTypeProtoName(*type)), type);
  }
  EXPECT_EQ(count, 16);
}

TEST(DataTypeTest, KnowsSizesAndKinds) {
  EXPECT_EQ(DataTypeSize(DataType::kBool), 1u);
  EXPECT_EQ(DataTypeSize(DataType::kBfloat16), 2u);
  EXPECT_EQ(DataTypeSize(DataType::kUint64), 8u);
  EXPECT_FALSE(IsPlain(DataType::kString));
  EXPECT_FALSE(IsPlain(DataType::kResource));
  EXPECT_FALSE(IsPlain(DataType::kVariant));
  EXPECT_TRUE(IsFloating(DataType::kBfloat16));
  EXPECT_FALSE(IsFloating(DataType::kInt8));
  EXPECT_TRUE(IsInteger(DataType::kUint64));
  EXPECT_FALSE(IsInteger(DataType::kBool));
  EXPECT_FALSE(IsInteger(DataType::kString));
}

TEST(HalfTest, ExactValuesConvertBothWays) {
  const struct {
    float value;
    uint16_t bits;
  } kCases[] = {
      {0.0f, 0x0000},         {-0.0f, 0x8000},    {1.0f, 0x3c00},
      {-2.0f, 0xc000},        {65504.0f, 0x7bff}, {0x1p-14f, 0x0400},
      {0x1p-24f, 0x0001},     {kInf, 0x7c00},     {-kInf, 0xfc00},
      {0x1.ff8p-15f, 0x03ff},  // The largest subnormal.
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(HalfBits(c.value), c.bits) << c.value;
    EXPECT_EQ(ToFloat(Half{c.bits}), c.value) << c.value;
  }
  EXPECT_TRUE(std::signbit(ToFloat(Half{0x8000})));
}

TEST(HalfTest, EveryBitPatternSurvivesTheWayThroughFloat) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const Half half{static_cast<uint16_t>(bits)};
    const float value = ToFloat(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(ToFloat(ToHalf(value)))) << bits;
    } else {
      ASSERT_EQ(ToHalf(value).bits, bits);
    }
  }
}

TEST(HalfTest, RoundsToNearestEven) {
  EXPECT_EQ(HalfBits(1 + 0x1p-11f), 0x3c00);             // A tie: down to even.
  EXPECT_EQ(HalfBits(1 + 3 * 0x1p-11f), 0x3c02);         // A tie: up to even.
  EXPECT_EQ(HalfBits(1 + 0x1p-11f + 0x1p-20f), 0x3c01);  // Above the tie.
  EXPECT_EQ(HalfBits(2 - 0x1p-12f), 0x4000);  // Into the next exponent.
  EXPECT_EQ(HalfBits(65519.0f), 0x7bff);
  EXPECT_EQ(HalfBits(65520.0f), 0x7c00);  // To infinity.
  EXPECT_EQ(HalfBits(-1e30f), 0xfc00);
}

TEST(HalfTest, RoundsSubnormals) {
  EXPECT_EQ(HalfBits(0x1p-25f), 0x0000);  // A tie: down to even.
  EXPECT_EQ(HalfBits(FromBits(0x33000001)), 0x0001);
  EXPECT_EQ(HalfBits(3 * 0x1p-25f), 0x0002);     // A tie: up to even.
  EXPECT_EQ(HalfBits(0x1.ffcp-15f), 0x0400);     // Up to the smallest normal.
  EXPECT_EQ(HalfBits(-0x1p-26f), 0x8000);        // Keeps its sign.
  EXPECT_EQ(HalfBits(FromBits(0x00000001)), 0);  // A float subnormal.
}

TEST(HalfTest, NaNStaysNaN) {
  EXPECT_TRUE(std::isnan(ToFloat(ToHalf(kNaN))));
  // Its mantissa bits are all below those of a half.
  EXPECT_TRUE(std::isnan(ToFloat(ToHalf(FromBits(0x7f800001)))));
  EXPECT_TRUE(std::isnan(ToFloat(Half{0x7c01})));
}

TEST(Bfloat16Test, ConvertsAndRoundsToNearestEven) {
  EXPECT_EQ(Bfloat16Bits(1.0f), 0x3f80);
  EXPECT_EQ(Bfloat16Bits(-0.0f), 0x8000);
  EXPECT_EQ(Bfloat16Bits(1 + 0x1p-8f), 0x3f80);      // A tie: down to even.
  EXPECT_EQ(Bfloat16Bits(1 + 3 * 0x1p-8f), 0x3f82);  // A tie: up to even.
  EXPECT_EQ(Bfloat16Bits(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(Bfloat16Bits(-kInf), 0xff80);
  EXPECT_EQ(ToFloat(Bfloat16{0x4049}), 3.140625f);
}

TEST(Bfloat16Test, NaNStaysNaN) {
  EXPECT_TRUE(std::isnan(ToFloat(ToBfloat16(kNaN))));
  EXPECT_TRUE(std::isnan(ToFloat(ToBfloat16(FromBits(0x7f800001)))));
  EXPECT_TRUE(std::isnan(ToFloat(ToBfloat16(FromBits(0xffffffff)))));
}

}  // namespace
}  // namespace weft
