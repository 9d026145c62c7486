#include "graph/attr_proto.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "graph/text_format.h"
#include "gtest/gtest.h"
#include "proto/graph.pb.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<AttrValue> Read(absl::string_view text,
                               const AttrMap* function_attrs = nullptr) {
  proto::AttrValue proto;
  EXPECT_OK(ParseText(text, &proto)) << text;
  TensorBudget budget(1 << 20);
  return AttrReader(&budget, function_attrs).Read(proto);
}

TEST(AttrProtoTest, WhatIsWrittenIsReadBack) {
  const Tensor tensor = Tensor::Vector<float>({1, 2});
  const FunctionName function = {
      "f", std::make_shared<AttrMap>(AttrMap{
               {"T", DataType::kFloat}, {"g", FunctionName{"g", nullptr}}})};
  const AttrValue values[] = {
      int64_t{-3},
      0.1f,
      true,
      false,
      std::string("a\0b", 3),
      "",
      DataType::kVariant,
      TensorShape{2, -1},
      tensor,
      function,
      std::vector<int64_t>{1, -2},
      std::vector<int64_t>{},
      std::vector<float>{0.5f, -1e30f},
      std::vector<bool>{true, false},
      std::vector<std::string>{"loc:@x", ""},
      std::vector<DataType>{DataType::kFloat, DataType::kResource},
      std::vector<TensorShape>{{}, TensorShape::UnknownRank()},
      std::vector<Tensor>{tensor, tensor},
      std::vector<FunctionName>{function, {"h", nullptr}},
  };
  for (const AttrValue& value : values) {
    proto::AttrValue proto;
    ASSERT_OK(AttrToProto(value, &proto));
    ASSERT_OK_AND_ASSIGN(const AttrValue read, Read(PrintText(proto)));
    EXPECT_EQ(read, value) << value.ToString();
  }
}

TEST(AttrProtoTest, FalseAndZeroAreWritten) {
  proto::AttrValue proto;
  ASSERT_OK(AttrToProto(false, &proto));
  EXPECT_TRUE(proto.has_b());
  ASSERT_OK(AttrToProto(0, &proto));
  EXPECT_TRUE(proto.has_i());
}

TEST(AttrProtoTest, APlaceholderIsTheFunctionsAttr) {
  const AttrMap attrs = {{"T", DataType::kDouble}};
  ASSERT_OK_AND_ASSIGN(const AttrValue value, Read("placeholder: 'T'", &attrs));
  EXPECT_EQ(value, AttrValue(DataType::kDouble));
  ASSERT_OK_AND_ASSIGN(
      const AttrValue function,
      Read("func { name: 'f' attr { key: 'U' value { placeholder: 'T' } } }",
           &attrs));
  EXPECT_EQ(function.get_if<FunctionName>()->attrs->Get<DataType>("U"),
            DataType::kDouble);
  EXPECT_THAT(
      Read("placeholder: 'N'", &attrs),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("attr 'N'")));
  EXPECT_THAT(
      Read("placeholder: 'T'"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is not in one")));
}

TEST(AttrProtoTest, AMistakeInAFunctionSaysWhere) {
  EXPECT_THAT(Read("func { name: 'f' attr { key: 'T' value { type: 0 } } }"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("function 'f': attr 'T': DataType 0")));
}

TEST(AttrProtoTest, FunctionsInAttrsOfFunctionsHaveALimit) {
  proto::AttrValue attr;
  proto::AttrValue* inner = &attr;
  for (int i = 0; i < 1000; ++i)
    inner = &(*inner->mutable_func()->mutable_attr())["f"];
  inner->set_i(1);
  TensorBudget budget(0);
  EXPECT_THAT(AttrReader(&budget, nullptr).Read(attr),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("nested too deep")));
}

}  // namespace
}  // namespace weft
