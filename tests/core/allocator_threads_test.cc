#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "core/allocator.h"
#include "core/tensor.h"
#include "core/tensor_list.h"
#include "gtest/gtest.h"

namespace weft {
namespace {

template <typename Body>
void OnThreads(int count, const Body& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : threads) thread.join();
}

TEST(AllocatorThreadsTest, ThreadsShareTheBudgetAndTheCache) {
  auto allocator =
      Allocator::Create(/*budget_bytes=*/1 << 16, /*cache_bytes=*/1 << 14);
  OnThreads(4, [&](int thread) {
    for (int i = 0; i < 500; ++i) {
      absl::StatusOr<std::shared_ptr<Buffer>> buffer =
          allocator->Allocate(100 * (i % 200));
      if (buffer.ok())
        std::memset((*buffer)->data(), thread, (*buffer)->size());
      if (i % 100 == 0) allocator->Trim();
    }
  });
  EXPECT_EQ(allocator->bytes_in_use(), 0u);
  EXPECT_LE(allocator->peak_bytes(), size_t{1} << 16);
}

TEST(TensorListThreadsTest, CopiesChangeOnTheirOwnThreads) {
  absl::StatusOr<TensorList> list = TensorList::Create(
      DataType::kInt32, {}, /*size=*/8, /*capacity=*/8, Allocator::Create());
  ASSERT_TRUE(list.ok() && list->Set(0, Tensor::Scalar(int32_t{-1})).ok());
  std::vector<TensorList> copies(4, *list);
  OnThreads(4, [&](int thread) {
    TensorList& copy = copies[thread];
    for (int64_t i = 1; i < 8; ++i) {
      EXPECT_TRUE(copy.Set(i, Tensor::Scalar(int32_t{thread})).ok());
    }
  });
  for (int thread = 0; thread < 4; ++thread) {
    EXPECT_EQ(copies[thread].Get(0)->scalar<int32_t>(), -1);
    EXPECT_EQ(copies[thread].Get(7)->scalar<int32_t>(), thread);
  }
}

}  // namespace
}  // namespace weft
