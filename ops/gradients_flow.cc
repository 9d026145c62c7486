#include "ops/gradients_flow.h"

#include <algorithm>

namespace weft {
namespace {

// The results of `body` that depend on the arguments in `from`.
Flags BodyForward(const Graph& body, const Flags& from) {
  Outputs sources;
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i]) sources.push_back(body.args()[i]);
  }
  const ForwardFlow flow(body, sources, {}, body.num_nodes());
  Flags results;
  for (const Output& result : body.results())
    results.push_back(flow.Reaches(result));
  return results;
}

// The arguments of `body` on which the results in `to` depend.
Flags BodyBackward(const Graph& body, const Flags& to) {
  absl::flat_hash_set<Output> wanted;
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i]) wanted.insert(body.results()[i]);
  }
  // Users have higher ids than what they use.
  for (int id = body.num_nodes() - 1; id >= 0; --id) {
    Node* node = body.nodes()[id].get();
    Flags outputs;
    for (int i = 0; i < node->num_outputs(); ++i) {
      outputs.push_back(wanted.contains(node->output(i)));
    }
    if (std::find(outputs.begin(), outputs.end(), true) == outputs.end())
      continue;
    if (node->schema() != nullptr && node->schema()->not_differentiable())
      continue;
    const Flags inputs = node->num_bodies() > 0
                             ? FlowBackward(*node, outputs)
                             : Flags(node->num_inputs(), true);
    for (int i = 0; i < node->num_inputs(); ++i) {
      const Output& input = node->input(i);
      if (inputs[i] && CarriesGradient(input.dtype())) wanted.insert(input);
    }
  }
  Flags args;
  for (const Output& arg : body.args()) args.push_back(wanted.contains(arg));
  return args;
}

void Unite(const Flags& more, Flags* flags) {
  for (size_t i = 0; i < more.size(); ++i) (*flags)[i] = (*flags)[i] || more[i];
}

}  // namespace

bool CarriesGradient(DataType dtype) {
  return IsFloating(dtype) || dtype == DataType::kVariant ||
         dtype == DataType::kResource;
}

OpRole RoleOf(const Node& node) {
  return node.schema() == nullptr ? OpRole::kCompute
                                  : node.schema()->traits().role;
}

ForwardFlow::ForwardFlow(const Graph& graph, const Outputs& sources,
                         const Outputs& stops, int num_nodes)
    : sources_(sources.begin(), sources.end()),
      stops_(stops.begin(), stops.end()),
      reached_(num_nodes, 0) {
  for (int id = 0; id < num_nodes; ++id) Visit(graph.nodes()[id].get());
}

void ForwardFlow::Visit(Node* node) {
  Flags from;
  for (const Output& input : node->inputs()) from.push_back(Reaches(input));
  if (std::find(from.begin(), from.end(), true) == from.end()) return;
  if (node->schema() != nullptr && node->schema()->not_differentiable()) return;
  reached_[node->id()] = 1;
  if (node->num_bodies() > 0) by_output_[node] = FlowForward(*node, from);
}

bool ForwardFlow::Reaches(const Output& value) const {
  if (sources_.contains(value)) return true;
  if (!CarriesGradient(value.dtype()) || stops_.contains(value)) return false;
  const size_t id = value.node()->id();
  if (id >= reached_.size() || reached_[id] == 0) return false;
  const auto it = by_output_.find(value.node());
  return it == by_output_.end() || it->second[value.index()];
}

Flags FlowForward(const Node& node, const Flags& from) {
  if (RoleOf(node) == OpRole::kWhile) return LoopFlowForward(node, from);
  // The first input of a conditional is no argument.
  const Flags args(from.begin() + (RoleOf(node) == OpRole::kIf ? 1 : 0),
                   from.end());
  Flags outputs(node.num_outputs(), false);
  for (int i = 0; i < node.num_bodies(); ++i) {
    Unite(BodyForward(node.body(i), args), &outputs);
  }
  return outputs;
}

Flags FlowBackward(const Node& node, const Flags& to) {
  if (RoleOf(node) == OpRole::kWhile) return LoopFlowBackward(node, to);
  const size_t first = RoleOf(node) == OpRole::kIf ? 1 : 0;
  Flags args(node.num_inputs() - first, false);
  for (int i = 0; i < node.num_bodies(); ++i) {
    Unite(BodyBackward(node.body(i), to), &args);
  }
  if (first == 1) args.insert(args.begin(), false);
  return args;
}

Flags LoopFlowForward(const Node& loop, Flags from) {
  while (true) {
    const Flags before = from;
    Unite(BodyForward(loop.body(1), before), &from);
    if (from == before) return from;
  }
}

Flags LoopFlowBackward(const Node& loop, Flags to) {
  while (true) {
    const Flags before = to;
    Unite(BodyBackward(loop.body(1), before), &to);
    if (to == before) return to;
  }
}

}  // namespace weft
