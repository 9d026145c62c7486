#include "core/kernel.h"

#include <memory>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

template <typename T>
class TestNegKernel : public Kernel {
 public:
  explicit TestNegKernel(const KernelInit&) {}
  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutput(0, c.input_shape(0));
    c.AllowInPlace(/*input=*/0, /*output=*/0);
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext& c) const override {
    absl::Span<const T> x = c.in<T>(0);
    absl::Span<T> y = c.out<T>(0);
    for (size_t i = 0; i < x.size(); ++i) y[i] = -x[i];
    return absl::OkStatus();
  }
};
WEFT_KERNEL_FLOATS(TestNeg, TestNegKernel);

class TestAnyKernel : public TestNegKernel<float> {
  using TestNegKernel::TestNegKernel;
};
WEFT_KERNEL(TestAny, TestAnyKernel, {});

class Services : public RunServices {
 public:
  ThreadPool& pool() override { return pool_; }
  const std::shared_ptr<Allocator>& allocator() override {
    return Allocator::Default();
  }
  uint64_t TakeRandomBlocks(int counter, uint64_t blocks) override {
    last_counter = counter;
    return std::exchange(next_block_, next_block_ + blocks);
  }
  absl::Status CheckStop() override { return absl::OkStatus(); }

  int last_counter = -1;

 private:
  ThreadPool pool_{1};
  uint64_t next_block_ = 0;
};

absl::StatusOr<std::unique_ptr<Kernel>> Create(absl::string_view op,
                                               const AttrMap& attrs) {
  return KernelRegistry::Global().Create(
      op, {.attrs = attrs, .input_types = {}, .output_types = {}});
}

TEST(KernelRegistryTest, FindsTheKernelForTheTypes) {
  EXPECT_OK(Create("TestNeg", {{"T", DataType::kFloat}}));
  EXPECT_OK(Create("TestNeg", {{"T", DataType::kDouble}, {"other", 1}}));
  EXPECT_OK(Create("TestAny", {{"T", DataType::kString}}));
  EXPECT_TRUE(KernelRegistry::Global().Has("TestNeg"));
  EXPECT_FALSE(KernelRegistry::Global().Has("TestNegative"));
  EXPECT_THAT(KernelRegistry::Global().TypesOf("TestNeg"), SizeIs(2));
  EXPECT_THAT(KernelRegistry::Global().TypesOf("TestNegative"), SizeIs(0));
}

TEST(KernelRegistryTest, SaysWhichTypesThereAre) {
  EXPECT_THAT(
      Create("TestNeg", {{"T", DataType::kInt32}, {"U", DataType::kFloat}}),
      StatusIs(absl::StatusCode::kUnimplemented,
               "no kernel for op TestNeg with T = int32; there are: "
               "T = float32; T = float64"));
  EXPECT_THAT(Create("TestNeg", {}),
              StatusIs(absl::StatusCode::kUnimplemented,
                       "no kernel for op TestNeg without types; there are: "
                       "T = float32; T = float64"));
  EXPECT_THAT(Create("Test\nNegative", {}),
              StatusIs(absl::StatusCode::kUnimplemented,
                       "no kernel for op Test\\nNegative"));
}

TEST(KernelTest, ComputesFromPlacedValues) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Kernel> kernel,
                       Create("TestNeg", {{"T", DataType::kFloat}}));
  float x[] = {1, -2, 3};
  float y[3];
  const TensorShape shape = {3};
  TensorRef values[] = {{y, 3, &shape, DataType::kFloat},
                        {x, 3, &shape, DataType::kFloat}};
  const int inputs[] = {1};
  const int outputs[] = {0};
  Services services;
  KernelContext c(values, inputs, outputs, &services);
  EXPECT_OK(kernel->Compute(c));
  EXPECT_THAT(y, ElementsAre(-1, 2, -3));
  EXPECT_EQ(c.num_inputs(), 1);
  EXPECT_EQ(c.input_shape(0), shape);
  EXPECT_THAT(c.BorrowInput(0), TensorEq(Tensor::Vector<float>({1, -2, 3})));
  EXPECT_TRUE(c.BorrowInput(0).IsBorrowed());
}

TEST(KernelContextTest, RandomBlocksAreThoseOfTheNode) {
  Services services;
  KernelContext c(nullptr, {}, {}, &services);
  c.Place(/*scratch=*/nullptr, /*state=*/nullptr, /*dying_inputs=*/0,
          /*random_counter=*/5);
  EXPECT_EQ(c.TakeRandomBlocks(10), 0u);
  EXPECT_EQ(c.TakeRandomBlocks(10), 10u);
  EXPECT_EQ(services.last_counter, 5);
}

TEST(KernelContextTest, TakesAListAwayOnItsLastUse) {
  ASSERT_OK_AND_ASSIGN(
      TensorList list,
      TensorList::Create(DataType::kFloat, {}, /*size=*/2, /*capacity=*/2,
                         Allocator::Default()));
  const TensorShape scalar;
  TensorRef values[] = {{&list, 1, &scalar, DataType::kVariant}};
  const int inputs[] = {0};
  KernelContext c(values, inputs, {}, nullptr);
  {
    const TensorList copy = c.TakeList(0);
    EXPECT_FALSE(copy.IsSoleOwner());
    EXPECT_EQ(list.size(), 2);
  }
  c.Place(nullptr, nullptr, /*dying_inputs=*/1, /*random_counter=*/-1);
  const TensorList taken = c.TakeList(0);
  EXPECT_TRUE(taken.IsSoleOwner());
  EXPECT_EQ(taken.size(), 2);
  EXPECT_EQ(list.size(), 0);
}

TEST(LayoutContextTest, RecordsWhatTheKernelSays) {
  const Tensor value = Tensor::Scalar(int32_t{3});
  const LayoutInput inputs[] = {
      {.dtype = DataType::kFloat, .shape = {2, 3}},
      {.dtype = DataType::kInt32, .shape = {}, .value = &value},
  };
  const DataType types[] = {DataType::kFloat, DataType::kInt32,
                            DataType::kVariant, DataType::kFloat};
  LayoutContext c(inputs, types);
  EXPECT_EQ(c.NeedValue(0), nullptr);
  EXPECT_EQ(c.NeedValue(1)->scalar<int32_t>(), 3);
  c.SetOutput(0, {5});
  c.SetOutputValue(1, Tensor::Vector<int32_t>({2, 3}));
  c.SetOutputList(2, {ListShape::kKnown, {7}});
  c.SetOutputView(3, /*input=*/0, {3}, /*byte_offset=*/12);
  c.AllowInPlace(/*input=*/0, /*output=*/1);
  c.SetScratch(100);
  EXPECT_OK(c.Defer());

  EXPECT_EQ(c.outputs()[0].dtype, DataType::kFloat);
  EXPECT_EQ(c.outputs()[0].shape, TensorShape({5}));
  EXPECT_FALSE(c.outputs()[0].value.is_valid());
  EXPECT_EQ(c.outputs()[0].view_of, -1);
  EXPECT_EQ(c.outputs()[1].shape, TensorShape({2}));
  EXPECT_THAT(c.outputs()[1].value, TensorEq(Tensor::Vector<int32_t>({2, 3})));
  EXPECT_TRUE(c.outputs()[2].shape.IsScalar());
  EXPECT_EQ(c.outputs()[2].list.kind, ListShape::kKnown);
  EXPECT_EQ(c.outputs()[2].list.element, TensorShape({7}));
  EXPECT_EQ(c.outputs()[3].shape, TensorShape({3}));
  EXPECT_EQ(c.outputs()[3].view_of, 0);
  EXPECT_EQ(c.outputs()[3].view_offset, 12u);
  EXPECT_THAT(c.in_place(), ElementsAre(Pair(0, 1)));
  EXPECT_EQ(c.scratch_bytes(), 100u);
  EXPECT_TRUE(c.deferred());
}

TEST(ListShapeTest, UnionKeepsWhatHoldsForBoth) {
  const ListShape empty = {.kind = ListShape::kEmpty, .element = {}, .size = 0};
  const ListShape one = {.kind = ListShape::kKnown, .element = {7}, .size = 1};
  const ListShape other = {
      .kind = ListShape::kKnown, .element = {8}, .size = 1};
  EXPECT_EQ(ListShape::Union(empty, one).element, TensorShape({7}));
  EXPECT_EQ(ListShape::Union(empty, one).size, -1);
  EXPECT_TRUE(ListShape::Union(one, one) == one);
  EXPECT_EQ(ListShape::Union(one, other).kind, ListShape::kUnknown);
  EXPECT_EQ(ListShape::Union(one, other).size, 1);
}

}  // namespace
}  // namespace weft
