#include "core/attr.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Names(const AttrMap& attrs) {
  std::vector<std::string> names;
  for (const auto& [name, value] : attrs) names.push_back(name);
  return names;
}

FunctionName Function(std::string name, AttrMap attrs) {
  return {std::move(name), std::make_shared<const AttrMap>(std::move(attrs))};
}

TEST(AttrValueTest, ConvertsFromWhatCallSitesWrite) {
  EXPECT_EQ(AttrValue(1).kind(), AttrKind::kInt);
  EXPECT_EQ(AttrValue(int64_t{1}).kind(), AttrKind::kInt);
  EXPECT_EQ(AttrValue(0.5f).kind(), AttrKind::kFloat);
  EXPECT_EQ(AttrValue(true).kind(), AttrKind::kBool);
  EXPECT_EQ(AttrValue("SAME").kind(), AttrKind::kString);
  EXPECT_EQ(AttrValue(std::string("SAME")).kind(), AttrKind::kString);
  EXPECT_EQ(AttrValue(DataType::kFloat).kind(), AttrKind::kType);
  EXPECT_EQ(AttrValue(TensorShape{2}).kind(), AttrKind::kShape);
  EXPECT_EQ(AttrValue(Tensor::Scalar(1.0f)).kind(), AttrKind::kTensor);
  EXPECT_EQ(AttrValue(FunctionName{"f", nullptr}).kind(), AttrKind::kFunction);
  EXPECT_EQ(AttrValue(std::vector<int64_t>{1}).kind(), AttrKind::kInts);
  EXPECT_EQ(AttrValue(std::vector<bool>{true}).kind(), AttrKind::kBools);
  EXPECT_EQ(AttrValue(std::vector<FunctionName>{}).kind(),
            AttrKind::kFunctions);
}

TEST(AttrValueTest, KindsHaveTheNamesOfOpDefinitions) {
  EXPECT_EQ(AttrKindName(AttrKind::kInt), "int");
  EXPECT_EQ(AttrKindName(AttrKind::kFunction), "func");
  EXPECT_EQ(AttrKindName(AttrKind::kTypes), "list(type)");
  EXPECT_EQ(AttrKindName(AttrKind::kFunctions), "list(func)");
}

TEST(AttrValueTest, PrintsAsInMessages) {
  EXPECT_EQ(AttrValue(3).ToString(), "3");
  EXPECT_EQ(AttrValue(0.5f).ToString(), "0.5");
  EXPECT_EQ(AttrValue(true).ToString(), "true");
  EXPECT_EQ(AttrValue("a\nb").ToString(), "\"a\\nb\"");
  EXPECT_EQ(AttrValue(DataType::kFloat).ToString(), "float32");
  EXPECT_EQ(AttrValue(TensorShape{-1, 28}).ToString(), "[?, 28]");
  EXPECT_EQ(AttrValue(Tensor::Vector<int32_t>({1, 2})).ToString(),
            "int32 [2] {1, 2}");
  EXPECT_EQ(AttrValue(FunctionName{"f", nullptr}).ToString(), "f");
  EXPECT_EQ(
      AttrValue(Function("f", {{"T", DataType::kInt32}, {"n", 2}})).ToString(),
      "f(T = int32, n = 2)");
  EXPECT_EQ(AttrValue(std::vector<std::string>{"a", "b"}).ToString(),
            "[\"a\", \"b\"]");
  EXPECT_EQ(AttrValue(std::vector<bool>{true, false}).ToString(),
            "[true, false]");
  EXPECT_EQ(AttrValue(std::vector<int64_t>(17, 1)).ToString(),
            "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ...]");
}

TEST(AttrValueTest, EqualValuesAreEqual) {
  EXPECT_EQ(AttrValue(3), AttrValue(int64_t{3}));
  EXPECT_FALSE(AttrValue(3) == AttrValue(4));
  EXPECT_FALSE(AttrValue(1) == AttrValue(true));
  EXPECT_EQ(AttrValue(Function("f", {{"n", 1}})),
            AttrValue(Function("f", {{"n", 1}})));
  EXPECT_FALSE(AttrValue(Function("f", {{"n", 1}})) ==
               AttrValue(Function("f", {})));
  EXPECT_EQ(AttrValue(Function("f", {})),
            AttrValue(FunctionName{"f", nullptr}));
}

TEST(AttrValueTest, TensorsAreComparedByValue) {
  const AttrValue a = Tensor::Vector<float>({1, 2});
  EXPECT_EQ(a, AttrValue(Tensor::Vector<float>({1, 2})));
  EXPECT_FALSE(a == AttrValue(Tensor::Vector<float>({1, 3})));
  EXPECT_FALSE(a == AttrValue(Tensor::Of<float>({1, 2}, {1, 2})));
  EXPECT_FALSE(a == AttrValue(Tensor::Vector<double>({1, 2})));
  EXPECT_EQ(AttrValue(Tensor::Scalar(std::string("x"))),
            AttrValue(Tensor::Scalar(std::string("x"))));
  EXPECT_FALSE(AttrValue(Tensor::Scalar(std::string("x"))) ==
               AttrValue(Tensor::Scalar(std::string("y"))));
  EXPECT_EQ(AttrValue(std::vector<Tensor>{Tensor::Scalar(1)}),
            AttrValue(std::vector<Tensor>{Tensor::Scalar(1)}));
  EXPECT_EQ(AttrValue(Tensor()), AttrValue(Tensor()));
}

TEST(AttrMapTest, KeepsTheOrderOfNames) {
  AttrMap attrs = {{"transpose_b", true}, {"T", DataType::kFloat}};
  attrs.Set("axis", 1);
  EXPECT_THAT(Names(attrs), ElementsAre("T", "axis", "transpose_b"));
}

TEST(AttrMapTest, FindsReplacesAndErases) {
  AttrMap attrs = {{"axis", 1}, {"axis", 2}};
  EXPECT_EQ(attrs.size(), 1u);
  EXPECT_EQ(attrs.Get<int64_t>("axis"), 2);
  attrs.Set("axis", "x");
  EXPECT_EQ(attrs.Get<std::string>("axis"), "x");
  EXPECT_EQ(attrs.Find("axi"), nullptr);
  attrs.Erase("other");
  EXPECT_FALSE(attrs.empty());
  attrs.Erase("axis");
  EXPECT_TRUE(attrs.empty());
}

TEST(AttrMapTest, ComparesByValue) {
  EXPECT_TRUE(AttrMap({{"a", 1}, {"b", 2}}) == AttrMap({{"b", 2}, {"a", 1}}));
  EXPECT_FALSE(AttrMap({{"a", 1}}) == AttrMap({{"a", 2}}));
  EXPECT_FALSE(AttrMap({{"a", 1}}) == AttrMap());
}

TEST(AttrMapDeathTest, GetNeedsAnAttrOfThatType) {
  const AttrMap attrs = {{"axis", 1}};
  EXPECT_DEATH(attrs.Get<float>("axis"), "check failed");
  EXPECT_DEATH(attrs.Get<int64_t>("axes"), "check failed");
}

}  // namespace
}  // namespace weft
