#include "runtime/passes/loop_parts.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "runtime/passes/counted_loop.h"
#include "runtime/passes/strong_components.h"
#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

constexpr int kNone = -1;
constexpr int kNever = std::numeric_limits<int>::max();

// Variables and nodes of a loop that need each other, or one that needs none.
struct Component {
  std::vector<int> vertices;
  std::vector<int> needs;  // Other components.
  std::vector<int> users;
  bool is_heavy = false;   // A recurrence that computes a product.
  bool is_copied = false;  // Is it in every part that needs it?
  int part = kNone;
  int after = kNone;    // The last heavy part that it needs.
  int before = kNever;  // The first heavy part that needs it.
  int floor = kNone;    // The last part that it needs anything of.
  int first_use = kNever;
};

class Partition {
 public:
  Partition(const PlanGraph& graph, int loop,
            absl::FunctionRef<bool(int)> can_cross)
      : graph_(graph),
        loop_(graph.nodes[loop]),
        loop_id_(loop),
        can_cross_(can_cross),
        num_variables_(static_cast<int>(loop_.outputs.size())) {}

  std::vector<LoopPart> Run() {
    if (!IsPlain()) return {};
    FindComponents();
    for (size_t c = 0; c < components_.size(); ++c) {
      Component& component = components_[c];
      component.is_heavy = is_cycle_[c] && Computes(component);
      component.is_copied = IsCopied(static_cast<int>(c));
      if (component.is_heavy) component.part = num_parts_++;
    }
    if (!CountsInCondition()) return {};
    while (num_parts_ > 1) {
      Assign();
      std::vector<LoopPart> parts;
      if (Collect(&parts)) return parts;
    }
    return {};
  }

 private:
  const PlanFrame& cond() const { return graph_.frames[loop_.cond]; }
  const PlanFrame& body() const { return graph_.frames[loop_.body]; }

  // Does the loop do nothing but compute?
  bool IsPlain() const {
    if (loop_.made != nullptr || loop_.phase != WritePhase::kNone) return false;
    for (const PlanFrame* frame : {&cond(), &body()}) {
      if (!frame->targets.empty()) return false;
      for (int n : frame->nodes) {
        const PlanNode& node = graph_.nodes[n];
        const bool fits =
            node.role == OpRole::kCompute || node.role == OpRole::kConst ||
            node.role == OpRole::kIdentity || node.role == OpRole::kNoOp;
        if (!fits || node.phase != WritePhase::kNone ||
            !node.traits().variables.empty()) {
          return false;
        }
      }
    }
    return true;
  }

  // ---- What needs what ------------------------------------------------------

  // Vertices are the variables, then the nodes.
  bool IsVariable(int vertex) const { return vertex < num_variables_; }
  const PlanNode& NodeOf(int vertex) const {
    return graph_.nodes[nodes_[vertex - num_variables_]];
  }

  // The vertex that makes the value; -1 if it is from outside.
  int MakerOf(int value) const {
    const PlanValue& v = graph_.values[value];
    if (v.node < 0) return v.frame == loop_.cond ? v.index : -1;
    const auto found = vertex_of_.find(v.node);
    return found != vertex_of_.end() ? found->second : -1;
  }

  // The values that a vertex needs.
  absl::Span<const int> InputsOf(int vertex) const {
    if (!IsVariable(vertex)) return NodeOf(vertex).inputs;
    return absl::MakeConstSpan(&body().results[vertex], 1);
  }

  void FindComponents() {
    for (const PlanFrame* frame : {&cond(), &body()}) {
      for (int n : frame->nodes) {
        vertex_of_[n] = num_variables_ + static_cast<int>(nodes_.size());
        nodes_.push_back(n);
      }
    }
    const int count = num_variables_ + static_cast<int>(nodes_.size());
    std::vector<std::vector<int>> needs(count);
    for (int v = 0; v < count; ++v) {
      for (int input : InputsOf(v)) {
        const int maker = MakerOf(input);
        if (maker >= 0) needs[v].push_back(maker);
      }
    }
    StrongComponents found = FindStrongComponents(needs);
    component_of_ = std::move(found.of);
    is_cycle_ = std::move(found.is_cycle);
    components_.resize(is_cycle_.size());
    for (int v = 0; v < count; ++v) {
      const int c = component_of_[v];
      components_[c].vertices.push_back(v);
      for (int need : needs[v]) {
        if (component_of_[need] == c) continue;
        components_[c].needs.push_back(component_of_[need]);
        components_[component_of_[need]].users.push_back(c);
      }
    }
  }

  bool Computes(const Component& component) const {
    return std::any_of(
        component.vertices.begin(), component.vertices.end(), [&](int v) {
          return !IsVariable(v) && PlainFormOf(NodeOf(v)) == OpForm::kMatMul;
        });
  }

  // What it needs is numbered before it.
  bool IsCopied(int c) const {
    const std::vector<int>& vertices = components_[c].vertices;
    if (is_cycle_[c]) {
      int next = -1;
      return vertices.size() == 2 && IsVariable(vertices[0]) &&
             IsCounter(graph_, loop_id_, vertices[0], &next) &&
             vertex_of_.at(next) == vertices[1];
    }
    if (IsVariable(vertices[0])) return false;
    const PlanNode& node = NodeOf(vertices[0]);
    if (node.role == OpRole::kNoOp) return true;
    if (node.role == OpRole::kCompute &&
        ((node.schema() == nullptr && node.made == nullptr) ||
         node.traits().stateful)) {
      return false;
    }
    // A shape is known wherever the value is.
    if (node.op() == "Shape") return true;
    const std::vector<int>& needs = components_[c].needs;
    return IsCheap(node) && std::all_of(needs.begin(), needs.end(), [&](int m) {
             return components_[m].is_copied;
           });
  }

  // Does the condition use nothing but what every part can have?
  bool CountsInCondition() const {
    return std::all_of(cond().nodes.begin(), cond().nodes.end(), [&](int n) {
      const Component& c = components_[component_of_[vertex_of_.at(n)]];
      return c.is_copied &&
             std::all_of(c.needs.begin(), c.needs.end(),
                         [&](int m) { return components_[m].is_copied; });
    });
  }

  bool IsCheap(const PlanNode& node) const {
    if (node.role != OpRole::kCompute || node.traits().pointwise.has_value() ||
        node.traits().form == OpForm::kListGet) {
      return true;
    }
    return std::all_of(node.outputs.begin(), node.outputs.end(),
                       [&](int output) {
                         const DataType type = graph_.values[output].dtype;
                         return IsInteger(type) || type == DataType::kBool;
                       });
  }

  // ---- What belongs where ---------------------------------------------------

  // The parts of what is not copied, once those of recurrences are known: as
  // early as it can be computed, so that it is stored as it is used; but what
  // only leads to recurrences goes to the first of them.
  void Assign() {
    for (Component& c : components_) {
      if (!c.is_heavy) c.part = kNone;
      c.after = kNone;
      for (int m : c.needs) {
        const Component& need = components_[m];
        c.after = std::max(c.after, need.is_heavy ? need.part : need.after);
      }
    }
    for (size_t i = components_.size(); i-- > 0;) {
      Component& c = components_[i];
      c.before = kNever;
      for (int u : c.users) {
        const Component& user = components_[u];
        c.before = std::min(c.before, user.is_heavy ? user.part : user.before);
      }
    }
    for (size_t c = 0; c < components_.size(); ++c) {
      SetFloor(&components_[c]);
      if (components_[c].after >= 0) Place(static_cast<int>(c));
    }
    for (size_t i = components_.size(); i-- > 0;) {
      Component& c = components_[i];
      c.first_use = kNever;
      for (int u : c.users) {
        const Component& user = components_[u];
        const int use = user.part != kNone ? user.part : user.first_use;
        c.first_use = std::min(c.first_use, use);
      }
      if (IsOpen(c) && c.first_use != kNever) c.part = c.first_use;
    }
    for (Component& c : components_) {
      SetFloor(&c);
      if (IsOpen(c)) c.part = std::max(c.floor, 0);
    }
  }

  bool IsOpen(const Component& c) const {
    return !c.is_copied && c.part == kNone;
  }

  void SetFloor(Component* c) const {
    c->floor = kNone;
    for (int m : c->needs) {
      const Component& need = components_[m];
      c->floor = std::max(c->floor, need.is_copied ? need.floor : need.part);
    }
  }

  // Something behind a recurrence.
  void Place(int id) {
    Component& c = components_[id];
    if (c.is_copied || c.is_heavy) return;
    c.part = std::max(c.after, c.floor);
    if (IsForRecurrences(id)) c.part = std::max(c.before, c.floor);
  }

  // Products with what a part before has made are computed for many steps at
  // once; and what is joined for them need not be stored.
  bool IsForRecurrences(int id) const {
    const Component& c = components_[id];
    if (c.before == kNever || c.before <= c.after || is_cycle_[id] ||
        IsVariable(c.vertices[0])) {
      return false;
    }
    const OpForm form = PlainFormOf(NodeOf(c.vertices[0]));
    if (form == OpForm::kMatMul) return true;
    return form == OpForm::kConcat &&
           std::all_of(c.users.begin(), c.users.end(), [&](int u) {
             const Component& user = components_[u];
             return !IsVariable(user.vertices[0]) && !is_cycle_[u] &&
                    PlainFormOf(NodeOf(user.vertices[0])) == OpForm::kMatMul;
           });
  }

  // ---- Parts ----------------------------------------------------------------

  // False if a value would have to cross that can not: then the parts between
  // have become one.
  bool Collect(std::vector<LoopPart>* parts) {
    std::vector<std::vector<int>> in_part(num_parts_);
    for (size_t c = 0; c < components_.size(); ++c) {
      if (components_[c].part != kNone)
        in_part[components_[c].part].push_back(static_cast<int>(c));
    }
    for (int part = 0; part < num_parts_; ++part) {
      std::vector<bool> has(components_.size());
      std::vector<int> stack = std::move(in_part[part]);
      for (size_t c = 0; c < components_.size(); ++c) {
        // The first part has all counters, for those who use them outside.
        if (part == 0 && is_cycle_[c] && components_[c].is_copied)
          stack.push_back(static_cast<int>(c));
      }
      for (int n : cond().nodes)
        stack.push_back(component_of_[vertex_of_.at(n)]);
      for (int c : stack) has[c] = true;
      while (!stack.empty()) {
        const int c = stack.back();
        stack.pop_back();
        for (int vertex : components_[c].vertices) {
          for (int input : InputsOf(vertex)) {
            if (!Reach(input, part, &has, &stack)) return false;
          }
        }
      }
      parts->push_back(PartOf(has));
    }
    return true;
  }

  bool Reach(int value, int part, std::vector<bool>* has,
             std::vector<int>* stack) {
    const int maker = MakerOf(value);
    if (maker < 0) return true;
    const int c = component_of_[maker];
    const Component& component = components_[c];
    if (component.is_copied) {
      if (!(*has)[c]) stack->push_back(c);
      (*has)[c] = true;
      return true;
    }
    if (component.part == part) return true;
    if (component.part < part && can_cross_(value)) return true;
    Merge(std::min(component.part, part), std::max(component.part, part));
    return false;
  }

  void Merge(int first, int last) {
    for (Component& c : components_) {
      if (!c.is_heavy || c.part <= first) continue;
      c.part = std::max(first, c.part - (last - first));
    }
    num_parts_ -= last - first;
  }

  LoopPart PartOf(const std::vector<bool>& has) const {
    LoopPart part;
    for (size_t v = 0; v < component_of_.size(); ++v) {
      const int vertex = static_cast<int>(v);
      if (!has[component_of_[v]]) continue;
      if (IsVariable(vertex)) {
        part.variables.push_back(vertex);
      } else if (NodeOf(vertex).role != OpRole::kNoOp) {
        part.nodes.push_back(nodes_[vertex - num_variables_]);
      }
    }
    return part;
  }

  const PlanGraph& graph_;
  const PlanNode& loop_;
  const int loop_id_;
  const absl::FunctionRef<bool(int)> can_cross_;
  const int num_variables_;
  std::vector<int> nodes_;
  absl::flat_hash_map<int, int> vertex_of_;  // By node.
  std::vector<int> component_of_;            // By vertex.
  std::vector<bool> is_cycle_;               // By component.
  std::vector<Component> components_;        // Each behind those that it needs.
  int num_parts_ = 0;
};

}  // namespace

std::vector<LoopPart> FindLoopParts(const PlanGraph& graph, int loop,
                                    absl::FunctionRef<bool(int)> can_cross) {
  return Partition(graph, loop, can_cross).Run();
}

}  // namespace weft
