// Adapters: what turns golden cases of a family into graphs.
#ifndef WEFT_TESTS_GOLDEN_ADAPTER_H_
#define WEFT_TESTS_GOLDEN_ADAPTER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/graph.h"
#include "graph/output.h"
#include "ops/variable.h"
#include "tests/golden/golden_case.h"

namespace weft::golden {

// How the steps of a sequence are made. Each case must match in every form that
// its family has.
enum class Form { kUnrolled, kLoop };

// The graph of a case under construction.
struct CaseGraph {
  Graph& graph;
  Form form;
  std::map<std::string, Output> inputs;  // Placeholders, one per input.

  // By an adapter, under the names of the case:
  std::map<std::string, Variable> weights = {};
  std::map<std::string, Output> outputs = {};
  // Outputs that are what a variable holds after the run.
  std::map<std::string, Variable> outputs_after = {};

  // Gives `variables` the names that the case gives its weights, in order.
  // InvalidArgument if there are not as many.
  absl::Status SetWeights(const GoldenCase& c,
                          const std::vector<Variable>& variables);
};

// Builds the graph of a case. Unimplemented for what weft does not have.
using BuildFn = absl::Status (*)(const GoldenCase& c, CaseGraph* built);

// Builds and runs a case that one run of one graph does not show: several calls
// of a stateful layer, a training. The first difference is an error.
using RunFn = absl::Status (*)(const GoldenCase& c, Form form);

struct Adapter {
  const char* family;
  std::vector<Form> forms;
  BuildFn build = nullptr;
  RunFn run =
      nullptr;  // Of cases for which `runs` is true, or instead of build.
  bool (*runs)(const GoldenCase& c) = nullptr;

  bool Runs(const GoldenCase& c) const {
    return build == nullptr || (runs != nullptr && runs(c));
  }
};

// Null if weft has nothing of that family.
const Adapter* FindAdapter(absl::string_view family);

// One per vocabulary.
absl::Span<const Adapter> TFLearnAdapters();
absl::Span<const Adapter> PolyaxonAdapters();
absl::Span<const Adapter> Keras2Adapters();
absl::Span<const Adapter> Keras0Adapters();
absl::Span<const Adapter> SchemaAdapters();

}  // namespace weft::golden

#endif  // WEFT_TESTS_GOLDEN_ADAPTER_H_
