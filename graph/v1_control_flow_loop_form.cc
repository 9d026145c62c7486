#include "graph/v1_control_flow_loop_form.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/node_list.h"
#include "graph/v1_control_flow_copy.h"

namespace weft {
namespace {

class LoopFinder {
 public:
  LoopFinder(const V1LoopState& state, int frame, std::vector<int> nodes)
      : state_(state), graph_(state.graph) {
    loop_.frame = frame;
    loop_.parent = state.frames.frames[frame].parent;
    loop_.nodes = std::move(nodes);
  }

  absl::StatusOr<V1Loop> Run() {
    WEFT_RETURN_IF_ERROR(FindNodes());
    if (loop_.loop_cond < 0) {
      WEFT_RETURN_IF_ERROR(CheckNoLoop());
    } else {
      WEFT_RETURN_IF_ERROR(FindSwitches());
      WEFT_RETURN_IF_ERROR(FindParts());
      WEFT_RETURN_IF_ERROR(CheckEnds());
    }
    return std::move(loop_);
  }

 private:
  absl::Status Error(int node, const std::string& what) const {
    return InvalidArgument(DescribeNode(*graph_.nodes[node].def), ": ", what,
                           " (in ", state_.frames.Describe(loop_.frame), ")");
  }
  const std::string& Name(int node) const { return graph_.nodes[node].name(); }
  bool IsInside(int node) const {
    return state_.frames.in[node] == loop_.frame;
  }
  bool IsVariableEnter(int node) const;

  absl::Status FindNodes();
  absl::Status AddVariable(int merge);
  absl::Status CheckUses(int node) const;
  absl::Status CheckNoLoop() const;
  absl::Status FindSwitches();
  absl::Status FindParts();
  absl::Status Spread(V1Part part, std::vector<int> open);
  absl::Status CheckEnds() const;

  const V1LoopState& state_;
  const V1Graph& graph_;
  V1Loop loop_;
  absl::flat_hash_map<int, std::vector<int>> users_;
};

bool LoopFinder::IsVariableEnter(int node) const {
  const V1Node& n = graph_.nodes[node];
  if (n.op() != V1Op::kEnter || state_.frames.out[node] != loop_.frame)
    return false;
  const auto constant = n.def->attr().find("is_constant");
  return constant == n.def->attr().end() || !constant->second.b();
}

absl::Status LoopFinder::FindNodes() {
  for (int n : loop_.nodes) {
    switch (graph_.nodes[n].op()) {
      case V1Op::kLoopCond:
        if (loop_.loop_cond >= 0) {
          return Error(n, absl::StrCat("is a second LoopCond, beside '",
                                       Name(loop_.loop_cond), "'"));
        }
        loop_.loop_cond = n;
        break;
      case V1Op::kExit:
        loop_.exits.push_back(n);
        break;
      case V1Op::kMerge:
        WEFT_RETURN_IF_ERROR(AddVariable(n));
        break;
      default:
        break;
    }
  }
  for (int n : loop_.nodes) {
    if (IsInside(n)) WEFT_RETURN_IF_ERROR(CheckUses(n));
  }
  return absl::OkStatus();
}

absl::Status LoopFinder::AddVariable(int merge) {
  V1Loop::Variable variable{merge, -1, -1};
  const std::vector<V1Value>& inputs = graph_.nodes[merge].inputs;
  for (const V1Value& input : inputs) {
    if (IsVariableEnter(input.node)) variable.enter = input.node;
    if (graph_.nodes[input.node].op() == V1Op::kNextIteration)
      variable.next = input.node;
  }
  if (variable.enter < 0 && variable.next < 0)
    return absl::OkStatus();  // Of a conditional.
  if (variable.enter >= 0 && inputs.size() == 1) {
    loop_.incomplete.insert(merge);
    return absl::OkStatus();
  }
  if (variable.enter < 0 || variable.next < 0) {
    return Error(
        merge,
        absl::StrCat(
            "must have an Enter that is not constant and a NextIteration "
            "as inputs, but has '",
            Name(inputs[0].node), "' and '", Name(inputs.back().node), "'"));
  }
  loop_.by_merge.emplace(merge, static_cast<int>(loop_.variables.size()));
  loop_.variables.push_back(variable);
  return absl::OkStatus();
}

absl::Status LoopFinder::CheckUses(int node) const {
  const V1Node& n = graph_.nodes[node];
  const bool is_variable =
      loop_.by_merge.contains(node) || loop_.incomplete.contains(node);
  for (int control : n.controls) {
    const bool is_enter = graph_.nodes[control].op() == V1Op::kEnter;
    if (is_variable && !is_enter) {
      return Error(node, absl::StrCat("a loop variable cannot wait for '",
                                      Name(control), "'"));
    }
    if (is_variable || !IsVariableEnter(control)) continue;
    return Error(node, absl::StrCat("waits for '", Name(control),
                                    "', an Enter that is not "
                                    "constant, which only a Merge may use"));
  }
  for (const V1Value& input : n.inputs) {
    if (is_variable || !IsVariableEnter(input.node)) continue;
    return Error(node, absl::StrCat("uses '", Name(input.node),
                                    "', an Enter that is not "
                                    "constant, which only a Merge may use"));
  }
  return absl::OkStatus();
}

// Nothing happens in nodes that are in no loop, and no value leaves them.
absl::Status LoopFinder::CheckNoLoop() const {
  for (int n : loop_.nodes) {
    const V1Op op = graph_.nodes[n].op();
    const bool is_variable = loop_.by_merge.contains(n);
    if (is_variable || op == V1Op::kExit || op == V1Op::kNextIteration) {
      return Error(n, "is part of a loop without a LoopCond");
    }
  }
  return absl::OkStatus();
}

absl::Status LoopFinder::FindSwitches() {
  for (int n : loop_.nodes) {
    const V1Node& node = graph_.nodes[n];
    if (node.op() != V1Op::kSwitch || node.inputs[1].node != loop_.loop_cond)
      continue;
    const auto variable = loop_.by_merge.find(node.inputs[0].node);
    if (variable == loop_.by_merge.end() || node.inputs[0].index != 0) {
      if (loop_.incomplete.contains(node.inputs[0].node)) continue;
      return Error(
          n, absl::StrCat(
                 "is steered by '", Name(loop_.loop_cond), "', but its data '",
                 Name(node.inputs[0].node),
                 "' is no loop variable (a Merge of Enter and NextIteration)"));
    }
    for (int control : node.controls) {
      if (IsAnchor(graph_, control)) continue;
      return Error(n, absl::StrCat("a loop variable cannot wait for '",
                                   Name(control), "'"));
    }
    loop_.by_switch.emplace(n, variable->second);
  }
  if (!loop_.variables.empty()) return absl::OkStatus();
  return Error(loop_.loop_cond, "is the condition of a loop without variables");
}

absl::Status LoopFinder::FindParts() {
  std::vector<int> body;
  std::vector<int> tail;
  for (int n : loop_.nodes) {
    if (!IsInside(n)) continue;
    for (const V1Value& input : graph_.nodes[n].inputs) {
      const V1Value current = state_.Current(input);
      if (loop_.by_switch.contains(current.node)) {
        (current.index == 1 ? body : tail).push_back(n);
      } else if (!loop_.by_merge.contains(n)) {
        // What NextIteration gives to a Merge belongs to another iteration.
        users_[current.node].push_back(n);
      }
    }
    for (int control : graph_.nodes[n].controls) {
      // A Switch itself runs whether or not the loop goes on.
      const int current = state_.Current({control, 0}).node;
      if (!loop_.by_switch.contains(current)) users_[current].push_back(n);
    }
  }
  WEFT_RETURN_IF_ERROR(Spread(V1Part::kBody, std::move(body)));
  return Spread(V1Part::kTail, std::move(tail));
}

// What depends on these nodes is part of the same.
absl::Status LoopFinder::Spread(V1Part part, std::vector<int> open) {
  while (!open.empty()) {
    const int n = open.back();
    open.pop_back();
    const auto [it, is_new] = loop_.parts.emplace(n, part);
    if (!is_new && it->second != part) {
      return Error(
          n, "needs values of an iteration and values after the last one");
    }
    if (!is_new) continue;
    if (n == loop_.loop_cond || loop_.by_switch.contains(n)) {
      return Error(n, absl::StrCat("depends on a Switch that '",
                                   Name(loop_.loop_cond), "' steers"));
    }
    const auto users = users_.find(n);
    if (users == users_.end()) continue;
    open.insert(open.end(), users->second.begin(), users->second.end());
  }
  return absl::OkStatus();
}

absl::Status LoopFinder::CheckEnds() const {
  for (int n : loop_.nodes) {
    const V1Op op = graph_.nodes[n].op();
    const bool is_exit = op == V1Op::kExit;
    if (!is_exit && op != V1Op::kNextIteration) continue;
    if (loop_.part(n) == (is_exit ? V1Part::kTail : V1Part::kBody)) continue;
    const int input = graph_.nodes[n].inputs[0].node;
    // It came through the Switch of a variable that lacks its NextIteration.
    if (graph_.nodes[input].op() == V1Op::kSwitch) {
      const int merge = graph_.nodes[input].inputs[0].node;
      if (loop_.incomplete.contains(merge)) {
        return Error(
            merge, "has 1 input but must have 2: no NextIteration leads to it");
      }
    }
    return Error(
        n, absl::StrCat("its input '", Name(input), "' must come from output ",
                        is_exit ? 0 : 1, " of a Switch that '",
                        Name(loop_.loop_cond), "' steers"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<V1Loop> FindLoop(const V1LoopState& state, int frame,
                                std::vector<int> nodes) {
  return LoopFinder(state, frame, std::move(nodes)).Run();
}

}  // namespace weft
