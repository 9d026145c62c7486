// What is known of lists before anything runs, so that loops over them are laid
// out once.
#include <memory>
#include <vector>

#include "core/kernel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

constexpr DataType kFloat = DataType::kFloat;
constexpr DataType kInt32 = DataType::kInt32;
constexpr DataType kVariant = DataType::kVariant;

ListShape List(ListShape::Kind kind, const TensorShape& element, int64_t size) {
  ListShape list;
  list.kind = kind;
  list.element = element;
  list.size = size;
  return list;
}

LayoutInput Of(ListShape list) {
  LayoutInput input;
  input.dtype = kVariant;
  input.list = std::move(list);
  return input;
}

LayoutInput Of(DataType dtype, const TensorShape& shape) {
  LayoutInput input;
  input.dtype = dtype;
  input.shape = shape;
  return input;
}

LayoutInput Known(const Tensor& value) {
  LayoutInput input = Of(value.dtype(), value.shape());
  input.value = &value;
  return input;
}

// The layout of one kernel.
class ListLayoutTest : public ::testing::Test {
 protected:
  absl::Status LayOut(const char* op, const AttrMap& attrs,
                      std::vector<LayoutInput> inputs,
                      std::vector<DataType> outputs) {
    inputs_ = std::move(inputs);
    std::vector<DataType> input_types;
    for (const LayoutInput& input : inputs_) input_types.push_back(input.dtype);
    WEFT_ASSIGN_OR_RETURN(
        std::unique_ptr<Kernel> kernel,
        KernelRegistry::Global().Create(op, {.attrs = attrs,
                                             .input_types = input_types,
                                             .output_types = outputs}));
    context_ = std::make_unique<LayoutContext>(inputs_, outputs);
    return kernel->Layout(*context_);
  }
  const LayoutOutput& output(int i = 0) { return context_->outputs()[i]; }
  bool deferred() const { return context_->deferred(); }

  const AttrMap floats_ = {{"element_dtype", kFloat}};
  const AttrMap set_item_ = {{"element_dtype", kFloat},
                             {"resize_if_index_out_of_bounds", false}};
  const AttrMap stack_ = {{"element_dtype", kFloat},
                          {"num_elements", int64_t{-1}}};
  const Tensor unknown_ = Tensor::Scalar<int32_t>(-1);
  const Tensor three_ = Tensor::Scalar<int32_t>(3);
  const LayoutInput index_ = Of(kInt32, {});

 private:
  std::vector<LayoutInput> inputs_;
  std::unique_ptr<LayoutContext> context_;
};

TEST_F(ListLayoutTest, AReservedListHasASizeButNoElements) {
  ASSERT_OK(LayOut("TensorListReserve", floats_,
                   {Known(unknown_), Known(three_)}, {kVariant}));
  EXPECT_EQ(output().list.kind, ListShape::kEmpty);
  EXPECT_EQ(output().list.size, 3);
  const Tensor shape = Tensor::Vector<int32_t>({2, 5});
  ASSERT_OK(
      LayOut("TensorListReserve", floats_, {Known(shape), index_}, {kVariant}));
  EXPECT_EQ(output().list, List(ListShape::kKnown, {2, 5}, -1));
}

TEST_F(ListLayoutTest, AnItemSaysWhatAllAreLike) {
  const ListShape empty = List(ListShape::kEmpty, {}, 3);
  ASSERT_OK(LayOut("TensorListSetItem", set_item_,
                   {Of(empty), index_, Of(kFloat, {2})}, {kVariant}));
  EXPECT_EQ(output().list, List(ListShape::kKnown, {2}, 3));
  ASSERT_OK(LayOut("TensorListPushBack", floats_, {Of(empty), Of(kFloat, {2})},
                   {kVariant}));
  EXPECT_EQ(output().list, List(ListShape::kKnown, {2}, 4));
}

TEST_F(ListLayoutTest, AnItemOfAnotherShapeLeavesItOpen) {
  const ListShape known = List(ListShape::kKnown, {2}, 3);
  ASSERT_OK(LayOut("TensorListSetItem", set_item_,
                   {Of(known), index_, Of(kFloat, {4})}, {kVariant}));
  EXPECT_EQ(output().list.kind, ListShape::kUnknown);
  EXPECT_EQ(output().list.size, 3);
}

TEST_F(ListLayoutTest, ItemsAndStacksFollow) {
  const ListShape known = List(ListShape::kKnown, {2}, 3);
  const AttrMap get = {{"element_dtype", kFloat}, {"Tshape", kInt32}};
  ASSERT_OK(LayOut("TensorListGetItem", get,
                   {Of(known), index_, Known(unknown_)}, {kFloat}));
  EXPECT_FALSE(deferred());
  EXPECT_EQ(output().shape, TensorShape({2}));
  ASSERT_OK(LayOut("TensorListStack", stack_, {Of(known), Known(unknown_)},
                   {kFloat}));
  EXPECT_FALSE(deferred());
  EXPECT_EQ(output().shape, TensorShape({3, 2}));
  ASSERT_OK(LayOut("TensorListPopBack", floats_, {Of(known), Known(unknown_)},
                   {kVariant, kFloat}));
  EXPECT_EQ(output(0).list, List(ListShape::kKnown, {2}, 2));
  EXPECT_EQ(output(1).shape, TensorShape({2}));
  ASSERT_OK(LayOut("TensorListLength", {}, {Of(known)}, {kInt32}));
  EXPECT_THAT(output().value, TensorEq(Tensor::Scalar<int32_t>(3)));
}

TEST_F(ListLayoutTest, TheElementShapeHelpsWhereTheListDoesNot) {
  const ListShape open = List(ListShape::kUnknown, {}, 3);
  const Tensor shape = Tensor::Vector<int32_t>({7});
  ASSERT_OK(LayOut("TensorListGetItem", floats_,
                   {Of(open), index_, Known(shape)}, {kFloat}));
  EXPECT_EQ(output().shape, TensorShape({7}));
  ASSERT_OK(LayOut("TensorListGetItem", floats_,
                   {Of(open), index_, Known(unknown_)}, {kFloat}));
  EXPECT_TRUE(deferred());
  ASSERT_OK(LayOut("TensorListStack", stack_,
                   {Of(List(ListShape::kKnown, {2}, -1)), Known(unknown_)},
                   {kFloat}));
  EXPECT_TRUE(deferred());
}

TEST_F(ListLayoutTest, ListsInListsAreRememberedToo) {
  const ListShape inner = List(ListShape::kKnown, {2}, 3);
  const AttrMap attrs = {{"element_dtype", kVariant},
                         {"resize_if_index_out_of_bounds", false}};
  ASSERT_OK(LayOut("TensorListSetItem", attrs,
                   {Of(List(ListShape::kEmpty, {}, 4)), index_, Of(inner)},
                   {kVariant}));
  const ListShape outer = output().list;
  ASSERT_OK(LayOut("TensorListGetItem", attrs,
                   {Of(outer), index_, Known(unknown_)}, {kVariant}));
  EXPECT_FALSE(deferred());
  EXPECT_EQ(output().list, inner);
}

TEST_F(ListLayoutTest, AWrongElementShapeIsFound) {
  const Tensor shape = Tensor::Vector<int32_t>({7});
  EXPECT_THAT(
      LayOut("TensorListGetItem", floats_,
             {Of(List(ListShape::kKnown, {2}, 3)), index_, Known(shape)},
             {kFloat}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("element_shape is [7]")));
  const Tensor wrong = Tensor::Scalar<int32_t>(5);
  EXPECT_THAT(LayOut("TensorListReserve", floats_,
                     {Known(wrong), Known(three_)}, {kVariant}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("or the scalar -1")));
}

TEST(ListShapeTest, UnionIsWhatHoldsForBoth) {
  const ListShape empty = List(ListShape::kEmpty, {}, 3);
  const ListShape known = List(ListShape::kKnown, {2}, 3);
  const ListShape other = List(ListShape::kKnown, {5}, 4);
  EXPECT_EQ(ListShape::Union(empty, known), known);
  EXPECT_EQ(ListShape::Union(known, empty), known);
  EXPECT_EQ(ListShape::Union(known, known), known);
  EXPECT_EQ(ListShape::Union(known, other).kind, ListShape::kUnknown);
  EXPECT_EQ(ListShape::Union(known, other).size, -1);
}

}  // namespace
}  // namespace weft
