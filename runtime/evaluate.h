// Running one kernel outside of a placed program: while planning, and for
// instructions whose shapes are only known while running.
#ifndef WEFT_RUNTIME_EVALUATE_H_
#define WEFT_RUNTIME_EVALUATE_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/kernel.h"
#include "core/tensor.h"

namespace weft {

// What is known of a list that exists.
ListShape ListShapeOf(const TensorList& list);

// `size` elements of `tensor` from `byte_offset` on, under `shape`; shares
// them.
Tensor ViewOf(const Tensor& tensor, size_t byte_offset,
              const TensorShape& shape);

// A call of a kernel with all values at hand.
struct KernelCall {
  const Kernel* kernel = nullptr;
  TensorRef* values = nullptr;
  absl::Span<const int> inputs;
  absl::Span<const int> outputs;
  // By input: the tensor that owns the memory, if there is one; then outputs
  // may share it. By output: where the result goes; null for a list, whose
  // place is in `values` already.
  absl::Span<Tensor* const> owners;
  absl::Span<Tensor* const> results;
  uint64_t dying = 0;  // Bit i: input i is not used afterwards.
  int random_counter = -1;
  RunServices* services = nullptr;
};

// Layout, allocation of the results, and Compute. Sets the outputs in `values`.
absl::Status LayOutAndCompute(const KernelCall& call);

// The outputs of a pure kernel of plain inputs; nullopt if it has an output
// that is not plain, or if they would have more than `max_bytes` in all.
absl::StatusOr<std::optional<std::vector<Tensor>>> Evaluate(
    const Kernel& kernel, absl::Span<const Tensor> inputs,
    absl::Span<const DataType> output_types, size_t max_bytes);

}  // namespace weft

#endif  // WEFT_RUNTIME_EVALUATE_H_
