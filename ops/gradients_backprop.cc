#include "ops/gradients_backprop.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/op.h"
#include "ops/gradients_control_flow.h"
#include "ops/list.h"
#include "ops/math.h"

namespace weft {
namespace {

// A read of one element adds to the gradient of that element alone. As a list
// of zeros but for one, which its schema's gradient is, n reads would cost n^2.
bool IsElementRead(const Node& node) {
  return node.op() == "TensorListGetItem";
}

constexpr bool kEverything = true;

Outputs OfWholeNode(const GradContext& g,
                    Outputs (*differentiate)(Node*, const Outputs&,
                                             const Flags&, GradientContext&,
                                             bool)) {
  Outputs dys;
  for (int i = 0; i < g.node()->num_outputs(); ++i) dys.push_back(g.raw_dy(i));
  GradientContext context;
  return differentiate(g.node(), dys, Flags(g.num_inputs(), kEverything),
                       context, false);
}

}  // namespace

Outputs WhileGradient(const GradContext& g) {
  return OfWholeNode(g, DifferentiateLoop);
}
Outputs IfGradient(const GradContext& g) {
  return OfWholeNode(g, DifferentiateBranches);
}
Outputs CallGradient(const GradContext& g) {
  return OfWholeNode(g, DifferentiateBranches);
}

Outputs Backprop::Run(const Outputs& xs, const Outputs& stops) {
  int num_nodes = 0;
  for (const auto& [value, flow] : flows_) {
    num_nodes = std::max(num_nodes, value.node()->id() + 1);
  }
  const ForwardFlow active(graph_, xs, stops, num_nodes);
  // Users have higher ids than what they use, so their gradients come first.
  for (int id = num_nodes - 1; id >= 0 && graph_.status().ok(); --id) {
    Visit(graph_.nodes()[id].get(), active);
  }
  Outputs dxs;
  for (const Output& x : xs)
    dxs.push_back(graph_.status().ok() ? Sum(x) : Output());
  return dxs;
}

Output Backprop::Sum(Output value) {
  const auto it = flows_.find(value);
  if (it == flows_.end()) return Output();
  Flow& flow = it->second;
  if (flow.sum.valid()) return flow.sum;
  Output sum;
  if (flow.whole.size() == 1) {
    sum = flow.whole[0];
  } else if (!flow.whole.empty()) {
    sum = value.dtype() == DataType::kVariant ? AccumulateLists(flow.whole)
                                              : AddN(flow.whole);
  }
  return flow.sum = SumOfElements(value, flow, sum);
}

// The elements are added to the list one after another, which costs no copy of
// the list.
Output Backprop::SumOfElements(Output list, const Flow& flow, Output sum) {
  bool is_zero = !sum.valid();
  if (is_zero && !flow.elements.empty()) sum = ZeroGradient(list, context_);
  if (flow.elements.size() == 1 && flow.whole.size() == 1) {
    const Outputs& fresh = flow.fresh_indices;
    is_zero = std::find(fresh.begin(), fresh.end(), flow.elements[0].first) !=
              fresh.end();
  }
  for (const auto& [index, dy] : flow.elements) {
    if (is_zero) {
      sum = TensorListSetItem(sum, index, dy);
      is_zero = false;
      continue;
    }
    const Output before = TensorListGetItem(
        sum, index, ElementShape(graph_, dy.shape()), dy.dtype());
    const Output after = dy.dtype() == DataType::kVariant
                             ? AccumulateLists({before, dy})
                             : AddN({before, dy});
    sum = TensorListSetItem(sum, index, after);
  }
  return sum;
}

void Backprop::Visit(Node* node, const ForwardFlow& active) {
  Flags wanted;
  for (const Output& input : node->inputs())
    wanted.push_back(active.Reaches(input));
  if (std::find(wanted.begin(), wanted.end(), true) == wanted.end()) return;
  Outputs dys;
  bool any = false;
  for (int i = 0; i < node->num_outputs(); ++i) {
    const Output y = node->output(i);
    dys.push_back(active.Reaches(y) ? Sum(y) : Output());
    any = any || dys.back().valid();
  }
  if (!any) return;
  NameScope scope(graph_, absl::StrCat(node->name(), "_grad"));
  if (IsElementRead(*node)) {
    flows_[node->input(0)].elements.emplace_back(node->input(1), dys[0]);
    return;
  }
  const Outputs dxs = GradientOf(node, dys, wanted);
  if (!graph_.status().ok()) return;
  // Not num_inputs(): the gradient of a loop appends inputs to it.
  for (int i = 0; i < static_cast<int>(wanted.size()); ++i) {
    if (!wanted[i] || !dxs[i].valid()) continue;
    if (!Check(*node, i, dxs[i])) return;
    Contribute(node->input(i), dxs[i]);
  }
}

Outputs Backprop::GradientOf(Node* node, const Outputs& dys,
                             const Flags& wanted) {
  switch (RoleOf(*node)) {
    case OpRole::kWhile:
      return DifferentiateLoop(node, dys, wanted, context_, in_loop_);
    case OpRole::kIf:
    case OpRole::kCall:
      return DifferentiateBranches(node, dys, wanted, context_, in_loop_);
    default:
      break;
  }
  if (node->schema() == nullptr || !node->schema()->gradient()) {
    graph_.Fail(Unimplemented(node->Describe(), ": the op has no gradient"),
                node->location());
    return {};
  }
  Outputs dxs = node->schema()->gradient()(GradContext(node, dys));
  if (graph_.status().ok() &&
      static_cast<int>(dxs.size()) != node->num_inputs()) {
    graph_.Fail(Internal(node->Describe(), ": the gradient has ", dxs.size(),
                         " parts for ", node->num_inputs(), " inputs"));
  }
  return dxs;
}

bool Backprop::Check(const Node& node, int input, const Output& dx) {
  const Output& x = node.input(input);
  const bool fits = x.dtype() == DataType::kResource ? IsFloating(dx.dtype())
                                                     : dx.dtype() == x.dtype();
  if (fits && dx.shape().IsCompatibleWith(x.shape())) return true;
  graph_.Fail(Internal(node.Describe(), ": the gradient of input ", input,
                       " is ", DataTypeName(dx.dtype()), " ",
                       dx.shape().ToString(), " but the input is ",
                       DataTypeName(x.dtype()), " ", x.shape().ToString()));
  return false;
}

}  // namespace weft
