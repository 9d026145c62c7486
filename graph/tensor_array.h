// TensorArrays of old graphs, as lists.
#ifndef WEFT_GRAPH_TENSOR_ARRAY_H_
#define WEFT_GRAPH_TENSOR_ARRAY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "graph/stack.h"
#include "graph/v1_control_flow_graph.h"

namespace weft {

// Puts list ops in place of the TensorArray ops (V3 and V2) of the outermost
// graph, before its control flow is structured. Where a flow was, a float to
// order what is done to the array, is the list now:
//
//   TensorArray -> TensorListReserve      Size -> TensorListLength
//   Write -> TensorListSetItem            Read -> TensorListGetItem
//   Scatter, Split -> TensorListFromTensor, or a loop
//   Gather -> TensorListStack or TensorListGather
//   Concat -> TensorListConcatV2          Close -> NoOp
//
// The same for TensorArrayGrad, the array of gradients to which writes add:
// tensor_array_rewriter.h says how.
//
// What is done to arrays that are not known is left as it is. InvalidArgument,
// naming the node, if types do not fit; Unimplemented if a flow is used for
// anything else.
absl::Status RewriteTensorArrays(V1Module& module, const V1Stacks& stacks);

// ---- tensor_array_value.cc --------------------------------------------------

// The number that `value` always is, if that can be seen from the graph.
std::optional<int64_t> KnownNumber(const V1Graph& graph, V1Value value);
// Are these two scalars surely equal?
bool SurelyEqual(const V1Graph& graph, V1Value a, V1Value b);
// n, if `indices` are 0, 1, ..., n - 1.
std::optional<V1Value> RangeLimit(const V1Graph& graph, V1Value indices);

// ---- tensor_array_loop.cc ---------------------------------------------------

// Makes nodes of one graph.
class V1Builder {
 public:
  V1Builder(V1Module& module, V1Graph& graph)
      : module_(module), graph_(graph) {}

  // A node called like `name`. Constants belong to the frame of `anchor`, a
  // node; -1: to none.
  V1Value Add(absl::string_view name, absl::string_view op,
              std::vector<V1Value> inputs);
  V1Value Ints(absl::string_view name, const std::vector<int64_t>& values,
               bool is_vector, int type, int anchor = -1);
  // An element shape as list ops take it.
  V1Value Shape(absl::string_view name, const proto::TensorShapeProto* shape,
                int anchor);
  // 0.0, a scalar.
  V1Value Zero(absl::string_view name, int anchor);
  // Sets an attr of the node added last.
  V1Builder& Type(const std::string& attr, int type);
  proto::AttrValue& Attr(const std::string& attr);

  V1Module& module() { return module_; }
  V1Graph& graph() { return graph_; }

 private:
  V1Module& module_;
  V1Graph& graph_;
  proto::NodeDef* last_ = nullptr;
};

struct ListSpec {
  int element_type = 0;
  bool grows = false;  // Writing may make it longer.
  bool adds = false;   // What is written is added to what is there.
};

// `list` with `item` as element `index`. Nodes are called like `name`.
V1Value SetItem(V1Builder& builder, const std::string& name,
                const ListSpec& spec, V1Value list, V1Value index,
                V1Value item);

// `list` with row i of `rows` as element indices[i], for all i.
V1Value SetItems(V1Builder& builder, const std::string& name,
                 const ListSpec& spec, V1Value list, V1Value indices,
                 V1Value rows);
// `list` with consecutive pieces of `values`, of the given lengths, as elements
// 0, 1, ...
V1Value SetPieces(V1Builder& builder, const std::string& name,
                  const ListSpec& spec, V1Value list, V1Value lengths,
                  V1Value values);

}  // namespace weft

#endif  // WEFT_GRAPH_TENSOR_ARRAY_H_
