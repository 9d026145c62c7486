// weft bench, and --precision, as a process.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "io/graph_file.h"
#include "nlohmann/json.hpp"
#include "ops/source.h"
#include "tests/io/temp_directory.h"
#include "tests/runner/models.h"
#include "tests/runner/weft_process.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using Json = nlohmann::json;

class BenchTest : public ::testing::Test {
 protected:
  void SetUp() override { WriteRecurrent(model_, directory_ / "checkpoints"); }

  ProcessResult Bench(std::vector<std::string> args) {
    args.insert(args.begin(), {"bench", model_, "--fetch", "y", "--checkpoint",
                               directory_ / "checkpoints"});
    return Weft(args);
  }
  Json BenchJson(std::vector<std::string> args) {
    args.push_back("--json");
    const ProcessResult result = Bench(args);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  }

  TempDirectory directory_;
  const std::string model_ = directory_ / "model.pb";
};

TEST_F(BenchTest, SaysHowLongRunsTake) {
  const ProcessResult result = Bench({"--repeat", "5"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              MatchesRegex("precision float32, 5 runs: first [0-9.e-]+ ms, "
                           "median [0-9.e-]+ ms, best [0-9.e-]+ ms\n"));
}

TEST_F(BenchTest, ComparesWithTheGraphAsItStands) {
  const Json json =
      BenchJson({"--repeat", "3", "--verify", "--batch", "4", "--time", "7"});
  EXPECT_EQ(json["runs"], 3);
  EXPECT_GT(json["reference_best_ms"], 0);
  ASSERT_EQ(json["outputs"].size(), 1);
  EXPECT_EQ(json["outputs"][0]["name"], "y:0");
  EXPECT_LT(json["outputs"][0]["max_error"], 1e-5);
  EXPECT_GT(json["outputs"][0]["rms"], 0.01);
}

TEST_F(BenchTest, ShowsWhatPrecisionCosts) {
  for (const char* precision : {"bf16", "int8"}) {
    const Json json =
        BenchJson({"--repeat", "3", "--verify", "--precision", precision});
    EXPECT_EQ(json["precision"], precision);
    EXPECT_GT(json["outputs"][0]["max_error"], 0);
    EXPECT_LT(json["outputs"][0]["rms_error"], 0.02);
  }
  const ProcessResult text =
      Bench({"--repeat", "1", "--verify", "--precision", "int8"});
  EXPECT_THAT(text.out, HasSubstr("\nfloat32: first "));
  EXPECT_THAT(text.out, HasSubstr("y:0  float32 [1, 2]  largest error "));
}

TEST_F(BenchTest, SaysWhatItDoesNotCompare) {
  Graph g;
  Identity(Placeholder(g, "n", DataType::kInt32, {-1}), "y");
  ASSERT_OK(WriteGraph(model_, g));
  const ProcessResult result =
      Weft({"bench", model_, "--repeat", "1", "--verify"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("y:0  int32 [1]  only numbers of float and "
                                    "double are compared\n"));
}

TEST_F(BenchTest, RunAndInspectTakeAPrecision) {
  const std::string checkpoint = directory_ / "checkpoints";
  const std::string feed = "x=[[[1, 2, 3], [0.3, -1, 0.7]]]";
  const ProcessResult exact = Weft(
      {"run", model_, "--checkpoint", checkpoint, "--feed", feed, "--fetch=y"});
  const ProcessResult int8 =
      Weft({"run", model_, "--checkpoint", checkpoint, "--feed", feed,
            "--fetch=y", "--precision=int8"});
  EXPECT_EQ(int8.exit_code, 0) << int8.err;
  EXPECT_NE(int8.out, exact.out);
  const ProcessResult plan =
      Weft({"inspect", model_, "--plan", "--fetch=y", "--precision=int8"});
  EXPECT_THAT(plan.out, HasSubstr(" products with int8 operands"));
}

TEST_F(BenchTest, WrongOptionsAreUsageErrors) {
  const struct {
    std::vector<std::string> args;
    const char* message;
  } cases[] = {
      {{"--precision", "int4"},
       "--precision is 'int4' but must be 'float32', 'bf16' or 'int8'"},
      {{"--precision=bf16", "--passes=none"},
       "--precision bf16 needs the passes: leave --passes=none out"},
      {{"--batch", "0"}, "--batch is '0' but must be an integer from 1 to "},
      {{"--time=-1"}, "--time is '-1' but must be an integer from 1 to "},
      {{"--repeat", "x"}, "--repeat is 'x' but must be an integer from 0 to "},
  };
  for (const auto& c : cases) {
    const ProcessResult result = Bench(c.args);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr(c.message));
  }
}

TEST_F(BenchTest, VariablesNeedValues) {
  const ProcessResult result = Weft({"bench", model_, "--fetch", "y"});
  EXPECT_EQ(result.exit_code, 5) << result.err;
  EXPECT_THAT(result.err, HasSubstr("rnn/W"));
}

TEST_F(BenchTest, SizesThatItDoesNotKnowMustBeFed) {
  Graph g;
  Identity(Placeholder(g, "x", DataType::kFloat, {-1, 2, -1}), "y");
  ASSERT_OK(WriteGraph(model_, g));
  const ProcessResult unknown = Weft({"bench", model_});
  EXPECT_EQ(unknown.exit_code, 4) << unknown.err;
  EXPECT_THAT(unknown.err,
              HasSubstr("x:0 is [?, 2, ?]: give it by --feed, since --batch "
                        "and --time do not say how large it is"));
  const ProcessResult given =
      Weft({"bench", model_, "--feed", "x=[[[1], [2]]]", "--repeat", "2"});
  EXPECT_EQ(given.exit_code, 0) << given.err;
}

}  // namespace
}  // namespace weft
