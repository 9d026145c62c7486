// Cuts one long sequence into batches for truncated backpropagation.
#ifndef WEFT_TRAIN_STREAM_BATCHER_H_
#define WEFT_TRAIN_STREAM_BATCHER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "core/tensor.h"

namespace weft {

struct StreamBatch {
  Tensor inputs;   // int32 [batch, time]
  Tensor targets;  // int32 [batch, time]: the inputs, one step on.
  bool starts =
      false;  // The rows do not go on from the batch before: reset the state.
};

// The sequence is cut into `batch` streams of equal length; each batch is the
// next `time` steps of all streams, so that row b goes on where row b of the
// batch before ended, and the state of a recurrent network can be carried. At
// the end it starts again.
class StreamBatcher {
 public:
  // InvalidArgument if there are not even one batch of ids.
  static absl::StatusOr<StreamBatcher> Create(std::vector<int32_t> ids,
                                              int64_t batch, int64_t time);

  StreamBatch Next();
  int64_t batches_per_epoch() const { return stream_length_ / time_; }

  // Where it is, to be kept in a checkpoint: the number of the next batch.
  int64_t position() const { return position_; }
  void set_position(int64_t position) { position_ = position; }

 private:
  StreamBatcher(std::vector<int32_t> ids, int64_t batch, int64_t time);

  std::vector<int32_t> ids_;
  int64_t batch_;
  int64_t time_;
  int64_t stream_length_;  // Inputs of one stream.
  int64_t position_ = 0;
};

}  // namespace weft

#endif  // WEFT_TRAIN_STREAM_BATCHER_H_
