#include "runtime/liveness.h"

#include <algorithm>

namespace weft {

Liveness::Liveness(const Plan& plan, const ShapeWalk& walk,
                   const Schedule& schedule)
    : graph_(plan.graph()), schedule_(schedule) {
  const size_t n = graph_.values.size();
  first_.assign(n, -1);
  last_.assign(n, -1);
  last_in_loop_.assign(n, -1);
  loop_of_variable_.assign(n, -1);
  home_.assign(n, -1);
  FindRoots(plan, walk);
  FindFirsts();
  FindLasts();
}

void Liveness::FindRoots(const Plan& plan, const ShapeWalk& walk) {
  const size_t n = plan.graph().values.size();
  root_.assign(n, -1);
  offset_.assign(n, 0);
  std::vector<int> path;
  for (size_t i = 0; i < n; ++i) {
    // Chains of views may be long: each link is followed once.
    int v = static_cast<int>(i);
    for (path.clear(); root_[v] < 0;) {
      path.push_back(v);
      const ValueState& state = walk.value(v);
      const int next = state.same_as >= 0 ? state.same_as : state.view_of;
      if (next < 0) {
        root_[v] = v;
        break;
      }
      v = next;
    }
    for (; !path.empty(); path.pop_back()) {
      const ValueState& state = walk.value(path.back());
      const int next = state.same_as >= 0 ? state.same_as : state.view_of;
      if (next < 0) continue;
      root_[path.back()] = root_[next];
      offset_[path.back()] =
          offset_[next] + (state.same_as >= 0 ? 0 : state.view_offset);
    }
  }
}

void Liveness::Make(int value, int position, int home) {
  if (root_[value] != value || first_[value] >= 0) return;
  first_[value] = last_[value] = position;
  home_[value] = home;
}

void Liveness::FindFirsts() {
  for (size_t p = 0; p < schedule_.steps.size(); ++p) {
    const Step& step = schedule_.steps[p];
    const int position = static_cast<int>(p);
    if (step.kind == Step::kShadow) {
      Make(graph_.shadows[step.node].to, position, step.loop);
    } else if (step.kind == Step::kNode || step.kind == Step::kBranch) {
      for (int output : graph_.nodes[step.node].outputs)
        Make(output, position, step.loop);
    }
    if (step.kind != Step::kBranch) continue;
    // Either branch writes the outputs at its end, used or not.
    for (int output : graph_.nodes[step.node].outputs) {
      last_[output] = schedule_.steps[step.peer].peer;
    }
  }
  for (size_t l = 0; l < schedule_.loops.size(); ++l) {
    const LoopSteps& loop = schedule_.loops[l];
    for (int arg : graph_.frames[graph_.nodes[loop.node].cond].args) {
      if (root_[arg] != arg) continue;
      first_[arg] = loop.begin;
      last_[arg] = loop.end;
      last_in_loop_[arg] =
          loop.test;  // It is the output if the loop ends there.
      loop_of_variable_[arg] = static_cast<int>(l);
      home_[arg] = loop.parent;
    }
  }
}

bool Liveness::InLoopOf(int root, int position) const {
  const int l = loop_of_variable_[root];
  return l >= 0 && position > schedule_.loops[l].begin &&
         position < schedule_.loops[l].end;
}

void Liveness::Use(int value, int position) {
  const int root = root_[value];
  if (first_[root] < 0) return;
  if (InLoopOf(root, position)) {
    const int end = schedule_.Extended(position, loop_of_variable_[root]);
    last_in_loop_[root] = std::max(last_in_loop_[root], end);
  } else {
    last_[root] =
        std::max(last_[root], schedule_.Extended(position, home_[root]));
  }
}

void Liveness::FindLasts() {
  for (size_t p = 0; p < schedule_.steps.size(); ++p) {
    const Step& step = schedule_.steps[p];
    const int position = static_cast<int>(p);
    auto use_all = [&](const auto& values) {
      for (int value : values) Use(value, position);
    };
    const PlanNode* node = step.kind == Step::kShadow || step.node < 0
                               ? nullptr
                               : &graph_.nodes[step.node];
    switch (step.kind) {
      case Step::kNode:
      case Step::kLoopBegin:
      case Step::kBranch:
        use_all(node->inputs);
        break;
      case Step::kLoopTest:
        use_all(graph_.frames[node->cond].results);
        break;
      case Step::kLoopNext:
        use_all(graph_.frames[node->body].results);
        break;
      case Step::kThenEnd:
        use_all(graph_.frames[node->then_frame].results);
        break;
      case Step::kElseEnd:
        use_all(graph_.frames[node->else_frame].results);
        break;
      case Step::kShadow:
        Use(graph_.shadows[step.node].from, position);
        break;
      case Step::kFetch:
        use_all(graph_.frames[0].results);
        for (const PlanVariable& variable : graph_.variables) {
          if (variable.shadow >= 0) Use(variable.shadow, position);
        }
        break;
      case Step::kLoopEnd:
        break;
    }
  }
}

int Liveness::LastSeenFrom(int root, int position) const {
  return InLoopOf(root, position) ? last_in_loop_[root] : last_[root];
}

bool Liveness::DiesAt(int value, int position) const {
  const int root = root_[value];
  return first_[root] >= 0 && LastSeenFrom(root, position) == position;
}

}  // namespace weft
