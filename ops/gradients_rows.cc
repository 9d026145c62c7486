#include "ops/gradients_rows.h"

#include <algorithm>
#include <string>

namespace weft {
namespace {

// Matrices of which the number of columns is known. Those of all steps of an
// inner loop have many rows already: to keep them for every step of this one,
// too, would take more memory than it saves time.
bool AreRows(const Output& value) {
  const TensorShape& shape = value.shape();
  return shape.has_rank() && shape.rank() == 2 && shape.dim(1) >= 0 &&
         value.node()->op() != "TensorListConcatV2";
}

bool SumsOverRows(const Node& node) {
  if (node.op() == "MatMul") {
    return node.attrs().Get<bool>("transpose_a") &&
           !node.attrs().Get<bool>("transpose_b");
  }
  return node.op() == "BiasAddGrad" &&
         node.attrs().Get<std::string>("data_format") == "NHWC";
}

}  // namespace

std::vector<const Node*> FindRowTerms(const Output& sum, const Output& begin) {
  if (sum.node()->op() != "AddN") return {};
  std::vector<const Node*> terms;
  int begins = 0;
  for (const Output& term : sum.node()->inputs()) {
    if (term == begin) {
      ++begins;
      continue;
    }
    const Node& node = *term.node();
    const auto& inputs = node.inputs();
    if (!SumsOverRows(node) || !node.control_inputs().empty() ||
        !std::all_of(inputs.begin(), inputs.end(), AreRows)) {
      return {};
    }
    terms.push_back(&node);
  }
  return begins == 1 ? terms : std::vector<const Node*>();
}

}  // namespace weft
