#include "runtime/plan_graph.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status.h"

namespace weft {

const OpTraits& PlanNode::NoTraits() {
  static const OpTraits& none = *new OpTraits;
  return none;
}

absl::string_view PlanNode::op() const {
  if (made != nullptr) return made->op;
  return source != nullptr ? absl::string_view(source->op()) : "NoOp";
}

int PlanGraph::AddFrame(int parent, int owner) {
  frames.push_back({.parent = parent, .owner = owner});
  return static_cast<int>(frames.size()) - 1;
}

int PlanGraph::AddNode(PlanNode node) {
  const int id = static_cast<int>(nodes.size());
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    PlanValue& value = values[node.outputs[i]];
    value.node = id;
    value.index = static_cast<int>(i);
    value.frame = node.frame;
  }
  frames[node.frame].nodes.push_back(id);
  nodes.push_back(std::move(node));
  return id;
}

int PlanGraph::AddValue(PlanValue value) {
  values.push_back(value);
  return static_cast<int>(values.size()) - 1;
}

int PlanGraph::AddConstant(Tensor value) {
  constants.push_back(std::move(value));
  return static_cast<int>(constants.size()) - 1;
}

int PlanGraph::AddMade(MadeOp op, int source, int frame, Ids inputs,
                       const std::vector<TensorShape>& made_shapes) {
  PlanNode node = {.source = nodes[source].source,
                   .frame = frame,
                   .scope = nodes[source].scope,
                   .inputs = std::move(inputs)};
  for (size_t i = 0; i < made_shapes.size(); ++i) {
    shapes.push_back(made_shapes[i]);
    node.outputs.push_back(
        AddValue({.dtype = op.output_types[i], .shape = &shapes.back()}));
  }
  node.made = std::make_shared<const MadeOp>(std::move(op));
  return AddNode(std::move(node));
}

std::string PlanGraph::NameOf(int node) const {
  const PlanNode& n = nodes[node];
  return absl::StrCat(scopes[n.scope],
                      n.source != nullptr ? n.source->name() : "");
}

std::string PlanGraph::Describe(int node) const {
  return absl::StrCat(nodes[node].op(), " '", NameOf(node), "'");
}

std::string PlanGraph::PathOf(int node) const {
  std::string path = NameOf(node);
  for (int frame = nodes[node].frame; frame != 0;
       frame = frames[frame].parent) {
    const int owner = frames[frame].owner;
    // A body lies in the frame of its condition: the loop counts once.
    if (nodes[owner].frame == frames[frame].parent)
      path = absl::StrCat(NameOf(owner), "/", path);
  }
  return path;
}

std::string PlanGraph::ValueName(int value) const {
  const PlanValue& v = values[value];
  if (v.node >= 0) return absl::StrCat(NameOf(v.node), ":", v.index);
  if (v.frame == 0) return absl::StrCat("feed ", v.index);
  return absl::StrCat(NameOf(frames[v.frame].owner), " variable ", v.index);
}

int PlanGraph::Enclosing(int node, int frame) const {
  while (nodes[node].frame != frame) {
    const int f = nodes[node].frame;
    if (f == 0) return -1;
    // From a body into the condition of the same loop: no node lies between.
    if (frames[f].parent == frame && nodes[frames[f].owner].frame != frame)
      return -1;
    node = frames[f].owner;
  }
  return node;
}

bool PlanGraph::Within(int frame, int ancestor) const {
  while (frame != ancestor && frame != -1) frame = frames[frame].parent;
  return frame == ancestor;
}

namespace {

// New numbers of what stays, -1 of what goes.
std::vector<int> Renumber(const std::vector<bool>& keep) {
  std::vector<int> number(keep.size(), -1);
  int next = 0;
  for (size_t i = 0; i < keep.size(); ++i) {
    if (keep[i]) number[i] = next++;
  }
  return number;
}

template <typename List>
void Map(List* list, const std::vector<int>& number) {
  size_t kept = 0;
  for (int id : *list) {
    if (number[id] >= 0) (*list)[kept++] = number[id];
  }
  list->resize(kept);
}

template <typename T>
void Compact(std::vector<T>* items, const std::vector<int>& number) {
  size_t kept = 0;
  for (size_t i = 0; i < items->size(); ++i) {
    if (number[i] < 0) continue;
    if (kept != i) (*items)[kept] = std::move((*items)[i]);
    ++kept;
  }
  items->erase(items->begin() + kept, items->end());
}

// New numbers of everything.
struct Numbers {
  std::vector<int> nodes;
  std::vector<int> values;
  std::vector<int> frames;
};

int Number(const std::vector<int>& number, int id) {
  return id < 0 ? -1 : number[id];
}

void Map(PlanNode* node, const Numbers& numbers) {
  Map(&node->inputs, numbers.values);
  Map(&node->outputs, numbers.values);
  Map(&node->controls, numbers.nodes);
  for (int* frame : {&node->frame, &node->cond, &node->body, &node->then_frame,
                     &node->else_frame}) {
    *frame = Number(numbers.frames, *frame);
  }
}

void Map(PlanFrame* frame, const Numbers& numbers) {
  frame->parent = Number(numbers.frames, frame->parent);
  frame->owner = Number(numbers.nodes, frame->owner);
  Map(&frame->nodes, numbers.nodes);
  Map(&frame->args, numbers.values);
  Map(&frame->results, numbers.values);
  Map(&frame->targets, numbers.nodes);
}

}  // namespace

void PlanGraph::Keep(const std::vector<bool>& keep_nodes,
                     const std::vector<bool>& keep_values) {
  std::vector<bool> keep_frames(frames.size());
  for (size_t f = 0; f < frames.size(); ++f) {
    keep_frames[f] = f == 0 || keep_nodes[frames[f].owner];
  }
  const Numbers numbers = {Renumber(keep_nodes), Renumber(keep_values),
                           Renumber(keep_frames)};
  Compact(&nodes, numbers.nodes);
  Compact(&values, numbers.values);
  Compact(&frames, numbers.frames);
  for (PlanNode& node : nodes) {
    Map(&node, numbers);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      values[node.outputs[i]].index = static_cast<int>(i);
    }
  }
  for (PlanFrame& frame : frames) {
    Map(&frame, numbers);
    for (size_t i = 0; i < frame.args.size(); ++i) {
      values[frame.args[i]].index = static_cast<int>(i);
    }
  }
  for (PlanValue& value : values) {
    value.node = Number(numbers.nodes, value.node);
    value.frame = Number(numbers.frames, value.frame);
  }
  // The feeds keep their places: each stands for one tensor of the caller.
  for (int& feed : feeds) feed = Number(numbers.values, feed);
  for (PlanVariable& variable : variables) {
    for (int* value : {&variable.start, &variable.target, &variable.shadow}) {
      *value = Number(numbers.values, *value);
    }
  }
  for (ShadowWrite& shadow : shadows) {
    shadow.node = numbers.nodes[shadow.node];
    shadow.from = numbers.values[shadow.from];
    shadow.to = numbers.values[shadow.to];
  }
}

void PlanGraph::ReplaceUses(const std::vector<int>& replacement) {
  for (PlanNode& node : nodes) {
    for (int& input : node.inputs) input = replacement[input];
  }
  for (PlanFrame& frame : frames) {
    for (int& result : frame.results) result = replacement[result];
  }
}

std::string PlanGraph::ToString() const {
  std::string text;
  auto names = [&](const auto& ids) {
    return absl::StrJoin(
        ids, ", ", [&](std::string* out, int v) { out->append(ValueName(v)); });
  };
  for (size_t f = 0; f < frames.size(); ++f) {
    const PlanFrame& frame = frames[f];
    const std::string indent = f == 0 ? "" : "  ";
    if (f > 0) {
      const PlanNode& owner = nodes[frame.owner];
      const int id = static_cast<int>(f);
      const char* kind = id == owner.cond         ? "cond"
                         : id == owner.body       ? "body"
                         : id == owner.then_frame ? "then"
                                                  : "else";
      absl::StrAppend(&text, kind, " of ", NameOf(frame.owner), ":\n");
    }
    for (int n : frame.nodes) {
      absl::StrAppend(&text, indent, Describe(n), "(", names(nodes[n].inputs),
                      ")");
      for (int c : nodes[n].controls) absl::StrAppend(&text, " ^", NameOf(c));
      text += "\n";
    }
    absl::StrAppend(&text, indent, "-> ", names(frame.results), "\n");
  }
  return text;
}

void ForEachDependency(const PlanGraph& graph,
                       absl::FunctionRef<void(int predecessor, int node)> fn) {
  // `user` needs `value`: an edge between nodes of the frame of the value.
  auto needs = [&](int value, int user) {
    const int producer = graph.values[value].node;
    if (producer < 0 || user < 0) return;
    const int node = graph.Enclosing(user, graph.nodes[producer].frame);
    if (node >= 0 && node != producer) fn(producer, node);
  };
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const int node = static_cast<int>(n);
    for (int input : graph.nodes[n].inputs) needs(input, node);
    for (int control : graph.nodes[n].controls) {
      const int user = graph.Enclosing(node, graph.nodes[control].frame);
      if (user >= 0 && user != control) fn(control, user);
    }
  }
  for (const PlanFrame& frame : graph.frames) {
    for (int result : frame.results) needs(result, frame.owner);
  }
}

namespace {

// "a -> b -> a": one cycle among the nodes that could not be ordered.
std::string FindCycle(const PlanGraph& graph,
                      const std::vector<std::vector<int>>& users,
                      const std::vector<int>& waiting) {
  int node = 0;
  while (waiting[node] == 0) ++node;
  // Follow predecessors that wait, too, until one comes again.
  std::vector<int> predecessor(graph.nodes.size(), -1);
  for (size_t p = 0; p < users.size(); ++p) {
    if (waiting[p] == 0) continue;
    for (int user : users[p]) predecessor[user] = static_cast<int>(p);
  }
  std::vector<bool> seen(graph.nodes.size(), false);
  while (!seen[node]) {
    seen[node] = true;
    node = predecessor[node];
  }
  std::vector<std::string> names = {graph.NameOf(node)};
  for (int n = predecessor[node]; n != node && names.size() < 20;
       n = predecessor[n]) {
    names.push_back(graph.NameOf(n));
  }
  names.push_back(graph.NameOf(node));
  std::reverse(names.begin(), names.end());
  return absl::StrJoin(names, " -> ");
}

}  // namespace

absl::Status OrderNodes(PlanGraph* graph) {
  bool in_order = true;
  ForEachDependency(*graph, [&](int predecessor, int node) {
    in_order = in_order && predecessor < node;
  });
  for (PlanFrame& frame : graph->frames) frame.nodes.clear();
  if (in_order) {
    for (size_t n = 0; n < graph->nodes.size(); ++n) {
      graph->frames[graph->nodes[n].frame].nodes.push_back(static_cast<int>(n));
    }
    return absl::OkStatus();
  }
  std::vector<std::vector<int>> users(graph->nodes.size());
  std::vector<int> waiting(graph->nodes.size(), 0);
  ForEachDependency(*graph, [&](int predecessor, int node) {
    users[predecessor].push_back(node);
    ++waiting[node];
  });
  std::priority_queue<int, std::vector<int>, std::greater<int>> ready;
  for (size_t n = 0; n < graph->nodes.size(); ++n) {
    if (waiting[n] == 0) ready.push(static_cast<int>(n));
  }
  size_t ordered = 0;
  for (; !ready.empty(); ++ordered) {
    const int node = ready.top();
    ready.pop();
    graph->frames[graph->nodes[node].frame].nodes.push_back(node);
    for (int user : users[node]) {
      if (--waiting[user] == 0) ready.push(user);
    }
  }
  if (ordered == graph->nodes.size()) return absl::OkStatus();
  return InvalidArgument("the graph has a cycle: ",
                         FindCycle(*graph, users, waiting));
}

}  // namespace weft
