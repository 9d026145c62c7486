#include "graph/v1_control_flow_copy.h"

#include <utility>

#include "core/status.h"

namespace weft {

bool IsAnchor(const V1Graph& graph, int node) {
  const V1Node& n = graph.nodes[node];
  if (!n.controls.empty()) return false;
  return n.op() != V1Op::kNone || n.def->op() == "Const" || IsIdentity(n);
}

bool IsIdentity(const V1Node& node) {
  return node.controls.empty() && node.inputs.size() == 1 &&
         node.def->op() == "Identity";
}

absl::StatusOr<V1Value> V1Copier::Map(V1Value value) {
  WEFT_ASSIGN_OR_RETURN(const Source source, Resolve(value));
  if (source.is_arg) return source.value;
  WEFT_ASSIGN_OR_RETURN(const int node, Copy(source.value.node));
  return V1Value{node, source.value.index};
}

absl::StatusOr<V1Value> V1Copier::MapAfter(V1Value value,
                                           const std::vector<int>& controls,
                                           const proto::NodeDef& named) {
  WEFT_ASSIGN_OR_RETURN(const V1Value mapped, Map(value));
  V1Node identity{.inputs = {mapped}, .controls = controls};
  std::vector<int> after;
  WEFT_RETURN_IF_ERROR(MapControls(identity, &after));
  if (after.empty()) return mapped;
  proto::NodeDef* def = module_.NewDef(named.name(), "Identity");
  (*def->mutable_attr())["T"].set_type(
      static_cast<proto::DataType>(OutputType(named, 0)));
  identity.def = def;
  identity.controls = std::move(after);
  to_.nodes.push_back(std::move(identity));
  return V1Value{static_cast<int>(to_.nodes.size()) - 1, 0};
}

absl::StatusOr<int> V1Copier::Copy(int node) {
  const auto [it, is_new] =
      copied_.emplace(node, static_cast<int>(to_.nodes.size()));
  if (!is_new) return it->second;
  const int copy = it->second;
  WEFT_RETURN_IF_ERROR(module_.TakeNodes(1));
  WEFT_RETURN_IF_ERROR(Check(node));
  const V1Node& original = from_.nodes[node];
  to_.nodes.push_back({.def = original.def, .anchored = original.anchored});
  stateful_ = stateful_ || IsStateful(*original.def);
  open_.push_back(node);
  return copy;
}

absl::Status V1Copier::MapControls(const V1Node& node,
                                   std::vector<int>* controls) {
  for (int control : node.controls) {
    WEFT_ASSIGN_OR_RETURN(const int source, ResolveControl(control));
    if (source < 0) continue;
    WEFT_ASSIGN_OR_RETURN(const int mapped, Copy(source));
    controls->push_back(mapped);
  }
  return absl::OkStatus();
}

absl::Status V1Copier::Run() {
  while (!open_.empty()) {
    const V1Node& original = from_.nodes[open_.back()];
    const int copy = copied_.at(open_.back());
    open_.pop_back();
    std::vector<V1Value> inputs;
    inputs.reserve(original.inputs.size());
    for (const V1Value& input : original.inputs) {
      WEFT_ASSIGN_OR_RETURN(const V1Value mapped, Map(input));
      inputs.push_back(mapped);
    }
    std::vector<int> controls;
    WEFT_RETURN_IF_ERROR(MapControls(original, &controls));
    to_.nodes[copy].inputs = std::move(inputs);
    to_.nodes[copy].controls = std::move(controls);
  }
  return absl::OkStatus();
}

}  // namespace weft
