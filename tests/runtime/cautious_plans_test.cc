// Plans that do not fit: what is run in their place.
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/reduction.h"
#include "tests/runtime/loop_rewrites_testing.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCautious[] =
    "the plan that assumes shapes did not fit: this one assumes nothing";

class CautiousPlansTest : public LoopRewritesTest {
 protected:
  static constexpr int64_t kUnits = 512;

  // Two recurrences, without a list: of so many steps only the last is kept.
  Outputs Loop(const CondFn& cond, const WhileOptions& options = {}) {
    return While(
        {Const(g, 0), state, state}, cond,
        [&](const Outputs& v) {
          const Output a = Tanh(MatMul(v[1], w1) * 0.02);
          return Outputs{v[0] + 1, a, Tanh(MatMul(v[2], w2) * 0.02 + a)};
        },
        options);
  }
  std::vector<Feed> LoopFeeds() {
    return {{state, Random({8, kUnits})},
            {w1, Random({kUnits, kUnits})},
            {w2, Random({kUnits, kUnits})},
            {n, Tensor::Scalar<int32_t>(3)}};
  }

  Output state = Placeholder(g, "state", DataType::kFloat, {-1, kUnits});
  Output w1 = Placeholder(g, "w1", DataType::kFloat, {kUnits, kUnits});
  Output w2 = Placeholder(g, "w2", DataType::kFloat, {kUnits, kUnits});
};

TEST_F(CautiousPlansTest, ThePlanInUseIsDescribed) {
  const Outputs out = While(
      {Const(g, 0),
       EmptyTensorList(g, TensorShape::UnknownRank(), DataType::kFloat), x},
      [&](const Outputs& v) { return Less(v[0], Const(v[0].graph(), 2)); },
      [&](const Outputs& v) {
        // [1, 4] in the first step.
        const Output sum = Sum(v[2], {.axes = {0}, .keep_dims = true});
        return Outputs{v[0] + 1, TensorListPushBack(v[1], v[2]), sum};
      },
      {.shape_invariants = {{}, {}, {-1, 4}}});
  const Output first =
      TensorListGetItem(out[1], Const(g, 0), DataType::kFloat, {-1, 4});
  ASSERT_OK_AND_ASSIGN(const auto session, Session::Create(g));
  ASSERT_OK_AND_ASSIGN(const auto callable,
                       session->Prepare({{x.name()}, {first.name()}, {}}));
  auto describe_for = [&](int64_t batch) {
    std::vector<Tensor> outputs;
    const Tensor fed = Random({batch, 4});
    EXPECT_OK(callable->Run({fed}, &outputs));
    EXPECT_THAT(outputs[0], TensorEq(fed));
    return callable->DescribePlan();
  };
  EXPECT_THAT(callable->DescribePlan(), HasSubstr("not laid out yet"));
  // One row stays one row; of several there is one behind the first step.
  const std::string fits = describe_for(1);
  EXPECT_THAT(fits, Not(HasSubstr(kCautious)));
  EXPECT_THAT(fits, HasSubstr("lists: 1 that loops fill are tensors"));
  const std::string fits_not = describe_for(3);
  EXPECT_THAT(fits_not, HasSubstr(kCautious));
  EXPECT_THAT(fits_not, HasSubstr("lists: 0 that loops fill are tensors"));
  EXPECT_THAT(fits_not, HasSubstr("layout (1 made; the last one, for [3, 4]"));
  EXPECT_THAT(describe_for(1), Not(HasSubstr(kCautious)));
}

// A limit may only guard against too many steps.
TEST_F(CautiousPlansTest, NotAllStepsThatMayBeMadeAreStored) {
  const Outputs of_limit = Loop([&](const Outputs& v) {
    return LogicalAnd(Less(v[0], Const(v[0].graph(), 1 << 30)), Less(v[0], n));
  });
  ExpectSame(of_limit, LoopFeeds());
  const Outputs of_option =
      Loop([&](const Outputs& v) { return Less(v[0], n); },
           {.max_iterations = 1 << 30});
  ExpectSame(of_option, LoopFeeds());
}

TEST_F(CautiousPlansTest, AreRunIfMemoryIsShort) {
  const Outputs out = Loop(
      [&](const Outputs& v) { return Less(v[0], Const(v[0].graph(), 500)); });
  std::vector<Tensor> values[2];
  for (bool is_short : {false, true}) {
    SessionOptions options{.num_threads = 1};
    if (is_short) options.memory_budget_bytes = size_t{8} << 20;
    ASSERT_OK_AND_ASSIGN(const auto session, Session::Create(g, options));
    ASSERT_OK_AND_ASSIGN(
        const auto callable,
        session->Prepare(
            {{state.name(), w1.name(), w2.name()}, {out[2].name()}, {}}));
    random_.seed(1);
    std::vector<Tensor> feeds;
    for (const Feed& feed : LoopFeeds()) feeds.push_back(feed.value);
    feeds.pop_back();
    ASSERT_OK(callable->Run(feeds, &values[is_short]));
    const std::string plan = callable->DescribePlan();
    EXPECT_THAT(plan, HasSubstr(is_short ? kCautious
                                         : "distributed: 1 loops became 2"));
  }
  EXPECT_THAT(values[1][0], TensorNear(values[0][0], 1e-5));
}

}  // namespace
}  // namespace weft
