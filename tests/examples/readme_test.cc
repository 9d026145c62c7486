// The example in the README is the one that is built and run.
#include <fstream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace weft {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ReadmeTest, ShowsTheProgramThatIsTested) {
  const std::string program = Contents("examples/quickstart/quickstart.cc");
  ASSERT_FALSE(program.empty());
  EXPECT_NE(Contents("README.md").find("```cpp\n" + program + "```"),
            std::string::npos);
}

}  // namespace
}  // namespace weft
