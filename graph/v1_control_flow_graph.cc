#include "graph/v1_control_flow_graph.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/status.h"
#include "graph/node_list.h"
#include "graph/topological_order.h"

namespace weft {
namespace {

std::string ValueName(absl::string_view node, int index) {
  return absl::StrCat(node, ":", index);
}

}  // namespace

V1Op V1OpOf(absl::string_view op) {
  if (op == "ControlTrigger") return V1Op::kControlTrigger;
  absl::ConsumePrefix(&op, "Ref");
  if (op == "Enter") return V1Op::kEnter;
  if (op == "Exit") return V1Op::kExit;
  if (op == "Merge") return V1Op::kMerge;
  if (op == "Switch") return V1Op::kSwitch;
  if (op == "NextIteration") return V1Op::kNextIteration;
  if (op == "LoopCond") return V1Op::kLoopCond;
  return V1Op::kNone;
}

absl::Status V1Module::Read(const proto::GraphDef& file) {
  WEFT_ASSIGN_OR_RETURN(const NodeList list, NodeList::OfOldGraph(file));
  graphs_.push_back(std::make_unique<V1Graph>());
  V1Graph& graph = outermost();
  graph.nodes.resize(list.size());
  for (int i = 0; i < list.size(); ++i) {
    V1Node& node = graph.nodes[i];
    node.def = &list.node(i);
    for (const InputRef& ref : list.inputs(i))
      node.inputs.push_back({ref.node, ref.index});
    for (const InputRef& ref : list.control_inputs(i))
      node.controls.push_back(ref.node);
    names_.insert(node.name());
    file_names_.insert(node.name());
  }
  for (const proto::FunctionDef& function : file.library().function()) {
    function_names_.insert(function.signature().name());
  }
  return absl::OkStatus();
}

V1Graph* V1Module::AddGraph(absl::string_view base, std::string where) {
  std::string name = absl::StrCat(base);
  for (char& c : name) {
    if (c == '/') c = '_';
  }
  graphs_.push_back(std::make_unique<V1Graph>());
  graphs_.back()->name = Unique(name, &function_names_);
  graphs_.back()->where = std::move(where);
  return graphs_.back().get();
}

proto::NodeDef* V1Module::NewDef(std::string name, absl::string_view op) {
  proto::NodeDef& def = defs_.emplace_back();
  def.set_name(std::move(name));
  def.set_op(std::string(op));
  return &def;
}

std::string V1Module::UniqueName(absl::string_view base) {
  return Unique(base, &names_);
}

std::string V1Module::Unique(absl::string_view base,
                             absl::flat_hash_set<std::string>* taken) {
  std::string name(base);
  if (taken->insert(name).second) return name;
  int& suffix = next_suffix_[name];
  do {
    name = absl::StrCat(base, "_", ++suffix);
  } while (!taken->insert(name).second);
  return name;
}

absl::Status V1Module::TakeNodes(int64_t count) {
  nodes_left_ -= count;
  if (nodes_left_ >= 0) return absl::OkStatus();
  return ResourceExhausted(
      "the loops and conditionals take more nodes than the graph may have "
      "(GraphOptions.max_nodes): what several of them use is there in each");
}

void V1Module::Alias(const std::string& name, int index, const V1Graph& graph,
                     V1Value to) {
  if (to.node == V1Value::kArg) return;  // Of a body: out of reach.
  aliases_[ValueName(name, index)] =
      ValueName(graph.nodes[to.node].name(), to.index);
}

void V1Module::Hide(const std::string& name, const std::string& where) {
  hidden_[name] = where;
}

std::map<std::string, std::string> V1Module::FinalAliases() const {
  absl::flat_hash_set<std::string> present;
  for (const V1Node& node : graphs_[0]->nodes) present.insert(node.name());
  std::map<std::string, std::string> result;
  for (const auto& [name, first] : aliases_) {
    const std::string* target = &first;
    // A loop in a conditional that is in a loop: each step leads outwards.
    for (auto it = aliases_.find(*target); it != aliases_.end();
         it = aliases_.find(*target)) {
      target = &it->second;
    }
    if (present.contains(target->substr(0, target->rfind(':'))))
      result[name] = *target;
  }
  return result;
}

absl::flat_hash_map<std::string, std::string> V1Module::FinalHidden() const {
  absl::flat_hash_map<std::string, std::string> result = hidden_;
  for (size_t i = 1; i < graphs_.size(); ++i) {
    for (const V1Node& node : graphs_[i]->nodes) {
      if (file_names_.contains(node.name()))
        result[node.name()] = graphs_[i]->where;
    }
  }
  for (const V1Node& node : graphs_[0]->nodes) result.erase(node.name());
  return result;
}

absl::StatusOr<std::vector<int>> InOrder(const V1Graph& graph) {
  Predecessors predecessors;
  for (const V1Node& node : graph.nodes) {
    for (const V1Value& input : node.inputs) {
      if (input.node == V1Value::kArg) continue;
      if (graph.nodes[input.node].op() != V1Op::kNextIteration)
        predecessors.Add(input.node);
    }
    for (int control : node.controls) predecessors.Add(control);
    predecessors.EndNode();
  }
  TopologicalOrder sorted = SortTopologically(predecessors);
  if (sorted.cycle.empty()) return std::move(sorted.order);
  std::vector<absl::string_view> names;
  for (int i : sorted.cycle) names.push_back(graph.nodes[i].name());
  return InvalidArgument(graph.where, graph.where.empty() ? "" : ": ",
                         "the graph has a cycle: ", PrintCycle(names));
}

std::string ScopeOf(const std::string& name, absl::string_view otherwise) {
  const size_t slash = name.rfind('/');
  return slash == std::string::npos || slash == 0 ? std::string(otherwise)
                                                  : name.substr(0, slash);
}

}  // namespace weft
