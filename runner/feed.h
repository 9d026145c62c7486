// What --feed gives.
#ifndef WEFT_RUNNER_FEED_H_
#define WEFT_RUNNER_FEED_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/tensor.h"
#include "graph/graph.h"
#include "runner/interface.h"

namespace weft::runner {

struct NamedTensor {
  std::string name;  // In the graph.
  Tensor value;
};

// The values of all "NAME=VALUE", each with the dtype of the output that it is
// for, and a shape that fits. VALUE is @FILE or FILE.npy for an array in a
// file, else a literal (see ParseLiteral): no other text makes a file be read.
absl::StatusOr<std::vector<NamedTensor>> ReadFeeds(
    const Graph& graph, const Interface& names,
    const std::vector<std::string>& feeds);

// "NAME=REST" taken apart; REST is empty if there is no "=".
struct Assignment {
  std::string name;
  std::string value;
  bool has_value = false;
};
Assignment SplitAssignment(const std::string& text);

}  // namespace weft::runner

#endif  // WEFT_RUNNER_FEED_H_
