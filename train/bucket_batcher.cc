#include "train/bucket_batcher.h"

#include <algorithm>
#include <random>
#include <utility>

#include "core/status.h"

namespace weft {
namespace {

// Unlike std::shuffle the same with every standard library.
template <typename T>
void Shuffle(std::vector<T>& values, std::mt19937_64& random) {
  for (size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[random() % i]);
  }
}

}  // namespace

BucketBatcher::BucketBatcher(std::vector<int64_t> lengths,
                             BucketOptions options)
    : lengths_(std::move(lengths)), options_(std::move(options)) {
  batches_per_epoch_ = static_cast<int64_t>(MakeEpoch(0).size());
}

absl::StatusOr<BucketBatcher> BucketBatcher::Create(
    std::vector<int64_t> lengths, const BucketOptions& options) {
  if (options.batch < 1) {
    return InvalidArgument("BucketBatcher: batch is ", options.batch,
                           " but must be at least 1");
  }
  for (size_t i = 1; i < options.boundaries.size(); ++i) {
    if (options.boundaries[i] <= options.boundaries[i - 1]) {
      return InvalidArgument("BucketBatcher: boundaries must rise, but ",
                             options.boundaries[i], " comes after ",
                             options.boundaries[i - 1]);
    }
  }
  BucketBatcher batcher(std::move(lengths), options);
  if (batcher.batches_per_epoch_ == 0) {
    return InvalidArgument("BucketBatcher: ", batcher.lengths_.size(),
                           " sequences make no batch of ", options.batch);
  }
  return batcher;
}

size_t BucketBatcher::BucketOf(int64_t length) const {
  const std::vector<int64_t>& boundaries = options_.boundaries;
  return std::lower_bound(boundaries.begin(), boundaries.end(), length) -
         boundaries.begin();
}

std::vector<std::vector<int64_t>> BucketBatcher::MakeEpoch(
    int64_t epoch) const {
  // Seeds of neighbouring epochs far apart: the golden ratio of 2^64.
  constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;
  std::mt19937_64 random(options_.seed +
                         kGolden * static_cast<uint64_t>(epoch + 1));
  std::vector<int64_t> order(lengths_.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  if (options_.shuffle) Shuffle(order, random);
  std::vector<std::vector<int64_t>> open(options_.boundaries.size() + 1);
  std::vector<std::vector<int64_t>> batches;
  for (int64_t i : order) {
    std::vector<int64_t>& bucket = open[BucketOf(lengths_[i])];
    bucket.push_back(i);
    if (static_cast<int64_t>(bucket.size()) < options_.batch) continue;
    batches.push_back(std::exchange(bucket, {}));
  }
  for (std::vector<int64_t>& rest : open) {
    if (!rest.empty() && !options_.drop_remainder) {
      batches.push_back(std::move(rest));
    }
  }
  if (options_.shuffle) Shuffle(batches, random);
  return batches;
}

std::vector<int64_t> BucketBatcher::Next() {
  if (epoch() != made_epoch_) {
    made_epoch_ = epoch();
    batches_ = MakeEpoch(made_epoch_);
  }
  return batches_[position_++ % batches_per_epoch_];
}

}  // namespace weft
