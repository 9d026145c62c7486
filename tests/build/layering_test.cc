// Each folder includes only what lies below it. CONTRIBUTING.md shows the
// table.
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/build/source_tree.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Folders = std::set<std::string>;

// Besides itself.
const std::map<std::string, Folders> kMayInclude = {
    {"core", {"proto"}},
    {"graph", {"core", "proto"}},
    {"ops", {"graph", "core"}},
    {"kernels", {"core"}},
    {"runtime", {"graph", "core", "proto"}},
    {"layers", {"ops", "graph", "core", "proto"}},
    {"io", {"core", "proto", "graph"}},
    {"train", {"layers", "ops", "runtime", "io", "graph", "core"}},
    {"runner",
     {"layers", "ops", "runtime", "io", "graph", "core", "proto", "train",
      "kernels"}},
};

// Of which no other folder may include anything.
const Folders kTops = {"tests", "examples", "benchmarks", "docs"};

std::string FolderOf(const std::string& path) {
  return path.substr(0, path.find('/'));
}

bool IsFolderOfWeft(const std::string& folder) {
  return kMayInclude.count(folder) || kTops.count(folder) || folder == "proto";
}

// One sentence for each include in the file `path` with this `text` that is
// not allowed.
std::vector<std::string> Violations(const std::string& path,
                                    const std::string& text) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*["<]([^">]+)([">]).*)");
  const std::string folder = FolderOf(path);
  std::vector<std::string> violations;
  std::istringstream lines(text);
  std::smatch match;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!std::regex_match(line, match, kInclude)) continue;
    const std::string file = match[1];
    const std::string included = FolderOf(file);
    std::string where = path + ":" + std::to_string(number) + ": ";
    if (match[2] == "\"" && file.find('/') == file.npos) {
      violations.push_back(where + file + " lacks its folder");
    } else if (included == "..") {
      violations.push_back(where + file + " does not start at the root");
    } else if (included != folder && IsFolderOfWeft(included) &&
               !kMayInclude.at(folder).count(included)) {
      violations.push_back(where + folder + " may not include " + file);
    }
  }
  return violations;
}

TEST(LayeringTest, FoldersIncludeOnlyWhatLiesBelow) {
  std::vector<std::string> files =
      SourceFiles(kSourceFolders, {".h", ".cc", ".inc"});
  EXPECT_THAT(files, Not(IsEmpty()));
  for (const std::string& path : files) {
    EXPECT_THAT(Violations(path, ReadSourceFile(path)), IsEmpty());
  }
}

TEST(LayeringTest, TheTableHasEachFolderAndNoCycle) {
  for (const std::string& folder : kSourceFolders) {
    ASSERT_TRUE(kMayInclude.count(folder)) << folder;
    for (const std::string& below : kMayInclude.at(folder)) {
      if (below == "proto") continue;
      EXPECT_EQ(kMayInclude.at(below).count(folder), 0u)
          << folder << " and " << below;
    }
  }
}

TEST(LayeringTest, FindsWhatIsNotAllowed) {
  EXPECT_THAT(Violations("core/a.cc",
                         "#include \"core/a.h\"\n"
                         "#include \"graph/graph.h\"\n"),
              ElementsAre("core/a.cc:2: core may not include graph/graph.h"));
  EXPECT_THAT(Violations("kernels/x/a.h", "  #  include <ops/math.h>  // x"),
              ElementsAre(HasSubstr("kernels may not include ops/math.h")));
  EXPECT_THAT(Violations("runner/a.cc", "#include \"tests/testing/run.h\""),
              ElementsAre(HasSubstr("may not include tests/testing/run.h")));
  EXPECT_THAT(Violations("core/a.cc", "#include \"a.h\""),
              ElementsAre(HasSubstr("a.h lacks its folder")));
  EXPECT_THAT(Violations("core/a.cc", "#include \"../graph/a.h\""),
              ElementsAre(HasSubstr("does not start at the root")));
}

TEST(LayeringTest, AllowsWhatLiesBelowAndWhatIsNotOfWeft) {
  EXPECT_THAT(Violations("layers/keras/a.cc",
                         "#include <vector>\n"
                         "#include \"absl/status/status.h\"\n"
                         "#include \"layers/cell.h\"\n"
                         "#include \"ops/math.h\"\n"
                         "// #include \"tests/testing/run.h\"\n"),
              IsEmpty());
}

}  // namespace
}  // namespace weft
