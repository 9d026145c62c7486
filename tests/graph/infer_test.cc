#include "graph/infer.h"

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "graph/graph.h"
#include "graph/op.h"
#include "gtest/gtest.h"
#include "tests/graph/graph_testing.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// What the op InferTest does is what the current test says.
std::function<void(InferContext&)>& Inference() {
  static auto& inference = *new std::function<void(InferContext&)>;
  return inference;
}
WEFT_OP(InferTest)
    .Input("x: float32")
    .Input("values: N*float32")
    .Input("shape: int32")
    .Output("y: float32")
    .Number("N", 0)
    .Infer([](InferContext& c) { Inference()(c); });

class InferTest : public ::testing::Test {
 protected:
  Output X(const TensorShape& shape) {
    return g_.Add("Placeholder", {},
                  {{"dtype", DataType::kFloat}, {"shape", shape}},
                  {.name = "x"});
  }
  Output Sizes(std::initializer_list<int32_t> sizes) {
    return g_.Add("Const", {},
                  {{"dtype", DataType::kInt32},
                   {"value", Tensor::Vector<int32_t>(sizes)}});
  }
  // The output's shape, after an inference that sees these inputs.
  absl::StatusOr<TensorShape> Infer(
      const std::vector<TensorShape>& inputs,
      std::function<void(InferContext&)> inference) {
    Inference() = std::move(inference);
    std::vector<Operand> operands;
    for (const TensorShape& shape : inputs) operands.emplace_back(X(shape));
    operands.emplace_back(shape_.valid() ? shape_ : Sizes({}));
    Node* node = g_.Add("InferTest", operands);
    if (!g_.status().ok()) return g_.status();
    return node->output_shape(0);
  }

  Graph g_;
  Output shape_;  // The last input.
};

TEST_F(InferTest, DimsOfOneNameAreEqual) {
  const auto matmul = [](InferContext& c) {
    Dim batch("batch"), depth("depth"), units("units");
    c.Expect(0, {batch, depth});
    c.Expect(1, {depth, units});
    c.SetOutput(0, {batch, units, 7});
  };
  ASSERT_OK_AND_ASSIGN(TensorShape shape, Infer({{2, 3}, {3, 5}}, matmul));
  EXPECT_EQ(shape, (TensorShape{2, 5, 7}));
  ASSERT_OK_AND_ASSIGN(shape, Infer({{-1, 3}, {-1, 5}}, matmul));
  EXPECT_EQ(shape, (TensorShape{-1, 5, 7}));
  ASSERT_OK_AND_ASSIGN(shape,
                       Infer({TensorShape::UnknownRank(), {3, 5}}, matmul));
  EXPECT_EQ(shape, (TensorShape{-1, 5, 7}));
  EXPECT_THAT(
      Infer({{2, 28}, {64, 10}}, matmul),
      StatusIs(kInvalid,
               HasSubstr("): values[0] is [64, 10] but must be [depth = 28, "
                         "units]")));
}

TEST_F(InferTest, AWrongRankIsAMistake) {
  EXPECT_THAT(Infer({{2}},
                    [](InferContext& c) {
                      c.Expect(0, {Dim("batch"), 4});
                    }),
              StatusIs(kInvalid, HasSubstr("x is [2] but must be [batch, 4]")));
}

TEST_F(InferTest, RanksAreChecked) {
  EXPECT_THAT(Infer({{2}}, [](InferContext& c) { c.ExpectRank(0, 3); }),
              StatusIs(kInvalid, HasSubstr("x is [2] but must have rank 3")));
}

TEST_F(InferTest, LowestRanksAreChecked) {
  EXPECT_OK(Infer({{2}}, [](InferContext& c) { c.ExpectRankAtLeast(0, 1); }));
  EXPECT_THAT(
      Infer({{}}, [](InferContext& c) { c.ExpectRankAtLeast(0, 1); }),
      StatusIs(kInvalid, HasSubstr("x is [] but must have rank 1 or more")));
}

TEST_F(InferTest, TheFirstMistakeCounts) {
  EXPECT_THAT(
      Infer({{2}},
            [](InferContext& c) {
              c.Fail("the ", 1, "st");
              c.Fail("the second");
              c.SetOutput(0, {3});
            }),
      StatusIs(
          kInvalid,
          HasSubstr("InferTest 'InferTest'(x:0 [2], Const:0 [0]): the 1st")));
}

TEST_F(InferTest, AxesCountFromBothEnds) {
  ASSERT_OK(Infer({{2}}, [](InferContext& c) {
    EXPECT_EQ(c.Axis(-1, 3), 2);
    EXPECT_EQ(c.Axis(-3, 3), 0);
    EXPECT_EQ(c.Axis(2, 3), 2);
  }));
  EXPECT_THAT(
      Infer({{2}}, [](InferContext& c) { c.Axis(3, 3); }),
      StatusIs(kInvalid, HasSubstr("axis is 3 but must be in [-3, 3)")));
}

TEST_F(InferTest, AxesMayBeAnyNumber) {
  EXPECT_THAT(Infer({{2}}, [](InferContext& c) { c.Axis(INT64_MIN, 3); }),
              StatusIs(kInvalid));
}

TEST_F(InferTest, AValueMayBeAShape) {
  shape_ = Sizes({2, -1});
  const auto reshape = [](InferContext& c) {
    c.SetOutput(0, c.ValueAsShape(c.num_inputs() - 1));
  };
  ASSERT_OK_AND_ASSIGN(TensorShape shape, Infer({{2}}, reshape));
  EXPECT_EQ(shape, (TensorShape{2, -1}));
  // Only how many there are is known.
  shape_ = g_.Add("Placeholder", {},
                  {{"dtype", DataType::kInt32}, {"shape", TensorShape{3}}});
  ASSERT_OK_AND_ASSIGN(shape, Infer({{2}}, reshape));
  EXPECT_EQ(shape, (TensorShape{-1, -1, -1}));
  shape_ = g_.Add("Placeholder", {}, {{"dtype", DataType::kInt32}});
  ASSERT_OK_AND_ASSIGN(shape, Infer({{2}}, reshape));
  EXPECT_EQ(shape, TensorShape::UnknownRank());
  shape_ = Sizes({2, -7});
  EXPECT_THAT(Infer({{2}}, reshape),
              StatusIs(kInvalid, HasSubstr("shape: dim 1 is -7")));
}

TEST_F(InferTest, AScalarThatIsKnown) {
  shape_ = Sizes({5});
  ASSERT_OK(Infer({{2}}, [](InferContext& c) {
    EXPECT_EQ(c.scalar(1), 5);
    EXPECT_EQ(c.scalar(0), std::nullopt);
    EXPECT_EQ(c.value(0), nullptr);
    EXPECT_THAT(*c.value(1), ElementsAre(5));
  }));
}

TEST_F(InferTest, DimsThatOverflowAreAMistake) {
  EXPECT_THAT(Infer({{2}},
                    [](InferContext& c) {
                      c.SetOutput(0, {int64_t{1} << 40, int64_t{1} << 40});
                    }),
              StatusIs(kInvalid, HasSubstr("overflow")));
}

TEST(BroadcastShapesTest, FollowsNumpy) {
  auto broadcast = [](const TensorShape& a, const TensorShape& b) {
    const absl::StatusOr<TensorShape> ab = BroadcastShapes(a, b);
    const absl::StatusOr<TensorShape> ba = BroadcastShapes(b, a);
    EXPECT_EQ(ab.ok(), ba.ok());
    if (!ab.ok()) return std::string("error");
    EXPECT_EQ(*ab, *ba);
    return ab->ToString();
  };
  EXPECT_EQ(broadcast({2, 3}, {3}), "[2, 3]");
  EXPECT_EQ(broadcast({2, 1}, {1, 3}), "[2, 3]");
  EXPECT_EQ(broadcast({}, {4}), "[4]");
  EXPECT_EQ(broadcast({0}, {1}), "[0]");
  EXPECT_EQ(broadcast({-1}, {3}), "[3]");
  EXPECT_EQ(broadcast({-1}, {1}), "[?]");
  EXPECT_EQ(broadcast({-1}, {-1}), "[?]");
  EXPECT_EQ(broadcast({-1, 2}, TensorShape::UnknownRank()), "<unknown>");
  EXPECT_EQ(broadcast({2}, {3}), "error");
  EXPECT_EQ(broadcast({0}, {2}), "error");
}

TEST(SourceLocationTest, IsTheLineOfTheCall) {
  const int line = __LINE__ + 1;
  const SourceLocation here = SourceLocation::Current();
  EXPECT_THAT(here.ToString(), EndsWith(absl::StrCat("infer_test.cc:", line)));
  EXPECT_FALSE(SourceLocation{}.known());
  EXPECT_EQ(SourceLocation{}.ToString(), "");
}

}  // namespace
}  // namespace weft
