// AssumeShapes in loops: what is taken to stay the same, and what is not.
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/gradients.h"
#include "ops/reduction.h"
#include "tests/runtime/loop_rewrites_testing.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AssumeShapesTest : public LoopRewritesTest {
 protected:
  // The plan for `fetch`, once it has been run.
  std::string PlanOf(const Output& fetch, const std::vector<Feed>& feeds) {
    Signature signature{.fetches = {fetch.name()}};
    std::vector<Tensor> values, outputs;
    for (const Feed& feed : feeds) {
      signature.feeds.push_back(feed.name);
      values.push_back(feed.value);
    }
    auto session = Session::Create(g);
    EXPECT_OK(session.status());
    auto callable = (*session)->Prepare(signature);
    EXPECT_OK(callable.status());
    EXPECT_OK((*callable)->Run(values, &outputs));
    return (*callable)->DescribePlan();
  }
};

// The gradient of a variable that no step reads: zeros of its shape.
TEST_F(AssumeShapesTest, VariablesKeepTheShapeThatIsSaved) {
  const Outputs out = While(
      {Const(g, 0), h0, h0},
      [&](const Outputs& v) { return Less(v[0], count); },
      [&](const Outputs& v) {
        const Output h = Tanh(v[1] * 0.5 + 1.0);
        return Outputs{v[0] + 1, h, h};
      });
  const Output dh = Gradients({Sum(Square(out[2]))}, {h0})[0];
  After(AssumeShapes, {dh}, {h0, counted});
  EXPECT_THAT(before_, HasSubstr("Shape '"));
  EXPECT_EQ(report_[1],
            "shapes: 1 that loops save taken to be those of before");
  for (int64_t batch : {0, 1, 3}) {
    const std::vector<Feed> feeds = {{h0, Random({batch, 4})},
                                     {counted, Random({3})}};
    ExpectSame({dh}, feeds);
    EXPECT_THAT(PlanOf(dh, feeds), Not(HasSubstr("assumes nothing")));
  }
  ExpectSame({dh}, {{h0, Random({2, 4})}, {counted, Random({0})}});
}

// Each step has another row: the plan that assumes nothing is run then.
TEST_F(AssumeShapesTest, VariablesMayGrow) {
  const Outputs out = While(
      {Const(g, 0), x, y}, [&](const Outputs& v) { return Less(v[0], count); },
      [&](const Outputs& v) {
        const Output row = Sum(v[1], {.axes = {0}, .keep_dims = true});
        const Output h = Tanh(Concat({v[1], row}, 0));
        return Outputs{v[0] + 1, h, Exp(h)};
      },
      {.shape_invariants = {{}, {-1, 4}, {-1, 4}}});
  Outputs results = Gradients({Sum(Square(out[2]))}, {x});
  results.push_back(out[2]);
  After(AssumeShapes, results, {x, y, counted});
  EXPECT_THAT(report_[1], Not(HasSubstr("shapes: 0")));
  for (int64_t steps : {0, 1, 3}) {
    ExpectSame(
        results,
        {{x, Random({2, 4})}, {y, Random({5, 4})}, {counted, Random({steps})}});
  }
}

// What is known to be repeated is summed up, and the plan holds.
TEST_F(AssumeShapesTest, WhatIsRepeatedInEachRowStays) {
  const Output scaled = Tanh(x - Mean(x, {.axes = {1}, .keep_dims = true}));
  const Output dx = Gradients({Sum(Square(scaled) * y)}, {x})[0];
  const std::vector<Feed> feeds = {{x, Random({3, 4})}, {y, Random({3, 4})}};
  ExpectSame({dx}, feeds);
  EXPECT_THAT(PlanOf(dx, feeds), Not(HasSubstr("assumes nothing")));
}

}  // namespace
}  // namespace weft
