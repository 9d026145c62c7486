// Copies of graphs and parts of them: how bodies get other arguments, other
// shapes, or become part of a gradient.
#ifndef WEFT_OPS_CONTROL_FLOW_COPY_H_
#define WEFT_OPS_CONTROL_FLOW_COPY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/tensor_shape.h"
#include "graph/graph.h"
#include "graph/output.h"

namespace weft {

// Which node a node was copied from, bodies included.
using NodeOrigins = absl::flat_hash_map<const Node*, Node*>;

// Copies nodes of one graph into another, as far as they are asked for.
//
//   GraphCopier copier(body, *copy);
//   copier.Map(body.args()[0], x);
//   Output y = copier.Copy(body.results()[0]);
//
// Shapes are inferred anew, in bodies too, so they may come out less specific
// if what is mapped is.
class GraphCopier {
 public:
  // `origins`, if given, learns about every copy.
  GraphCopier(const Graph& from, Graph& to, NodeOrigins* origins = nullptr)
      : from_(from), to_(to), origins_(origins) {}

  // Lets `copy` stand for `original`. What only `original` needs is not copied.
  void Map(Output original, Output copy) { mapped_[original] = copy; }
  // What stands for `original`; not valid if nothing does yet. Values of other
  // graphs, which lie around both, stand for themselves.
  Output Find(Output original) const;
  // The copy of `original`, together with all that it needs.
  Output Copy(Output original);
  // Copies every node that is no argument, control edges included.
  void CopyAll();

 private:
  bool IsPlaced(Output original) const { return Find(original).valid(); }
  void CopyNode(const Node& node);
  void CopyWithInputs(const Node& node, bool with_controls);

  const Graph& from_;
  Graph& to_;
  NodeOrigins* origins_;
  absl::flat_hash_map<Output, Output> mapped_;
  absl::flat_hash_map<const Node*, Node*> copies_;
};

// Is `value` of `graph`, or of one around it?
bool IsVisibleFrom(const Graph& graph, const Output& value);

// Does every value of shape `specific` also have shape `general`?
bool Covers(const TensorShape& general, const TensorShape& specific);

// A copy of the body `from` inside `parent`, with arguments like its own, for
// the inputs `inputs` of the node that it will belong to. Argument i is of
// `shapes[i]`.
std::unique_ptr<Graph> CopyBody(const Graph& from, Graph& parent,
                                const Outputs& inputs,
                                const std::vector<TensorShape>& shapes,
                                NodeOrigins* origins = nullptr);

// The bodies of a loop: {cond, body}.
struct LoopBodies {
  std::unique_ptr<Graph> cond;
  std::unique_ptr<Graph> body;
};

// Copies of a loop's bodies for variables that are of `shapes` at first. Dims
// that the body does not keep become unknown in all of the loop.
LoopBodies CopyLoop(const Graph& cond, const Graph& body, Graph& parent,
                    const Outputs& inputs, std::vector<TensorShape> shapes,
                    NodeOrigins* origins = nullptr);

// Gives all `bodies` arguments for what any of them captures, in one order, and
// returns what that is. Their other arguments are `declared` each.
Outputs UniteCaptures(const std::vector<std::unique_ptr<Graph>*>& bodies,
                      int declared);

}  // namespace weft

#endif  // WEFT_OPS_CONTROL_FLOW_COPY_H_
