// Every header compiles alone: the build of header_list.txt does that; here it
// is checked that it has every header of the folders in the arguments.
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/build/source_tree.h"

namespace weft {
namespace {

using ::testing::Contains;

std::vector<std::string> folders;

TEST(HeadersTest, EveryHeaderWasCompiled) {
  std::ifstream file("tests/build/header_list.txt");
  std::vector<std::string> compiled;
  for (std::string line; std::getline(file, line);) compiled.push_back(line);

  for (const std::string& header : SourceFiles(folders, {".h"})) {
    EXPECT_THAT(compiled, Contains(header))
        << "is in no cc_library below header_list in tests/build/BUILD.bazel";
  }
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  weft::folders.assign(argv + 1, argv + argc);
  return RUN_ALL_TESTS();
}
