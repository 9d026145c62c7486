// Penalties on weights and outputs.
#ifndef WEFT_LAYERS_REGULARIZERS_H_
#define WEFT_LAYERS_REGULARIZERS_H_

#include "graph/output.h"
#include "layers/arguments.h"

namespace weft {

// The collection that names the penalties of a graph's weights and outputs:
// scalars that belong to the loss, each once.
inline constexpr char kRegularizationLosses[] = "regularization_losses";

// Adds the penalty of `regularizer` on `w`, a weight's value or an output, to
// that collection; the scalar. Not valid if there is no regularizer.
Output AddRegularizationLoss(const Regularizer& regularizer, Operand w,
                             absl::string_view name = "Regularizer");

// What is in the collection, in order.
Outputs RegularizationLosses(const Graph& g);

namespace regularizers {

struct L1L2Options {
  double l1 = 0.01;
  double l2 = 0.01;
};

// l * sum of |w|.
Regularizer L1(double l = 0.01);
// l * sum of w^2.
Regularizer L2(double l = 0.01);
// l1 * sum of |w| + l2 * sum of w^2.
Regularizer L1L2(const L1L2Options& options = {});

}  // namespace regularizers
}  // namespace weft

#endif  // WEFT_LAYERS_REGULARIZERS_H_
