#include "graph/tensor_proto.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/attr.h"
#include "gmock/gmock.h"
#include "graph/text_format.h"
#include "gtest/gtest.h"
#include "proto/graph.pb.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

proto::TensorProto Proto(absl::string_view text) {
  proto::TensorProto proto;
  EXPECT_OK(ParseText(text, &proto)) << text;
  return proto;
}

absl::StatusOr<Tensor> Read(absl::string_view text) {
  TensorBudget budget(1 << 20);
  return TensorFromProto(Proto(text), &budget);
}

template <typename T>
std::vector<T> Values(absl::string_view text) {
  const absl::StatusOr<Tensor> tensor = Read(text);
  EXPECT_OK(tensor) << text;
  if (!tensor.ok() || tensor->dtype() != DataTypeOf<T>()) return {};
  return std::vector<T>(tensor->data<T>().begin(), tensor->data<T>().end());
}

TEST(TensorProtoTest, ReadsContentRowByRow) {
  const absl::StatusOr<Tensor> tensor = Read(
      "dtype: DT_INT16 tensor_shape { dim { size: 2 } dim { size: 1 } } "
      "tensor_content: '\\001\\002\\377\\377'");
  ASSERT_OK(tensor);
  EXPECT_EQ(tensor->shape(), (TensorShape{2, 1}));
  EXPECT_THAT(tensor->data<int16_t>(), ElementsAre(0x201, -1));
}

TEST(TensorProtoTest, TheLastValueFillsTheRest) {
  EXPECT_THAT(
      Values<float>(
          "dtype: DT_FLOAT tensor_shape { dim { size: 4 } } float_val: 7"),
      ElementsAre(7, 7, 7, 7));
  EXPECT_THAT(Values<double>("dtype: DT_DOUBLE tensor_shape { dim { size: 4 } "
                             "} double_val: [1, 2]"),
              ElementsAre(1, 2, 2, 2));
  EXPECT_THAT(Values<std::string>("dtype: DT_STRING tensor_shape { dim { size: "
                                  "3 } } string_val: ['a', 'b']"),
              ElementsAre("a", "b", "b"));
}

TEST(TensorProtoTest, NoValuesAreZeros) {
  EXPECT_THAT(
      Values<int64_t>("dtype: DT_INT64 tensor_shape { dim { size: 2 } }"),
      ElementsAre(0, 0));
  EXPECT_THAT(
      Values<std::string>("dtype: DT_STRING tensor_shape { dim { size: 1 } }"),
      ElementsAre(""));
  EXPECT_THAT(Values<float>("dtype: DT_FLOAT tensor_shape { dim { size: 0 } }"),
              ElementsAre());
  // 0 x 2^62: no elements, whatever the other dims are.
  EXPECT_OK(
      Read("dtype: DT_FLOAT tensor_shape { dim { size: 0 } dim { size: "
           "4611686018427387904 } }"));
}

TEST(TensorProtoTest, ReadsEachDtypeFromItsList) {
  EXPECT_THAT(Values<int32_t>("dtype: DT_INT32 int_val: -5"), ElementsAre(-5));
  EXPECT_THAT(Values<uint8_t>("dtype: DT_UINT8 int_val: 255"),
              ElementsAre(255));
  EXPECT_THAT(Values<int8_t>("dtype: DT_INT8 int_val: -128"),
              ElementsAre(-128));
  EXPECT_THAT(Values<uint16_t>("dtype: DT_UINT16 int_val: 65535"),
              ElementsAre(65535));
  EXPECT_THAT(Values<int64_t>("dtype: DT_INT64 int64_val: -9000000000"),
              ElementsAre(-9000000000));
  EXPECT_THAT(Values<uint32_t>("dtype: DT_UINT32 uint32_val: 4000000000"),
              ElementsAre(4000000000));
  EXPECT_THAT(
      Values<uint64_t>("dtype: DT_UINT64 uint64_val: 18000000000000000000"),
      ElementsAre(18000000000000000000u));
  EXPECT_THAT(Values<bool>("dtype: DT_BOOL bool_val: true"), ElementsAre(true));
  EXPECT_THAT(Values<Half>("dtype: DT_HALF half_val: 15360"),
              ElementsAre(ToHalf(1)));
  EXPECT_THAT(Values<Bfloat16>("dtype: DT_BFLOAT16 half_val: 16256"),
              ElementsAre(ToBfloat16(1)));
}

TEST(TensorProtoTest, ABoolIsZeroOrOneWhateverItsByteIs) {
  const absl::StatusOr<Tensor> tensor = Read(
      "dtype: DT_BOOL tensor_shape { dim { size: 3 } } tensor_content: "
      "'\\000\\001\\002'");
  ASSERT_OK(tensor);
  EXPECT_THAT(tensor->data<bool>(), ElementsAre(false, true, true));
  EXPECT_EQ(static_cast<const char*>(tensor->raw_data())[2], 1);
}

TEST(TensorProtoTest, RefusesTypesWithoutElementsInFiles) {
  EXPECT_THAT(
      Read("dtype: DT_COMPLEX64"),
      StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("DT_COMPLEX64")));
  EXPECT_THAT(
      Read("dtype: DT_RESOURCE resource_handle_val {}"),
      StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("resource")));
  EXPECT_THAT(
      Read("dtype: DT_FLOAT tensor_shape { unknown_rank: true }"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("must be known")));
}

TEST(TensorProtoTest, StringsHaveNoContent) {
  EXPECT_THAT(
      Read("dtype: DT_STRING tensor_content: 'abc'"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is a string")));
}

TEST(TensorProtoTest, TheBudgetIsForAllTensorsTogether) {
  TensorBudget budget(10);
  const proto::TensorProto six =
      Proto("dtype: DT_INT8 tensor_shape { dim { size: 6 } } int_val: 1");
  EXPECT_OK(TensorFromProto(six, &budget));
  EXPECT_THAT(
      TensorFromProto(six, &budget),
      StatusIs(absl::StatusCode::kResourceExhausted,
               HasSubstr("6 elements of 1 bytes are more than the 4 bytes")));
}

TEST(TensorProtoTest, WritesEqualElementsOnce) {
  proto::TensorProto proto;
  ASSERT_OK(TensorToProto(
      Tensor::Of<float>({1000}, std::vector<float>(1000, 1.5f)), &proto));
  EXPECT_EQ(proto.float_val_size(), 1);
  EXPECT_EQ(proto.float_val(0), 1.5f);
  EXPECT_TRUE(proto.tensor_content().empty());
}

TEST(TensorProtoTest, ZerosOfBothSignsAreNotEqual) {
  proto::TensorProto proto;
  ASSERT_OK(TensorToProto(Tensor::Vector<float>({0.0f, -0.0f}), &proto));
  EXPECT_EQ(proto.float_val_size(), 0);
  EXPECT_EQ(proto.tensor_content().size(), 8u);
}

// Each tensor is read back as it was, from the binary and from the text form.
TEST(TensorProtoTest, WhatIsWrittenIsReadBack) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor tensors[] = {
      Tensor::Scalar(1.0f),
      Tensor::Scalar(0.1),
      Tensor::Of<float>({2, 2}, {1, -2, 1e-40f, INFINITY}),
      Tensor::Of<float>({2}, {-nan, nan}),
      Tensor::Of<double>({3}, {0.1, 0.1, 0.1}),
      Tensor::Vector<int32_t>({1, -1}),
      Tensor::Vector<int64_t>({INT64_MIN, INT64_MAX}),
      Tensor::Vector<uint64_t>({UINT64_MAX}),
      Tensor::Vector<uint32_t>({UINT32_MAX, 0}),
      Tensor::Vector<int8_t>({-128, 127}),
      Tensor::Vector<uint8_t>({255}),
      Tensor::Vector<int16_t>({-5, 5}),
      Tensor::Vector<uint16_t>({65535}),
      Tensor::Vector<bool>({true, false}),
      Tensor::Vector<bool>({true, true}),
      Tensor::Vector<Half>({ToHalf(-2), ToHalf(-2)}),
      Tensor::Vector<Bfloat16>({ToBfloat16(1), ToBfloat16(3)}),
      Tensor::Vector<std::string>({"", std::string("\0\xff\n\"", 4), "text"}),
      Tensor::Of<float>({0, 3}, {}),
      Tensor::Scalar<std::string>("x"),
  };
  for (const Tensor& tensor : tensors) {
    proto::TensorProto proto;
    ASSERT_OK(TensorToProto(tensor, &proto));
    TensorBudget budget(1 << 20);
    ASSERT_OK_AND_ASSIGN(const Tensor binary, TensorFromProto(proto, &budget));
    EXPECT_EQ(AttrValue(binary), AttrValue(tensor)) << tensor.ToString();
    ASSERT_OK_AND_ASSIGN(const Tensor text,
                         TensorFromProto(Proto(PrintText(proto)), &budget));
    EXPECT_EQ(AttrValue(text), AttrValue(tensor)) << tensor.ToString();
  }
}

TEST(ShapeProtoTest, WhatIsWrittenIsReadBack) {
  for (const TensorShape& shape :
       {TensorShape{}, TensorShape{2, -1, 0}, TensorShape::UnknownRank()}) {
    proto::TensorShapeProto proto;
    ShapeToProto(shape, &proto);
    EXPECT_THAT(ShapeFromProto(proto), IsOk());
    EXPECT_EQ(*ShapeFromProto(proto), shape);
  }
}

TEST(DataTypeProtoTest, TellsApartWhatIsWrongAndWhatIsMissing) {
  EXPECT_EQ(*DataTypeFromProto(1), DataType::kFloat);
  EXPECT_THAT(DataTypeFromProto(0),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DataTypeFromProto(-1),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DataTypeFromProto(9999),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      DataTypeFromProto(101),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("reference")));
  EXPECT_THAT(DataTypeFromProto(18), StatusIs(absl::StatusCode::kUnimplemented,
                                              HasSubstr("DT_COMPLEX128")));
}

}  // namespace
}  // namespace weft
