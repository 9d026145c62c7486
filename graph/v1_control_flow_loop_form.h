// What one loop of an old graph consists of. Used by v1_control_flow_*loop*.cc
// alone.
#ifndef WEFT_GRAPH_V1_CONTROL_FLOW_LOOP_FORM_H_
#define WEFT_GRAPH_V1_CONTROL_FLOW_LOOP_FORM_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "graph/v1_control_flow_frames.h"
#include "graph/v1_control_flow_graph.h"

namespace weft {

// The outermost graph while its loops are being made.
struct V1LoopState {
  V1Module& module;
  V1Graph& graph;
  V1Frames frames;
  // By node: the value that took its place, once its loop has been made. No
  // node: none did.
  std::vector<V1Value> forward;

  // `value` as it is now.
  V1Value Current(V1Value value) const;
};

// What a node depends on: variables as they are before an iteration, whether
// the loop goes on or not; those of an iteration that takes place; those after
// the last one.
enum class V1Part : char { kHead, kBody, kTail };

struct V1Loop {
  struct Variable {
    int merge;
    int enter;
    int next;
  };

  int frame = 0;
  int parent = 0;
  int loop_cond = -1;  // -1: this is no loop, and no value leaves it.
  std::vector<int> nodes;
  std::vector<Variable> variables;
  absl::flat_hash_map<int, int> by_merge;  // The variables' numbers.
  absl::flat_hash_map<int, int> by_switch;
  std::vector<int> exits;
  // Merges to which nothing leads back: good for the first iteration only.
  absl::flat_hash_set<int> incomplete;
  absl::flat_hash_map<int, V1Part> parts;  // Those that are not kHead.

  // A Merge or Switch of a variable.
  bool IsVariable(int node) const {
    return by_merge.contains(node) || by_switch.contains(node);
  }
  V1Part part(int node) const {
    const auto it = parts.find(node);
    return it == parts.end() ? V1Part::kHead : it->second;
  }
};

// The loop that consists of `nodes`, those of `frame` or some of them.
// InvalidArgument, naming node and frame, if they form none.
absl::StatusOr<V1Loop> FindLoop(const V1LoopState& state, int frame,
                                std::vector<int> nodes);

// ---- v1_control_flow_one_loop.cc --------------------------------------------

// Puts a While into the frame around the loop. Gives the nodes that now belong
// to that frame: the While, and what is computed after the last iteration.
absl::StatusOr<std::vector<int>> MakeWhile(V1LoopState& state,
                                           const V1Loop& loop);

}  // namespace weft

#endif  // WEFT_GRAPH_V1_CONTROL_FLOW_LOOP_FORM_H_
