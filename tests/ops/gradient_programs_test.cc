// The gradients of random programs of loops and branches are their derivatives.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/testing/gradient_check.h"
#include "tests/testing/random_program.h"

namespace weft {
namespace {

class GradientProgramsTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(All, GradientProgramsTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "OpaqueShapes" : "Plain";
                         });

TEST_P(GradientProgramsTest, AgreeWithFiniteDifferences) {
  for (int seed = 0; seed < 100; ++seed) {
    ProgramGenerator generator(seed);
    const std::unique_ptr<Block> program = generator.Make(2, 2, 3);
    ExpectGradients({.op = "program",
                     .name = absl::StrCat("seed ", seed),
                     .inputs = {{5}, {5}},
                     .build = [&](const Outputs& x) {
                       return BuildProgram(
                           *program, x, x[0],
                           {.opaque = GetParam(), .smooth = true});
                     }});
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace weft
