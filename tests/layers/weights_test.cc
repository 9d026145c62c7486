// What goes with a weight: penalties and constraints.
#include "layers/weights.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/constraints.h"
#include "layers/initializers.h"
#include "layers/regularizers.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A weight [2, 2] of 3, 1 / 4, -1: the columns have the norms 5 and sqrt(2).
Variable Weight(Graph& g, const Regularizer& regularizer,
                const Constraint& constraint = kNone) {
  const Tensor value = Tensor::Of<float>({2, 2}, {3, 1, 4, -1});
  return MakeWeight(g, {.name = "w",
                        .shape = {2, 2},
                        .initializer = value,
                        .regularizer = regularizer,
                        .constraint = constraint});
}

float Penalty(const Regularizer& regularizer) {
  Program p;
  Weight(p.graph(), regularizer);
  const Outputs losses = RegularizationLosses(p.graph());
  EXPECT_THAT(losses, SizeIs(1)) << p.graph().status();
  return losses.empty() ? 0 : p.Run(losses[0]).scalar<float>();
}

TEST(RegularizersTest, SumUpTheWholeWeight) {
  EXPECT_FLOAT_EQ(Penalty(regularizers::L1(0.5)), 4.5f);
  EXPECT_FLOAT_EQ(Penalty(regularizers::L2(0.1)), 2.7f);
  EXPECT_FLOAT_EQ(Penalty(regularizers::L1L2({.l1 = 1, .l2 = 2})), 63.f);
  EXPECT_FLOAT_EQ(Penalty(regularizers::L1L2({.l1 = 0, .l2 = 0})), 0.f);
}

TEST(RegularizersTest, NamesHaveFactorsOfAHundredth) {
  EXPECT_FLOAT_EQ(Penalty("l1"), 0.09f);
  EXPECT_FLOAT_EQ(Penalty("l2"), 0.27f);
  EXPECT_FLOAT_EQ(Penalty("l1_l2"), 0.36f);
}

TEST(RegularizersTest, AFunctionMayBeAny) {
  EXPECT_FLOAT_EQ(Penalty([](Output w) { return Max(w); }), 4);
}

TEST(RegularizersTest, NoneAddsNothing) {
  Program p;
  Weight(p.graph(), kNone);
  EXPECT_THAT(RegularizationLosses(p.graph()), SizeIs(0));
}

TEST(RegularizersTest, RefuseWhatIsNoPenalty) {
  Graph g;
  Weight(g, [](Output w) { return w; });
  EXPECT_THAT(g.status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("the penalty of a regularizer"),
                             HasSubstr("[2, 2]"), HasSubstr("float32 []"))));
  Graph negative;
  Weight(negative, regularizers::L2(-1));
  EXPECT_THAT(negative.status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the factor of a regularizer is -1")));
  Graph unknown;
  Weight(unknown, "l3");
  EXPECT_THAT(
      unknown.status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("no regularizer 'l3'; there are l1, l2, l1_l2")));
}

// The weight after an update that takes 1 from it, under a constraint.
Tensor AfterAStep(const Constraint& constraint) {
  Program p;
  Graph& g = p.graph();
  const Variable w = Weight(g, kNone, constraint);
  Node* update = AssignSub(w, Ones(g, DataType::kFloat, {2, 2}));
  const std::vector<Node*> applied = ApplyConstraints(g, {w}, {update});
  EXPECT_THAT(applied, SizeIs(constraint.given() ? 1 : 0)) << g.status();
  Node* step = Group(g, applied.empty() ? std::vector<Node*>{update} : applied);
  p.Run(w.read());
  EXPECT_OK(p.session().Run({}, {}, {step->name()}));
  const absl::StatusOr<Tensor> value = p.session().GetVariable("w");
  EXPECT_OK(value);
  return value.value_or(Tensor());
}

Tensor Matrix(std::initializer_list<float> values) {
  return Tensor::Of<float>({2, 2}, std::vector<float>(values));
}

// After the update: 2, 0 / 3, -2, with column norms sqrt(13) and 2.
TEST(ConstraintsTest, ApplyToTheValueAfterTheUpdate) {
  EXPECT_THAT(AfterAStep(kNone), TensorNear(Matrix({2, 0, 3, -2}), 1e-6));
  EXPECT_THAT(AfterAStep("non_neg"), TensorNear(Matrix({2, 0, 3, 0}), 1e-6));
  const float n = std::sqrt(13.f);
  EXPECT_THAT(AfterAStep("unit_norm"),
              TensorNear(Matrix({2 / n, 0, 3 / n, -1}), 1e-6));
  EXPECT_THAT(AfterAStep("max_norm"),
              TensorNear(Matrix({4 / n, 0, 6 / n, -2}), 1e-6));
  EXPECT_THAT(AfterAStep("min_max_norm"),
              TensorNear(Matrix({2 / n, 0, 3 / n, -1}), 1e-6));
}

TEST(ConstraintsTest, MinMaxNormGoesAPartOfTheWay) {
  // Norms 2 and 2: to 3 at a rate of a half is 2.5. Along axis 1.
  const Constraint constraint = constraints::MinMaxNorm(
      {.min_value = 3, .max_value = 4, .rate = 0.5, .axis = 1});
  const float n = std::sqrt(13.f);
  const float wanted = 0.5f * n + 0.5f * n;  // 3.6 lies within.
  EXPECT_THAT(
      AfterAStep(constraint),
      TensorNear(Matrix({2.5f, 0, 3 * wanted / n, -2 * wanted / n}), 1e-5));
}

TEST(ConstraintsTest, AFunctionMayUseOtherValues) {
  Program p;
  Graph& g = p.graph();
  Output limit = Const(g, 2.5f);
  const Variable w =
      Weight(g, kNone, [&](Output v) { return Minimum(v, limit); });
  Node* update = AssignAdd(w, Ones(g, DataType::kFloat, {2, 2}));
  Node* step = Group(g, ApplyConstraints(g, {w}, {update}));
  p.Run(w.read());
  EXPECT_OK(p.session().Run({}, {}, {step->name()}));
  EXPECT_THAT(*p.session().GetVariable("w"),
              TensorNear(Matrix({2.5f, 2, 2.5f, 0}), 1e-6));
}

TEST(ConstraintsTest, RefuseWhatTheyCanNotDo) {
  const auto status = [](const Constraint& constraint) {
    Graph g;
    Weight(g, kNone, constraint);
    return g.status();
  };
  EXPECT_THAT(status("small"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no constraint 'small'; there are max_norm, "
                                 "non_neg, unit_norm, min_max_norm")));
  EXPECT_THAT(status(constraints::MaxNorm({.max_value = -1})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("MaxNorm has max_value -1")));
  EXPECT_THAT(
      status(constraints::UnitNorm({.axis = 2})),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("UnitNorm has axis 2 but the weight is [2, 2]")));
  EXPECT_THAT(status(constraints::MinMaxNorm({.min_value = 2, .rate = 3})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("min_value 2, max_value 1 and rate 3")));
  EXPECT_THAT(
      status([](Output w) { return Sum(w); }),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("'w': the result of a constraint is float32 []")));
}

TEST(InitializerNamesTest, MeanWhatTheLibrarySays) {
  const auto largest = [](const Initializer& initializer) {
    Program p;
    const Variable w = MakeWeight(
        p.graph(), {.name = "w", .shape = {1000}, .initializer = initializer});
    return p.Run(Max(Abs(w.read()))).scalar<float>();
  };
  EXPECT_GT(largest("uniform"), 0.9f);
  EXPECT_LE(largest(Initializer("uniform").In(KerasInitializerNames())), 0.05f);
  EXPECT_EQ(largest(Initializer("one").In(KerasInitializerNames())), 1);
  EXPECT_FALSE(Initializer("one").known());
}

}  // namespace
}  // namespace weft
