#include "runtime/passes/pointwise_groups.h"

#include <algorithm>
#include <string>

namespace weft {

PointwiseGroups::PointwiseGroups(const PlanGraph& graph)
    : graph_(graph),
      num_nodes_(static_cast<int>(graph.nodes.size())),
      type_(graph.nodes.size(), DataType::kInvalid) {
  FindEdges();
  for (const PlanFrame& frame : graph_.frames) {
    for (int node : frame.nodes) FindType(node);
  }
  FindDepths();
  MakeGroups();
  LeaveLikesAlone();
}

void PointwiseGroups::FindEdges() {
  before_.resize(num_nodes_);
  after_.resize(num_nodes_);
  is_control_.assign(num_nodes_, false);
  ForEachDependency(graph_, [&](int from, int to) {
    before_[to].push_back(from);
    after_[from].push_back(to);
  });
  for (const PlanNode& node : graph_.nodes) {
    for (int control : node.controls) is_control_[control] = true;
  }
  for (const PlanFrame& frame : graph_.frames) {
    for (int target : frame.targets) is_control_[target] = true;
  }
}

// ---- What can be fused ------------------------------------------------------

const MicroOp* PointwiseGroups::MicroOpOf(const PlanNode& node) const {
  if (node.made != nullptr) return nullptr;
  if (node.traits().form == OpForm::kBiasAdd)
    return AddsToRows(node) ? FindMicroOp("add") : nullptr;
  if (!node.traits().pointwise.has_value()) return nullptr;
  return FindMicroOp(node.traits().pointwise->micro_op);
}

// Is a bias as long as the rows that it is added to? An addition would repeat
// what BiasAdd refuses.
bool PointwiseGroups::AddsToRows(const PlanNode& node) const {
  const TensorShape& value = *graph_.values[node.inputs[0]].shape;
  const TensorShape& bias = *graph_.values[node.inputs[1]].shape;
  return node.attrs().Get<std::string>("data_format") == "NHWC" &&
         value.rank() >= 2 && bias.rank() == 1 && bias.dim(0) >= 0 &&
         value.dim(-1) == bias.dim(0);
}

bool PointwiseGroups::IsLike(const PlanNode& node) {
  return node.made != nullptr && node.made->op == "_Like";
}

// The type of the numbers of a node that can be fused; of one that only has
// truth values, that of the numbers it comes from.
void PointwiseGroups::FindType(int id) {
  const PlanNode& node = graph_.nodes[id];
  if (IsLike(node)) {
    const DataType dtype = graph_.values[node.outputs[0]].dtype;
    const bool fits = dtype == DataType::kFloat || dtype == DataType::kDouble;
    if (fits && !is_control_[id]) type_[id] = dtype;
    return;
  }
  const MicroOp* op = MicroOpOf(node);
  if (op == nullptr || node.role != OpRole::kCompute ||
      node.phase != WritePhase::kNone || node.traits().stateful ||
      !node.controls.empty() || is_control_[id] || node.outputs.size() != 1) {
    return;
  }
  const MicroOpInfo& info = InfoOf(*op);
  // AddN is a row of additions.
  const bool adds = *op == MicroOp::kAdd && node.inputs.size() >= 2;
  if (!adds && static_cast<int>(node.inputs.size()) != info.arity()) return;
  const AttrValue* strict = node.attrs().Find("incompatible_shape_error");
  if (strict != nullptr && !*strict->get_if<bool>()) return;
  DataType type = DataType::kInvalid;
  auto fits = [&](int value, char kind) {
    const DataType dtype = graph_.values[value].dtype;
    if (kind == 'b') return dtype == DataType::kBool;
    if (dtype != DataType::kFloat && dtype != DataType::kDouble) return false;
    if (type == DataType::kInvalid) type = dtype;
    return type == dtype;
  };
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (!fits(node.inputs[i], adds ? 'n' : info.types[i])) return;
  }
  if (!fits(node.outputs[0], info.types.back())) return;
  for (size_t i = 0; type == DataType::kInvalid && i < before_[id].size();
       ++i) {
    type = type_[before_[id][i]];
  }
  type_[id] = type != DataType::kInvalid ? type : DataType::kFloat;
}

// Can the result of `from` be a register of the program with `to`?
bool PointwiseGroups::Joins(int from, int to) const {
  if (!CanFuse(from) || type_[from] != type_[to]) return false;
  if (IsLike(graph_.nodes[to])) return true;
  // A condition by row is read as one.
  return *MicroOpOf(graph_.nodes[to]) != MicroOp::kSelectRows ||
         graph_.nodes[to].inputs[0] != graph_.nodes[from].outputs[0];
}

// ---- Groups -----------------------------------------------------------------

// What is only used later is computed later, together with what uses it.
void PointwiseGroups::FindDepths() {
  depth_.assign(num_nodes_, 0);
  for (const PlanFrame& frame : graph_.frames) {
    for (int node : frame.nodes) {
      for (int p : before_[node])
        depth_[node] = std::max(depth_[node], depth_[p] + !Joins(p, node));
    }
    for (size_t i = frame.nodes.size(); i-- > 0;) {
      const int node = frame.nodes[i];
      if (!CanFuse(node) || after_[node].empty()) continue;
      int latest = depth_[after_[node][0]];
      for (int s : after_[node])
        latest = std::min(latest, depth_[s] - !Joins(node, s));
      depth_[node] = std::max(depth_[node], latest);
    }
  }
}

int PointwiseGroups::Find(int node) const {
  while (group_[node] != node) node = group_[node] = group_[group_[node]];
  return node;
}

void PointwiseGroups::MakeGroups() {
  group_.resize(num_nodes_);
  for (int n = 0; n < num_nodes_; ++n) group_[n] = n;
  instructions_.assign(num_nodes_, 0);
  inputs_.assign(num_nodes_, 0);
  for (const PlanFrame& frame : graph_.frames) {
    for (int node : frame.nodes) {
      for (int p : before_[node])
        depth_[node] = std::max(depth_[node], depth_[p] + !Joins(p, node));
      if (CanFuse(node)) Join(node);
    }
  }
}

// Unites `node` with the groups of its depth that it uses, or, if that would
// be too large, makes it deeper.
void PointwiseGroups::Join(int node) {
  const int own = static_cast<int>(graph_.nodes[node].inputs.size());
  instructions_[node] = std::max(1, own - 1);
  inputs_[node] = own;
  std::vector<int> groups;
  int instructions = instructions_[node], inputs = own;
  for (int p : before_[node]) {
    if (depth_[p] != depth_[node] || !Joins(p, node)) continue;
    const int g = Find(p);
    if (std::find(groups.begin(), groups.end(), g) != groups.end()) continue;
    groups.push_back(g);
    instructions += instructions_[g];
    inputs += inputs_[g];
  }
  if (instructions > kMaxInstructions || inputs > kMaxInputs) {
    ++depth_[node];
    return;
  }
  for (int g : groups) group_[g] = node;
  instructions_[node] = instructions;
  inputs_[node] = inputs - static_cast<int>(groups.size());
}

// A _Like is only part of a program that computes what it is like.
void PointwiseGroups::LeaveLikesAlone() {
  for (int n = 0; n < num_nodes_; ++n) {
    if (!CanFuse(n) || !IsLike(graph_.nodes[n])) continue;
    const int maker = graph_.values[graph_.nodes[n].inputs[0]].node;
    const bool joined = maker >= 0 && Joins(maker, n) && Find(maker) == Find(n);
    if (!joined) type_[n] = DataType::kInvalid;
  }
}

}  // namespace weft
