#include "ops/control_flow_copy.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "core/status.h"
#include "graph/op.h"
#include "ops/control_flow_nodes.h"

namespace weft {
namespace {

std::vector<TensorShape> ArgShapes(const Graph& body) {
  std::vector<TensorShape> shapes;
  for (const Output& arg : body.args()) shapes.push_back(arg.shape());
  return shapes;
}

// What is known of the arguments of a copy of `body` whose node gets `inputs`.
std::vector<TensorShape> ArgShapesFor(const Graph& body,
                                      const Outputs& inputs) {
  std::vector<TensorShape> shapes = ArgShapes(body);
  for (size_t i = 0; i < shapes.size(); ++i)
    shapes[i] = shapes[i].Union(inputs[i].shape());
  return shapes;
}

OpRole RoleOf(const Node& node) {
  return node.schema() == nullptr ? OpRole::kCompute
                                  : node.schema()->traits().role;
}

std::vector<std::unique_ptr<Graph>> CopyBodies(const Node& node, Graph& parent,
                                               const Outputs& inputs,
                                               NodeOrigins* origins) {
  std::vector<std::unique_ptr<Graph>> bodies;
  if (RoleOf(node) == OpRole::kWhile) {
    LoopBodies loop = CopyLoop(node.body(0), node.body(1), parent, inputs,
                               ArgShapesFor(node.body(1), inputs), origins);
    bodies.push_back(std::move(loop.cond));
    bodies.push_back(std::move(loop.body));
    return bodies;
  }
  // The first input of a conditional decides, and is no argument.
  const size_t skipped = RoleOf(node) == OpRole::kIf ? 1 : 0;
  const Outputs args(inputs.begin() + skipped, inputs.end());
  for (int i = 0; i < node.num_bodies(); ++i) {
    bodies.push_back(CopyBody(node.body(i), parent, args,
                              ArgShapesFor(node.body(i), args), origins));
  }
  return bodies;
}

}  // namespace

bool IsVisibleFrom(const Graph& graph, const Output& value) {
  for (const Graph* g = &graph; g != nullptr; g = g->parent()) {
    if (g == &value.graph()) return true;
  }
  return false;
}

bool Covers(const TensorShape& general, const TensorShape& specific) {
  return general.Union(specific) == general;
}

Output GraphCopier::Find(Output original) const {
  const auto mapped = mapped_.find(original);
  if (mapped != mapped_.end()) return mapped->second;
  const auto copy = copies_.find(original.node());
  if (copy != copies_.end()) return Output(copy->second, original.index());
  if (original.valid() && &original.graph() != &from_) return original;
  return Output();
}

void GraphCopier::CopyNode(const Node& node) {
  Outputs inputs;
  std::vector<Operand> operands;
  for (const Output& input : node.inputs()) {
    inputs.push_back(Find(input));
    operands.emplace_back(inputs.back(), node.location());
  }
  NodeOptions options = {.name = node.name(),
                         .device = node.device(),
                         .location = node.location()};
  for (const Node* control : node.control_inputs()) {
    const auto copy = copies_.find(control);
    if (copy != copies_.end()) options.control_inputs.push_back(copy->second);
  }
  if (node.num_bodies() > 0)
    options.bodies = CopyBodies(node, to_, inputs, origins_);
  Node* copy = nullptr;
  if (node.schema() != nullptr) {
    copy = to_.Add(node.op(), operands, node.attrs(), std::move(options));
  } else {
    std::vector<DataType> types;
    for (int i = 0; i < node.num_outputs(); ++i)
      types.push_back(node.output_dtype(i));
    copy = to_.AddUnknown(node.op(), operands, node.attrs(), types,
                          std::move(options));
  }
  copies_[&node] = copy;
  if (node.num_bodies() > 0 && !to_.IsErrorNode(copy)) UpdateOutputShapes(copy);
  if (origins_ != nullptr) origins_->emplace(copy, const_cast<Node*>(&node));
}

void GraphCopier::CopyWithInputs(const Node& root, bool with_controls) {
  // Depth first by hand: a chain of inputs may be longer than the stack.
  std::vector<std::pair<const Node*, size_t>> stack = {{&root, 0}};
  while (!stack.empty()) {
    auto& [node, next] = stack.back();
    const size_t num_inputs = node->inputs().size();
    const Node* missing = nullptr;
    while (missing == nullptr && next < num_inputs) {
      const Output& input = node->inputs()[next++];
      if (!IsPlaced(input)) missing = input.node();
    }
    while (with_controls && missing == nullptr &&
           next < num_inputs + node->control_inputs().size()) {
      const Node* control = node->control_inputs()[next++ - num_inputs];
      if (RoleOf(*control) != OpRole::kArg && !copies_.contains(control))
        missing = control;
    }
    if (missing != nullptr) {
      stack.emplace_back(missing, 0);
      continue;
    }
    const Node* ready = node;
    stack.pop_back();
    if (!copies_.contains(ready)) CopyNode(*ready);
  }
}

Output GraphCopier::Copy(Output original) {
  if (!IsPlaced(original))
    CopyWithInputs(*original.node(), /*with_controls=*/false);
  return Find(original);
}

void GraphCopier::CopyAll() {
  for (const std::unique_ptr<Node>& node : from_.nodes()) {
    if (RoleOf(*node) == OpRole::kArg || copies_.contains(node.get())) continue;
    CopyWithInputs(*node, /*with_controls=*/true);
  }
}

std::unique_ptr<Graph> CopyBody(const Graph& from, Graph& parent,
                                const Outputs& inputs,
                                const std::vector<TensorShape>& shapes,
                                NodeOrigins* origins) {
  std::unique_ptr<Graph> to = Graph::MakeBody(parent);
  absl::flat_hash_set<Output> captured;
  for (const Graph::Capture& capture : from.captures())
    captured.insert(capture.inner);
  GraphCopier copier(from, *to, origins);
  for (size_t i = 0; i < from.args().size(); ++i) {
    const Output& arg = from.args()[i];
    // A captured value may be known while building, which the argument keeps.
    if (captured.contains(arg)) to->Capturing(inputs[i]);
    if (to->args().size() == i)
      to->AddArg(arg.dtype(), shapes[i], arg.node()->name());
    if (origins != nullptr) origins->emplace(to->args()[i].node(), arg.node());
    copier.Map(arg, to->args()[i]);
  }
  copier.CopyAll();
  Outputs results;
  for (const Output& result : from.results())
    results.push_back(copier.Find(result));
  to->SetResults(std::move(results));
  return to;
}

LoopBodies CopyLoop(const Graph& cond, const Graph& body, Graph& parent,
                    const Outputs& inputs, std::vector<TensorShape> shapes,
                    NodeOrigins* origins) {
  LoopBodies loop;
  // Ends, since every round but the last forgets a dim.
  while (true) {
    loop.body = CopyBody(body, parent, inputs, shapes, origins);
    if (!parent.status().ok()) break;
    bool stable = true;
    for (size_t i = 0; i < shapes.size(); ++i) {
      const TensorShape& result = loop.body->results()[i].shape();
      if (Covers(shapes[i], result)) continue;
      shapes[i] = shapes[i].Union(result);
      stable = false;
    }
    if (stable) break;
  }
  loop.cond = CopyBody(cond, parent, inputs, shapes, origins);
  return loop;
}

Outputs UniteCaptures(const std::vector<std::unique_ptr<Graph>*>& bodies,
                      int declared) {
  Outputs all;
  absl::flat_hash_set<Output> seen;
  for (const std::unique_ptr<Graph>* body : bodies) {
    for (const Graph::Capture& capture : (*body)->captures()) {
      if (seen.insert(capture.outer).second) all.push_back(capture.outer);
    }
  }
  for (std::unique_ptr<Graph>* body : bodies) {
    const Graph& old = **body;
    bool in_order = true;
    for (size_t i = 0; i < old.captures().size(); ++i) {
      in_order = in_order && old.captures()[i].outer == all[i];
    }
    if (in_order) {
      for (const Output& outer : all) (*body)->Capturing(outer);
      continue;
    }
    std::unique_ptr<Graph> ordered = Graph::MakeBody(*old.parent());
    GraphCopier copier(old, *ordered);
    for (int i = 0; i < declared; ++i) {
      const Output& arg = old.args()[i];
      copier.Map(arg,
                 ordered->AddArg(arg.dtype(), arg.shape(), arg.node()->name()));
    }
    for (const Output& outer : all) ordered->Capturing(outer);
    for (const Graph::Capture& capture : old.captures()) {
      copier.Map(capture.inner, ordered->Capturing(capture.outer));
    }
    copier.CopyAll();
    Outputs results;
    for (const Output& result : old.results())
      results.push_back(copier.Find(result));
    ordered->SetResults(std::move(results));
    *body = std::move(ordered);
  }
  return all;
}

}  // namespace weft
