// Node: one op of a graph.
#ifndef WEFT_GRAPH_NODE_H_
#define WEFT_GRAPH_NODE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/attr.h"
#include "core/data_type.h"
#include "core/tensor_shape.h"
#include "graph/output.h"
#include "graph/source_location.h"

namespace weft {

class Graph;
class OpSchema;

// The elements of a small integer tensor as far as they are known while
// building: kUnknownElement where not. Carries shape arithmetic.
inline constexpr int64_t kUnknownElement = INT64_MIN;
using PartialValue = std::vector<int64_t>;

class Node {
 public:
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  const std::string& name() const { return name_; }
  const std::string& op() const { return op_; }
  // Null if weft does not know the op: such a node can be kept, saved and
  // pruned, not run.
  const OpSchema* schema() const { return schema_; }
  Graph& graph() const { return *graph_; }
  // Position among the graph's nodes. Inputs come first, but for the
  // accumulators that Gradients appends to loops.
  int id() const { return id_; }

  const AttrMap& attrs() const { return attrs_; }
  const Outputs& inputs() const { return inputs_; }
  const Output& input(int i) const { return inputs_[i]; }
  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  const std::vector<Node*>& control_inputs() const { return control_inputs_; }
  int num_outputs() const { return static_cast<int>(outputs_.size()); }
  Output output(int i) { return Output(this, i); }
  DataType output_dtype(int i) const { return outputs_[i].dtype; }
  const TensorShape& output_shape(int i) const { return outputs_[i].shape; }
  // Null unless something is known of the elements.
  const PartialValue* output_value(int i) const {
    return outputs_[i].value.get();
  }

  // Private graphs: While has {cond, body}, If {then, else}, a call {function}.
  int num_bodies() const { return static_cast<int>(bodies_.size()); }
  Graph& body(int i) const { return *bodies_[i]; }

  const SourceLocation& location() const { return location_; }
  const std::string& device() const { return device_; }

  // "MatMul 'encoder/MatMul'(encoder/x:0 [?, 28], encoder/W:0 [64, 10])".
  std::string Describe() const;

 private:
  friend class Graph;
  struct OutputInfo {
    DataType dtype = DataType::kInvalid;
    TensorShape shape;
    std::unique_ptr<PartialValue> value;
  };
  Node() = default;

  std::string name_;
  std::string op_;
  const OpSchema* schema_ = nullptr;
  Graph* graph_ = nullptr;
  int id_ = 0;
  AttrMap attrs_;
  Outputs inputs_;
  std::vector<Node*> control_inputs_;
  std::vector<OutputInfo> outputs_;
  std::vector<std::unique_ptr<Graph>> bodies_;
  SourceLocation location_;
  std::string device_;
};

}  // namespace weft

#endif  // WEFT_GRAPH_NODE_H_
