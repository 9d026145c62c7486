#include "graph/function_library.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "core/status.h"
#include "graph/names.h"
#include "graph/topological_order.h"
#include "proto/graph.pb.h"

namespace weft {
namespace {

constexpr int kMaxDepth = 32;  // Of functions in attrs of functions.

// Calls `found` with the name of each function in `attr`.
template <typename F>
void ForEachFunction(const proto::AttrValue& attr, int depth, F found) {
  if (depth >= kMaxDepth) return;
  auto visit = [&](const proto::NameAttrList& function) {
    found(function.name());
    for (const auto& [name, inner] : function.attr())
      ForEachFunction(inner, depth + 1, found);
  };
  if (attr.has_func()) visit(attr.func());
  if (attr.has_list()) {
    for (const proto::NameAttrList& function : attr.list().func())
      visit(function);
  }
}

}  // namespace

absl::Span<const char* const> BodyAttrs(OpRole role) {
  static constexpr const char* kWhile[] = {"cond", "body"};
  static constexpr const char* kIf[] = {"then_branch", "else_branch"};
  static constexpr const char* kCall[] = {"f"};
  switch (role) {
    case OpRole::kWhile:
      return kWhile;
    case OpRole::kIf:
      return kIf;
    case OpRole::kCall:
      return kCall;
    default:
      return {};
  }
}

absl::StatusOr<FunctionLibrary> FunctionLibrary::Create(
    const proto::GraphDef& graph, int64_t max_nodes) {
  FunctionLibrary library;
  WEFT_RETURN_IF_ERROR(library.AddFunctions(graph));
  WEFT_RETURN_IF_ERROR(library.CountNodes(graph, max_nodes));
  return library;
}

absl::Status FunctionLibrary::AddFunctions(const proto::GraphDef& graph) {
  for (const proto::FunctionDef& function : graph.library().function()) {
    const std::string& name = function.signature().name();
    const int i = static_cast<int>(functions_.size());
    if (name.empty()) return InvalidArgument("function ", i, " has no name");
    const auto [it, is_new] = by_name_.emplace(name, i);
    if (!is_new) {
      return InvalidArgument("functions ", it->second, " and ", i,
                             " are both called '", Printable(name), "'");
    }
    functions_.push_back(&function);
  }
  return absl::OkStatus();
}

std::vector<int> FunctionLibrary::CalledBy(const proto::NodeDef& node) const {
  std::vector<int> called;
  auto add = [&](absl::string_view name) {
    const auto it = by_name_.find(name);
    if (it != by_name_.end()) called.push_back(it->second);
  };
  add(node.op());
  for (const auto& [name, attr] : node.attr()) ForEachFunction(attr, 0, add);
  return called;
}

absl::Status FunctionLibrary::CountNodes(const proto::GraphDef& graph,
                                         int64_t max_nodes) {
  Predecessors called;
  for (const proto::FunctionDef* function : functions_) {
    for (const proto::NodeDef& node : function->node_def()) {
      for (int f : CalledBy(node)) called.Add(f);
    }
    called.EndNode();
  }
  const TopologicalOrder sorted = SortTopologically(called);
  if (!sorted.cycle.empty()) {
    // A function stands behind those that it calls.
    std::vector<absl::string_view> names;
    for (int f : sorted.cycle)
      names.push_back(functions_[f]->signature().name());
    std::reverse(names.begin() + 1, names.end());
    return InvalidArgument("functions call themselves: ", PrintCycle(names));
  }
  std::vector<int64_t> count(functions_.size());
  for (int f : sorted.order) {
    count[f] = functions_[f]->node_def_size();
    for (int g : called.of(f))
      count[f] = std::min(count[f] + count[g], max_nodes + 1);
  }
  int64_t total = graph.node_size();
  for (const proto::NodeDef& node : graph.node()) {
    for (int f : CalledBy(node)) total += count[f];
    if (total <= max_nodes) continue;
    return ResourceExhausted(
        "the graph has more than ", max_nodes,
        " nodes (GraphOptions.max_nodes), with those of the functions "
        "at each call; at ",
        DescribeNode(node));
  }
  return absl::OkStatus();
}

const proto::FunctionDef* FunctionLibrary::Find(absl::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : functions_[it->second];
}

absl::StatusOr<const proto::FunctionDef*> FunctionLibrary::Get(
    absl::string_view name) const {
  if (const proto::FunctionDef* function = Find(name)) return function;
  std::vector<absl::string_view> names;
  for (const proto::FunctionDef* f : functions_) {
    const std::string& other = f->signature().name();
    if (std::all_of(other.begin(), other.end(), absl::ascii_isprint))
      names.push_back(other);
  }
  return InvalidArgument("there is no function '", Printable(name), "'",
                         DidYouMean(name, names));
}

absl::StatusOr<const NodeList*> FunctionLibrary::Nodes(
    const proto::FunctionDef& function) {
  std::unique_ptr<NodeList>& nodes = nodes_[&function];
  if (nodes == nullptr) {
    WEFT_ASSIGN_OR_RETURN(NodeList list, NodeList::OfFunction(function));
    nodes = std::make_unique<NodeList>(std::move(list));
  }
  return nodes.get();
}

}  // namespace weft
