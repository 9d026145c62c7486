#include "tests/testing/op_table.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Errors(const std::string& text) {
  proto::GraphDef graph;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &graph));
  std::vector<std::string> errors =
      OpTableErrors(LoadOpTable(kTfOpTable), graph);
  std::sort(errors.begin(), errors.end());
  return errors;
}

constexpr char kX[] =
    "node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: "
    "DT_FLOAT } } }";
constexpr char kT[] = "attr { key: 'T' value { type: DT_FLOAT } }";

TEST(OpTableTest, HasARowForEachOp) {
  const OpTable& table = LoadOpTable(kTfOpTable);
  EXPECT_EQ(table.size(), 332u);

  const OpTableRow& pack = table.at("Pack");
  ASSERT_EQ(pack.inputs.size(), 1u);
  EXPECT_EQ(pack.inputs[0].name, "values");
  EXPECT_EQ(pack.inputs[0].type, "T");
  EXPECT_EQ(pack.inputs[0].count, "N");
  ASSERT_EQ(pack.attrs.size(), 3u);
  EXPECT_EQ(pack.attrs[2].name, "axis");
  EXPECT_EQ(pack.attrs[2].type, "int");
  EXPECT_EQ(pack.attrs[2].default_value, "0");
  EXPECT_FALSE(pack.attrs[0].default_value);

  EXPECT_EQ(table.at("While").inputs[0].count, "T");
  EXPECT_TRUE(table.at("Assign").inputs[0].is_ref);
  EXPECT_THAT(table.at("NoOp").inputs, IsEmpty());
}

TEST(OpTableTest, CountsAndTypesOfArgumentsAreFixedOrAttrs) {
  for (const auto& [name, row] : LoadOpTable(kTfOpTable)) {
    auto has_attr = [&row = row](const std::string& attr) {
      return std::any_of(row.attrs.begin(), row.attrs.end(),
                         [&](const auto& a) { return a.name == attr; });
    };
    auto is_data_type = [](const std::string& type) {
      proto::DataType value;
      std::string upper = "DT_" + type;
      std::transform(upper.begin(), upper.end(), upper.begin(), ::toupper);
      return proto::DataType_Parse(upper, &value);
    };
    for (const auto* args : {&row.inputs, &row.outputs}) {
      for (const OpTableRow::Arg& arg : *args) {
        EXPECT_TRUE(arg.count.empty() || has_attr(arg.count)) << name;
        EXPECT_TRUE(is_data_type(arg.type) || has_attr(arg.type)) << name;
      }
    }
  }
}

TEST(OpTableTest, RefusesLinesThatAreNoRows) {
  std::string error;
  EXPECT_FALSE(ParseOpTable("Add | x: T, y: T | z: T", &error));
  EXPECT_THAT(error, HasSubstr("Add | x"));
  EXPECT_FALSE(ParseOpTable("Neg | x | y: T | T: type", &error));
  EXPECT_FALSE(ParseOpTable("NoOp | | |\nNoOp | | |", &error));
  EXPECT_TRUE(ParseOpTable("# Comment\nNoOp | | |\n", &error));
}

TEST(OpTableTest, AcceptsTensorFlowsOps) {
  EXPECT_THAT(
      Errors(std::string(kX) +
             "node { name: 'p' op: 'Pack' input: ['x', 'x:0', '^x'] " + kT +
             "  attr { key: 'N' value { i: 2 } }"
             "  attr { key: '_free' value { b: true } } }"),
      IsEmpty());
}

TEST(OpTableTest, NamesUnknownOpsAndAttrs) {
  EXPECT_THAT(Errors(std::string("node { name: 'f' op: 'Fused' }"
                                 "node { name: 'n' op: 'NoOp' ") +
                     kT + "}"),
              ElementsAre("Fused 'f': not an op of TensorFlow",
                          "NoOp 'n': has no attr T"));
}

TEST(OpTableTest, NamesMissingAndMistypedAttrs) {
  EXPECT_THAT(Errors("node { name: 'x' op: 'Placeholder' }"
                     "node { name: 'y' op: 'Placeholder' "
                     "attr { key: 'dtype' value { i: 1 } } }"),
              ElementsAre("Placeholder 'x': attr dtype is missing",
                          "Placeholder 'y': attr dtype is int, must be type"));
}

TEST(OpTableTest, CountsInputsAndOutputs) {
  EXPECT_THAT(Errors(std::string(kX) +
                     "node { name: 'a' op: 'Add' input: ['x', '^x'] " + kT +
                     "} node { name: 'n' op: 'Neg' input: 'x:1' " + kT + "}"),
              ElementsAre("Add 'a': has 1 inputs, must have 2",
                          "Neg 'n': no output is called 'x:1'"));
}

TEST(OpTableTest, LooksIntoFunctions) {
  std::string function =
      "library { function { signature { name: 'F' input_arg { name: 'a' } }"
      "  node_def { name: 'n' op: 'Neg' input: 'a' "
      "    attr { key: 'T' value { placeholder: 'T' } } }"
      "  node_def { name: 'm' op: 'Neg' input: 'n:z:0' ";
  EXPECT_THAT(Errors(function + kT + "} } }" + kX +
                     "node { name: 'f' op: 'F' input: ['x', 'x'] }"),
              ElementsAre("F 'f': has 2 inputs, must have 1",
                          "F: Neg 'm': no output is called 'n:z:0'"));
}

}  // namespace
}  // namespace weft
