// Chooses which sequences go into a batch together: those of similar length, so
// that little of the batch is padding.
#ifndef WEFT_TRAIN_BUCKET_BATCHER_H_
#define WEFT_TRAIN_BUCKET_BATCHER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace weft {

struct BucketOptions {
  int64_t batch = 32;
  // Bucket k has the lengths above boundaries[k - 1] and up to boundaries[k];
  // the last one all that are longer. Rising. None: one bucket for all.
  std::vector<int64_t> boundaries = {};
  bool shuffle = true;  // Sequences, and batches; another order every epoch.
  uint64_t seed = 0;
  bool drop_remainder = false;  // Leave out batches that are not full.
};

// Every sequence is in one batch of each epoch. Equal seeds give equal batches,
// on any machine.
class BucketBatcher {
 public:
  // For sequences of these lengths. InvalidArgument if `batch` is below 1,
  // boundaries do not rise, or there is not even one batch.
  static absl::StatusOr<BucketBatcher> Create(std::vector<int64_t> lengths,
                                              const BucketOptions& options);

  // The numbers of the sequences of the next batch.
  std::vector<int64_t> Next();
  int64_t batches_per_epoch() const { return batches_per_epoch_; }
  int64_t epoch() const { return position_ / batches_per_epoch_; }

  // Where it is, to be kept in a checkpoint: the number of the next batch.
  int64_t position() const { return position_; }
  void set_position(int64_t position) { position_ = position; }

 private:
  BucketBatcher(std::vector<int64_t> lengths, BucketOptions options);
  size_t BucketOf(int64_t length) const;
  std::vector<std::vector<int64_t>> MakeEpoch(int64_t epoch) const;

  std::vector<int64_t> lengths_;
  BucketOptions options_;
  int64_t batches_per_epoch_ = 0;
  int64_t position_ = 0;
  int64_t made_epoch_ = -1;                    // Of `batches_`.
  std::vector<std::vector<int64_t>> batches_;  // Of one epoch.
};

}  // namespace weft

#endif  // WEFT_TRAIN_BUCKET_BATCHER_H_
