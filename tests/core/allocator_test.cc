#include "core/allocator.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "core/object_array.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

TEST(AllocatorTest, BuffersAreAlignedAndWritable) {
  auto allocator = Allocator::Create();
  for (size_t size : {0, 1, 63, 64, 65, 4096, 100000}) {
    ASSERT_OK_AND_ASSIGN(auto buffer, allocator->Allocate(size));
    EXPECT_EQ(buffer->size(), size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % kAlignment, 0u);
    ASSERT_NE(buffer->data(), nullptr);
    std::memset(buffer->data(), 1, size);
  }
}

TEST(AllocatorTest, CountsWhatIsInUse) {
  auto allocator = Allocator::Create();
  ASSERT_OK_AND_ASSIGN(auto a, allocator->Allocate(1000));
  EXPECT_GE(allocator->bytes_in_use(), 1000u);
  ASSERT_OK_AND_ASSIGN(auto b, allocator->Allocate(3000));
  const size_t peak = allocator->bytes_in_use();
  EXPECT_GE(peak, 4000u);
  a.reset();
  b.reset();
  EXPECT_EQ(allocator->bytes_in_use(), 0u);
  EXPECT_EQ(allocator->peak_bytes(), peak);
  EXPECT_EQ(allocator->num_allocations(), 2);
}

TEST(AllocatorTest, RefusesWhatIsOverTheBudget) {
  auto allocator = Allocator::Create(/*budget_bytes=*/10000);
  ASSERT_OK_AND_ASSIGN(auto buffer, allocator->Allocate(8000));
  EXPECT_THAT(
      allocator->Allocate(4000),
      StatusIs(
          absl::StatusCode::kResourceExhausted,
          "out of memory: 4000 bytes asked for, 8064 in use, 10000 allowed"));
  EXPECT_OK(allocator->Allocate(1000));
  buffer.reset();
  EXPECT_OK(allocator->Allocate(4000));
}

TEST(AllocatorTest, RefusesSizesThatNoMachineHas) {
  for (size_t budget : {size_t{1} << 40, kUnlimited}) {
    auto allocator = Allocator::Create(budget);
    for (size_t size : {kUnlimited, kUnlimited - 1, kUnlimited / 2}) {
      EXPECT_THAT(allocator->Allocate(size),
                  StatusIs(absl::StatusCode::kResourceExhausted));
    }
    EXPECT_EQ(allocator->bytes_in_use(), 0u);
  }
}

TEST(AllocatorTest, FailsTheNthAllocationOnce) {
  auto allocator = Allocator::Create();
  allocator->FailAllocation(2);
  EXPECT_OK(allocator->Allocate(1));
  EXPECT_THAT(
      allocator->Allocate(1),
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("by request")));
  EXPECT_OK(allocator->Allocate(1));
  allocator->FailAllocation(1);
  allocator->FailAllocation(0);
  EXPECT_OK(allocator->Allocate(1));
}

TEST(AllocatorTest, BuffersKeepTheirAllocatorAlive) {
  auto allocator = Allocator::Create(kUnlimited, /*cache_bytes=*/1 << 20);
  std::weak_ptr<Allocator> watched = allocator;
  ASSERT_OK_AND_ASSIGN(auto buffer, allocator->Allocate(100));
  allocator.reset();
  EXPECT_FALSE(watched.expired());
  std::memset(buffer->data(), 1, 100);
  buffer.reset();
  EXPECT_TRUE(watched.expired());
}

TEST(AllocatorCacheTest, FreedBlocksAreHandedOutAgain) {
  auto allocator = Allocator::Create(kUnlimited, /*cache_bytes=*/1 << 20);
  ASSERT_OK_AND_ASSIGN(auto buffer, allocator->Allocate(1000));
  const void* data = buffer->data();
  const size_t in_use = allocator->bytes_in_use();
  buffer.reset();
  EXPECT_EQ(allocator->bytes_in_use(), 0u);
  EXPECT_EQ(allocator->bytes_cached(), in_use);

  ASSERT_OK_AND_ASSIGN(auto again, allocator->Allocate(990));
  EXPECT_EQ(again->data(), data);
  EXPECT_EQ(again->size(), 990u);
  EXPECT_EQ(allocator->bytes_in_use(), in_use);
  EXPECT_EQ(allocator->bytes_cached(), 0u);
  EXPECT_EQ(allocator->num_allocations(), 2);
  EXPECT_EQ(allocator->num_reused(), 1);
}

TEST(AllocatorCacheTest, KeepsNoMoreThanAllowed) {
  auto allocator = Allocator::Create(kUnlimited, /*cache_bytes=*/10000);
  std::vector<std::shared_ptr<Buffer>> buffers;
  for (int i = 0; i < 20; ++i) buffers.push_back(*allocator->Allocate(1000));
  ASSERT_OK_AND_ASSIGN(auto large, allocator->Allocate(20000));
  buffers.clear();
  large.reset();
  EXPECT_LE(allocator->bytes_cached(), 10000u);
  EXPECT_GE(allocator->bytes_cached(), 8000u);
  allocator->Trim();
  EXPECT_EQ(allocator->bytes_cached(), 0u);
}

TEST(AllocatorCacheTest, NeverStandsInTheWayOfTheBudget) {
  auto allocator =
      Allocator::Create(/*budget_bytes=*/10000, /*cache_bytes=*/10000);
  EXPECT_OK(allocator->Allocate(6000));
  EXPECT_GE(allocator->bytes_cached(), 6000u);
  EXPECT_OK(allocator->Allocate(8000));
  EXPECT_LE(allocator->bytes_cached(), 10000u);
}

TEST(AllocatorCacheTest, WastesAtMostAFifth) {
  auto allocator = Allocator::Create(kUnlimited, /*cache_bytes=*/1 << 30);
  for (size_t size = 1; size < (1 << 24); size += size / 7 + 1) {
    ASSERT_OK_AND_ASSIGN(auto buffer, allocator->Allocate(size));
    std::memset(buffer->data(), 1, size);
    EXPECT_LE(allocator->bytes_in_use(), (size + 64) * 5 / 4 + 64) << size;
  }
}

struct Counted {
  Counted() { ++alive; }
  ~Counted() { --alive; }
  static int alive;
};
int Counted::alive = 0;

TEST(ObjectArrayTest, ObjectsLiveAsLongAsTheArray) {
  auto allocator = Allocator::Create();
  ASSERT_OK_AND_ASSIGN(auto objects, MakeObjects<Counted>(5, allocator));
  EXPECT_EQ(Counted::alive, 5);
  EXPECT_GT(allocator->bytes_in_use(), 0u);
  objects.reset();
  EXPECT_EQ(Counted::alive, 0);
  EXPECT_EQ(allocator->bytes_in_use(), 0u);
}

TEST(ObjectArrayTest, RefusesSizesThatOverflow) {
  auto allocator = Allocator::Create();
  EXPECT_THAT(MakeObjects<std::vector<int>>(int64_t{1} << 62, allocator),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(MakeObjects<int>(-1, allocator),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace weft
