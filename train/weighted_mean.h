// Means in which not every element counts alike.
#ifndef WEFT_TRAIN_WEIGHTED_MEAN_H_
#define WEFT_TRAIN_WEIGHTED_MEAN_H_

#include <string>

#include "graph/output.h"

namespace weft {

// The mean of all of `values`, or if `weights` is valid their mean weighted by
// it: sum(values * weights) / sum(weights), 0 where that sum is 0. Weights are
// of values' shape, or of its first axes: then they weigh the means over the
// other axes. Any number type, or bool: a mask. Fails the graph, naming `name`,
// if the shapes do not fit.
Output WeightedMean(Output values, Output weights, const std::string& name);

}  // namespace weft

#endif  // WEFT_TRAIN_WEIGHTED_MEAN_H_
