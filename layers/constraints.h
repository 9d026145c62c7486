// What weights become after each step of an optimizer.
#ifndef WEFT_LAYERS_CONSTRAINTS_H_
#define WEFT_LAYERS_CONSTRAINTS_H_

#include <vector>

#include "graph/graph.h"
#include "layers/arguments.h"
#include "ops/variable.h"

namespace weft {

// The collection of a graph's constraints: the name of a variable and that of a
// call that maps its value, one after the other. The call is never run; what an
// optimizer adds is a copy. So constraints are saved with the graph.
inline constexpr char kConstraints[] = "constraints";

// Gives `w` a constraint; none if `constraint` is kNone.
void AddConstraint(const Constraint& constraint, const Variable& w);

// Nodes that assign, after `updates`, to each variable among `variables` that
// has a constraint what it makes of the value that the variable has then.
std::vector<Node*> ApplyConstraints(GraphRef g,
                                    const std::vector<Variable>& variables,
                                    const std::vector<Node*>& updates);

// Norms are those along `axis`, so of the inputs of each unit of a kernel.
namespace constraints {

struct MaxNormOptions {
  double max_value = 2;
  int axis = 0;
};
struct MinMaxNormOptions {
  double min_value = 0;
  double max_value = 1;
  double rate = 1;  // 1: at once; less: a part of the way at each step.
  int axis = 0;
};
struct UnitNormOptions {
  int axis = 0;
};

// Norms of at most max_value.
Constraint MaxNorm(const MaxNormOptions& options = {});
// Norms of 1.
Constraint UnitNorm(const UnitNormOptions& options = {});
// Norms in [min_value, max_value].
Constraint MinMaxNorm(const MinMaxNormOptions& options = {});
// 0 where below 0.
Constraint NonNeg();

}  // namespace constraints
}  // namespace weft

#endif  // WEFT_LAYERS_CONSTRAINTS_H_
