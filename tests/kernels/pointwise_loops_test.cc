// Accuracy of the vector functions over all floats, for every instruction set.
#include "kernels/pointwise_loops.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/kernels/instruction_sets.h"

namespace weft {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// How many units of the last place of `exact` as a float the two are apart.
double UlpsBetween(float value, double exact) {
  const float rounded = static_cast<float>(exact);
  if (value == rounded) return 0;
  if (!std::isfinite(value) || !std::isfinite(rounded)) return kInfinity;
  const int exponent = std::max(std::ilogb(rounded == 0 ? 1e-45f : rounded),
                                std::numeric_limits<float>::min_exponent - 1);
  return std::fabs(value - exact) / std::ldexp(1.0, exponent - 23);
}

struct Function {
  std::string name;
  MicroOp op;
  double (*exact)(double);
  double max_ulps;
  double min_size;  // Smaller results may be 0.
};

const Function kFunctions[] = {
    {"Exp", MicroOp::kExp, [](double x) { return std::exp(x); }, 1.25, 0},
    {"Tanh", MicroOp::kTanh, [](double x) { return std::tanh(x); }, 2.25, 0},
    {"Sigmoid", MicroOp::kSigmoid,
     [](double x) { return 1 / (1 + std::exp(-x)); }, 2.5, 0x1p-126},
};

void PrintTo(const Function& f, std::ostream* out) { *out << f.name; }

class AccuracyTest : public ::testing::TestWithParam<Function> {};
INSTANTIATE_TEST_SUITE_P(Functions, AccuracyTest,
                         ::testing::ValuesIn(kFunctions),
                         [](const auto& info) { return info.param.name; });

TEST_P(AccuracyTest, HoldsOverAllFloats) {
  const Function& f = GetParam();
  constexpr uint64_t kStep = 509;  // A prime: all exponents, many fractions.
  constexpr int kBlock = 4096;
  const std::vector<int64_t> targets = InstructionSets();
  ASSERT_GE(targets.size(), 3u);
  std::vector<double> worst(targets.size(), 0);
  std::vector<float> x(kBlock), y(kBlock);
  std::vector<double> exact(kBlock);
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32);) {
    for (int i = 0; i < kBlock; ++i, bits += kStep) {
      x[i] = std::bit_cast<float>(static_cast<uint32_t>(bits));
      if (std::isnan(x[i])) x[i] = 0;
      exact[i] = f.exact(x[i]);
    }
    for (size_t t = 0; t < targets.size(); ++t) {
      const UseInstructionSet use(targets[t]);
      FindPointwiseLoop<float>(f.op)(x.data(), x.data(), x.data(), y.data(),
                                     kBlock, 0);
      for (int i = 0; i < kBlock; ++i) {
        if (std::fabs(exact[i]) < f.min_size && y[i] >= 0 &&
            y[i] <= static_cast<float>(f.min_size)) {
          continue;
        }
        const double ulps = UlpsBetween(y[i], exact[i]);
        if (ulps > f.max_ulps && ulps > worst[t]) {
          ADD_FAILURE() << f.name << "(" << x[i] << ") = " << y[i]
                        << " instead of " << exact[i] << " with "
                        << hwy::TargetName(targets[t]);
        }
        worst[t] = std::max(worst[t], ulps);
      }
      if (HasFailure()) return;
    }
  }
  for (size_t t = 0; t < targets.size(); ++t) {
    RecordProperty(hwy::TargetName(targets[t]), std::to_string(worst[t]));
    std::printf("%s with %s: %.2f ulp\n", f.name.c_str(),
                hwy::TargetName(targets[t]), worst[t]);
  }
}

// At every place of a vector and of what is left behind the last one.
float At(MicroOp op, float x, int size, int place) {
  std::vector<float> values(size, 0.25f), result(size);
  values[place] = x;
  FindPointwiseLoop<float>(op)(values.data(), values.data(), values.data(),
                               result.data(), size, 0);
  return result[place];
}

TEST(PointwiseLoopsTest, NanStaysAndInfinityIsExact) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (int64_t target : InstructionSets()) {
    const UseInstructionSet use(target);
    SCOPED_TRACE(hwy::TargetName(target));
    for (int place = 0; place < 37; ++place) {
      for (const Function& f : kFunctions) {
        EXPECT_TRUE(std::isnan(At(f.op, nan, 37, place))) << f.name;
        EXPECT_TRUE(std::isnan(At(f.op, -nan, 37, place))) << f.name;
        for (float x : {kInfinity, -kInfinity, 0.0f}) {
          EXPECT_EQ(At(f.op, x, 37, place), f.exact(x)) << f.name << " " << x;
        }
      }
      EXPECT_TRUE(std::isnan(At(MicroOp::kRelu, nan, 37, place)));
      EXPECT_TRUE(std::isnan(At(MicroOp::kRelu6, nan, 37, place)));
      EXPECT_TRUE(std::isnan(At(MicroOp::kSign, nan, 37, place)));
      EXPECT_EQ(At(MicroOp::kRelu6, kInfinity, 37, place), 6);
      EXPECT_EQ(At(MicroOp::kNotEqual, nan, 37, place), 1);
      EXPECT_EQ(At(MicroOp::kEqual, nan, 37, place), 0);
      EXPECT_TRUE(std::signbit(At(MicroOp::kTanh, -0.0f, 37, place)));
    }
  }
}

// What each micro-operation gives, from the C library and plain comparisons.
struct Expected {
  MicroOp op;
  double (*f)(double x, double y, double z);
};

double Truth(bool b) { return b ? 1 : 0; }

const Expected kExpected[] = {
    {MicroOp::kAbs, [](double x, double, double) { return std::fabs(x); }},
    {MicroOp::kAdd, [](double x, double y, double) { return x + y; }},
    {MicroOp::kCeil, [](double x, double, double) { return std::ceil(x); }},
    {MicroOp::kCos, [](double x, double, double) { return std::cos(x); }},
    {MicroOp::kDiv, [](double x, double y, double) { return x / y; }},
    {MicroOp::kDivNoNan,
     [](double x, double y, double) { return y == 0 ? 0 : x / y; }},
    {MicroOp::kElu,
     [](double x, double, double) { return x < 0 ? std::expm1(x) : x; }},
    {MicroOp::kEluGrad,
     [](double x, double y, double) { return y < 0 ? x * (y + 1) : x; }},
    {MicroOp::kEqual, [](double x, double y, double) { return Truth(x == y); }},
    {MicroOp::kErf, [](double x, double, double) { return std::erf(x); }},
    {MicroOp::kExp, [](double x, double, double) { return std::exp(x); }},
    {MicroOp::kExpm1, [](double x, double, double) { return std::expm1(x); }},
    {MicroOp::kFloor, [](double x, double, double) { return std::floor(x); }},
    {MicroOp::kGreater,
     [](double x, double y, double) { return Truth(x > y); }},
    {MicroOp::kGreaterEqual,
     [](double x, double y, double) { return Truth(x >= y); }},
    {MicroOp::kIsFinite,
     [](double x, double, double) { return Truth(std::isfinite(x)); }},
    {MicroOp::kIsInf,
     [](double x, double, double) { return Truth(std::isinf(x)); }},
    {MicroOp::kIsNan,
     [](double x, double, double) { return Truth(std::isnan(x)); }},
    {MicroOp::kLeakyRelu,
     [](double x, double, double) { return x > 0 ? x : 0.25 * x; }},
    {MicroOp::kLeakyReluGrad,
     [](double x, double y, double) { return y > 0 ? x : 0.25 * x; }},
    {MicroOp::kLess, [](double x, double y, double) { return Truth(x < y); }},
    {MicroOp::kLessEqual,
     [](double x, double y, double) { return Truth(x <= y); }},
    {MicroOp::kMax, [](double x, double y, double) { return std::max(x, y); }},
    {MicroOp::kMin, [](double x, double y, double) { return std::min(x, y); }},
    {MicroOp::kMul, [](double x, double y, double) { return x * y; }},
    {MicroOp::kNeg, [](double x, double, double) { return -x; }},
    {MicroOp::kNotEqual,
     [](double x, double y, double) { return Truth(x != y); }},
    {MicroOp::kReciprocal, [](double x, double, double) { return 1 / x; }},
    {MicroOp::kReciprocalGrad,
     [](double x, double y, double) { return -y * x * x; }},
    {MicroOp::kRelu, [](double x, double, double) { return x > 0 ? x : 0; }},
    {MicroOp::kRelu6,
     [](double x, double, double) { return std::min(x > 0 ? x : 0, 6.0); }},
    {MicroOp::kReluGrad,
     [](double x, double y, double) { return y > 0 ? x : 0; }},
    {MicroOp::kRelu6Grad,
     [](double x, double y, double) { return y > 0 && y < 6 ? x : 0; }},
    {MicroOp::kRound,
     [](double x, double, double) { return std::nearbyint(x); }},
    {MicroOp::kSelect,
     [](double x, double y, double z) { return x != 0 ? y : z; }},
    {MicroOp::kSigmoid,
     [](double x, double, double) { return 1 / (1 + std::exp(-x)); }},
    {MicroOp::kSigmoidGrad,
     [](double x, double y, double) { return y * x * (1 - x); }},
    {MicroOp::kSign,
     [](double x, double, double) { return Truth(x > 0) - Truth(x < 0); }},
    {MicroOp::kSin, [](double x, double, double) { return std::sin(x); }},
    {MicroOp::kSoftplus,
     [](double x, double, double) { return std::log1p(std::exp(x)); }},
    {MicroOp::kSoftplusGrad,
     [](double x, double y, double) { return x / (1 + std::exp(-y)); }},
    {MicroOp::kSoftsign,
     [](double x, double, double) { return x / (1 + std::fabs(x)); }},
    {MicroOp::kSoftsignGrad,
     [](double x, double y, double) {
       return x / ((1 + std::fabs(y)) * (1 + std::fabs(y)));
     }},
    {MicroOp::kSquare, [](double x, double, double) { return x * x; }},
    {MicroOp::kSquaredDifference,
     [](double x, double y, double) { return (x - y) * (x - y); }},
    {MicroOp::kSub, [](double x, double y, double) { return x - y; }},
    {MicroOp::kTanh, [](double x, double, double) { return std::tanh(x); }},
    {MicroOp::kTanhGrad,
     [](double x, double y, double) { return y * (1 - x * x); }},
};

template <typename T>
void ExpectValues(double tolerance) {
  // Neither a whole number of vectors nor all of one sign.
  std::vector<T> x, y, z;
  for (int i = 0; i < 43; ++i) {
    x.push_back(static_cast<T>((i % 11 - 5) * 0.75));
    y.push_back(static_cast<T>((i % 7 - 3) * 1.25));
    z.push_back(static_cast<T>((i % 5 - 2) * 0.5));
  }
  for (const Expected& e : kExpected) {
    SCOPED_TRACE(std::string(InfoOf(e.op).name));
    std::vector<T> result(x.size());
    FindPointwiseLoop<T>(e.op)(x.data(), y.data(), z.data(), result.data(),
                               static_cast<int64_t>(x.size()), T(0.25));
    for (size_t i = 0; i < x.size(); ++i) {
      const double exact = e.f(x[i], y[i], z[i]);
      if (!std::isfinite(exact)) {
        EXPECT_EQ(std::isnan(exact), std::isnan(result[i])) << x[i];
        if (!std::isnan(exact)) {
          EXPECT_EQ(result[i], exact) << x[i];
        }
      } else {
        EXPECT_NEAR(result[i], exact, tolerance * (1 + std::fabs(exact)))
            << x[i] << " " << y[i] << " " << z[i];
      }
    }
  }
}

TEST(PointwiseLoopsTest, GiveWhatTheLibraryGives) {
  for (int64_t target : InstructionSets()) {
    const UseInstructionSet use(target);
    SCOPED_TRACE(hwy::TargetName(target));
    ExpectValues<float>(3e-7);
    ExpectValues<double>(1e-15);
  }
}

TEST(PointwiseLoopsTest, EveryMicroOperationHasALoopAndAName) {
  for (int i = 0; i < static_cast<int>(MicroOp::kCount); ++i) {
    const MicroOp op = static_cast<MicroOp>(i);
    EXPECT_NE(FindPointwiseLoop<float>(op), nullptr) << InfoOf(op).name;
    EXPECT_NE(FindPointwiseLoop<double>(op), nullptr) << InfoOf(op).name;
    ASSERT_NE(FindMicroOp(InfoOf(op).name), nullptr);
    EXPECT_EQ(*FindMicroOp(InfoOf(op).name), op);
  }
  EXPECT_EQ(FindMicroOp("nothing"), nullptr);
}

}  // namespace
}  // namespace weft
