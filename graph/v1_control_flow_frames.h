// Which loop each node of an old graph belongs to.
#ifndef WEFT_GRAPH_V1_CONTROL_FLOW_FRAMES_H_
#define WEFT_GRAPH_V1_CONTROL_FLOW_FRAMES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/v1_control_flow_graph.h"

namespace weft {

// How deep loops and conditionals may be nested.
inline constexpr int kMaxV1Depth = 64;

// Enter leads from a frame into one within it, Exit leads back.
struct V1Frame {
  std::string name;  // Of the Enter nodes; empty for the outermost.
  int parent = -1;
  int depth = 0;
};

struct V1Frames {
  std::vector<V1Frame> frames;  // frames[0] is the outermost: no loop.
  // By node, where its inputs and its outputs are.
  std::vector<int> in;
  std::vector<int> out;

  // "frame 'rnn/while/while_context'".
  std::string Describe(int frame) const;
};

// InvalidArgument, naming node and frame, unless control flow ops have the
// inputs they need, the inputs of each node lie in one frame, and Exit,
// LoopCond and NextIteration lie in a loop and lead where they must.
absl::StatusOr<V1Frames> FindFrames(const V1Graph& graph);

}  // namespace weft

#endif  // WEFT_GRAPH_V1_CONTROL_FLOW_FRAMES_H_
