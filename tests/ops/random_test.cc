#include "ops/random.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "core/philox.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/control_flow.h"
#include "ops/emit.h"
#include "ops/math.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

Output Int(int32_t value) { return In(Tensor::Scalar(value)); }

std::vector<float> First(const std::vector<float>& values, size_t n) {
  return {values.begin(), values.begin() + std::min(n, values.size())};
}
std::vector<float> Last(const std::vector<float>& values, size_t n) {
  return {values.end() - std::min(n, values.size()), values.end()};
}

// The values of `output` in consecutive runs of one session.
std::vector<std::vector<float>> FloatsOfRuns(Output output, int runs) {
  auto session = Session::Create(output.graph());
  if (!session.ok()) {
    ADD_FAILURE() << session.status();
    return {};
  }
  std::vector<std::vector<float>> results;
  for (int i = 0; i < runs; ++i) {
    auto values = (*session)->Run({}, {output});
    if (!values.ok()) {
      ADD_FAILURE() << values.status();
      return {};
    }
    const absl::Span<const float> data = (*values)[0].data<float>();
    results.emplace_back(data.begin(), data.end());
  }
  return results;
}

void ExpectRefused(Output output, const char* why) {
  EXPECT_THAT(TryEvaluate(output),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why)));
}

// ---- Recorded values --------------------------------------------------------
//
// The numbers are those that TensorFlow 1.x gave for nodes with these attrs.

TEST(RandomUniformTest, IsAsRecorded) {
  const std::vector<float> x =
      Floats(RandomUniform(InInts({7, 2, 9}), {.seed = 12345}));
  ASSERT_EQ(x.size(), 126u);
  EXPECT_THAT(
      First(x, 6),
      Pointwise(FloatNear(1e-7), {0.955032468f, 0.999338269f, 0.582704663f,
                                  0.318233490f, 0.425084233f, 0.879620075f}));
  EXPECT_THAT(
      Last(x, 3),
      Pointwise(FloatNear(1e-7), {0.299012661f, 0.112859011f, 0.178409457f}));
}

TEST(RandomStandardNormalTest, IsAsRecorded) {
  const std::vector<float> x = Floats(
      RandomStandardNormal(InInts({7, 2, 9, 4}), {.seed = 1, .seed2 = 12345}));
  ASSERT_EQ(x.size(), 504u);
  EXPECT_THAT(First(x, 4),
              Pointwise(FloatNear(1e-6), {0.0671429113f, 1.65620971f,
                                          1.13672328f, 0.321306556f}));
  EXPECT_THAT(Last(x, 3),
              Pointwise(FloatNear(1e-6),
                        {-0.0881596729f, 0.0201798398f, 0.624275386f}));
}

TEST(RandomStandardNormalTest, OfHalfIsAsRecorded) {
  const Tensor x = Evaluate(RandomStandardNormal(
      InInts({7, 2}), {.dtype = DataType::kHalf, .seed = 1, .seed2 = 12345}));
  std::vector<float> values;
  for (Half h : x.data<Half>()) values.push_back(ToFloat(h));
  EXPECT_THAT(First(values, 4), ElementsAre(0.067138671875f, 1.65625f,
                                            1.13671875f, 0.3212890625f));
}

TEST(RandomUniformIntTest, IsAsRecorded) {
  const std::vector<int64_t> x = Ints(
      RandomUniformInt(InInts({9, 3, 1}), Int(1), Int(10), {.seed = 12345}));
  ASSERT_EQ(x.size(), 27u);
  EXPECT_THAT(std::vector<int64_t>(x.begin(), x.begin() + 12),
              ElementsAre(6, 1, 1, 4, 8, 9, 5, 1, 1, 5, 5, 2));
  EXPECT_THAT(std::vector<int64_t>(x.end() - 3, x.end()), ElementsAre(7, 9, 2));
}

// ---- Streams ----------------------------------------------------------------

TEST(RandomUniformTest, EveryRunGoesOn256BlocksPerElement) {
  const Output x =
      RandomUniform(Const(TestGraph(), {6}), {.seed = 7, .seed2 = 8});
  std::vector<std::vector<float>> expected(3, std::vector<float>(6));
  for (uint64_t run = 0; run < 3; ++run) {
    FillUniform(Philox(7, 8), run * 6 * 256, absl::MakeSpan(expected[run]));
  }
  EXPECT_THAT(FloatsOfRuns(x, 3), ElementsAreArray(expected));
}

TEST(RandomUniformTest, LargeOutputsAreOneStream) {
  std::vector<float> expected(50001);
  FillUniform(Philox(7, 8), 0, absl::MakeSpan(expected));
  EXPECT_EQ(Floats(RandomUniform(InInts({50001}), {.seed = 7, .seed2 = 8})),
            expected);
}

TEST(TruncatedNormalTest, LargeOutputsAreOneStream) {
  std::vector<float> expected(20001);
  FillTruncatedNormal(Philox(7, 8), 0, absl::MakeSpan(expected));
  const std::vector<float> got =
      Floats(TruncatedNormal(InInts({20001}), {.seed = 7, .seed2 = 8}));
  EXPECT_EQ(got, expected);
  EXPECT_THAT(got, Each(::testing::AllOf(::testing::Gt(-2), ::testing::Lt(2))));
}

TEST(TruncatedNormalTest, OfDoubleIsTheStream) {
  std::vector<double> expected(10001);
  FillTruncatedNormal(Philox(7, 8), 0, absl::MakeSpan(expected));
  EXPECT_EQ(Doubles(TruncatedNormal(
                InInts({10001}),
                {.dtype = DataType::kDouble, .seed = 7, .seed2 = 8})),
            expected);
}

TEST(RandomUniformTest, SeedsFollowFromTheNameAlone) {
  const auto seed_of = [](const char* before, const char* name) {
    Graph g({.seed = 3});
    if (before != nullptr) RandomUniform(Const(g, {1}), {.name = before});
    return RandomUniform(Const(g, {1}), {.name = name})
        .node()
        ->attrs()
        .Get<int64_t>("seed");
  };
  EXPECT_EQ(seed_of(nullptr, "a"), seed_of("b", "a"));
  EXPECT_NE(seed_of(nullptr, "a"), seed_of(nullptr, "b"));
  EXPECT_NE(seed_of(nullptr, "a"), 0);
}

TEST(RandomUniformTest, WithoutSeedsNobodyCanForetell) {
  const auto draw = [] {
    Graph g;
    const Output x =
        Emit("RandomUniform", {Const(g, {4})}, {{"dtype", DataType::kFloat}});
    return FloatsOfRuns(x, 1);
  };
  EXPECT_NE(draw(), draw());
}

TEST(RandomUniformTest, ChecksShapeAndType) {
  ExpectRefused(RandomUniform(InInts({2, -1})), "sizes must be 0 or more");
  ExpectRefused(RandomUniform(InInts({1, 1}, {2})),
                "shape is [1, 1] but must have rank 1");
  RandomUniform(InInts({2}), {.dtype = DataType::kInt32});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("dtype")));
}

TEST(RandomUniformIntTest, WantsARange) {
  ExpectRefused(RandomUniformInt(InInts({1}), Int(5), Int(5)),
                "minval is 5 but must be below maxval = 5");
  ExpectRefused(RandomUniformInt(InInts({1}), InInts({5}), Int(9)),
                "minval is [1]");
}

TEST(RandomUniformIntTest, TakesTheWidestRange) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const Output x = RandomUniformInt(InInts({1000}), In(Tensor::Scalar(kMin)),
                                    In(Tensor::Scalar(kMax)), {.seed = 1});
  const std::vector<int64_t> values = Ints(x);
  EXPECT_THAT(values, Contains(::testing::Gt(kMax / 2)));
  EXPECT_THAT(values, Contains(::testing::Lt(kMin / 2)));
}

// ---- Stateless --------------------------------------------------------------

TEST(StatelessRandomUniformTest, FollowsFromTheSeedsAlone) {
  std::vector<float> expected(10);
  FillUniform(Philox::Stateless(1, 2), 0, absl::MakeSpan(expected));
  const Output x = StatelessRandomUniform(Const(TestGraph(), {10}),
                                          Const(TestGraph(), {1, 2}));
  EXPECT_THAT(FloatsOfRuns(x, 2), ElementsAre(expected, expected));
  ExpectRefused(StatelessRandomUniform(InInts({10}), InInts({1})),
                "seed is [1] but must be [2]");
}

TEST(StatelessRandomUniformTest, GivesEachStepOfALoopItsOwnNumbers) {
  Graph& g = TestGraph();
  const Outputs last = While(
      {Const(g, 0), Const(g, Tensor::Scalar(0.0f))},
      [&](const Outputs& v) { return Less(v[0], Const(g, 2)); },
      [&](const Outputs& v) -> Outputs {
        const Output seed =
            Emit("Pack", {Const(v[0].graph(), 5), v[0]}, {{"axis", 0}});
        const Output draw = StatelessRandomUniform(
            Const(v[0].graph(), std::initializer_list<int32_t>{}), seed);
        return {v[0] + 1.0, v[1] + draw};
      });
  float first = 0, second = 0;
  FillUniform(Philox::Stateless(5, 0), 0, absl::MakeSpan(&first, 1));
  FillUniform(Philox::Stateless(5, 1), 0, absl::MakeSpan(&second, 1));
  EXPECT_THAT(Floats(last[1]), ElementsAre(first + second));
}

TEST(StatelessRandomNormalTest, IsTheStream) {
  std::vector<double> expected(9);
  FillNormal(Philox::Stateless(-1, 5), 0, absl::MakeSpan(expected));
  EXPECT_EQ(Doubles(StatelessRandomNormal(InInts({9}), InInts({-1, 5}),
                                          DataType::kDouble)),
            expected);
}

TEST(StatelessTruncatedNormalTest, IsTheStream) {
  std::vector<float> expected(9);
  FillTruncatedNormal(Philox::Stateless(3, 4), 0, absl::MakeSpan(expected));
  EXPECT_EQ(Floats(StatelessTruncatedNormal(InInts({3, 3}), InInts({3, 4}))),
            expected);
}

TEST(StatelessRandomUniformIntTest, IsTheStream) {
  std::vector<int32_t> expected(9);
  FillUniformInt(Philox::Stateless(3, 4), 0, -5, 5, absl::MakeSpan(expected));
  EXPECT_THAT(Ints(StatelessRandomUniformInt(InInts({9}), InInts({3, 4}),
                                             Int(-5), Int(5))),
              ElementsAreArray(expected));
  ExpectRefused(
      StatelessRandomUniformInt(InInts({9}), InInts({3, 4}), Int(5), Int(-5)),
      "minval is 5 but must be below maxval = -5");
}

// ---- Multinomial ------------------------------------------------------------

TEST(MultinomialTest, DrawsOnlyWhatIsPossible) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const Output logits = In({2, 3}, {kNever, 0, kNever, 5, kNever, kNever});
  const Tensor x = Evaluate(Multinomial(logits, Int(3), {.seed = 1}));
  EXPECT_THAT(x, TensorEq(Tensor::Of<int64_t>({2, 3}, {1, 1, 1, 0, 0, 0})));
}

TEST(MultinomialTest, DrawsAsOftenAsTheLogitsSay) {
  const Output logits = Log(In({1, 3}, {0.5f, 0.25f, 0.25f}));
  const Output x =
      Multinomial(logits, Int(4000), {.dtype = DataType::kInt32, .seed = 1});
  const std::vector<int64_t> classes = Ints(x);
  ASSERT_EQ(classes.size(), 4000u);
  EXPECT_NEAR(std::count(classes.begin(), classes.end(), 0), 2000, 150);
  EXPECT_NEAR(std::count(classes.begin(), classes.end(), 2), 1000, 150);
}

// A draw is the first class whose cumulated probability is beyond the uniform
// double: with two equal classes, class 1 from 0.5 on.
TEST(MultinomialTest, UsesTheUniformDoublesOfItsStream) {
  std::vector<double> draws(6);
  FillUniform(Philox(4, 5), 0, absl::MakeSpan(draws));
  std::vector<int64_t> expected;
  for (double d : draws) expected.push_back(d < 0.5 ? 0 : 1);
  const Output logits = In({2, 2}, {0, 0, 1, 1});
  EXPECT_THAT(Ints(Multinomial(logits, Int(3), {.seed = 4, .seed2 = 5})),
              ElementsAreArray(expected));
}

TEST(MultinomialTest, RefusesWhatCanNotBeDrawn) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  ExpectRefused(Multinomial(In({1, 2}, {kNan, kNan}), Int(1)),
                "row 0 of logits has no finite");
  ExpectRefused(Multinomial(In({1, 0}, {}), Int(1)), "must have a class");
  ExpectRefused(Multinomial(In({1, 2}), Int(1)),
                "logits is [2] but must have rank 2");
  ExpectRefused(Multinomial(In({1, 1}, {1}), Int(-1)),
                "sizes must be 0 or more");
}

// Word i of the stream chooses what comes to place i, of what is left.
TEST(RandomShuffleTest, DrawsByTheWordsOfItsStream) {
  std::vector<int64_t> left = {10, 11, 12, 13, 14, 15};
  const Philox stream(4, 5);
  for (size_t i = 0; i + 1 < left.size(); ++i) {
    const uint32_t word = stream.At(i / 4)[i % 4];
    std::swap(left[i], left[i + word % (left.size() - i)]);
  }
  const Output x = InInts({10, 11, 12, 13, 14, 15});
  EXPECT_THAT(Ints(RandomShuffle(x, 4, 5)), ElementsAreArray(left));
}

TEST(RandomShuffleTest, MovesRowsAsAWhole) {
  const Output x = InInts({3, 2}, {0, 1, 10, 11, 20, 21});
  const std::vector<int64_t> rows = Ints(RandomShuffle(x, 1, 2));
  ASSERT_EQ(rows.size(), 6u);
  std::vector<int64_t> firsts;
  for (size_t i = 0; i < 6; i += 2) {
    firsts.push_back(rows[i]);
    EXPECT_EQ(rows[i + 1], rows[i] + 1);
  }
  EXPECT_THAT(firsts, ::testing::UnorderedElementsAre(0, 10, 20));
  EXPECT_THAT(Ints(RandomShuffle(In(Tensor::Scalar<int32_t>(7)))),
              ElementsAre(7));
  EXPECT_THAT(Ints(RandomShuffle(InInts({0, 2}, {}))), ElementsAre());
}

}  // namespace
}  // namespace weft
