// The gradient table: see tests/testing/gradient_check.h.
#include <cctype>
#include <string>

#include "gtest/gtest.h"
#include "tests/testing/gradient_check.h"

namespace weft {
namespace {

class GradientTableTest : public ::testing::TestWithParam<GradientCase> {};

TEST_P(GradientTableTest, AgreesWithFiniteDifferences) {
  ExpectGradients(GetParam());
}

std::string TestName(const ::testing::TestParamInfo<GradientCase>& info) {
  std::string name = FullName(info.param);
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, GradientTableTest,
                         ::testing::ValuesIn(GradientTable()), TestName);

}  // namespace
}  // namespace weft
