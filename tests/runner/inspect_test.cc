// weft inspect, weft freeze, and the command's help, as processes.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/io/temp_directory.h"
#include "tests/runner/models.h"
#include "tests/runner/weft_process.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

class InspectTest : public ::testing::Test {
 protected:
  void SetUp() override { WriteRecurrent(model_, checkpoints_); }

  std::string Inspect(const std::vector<std::string>& flags,
                      const std::string& model) {
    std::vector<std::string> args = {"inspect", model};
    args.insert(args.end(), flags.begin(), flags.end());
    const ProcessResult result = Weft(args);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.err, IsEmpty());
    return result.out;
  }
  Json InspectJson(const std::string& model) {
    return Json::parse(Inspect({"--json"}, model), nullptr,
                       /*allow_exceptions=*/false);
  }
  ProcessResult Freeze(std::vector<std::string> args) {
    args.insert(args.begin(), {"freeze", model_});
    return Weft(args);
  }

  TempDirectory directory_;
  const std::string model_ = directory_ / "model.pb";
  const std::string checkpoints_ = directory_ / "checkpoints";
};

TEST_F(InspectTest, ShowsWhatAModelConsistsOf) {
  const std::string text = Inspect({}, model_);
  EXPECT_THAT(text, StartsWith(model_ + ": "));
  EXPECT_THAT(text, HasSubstr("\nInputs\n  x:0 "));
  EXPECT_THAT(
      text,
      HasSubstr("  rnn/initial_state_0:0  float32 [?, 2]     has a default\n"));
  EXPECT_THAT(text, HasSubstr("\nOutputs\n  y:0     float32 [?, 2]  Softmax\n"
                              "  loss:0  float32 []      Sum\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "  rnn/initial_state_0:0  rnn/final_state_0:0  float32 [?, 2]\n"));
  EXPECT_THAT(text, HasSubstr("\nVariables: 12 parameters, 48 bytes\n"
                              "  rnn/W  float32 [5, 2]  40 bytes\n"
                              "  rnn/b  float32 [2]     8 bytes\n"));
  EXPECT_THAT(text,
              HasSubstr("\nLoops, conditionals and calls\n  rnn/while  "));
  EXPECT_THAT(
      text, AllOf(HasSubstr("\nFunctions\n"), HasSubstr("\nOps\n"),
                  HasSubstr("VarHandleOp"), Not(HasSubstr("can not be run"))));
}

TEST_F(InspectTest, PrintsTheSameAsJson) {
  const Json json = InspectJson(model_);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["file"], model_);
  EXPECT_EQ(json["bytes"], ReadBytes(model_).size());
  EXPECT_EQ(json["inputs"][0], Json({{"name", "x:0"},
                                     {"dtype", "float32"},
                                     {"shape", {-1, -1, 3}},
                                     {"has_default", false}}));
  EXPECT_EQ(json["outputs"][0]["name"], "y:0");
  EXPECT_EQ(json["recurrent_state"][0]["initial"], "rnn/initial_state_0:0");
  EXPECT_EQ(json["recurrent_state"][0]["final"], "rnn/final_state_0:0");
  EXPECT_EQ(json["parameters"], 12);
  EXPECT_EQ(json["parameter_bytes"], 48);
  EXPECT_EQ(json["variables"][0], Json({{"name", "rnn/W"},
                                        {"dtype", "float32"},
                                        {"shape", {5, 2}},
                                        {"parameters", 10},
                                        {"bytes", 40}}));
  EXPECT_EQ(json["constant_weights"], Json::array());
  EXPECT_EQ(json["control_flow"][0]["name"], "rnn/while");
  EXPECT_EQ(json["functions"].size(), 2);
  EXPECT_EQ(json["ops"]["VarHandleOp"], 2);
  EXPECT_EQ(json["unsupported_ops"], Json::array());
}

TEST_F(InspectTest, ShowsThePlan) {
  const std::string text = Inspect({"--plan", "--fetch", "y"}, model_);
  EXPECT_THAT(text, HasSubstr("\nPlan\nsignature: feeds [x:0]"));
  EXPECT_NE(Inspect({"--plan", "--fetch", "y", "--passes=none"}, model_), text);
  EXPECT_THAT(Inspect({"--plan", "--fetch", "y", "--feed", "x=[[[1, 2, 3]]]",
                       "--checkpoint", checkpoints_},
                      model_),
              HasSubstr("[1, 1, 3]"));
  EXPECT_THAT(
      Inspect({"--plan", "--fetch", "y", "--passes=interpreted"}, model_),
      HasSubstr("interpreted: generated code is switched off"));
  const ProcessResult unknown =
      Weft({"inspect", model_, "--plan", "--fetch", "z"});
  EXPECT_EQ(unknown.exit_code, 4);
  EXPECT_THAT(unknown.err,
              StartsWith("weft inspect: --fetch 'z': there is no 'z'"));
  EXPECT_EQ(Weft({"inspect", model_, "--fetch", "y"}).exit_code, 2);
}

TEST_F(InspectTest, MarksOpsThatCanNotBeRun) {
  WriteBytes(directory_ / "odd.pbtxt",
             "node { name: 'a' op: 'Oddity' }\n"
             "node { name: 'b' op: 'Identity' input: 'a' attr { key: 'T' value "
             "{ type: DT_FLOAT } } }\n");
  EXPECT_THAT(Inspect({}, directory_ / "odd.pbtxt"),
              HasSubstr("  1  Oddity    can not be run\n"));
  EXPECT_EQ(InspectJson(directory_ / "odd.pbtxt")["unsupported_ops"],
            Json({"Oddity"}));
  const ProcessResult run = Weft({"run", directory_ / "odd.pbtxt"});
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_THAT(run.err, HasSubstr("Oddity"));
}

TEST_F(InspectTest, FrozenModelsHoldTheWeightsAsConstants) {
  const std::string frozen = directory_ / "frozen.pbtxt";
  const ProcessResult result =
      Freeze({"--checkpoint", checkpoints_, "--fetch", "y",
              "--fetch=rnn/final_state_0", "--output", frozen});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith(frozen + ": "));
  EXPECT_THAT(ReadBytes(frozen), HasSubstr("name: \"rnn/W\""));
  const Json json = InspectJson(frozen);
  EXPECT_EQ(json["variables"], Json::array());
  EXPECT_EQ(json["parameters"], 12);
  EXPECT_EQ(json["inputs"].size(), 2);  // No targets.
  EXPECT_EQ(json["recurrent_state"].size(), 1);
}

TEST_F(InspectTest, FreezingExplainsWhatItLacks) {
  const std::string output = directory_ / "frozen.pb";
  EXPECT_THAT(Freeze({"--fetch", "y"}).err, HasSubstr("--output is required"));
  const ProcessResult no_fetch = Freeze({"--output", output});
  EXPECT_EQ(no_fetch.exit_code, 2);
  EXPECT_THAT(no_fetch.err, HasSubstr("frozen model is for by --fetch"));
  const ProcessResult no_checkpoint =
      Freeze({"--fetch", "y", "--output", output});
  EXPECT_EQ(no_checkpoint.exit_code, 3);
  EXPECT_THAT(no_checkpoint.err,
              HasSubstr("(without --checkpoint): variable 'rnn/"));
  const ProcessResult unknown = Freeze(
      {"--checkpoint", checkpoints_, "--fetch", "yy", "--output", output});
  EXPECT_EQ(unknown.exit_code, 4);
  const ProcessResult unwritable =
      Freeze({"--checkpoint", checkpoints_, "--fetch", "y", "--output",
              directory_ / "none/frozen.pb"});
  EXPECT_EQ(unwritable.exit_code, 6);
  EXPECT_EQ(directory_.Names().count("frozen.pb"), 0);
}

TEST(HelpTest, ComesForEachVerb) {
  const ProcessResult general = Weft({"--help"});
  EXPECT_EQ(general.exit_code, 0);
  EXPECT_THAT(general.out, AllOf(HasSubstr("Exit codes:"),
                                 HasSubstr("weft inspect model.pb")));
  for (const std::string verb : {"run", "inspect", "freeze", "convert"}) {
    const ProcessResult result = Weft({verb, "--help"});
    EXPECT_EQ(result.exit_code, 0) << verb;
    EXPECT_THAT(result.out, HasSubstr("\n  weft " + verb + " ")) << result.out;
    EXPECT_THAT(result.err, IsEmpty());
  }
  EXPECT_EQ(Weft({"--version"}).out, "weft 0.1.0\n");
}

TEST(HelpTest, WrongVerbsAreExplained) {
  const ProcessResult unknown = Weft({"rum", "model.pb"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_EQ(unknown.err,
            "weft: there is no command 'rum'; did you mean 'run'?\n"
            "weft: 'weft --help' says what there is\n");
  EXPECT_EQ(Weft({}).exit_code, 2);
  EXPECT_EQ(Weft({"--hepl"}).exit_code, 2);
  EXPECT_EQ(Weft({"run"}).exit_code, 2);
  EXPECT_EQ(Weft({""}).exit_code, 2);
}

}  // namespace
}  // namespace weft
