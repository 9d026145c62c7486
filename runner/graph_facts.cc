#include "runner/graph_facts.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/kernel.h"
#include "graph/op.h"

namespace weft::runner {
namespace {

constexpr char kInitialState[] = "/initial_state_";
constexpr char kFinalState[] = "/final_state_";

OpRole RoleOf(const Node& node) {
  return node.schema() == nullptr ? OpRole::kCompute
                                  : node.schema()->traits().role;
}

bool IsPlaceholder(const Node& node) {
  const OpRole role = RoleOf(node);
  return role == OpRole::kPlaceholder ||
         role == OpRole::kPlaceholderWithDefault;
}

// Could a value of this type be shown?
bool HasValue(const Output& output) {
  return output.dtype() != DataType::kResource &&
         output.dtype() != DataType::kVariant &&
         output.dtype() != DataType::kInvalid;
}

// Gives a variable as it is.
bool IsRead(const Node& node) {
  return node.num_inputs() > 0 && node.num_bodies() == 0 &&
         std::all_of(node.inputs().begin(), node.inputs().end(),
                     [](const Output& input) {
                       return input.dtype() == DataType::kResource;
                     });
}

bool CanRun(const Node& node) {
  if (node.schema() == nullptr) return false;
  return RoleOf(node) != OpRole::kCompute ||
         KernelRegistry::Global().Has(node.op());
}

// A graph to look at, and the control flow that it is a body of: an index into
// GraphFacts::control_flow, -1 if none.
struct Place {
  const Graph* graph = nullptr;
  int owner = -1;
};

void AddControlFlow(const Node& node, int owner, std::vector<int>* owners,
                    GraphFacts* facts) {
  std::string name = node.name();
  if (owner >= 0)
    name = absl::StrCat(facts->control_flow[owner].name, " > ", name);
  facts->control_flow.push_back({.name = std::move(name),
                                 .op = node.op(),
                                 .num_values = node.num_inputs()});
  owners->push_back(owner);
}

void CountNodes(const Graph& graph, GraphFacts* facts) {
  std::vector<int> owners;  // Of the control flow, by index.
  std::vector<Place> stack = {{&graph}};
  while (!stack.empty()) {
    const Place place = stack.back();
    stack.pop_back();
    for (const auto& node : place.graph->nodes()) {
      if (RoleOf(*node) == OpRole::kArg) continue;
      OpCount& op = facts->ops[node->op()];
      ++op.count;
      op.can_run = op.can_run && CanRun(*node);
      ++(place.owner < 0 ? facts->num_nodes : facts->num_body_nodes);
      for (int i = place.owner; i >= 0; i = owners[i])
        ++facts->control_flow[i].num_nodes;
      if (node->num_bodies() == 0) continue;
      const int owner = static_cast<int>(facts->control_flow.size());
      AddControlFlow(*node, place.owner, &owners, facts);
      for (int b = 0; b < node->num_bodies(); ++b)
        stack.push_back({&node->body(b), owner});
    }
  }
}

void FindStates(const Graph& graph, GraphFacts* facts) {
  for (const auto& node : graph.nodes()) {
    if (!IsPlaceholder(*node)) continue;
    const std::string other =
        absl::StrReplaceAll(node->name(), {{kInitialState, kFinalState}});
    if (other == node->name()) continue;
    Node* final_state = graph.FindNode(other);
    if (final_state == nullptr || final_state->num_outputs() == 0) continue;
    facts->states.push_back({node->output(0), final_state->output(0)});
  }
}

void FindWeights(const Graph& graph, GraphFacts* facts) {
  for (const VariableInfo& variable : graph.variables()) {
    facts->weights.push_back(
        {variable.name, variable.dtype, variable.shape, true});
  }
  for (const auto& node : graph.nodes()) {
    if (RoleOf(*node) != OpRole::kConst) continue;
    const Output value = node->output(0);
    if (!IsFloating(value.dtype()) || value.shape().num_elements() <= 1)
      continue;
    facts->weights.push_back(
        {node->name(), value.dtype(), value.shape(), false});
  }
}

}  // namespace

int64_t Weight::num_elements() const {
  return std::max<int64_t>(shape.num_elements(), 0);
}

int64_t Weight::num_bytes() const {
  return num_elements() * static_cast<int64_t>(DataTypeSize(dtype));
}

bool HasDefault(const Output& input) {
  return RoleOf(*input.node()) == OpRole::kPlaceholderWithDefault;
}

Outputs UnconsumedOutputs(const Graph& graph) {
  std::vector<bool> consumed(graph.num_nodes(), false);
  for (const auto& node : graph.nodes()) {
    for (const Output& input : node->inputs())
      consumed[input.node()->id()] = true;
  }
  Outputs outputs;
  for (const auto& node : graph.nodes()) {
    if (consumed[node->id()] || IsPlaceholder(*node) || IsRead(*node)) continue;
    for (int i = 0; i < node->num_outputs(); ++i) {
      if (HasValue(node->output(i))) outputs.push_back(node->output(i));
    }
  }
  return outputs;
}

Outputs NeededPlaceholders(const Outputs& fetches, const Outputs& feeds) {
  const absl::flat_hash_set<Output> fed(feeds.begin(), feeds.end());
  absl::flat_hash_set<const Node*> seen;
  std::vector<Node*> stack;
  auto need = [&](Node* node) {
    if (seen.insert(node).second) stack.push_back(node);
  };
  auto need_value = [&](const Output& value) {
    if (!fed.contains(value)) need(value.node());
  };
  Outputs placeholders;
  for (const Output& fetch : fetches) need_value(fetch);
  while (!stack.empty()) {
    Node* node = stack.back();
    stack.pop_back();
    if (RoleOf(*node) == OpRole::kPlaceholder)
      placeholders.push_back(node->output(0));
    for (const Output& input : node->inputs()) need_value(input);
    for (Node* control : node->control_inputs()) need(control);
  }
  std::sort(placeholders.begin(), placeholders.end(),
            [](const Output& a, const Output& b) {
              return a.node()->id() < b.node()->id();
            });
  return placeholders;
}

std::vector<bool> DependOnMissingFeeds(const Graph& graph,
                                       const Outputs& feeds) {
  const absl::flat_hash_set<Output> fed(feeds.begin(), feeds.end());
  std::vector<std::vector<int>> users(graph.num_nodes());
  std::vector<bool> depends(graph.num_nodes(), false);
  std::vector<int> stack;
  auto mark = [&](int id) {
    if (!depends[id]) stack.push_back(id);
    depends[id] = true;
  };
  for (const auto& node : graph.nodes()) {
    for (const Output& input : node->inputs()) {
      if (!fed.contains(input)) users[input.node()->id()].push_back(node->id());
    }
    for (const Node* control : node->control_inputs()) {
      users[control->id()].push_back(node->id());
    }
    if (RoleOf(*node) == OpRole::kPlaceholder &&
        !fed.contains(node->output(0))) {
      mark(node->id());
    }
  }
  while (!stack.empty()) {
    const int id = stack.back();
    stack.pop_back();
    for (int user : users[id]) mark(user);
  }
  return depends;
}

GraphFacts CollectFacts(const Graph& graph) {
  GraphFacts facts;
  for (const auto& node : graph.nodes()) {
    if (IsPlaceholder(*node)) facts.inputs.push_back(node->output(0));
  }
  facts.outputs = UnconsumedOutputs(graph);
  FindStates(graph, &facts);
  FindWeights(graph, &facts);
  CountNodes(graph, &facts);
  return facts;
}

}  // namespace weft::runner
