#include "tests/golden/adapter.h"

#include "core/status.h"

namespace weft::golden {

absl::Status CaseGraph::SetWeights(const GoldenCase& c,
                                   const std::vector<Variable>& variables) {
  if (variables.size() != c.weights_order.size()) {
    return InvalidArgument("the layer has ", variables.size(),
                           " weights but the case ", c.weights_order.size());
  }
  for (size_t i = 0; i < variables.size(); ++i) {
    weights[c.weights_order[i]] = variables[i];
  }
  return absl::OkStatus();
}

const Adapter* FindAdapter(absl::string_view family) {
  for (absl::Span<const Adapter> adapters :
       {TFLearnAdapters(), PolyaxonAdapters(), Keras2Adapters(),
        Keras0Adapters(), SchemaAdapters()}) {
    for (const Adapter& adapter : adapters) {
      if (family == adapter.family) return &adapter;
    }
  }
  return nullptr;
}

}  // namespace weft::golden
