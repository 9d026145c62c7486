// Sequences of different length as one tensor.
//
//   const std::vector<int64_t> batch = batcher.Next();
//   WEFT_ASSIGN_OR_RETURN(PaddedBatch x, PadBatch(sequences, batch));
//   session->Run({{ids, x.values}, {lengths, x.lengths}}, ...);
#ifndef WEFT_TRAIN_PADDING_H_
#define WEFT_TRAIN_PADDING_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/tensor.h"

namespace weft {

struct PadOptions {
  // Steps of the result; none: as many as the longest has. Longer sequences are
  // cut where others are padded.
  std::optional<int64_t> length = {};
  bool at_front = false;  // Else behind the sequence.
  double value = 0;       // Of the padding.
};

struct PaddedBatch {
  Tensor values;   // [batch, time, ...]
  Tensor lengths;  // int32 [batch]: the steps of each row that are no padding.
};

// The sequences, each [time, ...], one below the other. InvalidArgument unless
// they have one dtype, a number type, and agree in all axes but the first.
absl::StatusOr<PaddedBatch> PadSequences(absl::Span<const Tensor> sequences,
                                         const PadOptions& options = {});

// The same of those that `rows` numbers.
absl::StatusOr<PaddedBatch> PadBatch(absl::Span<const Tensor> sequences,
                                     absl::Span<const int64_t> rows,
                                     const PadOptions& options = {});

}  // namespace weft

#endif  // WEFT_TRAIN_PADDING_H_
