#include "graph/node_list.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/status.h"
#include "graph/names.h"
#include "graph/topological_order.h"
#include "proto/graph.pb.h"

namespace weft {
namespace {

// A loop of an old graph is made of these; they may form cycles.
bool IsOldControlFlow(absl::string_view op) {
  absl::ConsumePrefix(&op, "Ref");
  for (const char* name :
       {"Enter", "Exit", "Merge", "Switch", "NextIteration", "LoopCond"}) {
    if (op == name) return true;
  }
  return false;
}

// "a" is output 0 of a, "a:2" output 2, "a:sum:1" output 1 of those called sum,
// "a:sum" the first of them.
struct Spelling {
  absl::string_view name;
  absl::string_view output;
  int index = 0;
};

absl::StatusOr<Spelling> ParseInput(absl::string_view text, bool in_function) {
  Spelling s;
  const size_t colon = text.find(':');
  s.name = text.substr(0, colon);
  if (colon == absl::string_view::npos) return s;
  absl::string_view rest = text.substr(colon + 1);
  if (in_function && !rest.empty() && !absl::ascii_isdigit(rest[0]) &&
      rest[0] != '-') {
    const size_t second = rest.find(':');
    s.output = rest.substr(0, second);
    if (second == absl::string_view::npos) return s;
    rest = rest.substr(second + 1);
  }
  const bool is_number = !rest.empty() && std::all_of(rest.begin(), rest.end(),
                                                      absl::ascii_isdigit);
  if (!is_number || !absl::SimpleAtoi(rest, &s.index)) {
    return InvalidArgument("'", Printable(rest),
                           "' is not the number of an output");
  }
  return s;
}

}  // namespace

std::string DescribeNode(const proto::NodeDef& node) {
  return absl::StrCat(Printable(node.op()), " '", Printable(node.name()), "'");
}

absl::StatusOr<NodeList> NodeList::OfGraph(const proto::GraphDef& graph) {
  NodeList list;
  list.nodes_.reserve(graph.node_size());
  for (const proto::NodeDef& node : graph.node()) list.nodes_.push_back(&node);
  WEFT_RETURN_IF_ERROR(list.Read(/*in_function=*/false));
  return list;
}

absl::StatusOr<NodeList> NodeList::OfOldGraph(const proto::GraphDef& graph) {
  NodeList list;
  list.is_old_ = true;
  for (const proto::NodeDef& node : graph.node()) list.nodes_.push_back(&node);
  WEFT_RETURN_IF_ERROR(list.Read(/*in_function=*/false));
  return list;
}

absl::StatusOr<NodeList> NodeList::OfFunction(
    const proto::FunctionDef& function) {
  NodeList list;
  list.nodes_.reserve(function.node_def_size());
  for (const proto::NodeDef& node : function.node_def())
    list.nodes_.push_back(&node);
  for (int i = 0; i < function.signature().input_arg_size(); ++i) {
    const std::string& name = function.signature().input_arg(i).name();
    if (!IsValidNodeName(name)) {
      return InvalidArgument("argument ", i, " is called '", Printable(name),
                             "', which is not a name");
    }
    if (!list.args_.emplace(name, i).second) {
      return InvalidArgument("two arguments are called '", name, "'");
    }
  }
  WEFT_RETURN_IF_ERROR(list.Read(/*in_function=*/true));
  return list;
}

absl::Status NodeList::Read(bool in_function) {
  in_function_ = in_function;
  WEFT_RETURN_IF_ERROR(AddNames());
  for (int i = 0; i < size(); ++i) WEFT_RETURN_IF_ERROR(AddInputs(i));
  return Order();
}

absl::Status NodeList::AddNames() {
  by_name_.reserve(nodes_.size());
  for (int i = 0; i < size(); ++i) {
    const proto::NodeDef& node = *nodes_[i];
    if (!IsValidNodeName(node.name())) {
      return InvalidArgument(
          "node ", i, " (op '", Printable(node.op()), "') is called '",
          Printable(node.name()),
          "', but a name consists of letters, digits and _.\\-/> and "
          "begins with a letter, a digit or a dot");
    }
    const auto [it, is_new] = by_name_.emplace(node.name(), i);
    if (!is_new) {
      return InvalidArgument("nodes ", it->second, " and ", i,
                             " are both called '", Printable(node.name()), "'");
    }
    if (args_.contains(node.name())) {
      return InvalidArgument("node ", i, " is called '", Printable(node.name()),
                             "', as is an argument of the function");
    }
    if (node.op().empty()) {
      return InvalidArgument("node ", i, " '", Printable(node.name()),
                             "' has no op");
    }
    if (!is_old_ && IsOldControlFlow(node.op())) {
      return Unimplemented(
          DescribeNode(node),
          ": loops and conditionals made of Enter, Merge, Switch, "
          "NextIteration and Exit are not supported");
    }
  }
  return absl::OkStatus();
}

absl::Status NodeList::AddInputs(int i) {
  const proto::NodeDef& node = *nodes_[i];
  for (int k = 0; k < node.input_size(); ++k) {
    absl::string_view text = node.input(k);
    auto failed = [&](const absl::Status& error) {
      return Annotate(error, absl::StrCat(DescribeNode(node), ": input ", k,
                                          " '", Printable(node.input(k)), "'"));
    };
    if (absl::ConsumePrefix(&text, "^")) {
      const absl::StatusOr<InputRef> ref = Resolve(text);
      if (!ref.ok()) return failed(ref.status());
      if (text.find(':') != absl::string_view::npos) {
        return failed(InvalidArgument(
            "a control input is a node, not one of its outputs"));
      }
      controls_.push_back(*ref);
      continue;
    }
    if (controls_.size() > controls_begin_.back()) {
      return failed(
          InvalidArgument("data inputs must come before control inputs"));
    }
    const absl::StatusOr<InputRef> ref = Resolve(text);
    if (!ref.ok()) return failed(ref.status());
    inputs_.push_back(*ref);
  }
  inputs_begin_.push_back(inputs_.size());
  controls_begin_.push_back(controls_.size());
  return absl::OkStatus();
}

absl::StatusOr<InputRef> NodeList::Resolve(absl::string_view name) const {
  WEFT_ASSIGN_OR_RETURN(const Spelling s, ParseInput(name, in_function_));
  InputRef ref{.output = s.output, .index = s.index};
  if (const auto arg = args_.find(s.name); arg != args_.end()) {
    ref.arg = arg->second;
    return ref;
  }
  ref.node = Find(s.name);
  if (ref.node < 0) return Unknown(s.name);
  return ref;
}

int NodeList::Find(absl::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? -1 : it->second;
}

absl::Status NodeList::Unknown(absl::string_view name) const {
  std::vector<absl::string_view> names;
  for (const proto::NodeDef* node : nodes_) names.push_back(node->name());
  for (const auto& [arg, i] : args_) names.push_back(arg);
  std::sort(names.begin() + nodes_.size(), names.end());
  return InvalidArgument("there is no node '", Printable(name), "'",
                         DidYouMean(name, names));
}

absl::Status NodeList::Order() {
  Predecessors predecessors;
  for (int i = 0; i < size(); ++i) {
    for (const InputRef& ref : inputs(i)) {
      if (ref.node < 0) continue;
      const bool leads_back =
          is_old_ && absl::EndsWith(node(ref.node).op(), "NextIteration");
      if (!leads_back) predecessors.Add(ref.node);
    }
    for (const InputRef& ref : control_inputs(i)) {
      if (ref.node >= 0) predecessors.Add(ref.node);
    }
    predecessors.EndNode();
  }
  TopologicalOrder sorted = SortTopologically(predecessors);
  if (sorted.cycle.empty()) {
    order_ = std::move(sorted.order);
    return absl::OkStatus();
  }
  std::vector<absl::string_view> names;
  for (int i : sorted.cycle) names.push_back(nodes_[i]->name());
  return InvalidArgument("the graph has a cycle: ", PrintCycle(names));
}

}  // namespace weft
