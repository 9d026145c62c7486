#include "layers/constraints.h"

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "ops/control_flow.h"
#include "ops/control_flow_copy.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"

namespace weft {
namespace {

// The call that holds the constraint of the variable `name`; null if it has
// none.
const Node* FindConstraint(const Graph& g, const std::string& name) {
  const std::vector<std::string>& names = g.Collection(kConstraints);
  for (size_t i = 0; i + 1 < names.size(); i += 2) {
    if (names[i] != name) continue;
    const Node* call = g.FindNode(names[i + 1]);
    if (call != nullptr && call->num_bodies() == 1) return call;
  }
  return nullptr;
}

// What `call` gives for `value` in place of its first input.
Output CopyOf(const Node& call, Output value) {
  const Graph& body = call.body(0);
  GraphCopier copier(body, value.graph());
  copier.Map(body.args()[0], value);
  for (int i = 1; i < call.num_inputs(); ++i) {
    copier.Map(body.args()[i], call.input(i));
  }
  return copier.Copy(body.results()[0]);
}

}  // namespace

void AddConstraint(const Constraint& constraint, const Variable& w) {
  if (!constraint.given()) return;
  Graph& g = w.handle().graph();
  NameScope scope(g, NameScope::Existing{w.name()});
  const Outputs result =
      Call({w.read()},
           [&](const Outputs& v) -> Outputs { return {constraint(v[0])}; },
           {.name = "Constraint"});
  if (!g.status().ok()) return;
  g.AddToCollection(kConstraints, w.name());
  g.AddToCollection(kConstraints, result[0].node()->name());
}

std::vector<Node*> ApplyConstraints(GraphRef g,
                                    const std::vector<Variable>& variables,
                                    const std::vector<Node*>& updates) {
  LocationScope at(g.graph, g.location);
  std::vector<Node*> nodes;
  for (const Variable& w : variables) {
    const Node* call = FindConstraint(g.graph, w.name());
    if (call == nullptr) continue;
    NameScope scope(g.graph, "constraint");
    ControlScope after(g.graph, updates);
    Output updated = ReadVariable(w.handle(), w.dtype());
    nodes.push_back(Assign(w, CopyOf(*call, updated)));
  }
  return nodes;
}

namespace constraints {
namespace {

// What norms are divided by besides themselves, so that 0 stays 0.
constexpr double kEpsilon = 1e-7;

Output Wrong(Graph& g, absl::string_view constraint, absl::string_view what) {
  return Output(g.Fail(InvalidArgument("'", g.root().name_scope(),
                                       "': ", constraint, " has ", what)));
}

// `w` with norms that `map` makes of those along `axis`.
template <typename Map>
Output WithNorms(Output w, absl::string_view constraint, int axis, Map map) {
  const int rank = w.shape().rank();
  if (axis < -rank || axis >= rank) {
    return Wrong(w.graph(), constraint,
                 absl::StrCat("axis ", axis, " but the weight is ",
                              w.shape().ToString()));
  }
  Output norms = Sqrt(Sum(Square(w), {.axes = {axis}, .keep_dims = true}));
  Output wanted = map(norms);
  return w * (wanted / (norms + kEpsilon));
}

}  // namespace

Constraint MaxNorm(const MaxNormOptions& options) {
  return Constraint([options](Output w) {
    if (!(options.max_value >= 0)) {
      return Wrong(w.graph(), "MaxNorm",
                   absl::StrCat("max_value ", options.max_value,
                                " but must have at least 0"));
    }
    return WithNorms(w, "MaxNorm", options.axis, [&](Output norms) {
      return ClipByValue(norms, 0, options.max_value);
    });
  });
}

Constraint UnitNorm(const UnitNormOptions& options) {
  return Constraint([options](Output w) {
    return WithNorms(w, "UnitNorm", options.axis,
                     [](Output norms) { return OnesLike(norms); });
  });
}

Constraint MinMaxNorm(const MinMaxNormOptions& options) {
  return Constraint([options](Output w) {
    const bool ordered =
        options.min_value >= 0 && options.max_value >= options.min_value;
    if (!ordered || !(options.rate >= 0 && options.rate <= 1)) {
      return Wrong(
          w.graph(), "MinMaxNorm",
          absl::StrCat("min_value ", options.min_value, ", max_value ",
                       options.max_value, " and rate ", options.rate,
                       " but must have 0 <= min_value <= max_value and a rate "
                       "in [0, 1]"));
    }
    return WithNorms(w, "MinMaxNorm", options.axis, [&](Output norms) {
      Output clipped = ClipByValue(norms, options.min_value, options.max_value);
      if (options.rate == 1) return clipped;
      return clipped * options.rate + norms * (1 - options.rate);
    });
  });
}

Constraint NonNeg() {
  return Constraint([](Output w) { return Maximum(w, ScalarLike(w, 0)); });
}

}  // namespace constraints
}  // namespace weft
