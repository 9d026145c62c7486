#include "io/graph_file.h"

#include <sys/stat.h>

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "graph/text_format.h"
#include "gtest/gtest.h"
#include "proto/graph.pb.h"
#include "tests/io/temp_directory.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class GraphFileTest : public ::testing::Test {
 protected:
  GraphFileTest() {
    proto::NodeDef* node = def_.add_node();
    node->set_name("mystery");
    node->set_op("AnOpThatNobodyKnows");
    def_.mutable_versions()->set_producer(27);
  }

  TempDirectory directory_;
  proto::GraphDef def_;
};

TEST_F(GraphFileTest, BothFormatsComeBack) {
  for (const char* name : {"graph.pb", "graph.pbtxt"}) {
    const std::string path = directory_ / name;
    ASSERT_OK(WriteGraphDef(path, def_, FormatOfPath(path)));
    ASSERT_OK_AND_ASSIGN(const proto::GraphDef read, ReadGraphDef(path));
    EXPECT_EQ(PrintText(read), PrintText(def_));
  }
  EXPECT_THAT(ReadBytes(directory_ / "graph.pbtxt"),
              StartsWith("node {\n  name: \"mystery\""));
  EXPECT_THAT(directory_.Names(), ElementsAre("graph.pb", "graph.pbtxt"));
}

TEST_F(GraphFileTest, AGraphComesBack) {
  const std::string path = directory_ / "graph.pb";
  ASSERT_OK(WriteGraphDef(path, def_, GraphFormat::kBinary));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Graph> graph, ReadGraph(path));
  ASSERT_OK(WriteGraph(directory_ / "again.pb", *graph));
  EXPECT_EQ(ReadBytes(directory_ / "again.pb"), ReadBytes(path));
}

TEST_F(GraphFileTest, AnErrorNamesTheFile) {
  const std::string path = directory_ / "graph.pb";
  WriteBytes(path, "PK\x03\x04 and so on");
  EXPECT_THAT(
      ReadGraphDef(path),
      StatusIs(
          kInvalid,
          path + " (14 bytes): not a GraphDef (looks like a zip archive)"));
  def_.mutable_node(0)->add_input("nothing");
  ASSERT_OK(WriteGraphDef(path, def_, GraphFormat::kBinary));
  EXPECT_THAT(ReadGraph(path),
              StatusIs(kInvalid,
                       AllOf(StartsWith(path + ": "), HasSubstr("'nothing'"))));
}

TEST_F(GraphFileTest, AnEmptyFileIsNoGraph) {
  WriteBytes(directory_ / "empty", "");
  EXPECT_THAT(
      ReadGraphDef(directory_ / "empty"),
      StatusIs(kInvalid, HasSubstr("(0 bytes): not a GraphDef (it is empty)")));
}

TEST_F(GraphFileTest, OnlyFilesAreRead) {
  EXPECT_THAT(ReadGraphDef(directory_ / "missing"),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(ReadGraphDef(directory_.path()),
              StatusIs(kInvalid, HasSubstr("directory")));
  EXPECT_THAT(ReadGraphDef("/dev/zero"),
              StatusIs(kInvalid, HasSubstr("regular file")));
  ASSERT_EQ(mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(ReadGraphDef(directory_ / "pipe"),
              StatusIs(kInvalid, HasSubstr("regular file")));
}

TEST_F(GraphFileTest, WhatCannotBeWrittenLeavesTheOldFile) {
  const std::string path = directory_ / "graph.pb";
  ASSERT_OK(WriteGraphDef(path, def_, GraphFormat::kBinary));
  const std::string before = ReadBytes(path);
  Graph broken;
  broken.Fail(absl::InvalidArgumentError("a mistake"));
  EXPECT_THAT(WriteGraph(path, broken), StatusIs(kInvalid, "a mistake"));
  EXPECT_EQ(ReadBytes(path), before);
  EXPECT_THAT(
      WriteGraphDef(directory_ / "no/such/place.pb", def_,
                    GraphFormat::kBinary),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("no/such/place.pb")));
}

}  // namespace
}  // namespace weft
