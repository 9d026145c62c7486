#include "graph/stack.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/status.h"
#include "graph/node_list.h"
#include "graph/tensor_array.h"
#include "graph/union_find.h"
#include "graph/v1_control_flow_frames.h"

namespace weft {
namespace {

enum class StackOp { kNone, kStack, kPush, kPop, kClose };

StackOp StackOpOf(absl::string_view op) {
  if (!absl::ConsumePrefix(&op, "Stack")) return StackOp::kNone;
  absl::ConsumeSuffix(&op, "V2");
  if (op.empty()) return StackOp::kStack;
  if (op == "Push") return StackOp::kPush;
  if (op == "Pop") return StackOp::kPop;
  if (op == "Close") return StackOp::kClose;
  return StackOp::kNone;
}

size_t NumInputs(const proto::NodeDef& def) {
  switch (StackOpOf(def.op())) {
    case StackOp::kStack:
      return def.op() == "StackV2" ? 1 : 0;
    case StackOp::kPush:
      return 2;
    default:
      return 1;
  }
}

// Is the handle passed on?
bool Passes(const V1Node& node, size_t input) {
  const V1Op op = node.op();
  return op == V1Op::kEnter || (op == V1Op::kSwitch && input == 0) ||
         node.def->op() == "Identity" || node.def->op() == "RefIdentity";
}

// Follows the handles of the stacks.
class StackFinder {
 public:
  explicit StackFinder(const V1Graph& graph)
      : graph_(graph), users_(graph.nodes.size()) {
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const std::vector<V1Value>& inputs = graph.nodes[n].inputs;
      for (size_t k = 0; k < inputs.size(); ++k)
        users_[inputs[k].node].push_back({static_cast<int>(n), k});
    }
  }

  absl::StatusOr<V1Stack> Follow(int node) const {
    V1Stack stack{.node = node};
    std::vector<int> open = {node};
    while (!open.empty()) {
      const int n = open.back();
      open.pop_back();
      for (const auto& [user, input] : users_[n]) {
        const absl::Status status = AddUse(user, input, &stack, &open);
        if (!status.ok())
          return Annotate(status, DescribeNode(*graph_.nodes[user].def));
      }
    }
    if (stack.pop >= 0 && stack.push < 0) {
      return InvalidArgument(DescribeNode(*graph_.nodes[stack.pop].def),
                             ": pops from stack '", graph_.nodes[node].name(),
                             "', to which nothing is pushed");
    }
    return stack;
  }

 private:
  absl::Status AddUse(int user, size_t input, V1Stack* stack,
                      std::vector<int>* open) const {
    const V1Node& node = graph_.nodes[user];
    const StackOp op = StackOpOf(node.def->op());
    if (op == StackOp::kClose) {
      stack->closes.push_back(user);
      return absl::OkStatus();
    }
    if (input == 0 && (op == StackOp::kPush || op == StackOp::kPop)) {
      int& known = op == StackOp::kPush ? stack->push : stack->pop;
      if (known >= 0) {
        return Unimplemented(op == StackOp::kPush ? "pushes to" : "pops from",
                             " stack '", graph_.nodes[stack->node].name(),
                             "', as '", graph_.nodes[known].name(), "' does");
      }
      known = user;
      return absl::OkStatus();
    }
    if (!Passes(node, input)) {
      return Unimplemented("uses the handle of stack '",
                           graph_.nodes[stack->node].name(),
                           "' for anything but to push and pop");
    }
    stack->passing.push_back(user);
    open->push_back(user);
    return absl::OkStatus();
  }

  const V1Graph& graph_;
  std::vector<std::vector<std::pair<int, size_t>>> users_;
};

// Finds out which nodes form a loop.
class LoopConditions {
 public:
  LoopConditions(const V1Graph& graph, const V1Frames& frames)
      : graph_(graph), frames_(frames), sets_(graph.nodes.size()) {}

  // The condition of the loop that each node belongs to; -1: none.
  std::vector<int> Run() {
    const int size = static_cast<int>(graph_.nodes.size());
    for (int n = 0; n < size; ++n) Visit(n);
    JoinAround();
    std::vector<int> by_set(graph_.nodes.size(), -1);
    for (int n = 0; n < size; ++n) {
      if (graph_.nodes[n].op() == V1Op::kLoopCond) by_set[sets_.Find(n)] = n;
    }
    std::vector<int> conditions(graph_.nodes.size(), -1);
    for (int n = 0; n < size; ++n) {
      if (FrameOf(n) != 0) conditions[n] = by_set[sets_.Find(n)];
    }
    return conditions;
  }

 private:
  // A node of a loop, and one beside that loop which uses it or is used by it.
  struct Border {
    int inside;
    int outside;
  };

  // An Enter belongs to the loop it leads into, an Exit to the one it leaves.
  int FrameOf(int n) const { return std::max(frames_.in[n], frames_.out[n]); }

  void Visit(int n) {
    const V1Node& node = graph_.nodes[n];
    std::vector<int> before = node.controls;
    for (const V1Value& input : node.inputs) before.push_back(input.node);
    for (int other : before) {
      if (node.op() == V1Op::kEnter) {
        borders_.push_back({n, other});
      } else if (FrameOf(n) == FrameOf(other)) {
        sets_.Join(n, other);
      } else {
        borders_.push_back({other, n});  // An Exit.
      }
    }
  }

  // All nodes around one loop belong to one loop, too. Inner loops come first.
  void JoinAround() {
    const auto depth = [this](const Border& border) {
      return frames_.frames[FrameOf(border.inside)].depth;
    };
    std::stable_sort(
        borders_.begin(), borders_.end(),
        [&](const Border& a, const Border& b) { return depth(a) > depth(b); });
    absl::flat_hash_map<int, int> around;
    for (const Border& border : borders_) {
      const auto [it, is_new] =
          around.emplace(sets_.Find(border.inside), border.outside);
      if (!is_new) sets_.Join(it->second, border.outside);
    }
  }

  const V1Graph& graph_;
  const V1Frames& frames_;
  UnionFind sets_;
  std::vector<Border> borders_;
};

class StackRewriter {
 public:
  StackRewriter(V1Module& module, const V1Frames& frames)
      : module_(module),
        graph_(module.outermost()),
        frames_(frames),
        conditions_(LoopConditions(graph_, frames).Run()),
        builder_(module, graph_) {}

  absl::Status Rewrite(const V1Stack& stack) {
    V1Value list{stack.node, 0};
    if (stack.push >= 0 && stack.pop >= 0) {
      WEFT_ASSIGN_OR_RETURN(list, Thread(stack, stack.push, list));
      WEFT_RETURN_IF_ERROR(Thread(stack, stack.pop, list).status());
    } else if (stack.push >= 0) {
      PathTo(stack.push, stack.node);
      BecomeIdentity(stack.push, graph_.nodes[stack.push].inputs[1]);
    }
    BecomeList(stack);
    return absl::OkStatus();
  }

  // What waits for pushes and pops so that the next ones come behind them need
  // not: lists tell.
  void ReleaseWaiting() {
    for (V1Node& node : graph_.nodes) {
      if (node.op() != V1Op::kControlTrigger &&
          node.op() != V1Op::kNextIteration) {
        continue;
      }
      for (int& control : node.controls) {
        const auto enter = enters_.find(control);
        if (enter != enters_.end()) control = enter->second;
      }
    }
  }

 private:
  // On the way from a stack to what pushes or pops: into a loop, or, by a
  // Switch, into a branch.
  struct Step {
    int node;
    V1Value predicate = {};  // Of a Switch.
    int branch = -1;         // Else -1.
  };
  // A variable of a loop, whose next value is not known yet.
  struct Variable {
    V1Value merge;
    V1Value at;  // The Switch.
  };

  absl::StatusOr<V1Value> Thread(const V1Stack& stack, int op, V1Value list);
  std::vector<Step> PathTo(int op, int stack);
  std::optional<Step> GuardOf(V1Value element) const;
  absl::StatusOr<Variable> EnterLoop(const std::string& name, int enter,
                                     V1Value list);
  V1Value AddTyped(const std::string& name, absl::string_view op,
                   std::vector<V1Value> inputs) {
    const V1Value value = builder_.Add(name, op, std::move(inputs));
    builder_.Type("T", proto::DT_VARIANT);
    return value;
  }
  void BecomeIdentity(int n, V1Value value);
  void BecomeList(const V1Stack& stack);

  V1Module& module_;
  V1Graph& graph_;
  const V1Frames& frames_;
  const std::vector<int> conditions_;
  V1Builder builder_;
  absl::flat_hash_map<int, int> enters_;  // Into the loop that pushes or pops.
};

std::vector<StackRewriter::Step> StackRewriter::PathTo(int op, int stack) {
  std::vector<Step> path;
  for (V1Value at = graph_.nodes[op].inputs[0]; at.node != stack;
       at = graph_.nodes[at.node].inputs[0]) {
    const V1Node& node = graph_.nodes[at.node];
    if (node.op() == V1Op::kEnter) path.push_back({at.node});
    if (node.op() == V1Op::kSwitch)
      path.push_back({at.node, node.inputs[1], at.index});
  }
  for (const Step& step : path) {
    if (step.branch < 0) enters_.emplace(op, step.node);  // The innermost.
  }
  std::reverse(path.begin(), path.end());
  return path;
}

// The branch that `element` belongs to, if it is computed from what a Switch
// lets pass: TensorFlow pushes shapes of what the other branch did not compute.
std::optional<StackRewriter::Step> StackRewriter::GuardOf(
    V1Value element) const {
  for (int steps = 0; steps < kMaxV1Steps; ++steps) {
    const V1Node& node = graph_.nodes[element.node];
    if (node.op() == V1Op::kSwitch &&
        graph_.nodes[node.inputs[1].node].op() != V1Op::kLoopCond)
      return Step{element.node, node.inputs[1], element.index};
    if (node.op() != V1Op::kNone || node.inputs.size() != 1) break;
    element = node.inputs[0];
  }
  return std::nullopt;
}

absl::StatusOr<StackRewriter::Variable> StackRewriter::EnterLoop(
    const std::string& name, int enter, V1Value list) {
  if (conditions_[enter] < 0) {
    return InvalidArgument(DescribeNode(*graph_.nodes[enter].def),
                           ": leads a stack into ",
                           frames_.Describe(frames_.out[enter]),
                           ", which is no loop: it has no LoopCond");
  }
  const V1Value first = builder_.Add(name + "/Enter", "Enter", {list});
  for (const auto& [attr, value] : graph_.nodes[enter].def->attr()) {
    if (attr == "frame_name" || attr == "parallel_iterations")
      builder_.Attr(attr) = value;
  }
  builder_.Type("T", proto::DT_VARIANT);
  Variable variable;
  variable.merge = AddTyped(name + "/Merge", "Merge", {first, first});
  builder_.Attr("N").set_i(2);
  variable.at = AddTyped(name + "/Switch", "Switch",
                         {variable.merge, {conditions_[enter], 0}});
  return variable;
}

// Makes `op`, a push or a pop, give a list, and carries it in and out of the
// loops and branches around. The list outside, behind all of them.
absl::StatusOr<V1Value> StackRewriter::Thread(const V1Stack& stack, int op,
                                              V1Value list) {
  const bool is_push = op == stack.push;
  const std::string name = absl::StrCat(graph_.nodes[op].name(), "/list");
  std::vector<Step> path = PathTo(op, stack.node);
  if (is_push && (path.empty() || path.back().branch < 0)) {
    const std::optional<Step> guard = GuardOf(graph_.nodes[op].inputs[1]);
    if (guard.has_value()) path.push_back(*guard);
  }
  WEFT_RETURN_IF_ERROR(
      module_.TakeNodes(static_cast<int64_t>(5 * path.size() + 3)));
  std::vector<Variable> variables(path.size());
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i].branch >= 0) {
      variables[i].at =
          AddTyped(name + "/Switch", "Switch", {list, path[i].predicate});
      list = {variables[i].at.node, path[i].branch};
    } else {
      WEFT_ASSIGN_OR_RETURN(variables[i], EnterLoop(name, path[i].node, list));
      list = {variables[i].at.node, 1};
    }
  }
  const int type = TypeAttr(*graph_.nodes[stack.push].def, "T");
  if (is_push) {
    BecomeIdentity(op, graph_.nodes[op].inputs[1]);
    list = builder_.Add(name, "TensorListPushBack", {list, {op, 0}});
    builder_.Type("element_dtype", type);
  } else {
    const V1Value shape =
        builder_.Shape(name + "/element_shape", nullptr, list.node);
    list = builder_.Add(name, "TensorListPopBack", {list, shape});
    builder_.Type("element_dtype", type);
    BecomeIdentity(op, {list.node, 1});
  }
  for (size_t i = path.size(); i-- > 0;) {
    const int at = variables[i].at.node;
    if (path[i].branch >= 0) {
      list =
          AddTyped(name + "/Merge", "Merge", {{at, 1 - path[i].branch}, list});
      builder_.Attr("N").set_i(2);
    } else {
      graph_.nodes[variables[i].merge.node].inputs[1] =
          AddTyped(name + "/NextIteration", "NextIteration", {list});
      list = AddTyped(name + "/Exit", "Exit", {{at, 0}});
    }
  }
  return list;
}

// Keeps the name, and what the node waits for.
void StackRewriter::BecomeIdentity(int n, V1Value value) {
  const proto::NodeDef& old = *graph_.nodes[n].def;
  const int type =
      TypeAttr(old, StackOpOf(old.op()) == StackOp::kPush ? "T" : "elem_type");
  proto::NodeDef* def = module_.NewDef(old.name(), "Identity");
  (*def->mutable_attr())["T"].set_type(static_cast<proto::DataType>(type));
  graph_.nodes[n].def = def;
  graph_.nodes[n].inputs = {value};
}

void StackRewriter::BecomeList(const V1Stack& stack) {
  const std::string name = graph_.nodes[stack.node].name();
  const int type = stack.push >= 0
                       ? TypeAttr(*graph_.nodes[stack.push].def, "T")
                       : TypeAttr(*graph_.nodes[stack.node].def, "elem_type");
  const std::vector<V1Value> old = graph_.nodes[stack.node].inputs;
  const int anchor = old.empty() ? -1 : old[0].node;
  const V1Value shape =
      builder_.Shape(name + "/element_shape", nullptr, anchor);
  const V1Value size = old.empty()
                           ? builder_.Ints(name + "/max_size", {-1},
                                           /*is_vector=*/false, proto::DT_INT32)
                           : old[0];
  proto::NodeDef* def = module_.NewDef(name, "EmptyTensorList");
  (*def->mutable_attr())["element_dtype"].set_type(
      static_cast<proto::DataType>(type));
  (*def->mutable_attr())["shape_type"].set_type(proto::DT_INT32);
  graph_.nodes[stack.node].def = def;
  graph_.nodes[stack.node].inputs = {shape, size};
  for (int n : stack.closes) {
    graph_.nodes[n].def = module_.NewDef(graph_.nodes[n].name(), "NoOp");
    graph_.nodes[n].controls.push_back(graph_.nodes[n].inputs[0].node);
    graph_.nodes[n].inputs.clear();
  }
  // They lead nowhere now, but still stand in their frames.
  for (int n : stack.passing) {
    proto::NodeDef* passing =
        module_.NewDef(graph_.nodes[n].name(),
                       absl::StripPrefix(graph_.nodes[n].def->op(), "Ref"));
    *passing->mutable_attr() = graph_.nodes[n].def->attr();
    (*passing->mutable_attr())["T"].set_type(proto::DT_VARIANT);
    graph_.nodes[n].def = passing;
  }
}

}  // namespace

bool IsStackOp(absl::string_view op) { return StackOpOf(op) != StackOp::kNone; }

absl::StatusOr<V1Stacks> V1Stacks::Find(const V1Graph& graph) {
  V1Stacks result;
  if (std::none_of(
          graph.nodes.begin(), graph.nodes.end(),
          [](const V1Node& node) { return IsStackOp(node.def->op()); })) {
    return result;
  }
  for (const V1Node& node : graph.nodes) {
    if (!IsStackOp(node.def->op())) continue;
    const size_t wanted = NumInputs(*node.def);
    if (node.inputs.size() == wanted) continue;
    return InvalidArgument(DescribeNode(*node.def), ": has ",
                           node.inputs.size(), " inputs but must have ",
                           wanted);
  }
  const StackFinder finder(graph);
  for (int n = 0; n < static_cast<int>(graph.nodes.size()); ++n) {
    if (StackOpOf(graph.nodes[n].def->op()) != StackOp::kStack) continue;
    WEFT_ASSIGN_OR_RETURN(V1Stack stack, finder.Follow(n));
    if (stack.push >= 0) result.pop_by_push_.emplace(stack.push, stack.pop);
    if (stack.pop >= 0) result.pops_.insert(stack.pop);
    result.stacks_.push_back(std::move(stack));
  }
  return result;
}

absl::Status RewriteStacks(V1Module& module, const V1Stacks& stacks) {
  if (stacks.stacks().empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(const V1Frames frames, FindFrames(module.outermost()));
  StackRewriter rewriter(module, frames);
  for (const V1Stack& stack : stacks.stacks())
    WEFT_RETURN_IF_ERROR(rewriter.Rewrite(stack));
  rewriter.ReleaseWaiting();
  return absl::OkStatus();
}

}  // namespace weft
