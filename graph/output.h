// Output: one result of a node. What expressions are made of.
#ifndef WEFT_GRAPH_OUTPUT_H_
#define WEFT_GRAPH_OUTPUT_H_

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "core/data_type.h"
#include "core/tensor_shape.h"
#include "graph/source_location.h"

namespace weft {

class Graph;
class Node;

// A value handle: which node, which of its results. Knows its graph.
class Output {
 public:
  Output() = default;  // None: not valid.
  Output(Node* node, int index = 0) : node_(node), index_(index) {}

  bool valid() const { return node_ != nullptr; }
  Node* node() const { return node_; }
  int index() const { return index_; }
  Graph& graph() const;
  // What is known while building. Of an invalid Output: kInvalid, unknown rank.
  DataType dtype() const;
  const TensorShape& shape() const;
  // "encoder/MatMul:0".
  std::string name() const;

  friend bool operator==(const Output& a, const Output& b) {
    return a.node_ == b.node_ && a.index_ == b.index_;
  }
  template <typename H>
  friend H AbslHashValue(H h, const Output& o) {
    return H::combine(std::move(h), o.node_, o.index_);
  }

 private:
  Node* node_ = nullptr;
  int index_ = 0;
};

using Outputs = std::vector<Output>;

// An Output as the argument of a function that adds nodes: carries the line of
// the call, for error messages.
struct Operand {
  Operand(Output output, SourceLocation location = SourceLocation::Current())
      : output(output), location(location) {}

  operator Output() const { return output; }
  Graph& graph() const { return output.graph(); }
  DataType dtype() const { return output.dtype(); }
  const TensorShape& shape() const { return output.shape(); }

  Output output;
  SourceLocation location;
};

// A list of Outputs as an argument.
struct Operands {
  Operands(Outputs outputs, SourceLocation location = SourceLocation::Current())
      : outputs(std::move(outputs)), location(location) {}
  Operands(std::initializer_list<Output> outputs,
           SourceLocation location = SourceLocation::Current())
      : outputs(outputs), location(location) {}

  Outputs outputs;
  SourceLocation location;
};

// The graph as the first argument of a function that has no Output to take it
// from: Placeholder(g, ...).
struct GraphRef {
  GraphRef(Graph& graph, SourceLocation location = SourceLocation::Current())
      : graph(graph), location(location) {}

  Graph& graph;
  SourceLocation location;
};

}  // namespace weft

#endif  // WEFT_GRAPH_OUTPUT_H_
