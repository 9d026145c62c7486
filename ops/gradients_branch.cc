// The gradients of conditionals and calls: conditionals and calls that compute
// the forward values again, as far as they need them.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/op.h"
#include "ops/control_flow_copy.h"
#include "ops/control_flow_nodes.h"
#include "ops/gradients_backprop.h"

namespace weft {
namespace {

// Would the node, computed again, give something else or change something?
bool DiffersWhenRepeated(const Node& node) {
  for (int i = 0; i < node.num_bodies(); ++i) {
    for (const std::unique_ptr<Node>& inner : node.body(i).nodes()) {
      if (DiffersWhenRepeated(*inner)) return true;
    }
  }
  if (node.num_bodies() > 0 || node.schema() == nullptr) return false;
  const OpTraits& traits = node.schema()->traits();
  for (const auto& [input, access] : traits.variables) {
    if (access != VariableAccess::kRead) return true;
  }
  return traits.random_stream;
}

// One branch: a copy of the forward body with backward nodes added.
struct Branch {
  Graph* joint = nullptr;
  int num_forward = 0;
  Outputs cotangents;  // Arguments, one per output that has a gradient.
  Outputs results;     // One per wanted argument; invalid where none flows.
};

class BranchGradient {
 public:
  BranchGradient(Node* node, const Outputs& dys, GradientContext& context,
                 bool in_loop)
      : node_(node),
        graph_(node->graph()),
        context_(context),
        in_loop_(in_loop),
        first_arg_(RoleOf(*node) == OpRole::kIf ? 1 : 0) {
    for (size_t i = 0; i < dys.size(); ++i) {
      if (!dys[i].valid()) continue;
      outputs_.push_back(static_cast<int>(i));
      dys_.push_back(dys[i]);
    }
  }

  Outputs Build(const Flags& wanted) {
    Outputs dxs(node_->num_inputs());
    for (int i = first_arg_; i < node_->num_inputs(); ++i) {
      if (wanted[i]) wanted_.push_back(i);
    }
    for (int b = 0; b < node_->num_bodies(); ++b) {
      if (!Differentiate(node_->body(b))) return dxs;
    }
    if (!KeepConnected()) return dxs;
    FindUsedArgs();
    if (!graph_.status().ok()) return dxs;
    Node* gradient = AddNode();
    for (size_t k = 0; k < wanted_.size(); ++k) {
      dxs[wanted_[k]] = Output(gradient, static_cast<int>(k));
    }
    return dxs;
  }

 private:
  // The forward node's inputs that are arguments of its bodies.
  Outputs Args() const {
    return Outputs(node_->inputs().begin() + first_arg_, node_->inputs().end());
  }

  bool Differentiate(const Graph& body) {
    std::vector<TensorShape> shapes;
    for (const Output& arg : body.args()) shapes.push_back(arg.shape());
    context_.copies.push_back(
        CopyBody(body, graph_, Args(), shapes, &context_.origins));
    Branch branch = {.joint = context_.copies.back().get()};
    if (!graph_.status().ok()) return false;
    for (size_t i = 0; i < shapes.size(); ++i) {
      context_.outside[branch.joint->args()[i]] =
          node_->input(first_arg_ + static_cast<int>(i));
    }
    branch.num_forward = branch.joint->num_nodes();
    Backprop backprop(*branch.joint, context_, in_loop_);
    for (size_t k = 0; k < dys_.size(); ++k) {
      branch.cotangents.push_back(
          branch.joint->AddArg(dys_[k].dtype(), dys_[k].shape(), "grad"));
      backprop.Seed(branch.joint->results()[outputs_[k]],
                    branch.cotangents.back());
    }
    Outputs args;
    for (int i : wanted_) args.push_back(branch.joint->args()[i - first_arg_]);
    branch.results = backprop.Run(args);
    branches_.push_back(std::move(branch));
    return graph_.status().ok();
  }

  // Leaves the inputs to which a gradient flows in some branch; in the others
  // it is zero. Are there any?
  bool KeepConnected() {
    std::vector<int> connected;
    std::vector<Outputs> results(branches_.size());
    for (size_t k = 0; k < wanted_.size(); ++k) {
      bool any = false;
      for (const Branch& branch : branches_)
        any = any || branch.results[k].valid();
      if (!any) continue;
      connected.push_back(wanted_[k]);
      for (size_t b = 0; b < branches_.size(); ++b) {
        const Output& dx = branches_[b].results[k];
        const Output arg = branches_[b].joint->args()[wanted_[k] - first_arg_];
        results[b].push_back(dx.valid() ? dx : ZeroGradient(arg, context_));
      }
    }
    for (size_t b = 0; b < branches_.size(); ++b)
      branches_[b].results = results[b];
    wanted_ = std::move(connected);
    return !wanted_.empty();
  }

  // The arguments of a branch by number: those of the forward node, then the
  // cotangents. What the branch captured is captured again.
  absl::flat_hash_map<const Node*, int> NumberArgs(const Branch& branch) const {
    const int num_args = node_->num_inputs() - first_arg_;
    absl::flat_hash_map<const Node*, int> number;
    for (int i = 0; i < num_args; ++i)
      number[branch.joint->args()[i].node()] = i;
    for (size_t k = 0; k < branch.cotangents.size(); ++k) {
      number[branch.cotangents[k].node()] = num_args + static_cast<int>(k);
    }
    for (const Graph::Capture& capture : branch.joint->captures()) {
      number.erase(capture.inner.node());
    }
    return number;
  }

  // Which arguments the backward bodies need, over all branches.
  void FindUsedArgs() {
    for (const Branch& branch : branches_) {
      const absl::flat_hash_map<const Node*, int> number = NumberArgs(branch);
      std::vector<bool> seen(branch.joint->num_nodes(), false);
      Outputs stack = branch.results;
      while (!stack.empty()) {
        const Node& node = *stack.back().node();
        stack.pop_back();
        if (seen[node.id()]) continue;
        seen[node.id()] = true;
        if (node.id() < branch.num_forward && DiffersWhenRepeated(node)) {
          graph_.Fail(Unimplemented(node_->Describe(),
                                    ": the gradient would compute ",
                                    node.Describe(),
                                    " again, which would give something else; "
                                    "move it out of the branch"));
          return;
        }
        const auto it = number.find(&node);
        if (it != number.end()) used_.insert(it->second);
        for (const Output& input : node.inputs()) stack.push_back(input);
      }
    }
  }

  std::unique_ptr<Graph> EmitBody(const Branch& branch) const {
    const int num_args = node_->num_inputs() - first_arg_;
    std::unique_ptr<Graph> body = Graph::MakeBody(graph_);
    GraphCopier copier(*branch.joint, *body);
    for (int i : used_) {
      const Output arg = i < num_args ? branch.joint->args()[i]
                                      : branch.cotangents[i - num_args];
      copier.Map(arg,
                 body->AddArg(arg.dtype(), arg.shape(), arg.node()->name()));
    }
    for (const Graph::Capture& capture : branch.joint->captures()) {
      copier.Map(capture.inner, capture.outer);
    }
    Outputs results;
    for (const Output& result : branch.results)
      results.push_back(copier.Copy(result));
    body->SetResults(std::move(results));
    return body;
  }

  Node* AddNode() {
    const int num_args = node_->num_inputs() - first_arg_;
    Outputs inputs;
    for (int i : used_) {
      inputs.push_back(i < num_args ? node_->input(first_arg_ + i)
                                    : dys_[i - num_args]);
    }
    std::vector<std::unique_ptr<Graph>> bodies;
    for (const Branch& branch : branches_) bodies.push_back(EmitBody(branch));
    std::vector<std::unique_ptr<Graph>*> pointers;
    for (std::unique_ptr<Graph>& body : bodies) pointers.push_back(&body);
    for (const Output& captured :
         UniteCaptures(pointers, static_cast<int>(inputs.size()))) {
      inputs.push_back(captured);
    }
    const ControlFlowNodeOptions options = {.name = first_arg_ == 1 ? "cond"
                                                                    : "call"};
    if (first_arg_ == 0)
      return AddCall(graph_, inputs, std::move(bodies[0]), options);
    return AddIf(graph_, node_->input(0), inputs, std::move(bodies[0]),
                 std::move(bodies[1]), options);
  }

  Node* node_;
  Graph& graph_;
  GradientContext& context_;
  const bool in_loop_;
  const int first_arg_;
  std::vector<int> outputs_;  // Those that have a gradient,
  Outputs dys_;               // and that.
  std::vector<int> wanted_;   // Inputs.
  std::vector<Branch> branches_;
  absl::btree_set<int> used_;
};

}  // namespace

Outputs DifferentiateBranches(Node* node, const Outputs& dys,
                              const Flags& wanted, GradientContext& context,
                              bool in_loop) {
  return BranchGradient(node, dys, context, in_loop).Build(wanted);
}

}  // namespace weft
