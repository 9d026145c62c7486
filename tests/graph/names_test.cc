#include "graph/names.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

TEST(NamesTest, KnowsWhichNamesAreValid) {
  for (const char* name :
       {"x", "X", "9", ".x", "a/b", "a_b", "a.b", "a-b", "a\\b", "a>b"}) {
    EXPECT_TRUE(IsValidNodeName(name)) << name;
  }
  for (const char* name :
       {"", "_x", "/x", "-x", "a b", "a:0", "^a", "a\n", "\xc3\xa9"}) {
    EXPECT_FALSE(IsValidNodeName(name)) << name;
  }
  EXPECT_FALSE(IsValidNodeName(absl::string_view("a\0b", 3)));
}

TEST(NamesTest, ANodesNameIsItsFirstOutput) {
  ASSERT_OK_AND_ASSIGN(OutputName name, ParseOutputName("a/b"));
  EXPECT_EQ(name.node, "a/b");
  EXPECT_EQ(name.index, 0);
  ASSERT_OK_AND_ASSIGN(name, ParseOutputName("a/b:12"));
  EXPECT_EQ(name.node, "a/b");
  EXPECT_EQ(name.index, 12);
}

TEST(NamesTest, RefusesWhatIsNoNumberOfAnOutput) {
  for (const char* name :
       {"x:", "x:-1", "x:+1", "x:1e9", "x: 1", "x:99999999999", "x:a"}) {
    EXPECT_THAT(ParseOutputName(name),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(name)));
  }
}

TEST(NamesTest, SuggestsTheNamesThatAreMostAlike) {
  const std::vector<absl::string_view> names = {"encoder/W", "encoder/b",
                                                "decoder/W", "x"};
  EXPECT_EQ(DidYouMean("encoder/w", names),
            "; did you mean 'encoder/W', 'encoder/b', 'decoder/W'?");
  EXPECT_EQ(DidYouMean("quite another", names), "");
  EXPECT_EQ(DidYouMean(std::string(1000, 'x'), names), "");
}

}  // namespace
}  // namespace weft
