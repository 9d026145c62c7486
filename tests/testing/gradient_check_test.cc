#include "tests/testing/gradient_check.h"

#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "ops/math.h"
#include "ops/source.h"

namespace weft {
namespace {

// x^2 with half of its gradient.
GradientCase WrongSquare() {
  return {.op = "WrongSquare",
          .build = [](const Outputs& x) { return x[0] * StopGradient(x[0]); },
          .dynamic = false,
          .second_order = false};
}

TEST(GradientCheckTest, FindsAWrongGradient) {
  EXPECT_NONFATAL_FAILURE(ExpectGradients(WrongSquare()),
                          "WrongSquare, shapes known");
}

// x^2 with the gradient 2 x, which then counts as a constant.
GradientCase WrongSecondDerivative() {
  return {.op = "WrongSecondDerivative",
          .build =
              [](const Outputs& x) {
                const Output constant = StopGradient(x[0]);
                return 2.0 * x[0] * constant - constant * constant;
              },
          .dynamic = false};
}

TEST(GradientCheckTest, FindsAWrongSecondDerivative) {
  EXPECT_NONFATAL_FAILURE(ExpectGradients(WrongSecondDerivative()),
                          "second order");
}

TEST(GradientCheckTest, FindsAnErrorOfTheGraph) {
  EXPECT_NONFATAL_FAILURE(
      ExpectGradients({.op = "Bad",
                       .inputs = {{2}, {3}},
                       .build = [](const Outputs& x) { return x[0] + x[1]; },
                       .dynamic = false,
                       .second_order = false}),
      "do not broadcast");
}

TEST(GradientCheckTest, PassesARightGradient) {
  ExpectGradients(
      {.op = "Square", .build = [](const Outputs& x) { return x[0] * x[0]; }});
}

}  // namespace
}  // namespace weft
