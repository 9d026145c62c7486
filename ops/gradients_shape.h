// Shapes of values from shapes of others, without computing the values.
#ifndef WEFT_OPS_GRADIENTS_SHAPE_H_
#define WEFT_OPS_GRADIENTS_SHAPE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "graph/output.h"

namespace weft {

// One dim of a value: known, or an axis of another value; of several, what they
// broadcast to.
struct DimSource {
  int64_t known = -1;
  std::vector<std::pair<Output, int>> axes;
};

// The dims of `value` by those of values for which `is_at_hand`, as far as the
// ops in between say how; nothing if they do not.
std::optional<std::vector<DimSource>> TraceDims(
    Output value, const std::function<bool(const Output&)>& is_at_hand);

// The shape, an int32 vector in `graph`, where `find` gives what stands there
// for the values in `dims`.
Output EmitDims(Graph& graph, const std::vector<DimSource>& dims,
                const std::function<Output(const Output&)>& find);

}  // namespace weft

#endif  // WEFT_OPS_GRADIENTS_SHAPE_H_
