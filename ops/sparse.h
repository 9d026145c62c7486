// Rows and elements by numbers that come with them.
#ifndef WEFT_OPS_SPARSE_H_
#define WEFT_OPS_SPARSE_H_

#include "absl/strings/string_view.h"
#include "graph/output.h"

namespace weft {

// A tensor of shape `output_shape`, a vector, that is `default_value` except
// where `sparse_indices` say: a scalar, [n] or [n, rank], with one value each
// (or one for all). OutOfRange for an index beyond the shape; with
// validate_indices, indices must be in ascending order.
Output SparseToDense(Operand sparse_indices, Operand output_shape,
                     Operand sparse_values, Operand default_value,
                     bool validate_indices = true, absl::string_view name = {});

// The rows of `data`, whose shape begins with that of `partitions`, by their
// numbers: `num_partitions` tensors. OutOfRange for other numbers.
Outputs DynamicPartition(Operand data, Operand partitions, int num_partitions,
                         absl::string_view name = {});

// [batch] bools: is class targets[b] among the k with the largest
// predictions[b, :]? False where the prediction is no finite number.
Output InTopKV2(Operand predictions, Operand targets, Operand k,
                absl::string_view name = {});

}  // namespace weft

#endif  // WEFT_OPS_SPARSE_H_
