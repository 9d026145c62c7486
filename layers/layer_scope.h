// The scope of a layer: its name, a scope that the caller gives, or one whose
// weights are used again.
#ifndef WEFT_LAYERS_LAYER_SCOPE_H_
#define WEFT_LAYERS_LAYER_SCOPE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "graph/graph.h"
#include "graph/output.h"
#include "layers/argument_error.h"

namespace weft {

struct LayerScopeOptions {
  absl::string_view kind;  // "lstm", for messages.
  std::string name;        // Made unique.
  std::string scope;       // In place of the name; must not be taken.
  bool reuse = false;      // `scope` must be taken: its weights are used again.
  bool called = false;     // A layer object's further call: a scope for the
                           // nodes alone, named after the first one's.
};

// Opens the layer's name scope and its location. Fails the graph if `reuse` is
// given without `scope`, or `scope` is taken without `reuse`, or is not there.
class LayerScope {
 public:
  LayerScope(GraphRef g, const LayerScopeOptions& options);

  const ArgumentChecker& check() const { return check_; }

 private:
  static NameScope Open(Graph& g, const LayerScopeOptions& options);

  LocationScope location_;
  NameScope scope_;
  ArgumentChecker check_;
};

}  // namespace weft

#endif  // WEFT_LAYERS_LAYER_SCOPE_H_
