// checklist.txt has a line for every row of what users were promised, and the
// tests that it names exist.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/build/source_tree.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kRows = 233;

// Where tests may be.
struct Sources {
  std::string tests;   // Without white space: TEST(Suite,Name){...
  std::string golden;  // Of the adapters of golden cases.
  std::string manifest;
  std::string docs;
  std::set<std::string> examples;
};

std::string WithoutSpace(const std::string& text) {
  return absl::StrReplaceAll(text, {{" ", ""}, {"\n", ""}});
}

Sources ReadSources() {
  Sources sources;
  for (const std::string& path : SourceFiles({"tests"}, {".cc"})) {
    const std::string text = WithoutSpace(ReadSourceFile(path));
    if (absl::StartsWith(path, "tests/golden/")) {
      sources.golden += text;
    } else {
      sources.tests += text;
    }
  }
  sources.manifest =
      WithoutSpace(ReadSourceFile("tests/golden/data/MANIFEST.json"));
  sources.docs = ReadSourceFile("docs/layers.md");
  for (const std::string& path : SourceFiles({"examples"}, {".cc"})) {
    sources.examples.insert(path);
  }
  return sources;
}

bool Exists(absl::string_view test, const Sources& sources) {
  if (absl::ConsumePrefix(&test, "golden:")) {
    const std::string family = absl::StrCat("\"", test, "\"");
    return absl::StrContains(sources.golden, family) &&
           absl::StrContains(sources.manifest,
                             absl::StrCat("\"family\":", family));
  }
  if (absl::ConsumePrefix(&test, "argument:")) {
    return absl::StrContains(sources.tests, absl::StrCat("{\"", test, "\","));
  }
  if (absl::ConsumePrefix(&test, "example:")) {
    return sources.examples.contains(
        absl::StrCat("examples/", test, "/", test, ".cc"));
  }
  if (absl::ConsumePrefix(&test, "docs:")) {
    return absl::StrContains(sources.docs, test);
  }
  const std::vector<std::string> parts = absl::StrSplit(test, '.');
  if (parts.size() != 2) return false;
  for (const char* macro : {"TEST(", "TEST_F(", "TEST_P("}) {
    if (absl::StrContains(sources.tests,
                          absl::StrCat(macro, parts[0], ",", parts[1], ")"))) {
      return true;
    }
  }
  return false;
}

// What is wrong with a checklist, a sentence each.
std::vector<std::string> Problems(const std::string& checklist, int rows,
                                  const Sources& sources) {
  std::vector<std::string> problems;
  int next = 1;
  for (absl::string_view line : absl::StrSplit(checklist, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    const std::pair<absl::string_view, absl::string_view> number =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    int row = 0;
    if (!absl::SimpleAtoi(number.first, &row) || row != next) {
      problems.push_back(
          absl::StrCat("row ", next, " is missing before '", line, "'"));
      return problems;
    }
    ++next;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(number.second, absl::MaxSplits(": ", 1));
    if (parts.second.empty()) {
      problems.push_back(absl::StrCat("row ", row, " has no test"));
      continue;
    }
    for (absl::string_view test : absl::StrSplit(parts.second, ", ")) {
      if (Exists(test, sources)) continue;
      problems.push_back(absl::StrCat("row ", row, ": there is no ", test));
    }
  }
  if (next != rows + 1) {
    problems.push_back(absl::StrCat("there are ", next - 1, " rows of ", rows));
  }
  return problems;
}

TEST(ChecklistTest, EveryRowHasTestsThatExist) {
  const Sources sources = ReadSources();
  const std::string checklist = ReadSourceFile("tests/layers/checklist.txt");
  EXPECT_THAT(Problems(checklist, kRows, sources), IsEmpty());
}

TEST(ChecklistTest, WhatIsMissingIsFound) {
  const Sources sources{.tests = "TEST_F(ATest,Works){}{\"Wrong\",",
                        .golden = "{\"a.b\",",
                        .manifest = "\"family\":\"a.b\"",
                        .docs = "Some words",
                        .examples = {"examples/x/x.cc"}};
  EXPECT_THAT(Problems("# All is there.\n"
                       "1 a: ATest.Works, golden:a.b\n"
                       "2 b c: argument:Wrong, example:x, docs:words\n",
                       2, sources),
              IsEmpty());
  EXPECT_THAT(
      Problems("1 a: ATest.Breaks, golden:a.c, argument:Right, "
               "example:y, docs:deeds, ATest",
               1, sources),
      ElementsAre(
          "row 1: there is no ATest.Breaks", "row 1: there is no golden:a.c",
          "row 1: there is no argument:Right", "row 1: there is no example:y",
          "row 1: there is no docs:deeds", "row 1: there is no ATest"));
  EXPECT_THAT(Problems("1 a: ATest.Works\n3 b: ATest.Works", 3, sources),
              ElementsAre(HasSubstr("row 2 is missing before '3 b")));
  EXPECT_THAT(Problems("1 a", 2, sources),
              ElementsAre("row 1 has no test", "there are 1 rows of 2"));
}

}  // namespace
}  // namespace weft
