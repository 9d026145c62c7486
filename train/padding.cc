#include "train/padding.h"

#include <algorithm>
#include <cstring>

#include "core/status.h"

namespace weft {
namespace {

absl::Status CheckAlike(absl::Span<const Tensor> sequences) {
  if (sequences.empty()) return InvalidArgument("no sequences to pad");
  const Tensor& first = sequences[0];
  for (const Tensor& sequence : sequences) {
    bool alike = sequence.dtype() == first.dtype() &&
                 sequence.shape().rank() >= 1 &&
                 sequence.shape().rank() == first.shape().rank();
    for (int i = 1; alike && i < first.shape().rank(); ++i) {
      alike = sequence.dim(i) == first.dim(i);
    }
    if (alike) continue;
    return InvalidArgument(
        "sequences to pad must be [time, ...] of one dtype, and agree in all "
        "axes but the first: ",
        DataTypeName(first.dtype()), " ", first.shape().ToString(), " and ",
        DataTypeName(sequence.dtype()), " ", sequence.shape().ToString());
  }
  return absl::OkStatus();
}

template <typename T>
void Fill(Tensor& tensor, double value) {
  absl::Span<T> elements = tensor.mutable_data<T>();
  std::fill(elements.begin(), elements.end(), static_cast<T>(value));
}

absl::Status FillWith(Tensor& tensor, double value) {
  switch (tensor.dtype()) {
    case DataType::kFloat:
      Fill<float>(tensor, value);
      return absl::OkStatus();
    case DataType::kDouble:
      Fill<double>(tensor, value);
      return absl::OkStatus();
    case DataType::kInt32:
      Fill<int32_t>(tensor, value);
      return absl::OkStatus();
    case DataType::kInt64:
      Fill<int64_t>(tensor, value);
      return absl::OkStatus();
    default:
      return InvalidArgument("sequences to pad are ",
                             DataTypeName(tensor.dtype()),
                             " but must be float, double, int32 or int64");
  }
}

}  // namespace

absl::StatusOr<PaddedBatch> PadSequences(absl::Span<const Tensor> sequences,
                                         const PadOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckAlike(sequences));
  int64_t time = 0;
  for (const Tensor& sequence : sequences) {
    time = std::max(time, sequence.dim(0));
  }
  time = options.length.value_or(time);
  if (time < 0) {
    return InvalidArgument("the length to pad to is ", time,
                           " but must be at least 0");
  }
  TensorShape shape = sequences[0].shape();
  shape.set_dim(0, time);
  shape.InsertDim(0, static_cast<int64_t>(sequences.size()));
  PaddedBatch batch;
  WEFT_ASSIGN_OR_RETURN(batch.values,
                        Tensor::Create(sequences[0].dtype(), shape));
  WEFT_RETURN_IF_ERROR(FillWith(batch.values, options.value));
  std::vector<int32_t> lengths;
  const size_t row_bytes = batch.values.num_bytes() / sequences.size();
  char* row = static_cast<char*>(batch.values.mutable_raw_data());
  for (const Tensor& sequence : sequences) {
    const int64_t kept = std::min(time, sequence.dim(0));
    lengths.push_back(static_cast<int32_t>(kept));
    if (kept > 0) {
      const size_t step_bytes = row_bytes / static_cast<size_t>(time);
      const char* from = static_cast<const char*>(sequence.raw_data());
      char* to = row;
      if (options.at_front) {
        from += static_cast<size_t>(sequence.dim(0) - kept) * step_bytes;
        to += static_cast<size_t>(time - kept) * step_bytes;
      }
      std::memcpy(to, from, static_cast<size_t>(kept) * step_bytes);
    }
    row += row_bytes;
  }
  batch.lengths = Tensor::Vector<int32_t>(absl::MakeConstSpan(lengths));
  return batch;
}

absl::StatusOr<PaddedBatch> PadBatch(absl::Span<const Tensor> sequences,
                                     absl::Span<const int64_t> rows,
                                     const PadOptions& options) {
  std::vector<Tensor> chosen;
  for (int64_t row : rows) {
    if (row < 0 || row >= static_cast<int64_t>(sequences.size())) {
      return InvalidArgument("there is no sequence ", row, " among ",
                             sequences.size());
    }
    chosen.push_back(sequences[row]);
  }
  return PadSequences(chosen, options);
}

}  // namespace weft
