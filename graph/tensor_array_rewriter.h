// How TensorArrays become lists. Used by tensor_array.cc and
// tensor_array_gradient.cc alone.
//
// The list is what the flow carries. An array of gradients is one object in
// TensorFlow, to which writes add, wherever they are; its flows are added up,
// and only say what must be done before it is read. Here the flow is the
// gradient of the forward array's list: a write that is not given such a list
// begins with zeros, and where flows are added up the lists are. What the
// handle stands for then is a list of the same size with elements of the same
// shapes: the forward array's, complete.
#ifndef WEFT_GRAPH_TENSOR_ARRAY_REWRITER_H_
#define WEFT_GRAPH_TENSOR_ARRAY_REWRITER_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "graph/stack.h"
#include "graph/tensor_array.h"
#include "graph/v1_control_flow_frames.h"
#include "graph/v1_control_flow_graph.h"

namespace weft {

enum class ArrayOp {
  kNone,
  kArray,
  kGrad,
  kRead,
  kWrite,
  kGather,
  kScatter,
  kSize,
  kConcat,
  kSplit,
  kClose
};

ArrayOp ArrayOpOf(absl::string_view op);
// Does the op give a new flow?
bool WritesArray(ArrayOp op);

class ArrayRewriter {
 public:
  ArrayRewriter(V1Module& module, const V1Stacks& stacks)
      : module_(module),
        graph_(module.outermost()),
        stacks_(stacks),
        builder_(module, graph_) {}

  absl::Status Run();

 private:
  struct Array {
    int type = 0;
    const proto::TensorShapeProto* shape = nullptr;  // Of an element.
    bool grows = false;
    V1Value size;
    // The flow behind all that is written, in the frame of the array.
    std::optional<V1Value> complete = {};
  };
  using Reached = absl::flat_hash_map<V1Value, int>;  // And of which array.
  // How a node that reads or writes whole arrays becomes a list.
  enum class Whole { kNone, kFromTensor, kStack };

  // ---- tensor_array.cc ------------------------------------------------------
  void FindArrays();
  absl::Status SpreadHandles();
  absl::Status FindFlows();
  absl::Status CheckAccess(int n) const;
  absl::Status CheckUses() const;
  absl::Status CheckUse(int n, size_t input) const;
  void PlanWrites(int size);
  absl::Status Rewrite(int n);
  void RewriteAccess(int n, const Array& array);
  void RewriteConcat(int n, const Array& array, V1Value list, V1Value shape);
  void RewriteLoop(int n, const ListSpec& spec, V1Value list);
  void RewritePassing(int n);

  // Everything that gets its value from `from` alone. `through_stacks`: what is
  // popped is what was pushed.
  absl::Status Spread(V1Value from, Reached* reached, int array,
                      bool through_stacks) const;
  V1Value BehindGradients(V1Value value) const;
  bool IsFresh(V1Value flow) const;

  // ---- tensor_array_gradient.cc ---------------------------------------------
  absl::Status FindGradients();
  absl::Status AddGradientFlow(V1Value value, int array);
  absl::Status SpreadGradientFlow(V1Value value);
  absl::Status NeedGradientFlow(int n, size_t input, int array);
  void FindComplete();
  bool GoesOn(V1Value flow, int depth) const;
  void PointAtComplete();
  bool OnlyForGradients(V1Value handle) const;
  void JoinSums();
  absl::Status AddZeros();
  absl::StatusOr<V1Value> ZerosIn(int array, int frame);
  absl::StatusOr<V1Value> HandleIn(int array, int frame);
  absl::Status RewriteGradient(int n);
  absl::Status RewriteGradientAccess(int n, int array);
  void RewriteGradientRead(int n, const Array& array);
  V1Value GradientShape(int n, const Array& array);
  // A list of the size of `like`, of which nothing is set.
  V1Value ZeroList(const std::string& name, const Array& array, V1Value like);

  // ---- Both -----------------------------------------------------------------

  // The array that node `n` reads or writes; -1: none, or its gradients.
  int ArrayOf(int n) const { return ArrayOf(n, handles_); }
  int GradientOf(int n) const { return ArrayOf(n, gradient_handles_); }
  int ArrayOf(int n, const Reached& handles) const {
    const V1Node& node = graph_.nodes[n];
    const ArrayOp op = ArrayOpOf(node.def->op());
    if (op == ArrayOp::kNone || op == ArrayOp::kArray || node.inputs.empty())
      return -1;
    const auto it = handles.find(node.inputs[0]);
    return it == handles.end() ? -1 : it->second;
  }
  const std::string& Name(int n) const { return graph_.nodes[n].name(); }
  proto::NodeDef* Replace(int n, absl::string_view op,
                          std::vector<V1Value> inputs) {
    proto::NodeDef* def = module_.NewDef(graph_.nodes[n].name(), op);
    def->set_device(graph_.nodes[n].def->device());
    graph_.nodes[n].def = def;
    graph_.nodes[n].inputs = std::move(inputs);
    return def;
  }
  static void SetType(proto::NodeDef* def, const char* attr, int type) {
    (*def->mutable_attr())[attr].set_type(static_cast<proto::DataType>(type));
  }
  V1Value ElementShape(int n, const proto::TensorShapeProto* shape,
                       int anchor) {
    return builder_.Shape(
        absl::StrCat(graph_.nodes[n].name(), "/element_shape"), shape, anchor);
  }

  V1Module& module_;
  V1Graph& graph_;
  const V1Stacks& stacks_;
  V1Builder builder_;
  std::vector<std::vector<std::pair<int, size_t>>> users_;  // Node and input.
  std::map<int, Array> arrays_;
  Reached handles_;
  Reached flows_;
  absl::flat_hash_map<int, Whole> whole_;

  // Of gradients. Frames are found if there are any, before nodes are added.
  V1Frames frames_;
  Reached gradient_handles_;
  Reached gradient_flows_;
  std::vector<V1Value> open_;  // Gradient flows that have not been spread.
  struct ZeroInput {
    int node;
    size_t input;
    int array;
  };
  std::vector<ZeroInput> zeros_;
  // By array and frame.
  std::map<std::pair<int, int>, V1Value> zero_lists_;
  std::map<std::pair<int, int>, V1Value> handle_in_;
};

// Does the node only pass its `input`-th input on?
bool PassesOn(const V1Node& node, size_t input);

}  // namespace weft

#endif  // WEFT_GRAPH_TENSOR_ARRAY_REWRITER_H_
