// The commands in the README work, one after another, in a directory with the
// files that they name.
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "io/checkpoint.h"
#include "io/freeze.h"
#include "io/graph_file.h"
#include "io/npy.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "proto/graph.pb.h"
#include "tests/io/temp_directory.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Lines of blocks of commands that begin with "weft ".
std::vector<std::string> CommandsIn(const std::string& markdown) {
  std::vector<std::string> commands;
  bool in_block = false;
  for (const absl::string_view line : absl::StrSplit(markdown, '\n')) {
    if (absl::StartsWith(line, "```")) in_block = line == "```sh";
    if (in_block && absl::StartsWith(line, "weft "))
      commands.emplace_back(line);
  }
  return commands;
}

TEST(ReadmeCommandsTest, Work) {
  const TempDirectory directory;
  Graph g;
  Output ids = Placeholder(g, "ids", DataType::kInt32, {-1, -1});
  Output x = Placeholder(g, "x", DataType::kFloat, {-1});
  const Variable scale(g, {.name = "scale", .shape = {}});
  Softmax(Cast(ids, DataType::kFloat) * scale.read(), "probabilities");
  Identity(x * scale.read(), "y");
  const TensorMap values = {{"scale", Tensor::Scalar(0.5f)}};
  ASSERT_OK(WriteGraph(directory / "graph.pb", g));
  ASSERT_OK(SaveCheckpoint(directory / "run/checkpoints", "m", 1, values));
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef frozen,
                       FreezeGraph(g, {"probabilities", "y"}, values));
  ASSERT_OK(
      WriteGraphDef(directory / "model.pb", frozen, GraphFormat::kBinary));
  ASSERT_OK(WriteNpy(directory / "x.npy", Tensor::Vector<float>({1, 2})));

  const std::vector<std::string> commands = CommandsIn(Contents("README.md"));
  EXPECT_GE(commands.size(), 10u);
  const std::string bin =
      std::filesystem::absolute("runner/weft").parent_path().string();
  for (const std::string& command : commands) {
    const std::string script = directory / "script.sh";
    std::ofstream(script) << "export PATH='" << bin << "':\"$PATH\"\ncd '"
                          << directory.path() << "'\n"
                          << command << "\n";
    const int status = std::system(
        absl::StrCat("sh '", script, "' > '", directory / "log", "' 2>&1")
            .c_str());
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
        << command << "\n"
        << Contents(directory / "log");
  }
}

}  // namespace
}  // namespace weft
