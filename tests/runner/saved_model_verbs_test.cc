// The verbs on SavedModels, meta graphs and checkpoints, as processes.
#include <filesystem>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "io/graph_file.h"
#include "nlohmann/json.hpp"
#include "proto/graph.pb.h"
#include "tests/io/temp_directory.h"
#include "tests/runner/models.h"
#include "tests/runner/weft_process.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

class SavedModelVerbsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteRecurrent(graph_, checkpoints_);
    const ProcessResult made =
        Weft({"convert", graph_, "--checkpoint", checkpoints_, "--saved-model",
              "--fetch", "y", "--output", model_});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_EQ(made.out, model_ + ": SavedModel\n");
  }

  // stdout of a command that succeeds without a warning.
  std::string Out(const std::vector<std::string>& args) {
    const ProcessResult result = Weft(args);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.err, IsEmpty());
    return result.out;
  }
  void ExpectError(const std::vector<std::string>& args, int exit_code,
                   const std::string& message) {
    const ProcessResult result = Weft(args);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_THAT(result.out, IsEmpty());
  }
  // The values of y, as JSON gives them.
  Json Values(std::vector<std::string> args) {
    args.insert(args.end(), {"--json", "--feed", kFeed});
    const Json json = Json::parse(Out(args), nullptr, false);
    return json.is_object() ? json["outputs"][0]["values"] : Json();
  }

  static constexpr char kFeed[] = "x=[[[1, 2, 3], [0.5, -1, 2]]]";
  TempDirectory directory_;
  const std::string graph_ = directory_ / "graph.pb";
  const std::string checkpoints_ = directory_ / "checkpoints";
  const std::string model_ = directory_ / "model";
};

TEST_F(SavedModelVerbsTest, ASavedModelRunsByItsSignature) {
  const Json expected =
      Values({"run", graph_, "--checkpoint", checkpoints_, "--fetch", "y"});
  ASSERT_TRUE(expected.is_array());
  EXPECT_EQ(Values({"run", model_}), expected);
  EXPECT_EQ(Values({"run", model_, "--signature", "serving_default"}),
            expected);
  EXPECT_EQ(Values({"run", model_, "--tag", "serve", "--fetch", "y:0"}),
            expected);
  EXPECT_THAT(Out({"run", model_, "--feed", kFeed}),
              StartsWith("y  float32 [1, 2]\n"));
}

TEST_F(SavedModelVerbsTest, SignaturesAndTagsThatThereAreNot) {
  ExpectError({"run", model_, "--signature", "serving_defualt"}, 4,
              "has no signature 'serving_defualt'; did you mean "
              "'serving_default'?");
  ExpectError({"run", graph_, "--signature", "s"}, 4,
              "has no signature 's'; it has none");
  ExpectError({"run", model_, "--tag", "train"}, 3,
              "no meta graph with the tags [train]; there are [serve]");
  ExpectError({"inspect", model_, "--signature", "s"}, 2, "are for --plan");
}

TEST_F(SavedModelVerbsTest, InspectShowsSignatures) {
  const std::string text = Out({"inspect", model_});
  EXPECT_THAT(text, StartsWith(model_ + ": SavedModel, "));
  EXPECT_THAT(text, HasSubstr("\ntags: serve\n"));
  EXPECT_THAT(text, HasSubstr("\nSignature serving_default: "
                              "tensorflow/serving/predict\n"
                              "  input   x  float32 [?, ?, 3]  x:0\n"
                              "  output  y  float32 [?, 2]     y:0\n"));
  EXPECT_THAT(text, Not(HasSubstr("SaveV2")));
  const Json json = Json::parse(Out({"inspect", model_, "--json"}));
  EXPECT_EQ(json["kind"], "SavedModel");
  EXPECT_EQ(json["tags"], Json({"serve"}));
  const Json& signature = json["signatures"]["serving_default"];
  EXPECT_EQ(signature["inputs"][0]["key"], "x");
  EXPECT_EQ(signature["outputs"][0]["name"], "y:0");
  EXPECT_EQ(json["variables"].size(), 2u);
  EXPECT_THAT(Out({"inspect", model_, "--plan", "--feed", kFeed}),
              HasSubstr("\nPlan\n"));
}

TEST_F(SavedModelVerbsTest, InspectShowsCheckpoints) {
  const std::string prefix = checkpoints_ + "/model-7";
  const std::string expected =
      prefix +
      ": 2 tensors, 12 elements, 48 bytes; all have their checksums\n"
      "  rnn/W  float32 [5, 2]  40 bytes\n"
      "  rnn/b  float32 [2]  8 bytes\n";
  EXPECT_EQ(Out({"inspect", checkpoints_}), expected);
  EXPECT_EQ(Out({"inspect", prefix}), expected);
  EXPECT_EQ(Out({"inspect", prefix + ".index"}), expected);
  const Json json = Json::parse(Out({"inspect", prefix, "--json"}));
  EXPECT_EQ(json["tensors"][0]["name"], "rnn/W");
  EXPECT_EQ(json["tensors"][0]["shape"], Json({5, 2}));
  std::filesystem::resize_file(prefix + ".data-00000-of-00001", 41);
  ExpectError({"inspect", prefix}, 3, "tensor 'rnn/b' at offset 40");
}

TEST_F(SavedModelVerbsTest, FreezesBySignature) {
  const std::string frozen = directory_ / "frozen.pb";
  EXPECT_THAT(Out({"freeze", model_, "--output", frozen}),
              StartsWith(frozen + ": "));
  EXPECT_EQ(Values({"run", frozen, "--fetch", "y"}), Values({"run", model_}));
  ExpectError(
      {"freeze", graph_, "--checkpoint", checkpoints_, "--output", frozen}, 2,
      "name what the frozen model is for by --fetch");
}

TEST_F(SavedModelVerbsTest, ConvertsToEachForm) {
  const Json expected = Values({"run", model_});
  for (const char* name : {"a.pb", "a.pbtxt", "a.meta"}) {
    const std::string path = directory_ / name;
    EXPECT_THAT(Out({"convert", model_, "--output", path}),
                StartsWith(path + ": "));
    EXPECT_EQ(
        Values({"run", path, "--checkpoint", checkpoints_, "--fetch", "y"}),
        expected)
        << name;
  }
  EXPECT_THAT(Out({"inspect", directory_ / "a.meta"}),
              AllOf(HasSubstr(": MetaGraphDef, "),
                    HasSubstr("Signature serving_default")));
  const std::string text = directory_ / "text.pb";
  Out({"convert", model_, "--text", "--output", text});
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef as_text, ReadGraphDef(text));
  const std::string v1 = directory_ / "v1.pb";
  EXPECT_EQ(Out({"convert", model_, "--v1", "--output", v1}),
            v1 + ": GraphDef, V1 control flow\n");
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef frames, ReadGraphDef(v1));
  EXPECT_GT(as_text.library().function_size(), 0);
  EXPECT_EQ(frames.library().function_size(), 0);
  const std::vector<std::string> run = {"--checkpoint", checkpoints_, "--fetch",
                                        "y"};
  EXPECT_EQ(Values({"run", v1, run[0], run[1], run[2], run[3]}), expected);
  EXPECT_EQ(Values({"run", text, run[0], run[1], run[2], run[3]}), expected);
}

TEST_F(SavedModelVerbsTest, ConvertSaysWhatDoesNotGoTogether) {
  const std::string out = directory_ / "out";
  ExpectError({"convert", graph_, "--checkpoint", "c", "--output", out}, 2,
              "--checkpoint is for --saved-model");
  ExpectError({"convert", graph_, "--fetch", "y", "--output", out}, 2,
              "--fetch is for --saved-model and .meta files");
  ExpectError({"convert", graph_, "--text", "--saved-model", "--output", out},
              2, "--text is for GraphDefs");
  ExpectError({"convert", graph_, "--saved-model", "--output", "a.meta"}, 2,
              "a SavedModel is a directory");
  ExpectError({"convert", graph_, "--saved-model", "--checkpoint", checkpoints_,
               "--output", out},
              2, "name the outputs of one by --fetch");
  ExpectError({"convert", graph_, "--saved-model", "--checkpoint", checkpoints_,
               "--fetch", "yy", "--output", out},
              4, "--fetch 'yy'");
  ExpectError({"convert", model_, "--saved-model", "--output", model_}, 6,
              "saved_model.pb exists already");
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(SavedModelVerbsTest, AGraphWithoutItsValuesIsNoSavedModel) {
  const std::string out = directory_ / "out";
  ExpectError(
      {"convert", graph_, "--saved-model", "--fetch", "y", "--output", out}, 3,
      "has variables; give their values by --checkpoint");
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace weft
