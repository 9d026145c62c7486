// The values that a checkpoint has for the variables of a graph.
#ifndef WEFT_IO_VARIABLE_VALUES_H_
#define WEFT_IO_VARIABLE_VALUES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "io/bundle_format.h"

namespace weft {

struct VariableValues {
  TensorMap values;
  std::vector<std::string> missing;  // Variables that the checkpoint has not.
};

// The values of the graph's variables in the checkpoint PREFIX. Errors as
// BundleReader; InvalidArgument, with all differences, if some have another
// dtype or shape.
absl::StatusOr<VariableValues> ReadVariableValues(const Graph& graph,
                                                  const std::string& prefix);

// Is there for each variable of the graph but `without` a value of its dtype
// and shape? NotFound or InvalidArgument, with all differences.
absl::Status CheckVariableValues(const Graph& graph, const TensorMap& values,
                                 const std::vector<std::string>& without = {});

}  // namespace weft

#endif  // WEFT_IO_VARIABLE_VALUES_H_
