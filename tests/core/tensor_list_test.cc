#include "core/tensor_list.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TensorListTest : public ::testing::Test {
 protected:
  TensorList List(DataType dtype, const TensorShape& element_shape,
                  int64_t size, int64_t capacity = 0) {
    absl::StatusOr<TensorList> list =
        TensorList::Create(dtype, element_shape, size, capacity, allocator_);
    EXPECT_OK(list);
    return *std::move(list);
  }
  // [0, 0], [1, 10], [2, 20], ...
  TensorList Rows(int64_t size) {
    TensorList list = List(DataType::kFloat, {2}, 0);
    for (int64_t i = 0; i < size; ++i) EXPECT_OK(list.PushBack(Row(i)));
    return list;
  }
  static Tensor Row(float i) { return Tensor::Vector<float>({i, 10 * i}); }
  Tensor Stack(const TensorList& list) {
    absl::StatusOr<Tensor> result = list.Stack(allocator_);
    EXPECT_OK(result);
    return result.ok() ? *result : Tensor();
  }

  std::shared_ptr<Allocator> allocator_ =
      Allocator::Create(/*budget_bytes=*/1 << 24);
};

TEST_F(TensorListTest, ElementsAreSetAndStacked) {
  TensorList list = List(DataType::kFloat, {2}, /*size=*/3);
  EXPECT_OK(list.Set(2, Row(2)));  // As a backward layer does.
  EXPECT_OK(list.Set(1, Row(1)));
  EXPECT_OK(list.Set(0, Row(0)));
  ASSERT_OK_AND_ASSIGN(Tensor element, list.Get(1));
  EXPECT_THAT(element, TensorEq(Row(1)));
  EXPECT_THAT(Stack(list),
              TensorEq(Tensor::Of<float>({3, 2}, {0, 0, 1, 10, 2, 20})));
  EXPECT_EQ(list.bytes(), 24u);
}

TEST_F(TensorListTest, GrowsAndShrinks) {
  TensorList list = Rows(100);
  EXPECT_EQ(list.size(), 100);
  EXPECT_THAT(*list.Get(99), TensorEq(Row(99)));
  EXPECT_OK(list.PopBack());
  EXPECT_EQ(list.size(), 99);
  EXPECT_THAT(list.Get(99), StatusIs(absl::StatusCode::kOutOfRange,
                                     "element 99 of a list of 99"));
  EXPECT_OK(list.Resize(2));
  EXPECT_OK(list.Resize(3));
  EXPECT_THAT(Stack(list),
              TensorEq(Tensor::Of<float>({3, 2}, {0, 0, 1, 10, 0, 0})));
}

TEST_F(TensorListTest, StackingAFullListCopiesNothing) {
  TensorList list = List(DataType::kFloat, {2}, /*size=*/0, /*capacity=*/3);
  for (int i = 0; i < 3; ++i) EXPECT_OK(list.PushBack(Row(i)));
  const int64_t allocations = allocator_->num_allocations();
  const Tensor stacked = Stack(list);
  EXPECT_EQ(allocator_->num_allocations(), allocations);
  EXPECT_TRUE(stacked.SharesMemoryWith(*list.Get(0)));
  // Yet the list can change without it.
  EXPECT_OK(list.Set(0, Row(7)));
  EXPECT_THAT(stacked,
              TensorEq(Tensor::Of<float>({3, 2}, {0, 0, 1, 10, 2, 20})));
  EXPECT_THAT(*list.Get(0), TensorEq(Row(7)));
}

TEST_F(TensorListTest, FillingAListAllocatesOnce) {
  TensorList list = List(DataType::kFloat, {2}, /*size=*/50);
  EXPECT_OK(list.Set(0, Row(0)));
  const int64_t allocations = allocator_->num_allocations();
  for (int i = 1; i < 50; ++i) {
    const Tensor last = *list.Get(i - 1);  // Somebody looks at the elements.
    EXPECT_OK(list.Set(i, Row(i)));
    EXPECT_THAT(last, TensorEq(Row(i - 1)));
  }
  EXPECT_EQ(allocator_->num_allocations(), allocations);
}

TEST_F(TensorListTest, ListsThatShareRoomMoveTheirElementsOnce) {
  const auto room = std::make_shared<std::atomic<int64_t>>(0);
  const auto make = [&] {
    return *TensorList::Create(DataType::kFloat, {2}, 0, 0, allocator_, room);
  };
  const TensorList constant = make();
  for (int run = 0; run < 3; ++run) {
    TensorList list = run < 2 ? make() : constant;
    const int64_t before = allocator_->num_allocations();
    for (int i = 0; i < 100; ++i) ASSERT_OK(list.PushBack(Row(i)));
    const int64_t allocations = allocator_->num_allocations() - before;
    if (run == 0) {
      EXPECT_GT(allocations, 4);
    } else {
      EXPECT_LE(allocations, 2) << run;
    }
    EXPECT_THAT(*list.Get(99), TensorEq(Row(99)));
  }
  EXPECT_EQ(*room, 128);
}

TEST_F(TensorListTest, AnElementInSightKeepsItsValue) {
  TensorList list = Rows(3);
  const Tensor before = *list.Get(1);
  EXPECT_OK(list.Set(1, Row(9)));
  EXPECT_THAT(before, TensorEq(Row(1)));
  const Tensor popped = *list.Get(2);
  EXPECT_OK(list.PopBack());
  EXPECT_OK(list.PushBack(Row(8)));
  EXPECT_THAT(popped, TensorEq(Row(2)));
  EXPECT_THAT(Stack(list),
              TensorEq(Tensor::Of<float>({3, 2}, {0, 0, 9, 90, 8, 80})));
}

TEST_F(TensorListTest, CopiesAreValues) {
  TensorList a = Rows(2);
  EXPECT_TRUE(a.IsSoleOwner());
  TensorList b = a;
  EXPECT_FALSE(a.IsSoleOwner());
  EXPECT_OK(b.Set(0, Row(5)));
  EXPECT_OK(a.PushBack(Row(2)));
  EXPECT_THAT(Stack(a),
              TensorEq(Tensor::Of<float>({3, 2}, {0, 0, 1, 10, 2, 20})));
  EXPECT_THAT(Stack(b), TensorEq(Tensor::Of<float>({2, 2}, {5, 50, 1, 10})));
}

TEST_F(TensorListTest, CopiesDoNotMeetInRoomThatIsLeft) {
  TensorList a = List(DataType::kFloat, {2}, /*size=*/0, /*capacity=*/8);
  EXPECT_OK(a.PushBack(Row(0)));
  TensorList b = a;
  EXPECT_OK(b.PushBack(Row(1)));
  EXPECT_OK(a.PushBack(Row(2)));
  TensorList c = a;
  EXPECT_OK(a.PushBack(Row(3)));
  EXPECT_OK(c.PushBack(Row(4)));
  EXPECT_THAT(*a.Get(1), TensorEq(Row(2)));
  EXPECT_THAT(*a.Get(2), TensorEq(Row(3)));
  EXPECT_THAT(*b.Get(1), TensorEq(Row(1)));
  EXPECT_THAT(*c.Get(1), TensorEq(Row(2)));
  EXPECT_THAT(*c.Get(2), TensorEq(Row(4)));
}

TEST_F(TensorListTest, ElementsNotSetAreZero) {
  TensorList list = List(DataType::kInt32, {-1}, /*size=*/3);
  EXPECT_THAT(list.Get(0),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "element 0 was never set, and of its shape only "
                       "[?] is known"));
  EXPECT_THAT(list.Stack(allocator_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("only [?] is common")));
  EXPECT_OK(list.Set(1, Tensor::Vector<int32_t>({4, 5})));
  EXPECT_EQ(list.element_shape(), TensorShape({2}));
  EXPECT_THAT(*list.Get(0), TensorEq(Tensor::Vector<int32_t>({0, 0})));
  EXPECT_THAT(Stack(list),
              TensorEq(Tensor::Of<int32_t>({3, 2}, {0, 0, 4, 5, 0, 0})));
}

TEST_F(TensorListTest, ElementsMustFit) {
  TensorList list = List(DataType::kFloat, {-1, 2}, /*size=*/1);
  EXPECT_THAT(list.Set(0, Tensor::Of<int32_t>({1, 2}, {1, 2})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "the element is int32 but the list's are float32"));
  EXPECT_THAT(list.PushBack(Tensor::Vector<float>({1, 2})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "the element is [2] but the list's are [?, 2]"));
  EXPECT_THAT(list.Set(1, Tensor::Of<float>({1, 2}, {1, 2})),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(list.Set(-1, Tensor::Of<float>({1, 2}, {1, 2})),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_EQ(list.size(), 1);
}

TEST_F(TensorListTest, ShapesMayDiffer) {
  TensorList list = List(DataType::kFloat, {-1}, /*size=*/0);
  EXPECT_OK(list.PushBack(Tensor::Vector<float>({1, 2})));
  const TensorList copy = list;
  EXPECT_OK(list.PushBack(Tensor::Vector<float>({3})));
  EXPECT_OK(list.PushBack(Tensor::Vector<float>({4, 5})));
  EXPECT_THAT(*list.Get(0), TensorEq(Tensor::Vector<float>({1, 2})));
  EXPECT_THAT(*list.Get(1), TensorEq(Tensor::Vector<float>({3})));
  EXPECT_THAT(*list.Get(2), TensorEq(Tensor::Vector<float>({4, 5})));
  EXPECT_EQ(list.element_shape(), TensorShape({-1}));
  EXPECT_THAT(
      list.Stack(allocator_),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          "a list of 3 elements can not be stacked: of their shape only [?] "
          "is common"));
  EXPECT_EQ(copy.size(), 1);
  EXPECT_EQ(list.bytes(), 20u);
}

TEST_F(TensorListTest, AnEmptiedListMayChangeItsShape) {
  TensorList list =
      List(DataType::kFloat, TensorShape::UnknownRank(), /*size=*/0);
  EXPECT_OK(list.PushBack(Tensor::Vector<float>({1, 2})));
  EXPECT_OK(list.PopBack());
  EXPECT_OK(list.PushBack(Tensor::Scalar(3.0f)));
  EXPECT_THAT(Stack(list), TensorEq(Tensor::Vector<float>({3})));
}

TEST_F(TensorListTest, HoldsStrings) {
  TensorList list = List(DataType::kString, {}, /*size=*/3);
  EXPECT_OK(list.Set(0, Tensor::Scalar(std::string("a"))));
  EXPECT_OK(list.Set(2, Tensor::Scalar(std::string("c"))));
  const TensorList copy = list;
  EXPECT_OK(list.Set(0, Tensor::Scalar(std::string("x"))));
  EXPECT_THAT(Stack(list).data<std::string>(), ElementsAre("x", "", "c"));
  EXPECT_THAT(Stack(copy).data<std::string>(), ElementsAre("a", "", "c"));
}

TEST_F(TensorListTest, HoldsLists) {
  TensorList outer = List(DataType::kVariant, {}, /*size=*/0);
  for (int i = 0; i < 3; ++i)
    EXPECT_OK(outer.PushBack(Tensor::Scalar(Rows(i))));
  TensorList inner = outer.Get(2)->scalar<TensorList>();
  EXPECT_OK(inner.Set(0, Row(9)));
  EXPECT_THAT(Stack(inner),
              TensorEq(Tensor::Of<float>({2, 2}, {9, 90, 1, 10})));
  EXPECT_THAT(Stack(outer.Get(2)->scalar<TensorList>()),
              TensorEq(Tensor::Of<float>({2, 2}, {0, 0, 1, 10})));
  const Tensor stacked = Stack(outer);
  EXPECT_EQ(stacked.shape(), TensorShape({3}));
  EXPECT_EQ(stacked.data<TensorList>()[1].size(), 1);
}

TEST_F(TensorListTest, AListCanBeMovedOutOfWhatGetReturns) {
  TensorList outer = List(DataType::kVariant, {}, /*size=*/0);
  EXPECT_OK(outer.PushBack(Tensor::Scalar(Rows(2))));
  Tensor element = *outer.Get(0);
  const TensorList taken = std::move(element.mutable_data<TensorList>()[0]);
  EXPECT_EQ(taken.size(), 2);
  EXPECT_EQ(outer.Get(0)->scalar<TensorList>().size(), 2);
}

TEST_F(TensorListTest, NestingHasAnEnd) {
  TensorList list = Rows(1);
  absl::Status status;
  int depth = 1;
  for (; status.ok() && depth < 1000; ++depth) {
    TensorList outer = List(DataType::kVariant, {}, /*size=*/0);
    status = outer.PushBack(Tensor::Scalar(list));
    list = std::move(outer);
  }
  EXPECT_EQ(depth, 33);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                               "lists are nested deeper than 32"));
}

TEST_F(TensorListTest, ComesFromATensor) {
  Tensor tensor = Tensor::Of<float>({2, 2}, {1, 2, 3, 4});
  ASSERT_OK_AND_ASSIGN(TensorList list,
                       TensorList::FromTensor(tensor, allocator_));
  EXPECT_EQ(list.size(), 2);
  EXPECT_EQ(list.element_shape(), TensorShape({2}));
  EXPECT_TRUE(list.Get(1)->SharesMemoryWith(tensor));
  EXPECT_TRUE(Stack(list).SharesMemoryWith(tensor));
  EXPECT_OK(list.Set(0, Row(9)));
  EXPECT_THAT(tensor, TensorEq(Tensor::Of<float>({2, 2}, {1, 2, 3, 4})));
  EXPECT_THAT(TensorList::FromTensor(Tensor::Scalar(1.0f), allocator_),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(TensorListTest, CopiesATensorThatIsBorrowed) {
  float values[] = {1, 2};
  ASSERT_OK_AND_ASSIGN(
      TensorList list,
      TensorList::FromTensor(Tensor::Borrow(DataType::kFloat, {2}, values),
                             allocator_));
  values[0] = 7;
  EXPECT_THAT(Stack(list), TensorEq(Tensor::Vector<float>({1, 2})));
}

TEST_F(TensorListTest, ComesFromStringsAndFromNothing) {
  ASSERT_OK_AND_ASSIGN(
      TensorList strings,
      TensorList::FromTensor(Tensor::Vector<std::string>({"a", "b"}),
                             allocator_));
  EXPECT_EQ(strings.Get(1)->scalar<std::string>(), "b");
  ASSERT_OK_AND_ASSIGN(Tensor none, Tensor::Create(DataType::kFloat, {0, 3}));
  ASSERT_OK_AND_ASSIGN(TensorList empty,
                       TensorList::FromTensor(none, allocator_));
  EXPECT_EQ(Stack(empty).shape(), TensorShape({0, 3}));
  EXPECT_THAT(empty.PopBack(), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(TensorListTest, ElementsMayBeEmpty) {
  TensorList list = List(DataType::kFloat, {0, 4}, /*size=*/2);
  ASSERT_OK_AND_ASSIGN(Tensor none, Tensor::Create(DataType::kFloat, {0, 4}));
  EXPECT_OK(list.Set(1, none));
  EXPECT_EQ(Stack(list).shape(), TensorShape({2, 0, 4}));
}

TEST_F(TensorListTest, TheDefaultIsEmptyAndStaysSo) {
  TensorList list;
  EXPECT_EQ(list.element_dtype(), DataType::kInvalid);
  EXPECT_EQ(list.size(), 0);
  EXPECT_EQ(list.bytes(), 0u);
  EXPECT_FALSE(list.element_shape().has_rank());
  EXPECT_THAT(list.PushBack(Row(1)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(list.Resize(1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(list.Stack(allocator_),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(list.Get(0), StatusIs(absl::StatusCode::kOutOfRange));
}

TEST_F(TensorListTest, HugeSizesAreErrors) {
  constexpr int64_t kHuge = int64_t{1} << 62;
  TensorList list = List(DataType::kFloat, {2}, kHuge);
  EXPECT_THAT(list.Set(0, Row(1)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_FALSE(list.Stack(allocator_).ok());
  EXPECT_OK(list.Resize(1));
  TensorList bytes = List(DataType::kUint8, {}, kHuge);
  EXPECT_THAT(bytes.Set(0, Tensor::Scalar(uint8_t{1})),
              StatusIs(absl::StatusCode::kResourceExhausted));
  TensorList strings = List(DataType::kString, {}, int64_t{1} << 40);
  EXPECT_THAT(strings.Set(0, Tensor::Scalar(std::string())),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(TensorList::Create(DataType::kFloat, {}, -1, 0, allocator_),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(TensorList::Create(DataType::kResource, {}, 1, 0, allocator_),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(TensorListTest, AWishForRoomNeedsNoMemory) {
  TensorList list =
      List(DataType::kFloat, {2}, /*size=*/0, /*capacity=*/int64_t{1} << 62);
  EXPECT_OK(list.PushBack(Row(1)));
  EXPECT_OK(list.PushBack(Row(2)));
  EXPECT_THAT(Stack(list), TensorEq(Tensor::Of<float>({2, 2}, {1, 10, 2, 20})));
}

// Whatever allocation fails, the list is as before.
TEST_F(TensorListTest, IsUnchangedAfterAnError) {
  for (int n = 1; n <= 4; ++n) {
    TensorList list = Rows(4);
    const TensorList copy = list;
    allocator_->FailAllocation(n);
    const absl::Status status = list.PushBack(Row(4));
    allocator_->FailAllocation(0);
    if (status.ok()) {
      EXPECT_GT(n, 1);
    } else {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
      EXPECT_EQ(list.size(), 4);
      EXPECT_THAT(Stack(list), TensorEq(Stack(copy)));
    }
  }
}

}  // namespace
}  // namespace weft
