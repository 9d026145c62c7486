// The nodes of a GraphDef or of a function's body, read and put in order.
#ifndef WEFT_GRAPH_NODE_LIST_H_
#define WEFT_GRAPH_NODE_LIST_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace weft {

namespace proto {
class FunctionDef;
class GraphDef;
class NodeDef;
}  // namespace proto

// One input as it is spelt in a file.
struct InputRef {
  int node = -1;  // Which of the list; -1: an argument of the function.
  int arg = -1;   // Which argument, if it is one.
  // "node:sum:1" in a function: output 1 of those called "sum". Empty: `index`
  // counts all outputs of the node.
  absl::string_view output = {};
  int index = 0;
};

// Refers to the message it was made from, which must outlive it.
class NodeList {
 public:
  // InvalidArgument if a name is not valid or there twice, an input does not
  // exist, a data input comes behind a control input, or there is a cycle;
  // Unimplemented for the control flow of old graphs. The names of the outputs
  // are not looked at: they depend on the op.
  static absl::StatusOr<NodeList> OfGraph(const proto::GraphDef& graph);
  // As OfGraph, with the control flow of old graphs: what a NextIteration gives
  // comes back to the beginning of a loop, so it is not looked at for order().
  static absl::StatusOr<NodeList> OfOldGraph(const proto::GraphDef& graph);
  static absl::StatusOr<NodeList> OfFunction(
      const proto::FunctionDef& function);

  int size() const { return static_cast<int>(nodes_.size()); }
  const proto::NodeDef& node(int i) const { return *nodes_[i]; }
  absl::Span<const InputRef> inputs(int i) const {
    return absl::MakeSpan(inputs_).subspan(
        inputs_begin_[i], inputs_begin_[i + 1] - inputs_begin_[i]);
  }
  // Nodes and, in `arg`, arguments that must come first.
  absl::Span<const InputRef> control_inputs(int i) const {
    return absl::MakeSpan(controls_).subspan(
        controls_begin_[i], controls_begin_[i + 1] - controls_begin_[i]);
  }
  // All nodes, inputs first.
  const std::vector<int>& order() const { return order_; }

  // What `ret` and `control_ret` of a function name.
  absl::StatusOr<InputRef> Resolve(absl::string_view name) const;
  // -1 if there is none.
  int Find(absl::string_view name) const;

 private:
  NodeList() = default;
  absl::Status Read(bool in_function);
  absl::Status AddNames();
  absl::Status AddInputs(int i);
  absl::Status Order();
  absl::Status Unknown(absl::string_view name) const;

  bool in_function_ = false;
  bool is_old_ = false;
  std::vector<const proto::NodeDef*> nodes_;
  absl::flat_hash_map<absl::string_view, int> by_name_;
  absl::flat_hash_map<absl::string_view, int> args_;
  std::vector<size_t> inputs_begin_ = {0};
  std::vector<InputRef> inputs_;
  std::vector<size_t> controls_begin_ = {0};
  std::vector<InputRef> controls_;
  std::vector<int> order_;
};

// "MatMul 'encoder/MatMul'".
std::string DescribeNode(const proto::NodeDef& node);

}  // namespace weft

#endif  // WEFT_GRAPH_NODE_LIST_H_
