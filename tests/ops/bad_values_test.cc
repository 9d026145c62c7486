// Values that only a run knows and that an op must refuse, by the rows 20 to 26
// of the list of bad inputs. Rows 1 to 5 are in tests/graph/graph_def_test.cc
// and tests/io, 6 to 19 in tests/graph/bad_graph_test.cc and
// v1_bad_graph_test.cc.
#include <cstdint>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/recurrent.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/run.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kRange = absl::StatusCode::kOutOfRange;
constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
constexpr int32_t kMax = std::numeric_limits<int32_t>::max();

struct BadValue {
  int row;
  const char* what;
  Output (*make)();
  absl::StatusCode code;
  const char* message;  // Parts of it.
  const char* more = "";
};

void PrintTo(const BadValue& bad, std::ostream* out) {
  *out << bad.row << ": " << bad.what;
}

class BadValueTest : public ::testing::TestWithParam<BadValue> {};

TEST_P(BadValueTest, IsRefused) {
  const absl::StatusOr<Tensor> value = TryEvaluate(GetParam().make());
  ASSERT_EQ(value.status().code(), GetParam().code) << value.status();
  EXPECT_THAT(std::string(value.status().message()),
              AllOf(HasSubstr(GetParam().message), HasSubstr(GetParam().more)));
}

Output X() { return In({2, 3}, {1, 2, 3, 4, 5, 6}); }

const BadValue kBadValues[] = {
    {20, "Fill with a negative dim",
     [] {
       return Fill(InInts({2, -1}), In(1));
     },
     kInvalid, "Fill", "-1"},
    {20, "Fill with a huge shape",
     [] {
       return Fill(InInts({kMax, kMax, kMax}), In(1));
     },
     kInvalid, "Fill"},
    {20, "Fill with more bytes than there are",
     [] {
       return Fill(InInts({kMax, kMax}), In(1));
     },
     kInvalid, "Fill", "overflow"},
    {20, "Reshape to another size",
     [] {
       return Reshape(X(), InInts({4, 2}));
     },
     kInvalid, "Reshape", "[4, 2]"},
    {20, "Reshape with two unknown dims",
     [] {
       return Reshape(X(), InInts({-1, -1}));
     },
     kInvalid, "Reshape"},
    {20, "Tile a negative number of times",
     [] {
       return Tile(X(), InInts({1, -2}));
     },
     kInvalid, "Tile", "-2"},
    {20, "Range with a step of 0",
     [] { return Range(InInts({}, {0}), InInts({}, {5}), InInts({}, {0})); },
     kInvalid, "Range", "0"},
    {20, "OneHot with a negative depth",
     [] {
       return OneHot(InInts({0, 1}), InInts({}, {-3}), In(1), In(0));
     },
     kInvalid, "OneHot", "-3"},
    {22, "an initial state of another size",
     [] {
       Output x = In(Tensor::Of<float>({1, 2, 2}, {1, 2, 3, 4}));
       x = Reshape(x, {1, 2, 2});
       Output c = In({1, 4}, {0, 0, 0, 0});
       Output h = In({1, 3}, {0, 0, 0});
       return lstm(x, {.units = 3, .initial_state = {c, h}, .dynamic = true})
           .output;
     },
     kInvalid, "3"},
    {23, "a negative length",
     [] {
       Output x =
           Reshape(In(Tensor::Of<float>({2, 2, 1}, {1, 2, 3, 4})), {2, 2, 1});
       return lstm(x, {.units = 2,
                       .dynamic = true,
                       .sequence_length = Reshape(InInts({1, -1}), {2})})
           .output;
     },
     kInvalid, "sequence_length", "[0, time]"},
    {23, "a length beyond the last step",
     [] {
       Output x =
           Reshape(In(Tensor::Of<float>({2, 2, 1}, {1, 2, 3, 4})), {2, 2, 1});
       return lstm(x, {.units = 2,
                       .dynamic = true,
                       .sequence_length = Reshape(InInts({3, 1}), {2})})
           .output;
     },
     kInvalid, "sequence_length", "[0, time]"},
    {24, "Concat along an axis that is not there",
     [] {
       return Concat({X(), X()}, InInts({}, {2}));
     },
     kInvalid, "Concat", "2"},
    {24, "Concat along INT_MIN",
     [] {
       return Concat({X(), X()}, InInts({}, {kMin}));
     },
     kInvalid, "Concat"},
    {24, "ExpandDims at INT_MIN",
     [] { return ExpandDims(X(), InInts({}, {kMin})); }, kInvalid,
     "ExpandDims"},
    {24, "a permutation that names an axis twice",
     [] {
       return Transpose(X(), InInts({1, 1}));
     },
     kInvalid, "Transpose"},
    {24, "a slice beyond the end",
     [] {
       return Slice(X(), InInts({1, 0}), InInts({2, 1}));
     },
     kInvalid, "Slice"},
    {24, "a slice whose end overflows",
     [] {
       return Slice(X(), InInts({1, 1}), InInts({1, kMax}));
     },
     kInvalid, "Slice"},
    {24, "StridedSlice with a stride of 0",
     [] {
       return StridedSlice(X(), InInts({0, 0}), InInts({1, 1}), InInts({1, 0}));
     },
     kInvalid, "StridedSlice", "0"},
    {24, "SplitV into negative sizes",
     [] {
       return SplitV(X(), InInts({-2, 4}), 2, 0)[0];
     },
     kInvalid, "SplitV", "-2"},
    {24, "lengths of ReverseSequence below 0",
     [] {
       return ReverseSequence(X(), InInts({1, -1}), 1);
     },
     kInvalid, "ReverseSequence", "-1"},
    {25, "Gather index -1",
     [] {
       return Gather(X(), InInts({0, -1}));
     },
     kRange, "Gather", "-1"},
    {25, "Gather index N", [] { return Gather(X(), InInts({2})); }, kRange,
     "Gather", "2"},
    {25, "Gather index INT64_MIN",
     [] {
       return Gather(
           X(),
           In(Tensor::Vector<int64_t>({std::numeric_limits<int64_t>::min()})));
     },
     kRange, "Gather", "-9223372036854775808"},
    {25, "ScatterNd beyond the shape",
     [] {
       return ScatterNd(InInts({1, 1}, {5}), In({1}), InInts({3}));
     },
     kRange, "ScatterNd", "5"},
    {26, "a whole number by 0",
     [] {
       return Div(InInts({1, 2}), InInts({1, 0}));
     },
     kInvalid, "Div", "by zero at [1]: 2 / 0"},
    {26, "FloorDiv by 0",
     [] {
       return FloorDiv(InInts({1, 2}), InInts({1, 0}));
     },
     kInvalid, "FloorDiv", "0"},
    {26, "FloorMod by 0",
     [] {
       return FloorMod(InInts({1, 2}), InInts({1, 0}));
     },
     kInvalid, "FloorMod", "0"},
    {26, "INT_MIN by -1", [] { return FloorDiv(InInts({kMin}), InInts({-1})); },
     kInvalid, "FloorDiv", "overflow at [0]: -2147483648 / -1"},
};

INSTANTIATE_TEST_SUITE_P(Rows, BadValueTest, ::testing::ValuesIn(kBadValues));

// Row 21: nothing is a defined value.
TEST(EmptyValueTest, EmptyTensorsHaveResults) {
  Output none = In({0, 3}, {});
  EXPECT_THAT(Floats(Tanh(none)), ::testing::IsEmpty());
  EXPECT_THAT(Floats(Sum(none, {.axes = {0}})),
              ::testing::ElementsAre(0, 0, 0));
  EXPECT_THAT(Floats(MatMul(In({2, 0}, {}), In({0, 2}, {}))),
              ::testing::ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(Floats(Concat({none, X()}, 0)), ::testing::SizeIs(6));
}

// Row 26: what has a result.
TEST(WholeNumberTest, NothingTraps) {
  EXPECT_THAT(Ints(FloorMod(InInts({kMin}), InInts({-1}))),
              ::testing::ElementsAre(0));
  const std::vector<int64_t> cast =
      Ints(Cast(In({1e30f, -1e30f}), DataType::kInt32));
  EXPECT_THAT(cast, ::testing::ElementsAre(kMax, kMin));
}

}  // namespace
}  // namespace weft
