#include "runtime/schedule.h"

namespace weft {
namespace {

class Scheduler {
 public:
  Scheduler(const Plan& plan, const ShapeWalk& walk)
      : graph_(plan.graph()), walk_(walk) {
    for (size_t i = 0; i < graph_.shadows.size(); ++i) {
      shadows_of_[graph_.shadows[i].node].push_back(static_cast<int>(i));
    }
  }

  Schedule Run() {
    std::vector<int> commits;
    for (int node : graph_.frames[0].nodes) {
      if (graph_.nodes[node].phase == WritePhase::kCommit) {
        commits.push_back(node);
      } else {
        AddNode(node);
      }
    }
    schedule_.fetch = Add(Step::kFetch, -1);
    for (int node : commits) AddNode(node);
    return std::move(schedule_);
  }

 private:
  int Add(Step::Kind kind, int node) {
    schedule_.steps.push_back({.kind = kind, .node = node, .loop = loop_});
    return static_cast<int>(schedule_.steps.size()) - 1;
  }

  // Frames nest no deeper than graphs allow.
  void AddFrame(int frame) {
    for (int node : graph_.frames[frame].nodes) AddNode(node);
  }

  void AddNode(int id) {
    const PlanNode& node = graph_.nodes[id];
    if (node.role == OpRole::kWhile) {
      AddWhile(id);
    } else if (node.role == OpRole::kIf) {
      AddIf(id);
    } else if (node.role == OpRole::kCompute) {
      if (node.phase == WritePhase::kShadow) {
        for (int shadow : shadows_of_[id]) Add(Step::kShadow, shadow);
      }
      if (walk_.node(id).mode != NodeMode::kSkip || HasMovingView(node))
        Add(Step::kNode, id);
    }
  }

  // A view of what has no fixed place must be set while running.
  bool HasMovingView(const PlanNode& node) const {
    for (int output : node.outputs) {
      if (walk_.value(output).view_of >= 0 && walk_.Moves(output)) return true;
    }
    return false;
  }

  void AddWhile(int id) {
    const PlanNode& node = graph_.nodes[id];
    const int loop = static_cast<int>(schedule_.loops.size());
    schedule_.loops.push_back({.node = id, .parent = loop_});
    const int begin = Add(Step::kLoopBegin, id);
    const int outer = loop_;
    loop_ = loop;
    AddFrame(node.cond);
    const int test = Add(Step::kLoopTest, id);
    AddFrame(node.body);
    const int next = Add(Step::kLoopNext, id);
    loop_ = outer;
    const int end = Add(Step::kLoopEnd, id);
    LoopSteps& steps = schedule_.loops[loop];
    steps.begin = begin;
    steps.test = test;
    steps.next = next;
    steps.end = end;
  }

  void AddIf(int id) {
    const PlanNode& node = graph_.nodes[id];
    const int taken = walk_.node(id).taken;
    if (taken >= 0) {
      AddFrame(taken == 1 ? node.then_frame : node.else_frame);
      return;
    }
    const int branch = Add(Step::kBranch, id);
    AddFrame(node.then_frame);
    const int then_end = Add(Step::kThenEnd, id);
    AddFrame(node.else_frame);
    const int else_end = Add(Step::kElseEnd, id);
    schedule_.steps[branch].peer = then_end;
    schedule_.steps[then_end].peer = else_end;
  }

  const PlanGraph& graph_;
  const ShapeWalk& walk_;
  absl::flat_hash_map<int, std::vector<int>> shadows_of_;  // By node.
  Schedule schedule_;
  int loop_ = -1;
};

}  // namespace

Schedule Schedule::Create(const Plan& plan, const ShapeWalk& walk) {
  return Scheduler(plan, walk).Run();
}

int Schedule::Extended(int position, int home) const {
  int loop = steps[position].loop;
  int end = position;
  for (; loop != home; loop = loops[loop].parent) end = loops[loop].end;
  return end;
}

}  // namespace weft
