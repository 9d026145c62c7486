// Names of nodes and of their outputs: "encoder/MatMul", "encoder/Split:2".
#ifndef WEFT_GRAPH_NAMES_H_
#define WEFT_GRAPH_NAMES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace weft {

// Letters, digits and _.\-/>, beginning with a letter, a digit or a dot.
bool IsValidNodeName(absl::string_view name);

struct OutputName {
  std::string node;
  int index = 0;
};

// "node" is "node:0". InvalidArgument for a bad index: "x:-1", "x:1e9", "x:".
absl::StatusOr<OutputName> ParseOutputName(absl::string_view name);

// "; did you mean 'rnn/W', 'rnn/b'?": those of `candidates` that are most like
// `name`, or "" if none is.
std::string DidYouMean(absl::string_view name,
                       absl::Span<const absl::string_view> candidates);

}  // namespace weft

#endif  // WEFT_GRAPH_NAMES_H_
