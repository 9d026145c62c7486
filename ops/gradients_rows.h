// Gradients that are sums over rows. The gradient of a matrix with which every
// step of a loop multiplies is a sum of products over the steps, and that is
// one product of the rows of all steps.
#ifndef WEFT_OPS_GRADIENTS_ROWS_H_
#define WEFT_OPS_GRADIENTS_ROWS_H_

#include <vector>

#include "graph/node.h"
#include "graph/output.h"

namespace weft {

// The terms of which `sum` consists beside `begin`, if all of them are sums
// over the rows of their inputs, matrices of which the number of columns is
// known; else none.
std::vector<const Node*> FindRowTerms(const Output& sum, const Output& begin);

}  // namespace weft

#endif  // WEFT_OPS_GRADIENTS_ROWS_H_
