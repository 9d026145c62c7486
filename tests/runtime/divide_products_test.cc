// Products of which several loops want columns: before and after.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/gradients.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/runtime/distribute_loops_testing.h"

namespace weft {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class DivideProductsTest : public DistributeLoopsTest {
 protected:
  // Of the last state in all steps, with respect to `xs`.
  Outputs GradientsOf(const Outputs& states, const Outputs& xs) {
    Outputs results = Gradients({Sum(Square(states.back()))}, xs);
    results.push_back(states.back());
    return results;
  }

  std::string DividedIn(const Outputs& outputs) {
    After(Distribute, outputs, AllFeeds());
    return report_[1];
  }

  // What becomes of it in the end.
  PassReport RewrittenReportOf(const Outputs& outputs, std::string* text) {
    PlanGraph plan = MakePlanGraph(outputs, AllFeeds());
    PassReport report;
    EXPECT_OK(RunPasses({}, &plan, &report));
    report.clear();
    EXPECT_OK(RunRewrites({}, &plan, &report));
    *text = plan.ToString();
    return report;
  }
};

TEST_F(DivideProductsTest, TheLevelBelowComputesItsColumnsForManySteps) {
  for (bool backwards : {false, true}) {
    const Outputs out = GradientsOf(Stack(backwards), {w, u, b, h0, h1});
    EXPECT_EQ(DividedIn(out), "divided: 1 products by who wants their columns");
    std::string text;
    const PassReport report = RewrittenReportOf(out, &text);
    // Both halves of one product, of the step and of many steps; of that of the
    // first level nobody wants the columns of the input.
    EXPECT_THAT(report, Contains(HasSubstr("; 3 narrowed to the columns in "
                                           "use; ")));
    EXPECT_THAT(text, HasSubstr("  _ProjectRow 'MatMul_1_grad/MatMul'("));
    EXPECT_THAT(text, HasSubstr("  _Product 'MatMul_1_grad/MatMul'("));
    // The rows are those of the gradient of the weights.
    EXPECT_THAT(report, Contains(HasSubstr("shared rows: 1 memories are "
                                           "others")));
    for (int64_t steps : {1, 2, 7}) {
      for (int64_t batch : {1, 3}) ExpectSame(out, Feeds(steps, batch), 1e-12);
    }
    ExpectSame(out, Feeds(3, 0), 1e-12);
  }
}

TEST_F(DivideProductsTest, ThereMayBeManyLevels) {
  const Outputs states = Loop({h0, h1, h0, h1}, [&](const Step& s) {
    Outputs next = {Cell(s.x, s.h[0], w)};
    for (int k = 1; k < 4; ++k) next.push_back(Cell(next.back(), s.h[k], u));
    return next;
  });
  const Outputs out = GradientsOf(states, {w, u, b, h0, h1});
  EXPECT_EQ(DividedIn(out), "divided: 3 products by who wants their columns");
  for (int64_t steps : {1, 4}) ExpectSame(out, Feeds(steps, 2), 1e-12);
}

// Then rows of it would have to be stored for this alone.
TEST_F(DivideProductsTest, ProductsOfWhatIsNotStoredStay) {
  const Outputs out = GradientsOf(Stack(), {h0, h1});
  EXPECT_EQ(DividedIn(out), "divided: 0 products by who wants their columns");
  ExpectSame(out, Feeds(4, 2), 1e-12);
}

TEST_F(DivideProductsTest, ColumnsThatTheLevelWantsItselfStay) {
  const Output wide =
      Placeholder(g, "wide", DataType::kDouble, {kUnits, 2 * kUnits});
  Outputs feeds = AllFeeds();
  feeds.push_back(wide);
  for (bool wants_both : {false, true}) {
    const Outputs out = While(
        {Const(g, 0), h0, h1,
         TensorListReserve(TensorShape{-1, kUnits}, time, DataType::kDouble)},
        [&](const Outputs& v) { return Less(v[0], time); },
        [&](const Outputs& v) {
          const Outputs parts = SplitV(MatMul(v[1], wide), {kUnits, kUnits}, 1);
          const Output first =
              Tanh(wants_both ? parts[0] + parts[1] : parts[0]);
          return Outputs{v[0] + 1, first, Cell(parts[1], v[2], u),
                         TensorListSetItem(v[3], v[0], v[1])};
        });
    const Outputs results = {out[2],
                             TensorListStack(out[3], DataType::kDouble)};
    After(Distribute, results, feeds);
    EXPECT_EQ(report_[0], Distributed(1, 2, 1));
    EXPECT_EQ(report_[1], absl::StrCat("divided: ", wants_both ? 0 : 1,
                                       " products by who wants their columns"));
    std::vector<Feed> fed = Feeds(5, 2);
    fed.push_back({wide, RandomDoubles({kUnits, 2 * kUnits})});
    ExpectSame(results, fed, 1e-12);
  }
}

}  // namespace
}  // namespace weft
