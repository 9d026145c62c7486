#include "train/stream_batcher.h"

#include <utility>

#include "core/status.h"

namespace weft {

StreamBatcher::StreamBatcher(std::vector<int32_t> ids, int64_t batch,
                             int64_t time)
    : ids_(std::move(ids)),
      batch_(batch),
      time_(time),
      // The last input of a stream needs a target behind it.
      stream_length_((static_cast<int64_t>(ids_.size()) - 1) / batch) {}

absl::StatusOr<StreamBatcher> StreamBatcher::Create(std::vector<int32_t> ids,
                                                    int64_t batch,
                                                    int64_t time) {
  if (batch < 1 || time < 1) {
    return InvalidArgument("batches of [", batch, ", ", time,
                           "]: both must be at least 1");
  }
  const int64_t size = static_cast<int64_t>(ids.size());
  if ((size - 1) / batch < time) {
    return InvalidArgument(size, " ids are too few for one batch of [", batch,
                           ", ", time, "], which takes ", batch, " * ", time,
                           " + 1");
  }
  return StreamBatcher(std::move(ids), batch, time);
}

StreamBatch StreamBatcher::Next() {
  const int64_t in_epoch = position_ % batches_per_epoch();
  ++position_;
  std::vector<int32_t> inputs;
  std::vector<int32_t> targets;
  inputs.reserve(batch_ * time_);
  targets.reserve(batch_ * time_);
  for (int64_t row = 0; row < batch_; ++row) {
    const int32_t* from = ids_.data() + row * stream_length_ + in_epoch * time_;
    inputs.insert(inputs.end(), from, from + time_);
    targets.insert(targets.end(), from + 1, from + time_ + 1);
  }
  const TensorShape shape = {batch_, time_};
  return {Tensor::Of<int32_t>(shape, inputs),
          Tensor::Of<int32_t>(shape, targets), in_epoch == 0};
}

}  // namespace weft
