#include "core/philox.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

template <typename T>
using FillFunction = void (*)(const Philox&, uint64_t, absl::Span<T>);

template <typename T>
std::vector<T> Values(FillFunction<T> fill, const Philox& stream, int size,
                      uint64_t first_block = 0) {
  std::vector<T> values(size);
  fill(stream, first_block, absl::MakeSpan(values));
  return values;
}

std::vector<int32_t> UniformInts(const Philox& stream, int32_t minval,
                                 int32_t maxval, int size) {
  std::vector<int32_t> values(size);
  FillUniformInt(stream, 0, minval, maxval, absl::MakeSpan(values));
  return values;
}

// Known answers that the authors of Random123 publish.
TEST(PhiloxTest, AgreesWithRandom123) {
  EXPECT_THAT(Philox::Generate({0, 0, 0, 0}, {0, 0}),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(Philox::Generate({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                               {0xffffffff, 0xffffffff}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(Philox::Generate({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                               {0xa4093822, 0x299f31d0}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(PhiloxTest, SeedsAreKeyAndUpperCounter) {
  const Philox stream(0x299f31d0a4093822, 0x0370734413198a2e);
  EXPECT_EQ(stream.At(0x85a308d3243f6a88),
            Philox::Generate({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                             {0xa4093822, 0x299f31d0}));
  EXPECT_EQ(Philox(-1, -1).At(~uint64_t{0}),
            Philox::Generate({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                             {0xffffffff, 0xffffffff}));
}

// The numbers in the tests named so were recorded with TensorFlow 1.x: with
// attrs seed and seed2 as given.
TEST(PhiloxTest, UniformAsRecorded) {
  EXPECT_THAT(Values<float>(FillUniform, Philox(12345, 0), 14),
              Pointwise(FloatNear(1e-7),
                        {0.955032468f, 0.999338269f, 0.582704663f, 0.31823349f,
                         0.425084233f, 0.879620075f, 0.2097193f, 0.743475795f,
                         0.350237489f, 0.0371562205f, 0.752985597f,
                         0.114376903f, 0.48718524f, 0.6176157f}));
}

TEST(PhiloxTest, NormalAsRecorded) {
  EXPECT_THAT(Values<float>(FillNormal, Philox(1, 12345), 14),
              Pointwise(FloatNear(1e-6),
                        {0.0671429113f, 1.65620971f, 1.13672328f, 0.321306556f,
                         0.715686798f, 0.471538335f, -0.203972161f,
                         0.687157691f, 0.155839846f, 0.735816836f, 0.361858755f,
                         -0.873130679f, 1.42211294f, 0.525009215f}));
}

TEST(PhiloxTest, NormalOfHalfAsRecorded) {
  std::vector<float> values;
  for (Half value : Values<Half>(FillNormal, Philox(1, 12345), 6)) {
    values.push_back(ToFloat(value));
  }
  EXPECT_THAT(values, ElementsAre(0.0671386719f, 1.65625f, 1.13671875f,
                                  0.321289062f, 0.715820312f, 0.471435547f));
}

TEST(PhiloxTest, UniformIntAsRecorded) {
  EXPECT_THAT(UniformInts(Philox(12345, 0), 1, 10, 14),
              ElementsAre(6, 1, 1, 4, 8, 9, 5, 1, 1, 5, 5, 2, 8, 5));
}

// Dropout with rate 0.6 keeps where the uniform double is 0.6 or more.
TEST(PhiloxTest, UniformOfDoubleAsRecordedByDropout) {
  std::vector<bool> kept;
  for (double value : Values<double>(FillUniform, Philox(1, 14), 14)) {
    kept.push_back(value >= 0.6);
  }
  EXPECT_THAT(kept, ElementsAre(true, true, true, true, false, true, false,
                                false, false, false, true, true, false, false));
}

// TensorFlow's documentation of stateless_random_brightness shows the uniform
// number of the seeds 1, 2, scaled to [-0.2, 0.2): 0.1376242.
TEST(PhiloxTest, StatelessUniformAsDocumented) {
  const float value = Values<float>(FillUniform, Philox::Stateless(1, 2), 1)[0];
  EXPECT_NEAR(value * 0.4f - 0.2f, 0.1376242f, 2e-7f);
}

TEST(PhiloxTest, StatelessSeedsAreWholeAndOrdered) {
  const auto first = [](int64_t seed0, int64_t seed1) {
    return Philox::Stateless(seed0, seed1).At(0);
  };
  EXPECT_NE(first(1, 2), first(2, 1));
  EXPECT_NE(first(1, 2), first(1 + (int64_t{1} << 32), 2));
  EXPECT_NE(first(1, 2), first(1, 2 + (int64_t{1} << 32)));
  EXPECT_NE(first(-1, 0), first(0, 0));
}

TEST(PhiloxTest, TruncatedNormalIsTheNormalWithoutItsTails) {
  // As recorded for op seed 1 without a graph seed:
  // -0.8113182, 1.4845988, 0.06532937, -2.4427042, 0.0992484, ...
  const Philox stream(87654321, 1);
  EXPECT_THAT(Values<float>(FillNormal, stream, 5),
              Pointwise(FloatNear(1e-6), {-0.8113182f, 1.4845988f, 0.06532937f,
                                          -2.4427042f, 0.0992484f}));
  EXPECT_THAT(Values<float>(FillTruncatedNormal, stream, 4),
              Pointwise(FloatNear(1e-6),
                        {-0.8113182f, 1.4845988f, 0.06532937f, 0.0992484f}));
}

TEST(PhiloxTest, TruncatedNormalsAreWithinTwoDeviations) {
  EXPECT_THAT(Values<float>(FillTruncatedNormal, Philox(1, 2), 1000),
              Each(::testing::Truly([](float x) { return std::abs(x) < 2; })));
  EXPECT_THAT(Values<double>(FillTruncatedNormal, Philox(1, 2), 1000),
              Each(::testing::Truly([](double x) { return std::abs(x) < 2; })));
}

template <typename T>
void ExpectPartsFitTogether(FillFunction<T> fill, int offset, uint64_t blocks) {
  const Philox stream(3, 4);
  const std::vector<T> whole = Values<T>(fill, stream, 23);
  const std::vector<T> tail = Values<T>(fill, stream, 23 - offset, blocks);
  EXPECT_EQ(std::vector<T>(whole.begin() + offset, whole.end()), tail);
}

TEST(PhiloxTest, PartsCanBeFilledByThemselves) {
  ExpectPartsFitTogether<float>(FillUniform, 8, 2);
  ExpectPartsFitTogether<double>(FillUniform, 8, 4);
  ExpectPartsFitTogether<Half>(FillUniform, 8, 2);
  ExpectPartsFitTogether<Bfloat16>(FillNormal, 8, 2);
  ExpectPartsFitTogether<double>(FillNormal, 6, 3);
  ExpectPartsFitTogether<float>(FillTruncatedNormal, 8, 512);
  ExpectPartsFitTogether<double>(FillTruncatedNormal, 8, 512);
  ExpectPartsFitTogether<Half>(FillTruncatedNormal, 8, 512);
  ExpectPartsFitTogether<Bfloat16>(FillTruncatedNormal, 8, 512);
}

TEST(PhiloxTest, UniformsAreInTheUnitInterval) {
  double sum = 0;
  for (double value : Values<double>(FillUniform, Philox(5, 6), 10000)) {
    EXPECT_TRUE(value >= 0 && value < 1);
    sum += value;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.01);
  for (Half value : Values<Half>(FillUniform, Philox(5, 6), 1000)) {
    EXPECT_TRUE(ToFloat(value) >= 0 && ToFloat(value) < 1);
  }
  for (Bfloat16 value : Values<Bfloat16>(FillUniform, Philox(5, 6), 1000)) {
    EXPECT_TRUE(ToFloat(value) >= 0 && ToFloat(value) < 1);
  }
}

TEST(PhiloxTest, IntRangesMayBeAsWideAsTheType) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  std::vector<int64_t> values(64);
  FillUniformInt(Philox(1, 2), 0, kMin, kMax, absl::MakeSpan(values));
  EXPECT_LT(*std::min_element(values.begin(), values.end()), kMin / 2);
  EXPECT_GT(*std::max_element(values.begin(), values.end()), kMax / 2);
  EXPECT_THAT(UniformInts(Philox(1, 2), 2147483646, 2147483647, 5),
              Each(2147483646));
  EXPECT_THAT(UniformInts(Philox(1, 2), -2147483647 - 1, -2147483647, 5),
              Each(-2147483647 - 1));
}

TEST(PhiloxTest, FillsNothingWhereThereIsNothing) {
  EXPECT_TRUE(Values<float>(FillUniform, Philox(1, 2), 0).empty());
  EXPECT_TRUE(Values<float>(FillTruncatedNormal, Philox(1, 2), 0).empty());
}

}  // namespace
}  // namespace weft
