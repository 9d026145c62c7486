// Strings, and what is logged or summarised.
#ifndef WEFT_OPS_TEXT_H_
#define WEFT_OPS_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "graph/output.h"

namespace weft {

// The strings of `inputs` joined one by one; scalars go with every element.
Output StringJoin(const Operands& inputs, absl::string_view separator = "",
                  absl::string_view name = {});

// The name of part `shard` of a file in `num_shards` parts:
// "model-00000-of-00002".
Output ShardedFilename(Operand basename, Operand shard, Operand num_shards,
                       absl::string_view name = {});

struct AsStringOptions {
  int64_t precision = -1;   // Digits behind the point; -1: as many as usual.
  bool scientific = false;  // 1.5e+03.
  bool shortest = false;    // Scientific or not, whichever is shorter.
  int64_t width = -1;       // At least so many characters.
  std::string fill = "";    // In front: ' ', '0', '+'; '-': spaces behind.
  std::string name = {};
};

// The elements of `input` as text, as C's printf has them.
Output AsString(Operand input, const AsStringOptions& options = {});

struct PrintOptions {
  std::string message = "";
  int64_t first_n = -1;   // Only so many times; -1: always.
  int64_t summarize = 3;  // Elements of each of `data`.
  std::string name = {};
};

// `input`; writes `data` to the standard error when it is computed.
Output Print(Operand input, const Operands& data,
             const PrintOptions& options = {});

// Summaries for TensorBoard, serialized: of a number for each of `tags`, of the
// distribution of `values`, and of several together.
Output ScalarSummary(Operand tags, Operand values, absl::string_view name = {});
Output HistogramSummary(Operand tag, Operand values,
                        absl::string_view name = {});
Output MergeSummary(const Operands& inputs, absl::string_view name = {});

}  // namespace weft

#endif  // WEFT_OPS_TEXT_H_
