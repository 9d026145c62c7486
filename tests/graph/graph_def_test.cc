#include "graph/graph_def.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "graph/binary_format.h"
#include "graph/import.h"
#include "graph/text_format.h"
#include "gtest/gtest.h"
#include "proto/graph.pb.h"
#include "proto/meta_graph.pb.h"
#include "tests/graph/graph_testing.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

proto::GraphDef Small() {
  return GraphDefOf(
      NodeText("x", "Placeholder", "", "dtype = type: DT_FLOAT") +
      NodeText(
          "w", "Const", "",
          "dtype = type: DT_FLOAT; value = tensor { dtype: DT_FLOAT "
          "tensor_shape { dim { size: 2 } } tensor_content: 'abcdefgh' }") +
      NodeText("y", "AddV2", "x w", "T = type: DT_FLOAT") +
      "versions { producer: 27 }");
}

std::string Bytes(const google::protobuf::Message& message) {
  return *SerializeBinary(message);
}

TEST(GraphDefTest, ReadsBothFormats) {
  const proto::GraphDef graph = Small();
  for (GraphFormat format : {GraphFormat::kBinary, GraphFormat::kText}) {
    ASSERT_OK_AND_ASSIGN(const std::string bytes,
                         SerializeGraphDef(graph, format));
    ASSERT_OK_AND_ASSIGN(const proto::GraphDef read, ParseGraphDef(bytes));
    EXPECT_EQ(PrintText(read), PrintText(graph));
  }
}

TEST(GraphDefTest, EqualMessagesHaveEqualBytes) {
  proto::GraphDef a, b;
  auto& a_attrs = *a.add_node()->mutable_attr();
  auto& b_attrs = *b.add_node()->mutable_attr();
  for (const char* name : {"T", "N", "axis", "shape"}) a_attrs[name].set_i(1);
  for (const char* name : {"shape", "axis", "N", "T"}) b_attrs[name].set_i(1);
  EXPECT_EQ(Bytes(a), Bytes(b));
}

TEST(GraphDefTest, UnknownFieldsAreKept) {
  proto::GraphDef graph = Small();
  std::string bytes = Bytes(graph);
  bytes += std::string("\xfa\x01\x03new", 6);  // Field 31.
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef read, ParseGraphDef(bytes));
  EXPECT_EQ(Bytes(read), bytes);
}

struct NoGraph {
  std::string bytes;
  std::string looks_like;
};

std::vector<NoGraph> NoGraphs() {
  proto::SavedModel saved_model;
  saved_model.set_saved_model_schema_version(1);
  *saved_model.add_meta_graphs()->mutable_graph_def() = Small();
  proto::MetaGraphDef meta = saved_model.meta_graphs(0);
  meta.mutable_meta_info_def()->add_tags("serve");
  proto::MetaGraphDef with_version = meta;
  with_version.mutable_meta_info_def()->set_meta_graph_version("v1");
  with_version.mutable_meta_info_def()
      ->mutable_stripped_op_list()
      ->add_op()
      ->set_name("Add");
  return {
      {"", "it is empty"},
      {" \n\t ", "it is empty"},
      {"\x89HDF\r\n\x1a\n........", "an HDF5 file"},
      {std::string("PK\x03\x04\x14\0\0", 7), "a zip archive"},
      {"\x1f\x8b\x08\x08", "a gzip archive"},
      {std::string("\x93NUMPY\x01\0v", 9), "a NumPy array"},
      {std::string("\x1c\0\0\0TFL3", 8), "a TensorFlow Lite model"},
      {std::string(40, '\0') + "\x57\xfb\x80\x8b\x24\x75\x47\xdb",
       "the index of a checkpoint"},
      {Bytes(saved_model), "a SavedModel"},
      {PrintText(saved_model), "a SavedModel in text form"},
      {Bytes(meta), "a MetaGraphDef"},
      {Bytes(with_version), "a MetaGraphDef"},
      {PrintText(with_version), "a MetaGraphDef in text form"},
      {std::string("\x08\x07\x12\x07pytorch", 11), "an ONNX model"},
      {"{\"class_name\": \"Sequential\"}", "JSON"},
      {"<!DOCTYPE html>", "XML or HTML"},
      {std::string("\x00\x01\x02\x03\xf0\xf1\xf2", 7), "data of no known kind"},
      {std::string("\xfa\x01\x03new", 6), "data of no known kind"},
  };
}

TEST(GraphDefTest, SaysWhatAFileLooksLikeThatIsNoGraph) {
  for (const NoGraph& no_graph : NoGraphs()) {
    EXPECT_THAT(
        ParseGraphDef(no_graph.bytes),
        StatusIs(kInvalid, AllOf(HasSubstr("not a GraphDef ("),
                                 HasSubstr(no_graph.looks_like + ")"))));
  }
}

TEST(GraphDefTest, AMistakeInTextHasLineAndColumn) {
  EXPECT_THAT(
      ParseGraphDef("node {\n  nam: 'x'\n}"),
      StatusIs(kInvalid,
               HasSubstr("text form: 2:6: Message type \"weft.proto.NodeDef\" "
                         "has no field named \"nam\"")));
  EXPECT_THAT(ParseGraphDef("Dear reader,"),
              StatusIs(kInvalid, HasSubstr("text form: 1:6")));
}

TEST(GraphDefTest, TextCannotNestWithoutEnd) {
  std::string text = "node { attr { key: 'f' value { ";
  for (int i = 0; i < 100000; ++i) text += "func { attr { value { ";
  EXPECT_THAT(ParseGraphDef(text),
              StatusIs(kInvalid, HasSubstr("nesting deeper than 100")));
  EXPECT_THAT(ParseGraphDef("x: " + std::string(1000000, '[')),
              StatusIs(kInvalid));
}

TEST(GraphDefTest, BytesCannotNestWithoutEnd) {
  // attr.value.func.attr.value.func...
  proto::GraphDef graph;
  graph.add_node()->set_name("x");
  proto::AttrValue* attr = &(*graph.mutable_node(0)->mutable_attr())["f"];
  for (int i = 0; i < 40; ++i)
    attr = &(*attr->mutable_func()->mutable_attr())["f"];
  EXPECT_THAT(
      ParseGraphDef(Bytes(graph)),
      StatusIs(kInvalid, HasSubstr("nesting deeper than 100, at byte")));
}

TEST(GraphDefTest, RefusesLengthsThatNobodyHas) {
  const std::string huge =
      "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f";  // Node of 2^63 - 1 bytes.
  EXPECT_THAT(
      ParseGraphDef(huge),
      StatusIs(absl::StatusCode::kResourceExhausted,
               HasSubstr("node[0] at byte 0 has 9223372036854775807 bytes")));
}

TEST(GraphDefTest, NamesMustBeText) {
  std::string bytes = "\x0a\x09\x0a\x01x\x12\x04NoOp";
  ASSERT_OK(ParseGraphDef(bytes));
  bytes[4] = '\xff';
  EXPECT_THAT(
      ParseGraphDef(bytes),
      StatusIs(
          kInvalid,
          HasSubstr("node[0].name at byte 2 is not valid UTF-8: '\\xff'")));
}

TEST(GraphDefTest, SaysWhereAFileIsCutOff) {
  const std::string bytes = Bytes(Small());
  EXPECT_THAT(ParseGraphDef(bytes.substr(0, 60)),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("damaged GraphDef: node[1] at byte "),
                             HasSubstr("but the data ends after "))));
}

// Cut off after any byte, a file is an error, or it is the nodes that came
// before, which the importer may find complete.
TEST(GraphDefTest, NothingIsImportedInPart) {
  const proto::GraphDef whole = Small();
  const std::string bytes = Bytes(whole);
  int errors = 0;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const absl::StatusOr<proto::GraphDef> graph =
        ParseGraphDef(bytes.substr(0, size));
    if (!graph.ok()) {
      ++errors;
      continue;
    }
    proto::GraphDef prefix = whole;
    if (graph->node_size() < whole.node_size()) prefix.clear_versions();
    if (!graph->has_versions()) prefix.clear_versions();
    prefix.mutable_node()->DeleteSubrange(
        graph->node_size(), whole.node_size() - graph->node_size());
    EXPECT_EQ(Bytes(*graph), Bytes(prefix)) << size;
  }
  EXPECT_GE(errors, static_cast<int>(bytes.size()) - 5);
}

TEST(GraphDefTest, NoFlippedBitDoesHarm) {
  const std::string bytes = Bytes(Small());
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    const absl::StatusOr<proto::GraphDef> graph = ParseGraphDef(flipped);
    if (graph.ok()) (void)ImportGraphDef(*graph);
  }
}

TEST(TextFormatTest, TextBeyondAnIntIsRefused) {
  // Never read: only its size counts.
  const absl::string_view huge("", size_t{1} << 31);
  proto::GraphDef graph;
  EXPECT_THAT(ParseText(huge, &graph),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ParseBinary(huge, &graph),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace weft
