#include "graph/v1_control_flow_loop.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/union_find.h"
#include "graph/v1_control_flow_loop_form.h"

namespace weft {
namespace {

// The nodes of `frame`, by loop: loops that were imported twice have frames of
// the same name, but nothing else in common.
std::vector<std::vector<int>> SplitIntoLoops(const V1LoopState& state,
                                             int frame,
                                             const std::vector<int>& nodes) {
  absl::flat_hash_map<int, int> local;
  for (size_t i = 0; i < nodes.size(); ++i)
    local.emplace(nodes[i], static_cast<int>(i));
  UnionFind sets(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    const V1Node& node = state.graph.nodes[nodes[i]];
    if (state.frames.in[nodes[i]] != frame)
      continue;  // An Enter: its input is outside.
    auto join = [&](int other) {
      const auto it = local.find(other);
      if (it != local.end()) sets.Join(static_cast<int>(i), it->second);
    };
    for (const V1Value& input : node.inputs) join(state.Current(input).node);
    for (int control : node.controls) join(state.Current({control, 0}).node);
  }
  std::vector<std::vector<int>> loops;
  absl::flat_hash_map<int, int> by_set;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto [it, is_new] = by_set.emplace(sets.Find(static_cast<int>(i)),
                                             static_cast<int>(loops.size()));
    if (is_new) loops.emplace_back();
    loops[it->second].push_back(nodes[i]);
  }
  return loops;
}

void HideAll(V1LoopState& state, const V1Loop& loop) {
  for (int n : loop.nodes) {
    state.module.Hide(
        state.graph.nodes[n].name(),
        absl::StrCat(state.frames.Describe(loop.frame), ", which is no loop"));
  }
}

// The outermost graph without the loops' own nodes.
void RemoveFrames(V1LoopState& state) {
  V1Graph& graph = state.graph;
  std::vector<int> renumbered(graph.nodes.size(), -1);
  std::vector<V1Node> left;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (state.frames.in[i] != 0 || state.frames.out[i] != 0) continue;
    renumbered[i] = static_cast<int>(left.size());
    left.push_back(std::move(graph.nodes[i]));
  }
  for (V1Node& node : left) {
    for (V1Value& input : node.inputs) {
      input = state.Current(input);
      input.node = renumbered[input.node];
    }
    for (int& control : node.controls) {
      control = renumbered[state.Current({control, 0}).node];
    }
  }
  graph.nodes = std::move(left);
}

}  // namespace

V1Value V1LoopState::Current(V1Value value) const {
  while (forward[value.node].node != V1Value::kArg) value = forward[value.node];
  return value;
}

absl::Status StructureLoops(V1Module& module) {
  V1Graph& graph = module.outermost();
  WEFT_ASSIGN_OR_RETURN(V1Frames found, FindFrames(graph));
  V1LoopState state{module, graph, std::move(found), {}};
  state.forward.resize(graph.nodes.size());
  const int num_frames = static_cast<int>(state.frames.frames.size());
  std::vector<std::vector<int>> members(num_frames);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const int in = state.frames.in[i];
    const int out = state.frames.out[i];
    // An Enter belongs to the loop it leads into, an Exit to the one it leaves.
    members[std::max(in, out)].push_back(static_cast<int>(i));
  }
  // A frame is numbered after the one around it.
  for (int frame = num_frames - 1; frame > 0; --frame) {
    const int parent = state.frames.frames[frame].parent;
    for (std::vector<int>& nodes :
         SplitIntoLoops(state, frame, members[frame])) {
      WEFT_ASSIGN_OR_RETURN(const V1Loop loop,
                            FindLoop(state, frame, std::move(nodes)));
      if (loop.loop_cond < 0) {
        HideAll(state, loop);
        continue;
      }
      WEFT_ASSIGN_OR_RETURN(const std::vector<int> left,
                            MakeWhile(state, loop));
      members[parent].insert(members[parent].end(), left.begin(), left.end());
    }
  }
  RemoveFrames(state);
  return absl::OkStatus();
}

}  // namespace weft
