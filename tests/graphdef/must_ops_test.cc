// Every op that graphs of recurrent networks cannot do without is known, and is
// compared with numbers from elsewhere: must_ops.txt says where.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "graph/op.h"
#include "gtest/gtest.h"
#include "io/graph_file.h"
#include "proto/graph.pb.h"
#include "tests/graphdef/cases.h"
#include "tests/testing/op_table.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

constexpr char kRecorded[] = "recorded";

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Where the values of each op are from.
std::map<std::string, std::string> MustOps() {
  std::map<std::string, std::string> ops;
  for (absl::string_view line :
       absl::StrSplit(ReadText("tests/graphdef/must_ops.txt"), '\n')) {
    if (line.empty() || line[0] == '#') continue;
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    const bool is_new =
        words.size() == 2 && ops.insert({words[0], words[1]}).second;
    EXPECT_TRUE(is_new) << line;
  }
  return ops;
}

// The folder of recorded cases; empty if it is not there.
fs::path CasesFolder() {
  const char* given = std::getenv("WEFT_GRAPHDEF_DIR");
  const fs::path folder =
      given != nullptr
          ? fs::path(given)
          // Runfiles are links into the repository.
          : fs::canonical("WORKSPACE").parent_path() / "../shared/graphdef";
  return fs::exists(folder) ? folder : fs::path();
}

// Ops of files that become others before there is a graph.
bool IsStructured(const std::string& op) {
  static const std::set<std::string>& ops = *new std::set<std::string>(
      {"Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond",
       "ControlTrigger"});
  return ops.contains(op) || absl::StartsWith(op, "TensorArray") ||
         absl::StartsWith(op, "Stack");
}

TEST(MustOpsTest, AreTensorFlowsAndKnown) {
  const OpTable& table = LoadOpTable(kTfOpTable);
  const std::map<std::string, std::string> ops = MustOps();
  EXPECT_EQ(ops.size(), 149u);
  for (const auto& [op, where] : ops) {
    EXPECT_TRUE(table.contains(op)) << op;
    EXPECT_TRUE(IsStructured(op) || OpRegistry::Global().Find(op) != nullptr)
        << op;
  }
}

TEST(MustOpsTest, HaveATestWithNumbersFromElsewhere) {
  std::vector<std::string> without;
  for (const auto& [op, where] : MustOps()) {
    if (where == kRecorded) continue;
    if (!absl::StrContains(ReadText(where), absl::StrCat("\"", op, "\"")))
      without.push_back(absl::StrCat(op, " in ", where));
  }
  EXPECT_THAT(without, IsEmpty());
}

void AddOps(const proto::GraphDef& graph, std::set<std::string>* ops) {
  for (const proto::NodeDef& node : graph.node()) ops->insert(node.op());
  for (const proto::FunctionDef& function : graph.library().function()) {
    for (const proto::NodeDef& node : function.node_def())
      ops->insert(node.op());
  }
}

TEST(MustOpsTest, AreInTheCasesThatSayNothingElse) {
  const fs::path folder = CasesFolder();
  if (folder.empty()) GTEST_SKIP() << "there are no cases beside the sources";
  ASSERT_OK_AND_ASSIGN(const std::vector<GraphCase> cases, FindCases(folder));
  std::set<std::string> recorded;
  for (const GraphCase& graph_case : cases) {
    ASSERT_OK_AND_ASSIGN(const proto::GraphDef graph,
                         ReadGraphDef(graph_case.graph));
    AddOps(graph, &recorded);
  }
  std::vector<std::string> without;
  for (const auto& [op, where] : MustOps()) {
    if (where == kRecorded && !recorded.contains(op)) without.push_back(op);
  }
  EXPECT_THAT(without, IsEmpty());
}

// The table from which the list was made, if it is there.
TEST(MustOpsTest, AreAllThatTheTableOfOpsNames) {
  const fs::path table = CasesFolder() / "../tf_ops.md";
  if (!fs::exists(table)) GTEST_SKIP() << "there is no " << table;
  const std::map<std::string, std::string> ops = MustOps();
  size_t count = 0;
  for (absl::string_view line : absl::StrSplit(ReadText(table), '\n')) {
    const std::vector<std::string> cells =
        absl::StrSplit(line, absl::MaxSplits(" | ", 2));
    if (cells.size() != 3 || cells[1] != "must") continue;
    ++count;
    EXPECT_TRUE(ops.contains(cells[0].substr(2))) << cells[0];
  }
  EXPECT_EQ(count, ops.size());
}

}  // namespace
}  // namespace weft
