// weft run, as a process.
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "io/graph_file.h"
#include "io/npy.h"
#include "nlohmann/json.hpp"
#include "proto/graph.pb.h"
#include "tests/io/temp_directory.h"
#include "tests/runner/models.h"
#include "tests/runner/weft_process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::StartsWith;
using Json = nlohmann::json;

class RunTest : public ::testing::Test {
 protected:
  // `weft run MODEL ARGS...`
  ProcessResult Run(std::vector<std::string> args,
                    const ProcessOptions& options = {}) {
    args.insert(args.begin(), {"run", model_});
    return Weft(args, options);
  }
  // What --json gives for the first output.
  Json FirstOutput(std::vector<std::string> args) {
    args.push_back("--json");
    const ProcessResult result = Run(args);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const Json json =
        Json::parse(result.out, nullptr, /*allow_exceptions=*/false);
    EXPECT_TRUE(json.is_object()) << result.out;
    return json.is_object() ? json["outputs"][0] : Json();
  }

  TempDirectory directory_;
  const std::string model_ = directory_ / "model.pb";
};

class ArithmeticTest : public RunTest {
 protected:
  void SetUp() override { WriteArithmetic(model_); }
};

TEST_F(ArithmeticTest, PrintsWhatIsFetched) {
  const ProcessResult result = Run({"--feed", "x=[[1, 2], [3, 4.5]]", "--fetch",
                                    "y", "--feed=n=[1,2]", "--fetch=n_out:0"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out,
            "y  float32 [2, 2]\n"
            "  [[3, 5],\n"
            "   [7, 10]]\n"
            "n_out:0  int32 [2]\n"
            "  [1, 2]\n");
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(ArithmeticTest, FetchesWhatTheFeedsAreEnoughForByDefault) {
  const ProcessResult result =
      Run({"--feed", "x=[[1, 2]]", "--feed", "name=\"a \\\"b\\\"\""});
  EXPECT_EQ(result.out,
            "y:0  float32 [1, 2]\n"
            "  [[3, 5]]\n"
            "name_out:0  string []\n"
            "  \"a \\\"b\\\"\"\n");
  EXPECT_EQ(result.err,
            "weft run: not fetched, since a:0, b:0, n:0 is not fed: ratio:0, "
            "n_out:0\n");
  EXPECT_EQ(result.exit_code, 0);
}

TEST_F(ArithmeticTest, ReadsAndWritesArrays) {
  const Tensor x = Tensor::Of<float>({2, 2}, {1, 2, 3, 4});
  ASSERT_OK(WriteNpy(directory_ / "x.npy", x));
  const ProcessResult result =
      Run({"--feed", "x=" + (directory_ / "x.npy"), "--fetch",
           "y=" + (directory_ / "y.npy"), "--fetch", "x"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "y  float32 [2, 2]  -> " + (directory_ / "y.npy") +
                            "\nx  float32 [2, 2]\n  [[1, 2],\n   [3, 4]]\n");
  EXPECT_THAT(*ReadNpy(directory_ / "y.npy"),
              TensorEq(Tensor::Of<float>({2, 2}, {3, 5, 7, 9})));
}

TEST_F(ArithmeticTest, PrintsJson) {
  const Json y = FirstOutput({"--feed", "x=[[0.05, -1e30]]", "--fetch", "y"});
  EXPECT_EQ(y["name"], "y");
  EXPECT_EQ(y["dtype"], "float32");
  EXPECT_EQ(y["shape"], Json({1, 2}));
  EXPECT_EQ(y["values"][0][0].get<float>(), 0.05f * 2 + 1);
  EXPECT_EQ(FirstOutput({"--feed", "a=1", "--feed", "b=0", "--fetch",
                         "ratio"})["values"],
            "Infinity");
  EXPECT_EQ(FirstOutput({"--feed", "a=nan", "--feed", "b=1", "--fetch",
                         "ratio"})["values"],
            "NaN");
  EXPECT_EQ(FirstOutput({"--feed", "n=[]", "--fetch", "n_out"})["values"],
            Json::array());
}

TEST_F(ArithmeticTest, GivesTheSameWithoutPassesAndOnOneThread) {
  const std::vector<std::string> args = {"--feed", "x=[[0.3, 0.7]]", "--fetch",
                                         "y", "--json"};
  const std::string expected = Run(args).out;
  for (const char* flag : {"--passes=none", "--passes=interpreted",
                           "--threads=1", "--memory=64M"}) {
    std::vector<std::string> with_flag = args;
    with_flag.push_back(flag);
    EXPECT_EQ(Run(with_flag).out, expected) << flag;
  }
}

TEST_F(ArithmeticTest, SaysHowLongRunsTake) {
  const ProcessResult result =
      Run({"--feed", "x=[[1, 2]]", "--fetch", "y", "--repeat", "5"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err,
              MatchesRegex(
                  "weft run: 5 runs: first .* ms, median .* ms, best .* ms\n"));
}

TEST_F(ArithmeticTest, FindsTheFirstInfinity) {
  const ProcessResult result = Run({"--feed", "a=1", "--feed", "b=0", "--fetch",
                                    "ratio", "--check-numerics"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err, AllOf(StartsWith("weft run: "), HasSubstr("ratio")));
}

TEST_F(ArithmeticTest, ReportsOutputThatCanNotBeWritten) {
  const std::vector<std::string> args = {"--feed", "x=[[1, 2]]", "--fetch",
                                         "y"};
  for (const Stdout to :
       {Stdout::kClosed, Stdout::kFull, Stdout::kClosedPipe}) {
    const ProcessResult result = Run(args, {.stdout_to = to});
    EXPECT_EQ(result.exit_code, 6);
    EXPECT_THAT(result.err,
                StartsWith("weft run: can not write to standard output: "));
  }
  const ProcessResult result = Run(
      {"--feed", "x=[[1, 2]]", "--fetch", "y=" + (directory_ / "none/y.npy")});
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_THAT(result.err, AllOf(StartsWith("weft run: --fetch y: "),
                                HasSubstr("none/y.npy")));
}

TEST_F(ArithmeticTest, ReadsTextForm) {
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef def, ReadGraphDef(model_));
  const std::string path = directory_ / "model.pbtxt";
  ASSERT_OK(WriteGraphDef(path, def, GraphFormat::kText));
  const ProcessResult result =
      Weft({"run", path, "--feed", "x=[[1, 2]]", "--fetch", "y"});
  EXPECT_EQ(result.out, "y  float32 [1, 2]\n  [[3, 5]]\n") << result.err;
}

struct BadCommand {
  std::vector<std::string> args;
  int exit_code;
  std::string message;  // A part of it.
};

void ExpectError(const ProcessResult& result, const BadCommand& bad) {
  const std::string command = ::testing::PrintToString(bad.args);
  EXPECT_EQ(result.exit_code, bad.exit_code) << command << "\n" << result.err;
  EXPECT_THAT(result.err,
              AllOf(StartsWith("weft run: "), HasSubstr(bad.message)))
      << command;
  EXPECT_THAT(result.out, IsEmpty()) << command;
}

TEST_F(ArithmeticTest, ExplainsWrongCommandLines) {
  const std::vector<BadCommand> kBad = {
      {{"--fetsh", "y"}, 2, "unknown option '--fetsh'; did you mean '--fetch'"},
      {{"--fetsh=y"}, 2, "unknown option '--fetsh'"},
      {{"another.pb"}, 2, "one argument too many: 'another.pb'"},
      {{"--threads", "1000000000"},
       2,
       "--threads is '1000000000' but must be an integer from 0"},
      {{"--threads", "-1"}, 2, "--threads is '-1'"},
      {{"--threads", "NaN"}, 2, "--threads is 'NaN'"},
      {{"--timeout", "nan"},
       2,
       "--timeout is 'nan' but must be a number of seconds above 0"},
      {{"--timeout", "0"}, 2, "--timeout is '0'"},
      {{"--memory", "1e9"}, 2, "--memory is '1e9'"},
      {{"--memory", "99999999999T"}, 2, "--memory is '99999999999T'"},
      {{"--passes", "some"},
       2,
       "--passes is 'some' but must be 'all', 'interpreted' or 'none'"},
      {{"--repeat", "0"}, 2, "--repeat is '0'"},
      {{"--feed"}, 2, "--feed"},
      {{"--feed", "x"}, 2, "--feed 'x' must be NAME=VALUE"},
      {{"--feed", "=3"}, 2, "--feed '=3' must be NAME=VALUE"},
      {{"--fetch", "y=y.txt"},
       2,
       "--fetch 'y=y.txt' must be NAME or NAME=FILE.npy"},
      {{"--fetch", "y=a.npy", "--fetch", "x=a.npy"}, 2, "two fetches"},
  };
  for (const BadCommand& bad : kBad) ExpectError(Run(bad.args), bad);
}

TEST_F(ArithmeticTest, ExplainsWrongFeedsAndFetches) {
  ASSERT_OK(WriteNpy(directory_ / "d.npy", Tensor::Of<double>({1, 2}, {1, 2})));
  const std::vector<BadCommand> kBad = {
      {{"--feed", "x:0=@/etc/passwd"}, 4, "--feed x:0: /etc/passwd"},
      {{"--feed", "x=@/dev/zero"}, 4, "/dev/zero"},
      {{"--feed", "x=missing.npy"}, 4, "missing.npy"},
      {{"--feed", "x=@"}, 4, "--feed x"},
      {{"--feed", "x=" + (directory_ / "d.npy")},
       4,
       "holds float64 [1, 2] but must hold float32"},
      {{"--feed", "X=1"}, 4, "--feed X: there is no 'X' in the graph"},
      {{"--feed", "x:1=1"}, 4, "--feed x:1: "},
      {{"--feed", "x:a=1"}, 4, "--feed x:a: "},
      {{"--feed", "x=[1, 2]"},
       4,
       "x:0 is float32 [?, 2] but the value given is [2]"},
      {{"--feed", "x=[[1, 2"}, 4, "expected ',' or ']' but found the end"},
      {{"--feed", "x=abc"}, 4, "value 0, abc, is not a number of type float32"},
      {{"--feed", "x=[[1, 2]]", "--feed", "x:0=[[1, 2]]"}, 4, "is fed twice"},
      {{"--feed", "name=abc"},
       4,
       "value 0, abc, is not a string in double quotes"},
      {{"--feed", "x=[[1, 2]]", "--fetch", "z"},
       4,
       "there is no 'z' in the graph"},
      {{"--fetch", "y"}, 4, "'x'"},
  };
  for (const BadCommand& bad : kBad) ExpectError(Run(bad.args), bad);
}

TEST_F(RunTest, ExplainsFilesThatAreNoModels) {
  WriteArithmetic(model_);
  const std::string whole = ReadBytes(model_);
  WriteBytes(directory_ / "cut.pb", whole.substr(0, whole.size() - 3));
  WriteBytes(directory_ / "empty.pb", "");
  WriteBytes(directory_ / "text.pb", "hello");
  std::filesystem::create_directory(directory_ / "saved");
  WriteBytes(directory_ / "saved/saved_model.pb", "\x08\x01");
  ASSERT_EQ(mkfifo((directory_ / "fifo").c_str(), 0600), 0);
  const std::vector<BadCommand> kBad = {
      {{"missing.pb"}, 3, "missing.pb"},
      {{directory_ / "cut.pb"}, 3, "cut.pb"},
      {{directory_ / "empty.pb"}, 3, "not a GraphDef (it is empty)"},
      {{directory_ / "text.pb"}, 3, "not a GraphDef"},
      {{directory_ / "saved"},
       3,
       "saved/saved_model.pb (2 bytes): damaged SavedModel: it has no meta "
       "graph"},
      {{directory_.path()}, 3, "is a directory"},
      {{directory_ / "fifo"}, 3, "fifo"},
  };
  for (const BadCommand& bad : kBad)
    ExpectError(Weft({"run", bad.args[0]}), bad);
}

class EndlessTest : public RunTest {
 protected:
  void SetUp() override { WriteEndlessLoop(model_); }
};

TEST_F(EndlessTest, StopsAtTheTimeout) {
  const ProcessResult result = Run({"--feed", "start=1", "--timeout", "0.05"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err, AllOf(StartsWith("weft run: "), HasSubstr("while")));
  EXPECT_THAT(result.out, IsEmpty());
}

TEST_F(EndlessTest, StopsAtASignal) {
  for (const int number : {SIGINT, SIGTERM}) {
    const ProcessResult result = Run({"--feed", "start=1"}, {.signal = number});
    EXPECT_EQ(result.exit_code, 5);
    EXPECT_EQ(result.err, "weft run: stopped by a signal\n");
  }
}

class RecurrentTest : public RunTest {
 protected:
  void SetUp() override { WriteRecurrent(model_, checkpoints_); }
  const std::string checkpoints_ = directory_ / "checkpoints";
};

TEST_F(RecurrentTest, TakesVariablesFromACheckpoint) {
  const std::vector<std::string> args = {"--feed", "x=[[[1, 2, 3]]]", "--fetch",
                                         "y", "--json"};
  std::string expected;
  for (const std::string& checkpoint : {checkpoints_, checkpoints_ + "/model-7",
                                        checkpoints_ + "/model-7.index"}) {
    std::vector<std::string> with_checkpoint = args;
    with_checkpoint.insert(with_checkpoint.end(), {"--checkpoint", checkpoint});
    const ProcessResult result = Run(with_checkpoint);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    if (expected.empty()) expected = result.out;
    EXPECT_EQ(result.out, expected);
  }
  const ProcessResult without = Run(args);
  EXPECT_EQ(without.exit_code, 5);
  EXPECT_THAT(without.err, AllOf(HasSubstr("rnn/"), HasSubstr("--checkpoint")));
  const ProcessResult missing =
      Run({"--checkpoint", checkpoints_ + "/model-8"});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.err, HasSubstr("model-8"));
}

TEST_F(RecurrentTest, GoesOnWithTheStateThatItEndedIn) {
  const std::vector<std::string> common = {"--checkpoint", checkpoints_,
                                           "--json", "--fetch", "y"};
  auto run = [&](std::vector<std::string> args) {
    args.insert(args.end(), common.begin(), common.end());
    const ProcessResult result = Run(args);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  const std::string state = directory_ / "state.npy";
  const std::string whole = run({"--feed", "x=[[[1, 2, 3], [0, 1, -1]]]"});
  run({"--feed", "x=[[[1, 2, 3]]]", "--fetch", "rnn/final_state_0=" + state});
  EXPECT_EQ(run({"--feed", "x=[[[0, 1, -1]]]", "--feed",
                 "rnn/initial_state_0=" + state}),
            whole);
}

TEST_F(RecurrentTest, FrozenItGivesTheSameBits) {
  const std::string frozen = directory_ / "frozen.pb";
  const ProcessResult freeze =
      Weft({"freeze", model_, "--checkpoint", checkpoints_, "--fetch", "y",
            "--output", frozen});
  ASSERT_EQ(freeze.exit_code, 0) << freeze.err;
  const std::vector<std::string> feed = {
      "--feed", "x=[[[1, 2, 3], [0.1, 1, -1]]]", "--fetch", "y"};
  for (const std::string& file : {directory_ / "a.npy", directory_ / "b.npy"}) {
    std::vector<std::string> args = {"run", model_, "--checkpoint",
                                     checkpoints_};
    if (file == directory_ / "b.npy") args = {"run", frozen};
    args.insert(args.end(), feed.begin(), feed.end());
    args.back() += "=" + file;
    ASSERT_EQ(Weft(args).exit_code, 0);
  }
  EXPECT_EQ(ReadBytes(directory_ / "a.npy"), ReadBytes(directory_ / "b.npy"));
}

TEST_F(RecurrentTest, StopsAtItsMemory) {
  const ProcessResult result = Run({"--checkpoint", checkpoints_, "--feed",
                                    "x=[[[1, 2, 3]]]", "--memory", "100"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err, AllOf(StartsWith("weft run: "), HasSubstr("100")));
}

}  // namespace
}  // namespace weft
