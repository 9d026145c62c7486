#include "graph/op.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr DataType kFloat = DataType::kFloat;
constexpr DataType kInt32 = DataType::kInt32;

// What Complete makes of an op: its attrs and outputs, or the error.
struct Completed {
  AttrMap attrs;
  std::vector<DataType> outputs;
};
absl::StatusOr<Completed> Complete(const OpSchema& op,
                                   const std::vector<DataType>& inputs,
                                   AttrMap attrs = {}) {
  Completed result{std::move(attrs), {}};
  const absl::Status status =
      op.Complete(inputs, &result.attrs, &result.outputs);
  if (!status.ok()) return status;
  return result;
}

OpSchema Op() { return OpSchema("Test"); }

TEST(OpTest, ReadsArgumentsAsTheyAreWritten) {
  const OpSchema op = Op().Input("x: T")
                          .Input("axis: int32")
                          .Input("values: N*T")
                          .Input("rest: Trest[]")
                          .Output("y: resource");
  EXPECT_EQ(op.inputs()[0].type_attr, "T");
  EXPECT_EQ(op.inputs()[1].type, kInt32);
  EXPECT_EQ(op.inputs()[2].number_attr, "N");
  EXPECT_EQ(op.inputs()[2].type_attr, "T");
  EXPECT_EQ(op.inputs()[3].type_list_attr, "Trest");
  EXPECT_EQ(op.outputs()[0].type, DataType::kResource);
}

TEST(OpTest, TypesFollowFromInputs) {
  const OpSchema op = Op().Input("x: T").Input("y: T").Output("z: T").Type("T");
  ASSERT_OK_AND_ASSIGN(const Completed done, Complete(op, {kFloat, kFloat}));
  EXPECT_EQ(done.attrs.Get<DataType>("T"), kFloat);
  EXPECT_THAT(done.outputs, ElementsAre(kFloat));
  EXPECT_THAT(
      Complete(op, {kFloat, kInt32}),
      StatusIs(
          kInvalid,
          HasSubstr("input 'y' is int32 but must be float32, as attr 'T'")));
  EXPECT_THAT(
      Complete(op, {kFloat, kFloat}, {{"T", kInt32}}),
      StatusIs(kInvalid, HasSubstr("input 'x' is float32 but must be int32")));
}

TEST(OpTest, FixedTypesAreFixed) {
  const OpSchema op = Op().Input("axis: int32").Output("y: bool");
  ASSERT_OK_AND_ASSIGN(const Completed done, Complete(op, {kInt32}));
  EXPECT_THAT(done.outputs, ElementsAre(DataType::kBool));
  EXPECT_THAT(Complete(op, {kFloat}),
              StatusIs(kInvalid,
                       HasSubstr("input 'axis' is float32 but must be int32")));
}

TEST(OpTest, NumbersOfInputsFollowFromInputs) {
  const OpSchema op = Op().Input("values: N*T")
                          .Input("axis: int32")
                          .Output("y: T")
                          .Number("N", 2)
                          .Type("T");
  ASSERT_OK_AND_ASSIGN(const Completed done,
                       Complete(op, {kFloat, kFloat, kFloat, kInt32}));
  EXPECT_EQ(done.attrs.Get<int64_t>("N"), 3);
  EXPECT_THAT(
      Complete(op, {kFloat, kInt32}),
      StatusIs(kInvalid, HasSubstr("attr 'N' is 1 but must be at least 2")));
  EXPECT_THAT(Complete(op, {kFloat, kFloat, kInt32}, {{"N", 3}}),
              StatusIs(kInvalid));
  EXPECT_THAT(Complete(op, {kFloat, kFloat, kInt32}, {{"N", -1}}),
              StatusIs(kInvalid, HasSubstr("attr 'N' is -1")));
  EXPECT_THAT(Complete(op, {}), StatusIs(kInvalid));
}

TEST(OpTest, TypeListsFollowFromInputs) {
  const OpSchema op = Op().Input("xs: T[]").Output("ys: T[]").TypeList("T", 1);
  ASSERT_OK_AND_ASSIGN(const Completed done, Complete(op, {kFloat, kInt32}));
  EXPECT_THAT(done.attrs.Get<std::vector<DataType>>("T"),
              ElementsAre(kFloat, kInt32));
  EXPECT_THAT(done.outputs, ElementsAre(kFloat, kInt32));
  EXPECT_THAT(Complete(op, {}),
              StatusIs(kInvalid, HasSubstr("has a length of 0")));
  EXPECT_THAT(Complete(op, {kFloat}, {{"T", std::vector<DataType>{kInt32}}}),
              StatusIs(kInvalid, HasSubstr("input 'xs[0]' is float32")));
  EXPECT_THAT(
      Complete(op, {kFloat}, {{"T", std::vector<DataType>{kFloat, kFloat}}}),
      StatusIs(kInvalid, HasSubstr("has 2 types, but 1 inputs are left")));
}

TEST(OpTest, DefaultsAreFilledIn) {
  const OpSchema op =
      Op().Attr("slope", 0.2f).Type("Tidx", {kInt32, DataType::kInt64}, kInt32);
  ASSERT_OK_AND_ASSIGN(const Completed done, Complete(op, {}));
  EXPECT_EQ(done.attrs.Get<float>("slope"), 0.2f);
  EXPECT_EQ(done.attrs.Get<DataType>("Tidx"), kInt32);
}

TEST(OpTest, ChecksAttrs) {
  const OpSchema op =
      Op().RequiredAttr("padding", AttrKind::kString, {"SAME", "VALID"})
          .Attr("summarize", 3)
          .Type("T", {kFloat, DataType::kDouble}, kFloat);
  EXPECT_OK(Complete(op, {}, {{"padding", "SAME"}, {"_class", "anything"}}));
  EXPECT_THAT(
      Complete(op, {}),
      StatusIs(kInvalid, HasSubstr("attr 'padding' (string) is missing")));
  EXPECT_THAT(
      Complete(op, {}, {{"padding", "FULL"}}),
      StatusIs(
          kInvalid,
          HasSubstr("is \"FULL\" but must be one of \"SAME\", \"VALID\"")));
  EXPECT_THAT(Complete(op, {}, {{"padding", 1}}),
              StatusIs(kInvalid, HasSubstr("is 1 (int) but must be a string")));
  EXPECT_THAT(Complete(op, {}, {{"padding", "SAME"}, {"colour", 1}}),
              StatusIs(kInvalid,
                       HasSubstr("attr 'colour' is not one of Test's: padding, "
                                 "summarize, T")));
  EXPECT_THAT(
      Complete(op, {}, {{"padding", "SAME"}, {"T", kInt32}}),
      StatusIs(kInvalid,
               HasSubstr("attr 'T' is int32 but must be one of float32")));
}

// In a file an empty list has no kind.
TEST(OpTest, AnEmptyListTakesTheKindThatIsWanted) {
  const OpSchema op = Op().Attr("names", std::vector<std::string>{"x"});
  ASSERT_OK_AND_ASSIGN(const Completed done,
                       Complete(op, {}, {{"names", std::vector<int64_t>{}}}));
  EXPECT_TRUE(done.attrs.Get<std::vector<std::string>>("names").empty());
  EXPECT_THAT(Complete(op, {}, {{"names", std::vector<int64_t>{1}}}),
              StatusIs(kInvalid));
}

TEST(OpTest, OutputsAreLimited) {
  const OpSchema op = Op().Output("ys: N*float32").Number("N");
  ASSERT_OK_AND_ASSIGN(const Completed done, Complete(op, {}, {{"N", 3}}));
  EXPECT_THAT(done.outputs, ElementsAre(kFloat, kFloat, kFloat));
  EXPECT_THAT(
      Complete(op, {}, {{"N", int64_t{1} << 40}}),
      StatusIs(kInvalid,
               HasSubstr("attr 'N' is 1099511627776 but a node has at most")));
}

TEST(OpTest, TraitsImplyWhatTheyMean) {
  EXPECT_TRUE(Op().WritesVariable(0).traits().stateful);
  EXPECT_TRUE(Op().RandomStream().traits().stateful);
  EXPECT_TRUE(Op().Asserts().traits().stateful);
  EXPECT_FALSE(Op().ReadsVariable(0).traits().stateful);
  EXPECT_EQ(Op().Pointwise("tanh").traits().pointwise->micro_op, "tanh");
}

TEST(OpRegistryTest, FindsOpsByName) {
  ASSERT_NE(OpRegistry::Global().Find("MatMul"), nullptr);
  EXPECT_EQ(OpRegistry::Global().Find("MatMul")->name(), "MatMul");
  EXPECT_EQ(OpRegistry::Global().Find("Matmul"), nullptr);
  const std::vector<const OpSchema*> all = OpRegistry::Global().All();
  for (size_t i = 1; i < all.size(); ++i)
    EXPECT_LT(all[i - 1]->name(), all[i]->name());
}

}  // namespace
}  // namespace weft
