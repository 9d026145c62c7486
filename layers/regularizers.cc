#include "layers/regularizers.h"

#include <cmath>

#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"

namespace weft {

Output AddRegularizationLoss(const Regularizer& regularizer, Operand w,
                             absl::string_view name) {
  if (!regularizer.given()) return {};
  Graph& g = w.graph();
  LocationScope at(w);
  NameScope scope(g, name);
  Output penalty = Identity(regularizer(w), "loss");
  if (g.status().ok()) g.AddToCollection(kRegularizationLosses, penalty.name());
  return penalty;
}

Outputs RegularizationLosses(const Graph& g) {
  Outputs losses;
  for (const std::string& name : g.Collection(kRegularizationLosses)) {
    const absl::StatusOr<Output> loss = g.FindOutput(name);
    if (loss.ok()) losses.push_back(*loss);
  }
  return losses;
}

namespace regularizers {

Regularizer L1(double l) { return L1L2({.l1 = l, .l2 = 0}); }

Regularizer L2(double l) { return L1L2({.l1 = 0, .l2 = l}); }

Regularizer L1L2(const L1L2Options& options) {
  return Regularizer([options](Output w) {
    Graph& g = w.graph();
    for (const double factor : {options.l1, options.l2}) {
      if (std::isfinite(factor) && factor >= 0) continue;
      return Output(g.Fail(InvalidArgument(
          "'", g.root().name_scope(), "': the factor of a regularizer is ",
          factor, " but must be at least 0 and finite")));
    }
    Output penalty;
    if (options.l1 != 0) penalty = Sum(Abs(w)) * options.l1;
    if (options.l2 != 0) {
      Output square = Sum(Square(w)) * options.l2;
      penalty = penalty.valid() ? penalty + square : square;
    }
    return penalty.valid() ? penalty : ScalarLike(w, 0);
  });
}

}  // namespace regularizers
}  // namespace weft
