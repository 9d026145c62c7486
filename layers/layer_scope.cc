#include "layers/layer_scope.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"

namespace weft {
namespace {

bool HasWeights(const Graph& g, const std::string& scope) {
  const std::string prefix = absl::StrCat(scope, "/");
  return std::any_of(
      g.variables().begin(), g.variables().end(),
      [&](const VariableInfo& v) { return absl::StartsWith(v.name, prefix); });
}

}  // namespace

LayerScope::LayerScope(GraphRef g, const LayerScopeOptions& options)
    : location_(g.graph, g.location),
      scope_(Open(g.graph, options)),
      check_(g, options.kind) {
  if (options.reuse || options.called || options.scope.empty()) return;
  // The scope is the caller's promise to find the weights under it.
  const std::string& open = g.graph.name_scope();
  if (!absl::EndsWith(open, options.scope)) {
    check_.Fail("scope is '", Printable(options.scope),
                "' but must be one that is not in use, unless reuse is true");
  }
}

NameScope LayerScope::Open(Graph& g, const LayerScopeOptions& options) {
  if (options.called) {
    return NameScope(g, options.scope.empty() ? options.name : options.scope);
  }
  const ArgumentChecker check(g, options.kind);
  if (options.scope.empty()) {
    if (options.reuse) check.Fail("reuse is true but scope is not given");
    if (options.name.empty()) check.Fail("name is '' but must not be empty");
    return NameScope(g, options.name.empty() ? "layer" : options.name);
  }
  if (!options.reuse) return NameScope(g, options.scope);
  const std::string full =
      g.name_scope().empty() ? options.scope
                             : absl::StrCat(g.name_scope(), "/", options.scope);
  if (!HasWeights(g, full)) {
    check.Fail("reuse is true but the scope '", Printable(full),
               "' has no weights");
  }
  return NameScope(g, NameScope::Existing{full});
}

}  // namespace weft
